#![expect(clippy::unwrap_used, clippy::panic, reason = "tests state what they need")]

use std::{path::Path, process::Command};

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use super::*;
use crate::certificate::mint::{Authority, HALF, NOW, at, authority, client};

fn pem_of(der: &[u8]) -> String {
    let base64 = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, der);
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

/// A store as keytool writes it: format version 2, one entry for each certificate.
fn jks_of(certificates: &[&[u8]], password: &str) -> Vec<u8> {
    let counted = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let mut store =
        [&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2], &u32::try_from(certificates.len()).unwrap().to_be_bytes()[..]].concat();
    for der in certificates {
        store.extend([0, 0, 0, 2, 0, 1, b'a', 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
        store.extend(b"X.509");
        store.extend(counted(der));
    }
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    password.encode_utf16().for_each(|unit| digest.update(&unit.to_be_bytes()));
    digest.update(b"Mighty Aphrodite");
    digest.update(&store);
    store.extend(digest.finish().as_ref());
    store
}

#[track_caller]
fn check(file: &[u8], password: Option<&str>, expected: Result<usize, &str>) {
    match (certificates(file, password), expected) {
        (Ok(found), Ok(count)) => assert_eq!(found.len(), count),
        (Err(unusable), Err(what)) => assert!(unusable.what.contains(what), "{}", unusable.what),
        (found, expected) => panic!("{found:?}, expected {expected:?}"),
    }
}

#[test]
fn pem_der_and_jks_are_told_apart_by_content() {
    let (a, b) = (Authority::root(authority("a")), Authority::root(authority("b")));
    let bundle = format!("# a comment\n{}\nmore\n{}", pem_of(&a.der), pem_of(&b.der));
    check(bundle.as_bytes(), None, Ok(2));
    check(&a.der, None, Ok(1));
    check(&jks_of(&[&a.der, &b.der], "changeit"), Some("changeit"), Ok(2));
}

#[test]
fn file_without_a_usable_certificate_is_named_for_what_it_is() {
    let a = Authority::root(authority("a"));
    check(b"", None, Err("no PEM"));
    check(b"hello", None, Err("no PEM"));
    check(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", None, Err("no certificate"));
    check(b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", None, Err("PEM that cannot be read"));
    check(&jks_of(&[&a.der], "changeit"), Some("other"), Err("another password"));
    check(&jks_of(&[&a.der], "changeit"), None, Err("another password"));
    check(&jks_of(&[], "changeit"), Some("changeit"), Err("no certificate"));
    check(&[0xfe, 0xed, 0xfe, 0xed], None, Err("JKS"));
    check(&[0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2], None, Err("JCEKS"));
    check(&[0x30, 0x03, 0x02, 0x01, 0x03], None, Err("neither"));
    let mut cut = a.der.to_vec();
    cut.pop();
    check(&cut, None, Err("neither"));
}

#[test]
fn pkcs12_of_keytool_and_openssl_is_read_and_its_password_matters() {
    let folder = tempfile::tempdir().unwrap();
    let a = Authority::root(authority("a"));
    std::fs::write(folder.path().join("a.pem"), pem_of(&a.der)).unwrap();
    let keytool = "-importcert -noprompt -storetype PKCS12 -storepass changeit -alias a -file a.pem -keystore k.p12";
    let openssl = "pkcs12 -export -nokeys -in a.pem -passout pass:changeit -out o.p12";
    for (program, arguments, store) in [("keytool", keytool, "k.p12"), ("openssl", openssl, "o.p12")] {
        if !ran(program, arguments, folder.path()) {
            assert!(std::env::var_os("CI").is_none() || program == "keytool", "openssl is needed in CI");
            eprintln!("SKIPPED: {program} is not installed");
            continue;
        }
        let bytes = std::fs::read(folder.path().join(store)).unwrap();
        check(&bytes, Some("changeit"), Ok(1));
        check(&bytes, Some("wrong"), Err("another password"));
        check(&bytes, None, Err("another password"));
    }
}

fn ran(program: &str, arguments: &str, folder: &Path) -> bool {
    Command::new(program)
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .is_ok_and(|output| output.status.success())
}

#[test]
fn expired_and_no_authority_are_skipped_with_their_names_and_nothing_left_is_an_error() {
    let a = Authority::root(authority("a"));
    let leaf = a.issue(client("a leaf"));

    let (store, skipped) = Truststore::new(vec![a.der.clone(), leaf.clone().into(), a.der.clone()], at(NOW)).unwrap();
    assert_eq!(store.anchors().collect::<Vec<_>>(), [("CN=a", at(NOW + HALF))]);
    assert_eq!(skipped.iter().map(|s| s.what.as_str()).collect::<Vec<_>>(), ["CN=a leaf is no certificate authority"]);

    let gone = Truststore::new(vec![a.der.clone()], at(NOW + HALF + 1)).unwrap_err();
    assert!(gone.what.contains("CN=a has expired"), "{}", gone.what);
    assert!(Truststore::new(vec![leaf.into()], at(NOW)).is_err());
    assert!(Truststore::new(vec![], at(NOW)).is_err());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), start in 0..3_usize) {
        let starts: [&[u8]; 3] = [&[], &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2], b"-----BEGIN CERTIFICATE-----\n"];
        bytes.splice(0..0, starts.get(start).unwrap().iter().copied());
        let _ = certificates(&bytes, Some(""));
    }
}
