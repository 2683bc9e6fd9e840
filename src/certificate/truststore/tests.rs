#![expect(clippy::unwrap_used, clippy::panic, reason = "tests state what they need")]

use p12_keystore::{EncryptionAlgorithm, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use super::*;
use crate::certificate::mint::{Authority, HALF, NOW, at, authority, client, ran};

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
    sealed(store, password)
}

/// A store that holds a private key with this chain, and nothing else.
fn jks_with_a_key(chain: &[&[u8]]) -> Vec<u8> {
    let trusting = jks_of(chain, "changeit");
    // The same certificates, without the kind, alias, and date of an entry of their own.
    let entries = trusting.get(12..trusting.len() - 20).unwrap();
    let mut store = vec![0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, b'a'];
    store.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]);
    store.extend(u32::try_from(chain.len()).unwrap().to_be_bytes());
    let mut entries = entries;
    for der in chain {
        let (entry, rest) = entries.split_at(15 + 7 + 4 + der.len());
        store.extend(entry.get(15..).unwrap());
        entries = rest;
    }
    sealed(store, "changeit")
}

fn sealed(mut store: Vec<u8>, password: &str) -> Vec<u8> {
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
    check(&jks_of(&[&a.der], "changeit"), None, Err("needs password_file"));
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
            continue;
        }
        let bytes = std::fs::read(folder.path().join(store)).unwrap();
        check(&bytes, Some("changeit"), Ok(1));
        check(&bytes, Some("wrong"), Err("another password"));
        check(&bytes, None, Err("needs password_file"));
    }
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

#[test]
fn pem_block_that_would_be_passed_over_is_an_error() {
    let (one, two) = (pem_of(&Authority::root(authority("1")).der), pem_of(&Authority::root(authority("2")).der));
    check(format!("{one}  {two}").as_bytes(), None, Err("start of a line"));
    check(format!("\u{feff}{one}{two}").as_bytes(), None, Err("start of a line"));
    check(format!("{}{two}", one.replace("-----END CERTIFICATE-----\n", "")).as_bytes(), None, Err(""));
    check(one.replace("CERTIFICATE", "TRUSTED CERTIFICATE").as_bytes(), None, Err("TRUSTED"));
    check(format!("{one}{two}").replace('\n', "\r\n").as_bytes(), None, Ok(2));
    check(format!("{one}{}{two}", KeyPair::generate().unwrap().serialize_pem()).as_bytes(), None, Ok(2));
}

fn pkcs12_of(trusted: &[&[u8]], own: &[&[u8]], how: EncryptionAlgorithm) -> Vec<u8> {
    let certificate = |der: &&[u8]| p12_keystore::Certificate::from_der(der).unwrap();
    let mut store = KeyStore::new();
    for (place, der) in trusted.iter().enumerate() {
        store.add_entry(&format!("trusted-{place}"), KeyStoreEntry::Certificate(certificate(der)));
    }
    if !own.is_empty() {
        let key = PrivateKey::from_der(&KeyPair::generate().unwrap().serialize_der()).unwrap();
        let chain = PrivateKeyChain::new("own", key, own.iter().map(certificate));
        store.add_entry("own", KeyStoreEntry::PrivateKeyChain(chain));
    }
    store.writer("changeit").encryption_algorithm(how).encryption_iterations(1000).mac_iterations(1000).write().unwrap()
}

#[test]
fn pkcs12_is_read_however_it_is_encrypted() {
    let (one, two) = (Authority::root(authority("1")), Authority::root(authority("2")));
    for how in [
        EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
        EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
        EncryptionAlgorithm::PbeWithShaAnd40BitRc4Cbc,
    ] {
        check(&pkcs12_of(&[&one.der, &two.der], &[], how), Some("changeit"), Ok(2));
    }
}

#[test]
fn store_with_a_private_key_makes_no_anchors_of_its_issuers() {
    let (public, ours) = (Authority::root(authority("public")), Authority::root(authority("ours")));
    let server = public.issue(client("server"));
    let how = EncryptionAlgorithm::PbeWithHmacSha256AndAes256;
    check(&pkcs12_of(&[], &[&server, &public.der], how), Some("changeit"), Err("private key"));
    check(&jks_with_a_key(&[&server, &public.der]), Some("changeit"), Err("private key"));

    let found = certificates(&pkcs12_of(&[&ours.der], &[&server, &public.der], how), Some("changeit")).unwrap();
    assert_eq!(found, [ours.der]);
}

#[test]
fn jks_that_is_sealed_and_broken_is_an_error() {
    let store = jks_of(&[&Authority::root(authority("a")).der], "changeit");
    let body = store.get(..store.len() - 20).unwrap();
    for end in 4..body.len() {
        check(&sealed(body.get(..end).unwrap().to_vec(), "changeit"), Some("changeit"), Err("JKS"));
    }
    check(&sealed([body, &[0]].concat(), "changeit"), Some("changeit"), Err("cannot be read"));
    for place in [4, 20, 60, store.len() - 1] {
        let mut damaged = store.clone();
        *damaged.get_mut(place).unwrap() ^= 1;
        check(&damaged, Some("changeit"), Err("damaged"));
    }
}

#[test]
fn anchor_that_no_path_can_end_in_is_kept_and_named() {
    let check = |change: &dyn Fn(&mut CertificateParams), expected: &str| {
        let mut params = authority("a");
        change(&mut params);
        let (store, said) = Truststore::new(vec![Authority::root(params).der], at(NOW)).unwrap();
        assert_eq!(store.anchors().count(), 1);
        assert_eq!(said.len(), usize::from(!expected.is_empty()), "{said:?}");
        said.iter().for_each(|said| assert!(said.what.contains(expected), "{said:?}"));
    };
    let extension = |oid: &[u64], critical| {
        let mut extension = CustomExtension::from_oid_content(oid, vec![2, 1, 0]);
        extension.set_criticality(critical);
        extension
    };
    check(&|_| (), "");
    check(&|params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)), "");
    check(&|params| params.not_before += time::Duration::days(1) + time::Duration::SECOND, "is not valid yet");
    check(&|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth], "lacks clientAuth");
    check(&|params| params.custom_extensions = vec![extension(&[1, 3, 6, 1, 99], true)], "critical extension");
    check(&|params| params.custom_extensions = vec![extension(&[2, 5, 29, 54], false)], "policies");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), start in 0..3_usize) {
        let starts: [&[u8]; 3] = [&[], &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2], b"-----BEGIN CERTIFICATE-----\n"];
        bytes.splice(0..0, starts.get(start).unwrap().iter().copied());
        let _ = certificates(&bytes, Some(""));
    }
}
