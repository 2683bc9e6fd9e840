//! Envoy's `x-forwarded-client-cert`: elements of `key=value` pairs, one element a proxy.

use super::{Der, escaped_pem, malformed};
use crate::{denial::Denial, thumbprint::Thumbprint};

/// What is read of an element; `By`, `Subject`, `URI`, `DNS`, and unknown keys are not.
#[derive(Default)]
struct Element<'a> {
    hash: Option<&'a [u8]>,
    cert: Option<&'a [u8]>,
    chain: Option<&'a [u8]>,
}

/// The value comes without its quotes and with its escapes: no value that is read may hold any.
struct Pair<'a> {
    key: &'a [u8],
    value: &'a [u8],
}

/// Reads exactly one element: the certificate, then what `Chain` holds, which begins with the certificate again.
///
/// # Errors
/// `certificate_repeated` for two elements, because only a proxy before the trusted one can have written the other;
/// `certificate_missing` without `Cert`; `certificate_malformed` for broken quoting, for `Hash`, `Cert`, or `Chain` given
/// twice, and for a `Hash` that is not the certificate's.
pub(super) fn read(value: &[u8]) -> Result<Vec<Der>, Denial> {
    let element = the_element(value)?;
    let cert = element
        .cert
        .filter(|cert| !cert.is_empty())
        .ok_or(Denial::CertificateMissing { why: "the element names no certificate" })?;
    let mut found = escaped_pem::read(cert)?;
    let [leaf] = found.as_slice() else { return Err(malformed("more than one certificate in Cert")) };
    if element.hash.is_some_and(|hash| !hash.eq_ignore_ascii_case(hex(leaf).as_bytes())) {
        return Err(malformed("Hash is not the certificate's SHA-256"));
    }
    if let Some(chain) = element.chain {
        found.extend(escaped_pem::read(chain)?);
    }
    Ok(found)
}

/// Writes one element. `chain` is the leaf and its intermediates; the leaf alone needs no `Chain`.
pub(super) fn write(leaf: &[u8], chain: &[&[u8]]) -> String {
    let mut element = format!(r#"Hash={};Cert="{}""#, hex(leaf), escaped_pem::write(&[leaf]));
    if chain.len() > 1 {
        element.push_str(&format!(r#";Chain="{}""#, escaped_pem::write(chain)));
    }
    element
}

/// Parses the whole value before it counts elements, so that what is broken is never taken for something else.
fn the_element(value: &[u8]) -> Result<Element<'_>, Denial> {
    let mut element = Element::default();
    let mut several = false;
    let mut rest = value;
    loop {
        let (pair, after) = pair(rest)?;
        if !several {
            element.take(pair)?;
        }
        rest = match after {
            [] if several => return Err(Denial::CertificateRepeated),
            [] => return Ok(element),
            // Whoever joins two lines may put white space behind the comma (RFC 9110, section 5.6.1).
            [b',', next @ ..] => {
                several = true;
                next.trim_ascii_start()
            }
            [_, next @ ..] => next,
        };
    }
}

impl<'a> Element<'a> {
    fn take(&mut self, pair: Pair<'a>) -> Result<(), Denial> {
        let is = |key: &[u8]| pair.key.eq_ignore_ascii_case(key);
        let place = if is(b"Hash") {
            &mut self.hash
        } else if is(b"Cert") {
            &mut self.cert
        } else if is(b"Chain") {
            &mut self.chain
        } else {
            return Ok(());
        };
        match place.replace(pair.value) {
            None => Ok(()),
            Some(_) => Err(malformed("a key of XFCC given twice")),
        }
    }
}

/// The pair at the head of `text`, and what follows: nothing, or a separator and more.
fn pair(text: &[u8]) -> Result<(Pair<'_>, &[u8]), Denial> {
    let broken = || malformed("XFCC that is not well formed");
    let (key, text) = text.split_at(text.iter().position(|byte| *byte == b'=').ok_or_else(broken)?);
    let text = text.strip_prefix(b"=").ok_or_else(broken)?;
    let value = match text.strip_prefix(b"\"") {
        Some(quoted) => quoted_value(quoted),
        None => bare_value(text),
    };
    let (value, rest) = value.ok_or_else(broken)?;
    let named = !key.is_empty() && key.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
    let separated = rest.is_empty() || rest.starts_with(b",") || rest.starts_with(b";");
    if named && separated { Ok((Pair { key, value }, rest)) } else { Err(broken()) }
}

/// The value up to the next separator. One that holds a quote or an equals sign would have to be quoted.
fn bare_value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (value, rest) = text.split_at(text.iter().position(|byte| b",;".contains(byte)).unwrap_or(text.len()));
    (!value.iter().any(|byte| b"\"=".contains(byte))).then_some((value, rest))
}

/// The value up to the quote that ends it, and what follows that quote.
///
/// A backslash takes the next byte with it: Envoy writes the subject as RFC 2253 escapes it, so `\"` is a quote inside,
/// and a name that ends in a backslash, `\\`, does not escape the quote behind it.
fn quoted_value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut bytes = text.iter().enumerate();
    while let Some((place, byte)) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next()?,
            b'"' => {
                let (value, rest) = text.split_at_checked(place)?;
                return Some((value, rest.strip_prefix(b"\"")?));
            }
            _ => {}
        }
    }
    None
}

