#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use base64::{Engine, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use rcgen::{CertificateParams, DnType, KeyPair};

use super::*;
use crate::{
    certificate::mint::presented,
    headers::{IdentityHeaders, ReadNames},
    thumbprint::Thumbprint,
};

/// A client's certificate as several load balancers were seen to forward it: P-256, with a comma, a semicolon, an equals
/// sign, and quotes in its subject, and with `+` and `/` in its base64.
pub(in crate::certificate) const REFERENCE: &str = "-----BEGIN CERTIFICATE-----\n\
    MIIBkjCCATigAwIBAgIUHxnAs+ZFJ2Em/weg7HtwCPYOPLkwCgYIKoZIzj0EAwIw\n\
    DjEMMAoGA1UEAwwDSW50MB4XDTI2MTEyMjA2MTg0OVoXDTI2MTIyMjA2MTg0OVow\n\
    KzEYMBYGA1UECgwPQUNNRSwgSW5jICJYIjs9MQ8wDQYDVQQDDAZjbGllbnQwWTAT\n\
    BgcqhkjOPQIBBggqhkjOPQMBBwNCAASTdmRYvWpc7l3v8daCsu/IUlfnVnHCGk20\n\
    6WlZPwhbuQ4IqtPjIEXsID2iilPl23WrV3o2MsyAXccqw3B9GJ5bo1cwVTATBgNV\n\
    HSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQU6QcLOPlqAE/YqOAzr572FqpzVXUw\n\
    HwYDVR0jBBgwFoAU5jIF/vIf0lYFCvGq8naUnl5QIy8wCgYIKoZIzj0EAwIDSAAw\n\
    RQIhALdoBUMd2WFuelrFt9XslNPuDhMKSFFkeIyUhqjkR4iSAiA+p/CSH+kUV9X/\n\
    dTeKp80ohqbbttMqC06TXLhUu5mCQA==\n\
    -----END CERTIFICATE-----\n";

/// Another certificate: an intermediate, or a stranger.
pub(in crate::certificate) fn another(name: &str) -> Der {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

pub(in crate::certificate) fn reference() -> Der {
    pem::read(REFERENCE.as_bytes()).unwrap().remove(0)
}

/// Percent-encodes the bytes of `set`, in upper-case hex.
fn encoded(text: &str, set: &str) -> String {
    let one = |letter| if set.contains(letter) { format!("%{:02X}", u32::from(letter)) } else { String::from(letter) };
    text.chars().map(one).collect()
}

fn nginx() -> String {
    encoded(REFERENCE, " \n+/=")
}

fn aws() -> String {
    encoded(REFERENCE, " \n")
}

fn one_line() -> String {
    REFERENCE.replace('\n', " ")
}

fn base64() -> String {
    REFERENCE.lines().filter(|line| !line.starts_with('-')).collect()
}

fn decoded(profile: Profile, value: &str) -> Result<Presented, &'static str> {
    profile.decode(value.as_bytes(), &[], 5).map_err(|denial| denial.code())
}

#[test]
fn reference_has_the_thumbprint_that_was_measured() {
    assert_eq!(Thumbprint::of(&reference()).to_string(), "NAVOPtlfN8xFm5_aC5IsrkDj7C0maGxp30Gw93VMgdE");
}

