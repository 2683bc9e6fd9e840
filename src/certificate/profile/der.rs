//! DER (X.690), the base64 of it (RFC 4648, section 4), and several in a row.

use base64::Engine;
use der::{Reader, SliceReader};

use super::{Der, malformed};
use crate::{denial::Denial, encoding::BASE64};

/// Decodes canonical base64: padded, unused bits zero, nothing else in it.
pub(super) fn from_base64(text: &[u8]) -> Result<Der, Denial> {
    BASE64.decode(text).map_err(|_| malformed("not canonical base64"))
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
