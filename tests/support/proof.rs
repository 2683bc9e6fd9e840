//! Proofs of possession (RFC 9449) as a client makes them, and as a thief would.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{
    pki::hash,
    token::{SigningKey, Token, now},
};

/// A client's key.
pub(crate) struct Holder(SigningKey);

/// A proof in the making: good, until a test changes it.
#[derive(Clone)]
pub(crate) struct Proof<'a> {
    key: &'a SigningKey,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Holder {
    pub(crate) fn new() -> Self {
        Self(SigningKey::new("unpublished"))
    }

    /// As a proof shows it.
    pub(crate) fn jwk(&self) -> Value {
        let jwk = self.0.jwk();
        json!({"kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"], "y": jwk["y"]})
    }

    /// SHA-256 thumbprint (RFC 7638).
    pub(crate) fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        BASE64_URL_SAFE_NO_PAD.encode(hash(members.as_bytes()))
    }

    /// A token that is bound to this key.
    pub(crate) fn token(&self) -> Token {
        Token::unbound().claim("cnf", json!({"jkt": self.thumbprint()}))
    }

    /// A proof for a GET of `address` with this token, never made before.
    pub(crate) fn proof(&self, address: &str, token: &str) -> Proof<'_> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let jti = format!("proof-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let ath = BASE64_URL_SAFE_NO_PAD.encode(hash(token.as_bytes()));
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()});
        let claims = json!({"jti": jti, "htm": "GET", "htu": address, "iat": now(), "ath": ath});
        let (Value::Object(header), Value::Object(claims)) = (header, claims) else { unreachable!() };
        Proof { key: &self.0, header, claims }
    }
}

impl Proof<'_> {
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

    pub(crate) fn sign(self) -> String {
        self.key.sign(self.header, self.claims)
    }
}
