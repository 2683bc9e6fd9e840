//! Holds a permit to account: every condition checked once more from what was sent and what was minted, with ring,
//! serde_json, and nothing of certbound, so that one mistake is not made twice.
//!
//! Whether a refusal is right is not asked here.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as BASE64},
};
use percent_encoding::percent_decode;
use ring::{
    digest::{SHA256, digest},
    signature::{ED25519, UnparsedPublicKey},
};
use serde_json::Value;

use super::{
    cast::{CAST, Client},
    request::{AUDIENCE, ISSUER, Method, ORIGIN, Peer, Request, Revocation, Secret, Token, Used},
};
use crate::{NOW, key::Key};

/// What was sent when, and the configuration it met.
pub struct Witness<'a> {
    pub request: &'a Request,
    pub now: u64,
    /// Whether `jkt` counts.
    pub proofs: bool,
    /// Whether a certificate passes of which nobody tells anything.
    pub allows_unavailable: bool,
    /// Whether the issuer is asked about its JWTs too, and leaves out what they are bound to.
    pub introspects: bool,
    /// The values that the certificate was read from.
    pub certificate: &'a [Vec<u8>],
    pub chain: &'a [Vec<u8>],
}

/// What a route demands besides its method.
#[derive(Default)]
struct Demands {
    certificate: bool,
    token: bool,
    binding: bool,
    scope: Option<&'static str>,
    licence: bool,
    user: bool,
    consent: bool,
}