#[test]
fn every_profile_reads_its_own_forms_and_no_other() {
    let lower = aws().replace("%0A", "%0a");
    let crlf = encoded(&REFERENCE.replace('\n', "\r\n"), " \r\n+/=");
    let escaped_base64 = encoded(&base64(), "+/=");
    let forms = [
        ("escaped PEM", nginx()),
        ("escaped PEM, raw +/=", aws()),
        ("escaped PEM, lower-case hex", lower),
        ("escaped PEM, CRLF", crlf),
        ("escaped PEM, no final line end", nginx().trim_end_matches("%0A").into()),
        ("PEM on one line", one_line()),
        ("PEM on one line, trimmed", one_line().trim_end().into()),
        ("base64", base64()),
        ("escaped base64", escaped_base64),
        ("byte sequence", format!(":{}:", base64())),
        ("XFCC", format!("Cert=\"{}\"", nginx())),
    ];
    let check = |profile: Profile, accepted: &[&str]| {
        for (form, value) in &forms {
            let expected = accepted.iter().any(|start| form.starts_with(start) && !form.contains("escaped base64"))
                || accepted.contains(form);
            let read = decoded(profile, value);
            assert_eq!(read.is_ok(), expected, "{profile:?}: {form}: {read:?}");
            if let Ok(read) = read {
                assert_eq!(read, presented(&reference(), &[]).unwrap());
            }
        }
    };
    check(Profile::Wso2, &["escaped PEM", "PEM on one line", "base64", "escaped base64"]);
    check(Profile::Nginx, &["escaped PEM"]);
    check(Profile::IngressNginx, &["escaped PEM"]);
    check(Profile::Haproxy, &["base64"]);
    check(Profile::Apache, &["escaped PEM", "PEM on one line"]);
    check(Profile::Envoy, &["XFCC"]);
    check(Profile::Traefik, &["base64", "escaped base64"]);
    check(Profile::Caddy, &["byte sequence", "base64"]);
    check(Profile::AwsAlb, &["escaped PEM"]);
    check(Profile::Gcp, &["byte sequence"]);
    check(Profile::Azure, &["base64", "escaped PEM"]);
    check(Profile::Cloudflare, &["byte sequence"]);
    check(Profile::F5, &["base64", "PEM on one line", "escaped PEM"]);
    check(Profile::Rfc9440, &["byte sequence"]);
}

#[test]
fn broken_values_are_malformed_in_every_profile() {
    let twice = encoded(&nginx(), "%");
    let other_label = nginx().replace("CERTIFICATE", "TRUSTED%20CERTIFICATE");
    let formed = nginx().replace("%2B", "%20");
    let trailing = format!("{}x", nginx());
    let blank = nginx().replacen("%0A", "%0A%0A", 1);
    let blank_at_end = nginx().replace("%0A-----END", "%0A%0A-----END");
    let cut = |text: String| text[..text.len() / 2].to_owned();
    let loose_bits = base64().replace("mCQA==", "mCQB==");
    let key = nginx().replace("CERTIFICATE", "PRIVATE%20KEY");
    let values = [
        twice,
        other_label,
        formed,
        trailing,
        blank,
        blank_at_end,
        key,
        cut(nginx()),
        cut(one_line()),
        cut(base64()),
        loose_bits,
        base64().trim_end_matches('=').into(),
        base64().replace('+', " "),
        base64().replace('+', "-"),
        one_line().replace("HxnAs+", "HxnAs "),
        one_line().replace('+', " "),
        format!("{}AAAA", base64()),
        format!(":{}", base64()),
        format!(":{}:;p=1", base64()),
        ":%:".into(),
        "%".into(),
        "-----BEGIN".into(),
        "\u{e9}".into(),
        "=".into(),
        "MIIB".into(),
        format!("{},", base64()),
        format!(",{}", base64()),
        REFERENCE.replace("CERTIFICATE-----\n", "CERTIFICATE-----").replace('\n', "\t"),
    ];
    for profile in Profile::ALL {
        for value in &values {
            assert_eq!(decoded(profile, value).unwrap_err(), "certificate_malformed", "{profile:?}: {value}");
        }
    }
}

#[test]
fn second_certificate_is_malformed_where_one_is_carried() {
    let two_pem = format!("{}{}", nginx(), nginx());
    let two_der = base64_der::write(&[&[reference(), reference()].concat()]);
    let two_items = rfc9440::write(&[&reference(), &reference()]);
    for profile in Profile::ALL.into_iter().filter(|profile| !profile.carries_chain()) {
        for value in [&two_pem, &two_der, &two_items, &format!("{}{}", one_line(), one_line())] {
            assert_eq!(decoded(profile, value).unwrap_err(), "certificate_malformed", "{profile:?}: {value}");
        }
    }
}

