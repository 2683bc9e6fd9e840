use rcgen::{BasicConstraints, CustomExtension, IsCa, KeyUsagePurpose, SerialNumber};

use super::*;
use crate::certificate::revocation::minted::{Authority, tlv};

#[test]
fn addresses_are_those_of_responders_and_of_whole_lists() {
    let authority = Authority::named("Bank CA");
    let named = |address: &str| tlv(0xa0, &[&tlv(0xa0, &[&tlv(0x86, &[address.as_bytes()])])]);
    let other_issuer = tlv(0xa2, &[&tlv(0xa4, &[&tlv(0x30, &[])])]);
    let points = tlv(
        0x30,
        &[
            &tlv(0x30, &[&named("http://crl.example/whole")]),
            &tlv(0x30, &[&named("http://crl.example/some"), &[0x81, 2, 5, 0x60]]),
            &tlv(0x30, &[&named("http://crl.example/indirect"), &other_issuer]),
            &tlv(0x30, &[&named("ldap://crl.example/directory")]),
        ],
    );
    let method = |last: u8, address: &str| {
        tlv(0x30, &[&tlv(6, &[&[0x2b, 6, 1, 5, 5, 7, 0x30, last]]), &tlv(0x86, &[address.as_bytes()])])
    };
    let access = tlv(0x30, &[&method(2, "http://ca.example/issuer"), &method(1, "http://ocsp.example/")]);
    let minted = authority.issue("client", |params| {
        params.custom_extensions = vec![
            CustomExtension::from_oid_content(&[2, 5, 29, 31], points),
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], access),
        ];
    });

    let about = authority.about(&minted.der);

    assert_eq!(about.responders(), ["http://ocsp.example/"]);
    assert_eq!(about.distribution_points(), ["http://crl.example/whole", "ldap://crl.example/directory"]);
}

#[test]
fn what_is_remembered_hangs_on_the_issuers_name_and_key_and_the_serial_number() {
    let key = IssuedKey::of(b"name", b"key", b"serial");
    assert!(key == IssuedKey::of(b"name", b"key", b"serial"));
    for (name, issuer_key, serial) in [("Name", "key", "serial"), ("name", "Key", "serial"), ("name", "key", "Serial")]
    {
        assert!(key != IssuedKey::of(name.as_bytes(), issuer_key.as_bytes(), serial.as_bytes()));
    }
}

#[test]
fn serial_number_is_taken_octet_by_octet() {
    let authority = Authority::named("Bank CA");
    for (magnitude, content) in [(&[5][..], &[5][..]), (&[0x80], &[0, 0x80]), (&[1, 0], &[1, 0])] {
        assert_eq!(authority.client(magnitude, &[]).serial, content);
    }
}

#[test]
fn authority_and_its_right_to_sign_lists_are_seen() {
    let signs = |usages: &[KeyUsagePurpose]| Authority::with("Bank CA", usages).client(&[5], &[]).issuer.signs_crls;
    assert!(signs(&[]));
    assert!(signs(&[KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign]));
    assert!(!signs(&[KeyUsagePurpose::KeyCertSign]));

    let authority = Authority::named("Bank CA");
    let intermediate =
        authority.issue("Intermediate", |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert!(authority.about(&intermediate.der).is_authority);
    assert!(!authority.client(&[5], &[]).is_authority);
}

#[test]
fn certificate_is_remembered_by_issuer_and_serial_number_alone() {
    let authority = Authority::named("Bank CA");
    let issue = |name: &str| authority.issue(name, |params| params.serial_number = Some(SerialNumber::from(5_u64))).der;
    let about = authority.about(&issue("client"));
    assert_eq!(about, authority.about(&issue("another encoding")));
    assert_ne!(about, authority.client(&[6], &[]));
    assert_ne!(about, Authority::named("Bank CA").client(&[5], &[]), "the name is the same, the key is not");
}

#[test]
fn extension_that_cannot_be_read_is_no_absence() {
    let authority = Authority::named("Bank CA");
    for oid in [&[2, 5, 29, 31][..], &[1, 3, 6, 1, 5, 5, 7, 1, 1]] {
        let extension = CustomExtension::from_oid_content(oid, vec![0x30, 1]);
        let minted = authority.issue("client", |params| params.custom_extensions = vec![extension]);
        assert!(Issued::read(&minted.der, authority.own.der()).is_err());
    }
    assert!(Issued::read(&[], authority.own.der()).is_err());
}
