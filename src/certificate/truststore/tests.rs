#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use std::fs;

use der::pem::{LineEnding, encode_string};
use p12_keystore::{EncryptionAlgorithm, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use super::*;
use crate::certificate::mint::{Authority, examined, in_years, now, plain, ran, self_signed_client, with, year};

const PASSWORD: Option<&str> = Some("changeit");

fn root(name: &str) -> Vec<u8> {
    Authority::root(name, plain).der
}

fn pem_of(der: &[u8]) -> String {
    encode_string("CERTIFICATE", LineEnding::LF, der).unwrap()
}

/// All of `expected` and nothing else, in order.
#[track_caller]
fn check(file: &[u8], password: Option<&str>, expected: &[&[u8]]) {
    let found = certificates(file, password).unwrap();
    assert_eq!(found.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>(), expected);
}

#[track_caller]
fn check_unusable(file: &[u8], password: Option<&str>, expected: &str) {
    let what = certificates(file, password).unwrap_err().what;
    assert!(what.contains(expected), "{what}");
}

#[test]
fn pem_gives_every_certificate_whatever_stands_between() {
    let (one, two) = (root("One"), root("Two"));
    let key = KeyPair::generate().unwrap().serialize_pem();
    check(pem_of(&one).as_bytes(), None, &[&one]);
    let file = format!("# the first\n{}\nsubject=CN = Two\n{key}\n{}", pem_of(&one), pem_of(&two));
    check(file.as_bytes(), None, &[&one, &two]);
    check(file.replace('\n', "\r\n").as_bytes(), PASSWORD, &[&one, &two]);
}

#[test]
fn pem_block_that_would_be_passed_over_is_an_error() {
    let (one, two) = (pem_of(&root("One")), pem_of(&root("Two")));
    check_unusable(format!("{one}  {two}").as_bytes(), None, "start of a line");
    check_unusable(format!("\u{feff}{one}{two}").as_bytes(), None, "start of a line");
    check_unusable(format!("{}{two}", one.replace("-----END CERTIFICATE-----\n", "")).as_bytes(), None, "");
    check_unusable(one.replace("-----END CERTIFICATE-----", "").as_bytes(), None, "cannot be read");
    check_unusable(one.replace("CERTIFICATE", "TRUSTED CERTIFICATE").as_bytes(), None, "TRUSTED");
    check_unusable(one.replace('\n', " ").as_bytes(), None, "cannot be read");
    check_unusable(KeyPair::generate().unwrap().serialize_pem().as_bytes(), None, "holds no certificate");
}

#[test]
fn anything_else_is_an_error() {
    check_unusable(b"", None, "is empty");
    check_unusable(b"trust me", None, "no PEM, DER");
    check_unusable(&[0x30, 0x03, 1, 1, 0], None, "neither");
    check_unusable(&[0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2], PASSWORD, "JCEKS");
    check_unusable(&vec![0; MAX_BYTES + 1], None, "larger");
    let der = root("One");
    check_unusable(&[der.as_slice(), &[0]].concat(), None, "neither");
}

#[test]
fn der_is_one_certificate() {
    let der = root("One");
    check(&der, None, &[&der]);
}

fn pkcs12(trusted: &[&[u8]], own: &[&[u8]], how: EncryptionAlgorithm) -> Vec<u8> {
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
fn pkcs12_gives_the_trusted_certificates() {
    let (one, two) = (root("One"), root("Two"));
    for how in [
        EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
        EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
        EncryptionAlgorithm::PbeWithShaAnd40BitRc4Cbc,
    ] {
        let store = pkcs12(&[&one, &two], &[], how);
        check(&store, PASSWORD, &[&one, &two]);
        check_unusable(&store, Some("changed"), "another password");
        check_unusable(&store, None, "needs a password");
    }
}

#[test]
fn pkcs12_with_a_private_key_makes_no_anchors_of_its_issuers() {
    let public = Authority::root("Public", plain);
    let (server, ours) = (public.client(plain), root("Ours"));
    let how = EncryptionAlgorithm::PbeWithHmacSha256AndAes256;
    check_unusable(&pkcs12(&[], &[&server, &public.der], how), PASSWORD, "private key");
    check(&pkcs12(&[&ours], &[&server, &public.der], how), PASSWORD, &[&ours]);
    check_unusable(&pkcs12(&[], &[], how), PASSWORD, "holds no certificate");
}

/// As `sun.security.provider.JavaKeyStore` writes it.
fn jks(trusted: &[&[u8]], own: &[&[u8]]) -> Vec<u8> {
    let counted = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let certificate = |der: &&[u8]| [b"\0\x05X.509".as_slice(), &counted(der)].concat();
    let head = |kind: u8| [&[0, 0, 0, kind], b"\0\x05alias".as_slice(), &[0; 8]].concat();
    let entries = u8::try_from(trusted.len() + usize::from(!own.is_empty())).unwrap();
    let mut store = [&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2], [0, 0, 0, entries].as_slice()].concat();
    if !own.is_empty() {
        let chain: Vec<u8> = own.iter().flat_map(certificate).collect();
        let count = [0, 0, 0, u8::try_from(own.len()).unwrap()];
        store.extend([head(1), counted(b"encrypted key"), count.to_vec(), chain].concat());
    }
    trusted.iter().for_each(|der| store.extend([head(2), certificate(der)].concat()));
    sealed(store)
}

fn sealed(store: Vec<u8>) -> Vec<u8> {
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(&"changeit".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>());
    digest.update(b"Mighty Aphrodite");
    digest.update(&store);
    [store.as_slice(), digest.finish().as_ref()].concat()
}

#[test]
fn jks_gives_the_trusted_certificates() {
    let (one, two) = (root("One"), root("Two"));
    let server = Authority::root("Public", plain).client(plain);
    check(&jks(&[&one, &two], &[]), PASSWORD, &[&one, &two]);
    check(&jks(&[&one], &[&server, &two]), PASSWORD, &[&one]);
    check_unusable(&jks(&[], &[&server, &two]), PASSWORD, "private key");
    check_unusable(&jks(&[], &[]), PASSWORD, "holds no certificate");
}

#[test]
fn jks_that_the_password_does_not_seal_is_an_error() {
    let store = jks(&[&root("One")], &[]);
    check_unusable(&store, Some("changed"), "another password, or damaged");
    check_unusable(&store, None, "needs a password");
    for place in [4, 20, 60, store.len() - 1] {
        let mut damaged = store.clone();
        *damaged.get_mut(place).unwrap() ^= 1;
        check_unusable(&damaged, PASSWORD, "damaged");
    }
    check_unusable(store.get(..10).unwrap(), PASSWORD, "cut short");
}

#[test]
fn jks_that_is_sealed_and_broken_is_an_error() {
    let store = jks(&[&root("One")], &[]);
    let body = store.get(..store.len() - 20).unwrap();
    for end in 4..body.len() {
        check_unusable(&sealed(body.get(..end).unwrap().to_vec()), PASSWORD, "JKS");
    }
    check_unusable(&sealed([body, &[0]].concat()), PASSWORD, "cannot be read");
    let version_1 = [&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 1], body.get(8..).unwrap()].concat();
    check_unusable(&sealed(version_1), PASSWORD, "cannot be read");
}