impl Witness<'_> {
    /// What is missing of the permit's conditions.
    ///
    /// # Errors
    /// The first condition that does not hold.
    pub fn permits(&self) -> Result<(), &'static str> {
        let demands = self.demands().ok_or("there is no such route, or not for this method")?;
        if demands.certificate {
            self.cleared()?;
        }
        if demands.licence && !self.cleared()?.licensed {
            return Err("the certificate does not have the role");
        }
        if !demands.token {
            return Ok(());
        }
        let claims = self.token()?;
        // What a token says of itself, unverified, binds nothing and has to hold.
        let said = self.said();
        self.certificate_is_confirmed(&said)?;
        let names_key = claims["cnf"].get("jkt").is_some();
        let proven = self.key_is_confirmed(if names_key { &claims } else { &said })?;
        let bound = self.certificate_is_confirmed(&claims)? | (names_key && proven);
        if demands.binding && !bound {
            return Err("the token is not bound");
        }
        if demands.scope.is_some_and(|scope| !scopes(&claims).any(|granted| granted == scope)) {
            return Err("the token does not have the scope");
        }
        if demands.user && !is_of_user(&claims) {
            return Err("the token is not a user's");
        }
        let consents = self.request.outside.answers && self.request.outside.consents;
        if demands.consent && !(claims["consent_id"].as_str().is_some_and(|id| !id.is_empty()) && consents) {
            return Err("there is no consent");
        }
        Ok(())
    }

    /// The certificate that the client showed, believed and not revoked.
    ///
    /// # Errors
    /// Why it is not to be believed.
    pub fn cleared(&self) -> Result<&'static Client, &'static str> {
        let client = self.shown()?;
        match self.request.outside.revocation {
            Revocation::Good => Ok(client),
            Revocation::Unavailable if self.allows_unavailable => Ok(client),
            _ => Err("nobody says that the certificate is not revoked"),
        }
    }

    /// The certificate that the client showed, whatever its issuer says of it now.
    ///
    /// # Errors
    /// Why it is not to be believed.
    pub fn shown(&self) -> Result<&'static Client, &'static str> {
        let trusted = match self.request.peer {
            Peer::Balancer | Peer::MappedBalancer | Peer::UnixSocket => true,
            Peer::Any(octets) => octets[0] == 10,
        };
        if !trusted || !matches!(self.request.secret, Secret::Right) {
            return Err("the peer is no load balancer");
        }
        let [value] = self.certificate else { return Err("there is not one certificate header") };
        let held = |client: &&Client| holds(value, &client.der);
        let client = CAST.clients.iter().find(held).ok_or("the header holds no certificate that was minted")?;
        let (before, after) = client.good.ok_or("the certificate is one of the bad ones")?;
        let dates = NOW.checked_add_signed(before)..=NOW.checked_add_signed(after);
        if !dates.contains(&Some(self.now)) {
            return Err("the certificate is not in date");
        }
        if client.by_intermediate && !self.sends_intermediate(&client.der) {
            return Err("the issuer of the certificate was not sent");
        }
        Ok(client)
    }

    fn sends_intermediate(&self, leaf: &[u8]) -> bool {
        let intermediate = &CAST.intermediate.der;
        let both = [leaf, intermediate].concat();
        self.certificate.iter().chain(self.chain).any(|value| holds(value, intermediate) || holds(value, &both))
    }

    /// The claims of the one token, signed by the issuer or told by it, and current.
    ///
    /// # Errors
    /// Why they are not to be believed.
    pub fn token(&self) -> Result<Value, &'static str> {
        let tokens = self.request.tokens();
        let [token] = tokens.as_slice() else { return Err("there is not one token") };
        if let Token::Extended(_) = self.request.token {
            return Err("something stands behind the signature");
        }
        let kind = self.unverified(0)["typ"].as_str().map(str::to_ascii_lowercase);
        if kind.is_some_and(|kind| kind != "at+jwt") {
            return Err("the token says that it is no access token");
        }
        let claims = if self.introspects || matches!(self.request.token, Token::Opaque) {
            let outside = &self.request.outside;
            let told = || self.request.claims.told(self.introspects);
            (outside.answers && outside.active).then(told).ok_or("the token is not active")?
        } else {
            let (header, claims) = signed(token, &CAST.issuer).ok_or("the issuer did not sign the token")?;
            let kind = header["typ"].as_str().map(str::to_ascii_lowercase);
            if header["alg"] != "EdDSA" || header.get("crit").is_some() || kind.as_deref() != Some("at+jwt") {
                return Err("the header is not that of an access token");
            }
            claims
        };
        let is_audience = |audience: &Value| audience == AUDIENCE;
        let audiences =
            claims["aud"].as_array().map_or(is_audience(&claims["aud"]), |list| list.iter().any(is_audience));
        if claims["iss"] != ISSUER || !audiences {
            return Err("the token is of another issuer, or for another audience");
        }
        let now = self.now as f64;
        if claims["exp"].as_f64().is_none_or(|expires| now >= expires + SKEW) {
            return Err("the token has ended");
        }
        let early = |name: &str| {
            claims.get(name).is_some_and(|from| from.as_f64().is_none_or(|from| now + SKEW < from.floor()))
        };
        if early("nbf") || early("iat") {
            return Err("the token has not begun");
        }
        Ok(claims)
    }

    /// The claims in a token whose signature is not looked at; none where it is.
    fn said(&self) -> Value {
        self.unverified(1)
    }

    /// The header or the payload of a token whose signature is not looked at; none where it is.
    fn unverified(&self, part: usize) -> Value {
        let token = self.request.tokens().concat();
        let part = token.split(|byte| *byte == b'.').nth(part).filter(|_| self.introspects);
        let part = part.and_then(|part| BASE64.decode(part).ok()).unwrap_or_default();
        serde_json::from_slice(&part).unwrap_or_default()
    }

    /// Whether the token is bound to a certificate, which then is the client's.
    fn certificate_is_confirmed(&self, claims: &Value) -> Result<bool, &'static str> {
        let Some(confirmed) = claims["cnf"].get("x5t#S256") else { return Ok(false) };
        let shown = self.cleared()?;
        let same = *confirmed == BASE64.encode(digest(&SHA256, &shown.der));
        same.then_some(true).ok_or("the token is bound to another certificate")
    }

    /// Whether the token is bound to a key, which the client then proved to hold.
    fn key_is_confirmed(&self, claims: &Value) -> Result<bool, &'static str> {
        let proof = self.request.proof(self.now);
        let Some(confirmed) = claims["cnf"].get("jkt").filter(|_| self.proofs) else {
            return if proof.is_none() { Ok(false) } else { Err("a token was taken as if it were bound to a key") };
        };
        let (header, proven) =
            proof.and_then(|proof| signed(&proof, &CAST.holder)).ok_or("the holder of the key did not sign")?;
        let token = self.request.tokens().concat();
        let address = [ORIGIN.as_bytes(), self.request.path()].concat();
        let held = *confirmed == BASE64.encode(digest(&SHA256, CAST.holder.jwk().as_bytes()))
            && header["jwk"]["x"] == BASE64.encode(CAST.holder.public())
            && proven["ath"] == BASE64.encode(digest(&SHA256, &token))
            && proven["htm"] == self.request.method.name()
            && proven["htu"].as_str().is_some_and(|named| named.as_bytes() == address)
            && matches!(self.request.outside.used, Used::First);
        let now = self.now as f64;
        let fresh = proven["iat"].as_f64().is_some_and(|made| (now - 61.0..=now + SKEW + 1.0).contains(&made));
        (held && fresh).then_some(true).ok_or("the proof is not for this request")
    }

    fn demands(&self) -> Option<Demands> {
        let path = std::str::from_utf8(self.request.path()).ok()?;
        let all = Demands { certificate: true, token: true, binding: true, ..Demands::default() };
        let (method, demands) = match path {
            "/open" => return (self.request.method.name() != "TRACE").then(Demands::default),
            "/certificate" => ("GET", Demands { certificate: true, ..Demands::default() }),
            "/token" => ("GET", Demands { token: true, ..Demands::default() }),
            "/licensed" => ("GET", Demands { licence: true, ..all }),
            "/users" => ("POST", Demands { user: true, ..all }),
            "/consented" => ("GET", Demands { consent: true, ..all }),
            _ => {
                let account = path.strip_prefix("/accounts/")?;
                let one = !account.is_empty() && !account.contains('/') && ![".", ".."].contains(&account);
                ("GET", one.then_some(Demands { scope: Some("accounts"), ..all })?)
            }
        };
        (Method::name(self.request.method) == method).then_some(demands)
    }
}

