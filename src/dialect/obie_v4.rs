//! UK Open Banking, version 4: `OBErrorResponse1` without what it deprecates.

use std::borrow::Cow;

use serde::Serialize;

use crate::{
    denial::Denial,
    dialect::{Body, Refusal, obie},
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorResponse<'a> {
    id: String,
    errors: [Error<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Error<'a> {
    error_code: &'a str,
    message: Cow<'a, str>,
}

/// A 401 has no body in version 4, save for the token that has expired.
pub(super) fn write(refusal: &Refusal<'_>) -> Option<Body> {
    if refusal.status == 401 && !matches!(refusal.denial, Denial::TokenExpired { .. }) {
        return None;
    }
    let error_code = obie::consent_code(refusal).unwrap_or_else(|| obie::code(refusal).v4);
    let errors = [Error { error_code, message: refusal.text() }];
    Some(Body::json(obie::MEDIA_TYPE, &ErrorResponse { id: refusal.interaction.to_string(), errors }))
}
