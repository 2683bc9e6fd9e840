#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};

use super::*;
use crate::certificate::mint::{Authority, in_years, named as common_name, now, plain, self_signed_client, year};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/psd2")
}

fn described(input: &[u8], now: UnixTime) -> Vec<Description> {
    let found = read(input).unwrap();
    describe(&found, &PathRules::default(), now).into_iter().map(Result::unwrap).collect()
}

fn one(der: &[u8]) -> Description {
    described(der, now()).remove(0)
}

fn codes(denials: &[Denial]) -> Vec<&'static str> {
    denials.iter().map(Denial::code).collect()
}

fn pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[test]
fn real_certificates_are_described_as_their_readers_expect() {
    let vectors: Map<String, Value> =
        serde_json::from_slice(&fs::read(folder().join("expected.json")).unwrap()).unwrap();
    assert_eq!(vectors.len(), 18);
    for (name, expected) in &vectors {
        let found = described(&fs::read(folder().join(name)).unwrap(), now());
        let [found] = found.as_slice() else { unreachable!("{name} holds {}", found.len()) };
        assert_eq!(found.thumbprint.to_string(), expected["x5t#S256"], "{name}");
        assert_eq!(Value::from(found.extended_key_usage.clone()), expected["eku"], "{name}");
        assert_eq!(Value::from(found.organization_identifier.clone()), expected["organizationIdentifier"], "{name}");
        assert_eq!(found.signature, expected["sig_alg"], "{name}");
        let malformed = !expected["qc"]["psd2_malformed"].is_null() || !expected["qc"]["qc_malformed"].is_null();
        let psd2 = found.qualification.statements().and_then(|statements| statements.psd2.as_ref());
        if malformed {
            assert_eq!(psd2, None, "{name}");
            continue;
        }
        let qc = &expected["qc"];
        let statements = found.qualification.statements().cloned().unwrap_or_default();
        assert_eq!(statements.compliance, qc["qcCompliance"].as_bool().unwrap_or(false), "{name}");
        assert_eq!(statements.types.len(), qc["qcType"].as_array().map_or(0, Vec::len), "{name}");
        let expected = &qc["psd2"];
        let roles: Vec<_> = expected["roles"].as_array().into_iter().flatten().map(|role| &role["name"]).collect();
        let named: Vec<_> = psd2.iter().flat_map(|psd2| &psd2.roles).map(|role| Value::from(role.name())).collect();
        assert_eq!(named.iter().collect::<Vec<_>>(), roles, "{name}");
        assert_eq!(Value::from(psd2.map(|psd2| psd2.nca_id.clone())), expected["ncaId"], "{name}");
        assert_eq!(Value::from(psd2.map(|psd2| psd2.nca_name.clone())), expected["ncaName"], "{name}");
    }
}

#[test]
fn real_certificates_say_what_certbound_would_make_of_them() {
    let check = |name: &str, as_client: &[&str], psd2: bool, qwac: bool| {
        let found = described(&fs::read(folder().join(name)).unwrap(), year(2027)).remove(0);
        assert_eq!(codes(&found.as_client), as_client, "{name}");
        assert_eq!(found.under(Requirement::Psd2).is_ok(), psd2, "{name}");
        assert_eq!(found.under(Requirement::Qwac).is_ok(), qwac, "{name}");
    };
    check("creditas-qwac-ica-2019.pem", &["certificate_expired"], true, true);
    check("hanseatic-bdr-test-2018.pem", &["certificate_expired"], true, false);
    check("eszigno-qseal-test-2018.pem", &["certificate_expired", "certificate_wrong_purpose"], true, false);
    check("harica-qwac-2025.pem", &["certificate_expired"], false, false);
    check("harica-qwac-ca.pem", &["certificate_wrong_purpose"], false, false);
    check("obie-obwac-pp-2026.pem", &[], true, false);
    check("obie-obseal-pp-2026.pem", &["certificate_wrong_purpose"], true, false);
    check("cdr-mock-recipient-2023.pem", &[], false, false);
    check("wso2-selfmade-obie-lookalike-sha1.pem", &["certificate_expired", "certificate_weak"], false, false);
    check("obbr-sandbox-2021.pem", &["certificate_expired", "certificate_wrong_purpose"], false, false);
}

#[test]
fn every_form_of_a_header_and_of_a_file_is_read() {
    let root = Authority::root("Root", plain);
    let (leaf, other) = (root.client(plain), root.client(plain));
    let both = [leaf.clone(), other.clone()];
    let check = |input: &[u8], expected: &[Vec<u8>]| {
        assert_eq!(read(input).unwrap(), expected, "{}", String::from_utf8_lossy(input));
    };
    for profile in Profile::ALL {
        let written = profile.encode(&leaf, &[&other]);
        let carried = profile.decode(written.leaf.as_bytes(), &[], 5).unwrap().intermediates.len();
        check(written.leaf.as_bytes(), &both[..=carried]);
        check(format!("  {}\n", written.leaf.to_str().unwrap()).as_bytes(), &both[..=carried]);
        if let Some(chain) = written.chain {
            check(chain.as_bytes(), &both[1..]);
        }
        let chain = profile.encode(&leaf, &[&other, &root.der]).chain;
        if let Some(chain) = chain {
            check(chain.as_bytes(), &[other.clone(), root.der.clone()]);
        }
    }
    check(&leaf, &both[..1]);
    check(&both.concat(), &both);
    check(pem(&leaf).as_bytes(), &both[..1]);
    check(pem(&leaf).replace('\n', " ").as_bytes(), &both[..1]);
    check(pem(&leaf).replace('\n', "").as_bytes(), &both[..1]);
    check(pem(&leaf).replace('\n', "\r\n").as_bytes(), &both[..1]);
    let others = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    check(format!("subject=TPP\n{}\n{others}{}", pem(&leaf), pem(&other)).as_bytes(), &both);
    check(format!("{}{}{}", pem(&leaf), pem(&leaf), pem(&other)).as_bytes(), &both);
}

