//! A private key that certbound signs with, from a PEM file.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use der::{Decode as _, asn1::BitStringRef};
use ring::{
    error::Unspecified,
    rand::SystemRandom,
    rsa,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PSS_SHA256},
};
use rustls_pki_types::PrivateKeyDer;

use crate::{
    config::{
        fault::Wrong,
        identity::{self, EcPrivateKey},
        reading::{Placed, Reading},
    },
    token::PublicKey,
};

/// A private key for JWS (RFC 7515). The key itself cannot be printed.
pub struct SigningKey {
    pair: Pair,
    kid: String,
}

/// The type of a key chooses the algorithm: one for each.
enum Pair {
    Rsa(rsa::KeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// Reads PKCS#8, PKCS#1, or SEC1, not encrypted.
    pub(super) fn load(reading: &Reading<'_>, file: &Placed<String>) -> Option<Self> {
        let key = identity::private_key(&reading.bytes(file)?);
        let pair = Pair::read(&reading.settle(&file.place, key)?);
        let remedy = "give RSA of 2048 to 4096 bits, P-256, or Ed25519";
        let pair = pair.ok_or_else(|| Wrong::new("this key cannot sign", remedy));
        let pair = reading.settle(&file.place, pair)?;
        let kid = pair.public_key().thumbprint().to_string();
        Some(Self { pair, kid })
    }

    /// `claims`, which is JSON, as a compact JWS of type `JWT`.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn sign(&self, claims: &str) -> Result<String, Unspecified> {
        let header = format!(r#"{{"alg":"{}","typ":"JWT","kid":"{}"}}"#, self.algorithm(), self.kid);
        let mut jws = BASE64_URL_SAFE_NO_PAD.encode(header);
        jws.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(claims, &mut jws);
        let signature = self.pair.sign(jws.as_bytes())?;
        jws.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut jws);
        Ok(jws)
    }

    /// `alg`.
    pub fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "PS256",
            Pair::P256(_) => "ES256",
            Pair::Ed25519(_) => "EdDSA",
        }
    }

    /// The thumbprint of the public key (RFC 7638), by which whoever verifies finds it.
    pub fn kid(&self) -> &str {
        &self.kid
    }
}

impl Pair {
    fn read(key: &PrivateKeyDer<'_>) -> Option<Self> {
        let random = SystemRandom::new();
        match key {
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                let p256 = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &random);
                let rsa = rsa::KeyPair::from_pkcs8(der).map(Self::Rsa);
                let elliptic = rsa.or_else(|_| p256().map(Self::P256));
                elliptic.or_else(|_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self::Ed25519)).ok()
            }
            PrivateKeyDer::Pkcs1(der) => rsa::KeyPair::from_der(der.secret_pkcs1_der()).map(Self::Rsa).ok(),
            PrivateKeyDer::Sec1(der) => {
                let key = EcPrivateKey::from_der(der.secret_sec1_der()).ok()?;
                let point = key.public_key.as_ref()?.decode_as::<BitStringRef<'_>>().ok()?;
                let (private, point) = (key.private_key.as_bytes(), point.as_bytes()?);
                let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, point, &random);
                pair.map(Self::P256).ok()
            }
            _ => None,
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            Self::P256(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }

    fn public_key(&self) -> PublicKey {
        match self {
            Self::Rsa(pair) => {
                let rsa::PublicKeyComponents { n, e } = pair.public().into();
                PublicKey::Rsa { n, e }
            }
            Self::P256(pair) => PublicKey::P256(pair.public_key().as_ref().to_vec()),
            Self::Ed25519(pair) => PublicKey::Ed25519(pair.public_key().as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm(), self.kid)
    }
}
