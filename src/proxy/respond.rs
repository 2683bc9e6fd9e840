//! A refusal is answered; the connection is kept where HTTP allows.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method,
    header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT},
};
use pingora::{http::ResponseHeader, proxy::Session};

use crate::{
    config::settings::Errors,
    denial::{Challenge, Denial},
    dialect::{Dialect, Refusal},
    proxy::interaction::{self, Interaction},
    token::bearer::Scheme,
};

/// A refusal, and what its answer takes besides.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) denial: &'a Denial,
    pub(super) errors: &'a Errors,
    pub(super) dialect: Dialect,
    pub(super) interaction: &'a Interaction,
}

/// An answer whose header section is written, and what is left to be done for it.
#[must_use]
pub(super) struct Begun {
    /// None: it has none.
    body: Option<Bytes>,
}

impl Answer<'_> {
    /// Begins to answer a request that has not been forwarded.
    ///
    /// What the client still sends of the body is read within bounds and thrown away, so that the next request on the
    /// connection can be found. A longer body costs the connection, and so does a request whose end is in doubt. On HTTP/2
    /// nothing has to be found: nobody waits for anything there.
    ///
    /// # Errors
    /// The client is gone.
    pub(super) async fn refuse(self, session: &mut Session) -> pingora::Result<Begun> {
        let is_over = match self.denial {
            _ if session.is_http2() => true,
            Denial::RequestMalformed { .. } => false,
            _ if withholds_body(session) => session.as_downstream_mut().is_body_done(),
            _ => drain(session, DRAIN_BEFORE).await,
        };
        if !is_over {
            session.set_keepalive(None);
        }
        self.begin(session).await
    }

    /// Answers a request that has been forwarded, and lets a client whose connection is about to close finish sending.
    ///
    /// # Errors
    /// The client is gone.
    pub(super) async fn send(self, session: &mut Session) -> pingora::Result<()> {
        self.begin(session).await?.finish(session).await
    }

    async fn begin(self, session: &mut Session) -> pingora::Result<Begun> {
        let scheme = Scheme::presented(&session.req_header().headers, self.errors.proof_algorithms.is_some());
        let (head, body) = self.compose(scheme)?;
        let bodiless = session.req_header().method == Method::HEAD;
        session.write_response_header(Box::new(head), bodiless).await?;
        Ok(Begun { body: (!bodiless).then_some(body) })
    }

    /// Status and bytes where no session writes them; none where Pingora cannot hold the headers.
    pub(super) fn written(self) -> Option<(u16, Vec<u8>)> {
        let (mut head, body) = self.compose(None).ok()?;
        head.insert_header(CONNECTION, HeaderValue::from_static("close")).ok()?;
        let mut bytes = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
        head.header_to_h1_wire(&mut bytes);
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        Some((head.status.as_u16(), bytes))
    }

    /// Header section and body. `scheme`: by which the token came, if one did.
    fn compose(self, scheme: Option<Scheme>) -> pingora::Result<(ResponseHeader, Bytes)> {
        let Self { denial, errors, dialect, interaction } = self;
        let status = errors.status.get(denial.code()).copied().unwrap_or(denial.row().status);
        let refusal = Refusal { denial, status, full_detail: errors.full_detail, interaction: interaction.id() };
        let body = dialect.write(&refusal);
        let mut head = ResponseHeader::build(status, Some(HEADERS))?;
        if let Some(body) = &body {
            head.insert_header(CONTENT_TYPE, HeaderValue::from_static(body.media_type))?;
        }
        let body = body.map(|body| body.bytes).unwrap_or_default();
        head.insert_header(CONTENT_LENGTH, HeaderValue::from(body.len()))?;
        head.insert_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))?;
        head.insert_header(interaction::NAME, interaction.value().clone())?;
        if let Some(challenge) = challenge(denial, status, errors, scheme) {
            head.insert_header("WWW-Authenticate", challenge)?;
        }
        if let (Denial::TokenMissing { .. }, Some(algorithms)) = (denial, &errors.proof_algorithms) {
            head.append_header("WWW-Authenticate", format!(r#"DPoP algs="{algorithms}""#))?;
        }
        if let Denial::ProofInvalid { nonce: Some(nonce), .. } = denial {
            head.insert_header(NONCE, nonce.as_ref())?;
        }
        if denial.is_temporary() {
            head.insert_header("Retry-After", HeaderValue::from(RETRY_AFTER_SECONDS))?;
        }
        if let Denial::MethodNotAllowed { allow } = denial {
            head.insert_header("Allow", allow.as_ref())?;
        }
        Ok((head, body))
    }
}

