//! Chains before certbound, OpenSSL, and Python's cryptography.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use certbound::{
    UnixTime,
    certificate::{Certificates, ForwardedCert, PathRules, Truststore},
};
use rustls_pki_types::CertificateDer;
use serde_json::json;

use crate::{
    chain::{Case, Chain, NOW},
    difference::{Verdict, hold},
    faults::{self, FAULTS},
    keys::Keys,
    known,
    others::{Other, verdict},
    plan,
    random::Random,
    shapes::SHAPES,
    support::process,
};

#[test]
fn chain_that_certbound_accepts_is_accepted_by_another_too() {
    let (Some(python), Some(_)) = (Other::python("certificates.py"), process::find("openssl")) else { return };
    let (mut random, count) = plan();
    let keys = Keys::new();

    let (faults, cases): (Vec<_>, Vec<_>) = (0..count).map(|turn| chosen(turn, &keys, &mut random)).unzip();
    let lines: Vec<_> = cases.iter().map(line).collect();
    let answers = python.ask(&lines);

    let verdicts =
        faults.into_iter().zip(cases).zip(lines).zip(answers).map(|(((faults, case), line), answer)| Verdict {
            faults,
            certbound: judge(&case),
            others: ["OpenSSL", "cryptography", "cryptography, lenient"]
                .into_iter()
                .zip(answer.as_array().unwrap().iter().map(verdict))
                .collect(),
            case: line,
        });
    hold(&verdicts.collect::<Vec<_>>(), known::PATHS, known::RARE_PATHS, "docs/path-validation.md");
}

/// Every shape and every fault in turn; then two at a time.
fn chosen(turn: usize, keys: &Keys, random: &mut Random) -> (Vec<String>, Case) {
    let mut chain = Chain::good(random);
    let (rounds, which) = (turn / (SHAPES.len() + FAULTS.len()), turn % (SHAPES.len() + FAULTS.len()));
    let mut names = Vec::new();
    if let Some(fault) = which.checked_sub(SHAPES.len()) {
        names.push(faults::put(&mut chain, &FAULTS[fault], random));
    }
    // Every fourth round something else is wrong besides.
    let paired = which.checked_sub(SHAPES.len()).is_none_or(|first| FAULTS[first].is_judged_by_all());
    let second = &FAULTS[random.below(FAULTS.len())];
    if rounds % 4 == 3 && paired && second.is_judged_by_all() {
        names.push(faults::put(&mut chain, second, random));
    }
    if which < SHAPES.len() {
        (SHAPES[which].make)(&mut chain, random);
        names.push(SHAPES[which].name.to_owned());
    }
    (names, chain.encode(keys))
}

/// What the gate would say of a certificate from the handshake, with the default rules.
fn judge(case: &Case) -> Result<(), String> {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
    let ders = |ders: &[Vec<u8>]| ders.iter().cloned().map(CertificateDer::from).collect::<Vec<_>>();
    let (trust, _) = Truststore::new(ders(&case.anchors), now).map_err(|_| "no truststore".to_owned())?;
    let shown = ders(&case.chain);
    let certificates = Certificates::new(trust, PathRules::default(), None, None, 0);
    let (_, judged) = certificates.verify(&ForwardedCert::Connection(&shown), now);
    judged.map(drop).map_err(|denial| denial.code().to_owned())
}

fn line(case: &Case) -> String {
    let encode = |ders: &[Vec<u8>]| ders.iter().map(|der| BASE64_STANDARD.encode(der)).collect::<Vec<_>>();
    json!({"anchors": encode(&case.anchors), "chain": encode(&case.chain), "now": NOW}).to_string()
}
