//! Signatures of certificate authorities: the algorithms that are accepted, and no others.

use der::{Encode, asn1::BitString};
use rustls_pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer};
use spki::AlgorithmIdentifierOwned;
use webpki::{RawPublicKeyEntity, ring as algorithm};

/// RSA PKCS#1 and PSS with SHA-2, ECDSA with SHA-2, Ed25519.
pub(super) const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithm::ECDSA_P256_SHA256,
    algorithm::ECDSA_P256_SHA384,
    algorithm::ECDSA_P384_SHA256,
    algorithm::ECDSA_P384_SHA384,
    algorithm::ED25519,
    algorithm::RSA_PKCS1_2048_8192_SHA256,
    algorithm::RSA_PKCS1_2048_8192_SHA384,
    algorithm::RSA_PKCS1_2048_8192_SHA512,
    algorithm::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algorithm::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algorithm::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// Verifies `signature` over `signed` by the key in `key_info` (SubjectPublicKeyInfo, DER).
///
/// # Errors
/// An algorithm that is not listed, a key of another kind, a wrong signature.
pub(super) fn verify(
    key_info: &[u8],
    named: &AlgorithmIdentifierOwned,
    signed: &[u8],
    signature: &BitString,
) -> Result<(), &'static str> {
    #[cfg(test)]
    USED.with_borrow_mut(|used| used.push(key_info.to_vec()));
    let key_info = SubjectPublicKeyInfoDer::from(key_info);
    let key = RawPublicKeyEntity::try_from(&key_info).map_err(|_| "the signer's key cannot be read")?;
    let signature = signature.as_bytes().ok_or("the signature is not whole bytes")?;
    let named = named.to_der().map_err(|_| "the signature's algorithm cannot be read")?;
    let fitting = ALGORITHMS.iter().filter(|known| is_named(**known, &named));
    let held = fitting.into_iter().any(|algorithm| key.verify_signature(*algorithm, signed, signature).is_ok());
    if held { Ok(()) } else { Err("the signature is wrong, or made with an algorithm that is not accepted") }
}

/// Whether a signature of the algorithm `named` can be verified at all.
pub(super) fn is_accepted(named: &AlgorithmIdentifierOwned) -> bool {
    named.to_der().is_ok_and(|named| ALGORITHMS.iter().any(|known| is_named(*known, &named)))
}

/// webpki keeps the content of the AlgorithmIdentifier, without the sequence around it.
fn is_named(known: &dyn SignatureVerificationAlgorithm, named: &[u8]) -> bool {
    let known = known.signature_alg_id();
    let known: &[u8] = known.as_ref();
    named.split_at_checked(named.len().saturating_sub(known.len())).is_some_and(|(head, content)| {
        content == known && matches!(*head, [0x30, length] if usize::from(length) == known.len())
    })
}

#[cfg(test)]
thread_local! {
    /// The keys that were given to [`verify`], in this order.
    pub(super) static USED: std::cell::RefCell<Vec<Vec<u8>>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use const_oid::{ObjectIdentifier, db::rfc5912};
    use rcgen::{KeyPair, PublicKeyData, SigningKey};

    use super::*;

    #[test]
    fn signature_is_held_to_the_algorithm_that_is_named() {
        let key = KeyPair::generate().unwrap();
        let signature = BitString::from_bytes(&key.sign(b"signed").unwrap()).unwrap();
        let verified = |oid: ObjectIdentifier, signed: &[u8]| {
            let named = AlgorithmIdentifierOwned { oid, parameters: None };
            verify(&key.subject_public_key_info(), &named, signed, &signature).is_ok()
        };
        assert!(verified(rfc5912::ECDSA_WITH_SHA_256, b"signed"));
        assert!(!verified(rfc5912::ECDSA_WITH_SHA_256, b"other"));
        for other in [rfc5912::ECDSA_WITH_SHA_384, rfc5912::SHA_256_WITH_RSA_ENCRYPTION] {
            assert!(!verified(other, b"signed"), "{other}");
        }
    }
}
