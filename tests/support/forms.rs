//! How load balancers write a certificate into a header, written here once more so that no mistake of certbound's own
//! can hide in a round trip.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::pki::{hash, pem};

/// nginx, wso2: PEM, everything but unreserved characters percent-encoded.
pub(crate) fn percent_pem(der: &[u8]) -> String {
    percent_encode(&pem(der), "")
}

/// Percent-encodes all but unreserved characters and those in `safe`.
pub(crate) fn percent_encode(text: &str, safe: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || safe.as_bytes().contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Apache's `%{SSL_CLIENT_CERT}s`: every line end has become a space.
pub(crate) fn one_line_pem(der: &[u8]) -> String {
    pem(der).replace('\n', " ")
}

/// HAProxy, Traefik, Azure, F5: the bare DER.
pub(crate) fn base64_der(der: &[u8]) -> String {
    BASE64_STANDARD.encode(der)
}

/// RFC 9440: a structured-field byte sequence.
pub(crate) fn byte_sequence(der: &[u8]) -> String {
    format!(":{}:", base64_der(der))
}

/// Envoy's `x-forwarded-client-cert` with the two members that carry the certificate.
pub(crate) fn xfcc(der: &[u8]) -> String {
    let hex: String = hash(der).iter().map(|byte| format!("{byte:02x}")).collect();
    format!(r#"Hash={hex};Cert="{}""#, percent_pem(der))
}
