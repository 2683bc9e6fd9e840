//! The question as the service reads it: the members of WSO2's callout, and the claims that keep it from being asked again
//! by someone else (RFC 7519, section 4.1).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Method;
use rustls_pki_types::UnixTime;
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::{consent::ConsentRequest, token::json};

/// The members of the JSON object, or the claims of the JWT.
#[derive(Serialize)]
struct Question<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
    jti: &'a str,
    consent_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    method: &'a str,
    path: &'a str,
    /// As it was written, where it is JSON that can be read in one way and by everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a RawValue>,
    /// Base64url of the body's bytes, JSON or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_sha256: Option<String>,
    #[serde(flatten)]
    wso2: Wso2<'a>,
}

/// The same under the names of WSO2's `consent/validate`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wso2<'a> {
    consent_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    elected_resource: &'a str,
    resource_params: ResourceParams<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceParams<'a> {
    resource: &'a str,
    http_method: &'a str,
    context: &'a str,
}

impl ConsentRequest {
    /// The question in JSON. `audience`: the service's address. `jti`: used for this question alone.
    ///
    /// Neither the token nor any header is in it: the token is the client's, and whoever holds it could use it.
    ///
    /// # Errors
    /// None that is known: the members are strings and numbers.
    pub fn question(&self, audience: &str, jti: &str, now: UnixTime) -> Result<String, serde_json::Error> {
        let Self { consent_id, client_id, subject, method, path, route, body } = self;
        let body = body.as_deref().filter(|body| !body.is_empty());
        let (client_id, subject) = (client_id.as_deref(), subject.as_deref());
        let method = Method::as_str(method);
        serde_json::to_string(&Question {
            iss: ISSUER,
            aud: audience,
            iat: now.as_secs(),
            exp: now.as_secs().saturating_add(LIFETIME),
            jti,
            consent_id,
            client_id,
            sub: subject,
            method,
            path,
            // What is no JSON has no place in it; the service still learns that there is a body, and which.
            body: body.filter(|body| is_plain(body)).and_then(|body| serde_json::from_slice(body).ok()),
            body_sha256: body.map(|body| BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(body))),
            wso2: Wso2 {
                consent_id,
                client_id,
                user_id: subject,
                elected_resource: route,
                resource_params: ResourceParams { resource: path, http_method: method, context: route },
            },
        })
    }
}

/// Whether every reader reads the same in it, and reads it at all.
fn is_plain(body: &[u8]) -> bool {
    serde_json::from_slice(body).is_ok_and(|value: json::Value<'_>| value.is_plain(DEEPEST))
}

/// Readers give up on what is nested too deep, many at 64, and no request of an API comes near that.
const DEEPEST: usize = 60;

const ISSUER: &str = "certbound";
/// In seconds: for clocks that differ, not for a service that takes its time.
const LIFETIME: u64 = 60;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

    use std::time::Duration;

    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;

    fn asked(request: &ConsentRequest) -> Value {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_795_330_800));
        let question = request.question("http://127.0.0.1:9446/validate", "8a5f7e2c-0f6b-4f5e-9d57-1f0f5f5c2a11", now);
        serde_json::from_str(&question.unwrap()).unwrap()
    }

    fn request() -> ConsentRequest {
        ConsentRequest {
            consent_id: "aac-7".into(),
            client_id: Some("tpp-1".into()),
            subject: Some("psu-7".into()),
            method: Method::GET,
            path: "/accounts/22289".into(),
            route: "/accounts/{AccountId}".into(),
            body: None,
        }
    }

    #[test]
    fn question_is_the_one_of_the_document() {
        let document = include_str!("../../docs/consent.md");
        let example = document.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();

        assert_eq!(asked(&request()), serde_json::from_str::<Value>(example).unwrap());
    }

    #[test]
    fn what_the_token_does_not_say_is_left_out() {
        let asked = asked(&ConsentRequest { client_id: None, subject: None, ..request() });

        for member in ["client_id", "sub", "clientId", "userId"] {
            assert_eq!(asked.get(member), None, "{member}");
        }
        assert_eq!(asked.get("consentId"), Some(&json!("aac-7")));
    }

    #[test]
    fn body_stands_in_the_question_where_it_can_be_read_in_one_way() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        let check = |body: &str, expected: bool| {
            let asked = asked(&ConsentRequest { body: Some(Bytes::copy_from_slice(body.as_bytes())), ..request() });
            assert_eq!(asked.get("body").is_some(), expected, "{body:.99}");
            assert!(asked["body_sha256"].is_string());
        };
        for body in [" {\"a\": 1}", "[]", "5", "\"text\"", "null", &deep(60)] {
            check(body, true);
        }
        for body in
            ["hello", "{}{}", r#"{"a":1,"a":2}"#, r#"[{"b":{"a":1,"a":2}}]"#, r#""\ud800""#, &deep(61), &deep(30_000)]
        {
            check(body, false);
        }
    }
}
