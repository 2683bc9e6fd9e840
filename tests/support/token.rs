//! Access tokens as the authorization server signs them, and as nobody should.

use std::{
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Map, Value, json};

use super::pki::Client;

/// The issuer in [`Config`](super::Config) and in every token, unless a test says otherwise.
pub(crate) const ISSUER: &str = "https://as.bank.example";
/// The audience likewise.
pub(crate) const AUDIENCE: &str = "https://api.bank.example";

/// An ES256 key with its `kid`.
pub(crate) struct SigningKey {
    kid: String,
    pair: EcdsaKeyPair,
}

impl SigningKey {
    pub(crate) fn new(kid: &str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        Self { kid: kid.to_owned(), pair }
    }

    /// The key that every test's issuer publishes.
    pub(crate) fn published() -> &'static Self {
        static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::new("published"));
        &KEY
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let encode = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
        json!({"kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "alg": "ES256", "x": encode(x), "y": encode(y)})
    }

    /// A JWS of this header and payload.
    pub(crate) fn sign(&self, header: Map<String, Value>, claims: Map<String, Value>) -> String {
        let part = |value: Map<String, Value>| BASE64_URL_SAFE_NO_PAD.encode(Value::Object(value).to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    /// A key set that holds these keys.
    pub(crate) fn set(keys: &[&Self]) -> String {
        json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}).to_string()
    }
}

/// A token in the making: good, until a test changes it.
#[derive(Clone)]
pub(crate) struct Token {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Token {
    /// Bound to this client's certificate.
    pub(crate) fn of(client: &Client) -> Self {
        Self::unbound().bound_to(client)
    }

    /// Good, but for whoever holds it.
    pub(crate) fn unbound() -> Self {
        let now = now();
        let header = json!({"typ": "at+jwt", "alg": "ES256", "kid": SigningKey::published().kid});
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 300, "sub": "psu-7", "client_id": "tpp-1",
            "scope": "accounts payments", "jti": "jti-1",
        });
        let (Value::Object(header), Value::Object(claims)) = (header, claims) else { unreachable!() };
        Self { header, claims }
    }

    /// No access token, but whatever `claims` say, for `key` to sign.
    pub(crate) fn saying(key: &SigningKey, claims: Value) -> Self {
        let header = json!({"typ": "JWT", "alg": "ES256", "kid": key.kid});
        let (Value::Object(header), Value::Object(claims)) = (header, claims) else { panic!("claims are an object") };
        Self { header, claims }
    }

    pub(crate) fn bound_to(self, client: &Client) -> Self {
        self.claim("cnf", json!({"x5t#S256": client.thumbprint()}))
    }

    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn without(mut self, claim: &str) -> Self {
        self.claims.remove(claim);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// Ended a minute before the skew that is allowed by default.
    pub(crate) fn expired(self) -> Self {
        self.claim("exp", now() - 90)
    }

    /// Signed by the published key.
    pub(crate) fn sign(self) -> String {
        let key = SigningKey::published();
        self.sign_with(key)
    }

    /// Signed by `key`; the header still names the published one, unless a test has changed it.
    pub(crate) fn sign_with(self, key: &SigningKey) -> String {
        key.sign(self.header, self.claims)
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
