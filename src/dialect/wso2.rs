//! The error formatter of WSO2 API Manager, with certbound's codes.

use serde::Serialize;

use crate::dialect::{Body, JSON, Refusal};

#[derive(Serialize)]
struct Document<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
    description: &'a str,
}

pub(super) fn write(refusal: &Refusal<'_>) -> Body {
    let row = refusal.denial.row();
    let detail = refusal.detail();
    let description = refusal.consent_message().or(detail.as_deref()).unwrap_or(row.title);
    Body::json(JSON, &Document { error: Error { code: row.code, message: row.title, description } })
}