#[test]
fn certificate_that_is_not_strict_der_is_malformed() {
    let check = |der: &[u8]| {
        let value = BASE64_STANDARD.encode(der);
        assert_eq!(decoded(Profile::Haproxy, &value).unwrap_err(), "certificate_malformed");
    };
    let der = reference();
    let (header, body) = der.split_at(4);
    assert_eq!(header, [0x30, 0x82, 0x01, 0x92]);
    check(&[&der, &[0][..]].concat());
    check(&[&[0x30, 0x83, 0x00, 0x01, 0x92], body].concat());
    check(&[&[0x30, 0x80], body, &[0, 0]].concat());
    check(body);
    check(&der[..der.len() - 1]);
    // `critical FALSE` is a default, which DER leaves out.
    let explicit = with_explicit_default(&der);
    assert!(webpki::EndEntityCert::try_from(&explicit.as_slice().into()).is_ok(), "only strictness refuses it");
    check(&explicit);
    // The same as an intermediate.
    assert!(presented(&der, &[&another("other")]).is_ok());
    assert_eq!(presented(&der, &[&explicit]).unwrap_err().code(), "certificate_malformed");
}

/// The reference certificate with `critical` of its first extension written out as FALSE.
fn with_explicit_default(der: &[u8]) -> Der {
    let place = der.windows(5).position(|bytes| bytes == [0x06, 0x03, 0x55, 0x1d, 0x25]).unwrap() + 5;
    let mut longer = der.to_vec();
    longer.splice(place..place, [0x01, 0x01, 0x00]);
    // The lengths of Certificate, TBSCertificate, [3], Extensions, and the extension.
    for at in [3, 7, place - 10, place - 8, place - 6] {
        longer[at] += 3;
    }
    longer
}

#[test]
fn chain_is_read_where_the_profile_has_a_place_for_it() {
    let (leaf, one, two) = (reference(), another("one"), another("two"));
    let expected = presented(&leaf, &[&one, &two]).unwrap();
    let check = |profile: Profile, value: String, chain: &[String]| {
        let chain: Vec<&[u8]> = chain.iter().map(String::as_bytes).collect();
        assert_eq!(profile.decode(value.as_bytes(), &chain, 2).unwrap(), expected, "{profile:?}");
        assert_eq!(profile.decode(value.as_bytes(), &chain, 1).unwrap_err().code(), "certificate_malformed");
    };
    let item = rfc9440::write(&[&leaf]);
    check(Profile::AwsAlb, escaped_pem::write(&[&leaf, &one, &two]), &[]);
    check(Profile::Traefik, base64_der::write(&[&leaf, &one, &two]), &[]);
    check(Profile::Traefik, base64_der::write(&[&leaf, &one, &two]).replace(',', "%2C"), &[]);
    check(Profile::Haproxy, base64(), &[base64_der::write(&[&[one.clone(), two.clone()].concat()])]);
    check(Profile::Rfc9440, item.clone(), &[rfc9440::write(&[&one, &two])]);
    check(Profile::Rfc9440, item.clone(), &[rfc9440::write(&[&one]), rfc9440::write(&[&two])]);
    check(Profile::Rfc9440, item.clone(), &[rfc9440::write(&[&one, &two]).replace(", ", " ,\t")]);
    check(Profile::Gcp, item.clone(), &[rfc9440::write(&[&leaf, &one, &two])]);
    check(Profile::Cloudflare, item, &[rfc9440::write(&[&one, &two]).replace(", ", ",")]);
    check(Profile::Envoy, xfcc::write(&leaf, &[&leaf, &one, &two]), &[]);
}

#[test]
fn broken_chain_is_malformed() {
    let one = rfc9440::write(&[&another("one")]);
    let item = rfc9440::write(&[&reference()]);
    for chain in [format!("{one},"), format!("{one},,{one}"), format!("{one} {one}"), base64(), ":AAAA:".into()] {
        let read = Profile::Rfc9440.decode(item.as_bytes(), &[chain.as_bytes()], 5);
        assert_eq!(read.unwrap_err().code(), "certificate_malformed", "{chain}");
    }
}

