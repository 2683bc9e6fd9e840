#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use super::*;
use crate::certificate::mint::{Authority, HALF, NOW, at, authority, client, forwarded, header_value};

const ROOMY: u64 = 1 << 20;

#[test]
fn certificate_is_verified_once_and_then_remembered() {
    let root = Authority::root(authority("root"));
    let certificates = root.certificates(ROOMY);
    let value = header_value(&root.issue(client("alice")));

    let (first, verified) = certificates.verify(&forwarded(&value), at(NOW));
    let (second, remembered) = certificates.verify(&forwarded(&value), at(NOW));

    assert_eq!((first, second), (Lookup::Miss, Lookup::Hit));
    assert_eq!(verified.unwrap().thumbprint(), remembered.unwrap().thumbprint());
}

#[test]
fn remembered_certificate_ends_with_its_path() {
    let root = Authority::root(authority("root"));
    let certificates = root.certificates(ROOMY);
    let value = header_value(&root.issue(client("alice")));
    certificates.verify(&forwarded(&value), at(NOW)).1.unwrap();

    let (_, last) = certificates.verify(&forwarded(&value), at(NOW + HALF));
    let (lookup, after) = certificates.verify(&forwarded(&value), at(NOW + HALF + 1));

    assert!(last.is_ok());
    assert_eq!(lookup, Lookup::Miss);
    assert_eq!(after.unwrap_err().code(), "certificate_expired");
}

#[test]
fn refusal_is_not_remembered() {
    let root = Authority::root(authority("root"));
    let certificates = root.certificates(ROOMY);
    let value = header_value(&root.issue(client("alice")));

    let early = certificates.verify(&forwarded(&value), at(NOW - HALF - 1)).1;
    let later = certificates.verify(&forwarded(&value), at(NOW)).1;

    assert_eq!(early.unwrap_err().code(), "certificate_not_yet_valid");
    assert!(later.is_ok());
}

#[test]
fn switching_the_memory_off_changes_no_verdict() {
    let (root, foreign) = (Authority::root(authority("root")), Authority::root(authority("root")));
    let values = [
        header_value(&root.issue(client("alice"))),
        header_value(&foreign.issue(client("mallory"))),
        header_value(&root.issue(authority("an authority"))),
        b"nonsense".to_vec(),
    ];
    let (on, off) = (root.certificates(ROOMY), root.certificates(0));
    for value in values.iter().chain(&values) {
        for now in [NOW, NOW + HALF + 1, NOW] {
            let code = |certificates: &Certificates| {
                certificates.verify(&forwarded(value), at(now)).1.map(|found| *found.thumbprint()).map_err(|d| d.code())
            };
            assert_eq!(code(&on), code(&off));
        }
    }
    assert_eq!(off.verify(&forwarded(values.first().unwrap()), at(NOW)).0, Lookup::Miss);
}

#[test]
fn another_truststore_remembers_nothing_of_the_one_before() {
    let (root, foreign) = (Authority::root(authority("root")), Authority::root(authority("root")));
    let value = header_value(&root.issue(client("alice")));
    root.certificates(ROOMY).verify(&forwarded(&value), at(NOW)).1.unwrap();
    let refused = foreign.certificates(ROOMY).verify(&forwarded(&value), at(NOW)).1;
    assert_eq!(refused.unwrap_err().code(), "certificate_untrusted");
}

#[test]
fn memory_is_bounded_in_bytes() {
    let root = Authority::root(authority("root"));
    let certificates = root.certificates(16 * 1024);
    for number in 0..64 {
        let value = header_value(&root.issue(client(&format!("client {number}"))));
        certificates.verify(&forwarded(&value), at(NOW)).1.unwrap();
    }
    let cache = certificates.accepted.as_ref().unwrap();
    cache.run_pending_tasks();
    assert!(cache.weighted_size() <= 16 * 1024, "{}", cache.weighted_size());
    assert!(cache.entry_count() > 0);
}

#[test]
fn chain_cannot_be_taken_for_another_chain_or_for_a_certificate_alone() {
    let key = |leaf: &'static [u8], chain: Vec<&'static [u8]>| {
        let forwarded = ForwardedCert::Header { profile: Profile::Haproxy, leaf, chain };
        Key::of(&forwarded).bytes().to_vec()
    };
    let keys = [
        key(b"ab", vec![]),
        key(b"a", vec![b"b"]),
        key(b"", vec![b"ab"]),
        key(b"ab", vec![b""]),
        key(b"a", vec![b"b", b""]),
    ];
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
}

#[test]
fn certificate_says_what_is_in_it() {
    let root = Authority::root(authority("root"));
    let mut params = client("alice");
    params.serial_number = Some(vec![0x80, 0x01].into());
    params.distinguished_name.push(rcgen::DnType::CustomDnType(vec![2, 5, 4, 97]), "PSDDE-BAFIN-123456");
    let der = root.issue(params);
    let (_, found) = root.certificates(0).verify(&forwarded(&header_value(&der)), at(NOW));

    let found = found.unwrap();
    assert_eq!(found.thumbprint(), &crate::thumbprint::Thumbprint::of(&der));
    assert_eq!(found.subject(), "2.5.4.97=#0c1250534444452d424146494e2d313233343536,CN=alice");
    assert_eq!(found.issuer(), "CN=root");
    assert_eq!(found.serial(), "8001");
    assert_eq!(found.organization_identifier(), Some("PSDDE-BAFIN-123456"));
    assert_eq!(found.not_after().as_secs(), NOW + HALF);
    assert_eq!(found.written().unwrap().leaf.as_bytes(), header_value(&der));
}
