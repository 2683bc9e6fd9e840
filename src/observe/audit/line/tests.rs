#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use super::*;
use crate::{
    config::settings::Mode,
    denial::Denial,
    observe::{record::Decision, sample},
    token::mint::access_token,
};

fn json(line: &AuditLine<'_>) -> String {
    let mut text = Vec::new();
    line.write(&mut text);
    String::from_utf8(text).unwrap()
}

#[test]
fn line_has_the_promised_fields_in_the_promised_order() {
    let record = sample::record(Decision::Deny(Denial::MethodNotAllowed { allow: "GET".into() }));
    let line = AuditLine::decided(&record);
    assert_eq!(
        json(&line),
        concat!(
            r#"{"log_type":"audit","time":"2026-11-22T07:00:00.123456Z","#,
            r#""event_id":"00000000-0000-0000-0000-000000000000","seq":0,"#,
            r#""interaction_id":"93bac548-d2de-4546-b106-880a5018460d","peer":"10.0.0.7","peer_trusted":false,"#,
            r#""method":"GET","route":"/accounts/{AccountId}","status":200,"mode":"enforce","decision":"deny","#,
            r#""reason":"method_not_allowed","detail":"allowed: GET","certificate":null,"token":null,"#,
            r#""consent_id":null,"duration_us":961,"backend_us":900,"config":"hash","previous":null}"#,
        ),
    );
}

#[test]
fn permit_has_no_reason_and_would_be_refusal_has_one() {
    let allowed = json(&AuditLine::decided(&sample::record(Decision::Allow)));
    assert!(allowed.contains(r#""decision":"allow","reason":null,"detail":null"#), "{allowed}");
    let report = json(&AuditLine::decided(&sample::record(Decision::WouldDeny(Denial::TokenRepeated))));
    assert!(report.contains(r#""decision":"would_deny","reason":"token_repeated","detail":null"#), "{report}");
}

#[test]
fn token_is_written_from_its_claims_and_is_bound_only_where_that_was_proven() {
    let mut record = sample::record(Decision::Allow);
    record.findings.token = Some(access_token(&serde_json::json!({"scope": "accounts", "jti": "1"})));
    let text = json(&AuditLine::decided(&record));
    let part = concat!(
        r#""token":{"kind":"jwt","issuer":"https://as.example","client_id":"tpp","#,
        r#""jti_sha256":"a4ayc_80_OGda4BO_1o_V0etpOqiLx1JwB5S3beHW0s","scope":"accounts","#,
        r#""expires":"2027-01-15T08:05:00Z","bound":false}"#,
    );
    assert!(text.contains(part), "{part} is not in\n{text}");
}

#[test]
fn peer_that_nobody_looked_at_is_neither_trusted_nor_not() {
    let mut record = sample::record(Decision::Deny(Denial::RouteUnknown));
    record.findings.route = None;
    let text = json(&AuditLine::decided(&record));
    assert!(text.contains(r#""peer_trusted":null"#), "{text}");
}

#[test]
fn mode_is_named_as_in_the_configuration() {
    assert_eq!([Mode::Enforce, Mode::Report].map(Mode::name), ["enforce", "report"]);
}
