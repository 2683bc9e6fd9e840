//! One request as the fuzzer makes it up, and what is known outside while it is judged.

use arbitrary::{Arbitrary, Unstructured};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use super::cast::CAST;
use crate::NOW;

/// What is asked. Every part is a choice among things good and bad, or bytes of the fuzzer's own.
#[derive(Arbitrary, Clone, Debug)]
pub struct Request {
    /// Which of the gate's configurations.
    pub world: u8,
    /// When, in seconds from [`NOW`]; and when it was asked before, so that the caches know it.
    pub now: i32,
    pub before: i32,
    pub peer: Peer,
    pub secret: Secret,
    pub certificate: Certificate,
    pub chain: Chain,
    pub token: Token,
    /// `exp`, `iat`, and so on of a minted token.
    pub claims: Claims,
    pub proof: Proof,
    pub path: Path,
    pub method: Method,
    pub outside: Outside,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Peer {
    Balancer,
    /// As a dual-stack socket tells it.
    MappedBalancer,
    UnixSocket,
    Any([u8; 4]),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Secret {
    Right,
    None,
    Wrong,
    Twice,
}

#[derive(Arbitrary, Clone, Debug)]
pub enum Certificate {
    /// Written as the load balancer would.
    Minted(u8),
    None,
    Twice(u8, u8),
    /// Under a name that only looks the same.
    Alias(u8),
    /// One byte of the header's value is another.
    Spoiled {
        which: u8,
        at: u16,
        byte: u8,
    },
    /// One byte of the certificate is another, the value well-formed.
    Tampered {
        which: u8,
        at: u16,
        byte: u8,
    },
    Bytes(Vec<u8>),
}

#[derive(Arbitrary, Clone, Debug)]
pub enum Chain {
    None,
    Intermediate,
    LeafAndIntermediate,
    Tampered { at: u16, byte: u8 },
    Bytes(Vec<u8>),
}

#[derive(Arbitrary, Clone, Debug)]
pub enum Token {
    /// By the issuer, with [`Claims`].
    Minted,
    None,
    Twice,
    /// By another key than the issuer's.
    Forged,
    /// With another header than an access token has.
    Headed(Header),
    /// One byte is another.
    Spoiled {
        at: u16,
        byte: u8,
    },
    /// A payload of the fuzzer's own that the issuer signed.
    Payload(Vec<u8>),
    /// Nothing to be read: the issuer is asked, and answers with [`Claims`].
    Opaque,
    Bytes(Vec<u8>),
    /// With something behind the signature: the issuer passes over that, and says what it says of the token before it.
    Extended(u8),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Header {
    NoAlgorithm,
    OtherAlgorithm,
    Symmetric,
    OtherKid,
    OtherType,
    NoType,
    Critical,
    BringsKey,
}

#[derive(Arbitrary, Clone, Debug)]
pub struct Claims {
    pub other_issuer: bool,
    pub other_audience: bool,
    pub expires: Option<i16>,
    pub not_before: Option<i16>,
    pub issued_at: Option<i16>,
    pub certificate: Confirmed,
    pub key: Confirmed,
    pub scope: Scope,
    pub granted_to: Grantee,
    pub consent: bool,
    pub left_out: Option<u8>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Confirmed {
    No,
    /// By the client of this number, or by the key whose token it is.
    By(u8),
    Hexadecimal,
    Cut,
    Number,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Scope {
    Accounts,
    None,
    Others,
    List,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Grantee {
    User,
    Client,
    Application,
    Nobody,
}

#[derive(Arbitrary, Clone, Debug)]
pub enum Proof {
    None,
    Minted { age: i16, method: bool, path: bool, token: bool, forged: bool },
    Spoiled { at: u16, byte: u8 },
    Bytes(Vec<u8>),
}

#[derive(Arbitrary, Clone, Debug)]
pub enum Path {
    Known(u8),
    Bytes(Vec<u8>),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Method {
    Get,
    Post,
    Delete,
    Trace,
}

/// What others say while the request is judged.
#[derive(Arbitrary, Clone, Debug)]
pub struct Outside {
    pub revocation: Revocation,
    pub used: Used,
    pub consents: bool,
    pub active: bool,
    pub answers: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Revocation {
    Good,
    Revoked,
    Unknown,
    Unavailable,
    NotAsked,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Used {
    First,
    Again,
    Unknown,
}

impl Request {
    /// From the fuzzer's bytes; none where they do not suffice.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        Self::arbitrary_take_rest(Unstructured::new(bytes)).ok()
    }

    /// When, in seconds since 1970.
    pub fn at(offset: i32) -> u64 {
        NOW.saturating_add_signed(offset.into())
    }

    /// The exact path, which may be none.
    pub fn path(&self) -> &[u8] {
        match &self.path {
            Path::Known(place) => PATHS[usize::from(*place) % PATHS.len()].as_bytes(),
            Path::Bytes(bytes) => bytes,
        }
    }

    /// The characters of each `Authorization` header's credentials.
    pub fn tokens(&self) -> Vec<Vec<u8>> {
        let minted = || CAST.issuer.jws(HEADER, self.claims.json().to_string().as_bytes()).into_bytes();
        match &self.token {
            Token::None => vec![],
            Token::Minted => vec![minted()],
            Token::Twice => vec![minted(), minted()],
            Token::Forged => vec![CAST.forger.jws(HEADER, self.claims.json().to_string().as_bytes()).into_bytes()],
            Token::Headed(header) => {
                vec![CAST.issuer.jws(header.text().as_bytes(), self.claims.json().to_string().as_bytes()).into_bytes()]
            }
            Token::Spoiled { at, byte } => vec![spoiled(minted(), *at, *byte)],
            Token::Payload(payload) => vec![CAST.issuer.jws(HEADER, payload).into_bytes()],
            Token::Opaque => vec![b"opaque".to_vec()],
            Token::Bytes(bytes) => vec![bytes.clone()],
            Token::Extended(by) => {
                let behind = [".", "..", ".x", ".x.y"][usize::from(*by % 4)];
                vec![[minted().as_slice(), behind.as_bytes()].concat()]
            }
        }
    }

    /// The value of the `DPoP` header.
    pub fn proof(&self, now: u64) -> Option<Vec<u8>> {
        let token = self.tokens().into_iter().next().unwrap_or_default();
        let ath = BASE64.encode(digest(&SHA256, &token));
        let minted = |age: i16, method: &str, path: &str, ath: &str, key: &crate::key::Key| {
            let header = format!(r#"{{"alg":"EdDSA","typ":"dpop+jwt","jwk":{}}}"#, CAST.holder.jwk());
            let claims = json!({"jti": "1", "htm": method, "htu": format!("{ORIGIN}{path}"), "ath": ath,
                "iat": now.saturating_add_signed((-age).into())});
            key.jws(header.as_bytes(), claims.to_string().as_bytes()).into_bytes()
        };
        let path = String::from_utf8_lossy(self.path());
        match &self.proof {
            Proof::None => None,
            Proof::Bytes(bytes) => Some(bytes.clone()),
            Proof::Spoiled { at, byte } => {
                Some(spoiled(minted(1, self.method.name(), &path, &ath, &CAST.holder), *at, *byte))
            }
            Proof::Minted { age, method, path: other_path, token, forged } => {
                let method = if *method { "PATCH" } else { self.method.name() };
                let path = if *other_path { "/elsewhere" } else { &*path };
                let ath = if *token { "x" } else { &*ath };
                Some(minted(
                    (*age).max(-i16::MAX),
                    method,
                    path,
                    ath,
                    if *forged { &CAST.forger } else { &CAST.holder },
                ))
            }
        }
    }
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
            Self::Trace => "TRACE",
        }
    }
}

impl Header {
    fn text(self) -> &'static str {
        match self {
            Self::NoAlgorithm => r#"{"alg":"none","kid":"1","typ":"at+jwt"}"#,
            Self::OtherAlgorithm => r#"{"alg":"ES256","kid":"1","typ":"at+jwt"}"#,
            Self::Symmetric => r#"{"alg":"HS256","kid":"1","typ":"at+jwt"}"#,
            Self::OtherKid => r#"{"alg":"EdDSA","kid":"2","typ":"at+jwt"}"#,
            Self::OtherType => r#"{"alg":"EdDSA","typ":"dpop+jwt"}"#,
            Self::NoType => r#"{"alg":"EdDSA"}"#,
            Self::Critical => r#"{"alg":"EdDSA","typ":"at+jwt","crit":["exp"]}"#,
            Self::BringsKey => r#"{"alg":"EdDSA","typ":"at+jwt","jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}}"#,
        }
    }
}

impl Claims {
    /// The payload of a token, or the answer about one.
    pub fn json(&self) -> Value {
        let issuer = if self.other_issuer { "https://other.example" } else { ISSUER };
        let audience = if self.other_audience { json!(["https://other.example"]) } else { json!(["x", AUDIENCE]) };
        let mut claims = Map::from_iter([("iss".to_owned(), json!(issuer)), ("aud".to_owned(), audience)]);
        let times = [("exp", self.expires), ("nbf", self.not_before), ("iat", self.issued_at)];
        for (name, offset) in times.into_iter().filter_map(|(name, offset)| Some((name, offset?))) {
            claims.insert(name.to_owned(), json!(Request::at(offset.into())));
        }
        let thumbprint = |place: u8| digest(&SHA256, &CAST.clients[usize::from(place) % CAST.clients.len()].der);
        let holder = digest(&SHA256, CAST.holder.jwk().as_bytes());
        let confirmed = Map::from_iter(
            [("x5t#S256", self.certificate.json(thumbprint)), ("jkt", self.key.json(|_| holder))]
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?))),
        );
        if !confirmed.is_empty() {
            claims.insert("cnf".to_owned(), Value::Object(confirmed));
        }
        claims.extend(self.scope.member());
        claims.extend(self.granted_to.members());
        if self.consent {
            claims.insert("consent_id".to_owned(), json!("c1"));
        }
        if let Some(place) = self.left_out {
            claims.remove(["iss", "aud", "exp", "cnf"][usize::from(place) % 4]);
        }
        Value::Object(claims)
    }

    /// What the issuer says when it is asked; `forgetful`: not to whom the token is bound.
    pub fn told(&self, forgetful: bool) -> Value {
        let mut claims = self.json();
        if let Some(claims) = claims.as_object_mut().filter(|_| forgetful) {
            claims.remove("cnf");
        }
        claims
    }
}

impl Confirmed {
    fn json(self, of: impl Fn(u8) -> ring::digest::Digest) -> Option<Value> {
        match self {
            Self::No => None,
            Self::By(place) => Some(json!(BASE64.encode(of(place)))),
            Self::Hexadecimal => {
                Some(json!(of(0).as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
            }
            Self::Cut => Some(json!(BASE64.encode(of(0))[..42])),
            Self::Number => Some(json!(7)),
        }
    }
}

impl Scope {
    fn member(self) -> Option<(String, Value)> {
        let value = match self {
            Self::None => return None,
            Self::Accounts => json!("openid accounts"),
            Self::Others => json!("accountsx xaccounts"),
            Self::List => json!(["accounts"]),
        };
        Some(("scope".to_owned(), value))
    }
}

impl Grantee {
    fn members(self) -> Vec<(String, Value)> {
        let all =
            |members: &[(&str, &str)]| members.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        match self {
            Self::User => all(&[("sub", "alice"), ("client_id", "tpp")]),
            Self::Client => all(&[("sub", "tpp"), ("client_id", "tpp")]),
            Self::Application => all(&[("sub", "alice"), ("client_id", "tpp"), ("aut", "APPLICATION")]),
            Self::Nobody => vec![],
        }
    }
}

/// `bytes` with one of them replaced.
pub fn spoiled(mut bytes: Vec<u8>, at: u16, byte: u8) -> Vec<u8> {
    let place = usize::from(at) % bytes.len().max(1);
    bytes[place..].iter_mut().take(1).for_each(|old| *old = byte);
    bytes
}

pub const ISSUER: &str = "https://as.example";
pub const AUDIENCE: &str = "https://api.example";
pub const ORIGIN: &str = "https://api.example";

/// Each route has one, and so have none, one that looks like another, and one that is ambiguous.
pub const PATHS: [&str; 12] = [
    "/open",
    "/certificate",
    "/token",
    "/accounts/1",
    "/licensed",
    "/users",
    "/consented",
    "/",
    "/accounts/",
    "/accounts/1/",
    "/Open",
    "/accounts/%2e%2e",
];

const HEADER: &[u8] = br#"{"alg":"EdDSA","kid":"1","typ":"at+jwt"}"#;
