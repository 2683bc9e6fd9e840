//! Every metric that is promised is there, under its name and with its labels, after traffic that it counts.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::{
    support::{
        bank::Bank,
        config::Config,
        connection::Connection,
        introspector::{Introspector, active},
        issuer::Issuer,
        pki::{Authority, Pki, pem},
        process,
        token::{AUDIENCE, ISSUER, Token},
    },
    verdict::{assert_passed, assert_refused},
};

/// The names, each with the labels that it is promised with.
const PROMISED: [(&str, &[&str]); 16] = [
    ("certbound_decisions_total", &["decision", "reason", "route", "mode"]),
    ("certbound_headers_stripped_total", &["header"]),
    ("certbound_certificate_cache_total", &["result"]),
    ("certbound_token_cache_total", &["result"]),
    ("certbound_revocation_checks_total", &["method", "result"]),
    ("certbound_jwks_last_success_timestamp_seconds", &["issuer"]),
    ("certbound_crl_next_update_timestamp_seconds", &["issuer"]),
    ("certbound_truststore_anchor_not_after_timestamp_seconds", &["anchor"]),
    ("certbound_config_last_reload_successful", &[]),
    ("certbound_config_last_reload_success_timestamp_seconds", &[]),
    ("certbound_config_restart_required", &[]),
    ("certbound_build_info", &[]),
    ("http_server_request_duration_seconds_bucket", &[]),
    ("http_server_active_requests", &[]),
    ("http_client_request_duration_seconds_bucket", &["peer"]),
    ("certbound_spans_lost_total", &[]),
];

#[test]
fn every_promised_metric_is_on_the_page_with_its_labels() {
    let (bank, issuer, introspector) = (Bank::start(), Issuer::start(), Introspector::start());
    let authority = Authority::root("Bank CA");
    let (alice, withdrawn) = (authority.issue("alice", |_| {}), &Pki::get().alice);
    let lines = format!(
        "issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = {:?}\n{}",
        issuer.jwks(),
        introspector.line("")
    );
    let config = Config::in_front_of(&bank)
        .without_issuers()
        .issuer(&lines)
        .file("rs-secret", "hunter2")
        .without("revocation.methods")
        .set("revocation.crl_files", r#"["bank.crl"]"#)
        .set("consent.endpoint", &format!("\"http://{}/\"", Bank::closed()))
        .file("bank.crl", authority.list(&[], 3600))
        .file("trust/bank.der", authority.der.clone())
        .file("trust/pem.pem", pem(&Pki::get().root.der))
        .route("path = \"/consented\"\nconsent = true")
        .route("path = \"/{*rest}\"");
    let sidecar = config.start();
    sidecar.await_admin("/readyz", 200);
    introspector.knows("opaque", active(&alice));

    assert_passed(&sidecar.get("/a").by(&alice).send(), &bank);
    assert_passed(&sidecar.get("/a").showing(&alice).bearing("opaque").send(), &bank);
    let forged = sidecar.get("/a").header("X-Client-Cert", "forged").send();
    assert_refused(&forged, "certificate_missing", &bank);
    assert_refused(&sidecar.get("/a").by(withdrawn).send(), "revocation_unknown", &bank);
    let consented = Token::of(&alice).claim("consent_id", json!("c-1")).sign();
    let asked = sidecar.get("/consented").showing(&alice).bearing(consented).send();
    assert_refused(&asked, "consent_unavailable", &bank);

    let page = sidecar.await_metrics(|page| page.contains("consent_unavailable") && page.contains("peer=\"backend\""));
    for (name, labels) in PROMISED {
        let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        let labelled = |line: &&str| labels.iter().all(|label| line.contains(&format!("{label}=\"")));
        assert!(page.lines().filter(of_name).any(|line| labelled(&line)), "no {name} with {labels:?} in\n{page}");
    }
    for peer in ["backend", "jwks", "introspection", "consent"] {
        let line = format!("http_client_request_duration_seconds_count{{peer={peer:?}}}");
        assert!(page.contains(&line), "no {line} in\n{page}");
    }
    assert_linted(&page);
}

#[test]
fn scraper_gets_openmetrics_where_it_names_it_and_plain_text_else() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).start();
    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send(), &bank);
    sidecar.await_metrics(|page| page.contains(r#"decision="allow""#));

    let scrape = |accepted: Option<&str>| {
        let request = sidecar.get("/metrics").header("Connection", "close");
        let request = accepted.into_iter().fold(request, |request, accepted| request.header("Accept", accepted));
        let answer = request.send_on(&mut Connection::tcp(sidecar.admin_address()));
        (answer.header("content-type").unwrap().to_owned(), String::from_utf8(answer.body).unwrap())
    };
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let (kind, page) = scrape(Some(prometheus));
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(page.ends_with("# EOF\n") && page.contains("# TYPE certbound_decisions counter\n"), "{page}");

    for accepted in [None, Some("*/*"), Some("text/plain;version=0.0.4"), Some("application/openmetrics-text;q=0")] {
        let (kind, page) = scrape(accepted);
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8", "{accepted:?}");
        assert!(page.contains("# TYPE certbound_decisions_total counter\n"), "{page}");
        assert!(!page.contains("# EOF"), "{page}");
    }
}

/// Nothing that Prometheus' own linter complains about.
fn assert_linted(page: &str) {
    let Some(promtool) = process::find("promtool") else { return };
    let mut command = Command::new(promtool);
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut linter = command.spawn().unwrap();
    linter.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let said = linter.wait_with_output().unwrap();
    let complaints = [said.stdout, said.stderr].concat();
    assert!(said.status.success(), "{}\n{page}", String::from_utf8_lossy(&complaints));
}
