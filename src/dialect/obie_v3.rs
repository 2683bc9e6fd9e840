//! UK Open Banking, version 3: `OBErrorResponse1`.

use std::borrow::Cow;

use http::StatusCode;
use serde::Serialize;

use crate::{
    denial::Denial,
    dialect::{Body, Refusal, obie},
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorResponse<'a> {
    code: String,
    id: String,
    message: &'a str,
    errors: [Error<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Error<'a> {
    error_code: &'a str,
    message: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'static str>,
}

pub(super) fn write(refusal: &Refusal<'_>) -> Body {
    let error_code = obie::consent_code(refusal).unwrap_or_else(|| obie::code(refusal).v3);
    let reason = StatusCode::from_u16(refusal.status).ok().and_then(|status| status.canonical_reason());
    let response = ErrorResponse {
        code: format!("{} {}", refusal.status, reason.unwrap_or_default()).trim_end().to_owned(),
        id: refusal.interaction.to_string(),
        message: refusal.denial.row().title,
        errors: [Error { error_code, message: refusal.text(), path: header(refusal) }],
    };
    Body::json(obie::MEDIA_TYPE, &response)
}

/// `Path` names the header where one is missing or not valid. It never holds a path.
fn header(refusal: &Refusal<'_>) -> Option<&'static str> {
    match refusal.denial {
        Denial::ProofMissing | Denial::ProofInvalid { .. } | Denial::ProofReplayed => Some("DPoP"),
        Denial::RequestMalformed { .. } | Denial::HeaderTooLarge { .. } => None,
        _ => obie::code(refusal).v3.starts_with("UK.OBIE.Header.").then_some("Authorization"),
    }
}
