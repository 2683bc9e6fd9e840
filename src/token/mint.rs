//! Mints tokens and key sets for tests: what an authorization server does, and what a forger would.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, header::AUTHORIZATION};
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    },
};
use rustls_pki_types::UnixTime;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::token::{
    AccessToken, Algorithm, BearerToken, Issuer, Issuers, KeyRing, KeySet, TokenRules, Verify, jwk::Key,
};

/// A signing key, made anew for each test.
pub(crate) struct Mint {
    algorithm: Algorithm,
    kid: &'static str,
    key: SigningKey,
}

enum SigningKey {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Mint {
    /// A key for ES256, ES384, or EdDSA, published under `kid`.
    pub(crate) fn new(algorithm: Algorithm, kid: &'static str) -> Self {
        let random = SystemRandom::new();
        let key = match algorithm {
            Algorithm::EdDSA => {
                let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                SigningKey::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
            }
            _ => {
                let how = match algorithm {
                    Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
                    Algorithm::ES384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
                    other => panic!("no key for {other:?} can be made here"),
                };
                let document = EcdsaKeyPair::generate_pkcs8(how, &random).unwrap();
                SigningKey::Ecdsa(EcdsaKeyPair::from_pkcs8(how, document.as_ref(), &random).unwrap())
            }
        };
        Self { algorithm, kid, key }
    }

    /// The public key.
    pub(crate) fn jwk(&self) -> Value {
        let encode = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
        match &self.key {
            SigningKey::Ed25519(key) => {
                let x = encode(key.public_key().as_ref());
                json!({"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": x})
            }
            SigningKey::Ecdsa(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at((key.public_key().as_ref().len() - 1) / 2);
                let crv = if self.algorithm == Algorithm::ES256 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": crv, "kid": self.kid, "use": "sig", "x": encode(x), "y": encode(y)})
            }
        }
    }

    /// A proof of this key (RFC 9449) for a GET of `address` with this token, made at [`NOW`].
    pub(crate) fn proof(&self, address: &str, token: &str) -> String {
        let header = json!({"alg": self.algorithm.name(), "typ": "dpop+jwt", "jwk": self.jwk()});
        let ath = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()));
        let claims = json!({"jti": "1", "htm": "GET", "htu": address, "iat": NOW, "ath": ath});
        self.sign(&header.to_string(), &claims.to_string())
    }

    /// SHA-256 thumbprint of the key.
    pub(crate) fn thumbprint(&self) -> String {
        let jwk = self.jwk().to_string();
        Key::read(&serde_json::from_str(&jwk).unwrap()).unwrap().thumbprint().to_string()
    }

    /// The key set that holds this key alone.
    pub(crate) fn key_set(&self) -> KeySet {
        KeySet::parse(json!({ "keys": [self.jwk()] }).to_string().as_bytes()).unwrap()
    }

    /// A token with these claims and the header of an access token (RFC 9068).
    pub(crate) fn token(&self, claims: &Value) -> String {
        let header = json!({"alg": self.algorithm.name(), "kid": self.kid, "typ": "at+jwt"});
        self.sign(&header.to_string(), &claims.to_string())
    }

    /// Signs any header and payload, well-formed or not.
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(payload));
        let signature = match &self.key {
            SigningKey::Ecdsa(key) => key.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
            SigningKey::Ed25519(key) => key.sign(message.as_bytes()).as_ref().to_vec(),
        };
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The issuer in [`claims`] and [`issuers`].
pub(crate) const ISSUER: &str = "https://as.example";

/// The audience in [`claims`] and [`issuers`].
pub(crate) const AUDIENCE: &str = "https://api.example";

/// The time at which [`claims`] hold, in seconds.
pub(crate) const NOW: u64 = 1_800_000_000;

/// Seconds as a time.
pub(crate) fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// Claims that hold at [`NOW`] and for five minutes more, with `changes` on top; `null` takes a claim away.
pub(crate) fn claims(changes: &Value) -> Value {
    let mut claims =
        json!({"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 300, "iat": NOW, "sub": "alice", "client_id": "tpp"});
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// One issuer with the default rules, every algorithm, and a skew of 30 s.
pub(crate) fn issuers() -> Issuers {
    Issuers {
        issuers: vec![Issuer {
            issuer: ISSUER.into(),
            audiences: vec![AUDIENCE.to_owned()],
            verify: Verify::Jwt,
            introspects: false,
        }],
        rules: TokenRules {
            algorithms: Algorithm::ALL.to_vec(),
            clock_skew: 30,
            types: vec!["at+jwt".to_owned(), "jwt".to_owned()],
            required_claims: vec!["iss".into(), "aud".into(), "exp".into()],
            consent_claim: None,
        },
    }
}

/// The headers of a request with this token.
pub(crate) fn bearing(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").try_into().unwrap())])
}

/// A verified token with these claims on top of [`claims`].
pub(crate) fn access_token(changes: &Value) -> AccessToken {
    let mint = Mint::new(Algorithm::ES256, "1");
    let ring = KeyRing::new(vec![Some(Arc::new(mint.key_set()))], 0);
    let headers = bearing(&mint.token(&claims(changes)));
    issuers().verify(BearerToken::read(&headers, true).unwrap(), &ring, &|_| None, at(NOW)).1.unwrap()
}