fn hex(der: &[u8]) -> String {
    hex::encode(Thumbprint::of(der).as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::tests::{another, reference},
        *,
    };

    fn check(value: &str, expected: Result<(), &'static str>) {
        let found = read(value.as_bytes()).map(|shown| assert_eq!(shown.first(), Some(&reference())));
        assert_eq!(found.map_err(|denial| denial.code()), expected, "{value}");
    }

    fn cert() -> String {
        format!(r#"Cert="{}""#, escaped_pem::write(&[&reference()]))
    }

    #[test]
    fn one_element_is_read_whatever_else_it_says() {
        let (cert, hash) = (cert(), hex(&reference()));
        check(&cert, Ok(()));
        check(&cert.replace("Cert", "cERT"), Ok(()));
        check(&cert.replace('"', ""), Ok(()));
        check(&format!("By=spiffe://a/b;By=c;Hash={hash};{cert};Subject=\"\";URI=;DNS=a;DNS=b;New-Key=x"), Ok(()));
        check(&format!("HASH=\"{}\";{cert}", hash.to_uppercase()), Ok(()));
        // Subjects as Envoy escapes them, the last one ending in a backslash.
        check(&format!(r#"Subject="CN=client,O=ACME\\, Inc \\\"X\\\"\;=";{cert}"#), Ok(()));
        check(&format!(r#"Subject="O=ACME\, Inc \"X\"\;=,CN=client";{cert}"#), Ok(()));
        check(&format!(r#"{cert};Subject="CN=a\\""#), Ok(()));
        check(&format!(r#"Subject="a,Cert=\"b\",c";{cert}"#), Ok(()));
    }

    #[test]
    fn second_element_is_repeated_and_never_first_or_last() {
        let cert = cert();
        check(&format!("{cert},{cert}"), Err("certificate_repeated"));
        check(&format!("Hash=00,{cert}"), Err("certificate_repeated"));
        check(&format!("{cert},By=x"), Err("certificate_repeated"));
        check(&format!("{cert},By=x,By=y"), Err("certificate_repeated"));
        check(&format!("{cert}, By=x"), Err("certificate_repeated"));
        check(&format!("{cert}; By=x"), Err("certificate_malformed"));
    }

    #[test]
    fn element_without_a_certificate_is_missing() {
        check("By=spiffe://a", Err("certificate_missing"));
        check("Cert=\"\"", Err("certificate_missing"));
        check(&format!("Hash={}", hex(&reference())), Err("certificate_missing"));
        check(&cert().replace("Cert", "Chain"), Err("certificate_missing"));
    }

    #[test]
    fn broken_quoting_is_malformed() {
        let cert = cert();
        let broken = [
            cert.trim_end_matches('"').to_owned(),
            format!("{cert}x"),
            format!("{cert}xBy=x"),
            format!("{cert} ;By=x"),
            format!("{cert};"),
            format!("{cert},"),
            format!(";{cert}"),
            format!(",{cert}"),
            format!("{cert};;By=x"),
            format!("{cert}; By=x"),
            format!("{cert};By"),
            format!("{cert};=x"),
            format!("{cert};By=a\"b"),
            format!("{cert};URI=a=b"),
            format!("{cert};Subject=\"a\\\""),
            format!("{cert};Subject=\"a\"b\""),
            format!("Subject=\"CN=a\";Cert=\"b\";{cert}"),
        ];
        for value in broken {
            check(&value, Err("certificate_malformed"));
        }
    }

    #[test]
    fn keys_given_twice_are_malformed() {
        let (cert, hash) = (cert(), hex(&reference()));
        check(&format!("{cert};{cert}"), Err("certificate_malformed"));
        check(&format!("{cert};cert=x"), Err("certificate_malformed"));
        check(&format!("Hash={hash};{cert};hash={hash}"), Err("certificate_malformed"));
        check(&format!("{cert};Chain=;Chain="), Err("certificate_malformed"));
    }

    #[test]
    fn hash_of_another_certificate_is_malformed() {
        let (cert, hash) = (cert(), hex(&reference()));
        for wrong in [hex(&another("other")), String::new(), hash.replacen('3', "4", 1), hash[1..].to_owned()] {
            check(&format!("Hash={wrong};{cert}"), Err("certificate_malformed"));
        }
    }

    #[test]
    fn cert_with_two_certificates_or_a_broken_chain_is_malformed() {
        let two = escaped_pem::write(&[&reference(), &another("other")]);
        check(&format!("Cert=\"{two}\""), Err("certificate_malformed"));
        check(&format!("{};Chain=\"x\"", cert()), Err("certificate_malformed"));
        check(&format!("{};Chain=\"\"", cert()), Err("certificate_malformed"));
    }

    /// A pair as a proxy that keeps the grammar writes it.
    fn written() -> impl Strategy<Value = String> {
        ("(By|URI|DNS|Subject|X-[a-z]{1,4})", "[ -~]{0,12}").prop_map(|(key, value)| {
            let quoted = value.contains([',', ';', '=', '"', '\\']);
            let escaped = value.replace('\\', r"\\").replace('"', "\\\"");
            if quoted { format!("{key}=\"{escaped}\"") } else { format!("{key}={value}") }
        })
    }

    proptest! {
        #[test]
        fn pairs_around_the_certificate_change_nothing(
            before in prop::collection::vec(written(), 0..4),
            after in prop::collection::vec(written(), 0..4),
        ) {
            let element = [before, vec![cert()], after].concat().join(";");
            check(&element, Ok(()));
            check(&format!("{element},{element}"), Err("certificate_repeated"));
        }

        #[test]
        fn arbitrary_text_never_panics_and_is_never_a_certificate(text in "[CertHashBy=;,\"\\\\% -]{0,60}") {
            prop_assert!(read(text.as_bytes()).is_err());
        }

        #[test]
        fn element_cut_short_is_never_a_certificate(length in 0..900_usize) {
            let element = write(&reference(), &[&reference(), &another("other")]);
            // Cut at the end of a pair, what is left is whole.
            let whole = element.match_indices(';').any(|(place, _)| place == length && place > 80);
            let cut = element.get(..length).unwrap_or_default();
            prop_assert_eq!(read(cut.as_bytes()).is_ok(), whole);
        }
    }
}
