//! A certificate that was taken apart once, for everything that is asked of it later.

use std::sync::Arc;

use der::{Decode, Encode, ErrorKind, Writer};
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
        let is_der = Received(decoded.der()).is(decoded.certificate());
        if is_der { Ok(decoded) } else { Err(malformed("a certificate that is not in DER")) }
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

/// What is still to be written. Nothing is: each piece has to stand there already.
struct Received<'a>(&'a [u8]);

impl Received<'_> {
    fn is(mut self, what: &impl Encode) -> bool {
        what.encode(&mut self).is_ok() && self.0.is_empty()
    }
}

impl Writer for Received<'_> {
    fn write(&mut self, piece: &[u8]) -> der::Result<()> {
        self.0 = self.0.strip_prefix(piece).ok_or(ErrorKind::Failed)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use der::asn1::OctetString;

    use super::*;

    #[test]
    fn what_is_received_has_to_be_what_would_be_written() {
        let octets = OctetString::new([1, 2]).unwrap();
        let check = |received: &[u8], expected| assert_eq!(Received(received).is(&octets), expected, "{received:?}");
        check(&[4, 2, 1, 2], true);
        for other in [&[4, 2, 1, 3][..], &[5, 2, 1, 2], &[4, 2, 1], &[4, 2, 1, 2, 0], &[4, 0x81, 2, 1, 2], &[]] {
            check(other, false);
        }
    }
}
