//! Who signs tokens, by each of the three algorithms that banks use.

use std::process::Command;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256,
        RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaKeyPair, UnparsedPublicKey,
    },
};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};

/// How a token is signed.
#[derive(Clone, Copy)]
pub(crate) enum Algorithm {
    Es256,
    Rs256,
    Ps256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 3] = [Self::Es256, Self::Rs256, Self::Ps256];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }
}

/// An authorization server's keys: P-256, and RSA of 2048 bits.
pub(crate) struct Issuer {
    elliptic: EcdsaKeyPair,
    rsa: RsaKeyPair,
    /// Both public keys as PEM, in the same order.
    pems: [String; 2],
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let random = SystemRandom::new();
        let elliptic = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let elliptic = elliptic.as_ref().to_vec();
        let rsa = rsa();
        let pems = [&elliptic, &rsa].map(|pkcs8| {
            rcgen::KeyPair::try_from(pkcs8.as_slice()).expect("a key that was just made").public_key_pem()
        });
        let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
        Self {
            elliptic: EcdsaKeyPair::from_pkcs8(signing, &elliptic, &random).expect("a key pair"),
            rsa: RsaKeyPair::from_pkcs8(&rsa).expect("a key pair"),
            pems,
        }
    }

    /// The JWK set.
    pub(crate) fn keys(&self) -> String {
        let (x, y) = self.elliptic.public_key().as_ref()[1..].split_at(32);
        let rsa = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public_key());
        let rsa = |algorithm: Algorithm| {
            json!({"kty": "RSA", "kid": algorithm.name(), "alg": algorithm.name(), "use": "sig",
                "n": encode(&rsa.n), "e": encode(&rsa.e)})
        };
        let elliptic = json!({"kty": "EC", "crv": "P-256", "kid": "ES256", "alg": "ES256", "use": "sig",
            "x": encode(x), "y": encode(y)});
        json!({"keys": [elliptic, rsa(Algorithm::Rs256), rsa(Algorithm::Ps256)]}).to_string()
    }

    /// The public key alone, as PEM.
    pub(crate) fn pem(&self, algorithm: Algorithm) -> &str {
        let [elliptic, rsa] = &self.pems;
        match algorithm {
            Algorithm::Es256 => elliptic,
            Algorithm::Rs256 | Algorithm::Ps256 => rsa,
        }
    }

    pub(crate) fn token(&self, algorithm: Algorithm, claims: &Value) -> String {
        let header = json!({"alg": algorithm.name(), "typ": "at+jwt", "kid": algorithm.name()});
        let signed = [encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes())].join(".");
        let signature = self.sign(algorithm, signed.as_bytes());
        format!("{signed}.{}", encode(&signature))
    }

    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa = |padding| {
            let mut signature = vec![0; self.rsa.public().modulus_len()];
            self.rsa.sign(padding, &random, message, &mut signature).expect("a signature");
            signature
        };
        match algorithm {
            Algorithm::Es256 => self.elliptic.sign(&random, message).expect("a signature").as_ref().to_vec(),
            Algorithm::Rs256 => rsa(&RSA_PKCS1_SHA256),
            Algorithm::Ps256 => rsa(&RSA_PSS_SHA256),
        }
    }

    /// What verifying the signature of this token costs at the least: ring's own work on the bytes as they are signed.
    pub(crate) fn verification(&self, algorithm: Algorithm, token: &str) -> impl Fn() + use<> {
        let (message, signature) = token.rsplit_once('.').expect("a signature");
        let message = message.as_bytes().to_vec();
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let elliptic = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.elliptic.public_key().as_ref().to_vec());
        let rsa = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public_key());
        move || {
            let verdict = match algorithm {
                Algorithm::Es256 => elliptic.verify(&message, &signature),
                Algorithm::Rs256 => rsa.verify(&RSA_PKCS1_2048_8192_SHA256, &message, &signature),
                Algorithm::Ps256 => rsa.verify(&RSA_PSS_2048_8192_SHA256, &message, &signature),
            };
            verdict.expect("a signature that holds");
        }
    }
}

fn encode(octets: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}

/// A new key as PKCS#8: ring makes none of RSA.
fn rsa() -> Vec<u8> {
    let output = Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
        .output()
        .expect("openssl, which makes the RSA key");
    let key = PrivatePkcs8KeyDer::from_pem_slice(&output.stdout).expect("PKCS#8 of openssl");
    key.secret_pkcs8_der().to_vec()
}
