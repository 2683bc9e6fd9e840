//! Ed25519 keys from seeds: they sign one input always alike.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use rcgen::{KeyPair, PKCS_ED25519};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

/// A key, for tokens or for certificates.
pub struct Key {
    seed: u8,
    pair: Ed25519KeyPair,
}

impl Key {
    pub fn of(seed: u8) -> Self {
        Self { seed, pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes are a seed") }
    }

    /// For rcgen, which takes PKCS#8.
    pub fn pair(&self) -> KeyPair {
        let pkcs8 = [PKCS8_OF_SEED, &[self.seed; 32]].concat();
        KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), &PKCS_ED25519).expect("PKCS#8 of a seed")
    }

    pub fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The public key as a JWK, its members in the order of a thumbprint.
    pub fn jwk(&self) -> String {
        format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, BASE64.encode(self.public()))
    }

    /// A set that holds this key alone, as number 1.
    pub fn jwks(&self) -> String {
        format!(r#"{{"keys":[{}]}}"#, self.jwk().replacen('{', r#"{"kid":"1","#, 1))
    }

    pub fn signature(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// A compact JWS of any header and payload, well-formed or not.
    pub fn jws(&self, header: &[u8], payload: &[u8]) -> String {
        let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(payload));
        format!("{message}.{}", BASE64.encode(self.signature(message.as_bytes())))
    }

    /// `tbs` with the algorithm and the signature behind it, as certificates, CRLs, and OCSP answers have them.
    pub fn signed(&self, tbs: &[u8]) -> Vec<u8> {
        [tbs, ED25519, &tlv(0x03, &[&[0], &self.signature(tbs)])].concat()
    }
}

/// DER of one value: tag, length, and the parts one after the other.
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let octets = u32::try_from(content.len()).expect("a short value").to_be_bytes();
    let length = match content.len() {
        0..0x80 => vec![octets[3]],
        0x80..0x100 => vec![0x81, octets[3]],
        0x100..0x1_0000 => vec![0x82, octets[2], octets[3]],
        _ => [[0x84].as_slice(), &octets].concat(),
    };
    [[tag].as_slice(), &length, &content].concat()
}

/// `AlgorithmIdentifier` (RFC 8410, section 3).
const ED25519: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];

/// What stands before the seed (RFC 8410, section 7).
const PKCS8_OF_SEED: &[u8] = &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
