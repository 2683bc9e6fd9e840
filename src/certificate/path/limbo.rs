//! x509-limbo: paths that other implementations got wrong.

#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rustls_pki_types::{CertificateDer, UnixTime, pem::PemObject};
use serde_json::Value;

use super::*;
use crate::certificate::profile::der::strict;

/// What becomes of one case, in words where it is a refusal.
///
/// EKU may be absent here, as RFC 5280 has it; certbound's own default demands it.
fn judge(case: &Value) -> Result<(), String> {
    let now = case["validation_time"].as_str().map_or_else(UnixTime::now, at);
    let ders = |field: &str| -> Vec<CertificateDer<'static>> {
        let pems = case[field].as_array().unwrap().iter().map(|pem| pem.as_str().unwrap());
        pems.map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).collect()
    };
    let (trust, _) = Truststore::new(ders("trusted_certs"), now).map_err(|unusable| unusable.what)?;
    let leaf = CertificateDer::from_pem_slice(case["peer_certificate"].as_str().unwrap().as_bytes()).unwrap();
    let intermediates: Vec<Vec<u8>> = ders("untrusted_intermediates").iter().map(|der| der.to_vec()).collect();
    let max_intermediates = case["max_chain_depth"].as_u64().map_or(10, |depth| depth.try_into().unwrap());
    if intermediates.len() > max_intermediates {
        return Err("more intermediates than are taken".into());
    }
    for der in intermediates.iter().map(Vec::as_slice).chain([&*leaf]) {
        strict(der).map_err(|denial| format!("{denial:?}"))?;
    }
    let presented = Presented { leaf: leaf.to_vec(), intermediates };
    let rules = PathRules { minimum_rsa_bits: 2048, max_intermediates, require_client_auth: false };
    verify(&presented, &trust, &rules, now).map(|_| ()).map_err(|denial| format!("{denial:?}"))
}

/// RFC 3339; every case is in UTC.
fn at(time: &str) -> UnixTime {
    let utc = time.replace("+00:00", "Z").parse::<der::DateTime>().unwrap();
    UnixTime::since_unix_epoch(Duration::from_secs(utc.unix_duration().as_secs()))
}

fn cases() -> Vec<Value> {
    let cases: Vec<Value> = serde_json::from_slice(include_bytes!("../../../tests/vectors/limbo-client.json")).unwrap();
    assert_eq!(cases.len(), 82);
    cases
}

/// The cases of `class` that are judged otherwise than x509-limbo does, with what became of them.
fn others(class: &str) -> BTreeMap<String, Result<(), String>> {
    let cases = cases();
    let of_class: Vec<_> = cases.iter().filter(|case| case["class"] == class).collect();
    assert!(!of_class.is_empty(), "no case of class {class}");
    let judged = of_class.iter().map(|case| (case["id"].as_str().unwrap().to_owned(), case, judge(case)));
    judged
        .filter(|(_, case, verdict)| verdict.is_ok() != (case["expected_result"] == "SUCCESS"))
        .map(|(id, _, verdict)| (id, verdict))
        .collect()
}

#[track_caller]
fn check(class: &str, accepted_all_the_same: &[&str]) {
    let others = others(class);
    let ids: BTreeSet<&str> = others.keys().map(String::as_str).collect();
    assert_eq!(ids, accepted_all_the_same.iter().copied().collect(), "{others:#?}");
    let page = include_str!("../../../docs/path-validation.md");
    for id in ids {
        assert!(page.contains(&format!("`{id}`")), "docs/path-validation.md does not name {id}");
    }
}

#[test]
fn core_cases_are_judged_as_expected() {
    // Only revocation tells these two.
    check("core", &["crl::issuer-missing-crlsign", "crl::revoked-certificate-with-crl"]);
}

#[test]
fn constraints_in_the_anchor_itself_hold() {
    check("anchor", &[]);
}

#[test]
fn weak_and_foreign_keys_are_refused() {
    check("policy", &[]);
}

#[test]
fn depth_is_limited_where_it_is_configured() {
    check("option", &[]);
}

#[test]
fn rules_for_issuing_that_do_not_concern_the_path_are_named() {
    check(
        "profile",
        &[
            "crl::crlnumber-missing",
            "rfc5280::aki::intermediate-missing-aki",
            "rfc5280::aki::leaf-missing-aki",
            "rfc5280::ski::intermediate-missing-ski",
        ],
    );
}

#[test]
fn paths_made_to_keep_a_verifier_busy_end_soon() {
    let begun = std::time::Instant::now();
    check("dos", &["pathological::nc-dos-3"]);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