#[test]
fn pkcs12_of_openssl_without_keys_gives_all_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (root("One"), root("Two"));
    fs::write(folder.path().join("all.pem"), pem_of(&one) + &pem_of(&two)).unwrap();
    for how in ["", " -certpbe PBE-SHA1-3DES -macalg sha1"] {
        let export = format!("pkcs12 -export -nokeys -in all.pem -out all.p12 -passout pass:changeit{how}");
        if ran(folder.path(), "openssl", &export) {
            check(&fs::read(folder.path().join("all.p12")).unwrap(), PASSWORD, &[&one, &two]);
        }
    }
}

#[test]
fn stores_of_keytool_give_their_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let one = root("One");
    fs::write(folder.path().join("one.pem"), pem_of(&one)).unwrap();
    for kind in ["JKS", "PKCS12"] {
        let import =
            format!("-importcert -noprompt -alias one -file one.pem -storetype {kind} -keystore {kind} -storepass");
        if ran(folder.path(), "keytool", &format!("{import} changeit")) {
            let store = fs::read(folder.path().join(kind)).unwrap();
            check(&store, PASSWORD, &[&one]);
            check_unusable(&store, Some("changed"), "another password");
        }
    }
}

/// The anchors' subjects, and what is said of the others.
fn anchors_among(certificates: &[&[u8]]) -> (Vec<String>, Vec<String>) {
    let certificates: Vec<_> = certificates.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
    let (store, said) = Truststore::new(certificates, now()).unwrap();
    let subjects = store.anchors().map(|(subject, _)| subject.to_owned()).collect();
    (subjects, said.into_iter().map(|unusable| unusable.what).collect())
}

