//! RFC 9440: structured-field byte sequences (RFC 8941, section 3.3.5), alone or in a list.

use base64::Engine;

use super::{Der, base64_der, der, malformed};
use crate::{denial::Denial, encoding::BASE64};

/// Reads a byte sequence, or several separated by commas. Parameters are refused: RFC 9440 defines none.
pub(super) fn read(value: &[u8]) -> Result<Vec<Der>, Denial> {
    value.split(|byte| *byte == b',').map(item).collect()
}

/// Caddy's placeholder is bare base64; whether colons stand around it is the operator's choice.
pub(super) fn read_caddy(value: &[u8]) -> Result<Vec<Der>, Denial> {
    if value.starts_with(b":") { read(value) } else { base64_der::read(value) }
}

/// A byte sequence, or a list of them.
pub(super) fn write(certificates: &[&[u8]]) -> String {
    let items = certificates.iter().map(|der| format!(":{}:", BASE64.encode(der)));
    items.collect::<Vec<_>>().join(", ")
}

fn item(item: &[u8]) -> Result<Der, Denial> {
    let base64 = item.trim_ascii().strip_prefix(b":").and_then(|rest| rest.strip_suffix(b":"));
    der::from_base64(base64.ok_or(malformed("not a byte sequence of RFC 9440"))?)
}
