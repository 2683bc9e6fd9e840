//! One public key of an issuer or of a proof (RFC 7517, section 4; RFC 7518, section 6; RFC 8037, section 2).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use der::{Encode, asn1::UintRef};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use sha2::{Digest, Sha256};

use crate::{
    thumbprint::Thumbprint,
    token::{
        Algorithm,
        json::{Members, Value},
    },
};

/// A public key that may verify signatures.
///
/// Whether an elliptic point lies on its curve is first asked when it is used: one that does not verifies nothing.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Key {
    kid: Option<Box<str>>,
    /// The key's own `alg`: it then serves no other.
    algorithm: Option<Algorithm>,
    public: PublicKey,
}

/// The key alone, whatever is said of it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum PublicKey {
    /// Modulus and exponent, big-endian, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// An uncompressed point.
    P256(Vec<u8>),
    /// An uncompressed point.
    P384(Vec<u8>),
    /// 32 bytes.
    Ed25519(Vec<u8>),
}

impl Key {
    /// Reads one element of a JWK set, or a key by itself.
    ///
    /// # Errors
    /// Why the key is left out.
    pub(super) fn read(jwk: &Value<'_>) -> Result<Self, &'static str> {
        let jwk = jwk.as_object().ok_or("not an object with each member once")?;
        if is_secret(jwk) {
            return Err("holds secret material, so whoever could read it can sign; publish the public key alone");
        }
        if jwk.text("use", "`use` is not a string")?.is_some_and(|purpose| purpose != "sig") {
            return Err("`use` is not `sig`");
        }
        if jwk.get("key_ops").is_some_and(|list| !allows_verify(list)) {
            return Err("`key_ops` is not a list with `verify`");
        }
        let algorithm = match jwk.text("alg", "`alg` is not a string")? {
            Some(name) => Some(Algorithm::named(name).ok_or("`alg` is not a signature algorithm that is known here")?),
            None => None,
        };
        let kid = jwk.text("kid", "`kid` is not a string")?.map(Box::from);
        let key = Self { kid, algorithm, public: PublicKey::read(jwk)? };
        match algorithm {
            Some(algorithm) if !key.fits(algorithm) => Err("`alg` is not for this type of key"),
            _ => Ok(key),
        }
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// See [`PublicKey::thumbprint`].
    pub(super) fn thumbprint(&self) -> Thumbprint {
        self.public.thumbprint()
    }

    /// Whether a signature of this algorithm may be verified with this key.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.public.fits(algorithm) && self.algorithm.is_none_or(|own| own == algorithm)
    }

    /// Whether the key made this signature. The algorithm decides how it is read, so [`Self::fits`] is asked again.
    pub(super) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.fits(algorithm) && self.public.verify(algorithm, message, signature)
    }
}

impl PublicKey {
    fn read(jwk: &Members<'_>) -> Result<Self, &'static str> {
        let kty = jwk.text("kty", "`kty` is not a string")?;
        match (kty, jwk.text("crv", "`crv` is not a string")?) {
            (Some("RSA"), None) => rsa(jwk),
            (Some("EC"), Some("P-256")) => point(jwk, 32).map(Self::P256),
            (Some("EC"), Some("P-384")) => point(jwk, 48).map(Self::P384),
            (Some("OKP"), Some("Ed25519")) => coordinate(jwk, "x", 32).map(Self::Ed25519),
            _ => Err("not RSA, EC with P-256 or P-384, or OKP with Ed25519"),
        }
    }

    /// SHA-256 thumbprint (RFC 7638, section 3) of the key as RFC 7518 wants it written, however it was.
    pub(crate) fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(self.required_members().as_bytes())
    }

