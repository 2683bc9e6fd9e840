//! `certbound inspect` shows a certificate, wherever it was found.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use rcgen::CrlDistributionPoint;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::support::{forms, pki::Pki, sidecar::binary};

/// Runs it on `input` as standard input.
fn inspect(input: &[u8], arguments: &[&str]) -> Output {
    let mut process = Command::new(binary())
        .args(["inspect", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(input).unwrap();
    process.wait_with_output().unwrap()
}

fn list(output: &Output) -> Vec<Value> {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The words behind a label.
fn shown(output: &Output, label: &str) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let found =
        text.lines().find_map(|line| line.strip_prefix(label)).unwrap_or_else(|| panic!("no {label} in {text}"));
    found.trim().to_owned()
}

#[test]
fn json_has_every_member_of_the_contract() {
    let alice = &Pki::get().alice;

    let list = list(&inspect(alice.pem().as_bytes(), &["--json"]));

    let [shown] = list.as_slice() else { panic!("{list:?}") };
    let mut shown = shown.as_object().unwrap().clone();
    let times = ["not_before", "not_after"].map(|member| shown.remove(member).unwrap());
    assert!(times.iter().all(|time| time.as_str().unwrap().ends_with('Z')), "{times:?}");
    let serial = shown.remove("serial").unwrap();
    assert!(serial.as_str().unwrap().bytes().all(|digit| digit.is_ascii_hexdigit()), "{serial}");
    let subject = shown.remove("subject").unwrap();
    assert!(subject.as_str().unwrap().ends_with("CN=alice"), "{subject}");
    let expected = json!({
        "thumbprint": alice.thumbprint(),
        "issuer": "CN=TPP Issuing CA",
        "key": {"type": "EC", "bits": 256},
        "extended_key_usage": ["clientAuth"],
        "organization_identifier": "PSDDE-BAFIN-123456",
        "psd2": {"roles": [], "nca_name": null, "nca_id": null},
        "qualified": {"compliance": false, "types": []},
        "ocsp": [],
        "crl": [],
    });
    assert_eq!(Value::Object(shown), expected);
}

#[test]
fn person_reads_what_certbound_would_make_of_it() {
    let pki = Pki::get();

    let ending = pki.issuing.issue("ending", |params| {
        params.not_after = OffsetDateTime::now_utc() + Duration::days(10) + Duration::hours(12);
    });

    let good = inspect(pki.alice.pem().as_bytes(), &[]);
    let ending = inspect(ending.pem().as_bytes(), &[]);
    let listed = pki.issuing.issue("listed", |params| {
        let uris = vec!["ldap://ca.example/a".to_owned(), "HTTP://ca.example/a.crl".to_owned()];
        params.crl_distribution_points = vec![CrlDistributionPoint { uris }];
    });
    let listed = inspect(listed.pem().as_bytes(), &[]);
    let expired = inspect(&pki.expired.der, &[]);
    let server = inspect(forms::base64_der(&pki.server_only.der).as_bytes(), &[]);

    assert_eq!(shown(&good, "x5t#S256"), pki.alice.thumbprint());
    assert!(shown(&ending, "valid").ends_with("expires in 10 days"), "{}", shown(&ending, "valid"));
    assert_eq!(shown(&good, "clientAuth"), "yes");
    assert!(shown(&good, "organization").contains("registered by DE-BAFIN"));
    let accepted = "would be accepted if its issuer is in the truststore and ";
    assert_eq!(shown(&good, "as a client"), format!("{accepted}[revocation] crl_files has its list"));
    assert_eq!(shown(&listed, "as a client"), format!("{accepted}has not revoked it"));
    assert!(shown(&good, "eidas psd2").starts_with("certificate_not_qualified"));
    assert!(shown(&expired, "as a client").starts_with("certificate_expired"));
    assert!(shown(&server, "as a client").starts_with("certificate_wrong_purpose"));
    assert_eq!(shown(&server, "clientAuth"), "no");
}

#[test]
fn file_with_a_chain_is_shown_whole() {
    let carol = &Pki::get().carol;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.der");
    let chain: Vec<&[u8]> = std::iter::once(&carol.der).chain(&carol.chain).map(Vec::as_slice).collect();
    std::fs::write(&path, chain.concat()).unwrap();

    let output = Command::new(binary()).arg("inspect").arg(&path).output().unwrap();

    assert_eq!(shown(&output, "Certificate 1"), "of 2");
    assert_eq!(shown(&output, "signed by"), "certificate 2");
    assert_eq!(shown(&output, "Certificate 2"), "of 2");
    assert_eq!(shown(&output, "as an anchor"), "would be taken into a truststore");
}

#[test]
fn byte_order_mark_in_front_of_pem_is_passed_over() {
    let alice = &Pki::get().alice;

    let list = list(&inspect(format!("\u{feff}{}", alice.pem()).as_bytes(), &["--json"]));

    assert_eq!(list[0]["thumbprint"], alice.thumbprint());
}

#[test]
fn header_values_of_every_family_show_the_same_certificate() {
    let alice = &Pki::get().alice;
    for value in [
        forms::percent_pem(&alice.der),
        forms::one_line_pem(&alice.der),
        forms::base64_der(&alice.der),
        forms::byte_sequence(&alice.der),
        forms::xfcc(&alice.der),
    ] {
        let list = list(&inspect(format!("{value}\n").as_bytes(), &["--json"]));

        assert_eq!(list.len(), 1);
        assert_eq!(list[0]["thumbprint"], alice.thumbprint(), "{value}");
    }
}

#[test]
fn what_cannot_be_read_fails_with_a_reason_and_shows_nothing() {
    let alice = &Pki::get().alice;
    let check = |input: &[u8], reason: &str| {
        let output = inspect(input, &["--json"]);

        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(reason), "{said} lacks {reason}");
        assert!(output.stdout.is_empty());
    };
    check(b"", "is empty");
    check(b"hello", "neither PEM, nor DER, nor a header value");
    for absent in ["NONE", "null", "(null)", "::", "-\n", "{http.request.tls.client.certificate_pem}"] {
        check(absent.as_bytes(), "is what a load balancer writes where the client showed no certificate");
    }
    check(&alice.der[..100], "not DER to its end");
    check(&[0x30, 0], "not one certificate in DER");
    let missing = Command::new(binary()).args(["inspect", "/nowhere/tpp.pem"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
}
