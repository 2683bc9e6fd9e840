//! What ends soon is said, and CRL files that are replaced are read.

use rcgen::{CertificateParams, CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, SerialNumber};
use time::{Duration, OffsetDateTime};

use crate::{
    support::{bank::Bank, config::Config, pki::Pki, sidecar::Sidecar},
    verdict::{assert_passed, assert_refused},
};

#[test]
fn anchors_and_crls_that_end_soon_are_named_at_start() {
    let bank = Bank::start();
    let sidecar = watching(&bank, Duration::hours(60)).start();

    let lines = sidecar.events("ends_soon", 3);

    let of =
        |name: &str| lines.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("{name}: {lines:#?}"));
    let (crl, anchor) = (of("CN=Elsewhere"), of("CN=TPP Issuing CA"));
    assert_eq!((&crl["what"], &crl["days"], &crl["ended"]), (&"crl".into(), &2.into(), &false.into()));
    assert_eq!(crl["level"], "warn");
    assert_eq!(anchor["what"], "anchor");
    assert!(matches!(anchor["days"].as_u64(), Some(29 | 30)), "{anchor}");
    assert_eq!(anchor["level"], "info");
    let page = sidecar.await_metrics(|page| page.contains("crl_next_update"));
    assert!(page.contains(r#"certbound_crl_next_update_timestamp_seconds{issuer="CN=Elsewhere"} "#), "{page}");
}

#[test]
fn certificates_of_its_own_that_end_soon_are_named_by_their_keys() {
    let bank = Bank::start();
    let lasting = |days| {
        let infrastructure = &Pki::get().infrastructure;
        // Half a day, so that whole days do not depend on how long starting takes.
        let end = OffsetDateTime::now_utc() + Duration::days(days) + Duration::hours(12);
        infrastructure.issue("localhost", |params| params.not_after = end)
    };
    let (listener, client, asking) = (lasting(3), lasting(20), lasting(300));
    let own = r#"certificate_file = "own.crt", private_key_file = "own.key""#;
    let asks = r#"certificate_file = "asks.crt", private_key_file = "asks.key", client_id = "rs""#;
    let asks = format!(r#"introspection = {{ endpoint = "https://127.0.0.1:9/", {asks} }}"#);
    let sidecar = Config::in_front_of(&bank)
        .with_tls()
        .file("tls.crt", listener.pem())
        .file("tls.key", listener.key_pem())
        .set("backend.tls", &format!(r#"{{ server_name = "bank.example", ca_file = "own.crt", {own} }}"#))
        .file("own.crt", client.pem())
        .file("own.key", client.key_pem())
        .issuer(&format!("issuer = \"https://other.example\"\naudiences = [\"a\"]\njwks = \"keys.json\"\n{asks}"))
        .file("asks.crt", asking.pem())
        .file("asks.key", asking.key_pem())
        .start();

    // Beside two anchors.
    let lines: Vec<_> =
        sidecar.events("ends_soon", 4).into_iter().filter(|line| line["what"] == "certificate").collect();

    let said = |line: &serde_json::Value| (line["name"].clone(), line["days"].clone(), line["level"].clone());
    let expected = [("listen.certificate_file", 3, "warn"), ("backend.tls.certificate_file", 20, "info")];
    assert_eq!(lines.iter().map(said).collect::<Vec<_>>(), expected.map(|(n, d, l)| (n.into(), d.into(), l.into())));
    let page = sidecar.await_metrics(|page| page.contains("own_certificate"));
    let in_days = |key: &str| {
        let name = format!("certbound_own_certificate_not_after_timestamp_seconds{{file=\"{key}\"}} ");
        let end = page.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or_else(|| panic!("{key}: {page}"));
        (end.parse::<i64>().unwrap() - OffsetDateTime::now_utc().unix_timestamp()) / 86_400
    };
    let keys =
        ["listen.certificate_file", "backend.tls.certificate_file", "token.issuer.introspection.certificate_file"];
    assert_eq!(keys.map(in_days), [3, 20, 300]);
}

#[test]
fn accepted_certificate_that_ends_within_thirty_days_is_counted() {
    let bank = Bank::start();
    let sidecar = Sidecar::in_front_of(&bank);
    let pki = Pki::get();
    let lasting =
        pki.issuing.issue("lasting", |params| params.not_after = OffsetDateTime::now_utc() + Duration::days(40));
    assert_passed(&sidecar.get("/accounts").showing(&pki.alice).bearing(pki.alice.token()).send(), &bank);
    assert_passed(&sidecar.get("/accounts").showing(&lasting).bearing(lasting.token()).send(), &bank);
    let refused = sidecar.get("/accounts").showing(&pki.mallory).bearing(pki.alice.token());
    assert_refused(&refused.send(), "binding_mismatch", &bank);

    let page = sidecar.await_metrics(|page| page.contains(r#"reason="binding_mismatch""#));
    assert!(page.contains("\ncertbound_client_certificates_ending_total 1\n"), "{page}");
}

#[test]
fn crl_file_that_is_replaced_is_read_without_a_restart() {
    let bank = Bank::start();
    let sidecar = watching(&bank, Duration::days(3)).start();
    let file = sidecar.folder().join("lists/elsewhere.crl");

    std::fs::write(&file, "a page of excuses").unwrap();
    assert!(sidecar.events("crls_not_reloaded", 1)[0]["error"].as_str().unwrap().contains("elsewhere.crl"));

    std::fs::write(&file, list(Duration::days(60))).unwrap();
    let line = &sidecar.events("crls_reloaded", 1)[0];
    assert_eq!((&line["lists"], &line["ended"]), (&1.into(), &0.into()));
}

/// Asks nobody but a CRL file, of an authority that nobody here has a certificate of.
fn watching(bank: &Bank, lasts: Duration) -> Config {
    Config::in_front_of(bank)
        .set("revocation.methods", r#"["crl"]"#)
        .set("revocation.crl_files", r#"["lists/"]"#)
        .file("lists/elsewhere.crl", list(lasts))
}

fn list(lasts: Duration) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "Elsewhere");
    params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
    let issuer = Issuer::new(params, KeyPair::generate().unwrap());
    let now = OffsetDateTime::now_utc();
    let list = CertificateRevocationListParams {
        this_update: now - Duration::hours(1),
        next_update: now + lasts,
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(&issuer).unwrap().der().to_vec()
}
