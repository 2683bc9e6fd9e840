#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::uuid;

use super::*;
use crate::denial::RegistrationError;

const INTERACTION: Uuid = uuid!("3f0a7c52-5d0e-4a86-9d1e-1d1f0f3a1b52");

fn body(dialect: Dialect, denial: &Denial, full_detail: bool) -> Option<Body> {
    dialect.write(&Refusal { denial, status: denial.row().status, full_detail, interaction: INTERACTION })
}

fn written(dialect: Dialect, denial: &Denial, full_detail: bool) -> Value {
    serde_json::from_slice(&body(dialect, denial, full_detail).unwrap().bytes).unwrap()
}

/// The codes of each refusal as the document lists them, by the name of the format.
fn documented() -> Vec<(String, BTreeMap<String, String>)> {
    let document = include_str!("../../docs/error-formats.md");
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    let mut lines = document.lines().filter(|line| line.starts_with('|'));
    let names = cells(lines.next().unwrap());
    let row = |line| {
        let cells = cells(line);
        (cells[0].clone(), names.iter().cloned().zip(cells).skip(1).collect())
    };
    lines.skip(1).map(row).collect()
}

/// The whole body in each format, once its code is known; none where nothing is said.
fn expected(format: &str, code: &str, denial: &Denial) -> Option<Value> {
    let (row, own) = (denial.row(), denial.code());
    let title = row.title;
    if format == "empty" || (format == "obie-v4" && code.is_empty()) {
        return None;
    }
    Some(match format {
        "problem+json" => json!({
            "type": format!("urn:certbound:denial:{own}"), "title": title, "status": row.status, "code": own,
            "instance": format!("urn:uuid:{INTERACTION}"),
        }),
        "obie-v3" => {
            let reason = http::StatusCode::from_u16(row.status).unwrap();
            let mut error = json!({"ErrorCode": format!("UK.OBIE.{code}"), "Message": title});
            if code.starts_with("Header.") && !matches!(own, "request_malformed" | "header_too_large") {
                error["Path"] = if own.starts_with("proof_") { "DPoP".into() } else { "Authorization".into() };
            }
            json!({"Code": reason.to_string(), "Id": INTERACTION, "Message": title, "Errors": [error]})
        }
        "obie-v4" => json!({"Id": INTERACTION, "Errors": [{"ErrorCode": code, "Message": title}]}),
        "berlin-group" => json!({"tppMessages": [{"category": "ERROR", "code": code, "text": title}]}),
        "cds" => {
            let code = format!("urn:au-cds:error:cds-all:{code}");
            json!({"errors": [{"code": code, "title": cds_title(&code), "detail": title}]})
        }
        "oauth" => json!({"error": code, "error_description": title}),
        _ => json!({"error": {"code": own, "message": title, "description": title}}),
    })
}

/// The titles that the standards give their codes.
fn cds_title(code: &str) -> &'static str {
    match code.rsplit(':').next().unwrap() {
        "GeneralError/Expected" => "Expected Error Encountered",
        "GeneralError/Unexpected" => "Unexpected Error Encountered",
        "Service/Unavailable" => "Service Unavailable",
        "Field/Invalid" => "Invalid Field",
        "Header/Invalid" => "Invalid Header",
        "Resource/NotFound" => "Resource Not Found",
        "Authorisation/AdrStatusNotActive" => "ADR Status Is Not Active",
        "Authorisation/InvalidConsent" => "Consent Is Invalid",
        _ => "Consent Is Revoked",
    }
}

#[test]
fn every_refusal_is_written_in_every_format_as_documented() {
    let (documented, every) = (documented(), Denial::every());
    let codes: Vec<&str> = documented.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, every.iter().map(Denial::code).collect::<Vec<_>>());

    for (denial, (_, codes)) in every.iter().zip(&documented) {
        for (format, dialect) in Dialect::ALL {
            let code = codes.get(format).map(String::as_str).unwrap_or_default();
            let body = body(dialect, denial, false);
            let content = body.as_ref().map(|body| serde_json::from_slice::<Value>(&body.bytes).unwrap());
            assert_eq!(content, expected(format, code, denial), "{} as {format}", denial.code());
            let media_type = match format {
                "problem+json" => "application/problem+json",
                "obie-v3" | "obie-v4" => "application/json; charset=utf-8",
                _ => "application/json",
            };
            assert!(body.is_none_or(|body| body.media_type == media_type), "{format}");
        }
    }
}

