#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{DnType, SanType, SerialNumber};
use rustls_pki_types::CertificateDer;

use super::*;
use crate::{
    certificate::mint::{Authority, in_years, now, plain, trusting, year},
    thumbprint::Thumbprint,
};

const RULES: PathRules = PathRules { minimum_rsa_bits: 2048, max_intermediates: 5, require_client_auth: true };
const CACHE: u64 = 1 << 20;

fn certificates(root: &Authority, cache_bytes: u64) -> Certificates {
    Certificates::new(trusting(&[&root.der]), RULES, None, None, cache_bytes)
}

/// As HAProxy sends them: base64 of DER, the chain in one more header.
fn ask(certificates: &Certificates, leaf: &[u8], chain: &[&[u8]], at: UnixTime) -> (Lookup, &'static str) {
    let leaf = BASE64_STANDARD.encode(leaf);
    let chain = BASE64_STANDARD.encode(chain.concat());
    let chain = if chain.is_empty() { vec![] } else { vec![chain.as_bytes()] };
    let forwarded = ForwardedCert::Header { profile: Profile::Haproxy, leaf: leaf.as_bytes(), chain };
    outcome(certificates.verify(&forwarded, at))
}

fn outcome((lookup, verdict): (Lookup, Result<ClientCertificate, Denial>)) -> (Lookup, &'static str) {
    (lookup, verdict.map_or_else(|denial| denial.code(), |_| "ok"))
}

#[test]
fn accepted_certificate_is_remembered_with_its_chain() {
    let root = Authority::root("Root", plain);
    let (issuer, other) = (root.intermediate("Issuer", plain), root.intermediate("Other", plain));
    let (leaf, direct) = (issuer.client(plain), root.client(plain));
    let certificates = certificates(&root, CACHE);

    for lookup in [Lookup::Miss, Lookup::Hit] {
        assert_eq!(ask(&certificates, &direct, &[], now()), (lookup, "ok"));
        assert_eq!(ask(&certificates, &leaf, &[&issuer.der], now()), (lookup, "ok"));
        assert_eq!(ask(&certificates, &leaf, &[&issuer.der, &other.der], now()), (lookup, "ok"));
    }
    assert_eq!(ask(&certificates, &leaf, &[], now()), (Lookup::Miss, "certificate_untrusted"));
    assert_eq!(ask(&certificates, &leaf, &[&other.der], now()), (Lookup::Miss, "certificate_untrusted"));
}

#[test]
fn memory_that_is_given_back_holds_nothing() {
    let root = Authority::root("Root", plain);
    let certificates = certificates(&root, CACHE);
    assert_eq!(ask(&certificates, &root.client(plain), &[], now()), (Lookup::Miss, "ok"));
    assert_ne!(certificates.accepted.extent(), (0, 0));

    certificates.forget();

    assert_eq!(certificates.accepted.extent(), (0, 0));
}

#[test]
fn refusal_is_never_remembered() {
    let root = Authority::root("Root", plain);
    let (early, foreign) = (root.client(in_years(2027, 2028)), Authority::root("Root", plain).client(plain));
    let certificates = certificates(&root, CACHE);

    for _ in 0..2 {
        assert_eq!(ask(&certificates, &foreign, &[], now()), (Lookup::Miss, "certificate_untrusted"));
        assert_eq!(ask(&certificates, &early, &[], now()), (Lookup::Miss, "certificate_not_yet_valid"));
    }
    assert_eq!(ask(&certificates, &early, &[], year(2027)), (Lookup::Miss, "ok"));
}

#[test]
fn remembered_certificate_is_refused_once_its_path_is_out_of_date() {
    let root = Authority::root("Root", plain);
    let issuer = root.intermediate("Issuer", in_years(2020, 2030));
    let (short, long) = (root.client(in_years(2025, 2027)), issuer.client(in_years(2025, 2035)));
    let certificates = certificates(&root, CACHE);
    assert_eq!(ask(&certificates, &short, &[], now()), (Lookup::Miss, "ok"));
    assert_eq!(ask(&certificates, &long, &[&issuer.der], now()), (Lookup::Miss, "ok"));

    assert_eq!(ask(&certificates, &short, &[], year(2027)), (Lookup::Hit, "ok"));
    assert_eq!(ask(&certificates, &short, &[], year(2028)), (Lookup::Miss, "certificate_expired"));
    assert_eq!(ask(&certificates, &short, &[], year(2024)), (Lookup::Miss, "certificate_not_yet_valid"));
    assert_eq!(ask(&certificates, &long, &[&issuer.der], year(2031)), (Lookup::Miss, "certificate_untrusted"));
}

#[test]
fn certificate_is_held_to_its_dates_to_the_second() {
    let root = Authority::root("Root", plain);
    let leaf = root.client(in_years(2026, 2027));
    let (from, until) = (year(2026).as_secs(), year(2027).as_secs());
    for (second, expected) in
        [(from - 1, "certificate_not_yet_valid"), (from, "ok"), (until, "ok"), (until + 1, "certificate_expired")]
    {
        let at = UnixTime::since_unix_epoch(Duration::from_secs(second));
        assert_eq!(ask(&certificates(&root, CACHE), &leaf, &[], at), (Lookup::Miss, expected), "{second}");
    }
}

#[test]
fn no_verdict_depends_on_the_cache() {
    let root = Authority::root("Root", plain);
    let cases = [
        root.client(plain),
        root.client(in_years(2020, 2025)),
        root.client(|params| params.extended_key_usages = vec![]),
        Authority::root("Root", plain).client(plain),
        b"no certificate".to_vec(),
    ];
    let (with, without) = (certificates(&root, CACHE), certificates(&root, 0));
    for leaf in &cases {
        for at in [now(), year(2024), now(), year(2030)] {
            let (lookup, expected) = ask(&without, leaf, &[], at);
            assert_eq!(lookup, Lookup::Miss);
            assert_eq!(ask(&with, leaf, &[], at).1, expected);
        }
    }
}