/// Whether a header's value holds exactly this DER in base64, escaped and armoured or not.
fn holds(value: &[u8], der: &[u8]) -> bool {
    let plain: Vec<u8> = percent_decode(value).filter(|byte| !byte.is_ascii_whitespace()).collect();
    let wanted = BASE64_STANDARD.encode(der).into_bytes();
    plain.windows(wanted.len()).any(|window| window == wanted)
}

/// Header and payload of a JWS that this key signed.
fn signed(jws: &[u8], key: &Key) -> Option<(Value, Value)> {
    let end = jws.iter().rposition(|byte| *byte == b'.')?;
    let (message, signature) = (&jws[..end], BASE64.decode(&jws[end + 1..]).ok()?);
    UnparsedPublicKey::new(&ED25519, key.public()).verify(message, &signature).ok()?;
    let (header, payload) = message.split_at(message.iter().position(|byte| *byte == b'.')?);
    let json = |part: &[u8]| serde_json::from_slice(&BASE64.decode(part).ok()?).ok();
    Some((json(header)?, json(&payload[1..])?))
}

fn scopes(claims: &Value) -> impl Iterator<Item = &str> {
    let scope = claims.get("scope").or_else(|| claims.get("scp"));
    let text = scope.and_then(Value::as_str).into_iter().flat_map(|text| text.split(' '));
    text.chain(scope.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str))
}

fn is_of_user(claims: &Value) -> bool {
    if let Some(kind) = claims.get("aut") {
        return kind == "APPLICATION_USER";
    }
    let client = claims.get("client_id").or_else(|| claims.get("azp"));
    claims.get("sub").zip(client).is_some_and(|(subject, client)| subject != client)
}

/// Difference between clocks, in seconds.
const SKEW: f64 = 30.0;
