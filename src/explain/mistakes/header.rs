//! What was done to the value of the certificate header on its way.

use base64::{Engine, prelude::BASE64_STANDARD};
use der::Decode;
use percent_encoding::percent_decode_str;
use x509_cert::Certificate;

use super::mistake;
use crate::{
    certificate::Profile,
    denial::Denial,
    explain::{Evidence, Mistake},
};

/// Each damage is undone by itself: a value that then holds certificates, and did not before, was damaged so.
pub(super) fn header(evidence: &Evidence<'_>, denial: Option<&Denial>) -> Option<Mistake> {
    if !matches!(denial, Some(Denial::CertificateMalformed { .. })) {
        return None;
    }
    let value = std::str::from_utf8(evidence.header?).ok()?;
    // Nothing happened to it: it is another profile's.
    if reads(value) {
        return None;
    }
    if is_encoded_twice(value) {
        let text = "the value is percent-encoded twice; have it encoded by the load balancer alone";
        return mistake("percent_encoded_twice", text);
    }
    if has_lost_pluses(&decoded(value)) {
        let text = "a `+` of the base64 became a space: something decoded the value as a form; \
                    decode percent-escapes only, or have the balancer write %2B";
        return mistake("plus_became_space", text);
    }
    if is_cut(value) {
        let text = "the value ends before it is whole: a limit on headers cut it short; \
                    raise the limit of the load balancer, and client_certificate.max_bytes";
        return mistake("header_cut_short", text);
    }
    None
}

/// Whether a profile reads it, whichever.
fn reads(value: &str) -> bool {
    Profile::ALL.into_iter().any(|profile| profile.decode(value.as_bytes(), &[], usize::MAX).is_ok())
}

fn decoded(value: &str) -> String {
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}

/// Some profiles read what is encoded once, the others what is not encoded at all.
fn is_encoded_twice(value: &str) -> bool {
    value.contains("%25") && {
        let once = decoded(value);
        reads(&once) || reads(&decoded(&once))
    }
}

/// Whether spaces stand in the base64 where pluses stood. `text` is decoded; what stands around its certificates does not
/// matter.
fn has_lost_pluses(text: &str) -> bool {
    let bodies: Option<Vec<&str>> = match text.contains(BEGIN) {
        true => text.split(BEGIN).skip(1).map(|block| block.split_once(END).map(|(body, _)| body)).collect(),
        false => Some(text.split(',').map(|item| item.trim_ascii().trim_matches(':')).collect()),
    };
    let mended: Option<Vec<bool>> = bodies.and_then(|bodies| bodies.into_iter().map(mended).collect());
    mended.is_some_and(|lost| lost.contains(&true))
}

/// Whether base64 needs pluses in the place of spaces to be a certificate's; none if it is none with them either.
fn mended(body: &str) -> Option<bool> {
    let body: Vec<u8> = body.bytes().filter(|byte| !b"\r\n".contains(byte)).collect();
    // Line ends may be spaces too. The first of them stands before the base64, which begins with an M.
    let end = body.iter().take_while(|byte| **byte == b' ').count();
    let lines = body.get(end..body.len().checked_sub(end)?)?;
    WIDTHS.into_iter().find_map(|width| {
        let lines = lines.chunks(width.saturating_add(end));
        let mut base64: Vec<u8> = lines.flat_map(|line| line.iter().take(width)).copied().collect();
        let has_lost = base64.contains(&b' ');
        base64.iter_mut().filter(|byte| **byte == b' ').for_each(|space| *space = b'+');
        // A space at the end of a header is trimmed.
        while has_lost && !base64.len().is_multiple_of(4) {
            base64.push(b'+');
        }
        is_certificate(&BASE64_STANDARD.decode(base64).ok()?).then_some(has_lost)
    })
}

fn is_certificate(der: &[u8]) -> bool {
    Certificate::from_der(der).is_ok()
}

/// Whether the value begins as one that is read, and ends inside a certificate or right before one.
fn is_cut(value: &str) -> bool {
    // An escape can be cut too.
    let whole = match value.rfind('%').and_then(|place| value.split_at_checked(place)) {
        Some((whole, escape)) if escape.len() < 3 => whole,
        _ => value,
    };
    let text = decoded(whole);
    is_nearly_whole(whole) || ends_in_pem(whole, &text) || ends_in_base64(&text)
}

/// Whether a profile reads it once its last characters are there.
fn is_nearly_whole(value: &str) -> bool {
    ENDINGS.iter().any(|rest| reads(&format!("{value}{rest}")))
}

fn ends_in_pem(value: &str, text: &str) -> bool {
    let behind = text.rsplit_once(END).map_or(text, |(_, behind)| behind);
    let last = behind.rsplit(';').next().unwrap_or_default().trim_ascii_start();
    match last.split_once(BEGIN) {
        Some((_, body)) => {
            let (base64, end) = body.split_at(body.find('-').unwrap_or(body.len()));
            base64.bytes().all(|byte| is_base64(byte) || byte.is_ascii_whitespace()) && END.starts_with(end)
        }
        // A few characters could be anything, unless what is before them is whole.
        None => {
            let before = value.strip_suffix(last).map(|before| before.trim_end_matches(';'));
            let is_meant = last.len() >= 5 || (!last.is_empty() && before.is_some_and(is_nearly_whole));
            is_meant && OPENINGS.iter().any(|opening| opening.starts_with(last))
        }
    }
}