#[test]
fn certificate_of_the_handshake_is_judged_like_one_of_a_header() {
    let root = Authority::root("Root", plain);
    let issuer = root.intermediate("Issuer", plain);
    let shown = [issuer.client(plain), issuer.der.clone()].map(CertificateDer::from);
    let certificates = certificates(&root, CACHE);

    for lookup in [Lookup::Miss, Lookup::Hit] {
        assert_eq!(outcome(certificates.verify(&ForwardedCert::Connection(&shown), now())), (lookup, "ok"));
    }
    let alone = ForwardedCert::Connection(shown.get(..1).unwrap());
    assert_eq!(outcome(certificates.verify(&alone, now())), (Lookup::Miss, "certificate_untrusted"));
    let nothing = ForwardedCert::Connection(&[]);
    assert_eq!(outcome(certificates.verify(&nothing, now())), (Lookup::Miss, "certificate_missing"));
}

#[test]
fn chains_that_are_divided_differently_are_different_chains() {
    let key = |leaf, chain: &[&'static [u8]]| {
        let forwarded = ForwardedCert::Header { profile: Profile::Haproxy, leaf, chain: chain.to_vec() };
        Key::of(&forwarded).bytes().to_vec()
    };
    let keys = [
        key(b"ab", &[]),
        key(b"ab", &[b""]),
        key(b"a", &[b"b"]),
        key(b"", &[b"ab"]),
        key(b"a", &[b"b", b""]),
        key(b"a", &[b"", b"b"]),
    ];
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len());
}

#[test]
fn memory_stays_within_its_bound() {
    let root = Authority::root("Root", plain);
    let bound = 16 * 1024;
    let certificates = certificates(&root, bound);
    for _ in 0..50 {
        assert_eq!(ask(&certificates, &root.client(plain), &[], now()).1, "ok");
    }
    let (entries, weight) = certificates.accepted.extent();
    assert!(entries > 0);
    assert!(entries * 700 < weight, "an entry weighs at least its header value");
    assert!(weight <= bound);
}

#[test]
fn certificate_tells_what_it_says() {
    let root = Authority::root("Root, of all", plain);
    let leaf = root.client(|params| {
        params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 97]), "PSDDE-BAFIN-123456");
        params.serial_number = Some(SerialNumber::from_slice(&[0x9a, 0, 1]));
    });
    let forward = Some(Forward { profile: Profile::Rfc9440, chain: true });
    let certificates = Certificates::new(trusting(&[&root.der]), RULES, forward, None, CACHE);
    let shown = [CertificateDer::from(leaf.clone())];

    let (_, verdict) = certificates.verify(&ForwardedCert::Connection(&shown), now());

    let certificate = verdict.unwrap();
    assert_eq!(*certificate.thumbprint(), Thumbprint::of(&leaf));
    assert_eq!(certificate.subject(), "2.5.4.97=#0c1250534444452d424146494e2d313233343536,CN=TPP");
    assert_eq!(certificate.issuer(), "CN=Root\\, of all");
    assert_eq!(certificate.serial(), "9a0001");
    assert_eq!(certificate.organization_identifier(), Some("PSDDE-BAFIN-123456"));
    assert_eq!(certificate.not_after(), year(2027));
    assert_eq!(certificate.written().unwrap().leaf, format!(":{}:", BASE64_STANDARD.encode(&leaf)));
    assert_eq!(format!("{certificate:?}"), format!("ClientCertificate({})", Thumbprint::of(&leaf)));
}

/// As nginx forwards it, of the size that banks see.
fn usual_client(root: &Authority) -> (Vec<u8>, Bytes) {
    let names = (0..20).map(|n| format!("{n}.{}.tpp.example", "a".repeat(26)));
    let names = names.map(|name| SanType::DnsName(name.try_into().unwrap())).collect();
    let leaf = root.client(|params| params.subject_alt_names = names);
    let header = Bytes::copy_from_slice(Profile::Nginx.encode(&leaf, &[]).leaf.as_bytes());
    assert!((1_600..1_900).contains(&header.len()), "{}", header.len());
    (leaf, header)
}

#[test]
fn ten_thousand_clients_fit_into_the_memory_for_certificates() {
    let root = Authority::root("Root", plain);
    let forward = Some(Forward { profile: Profile::Nginx, chain: false });
    let certificates = Certificates::new(trusting(&[&root.der]), RULES, forward, Some(Depth::Leaf), CACHE);
    let (_, header) = usual_client(&root);
    let forwarded = ForwardedCert::Header { profile: Profile::Nginx, leaf: &header, chain: vec![] };

    assert_eq!(outcome(certificates.verify(&forwarded, now())), (Lookup::Miss, "ok"));

    let (default, (_, weight)) = (32 * 1024 * 1024, certificates.accepted.extent());
    assert!(weight > header.len() as u64 && weight * 10_000 <= default, "{weight}");
}

#[test]
fn header_for_the_backend_takes_memory_of_its_own_only_where_it_reads_otherwise() {
    let root = Authority::root("Root", plain);
    let (leaf, header) = usual_client(&root);
    let written = Profile::Nginx.encode(&leaf, &[]);

    let shared = written.clone().sharing(&header);
    let lower_case = Bytes::from(header.to_ascii_lowercase());
    let apart = written.clone().sharing(&lower_case);

    assert_eq!((shared.leaf.as_bytes(), shared.weight_beside(&header)), (written.leaf.as_bytes(), 0));
    assert_eq!((&apart.leaf, apart.weight_beside(&lower_case)), (&written.leaf, header.len()));
}