    /// The members without which there is no key, in the order of their names and without a space (RFC 7638, sections 3.2
    /// and 3.3; RFC 8037, section 2).
    fn required_members(&self) -> String {
        let encode = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
        let elliptic = |crv: &str, point: &[u8]| {
            let coordinates = point.get(1..).unwrap_or_default();
            let (x, y) = coordinates.split_at(coordinates.len() / 2);
            format!(r#"{{"crv":"{crv}","kty":"EC","x":"{}","y":"{}"}}"#, encode(x), encode(y))
        };
        match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(e), encode(n)),
            Self::P256(point) => elliptic("P-256", point),
            Self::P384(point) => elliptic("P-384", point),
            Self::Ed25519(key) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(key)),
        }
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        match self {
            Self::Rsa { .. } => matches!(algorithm, PS256 | PS384 | PS512 | RS256 | RS384 | RS512),
            Self::P256(_) => algorithm == ES256,
            Self::P384(_) => algorithm == ES384,
            Self::Ed25519(_) => algorithm == EdDSA,
        }
    }

    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let by = |how: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(how, key).verify(message, signature).is_ok()
        };
        match self {
            Self::Rsa { n, e } => rsa_parameters(algorithm)
                .is_some_and(|how| RsaPublicKeyComponents { n, e }.verify(how, message, signature).is_ok()),
            Self::P256(point) => by(&ECDSA_P256_SHA256_FIXED, point),
            Self::P384(point) => by(&ECDSA_P384_SHA384_FIXED, point),
            Self::Ed25519(key) => by(&ED25519, key),
        }
    }

    /// What stands in subjectPublicKey (RFC 8017, appendix A.1.1; RFC 5480, section 2.2; RFC 8410, section 4).
    fn octets(&self) -> Option<Vec<u8>> {
        match self {
            Self::Rsa { n, e } => [UintRef::new(n).ok()?, UintRef::new(e).ok()?].to_der().ok(),
            Self::P256(octets) | Self::P384(octets) | Self::Ed25519(octets) => Some(octets.clone()),
        }
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::PS256 => Some(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Some(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Some(&RSA_PSS_2048_8192_SHA512),
        Algorithm::RS256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA => None,
    }
}

/// SHA-256 of the octets that are the subjectPublicKey of a certificate for this key: what the key identifiers of RFC 7093,
/// section 2, are cut from. None for a key that is not known here, or whose secret part is published.
///
/// What the key may be used for is not looked at.
pub(crate) fn key_identifier(jwk: &Value<'_>) -> Option<[u8; 32]> {
    let jwk = jwk.as_object().filter(|jwk| !is_secret(jwk))?;
    Some(Sha256::digest(PublicKey::read(jwk).ok()?.octets()?).into())
}

fn is_secret(jwk: &Members<'_>) -> bool {
    ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|secret| jwk.has(secret))
}

fn allows_verify(key_ops: &Value<'_>) -> bool {
    key_ops.as_list().is_some_and(|list| list.iter().any(|operation| operation.as_str() == Some("verify")))
}

fn octets(jwk: &Members<'_>, name: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok()
}

/// Modulus of 2048 to 8192 bits; exponent odd, at least 3 and below 2^33: what ring verifies with.
fn rsa(jwk: &Members<'_>) -> Result<PublicKey, &'static str> {
    let n = octets(jwk, "n").ok_or("`n` is not base64url")?;
    let e = octets(jwk, "e").ok_or("`e` is not base64url")?;
    // Some issuers write the sign octet of their library, against RFC 7518, section 6.3.1.1.
    let n = without_leading_zeros(n);
    let e = without_leading_zeros(e);
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    if !(2048..=8192).contains(&bits) || n.last().is_none_or(|last| last % 2 == 0) {
        return Err("`n` is not an RSA modulus of 2048 to 8192 bits");
    }
    let exponent = e.iter().take(6).fold(0_u64, |sum, octet| sum << 8 | u64::from(*octet));
    if !(3..1 << 33).contains(&exponent) || exponent % 2 == 0 {
        return Err("`e` is not an odd number from 3 to 2^33");
    }
    Ok(PublicKey::Rsa { n, e })
}

fn without_leading_zeros(mut number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.drain(..zeros);
    number
}

/// An uncompressed point (SEC 1, section 2.3.3). Coordinates have the full length of the curve (RFC 7518, section
/// 6.2.1.2).
fn point(jwk: &Members<'_>, length: usize) -> Result<Vec<u8>, &'static str> {
    let mut point = vec![4];
    point.extend(coordinate(jwk, "x", length)?);
    point.extend(coordinate(jwk, "y", length)?);
    Ok(point)
}

fn coordinate(jwk: &Members<'_>, name: &str, length: usize) -> Result<Vec<u8>, &'static str> {
    let wrong = "a coordinate is not base64url of the curve's length";
    octets(jwk, name).filter(|octets| octets.len() == length).ok_or(wrong)
}
