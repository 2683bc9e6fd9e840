#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use rustls_pki_types::UnixTime;

use super::*;
use crate::{
    denial::Denial,
    observe::{record::Decision, sample},
    token::mint::access_token,
};

fn json(line: &AuditLine<'_>) -> String {
    serde_json::to_string(line).unwrap()
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
fn certificate_and_token_are_written_as_promised() {
    let end = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_795_330_800));
    let regime = sample::regime();
    let line = AuditLine {
        certificate: Some(Certificate {
            thumbprint: "tp".to_owned(),
            serial: "0a",
            issuer: "CN=QTSP",
            organization_identifier: Some("PSDDE-BAFIN-1"),
            roles: None,
            not_after: Second(end),
            revocation: None,
        }),
        token: Some(Token {
            kind: "jwt",
            issuer: Some("https://as"),
            client_id: None,
            jti_sha256: Some("h"),
            scope: Some("accounts"),
            expires: Some(Second(end)),
            bound: true,
        }),
        ..AuditLine::cut_off(SystemTime::UNIX_EPOCH, &regime)
    };
    let text = json(&line);
    for part in [
        concat!(
            r#""certificate":{"thumbprint":"tp","serial":"0a","issuer":"CN=QTSP","#,
            r#""organization_identifier":"PSDDE-BAFIN-1","roles":null,"not_after":"2026-11-22T07:00:00Z","#,
            r#""revocation":null}"#,
        ),
        concat!(
            r#""token":{"kind":"jwt","issuer":"https://as","client_id":null,"jti_sha256":"h","#,
            r#""scope":"accounts","expires":"2026-11-22T07:00:00Z","bound":true}"#,
        ),
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
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
    for (mode, name) in [(Mode::Enforce, "\"enforce\""), (Mode::Report, "\"report\"")] {
        assert_eq!(serde_json::to_string(&ModeName::from(mode)).unwrap(), name);
    }
}