#[test]
fn anything_else_is_refused_with_a_reason() {
    let leaf = self_signed_client(plain);
    let base64 = BASE64_STANDARD.encode(&leaf);
    let check = |input: &[u8], reason: &str| {
        let why = read(input).unwrap_err().what;
        assert!(why.contains(reason), "{why}");
    };
    check(b"", "is empty");
    check(b" \n ", "is empty");
    check(b"hello", "not canonical base64");
    check(b"hello\nworld", "is no PEM");
    check(&leaf[..leaf.len() - 1], "not DER to its end");
    check(pem(&leaf).replace("END", "AND").as_bytes(), "PEM that cannot be read");
    check(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no certificate");
    check(pem(&leaf).replace(' ', "%20").replace('\n', "%0").as_bytes(), "two hex digits");
    check(pem(&leaf).replace('\n', " ").replace("--END", "--AND").as_bytes(), "not PEM");
    check(format!(":{}", &base64).as_bytes(), "byte sequence");
    check(b"Cert=\"x;Hash=y", "well formed");
    check(&base64.as_bytes()[..base64.len() - 1], "not canonical base64");
    check(&vec![b'A'; 1024 * 1024 + 1], "1 MiB");
    check(&[0x30, 0].repeat(MOST + 2), "500");
}

#[test]
fn what_is_no_certificate_in_strict_der_is_not_described() {
    let leaf = self_signed_client(plain);
    let described = describe(&[vec![0x30, 0], leaf.clone()], &PathRules::default(), now());
    assert_eq!(described[0].as_ref().unwrap_err().code(), "certificate_malformed");
    assert_eq!(described[1].as_ref().unwrap().thumbprint, Thumbprint::of(&leaf));
}

#[test]
fn issuer_among_the_others_is_found_by_its_signature() {
    let root = Authority::root("Root", plain);
    let namesake = Authority::root("Root", plain);
    let below = root.intermediate("Issuing", plain);
    let leaf = below.client(plain);
    let all = described(&[leaf, namesake.der, below.der, root.der].concat(), now());
    let issued_by: Vec<_> = all.iter().map(|found| found.issued_by).collect();
    assert_eq!(issued_by, [Some(2), Some(1), Some(3), Some(3)]);
    assert_eq!(one(&below_stranger()).issued_by, None);
}

fn below_stranger() -> Vec<u8> {
    Authority::root("Stranger", plain).client(plain)
}

#[test]
fn client_without_fault_meets_no_refusal_and_one_out_of_date_its_own() {
    let root = Authority::root("Root", plain);
    let good = one(&root.client(plain));
    assert_eq!(good.as_client, []);
    assert_eq!(good.as_anchor, None);
    assert_eq!(good.client_auth, Some(true));
    assert_eq!(good.key, Key { kind: "EC".into(), bits: Some(256) });
    assert_eq!(good.key_usage, Some(vec!["digitalSignature"]));
    assert_eq!(good.alternative_names, ["DNS:tpp.example"]);
    assert_eq!(good.subject, "CN=TPP");
    let expired = one(&root.client(in_years(2020, 2021)));
    assert_eq!(codes(&expired.as_client), ["certificate_expired"]);
    let early = one(&root.client(in_years(2030, 2031)));
    assert_eq!(codes(&early.as_client), ["certificate_not_yet_valid"]);
    let purposeless = one(&root.client(|params| params.extended_key_usages.clear()));
    assert_eq!(codes(&purposeless.as_client), ["certificate_wrong_purpose"]);
    assert_eq!(purposeless.client_auth, None);
}

#[test]
fn authority_is_judged_as_an_anchor_too() {
    let root = one(&Authority::root("Root", plain).der);
    assert_eq!(codes(&root.as_client), ["certificate_wrong_purpose"]);
    assert_eq!(root.as_anchor, Some(vec![]));
    let old = one(&Authority::root("Root", in_years(2020, 2021)).der);
    assert_eq!(codes(&old.as_anchor.unwrap()), ["certificate_untrusted"]);
}

#[test]
fn short_key_is_weak_and_of_known_length() {
    let key = crate::certificate::mint::Rsa::of_bits(1024, 3);
    let weak = one(&Authority::root("Root", plain).client_with(&key, |params| {
        params.distinguished_name = common_name("weak");
    }));
    assert_eq!(weak.key, Key { kind: "RSA".into(), bits: Some(1024) });
    assert_eq!(codes(&weak.as_client), ["certificate_weak"]);
}

#[test]
fn signature_that_nobody_can_verify_is_untrusted() {
    let mut leaf = Authority::root("Root", plain).client(plain);
    // ecdsa-with-SHA256 becomes ecdsa-with-SHA512, inside and outside.
    let algorithm = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let places: Vec<_> = leaf.windows(8).enumerate().filter(|(_, part)| *part == algorithm).collect();
    let places: Vec<_> = places.iter().map(|(place, _)| *place).collect();
    assert_eq!(places.len(), 2);
    for place in places {
        leaf[place + 7] = 0x04;
    }
    let found = one(&leaf);
    assert_eq!(found.signature, "ecdsa-with-SHA512");
    assert_eq!(codes(&found.as_client), ["certificate_untrusted"]);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_described_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        if let Ok(found) = read(&bytes) {
            describe(&found, &PathRules::default(), now());
        }
    }
}
