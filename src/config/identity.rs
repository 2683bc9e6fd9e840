//! A certificate chain with its private key, from PEM files; that they match is checked.

use der::{
    Decode, Sequence,
    asn1::{Any, OctetStringRef},
};
use ring::{
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    },
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use webpki::EndEntityCert;
use x509_cert::Certificate;

use crate::{
    config::{
        fault::Wrong,
        reading::{Placed, Reading},
        settings::OwnCertificate,
    },
    validity::Validity,
};

impl OwnCertificate {
    /// Reads the chain, leaf first, and the leaf's key.
    pub(super) fn load(
        reading: &Reading<'_>,
        certificate_file: &Placed<String>,
        private_key_file: &Placed<String>,
    ) -> Option<Self> {
        let chain = reading.bytes(certificate_file).map(|pem| chain(&pem));
        let key = reading.bytes(private_key_file).map(|pem| private_key(&pem));
        let chain = chain.and_then(|chain| reading.settle(&certificate_file.place, chain));
        let key = key.and_then(|key| reading.settle(&private_key_file.place, key));
        let (chain, key) = (chain?, key?);
        let leaf = reading.settle(&certificate_file.place, leaf(&chain))?;
        let validity = Validity::of(&leaf);
        warn_of_dates(reading, certificate_file, validity);
        reading.settle(&private_key_file.place, matches(&key, &leaf))?;
        Some(Self { chain, key, not_after: validity.until })
    }
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Wrong> {
    let remedy = "give a PEM file: the certificate, then its intermediates";
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|_| Wrong::new("this file is not PEM", remedy))?;
    if chain.is_empty() {
        return Err(Wrong::new("this file holds no certificate", remedy));
    }
    match chain.iter().position(|der| Certificate::from_der(der).is_err()) {
        Some(at) => Err(Wrong::new(format!("certificate {} in this file cannot be read", at + 1), remedy)),
        None => Ok(chain),
    }
}

/// The first private key of a PEM file.
pub(super) fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, Wrong> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| match pem.windows(ENCRYPTED.len()).any(|part| part == ENCRYPTED) {
        true => Wrong::new("this key is encrypted", "write it without its passphrase: openssl pkey -in KEY -out PLAIN"),
        false => {
            Wrong::new("this file holds no private key", "give a PEM file: PKCS#8, PKCS#1, or SEC1, not encrypted")
        }
    })
}

/// The first of the chain, if TLS can show it.
fn leaf(chain: &[CertificateDer<'static>]) -> Result<Certificate, Wrong> {
    let leaf = chain.first().filter(|der| EndEntityCert::try_from(*der).is_ok());
    let leaf = leaf.and_then(|der| Certificate::from_der(der).ok());
    leaf.ok_or_else(|| {
        Wrong::new("the first certificate cannot be shown in TLS", "give an X.509 certificate of version 3")
    })
}

fn warn_of_dates(reading: &Reading<'_>, file: &Placed<String>, validity: Validity) {
    if reading.now < validity.from {
        reading.warn(&file.place, "this certificate is not valid yet", "peers will refuse it");
    }
    if validity.until < reading.now {
        reading.warn(&file.place, "this certificate has expired", "peers will refuse it");
    }
}

/// Compares the public half of `key` with the certificate's.
fn matches(key: &PrivateKeyDer<'_>, leaf: &Certificate) -> Result<(), Wrong> {
    let certified = leaf.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
    let unusable = || Wrong::new("this key cannot be used", "give RSA of 2048 to 4096 bits, P-256, P-384, or Ed25519");
    let fits = match key {
        PrivateKeyDer::Pkcs8(der) => public_key(der.secret_pkcs8_der()).ok_or_else(unusable)? == certified,
        PrivateKeyDer::Pkcs1(der) => {
            let pair = rsa::KeyPair::from_der(der.secret_pkcs1_der()).map_err(|_| unusable())?;
            pair.public().as_ref() == certified
        }
        PrivateKeyDer::Sec1(der) => {
            let key = EcPrivateKey::from_der(der.secret_sec1_der()).map_err(|_| unusable())?;
            is_pair(key.private_key.as_bytes(), certified)
        }
        _ => return Err(unusable()),
    };
    let other = || {
        Wrong::new("this key belongs to another certificate", "give the key of certificate_file's first certificate")
    };
    fits.then_some(()).ok_or_else(other)
}

/// The public half of a PKCS#8 key as a certificate writes it.
fn public_key(pkcs8: &[u8]) -> Option<Vec<u8>> {
    if let Ok(pair) = rsa::KeyPair::from_pkcs8(pkcs8) {
        return Some(pair.public().as_ref().to_vec());
    }
    let random = SystemRandom::new();
    for curve in [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING] {
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(curve, pkcs8, &random) {
            return Some(pair.public_key().as_ref().to_vec());
        }
    }
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).ok()?;
    Some(pair.public_key().as_ref().to_vec())
}

/// Whether a bare private scalar and a public point belong together on either curve.
fn is_pair(private: &[u8], public: &[u8]) -> bool {
    let random = SystemRandom::new();
    [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING]
        .into_iter()
        .any(|curve| EcdsaKeyPair::from_private_key_and_public_key(curve, private, public, &random).is_ok())
}

/// In the label of PKCS#8, and in `Proc-Type` of OpenSSL's older form.
const ENCRYPTED: &[u8] = b"ENCRYPTED";

/// RFC 5915, section 3. The curve is never read: it comes from the certificate, or is the only one that would do.
#[derive(Sequence)]
pub(super) struct EcPrivateKey<'a> {
    version: u8,
    pub(super) private_key: &'a OctetStringRef,
    #[asn1(context_specific = "0", optional = "true")]
    parameters: Option<Any>,
    #[asn1(context_specific = "1", optional = "true")]
    pub(super) public_key: Option<Any>,
}
