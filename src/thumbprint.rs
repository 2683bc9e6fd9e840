//! `x5t#S256` and `jkt`: the SHA-256 of a certificate's DER (RFC 8705, section 3.1) or of a key (RFC 7638).

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a certificate's DER as it was received, or of a key's required members: 32 bytes, written as 43
/// characters of base64url.
///
/// Two certificates with one thumbprint are one certificate; the opposite does not hold
/// (a signature can be re-encoded), so this is never a key of a block list.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// The thumbprint of a DER-encoded certificate, or of the required members of a JWK. Does not look into the bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads the one way to write a thumbprint: 43 characters of base64url, unpadded, unused bits zero.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        (text.len() == Self::TEXT_LENGTH)
            .then(|| BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes))?
            .ok()
            .map(|_| Self(bytes))
    }

    /// Compares in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    const TEXT_LENGTH: usize = 43;
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; Self::TEXT_LENGTH];
        let written = BASE64_URL_SAFE_NO_PAD.encode_slice(self.0, &mut text).unwrap_or(0);
        f.write_str(std::str::from_utf8(text.get(..written).unwrap_or_default()).unwrap_or_default())
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix C prints the base64url rules; this value is the SHA-256 of the empty string.
    const EMPTY: &str = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    #[test]
    fn thumbprint_is_the_sha256_of_the_bytes_in_base64url() {
        assert_eq!(Thumbprint::of(b"").to_string(), EMPTY);
        assert_eq!(Thumbprint::parse(EMPTY), Some(Thumbprint::of(b"")));
    }

    #[test]
    fn text_in_any_other_form_is_no_thumbprint() {
        let padded = format!("{EMPTY}=");
        let standard = EMPTY.replace('-', "+").replace('_', "/");
        let loose_bits = EMPTY.replace("SuFU", "SuFV");
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for text in ["", &padded, &standard, &loose_bits, hex, &EMPTY[1..], &format!(" {}", &EMPTY[1..])] {
            assert_eq!(Thumbprint::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_equal_thumbprints_match() {
        assert!(Thumbprint::of(b"a").matches(&Thumbprint::of(b"a")));
        assert!(!Thumbprint::of(b"a").matches(&Thumbprint::of(b"b")));
    }
}
