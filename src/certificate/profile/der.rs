//! DER (X.690), the base64 of it (RFC 4648, section 4), and several in a row.

use base64::{Engine, prelude::BASE64_STANDARD};
use der::{Decode, Encode, Reader, SliceReader};
use x509_cert::Certificate;

use super::{Der, malformed};
use crate::denial::Denial;

/// Holds `der` to be one certificate in DER: parsed whole, and the only way to write what it says.
///
/// Says nothing about the certificate's meaning. A second way to write one certificate would be a second thumbprint
/// for it. The contents of extensions and of the key are octets here, and are not looked into.
pub(crate) fn strict(der: &[u8]) -> Result<(), Denial> {
    let certificate = Certificate::from_der(der).map_err(|_| malformed("not one certificate in DER"))?;
    match certificate.to_der() {
        Ok(written) if written == der => Ok(()),
        _ => Err(malformed("a certificate that is not in DER")),
    }
}

/// Decodes canonical base64: padded, unused bits zero, nothing else in it.
pub(super) fn from_base64(text: &[u8]) -> Result<Der, Denial> {
    BASE64_STANDARD.decode(text).map_err(|_| malformed("not canonical base64"))
}

/// Splits certificates that stand one behind the other without a separator.
pub(crate) fn sequences(der: &[u8]) -> Result<Vec<Der>, Denial> {
    let broken = |_| malformed("not DER to its end");
    let mut reader = SliceReader::new(der).map_err(broken)?;
    let mut found = Vec::new();
    while !reader.is_finished() {
        found.push(reader.tlv_bytes().map_err(broken)?.to_vec());
    }
    Ok(found)
}
