//! Base64 of DER: HAProxy, Traefik, Azure, and F5.

use base64::Engine;

use super::{Der, der, escaped_pem, pem, percent};
use crate::{denial::Denial, encoding::BASE64};

/// HAProxy writes several certificates as the base64 of their DER in a row.
pub(super) fn read(value: &[u8]) -> Result<Vec<Der>, Denial> {
    der::sequences(&der::from_base64(value)?)
}

/// Traefik separates by commas, and escaped its base64 before version 3.
pub(super) fn read_traefik(value: &[u8]) -> Result<Vec<Der>, Denial> {
    percent::decode(value)?.split(|byte| *byte == b',').map(der::from_base64).collect()
}

/// App Service writes base64, Application Gateway what nginx writes.
pub(super) fn read_azure(value: &[u8]) -> Result<Vec<Der>, Denial> {
    if percent::is_encoded(value) { escaped_pem::read(value) } else { read(value) }
}

/// What an iRule writes is the operator's choice: base64, or PEM either way.
pub(super) fn read_f5(value: &[u8]) -> Result<Vec<Der>, Denial> {
    if pem::is_begun(value) { escaped_pem::read_apache(value) } else { read(value) }
}

/// One value, several separated by commas.
pub(super) fn write(certificates: &[&[u8]]) -> String {
    certificates.iter().map(|der| BASE64.encode(der)).collect::<Vec<_>>().join(",")
}