#[test]
fn document_shows_one_refusal_as_it_is_written() {
    let document = include_str!("../../docs/error-formats.md");
    let denial = Denial::ScopeInsufficient { scope: "accounts".into() };
    for (format, dialect) in Dialect::ALL {
        let Some(body) = body(dialect, &denial, false) else { continue };
        let text = String::from_utf8(body.bytes.to_vec()).unwrap();
        let after = document.split_once(&format!("\n`{format}`, as `{}`", body.media_type)).unwrap().1;
        let shown = after.split("```json\n").nth(1).unwrap().split("\n```").next().unwrap();
        assert_eq!(shown, text, "{format}");
    }
}

#[test]
fn version_4_of_the_uk_has_no_body_for_any_other_401() {
    let with_status = |denial: &Denial, status| {
        let refusal = Refusal { denial, status, full_detail: false, interaction: INTERACTION };
        Dialect::ObieV4.write(&refusal).is_some()
    };
    assert!(!with_status(&Denial::RoleMissing, 401));
    assert!(with_status(&Denial::CertificateMissing { why: "" }, 403));
    assert!(with_status(&Denial::TokenExpired { expired: 0 }, 401));
}

#[test]
fn status_without_a_name_is_told_by_number_alone() {
    let refusal = Refusal { denial: &Denial::RoleMissing, status: 499, full_detail: false, interaction: INTERACTION };
    let body: Value = serde_json::from_slice(&Dialect::ObieV3.write(&refusal).unwrap().bytes).unwrap();
    assert_eq!(body["Code"], "499");
}

#[test]
fn facts_are_told_only_in_full_detail() {
    let denial = Denial::TokenExpired { expired: 1 };
    let both = "The access token has expired: exp is 1970-01-01T00:00:01Z";
    for (dialect, place, told) in [
        (Dialect::Problem, "/detail", "exp is 1970-01-01T00:00:01Z"),
        (Dialect::ObieV3, "/Errors/0/Message", both),
        (Dialect::ObieV4, "/Errors/0/Message", both),
        (Dialect::BerlinGroup, "/tppMessages/0/text", both),
        (Dialect::Cds, "/errors/0/detail", both),
        (Dialect::OAuth, "/error_description", both),
        (Dialect::Wso2, "/error/description", "exp is 1970-01-01T00:00:01Z"),
    ] {
        assert_eq!(written(dialect, &denial, true).pointer(place).unwrap(), told, "{dialect:?}");
        let minimal = written(dialect, &denial, false);
        assert!(!minimal.to_string().contains("1970"), "{minimal}");
    }
}

fn consent_refused(code: &str, message: &str) -> Denial {
    Denial::ConsentRefused { code: Some(code.into()), message: Some(message.into()) }
}

#[test]
fn consent_service_is_quoted_where_the_format_has_a_place_for_it() {
    let denial = consent_refused("U028", "Authenticate again");
    for (dialect, place) in [
        (Dialect::ObieV3, "/Errors/0/Message"),
        (Dialect::ObieV4, "/Errors/0/Message"),
        (Dialect::BerlinGroup, "/tppMessages/0/text"),
        (Dialect::Cds, "/errors/0/detail"),
        (Dialect::OAuth, "/error_description"),
        (Dialect::Wso2, "/error/description"),
    ] {
        for full_detail in [false, true] {
            let body = written(dialect, &denial, full_detail);
            assert_eq!(body.pointer(place).unwrap(), "Authenticate again", "{dialect:?}");
        }
    }
    assert_eq!(written(Dialect::Problem, &denial, false).get("detail"), None);
    let full = written(Dialect::Problem, &denial, true);
    assert_eq!(full["detail"], "the consent service says U028: Authenticate again");
}

#[test]
fn code_of_the_consent_service_is_passed_on_only_where_the_format_knows_it() {
    let check = |dialect, place: &str, code: &str, expected: &str| {
        let body = written(dialect, &consent_refused(code, "no"), false);
        assert_eq!(body.pointer(place).unwrap(), expected, "{code} as {dialect:?}");
    };
    for code in ["UK.OBIE.Reauthenticate", "U028"] {
        check(Dialect::ObieV3, "/Errors/0/ErrorCode", code, code);
        check(Dialect::ObieV4, "/Errors/0/ErrorCode", code, code);
    }
    let long = format!("UK.OBIE.{}", "a".repeat(1000));
    for code in [
        "UK.OBIE.",
        "UK.OBIE..",
        "UK.OBIE.a..b",
        "UK.OBIE.a.",
        "",
        "U28",
        "U0288",
        "U02x",
        "u028",
        "CONSENT_EXPIRED",
        "UK.OBIE./accounts/1",
        &long,
    ] {
        check(Dialect::ObieV3, "/Errors/0/ErrorCode", code, "UK.OBIE.Resource.InvalidConsentStatus");
        check(Dialect::ObieV4, "/Errors/0/ErrorCode", code, "U009");
    }
    check(Dialect::BerlinGroup, "/tppMessages/0/code", "CONSENT_EXPIRED", "CONSENT_EXPIRED");
    check(Dialect::BerlinGroup, "/tppMessages/0/code", "CONSENT_UNKNOWN", "CONSENT_UNKNOWN");
    check(Dialect::BerlinGroup, "/tppMessages/0/code", "CONSENT_OTHER", "CONSENT_INVALID");
    let revoked = "urn:au-cds:error:cds-all:Authorisation/RevokedConsent";
    check(Dialect::Cds, "/errors/0/code", revoked, revoked);
    check(Dialect::Cds, "/errors/0/title", revoked, "Consent Is Revoked");
    check(Dialect::Cds, "/errors/0/title", "RevokedConsent", "Consent Is Invalid");
    check(Dialect::OAuth, "/error", "invalid_token", "invalid_request");
    check(Dialect::Wso2, "/error/code", "U028", "consent_refused");
}

