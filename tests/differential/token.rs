//! A token that everyone accepts, before something is made wrong with it; and those who sign.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
        RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RsaKeyPair,
    },
};
use serde_json::{Value, json};

use crate::{chain::NOW, keys, random::Random};

pub(crate) const ISSUER: &str = "https://as.bank.example";
pub(crate) const AUDIENCE: &str = "https://api.bank.example";
pub(crate) const SKEW: u64 = 30;

/// A token to be: members as they will be written, so that one can stand there twice.
pub(crate) struct Draft {
    pub(crate) header: Vec<(String, String)>,
    pub(crate) claims: Vec<(String, String)>,
    /// In place of `claims`.
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) signer: Signer,
    /// Changes the token after it was signed.
    pub(crate) after: Option<fn(String, &mut Random) -> String>,
}

/// Who signs, and with which algorithm.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Signer {
    Es256,
    Es384,
    EdDsa,
    Ps256,
    Ps384,
    Rs256,
    Rs512,
    /// A key that nobody published.
    Stranger,
    /// A key that is published, for encryption.
    Encryption,
    /// HMAC with the public key of `es256`.
    PublicKeyAsSecret,
    Nobody,
}

pub(crate) const SIGNERS: [Signer; 7] =
    [Signer::Es256, Signer::Es384, Signer::EdDsa, Signer::Ps256, Signer::Ps384, Signer::Rs256, Signer::Rs512];

impl Signer {
    /// `alg` and `kid`.
    fn named(self) -> (&'static str, &'static str) {
        match self {
            Self::Es384 => ("ES384", "es384"),
            Self::EdDsa => ("EdDSA", "eddsa"),
            Self::Ps256 => ("PS256", "rsa"),
            Self::Ps384 => ("PS384", "rsa"),
            Self::Rs256 => ("RS256", "rsa"),
            Self::Rs512 => ("RS512", "rsa"),
            _ => ("ES256", "es256"),
        }
    }
}

impl Draft {
    pub(crate) fn good(random: &mut Random) -> Self {
        let signer = random.one(&SIGNERS);
        let (alg, kid) = signer.named();
        let text = |text: &str| json!(text).to_string();
        let member = |(name, value): (&str, String)| (name.to_owned(), value);
        Self {
            header: [("alg", text(alg)), ("kid", text(kid)), ("typ", text("at+jwt"))].map(member).into(),
            claims: [
                ("iss", text(ISSUER)),
                ("aud", text(AUDIENCE)),
                ("exp", (NOW + 300).to_string()),
                ("iat", NOW.to_string()),
                ("sub", text("alice")),
                ("client_id", text("tpp")),
            ]
            .map(member)
            .into(),
            payload: None,
            signer,
            after: None,
        }
    }

    /// Puts the member in the place of what is there; the value as it will be written.
    pub(crate) fn head(&mut self, name: &str, value: &str) {
        set(&mut self.header, name, value);
    }

    /// The same in the claims.
    pub(crate) fn claim(&mut self, name: &str, value: &str) {
        set(&mut self.claims, name, value);
    }

    pub(crate) fn sign(&self, keys: &SigningKeys, random: &mut Random) -> String {
        let payload = self.payload.clone().unwrap_or_else(|| object(&self.claims).into_bytes());
        let encode = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
        let message = format!("{}.{}", encode(object(&self.header).as_bytes()), encode(&payload));
        let token = format!("{message}.{}", encode(&keys.sign(self.signer, message.as_bytes())));
        self.after.map_or(token.clone(), |change| change(token, random))
    }
}

fn set(members: &mut Vec<(String, String)>, name: &str, value: &str) {
    members.retain(|(present, _)| present != name);
    members.push((name.to_owned(), value.to_owned()));
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

pub(crate) struct SigningKeys {
    /// Published, unknown, for encryption.
    es256: [EcdsaKeyPair; 3],
    es384: EcdsaKeyPair,
    eddsa: Ed25519KeyPair,
    rsa: RsaKeyPair,
}

impl SigningKeys {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let eddsa = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self {
            es256: [(); 3].map(|()| keys::elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING)),
            es384: keys::elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING),
            eddsa: Ed25519KeyPair::from_pkcs8(eddsa.as_ref()).unwrap(),
            rsa: RsaKeyPair::from_pkcs8(&keys::rsa(&folder, "2048")).unwrap(),
        }
    }

    /// The key set that the issuer publishes.
    pub(crate) fn published(&self) -> Value {
        let encode = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
        let point = |crv: &str, purpose: &str, kid: &str, pair: &EcdsaKeyPair| {
            let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
            json!({"kty": "EC", "crv": crv, "use": purpose, "kid": kid, "x": encode(x), "y": encode(y)})
        };
        let rsa = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public_key());
        json!({"keys": [
            point("P-256", "sig", "es256", &self.es256[0]),
            point("P-256", "enc", "encryption", &self.es256[2]),
            point("P-384", "sig", "es384", &self.es384),
            {"kty": "OKP", "crv": "Ed25519", "kid": "eddsa", "x": encode(self.eddsa.public_key().as_ref())},
            {"kty": "RSA", "kid": "rsa", "n": encode(&rsa.n), "e": encode(&rsa.e)},
        ]})
    }

    fn sign(&self, signer: Signer, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let elliptic = |pair: &EcdsaKeyPair| pair.sign(&random, message).unwrap().as_ref().to_vec();
        let rsa = |how| {
            let mut signature = vec![0; self.rsa.public().modulus_len()];
            self.rsa.sign(how, &random, message, &mut signature).unwrap();
            signature
        };
        match signer {
            Signer::Es256 => elliptic(&self.es256[0]),
            Signer::Stranger => elliptic(&self.es256[1]),
            Signer::Encryption => elliptic(&self.es256[2]),
            Signer::Es384 => elliptic(&self.es384),
            Signer::EdDsa => self.eddsa.sign(message).as_ref().to_vec(),
            Signer::Ps256 => rsa(&RSA_PSS_SHA256),
            Signer::Ps384 => rsa(&RSA_PSS_SHA384),
            Signer::Rs256 => rsa(&RSA_PKCS1_SHA256),
            Signer::Rs512 => rsa(&RSA_PKCS1_SHA512),
            Signer::PublicKeyAsSecret => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, self.es256[0].public_key().as_ref());
                hmac::sign(&secret, message).as_ref().to_vec()
            }
            Signer::Nobody => Vec::new(),
        }
    }
}
