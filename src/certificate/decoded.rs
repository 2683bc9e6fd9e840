//! A certificate that was taken apart once, for everything that is asked of it later.

use std::sync::Arc;

use der::{Decode, Encode};
use x509_cert::Certificate;

use crate::denial::Denial;

/// One certificate in DER (X.690) with its parts. Nobody is said to have signed it. Cheap to clone.
///
/// The contents of extensions and of the key are octets here, and are not looked into.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decoded(Arc<Inner>);

#[derive(Debug, Eq, PartialEq)]
struct Inner {
    der: Vec<u8>,
    certificate: Certificate,
}

impl Decoded {
    /// A certificate whose parts can be read; there may be other ways to write what it says.
    ///
    /// # Errors
    /// Why it is malformed.
    pub(super) fn read(der: Vec<u8>) -> Result<Self, &'static str> {
        let certificate = Certificate::from_der(&der).map_err(|_| "not one certificate in DER")?;
        Ok(Self(Arc::new(Inner { der, certificate })))
    }

    /// The only way to write what it says: a second one would be a second thumbprint for the same certificate.
    ///
    /// # Errors
    /// `certificate_malformed`.
    pub(super) fn strict(der: Vec<u8>) -> Result<Self, Denial> {
        let malformed = |why| Denial::CertificateMalformed { why };
        let decoded = Self::read(der).map_err(malformed)?;
        match decoded.certificate().to_der() {
            Ok(written) if written == decoded.der() => Ok(decoded),
            _ => Err(malformed("a certificate that is not in DER")),
        }
    }

    /// The bytes as received.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The parts.
    pub(super) fn certificate(&self) -> &Certificate {
        &self.0.certificate
    }
}