#[test]
fn fault_of_this_side_blames_no_client() {
    let denial = Denial::BindingMissing { why: "the issued token is bound to no certificate" };
    let blamed = |dialect: Dialect, place: &str, status: u16| {
        let refusal = Refusal { denial: &denial, status, full_detail: false, interaction: INTERACTION };
        let body: Value = serde_json::from_slice(&dialect.write(&refusal).unwrap().bytes).unwrap();
        body.pointer(place).map(|code| code.as_str().unwrap().to_owned())
    };
    for (dialect, place, client, server) in [
        (Dialect::ObieV3, "/Errors/0/ErrorCode", "UK.OBIE.Header.Invalid", "UK.OBIE.UnexpectedError"),
        (Dialect::ObieV4, "/Errors/0/ErrorCode", "U006", "U000"),
        (Dialect::BerlinGroup, "/tppMessages/0/code", "TOKEN_INVALID", "SERVICE_UNAVAILABLE"),
        (
            Dialect::Cds,
            "/errors/0/code",
            "urn:au-cds:error:cds-all:GeneralError/Expected",
            "urn:au-cds:error:cds-all:GeneralError/Unexpected",
        ),
        (Dialect::OAuth, "/error", "invalid_token", "temporarily_unavailable"),
    ] {
        assert_eq!(blamed(dialect, place, 403).as_deref(), Some(client), "{dialect:?}");
        assert_eq!(blamed(dialect, place, 502).as_deref(), Some(server), "{dialect:?}");
    }
    assert_eq!(blamed(Dialect::ObieV3, "/Errors/0/Path", 403).as_deref(), Some("Authorization"));
    assert_eq!(blamed(Dialect::ObieV3, "/Errors/0/Path", 502), None);
}

#[test]
fn whatever_the_consent_service_says_it_stays_one_bounded_value() {
    for message in ["\"}],\"a\":[{\"b\":\"\\", "\u{0}\r\n\u{2028}</script>", &"ä".repeat(100_000), ""] {
        let denial = consent_refused("\"", message);
        for (format, dialect) in Dialect::ALL {
            let Some(body) = body(dialect, &denial, false) else { continue };
            let content: Value = serde_json::from_slice(&body.bytes).unwrap();
            let usual = written(dialect, &Denial::ConsentRefused { code: None, message: None }, false);
            assert_eq!(shape(&content), shape(&usual), "{format}");
            assert!(body.bytes.len() < 4096, "{format}: {}", body.bytes.len());
            assert!(!message.is_empty() || content == usual, "{format}");
        }
    }
    let long = written(Dialect::BerlinGroup, &consent_refused("", &"ä".repeat(1000)), false);
    assert_eq!(long["tppMessages"][0]["text"].as_str().unwrap().chars().count(), 500);
}

/// The names of all members, whatever their values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(elements) => elements.iter().map(shape).collect(),
        _ => Value::Null,
    }
}

#[test]
fn description_of_oauth_is_ascii_without_quotation_mark_and_backslash() {
    let body = written(Dialect::OAuth, &consent_refused("", "Zurück: \"a\\b\"\n"), false);
    assert_eq!(body["error_description"], "Zur?ck: ?a?b??");
}

#[test]
fn oauth_has_the_codes_of_registrations_and_nonces() {
    let check = |denial: Denial, expected: &str| {
        assert_eq!(written(Dialect::OAuth, &denial, false)["error"], expected);
    };
    for error in [
        RegistrationError::InvalidRedirectUri,
        RegistrationError::InvalidSoftwareStatement,
        RegistrationError::UnapprovedSoftwareStatement,
    ] {
        check(Denial::RegistrationInvalid { error, why: "" }, error.code());
    }
    check(Denial::ProofInvalid { why: "", nonce: Some("n".into()) }, "use_dpop_nonce");
}