/// The last of several is looked at, if those before it are whole.
fn ends_in_base64(text: &str) -> bool {
    let (before, last) = text.rsplit_once(',').map_or((None, text), |(before, last)| (Some(before), last));
    if before.is_some_and(|before| !reads(before)) {
        return false;
    }
    let last = last.trim_ascii();
    let base64 = last.strip_prefix(':').unwrap_or(last).replace(' ', "+");
    let digits = base64.trim_end_matches('=');
    let whole = digits.get(..digits.len() / 4 * 4).unwrap_or_default();
    let Ok(der) = BASE64_STANDARD.decode(whole) else { return false };
    // Of a whole one without its padding, as some write it, these octets are still to come.
    let behind = digits.len() % 4 * 6 / 8;
    let is_begun = match der.as_slice() {
        [] => before.is_some(),
        [0x30, 0x82, high, low, rest @ ..] => usize::from(*high) << 8 | usize::from(*low) > rest.len() + behind,
        der => der.starts_with(&[0x30, 0x82]),
    };
    is_begun && base64.bytes().all(is_base64)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// How a certificate begins by itself, and in Envoy's element.
const OPENINGS: [&str; 3] = [BEGIN, "Cert=\"-----BEGIN CERTIFICATE-----", "Chain=\"-----BEGIN CERTIFICATE-----"];
/// What may be missing of a value whose certificates are whole.
const ENDINGS: [&str; 5] = ["", "\"", ":", "=:", "==:"];
/// Columns of a line of PEM: all of them, as RFC 7468 has it, as MIME has it.
const WIDTHS: [usize; 3] = [usize::MAX, 64, 76];

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use proptest::prelude::*;

    use super::*;
    use crate::certificate::mint::{Authority, plain};

    fn named(value: &str) -> Option<&'static str> {
        let evidence = Evidence::of(Some(value.as_bytes()), None, None, []);
        header(&evidence, Some(&Denial::CertificateMalformed { why: "a test" })).map(|mistake| mistake.code)
    }

    /// A client with a plus in its base64, and its issuer.
    fn chain() -> [Vec<u8>; 2] {
        let root = Authority::root("Root", plain);
        let client = (0..50).map(|_| root.client(plain)).find(|der| BASE64_STANDARD.encode(der).contains('+'));
        [client.unwrap(), root.der]
    }

    fn written(profile: Profile, [leaf, issuer]: &[Vec<u8>; 2]) -> String {
        profile.encode(leaf, &[issuer]).leaf.to_str().unwrap().to_owned()
    }

    #[test]
    fn value_cut_anywhere_is_cut_unless_it_is_whole() {
        let chain = chain();
        for profile in Profile::ALL {
            let value = written(profile, &chain);
            let begun = if profile == Profile::Envoy { 80 } else { 8 };
            let near = |length: &usize| value.match_indices("END").any(|(end, _)| (end..end + 60).contains(length));
            for cut in
                (begun..value.len()).filter(|length| length % 13 == 0 || length + 40 > value.len() || near(length))
            {
                let cut = &value[..cut];
                let met = profile.decode(cut.as_bytes(), &[], 5).err();
                // Without its padding, or between two pairs of XFCC, it could be whole to whoever wrote it.
                let is_whole = value.trim_end_matches('=').len() <= cut.len() || cut.ends_with(';');
                if matches!(met, Some(Denial::CertificateMalformed { .. })) && (!is_whole || cut.starts_with(':')) {
                    assert_eq!(named(cut), Some("header_cut_short"), "{}: {cut}", profile.name());
                }
            }
        }
    }

    #[test]
    fn line_ends_are_told_from_pluses() {
        let [der, _] = chain();
        let base64 = BASE64_STANDARD.encode(der);
        for (width, end) in [(64, " "), (64, "  "), (76, " "), (76, "%0D%0A"), (64, "%20"), (64, ""), (5000, " ")] {
            let lines: Vec<_> = base64.as_bytes().chunks(width).map(|line| str::from_utf8(line).unwrap()).collect();
            let body = lines.join(end);
            let pem = |body: &str| format!("{BEGIN}{end}{body}{end}{END}");
            let expected = if body.contains('+') { Some("plus_became_space") } else { None };
            assert_eq!(named(&pem(&body.replace('+', " "))), expected, "{width} {end:?}");
            assert_eq!(named(&pem(&body)), None, "{width} {end:?}");
        }
    }

    #[test]
    fn whole_value_of_any_profile_is_no_mistake_wherever_it_is_refused() {
        let chain = chain();
        for profile in Profile::ALL {
            let value = written(profile, &chain);
            assert_eq!(named(&value), None, "{}", profile.name());
            assert_eq!(named(&value.replace('=', "")), None, "{}", profile.name());
            assert_eq!(named(&value.replace("CERTIFICATE", "CERTIFICATE REQUEST")), None, "{}", profile.name());
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_no_mistake_and_never_panics(text in "[MI ,:;\"=+/%0-9a-zä-]{0,200}") {
            prop_assert_eq!(named(&text), None);
        }
    }
}
