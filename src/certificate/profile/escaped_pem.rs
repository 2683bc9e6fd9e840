//! Percent-encoded PEM: nginx, ingress-nginx, Apache, and AWS, whose header holds the whole chain.

use super::{Der, pem, percent};
use crate::denial::Denial;

/// nginx encodes everything but unreserved characters; AWS leaves `+`, `=`, and `/` raw.
pub(super) fn read(value: &[u8]) -> Result<Vec<Der>, Denial> {
    pem::read(&percent::decode(value)?)
}

/// Apache's `escape` writes lower-case hex; `%{SSL_CLIENT_CERT}s` writes spaces for line ends and encodes nothing.
pub(super) fn read_apache(value: &[u8]) -> Result<Vec<Der>, Denial> {
    if percent::is_encoded(value) { read(value) } else { pem::read_one_line(value) }
}

/// Writes it as nginx does.
pub(super) fn write(certificates: &[&[u8]]) -> String {
    let mut text = String::new();
    for der in certificates {
        text.extend(percent::encode(&pem::write(der)));
    }
    text
}