#[test]
fn certificate_that_anchors_nothing_is_skipped_by_name() {
    let good = root("Good");
    for (other, expected) in [
        (Authority::root("Old", in_years(2020, 2025)).der, "CN=Old has expired"),
        (self_signed_client(plain), "CN=TPP is no certificate authority"),
        (
            Authority::root("Odd", |params| params.key_usages = vec![KeyUsagePurpose::CrlSign]).der,
            "CN=Odd is no certificate authority",
        ),
        (vec![0x30, 0], "a certificate is malformed: not one certificate in DER"),
    ] {
        let (anchors, said) = anchors_among(&[&other, &good]);
        assert_eq!((anchors, said), (vec!["CN=Good".to_owned()], vec![expected.to_owned()]));
        let alone = Truststore::new(vec![other.into()], now()).unwrap_err();
        assert!(alone.what.contains(expected), "{}", alone.what);
    }
    assert!(Truststore::new(vec![], now()).is_err());
}

#[test]
fn anchor_that_no_path_can_end_in_is_kept_and_named() {
    let check = |name: &str, change: &dyn Fn(&mut CertificateParams), expected: &str| {
        let (anchors, said) = anchors_among(&[&Authority::root(name, change).der]);
        assert_eq!(anchors, [format!("CN={name}")]);
        assert_eq!(said.len(), usize::from(!expected.is_empty()), "{said:?}");
        said.iter().for_each(|said| assert!(said.contains(expected), "{said}"));
    };
    check("Sound", &|_| (), "");
    check("Last", &|params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)), "");
    check("Soon", &|params| in_years(2027, 2030)(params), "CN=Soon is not valid yet, not before 2027-01-01T00:00:00Z");
    check("Web", &|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth], "lacks clientAuth");
    check("New", &|params| with(&[1, 3, 6, 1, 99], true, &[5, 0])(params), "critical extension that is not known");
    check("Law", &|params| with(&[2, 5, 29, 54], false, &[2, 1, 0])(params), "policies");
}

#[test]
fn anchor_counts_once_and_tells_its_end() {
    let good = root("Good");
    let certificates = vec![good.clone().into(), good.into()];
    let (store, said) = Truststore::new(certificates, now()).unwrap();
    assert_eq!(store.anchors().collect::<Vec<_>>(), [("CN=Good", year(2040))]);
    assert_eq!(said, []);
    assert_eq!(format!("{store:?}"), r#"["CN=Good"]"#);
}

#[test]
fn path_is_looked_for_among_the_anchors_of_its_own_issuers_however_many_there_are() {
    let issuer = Authority::root("Issuer", plain);
    let namesake = root("Issuer");
    let others = (0..50).map(|number| root(&format!("Other {number}")));
    let certificates = others.chain([issuer.der.clone(), namesake]).map(CertificateDer::from).collect();
    let (store, _) = Truststore::new(certificates, now()).unwrap();
    let leaf = examined(&issuer.client(plain)).unwrap();

    let above = store.above([&leaf, &leaf].into_iter());

    let spki = |der: &[u8]| anchor_from_trusted_cert(&der.into()).unwrap().subject_public_key_info.to_vec();
    assert_eq!(above.len(), 2);
    assert_eq!(above[0].subject_public_key_info.to_vec(), spki(&issuer.der));
    assert_eq!(store.issuers_of(leaf.certificate()).count(), 2);
    assert_eq!(store.behind(&above[0], leaf.certificate()).count(), 1);
}