impl Begun {
    /// Writes the body, and lets a client whose connection is about to close finish sending.
    ///
    /// # Errors
    /// The client is gone, or takes nothing.
    pub(super) async fn finish(self, session: &mut Session) -> pingora::Result<()> {
        let is_http2 = session.is_http2();
        if is_http2 {
            // What is refused counts for no limit any more, so the client's window may not hold it.
            session.as_downstream_mut().set_write_timeout(Some(TAKEN_WITHIN));
        }
        if let Some(body) = self.body {
            session.write_response_body(Some(body), true).await?;
        }
        if !withholds_body(session) {
            // Closing on unread bytes resets the connection, and the reset can overtake the answer on its way to the client.
            let _ = drain(session, if is_http2 { DRAIN_STREAM } else { DRAIN_AFTER }).await;
        }
        Ok(())
    }
}

/// Whoever waits for `100 Continue` sends no body before it, and the final answer takes the place of that one.
fn withholds_body(session: &Session) -> bool {
    session.req_header().headers.contains_key(EXPECT)
}

/// `WWW-Authenticate` of the refusal's row; an operator who turns a status into 401 gets the bare challenge that
/// RFC 9110, section 15.5.2 demands there. What is wrong with a token that came with a proof is said in that scheme
/// (RFC 9449, section 7.1).
fn challenge(denial: &Denial, status: u16, errors: &Errors, scheme: Option<Scheme>) -> Option<HeaderValue> {
    if status >= 500 {
        // A fault on this side: no other credentials would heal it.
        return None;
    }
    let challenge = match denial {
        Denial::ProofInvalid { nonce: Some(_), .. } => Challenge::UseNonce,
        _ => denial.row().challenge.or((status == 401).then_some(Challenge::Bearer))?,
    };
    let mut value = Cow::Borrowed(challenge.as_str());
    if let (Challenge::InsufficientScope, Denial::ScopeInsufficient { scope }) = (challenge, denial) {
        // A scope that cannot stand between quotation marks is left out rather than allowed to end them.
        if scope.bytes().all(|byte| (byte == b' ' || byte.is_ascii_graphic()) && !matches!(byte, b'"' | b'\\')) {
            value = format!(r#"{value}, scope="{scope}""#).into();
        }
    }
    let is_of_proof = match challenge {
        Challenge::InvalidProof | Challenge::UseNonce => true,
        Challenge::InvalidToken | Challenge::InsufficientScope => scheme == Some(Scheme::DPoP),
        Challenge::Bearer | Challenge::InvalidRequest => false,
    };
    if let (true, Some(algorithms), Some((_, parameters))) =
        (is_of_proof, &errors.proof_algorithms, value.split_once(' '))
    {
        return HeaderValue::from_str(&format!(r#"DPoP {parameters}, algs="{algorithms}""#)).ok();
    }
    HeaderValue::from_str(&value).ok()
}

/// How much of a request body is read to be thrown away.
#[derive(Clone, Copy)]
struct Drain {
    bytes: usize,
    time: Duration,
}

/// Reads what is left of the body, and tells whether its end was found. Where it was not, what comes next is no request:
/// Pingora takes a body that it cannot read for one that is over, and what it had read of it is gone.
#[must_use]
async fn drain(session: &mut Session, most: Drain) -> bool {
    if session.as_downstream_mut().is_body_done() {
        return true;
    }
    let read = async {
        let mut left = Some(most.bytes);
        while let Some(most) = left {
            match session.as_downstream_mut().read_request_body().await {
                Ok(Some(chunk)) => left = most.checked_sub(chunk.len()),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
        false
    };
    tokio::time::timeout(most.time, read).await.unwrap_or(false)
}

/// RFC 9449, section 8.1.
pub(super) const NONCE: &str = "DPoP-Nonce";
const HEADERS: usize = 8;
/// As long as it is remembered that nobody answered about a certificate's revocation; for other reasons, sooner may do.
const RETRY_AFTER_SECONDS: u16 = 10;
const DRAIN_BEFORE: Drain = Drain { bytes: 64 * 1024, time: Duration::from_secs(1) };
const DRAIN_AFTER: Drain = Drain { bytes: 4 * 1024 * 1024, time: Duration::from_secs(2) };
/// Resetting a stream harms no other. But what then comes for one that is forgotten counts as an error of the connection, and
/// the bodies of clients in good faith are on their way.
const DRAIN_STREAM: Drain = Drain { bytes: 64 * 1024, time: Duration::from_millis(100) };
/// The body of a refusal on HTTP/2, for which a window is open unless the client means it.
const TAKEN_WITHIN: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

    use std::sync::Arc;

    use http::{
        HeaderMap,
        header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE},
    };
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn errors(full_detail: bool) -> Errors {
        Errors {
            dialect: Dialect::Problem,
            full_detail,
            status: [("role_missing", 401)].into(),
            proof_algorithms: None,
        }
    }

    fn answer<'a>(denial: &'a Denial, errors: &'a Errors, interaction: &'a Interaction) -> Answer<'a> {
        Answer { denial, errors, dialect: Dialect::Problem, interaction }
    }

    fn composed(denial: &Denial, full_detail: bool) -> (ResponseHeader, Value, Interaction) {
        let interaction = Interaction::of(&HeaderMap::new());
        let (head, body) = answer(denial, &errors(full_detail), &interaction).compose(None).unwrap();
        (head, serde_json::from_slice(&body).unwrap(), interaction)
    }

    #[test]
    fn refusal_is_a_problem_document() {
        let (head, body, interaction) = composed(&Denial::CertificateMissing { why: "" }, false);
        assert_eq!(
            body,
            json!({
                "type": "urn:certbound:denial:certificate_missing",
                "title": "A client certificate is required",
                "status": 401,
                "code": "certificate_missing",
                "instance": format!("urn:uuid:{}", interaction.id()),
            })
        );
        assert_eq!(head.status, 401);
        assert_eq!(head.headers[CONTENT_TYPE], "application/problem+json");
        assert_eq!(head.headers[CACHE_CONTROL], "no-store");
        assert_eq!(head.headers[WWW_AUTHENTICATE], "Bearer");
        assert_eq!(&head.headers[interaction::NAME], interaction.value());
        assert!(!head.headers.contains_key(RETRY_AFTER));
    }

    #[test]
    fn facts_are_told_only_in_full_detail() {
        let denial = Denial::TokenExpired { expired: 1 };
        assert_eq!(composed(&denial, true).1["detail"], "exp is 1970-01-01T00:00:01Z");
        assert_eq!(composed(&denial, false).1.get("detail"), None);
        assert_eq!(composed(&Denial::RoleMissing, true).1["detail"], Denial::RoleMissing.row().title);
        assert_eq!(composed(&Denial::RoleMissing, false).1.get("detail"), None);
    }

    #[track_caller]
    fn check(denial: &Denial, status: u16, name: http::HeaderName, expected: Option<&str>) {
        let (head, body, _) = composed(denial, false);
        assert_eq!((head.status.as_u16(), &body["status"]), (status, &json!(status)));
        assert_eq!(head.headers.get(name).map(|value| value.to_str().unwrap()), expected);
    }

    #[test]
    fn challenge_names_the_error_and_the_scope() {
        let scope = |scope: &str| Denial::ScopeInsufficient { scope: scope.into() };
        check(&Denial::TokenInactive, 401, WWW_AUTHENTICATE, Some(r#"Bearer error="invalid_token""#));
        check(
            &scope("accounts payments"),
            403,
            WWW_AUTHENTICATE,
            Some(r#"Bearer error="insufficient_scope", scope="accounts payments""#),
        );
        check(&scope(r#"a" b"#), 403, WWW_AUTHENTICATE, Some(r#"Bearer error="insufficient_scope""#));
        check(&Denial::GrantWrong, 403, WWW_AUTHENTICATE, None);
    }

    #[test]
    fn challenge_of_a_proof_names_the_algorithms_and_the_nonce() {
        let errors = Errors { proof_algorithms: Some("ES256 EdDSA".into()), ..errors(false) };
        let heads = |denial: &Denial, name| {
            let interaction = Interaction::of(&HeaderMap::new());
            let (head, _) = answer(denial, &errors, &interaction).compose(Some(Scheme::Bearer)).unwrap();
            head.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let invalid = |nonce: Option<&str>| Denial::ProofInvalid { why: "", nonce: nonce.map(Into::into) };
        let plain = r#"DPoP error="invalid_dpop_proof", algs="ES256 EdDSA""#;
        for denial in [Denial::ProofMissing, Denial::ProofReplayed, invalid(None)] {
            assert_eq!(heads(&denial, "www-authenticate"), [plain]);
            assert_eq!(heads(&denial, "dpop-nonce"), [""; 0]);
        }
        let nonce = invalid(Some("abc"));
        assert_eq!(heads(&nonce, "www-authenticate"), [r#"DPoP error="use_dpop_nonce", algs="ES256 EdDSA""#]);
        assert_eq!(heads(&nonce, "dpop-nonce"), ["abc"]);
        let missing = Denial::TokenMissing { why: "" };
        assert_eq!(heads(&missing, "www-authenticate"), ["Bearer", r#"DPoP algs="ES256 EdDSA""#]);
        assert_eq!(heads(&Denial::TokenInactive, "www-authenticate"), [r#"Bearer error="invalid_token""#]);
    }

    #[test]
    fn token_that_came_with_a_proof_is_challenged_in_the_scheme_of_proofs() {
        let proofs = Some("ES256".into());
        let value = |denial: &Denial, proof_algorithms: &Option<Arc<str>>, scheme| {
            let errors = Errors { proof_algorithms: proof_algorithms.clone(), ..errors(false) };
            challenge(denial, denial.row().status, &errors, scheme).map(|value| value.to_str().unwrap().to_owned())
        };
        let scope = || Denial::ScopeInsufficient { scope: "accounts".into() };
        #[rustfmt::skip]
        let rows = [
            (Denial::TokenInactive, r#"error="invalid_token""#),
            (Denial::TokenExpired { expired: 1 }, r#"error="invalid_token""#),
            (Denial::TokenMalformed { why: "" }, r#"error="invalid_token""#),
            (Denial::BindingMissing { why: "" }, r#"error="invalid_token""#),
            (Denial::ClientMismatch, r#"error="invalid_token""#),
            (scope(), r#"error="insufficient_scope", scope="accounts""#),
        ];
        for (denial, parameters) in rows {
            let (bearer, proof) = (format!("Bearer {parameters}"), format!(r#"DPoP {parameters}, algs="ES256""#));
            assert_eq!(value(&denial, &proofs, Some(Scheme::DPoP)), Some(proof));
            assert_eq!(value(&denial, &proofs, Some(Scheme::Bearer)), Some(bearer.clone()));
            assert_eq!(value(&denial, &proofs, None), Some(bearer.clone()));
            assert_eq!(value(&denial, &None, Some(Scheme::DPoP)), Some(bearer));
        }
        for denial in [Denial::CertificateMissing { why: "" }, Denial::TokenMissing { why: "" }, Denial::RoleMissing] {
            let bare = denial.row().challenge.map(|challenge| challenge.as_str().to_owned());
            assert_eq!(value(&denial, &proofs, Some(Scheme::DPoP)), bare, "{}", denial.code());
        }
    }

    #[test]
    fn status_that_the_operator_turns_into_401_gets_a_challenge() {
        check(&Denial::RoleMissing, 401, WWW_AUTHENTICATE, Some("Bearer"));
    }

    #[test]
    fn head_of_a_refusal_is_the_same_in_every_dialect_but_for_the_body() {
        for denial in Denial::every() {
            let (problem, ..) = composed(&denial, false);
            for (format, dialect) in Dialect::ALL {
                let interaction = Interaction::of(&problem.headers);
                let errors = errors(false);
                let answer = Answer { dialect, ..answer(&denial, &errors, &interaction) };
                let (mut head, body) = answer.compose(None).unwrap();

                assert_eq!(head.headers[CONTENT_LENGTH], body.len().to_string(), "{format}");
                assert_eq!(head.headers.contains_key(CONTENT_TYPE), !body.is_empty(), "{format}");
                let challenged = head.headers.contains_key(WWW_AUTHENTICATE);
                let is_bearer = denial.row().challenge.is_some() || head.status == 401;
                assert_eq!(challenged, is_bearer, "{} as {format}", denial.code());
                for name in [CONTENT_TYPE, CONTENT_LENGTH] {
                    head.remove_header(&name);
                    if let Some(value) = problem.headers.get(&name) {
                        head.insert_header(name, value.clone()).unwrap();
                    }
                }
                assert_eq!((head.status, &head.headers), (problem.status, &problem.headers), "{format}");
            }
        }
    }

    #[test]
    fn fault_on_this_side_challenges_nobody() {
        let errors = Errors { status: [("binding_missing", 502)].into(), ..errors(false) };
        let interaction = Interaction::of(&HeaderMap::new());
        let denial = Denial::BindingMissing { why: "" };
        let (head, _) = answer(&denial, &errors, &interaction).compose(None).unwrap();
        assert_eq!((head.status.as_u16(), head.headers.get(WWW_AUTHENTICATE)), (502, None));
    }

    #[test]
    fn refusal_of_a_method_names_those_that_would_do() {
        check(&Denial::MethodNotAllowed { allow: "GET, POST".into() }, 405, ALLOW, Some("GET, POST"));
    }

    #[test]
    fn refusal_that_time_can_heal_says_when_to_come_back() {
        check(&Denial::KeysUnavailable, 503, RETRY_AFTER, Some("10"));
        check(&Denial::BackendTimeout, 504, RETRY_AFTER, None);
    }

    /// What comes back on a connection that carried `sent` and stays open, once the request is refused.
    async fn refused(sent: &str, denial: &Denial) -> String {
        let (mut client, server) = tokio::io::duplex(256 * 1024);
        client.write_all(sent.as_bytes()).await.unwrap();
        let mut session = Session::new_h1(Box::new(server));
        session.as_downstream_mut().read_request().await.unwrap();
        let interaction = Interaction::of(&session.req_header().headers);
        let begun = answer(denial, &errors(false), &interaction).refuse(&mut session).await.unwrap();
        begun.finish(&mut session).await.unwrap();
        drop(session);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn connection_is_kept_when_the_body_could_be_read() {
        let body = "a".repeat(1000);
        let sent = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{body}");
        let answer = refused(&sent, &Denial::CertificateMissing { why: "" }).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(answer.contains("Connection: keep-alive\r\n"), "{answer}");
        assert!(answer.ends_with('}'), "{answer}");
        assert!(!answer.contains("Server:"), "{answer}");
    }

    #[tokio::test]
    async fn connection_is_closed_after_a_long_body_a_withheld_one_and_a_doubtful_request() {
        let long = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n{}", "a".repeat(100_000));
        let withheld = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
        let doubtful = ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Denial::RequestMalformed { why: "" });
        for (sent, denial) in [(long.as_str(), Denial::RoleMissing), (withheld, Denial::RoleMissing), doubtful] {
            let answer = refused(sent, &denial).await;
            assert!(answer.contains("Connection: close\r\n"), "{answer}");
            assert!(!answer.contains("100 Continue"), "{answer}");
        }
    }

    #[tokio::test]
    async fn refusal_of_head_has_no_body() {
        let answer = refused("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", &Denial::CertificateMissing { why: "" }).await;
        assert!(answer.ends_with("\r\n\r\n") && answer.contains("Content-Length: "), "{answer}");
    }
}
