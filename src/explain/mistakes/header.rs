//! What was done to the value of the certificate header on its way.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::mistake;
use crate::{
    certificate::inspect,
    denial::Denial,
    explain::{Evidence, Mistake},
};

/// What was done to the header's value on its way.
pub(super) fn header(evidence: &Evidence<'_>, denial: Option<&Denial>) -> Option<Mistake> {
    if !matches!(denial, Some(Denial::CertificateMalformed { .. })) {
        return None;
    }
    let value = std::str::from_utf8(evidence.header?).ok()?;
    let reads = |text: &str| inspect::read(text.as_bytes()).is_ok();
    if value.contains("%25") && reads(&value.replace("%25", "%")) {
        let text = "the value is percent-encoded twice; have it encoded by the load balancer alone";
        return mistake("percent_encoded_twice", text);
    }
    if let Some(mended) = with_plus(value)
        && reads(&mended)
    {
        let text = "a `+` of the base64 became a space: something decoded the value as a form; \
                    decode percent-escapes only, or have the balancer write %2B";
        return mistake("plus_became_space", text);
    }
    if is_cut(value) {
        let text = "the value ends in the middle of the certificate: a limit on headers cut it short; \
                    raise the limit of the load balancer, and client_certificate.max_bytes";
        return mistake("header_cut_short", text);
    }
    None
}

/// The value with the spaces inside its base64 turned back; none where there is nothing to turn back.
fn with_plus(value: &str) -> Option<String> {
    let begin = ["-----BEGIN CERTIFICATE-----", "-----BEGIN%20CERTIFICATE-----"];
    let body = begin.iter().find_map(|begin| value.split_once(*begin)).map_or(value, |(_, body)| body);
    let (body, _) = body.split_once("-----END").unwrap_or((body, ""));
    let body = body.trim();
    // Line ends may have become spaces too, and stand every 64 characters.
    let lines_alone = body.split(' ').rev().skip(1).all(|line| line.len() == 64);
    if !body.contains(' ') || lines_alone {
        return None;
    }
    let base64: String = body.replace("%0A", "").replace("%0a", "").replace(' ', "+");
    let base64 = percent_encoding::percent_decode_str(&base64).decode_utf8().ok()?.replace('\n', "");
    let der = BASE64_STANDARD.decode(base64.trim_matches('+')).ok()?;
    Some(BASE64_STANDARD.encode(der))
}

/// Whether the value begins as a certificate and ends before it does.
fn is_cut(value: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
    if decoded.contains("-----BEGIN CERTIFICATE-----") {
        return !decoded.contains("-----END CERTIFICATE-----");
    }
    let base64: String = decoded.trim().trim_matches(':').chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let whole = base64.get(..base64.len() / 4 * 4).unwrap_or_default();
    let Ok(der) = BASE64_STANDARD.decode(whole) else { return false };
    match der.as_slice() {
        [0x30, 0x82, high, low, rest @ ..] => usize::from(*high) << 8 | usize::from(*low) > rest.len(),
        _ => false,
    }
}