#[test]
fn chain_header_is_malformed_where_the_profile_has_none() {
    for profile in Profile::ALL.into_iter().filter(|profile| profile.chain_header().is_none()) {
        let value = profile.encode(&reference(), &[]).leaf;
        let read = profile.decode(value.as_bytes(), &[value.as_bytes()], 5);
        assert_eq!(read.unwrap_err().code(), "certificate_malformed", "{profile:?}");
    }
}

#[test]
fn written_values_are_the_bytes_of_the_contract() {
    let check = |profiles: &[Profile], expected: String| {
        for profile in profiles {
            let written = profile.encode(&reference(), &[]);
            assert_eq!(written.leaf, expected, "{profile:?}");
            assert!(written.chain.is_none(), "{profile:?}");
        }
    };
    use Profile::{Apache, AwsAlb, Azure, Caddy, Cloudflare, Envoy, F5, Gcp, Haproxy, IngressNginx, Nginx};
    check(&[Profile::Wso2, Nginx, IngressNginx, Apache, AwsAlb], nginx());
    check(&[Haproxy, Profile::Traefik, Azure, F5], base64());
    check(&[Caddy, Gcp, Cloudflare, Profile::Rfc9440], format!(":{}:", base64()));
    let hash = "34054e3ed95f37cc459b9fda0b922cae40e3ec2d26686c69df41b0f7754c81d1";
    check(&[Envoy], format!("Hash={hash};Cert=\"{}\"", nginx()));
    assert!(nginx().starts_with("-----BEGIN%20CERTIFICATE-----%0AMIIBkjCCATigAwIBAgIUHxnAs%2BZFJ2Em%2Fweg7Htw"));
    assert!(nginx().ends_with("mCQA%3D%3D%0A-----END%20CERTIFICATE-----%0A"));
}

#[test]
fn every_profile_has_a_name_and_its_headers_are_identity_headers() {
    let builtin = IdentityHeaders::new(ReadNames::default(), []);
    for profile in Profile::ALL {
        assert!(builtin.covers(&profile.header()), "{profile:?}");
        assert!(profile.chain_header().is_none_or(|chain| builtin.covers(&chain)), "{profile:?}");
        assert_eq!(Profile::ALL.iter().filter(|other| other.name() == profile.name()).count(), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_written_reads_as_it_was(names in prop::collection::vec("[a-z=;,\"\\\\ ]{1,12}", 1..4)) {
        let ders: Vec<Der> = names.iter().map(|name| another(name)).collect();
        let shown: Vec<&[u8]> = ders.iter().map(Vec::as_slice).collect();
        let (leaf, shown) = shown.split_first().unwrap();
        for profile in Profile::ALL {
            let written = profile.encode(leaf, shown);
            let chain: Vec<&[u8]> = written.chain.iter().map(HeaderValue::as_bytes).collect();
            let intermediates =
                if profile.carries_chain() || profile.chain_header().is_some() { shown } else { &[] };
            let expected = presented(leaf, intermediates).unwrap();
            prop_assert_eq!(profile.decode(written.leaf.as_bytes(), &chain, 3).unwrap(), expected);
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_never_a_certificate(
        value in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..80),
            "(Cert=)?\"?(-----BEGIN( |%20)CERTIFICATE-----)?(%0A| )?[A-Za-z0-9+/=%,;:]{0,40}".prop_map(String::into_bytes),
        ],
    ) {
        for profile in Profile::ALL {
            prop_assert!(profile.decode(&value, &[&value], 5).is_err());
        }
    }

    #[test]
    fn only_canonical_base64_is_read(text in "[A-Za-d/+=]{0,9}") {
        if let Ok(bytes) = der::from_base64(text.as_bytes()) {
            prop_assert_eq!(BASE64_STANDARD.encode(bytes), text);
        }
    }

    #[test]
    fn one_changed_byte_never_reads_as_the_same_certificate(place in 0..400_usize, byte in any::<u8>()) {
        let mut value = base64().into_bytes();
        let changed = value[place] != byte;
        value[place] = byte;
        let same = Profile::Haproxy.decode(&value, &[], 5).is_ok_and(|presented| presented.leaf.der() == reference());
        prop_assert_eq!(same, !changed);
    }
}
