//! x509-limbo's cases for client certificates: each is judged as it expects, or stands here with the reason.
#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use der::DateTime;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;

use super::*;

const CASES: &str = include_str!("../../../tests/vectors/limbo-client.json");

/// Accepted although limbo expects a refusal that only a CRL can give. Paths are verified without CRLs.
const NEED_REVOCATION: [&str; 3] =
    ["crl::crlnumber-missing", "crl::issuer-missing-crlsign", "crl::revoked-certificate-with-crl"];

/// Accepted although limbo expects a refusal: none of it is demanded of the verifier by RFC 5280, section 6, and
/// certificates of authorities that run banks' test systems lack these identifiers.
const LENIENT: [&str; 4] = [
    "pathological::nc-dos-3",
    "rfc5280::aki::intermediate-missing-aki",
    "rfc5280::aki::leaf-missing-aki",
    "rfc5280::ski::intermediate-missing-ski",
];

/// Refused although limbo expects a path: webpki knows no constraints on mail addresses, and holds self-issued
/// intermediates to name constraints.
const STRICT: [&str; 3] = [
    "rfc5280::nc::nc-permits-email-domain",
    "rfc5280::nc::nc-permits-email-literal-asterisk-exact-match",
    "rfc5280::nc::permitted-self-issued",
];

#[test]
fn case_of_limbo_is_judged_as_expected_or_known_by_name() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert_eq!(cases.len(), 82);
    let (mut accepted, mut refused) = (BTreeSet::new(), BTreeSet::new());
    let mut score: BTreeMap<&str, (usize, usize)> = BTreeMap::new();

    for case in &cases {
        let (id, class) = (case["id"].as_str().unwrap(), case["class"].as_str().unwrap());
        let (right, of) = score.entry(class).or_default();
        *of += 1;
        match (judge(case), case["expected_result"].as_str().unwrap()) {
            (Ok(()), "SUCCESS") | (Err(_), "FAILURE") => *right += 1,
            (Ok(()), _) => assert!(accepted.insert(id), "{id} is there twice"),
            (Err(_), _) => assert!(refused.insert(id), "{id} is there twice"),
        }
    }

    println!("as expected, by class: {score:?}");
    assert_eq!(refused, BTreeSet::from(STRICT));
    assert_eq!(accepted, NEED_REVOCATION.into_iter().chain(LENIENT).collect());
    let expected = [
        ("anchor", (5, 5)),
        ("core", (45, 50)),
        ("dos", (3, 4)),
        ("option", (1, 1)),
        ("policy", (6, 6)),
        ("profile", (12, 16)),
    ];
    assert_eq!(score, BTreeMap::from(expected));
}

/// The document that operators read names the same cases.
#[test]
fn document_names_every_case_that_is_judged_otherwise() {
    let document = include_str!("../../../docs/path-validation.md");
    for id in NEED_REVOCATION.into_iter().chain(LENIENT).chain(STRICT) {
        assert!(document.contains(&format!("`{id}`")), "{id}");
    }
}

/// The only options that limbo asks for are the ones that its cases name; EKU may be absent (RFC 5280).
fn judge(case: &Value) -> Result<(), String> {
    let now = case["validation_time"].as_str().map_or(NOW, |text| {
        let time: DateTime = text.replace("+00:00", "Z").parse().unwrap();
        time.unix_duration()
    });
    let now = UnixTime::since_unix_epoch(now);
    let depth = case["max_chain_depth"].as_u64().map_or(usize::MAX, |depth| depth.try_into().unwrap());
    let rules = PathRules { minimum_rsa_bits: 2048, max_intermediates: depth, require_client_auth: false };
    let presented = Presented {
        leaf: certificate(&case["peer_certificate"]).to_vec(),
        intermediates: certificates(&case["untrusted_intermediates"]).iter().map(|der| der.to_vec()).collect(),
    };

    let (trust, _) = Truststore::new(certificates(&case["trusted_certs"]), now).map_err(|unusable| unusable.what)?;
    verify(&presented, &trust, &rules, now).map(|_| ()).map_err(|denial| denial.code().to_owned())
}

fn certificates(pem: &Value) -> Vec<CertificateDer<'static>> {
    pem.as_array().unwrap().iter().map(certificate).collect()
}

fn certificate(pem: &Value) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_str().unwrap().as_bytes()).unwrap()
}

/// 2026-01-01, for cases that hold at any time of these decades.
const NOW: Duration = Duration::from_secs(1_767_225_600);
