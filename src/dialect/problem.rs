//! `application/problem+json` (RFC 9457).

use std::borrow::Cow;

use serde::Serialize;

use crate::dialect::{Body, Refusal};

/// RFC 9457, section 3, with `code` as an extension.
#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    code: &'a str,
    instance: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

pub(super) fn write(refusal: &Refusal<'_>) -> Body {
    let row = refusal.denial.row();
    // Where there is no fact to tell, what is promised is there all the same.
    let detail = refusal.detail().or(refusal.full_detail.then_some(Cow::Borrowed(row.title)));
    let problem = Problem {
        r#type: &["urn:certbound:denial:", row.code].concat(),
        title: row.title,
        status: refusal.status,
        code: row.code,
        instance: refusal.interaction.urn().to_string(),
        detail: detail.as_deref(),
    };
    Body::json("application/problem+json", &problem)
}
