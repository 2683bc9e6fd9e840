//! x509-limbo: paths that other implementations got wrong.

#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rustls_pki_types::{CertificateDer, UnixTime, pem::PemObject};
use serde_json::Value;

use super::*;
use crate::certificate::revocation::{Answer, Issued, Status, crl};

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
    let presented = Presented::new(leaf.to_vec(), intermediates, max_intermediates);
    let presented = presented.map_err(|denial| format!("{denial:?}"))?;
    let rules = PathRules { minimum_rsa_bits: 2048, max_intermediates, require_client_auth: false };
    let path = verify(&presented, &trust, &rules, now).map_err(|denial| format!("{denial:?}"))?;
    match case["crls"].as_array().filter(|lists| !lists.is_empty()) {
        None => Ok(()),
        Some(lists) => clear(&leaf, &path, lists, now),
    }
}

/// Holds the leaf to the CRLs of the case, as it would be held to `crl_files` with no other method.
fn clear(leaf: &[u8], path: &VerifiedPath, lists: &[Value], now: UnixTime) -> Result<(), String> {
    let issuer = path.intermediates.first().unwrap_or(&path.anchor.examined.decoded);
    let about = Issued::read(leaf, issuer.der())?;
    let lists = lists.iter().map(|list| crl::read(list.as_str().unwrap().into()));
    let lists = lists.collect::<Result<Vec<_>, _>>()?.concat();
    let mut latest = Err("no CRL of the issuer".into());
    for list in lists.iter().filter(|list| list.issuer() == about.issuer_compared()) {
        match list.verify(&about).and_then(|list| list.answer(&about, now)) {
            Ok(Answer { status: Status::Good, .. }) => latest = Ok(()),
            Ok(answer) => return Err(format!("{answer:?}")),
            Err(why) => latest = Err(why.into()),
        }
    }
    latest
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
    check("core", &[]);
}

#[test]
fn what_only_revocation_tells_is_refused_for_that_reason() {
    for (id, why) in [
        ("crl::revoked-certificate-with-crl", "Revoked"),
        ("crl::issuer-missing-crlsign", "the issuer's key may not sign CRLs"),
    ] {
        let verdict = judge(cases().iter().find(|case| case["id"] == id).unwrap());
        assert!(verdict.as_ref().is_err_and(|said| said.contains(why)), "{id}: {verdict:?}");
    }
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
    check("dos", &[]);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
