//! A token that is issued is looked at before the client gets it: an authorization server that forgets the binding is
//! noticed on the first token, not at the first theft.

use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use pingora::{
    http::ResponseHeader,
    proxy::{ProxyHttp, Session},
};

use crate::{
    config::settings::Mode,
    denial::Denial,
    observe::record::Decision,
    outside::http::is_coded,
    proxy::{backend, body, exchange::Exchange, respond::Answer, service::Sidecar, token_endpoint},
    token::IssuedToken,
};

impl Sidecar {
    /// Asks a token endpoint, and looks at its answer before the client gets it.
    ///
    /// # Errors
    /// The refusal that is answered; where it is about the token that was issued, it has been answered already.
    pub(super) async fn issue(&self, session: &mut Session, exchange: &mut Box<Exchange>) -> Result<(), Denial> {
        let body = body::read_whole(session, exchange.generation.settings.backend.max_body_bytes).await?;
        exchange.body_bytes = body.len() as u64;
        let (head, answer) = self.ask_for_token(session, exchange, body).await.map_err(|error| {
            let denial = backend::denial(&error);
            self.backend.note_failure(&denial, &error);
            denial
        })?;
        if let Some(denial) = self.fault_of_issued(&head, &answer, exchange) {
            self.refuse_issued(session, exchange, denial).await;
            return Ok(());
        }
        if let Err(error) = self.pass_on(session, exchange, head, answer).await {
            // Mostly a client that has left; but the server has issued a token that nobody has now.
            tracing::info!(event = "issued_answer_not_written", error = error.etype().as_str());
        }
        Ok(())
    }

    async fn ask_for_token(
        &self,
        session: &mut Session,
        exchange: &mut Box<Exchange>,
        body: Bytes,
    ) -> pingora::Result<(ResponseHeader, Bytes)> {
        let mut request = token_endpoint::request(session.req_header(), &body)?;
        self.upstream_request_filter(session, &mut request, exchange).await?;
        exchange.asked = Some(Instant::now());
        let answered = self.tokens.ask(&self.backend, request, body).await?;
        exchange.backend = exchange.asked.map(|asked| asked.elapsed());
        Ok(answered)
    }

    /// What is wrong with the token in the answer, where that is to be answered: in report mode it is only recorded.
    fn fault_of_issued(&self, head: &ResponseHeader, answer: &[u8], exchange: &mut Box<Exchange>) -> Option<Denial> {
        // None only in report mode, where nothing was proven that a token could be compared with.
        let certificate = exchange.findings.certificate.as_ref().filter(|_| head.status.is_success())?;
        let keys_count = exchange.generation.settings.gate.binding.proof.is_some();
        // What the client reads in a coding cannot be seen.
        let issued = match is_coded(&head.headers) {
            true => IssuedToken::Mismatched,
            false => IssuedToken::find(answer, certificate.thumbprint(), keys_count)?,
        };
        self.world.metrics.issued(issued);
        let why = match issued {
            IssuedToken::Bound | IssuedToken::Opaque => return None,
            IssuedToken::Unbound => "the issued token is bound to no certificate",
            IssuedToken::Mismatched => "the issued token is bound to another certificate, or cannot be read",
        };
        tracing::warn!(event = "issued_token_not_bound", result = issued.name(), why);
        let denial = Denial::BindingMissing { why };
        if exchange.generation.settings.mode == Mode::Enforce {
            return Some(denial);
        }
        if let Some(Decision::Allow) = exchange.decision {
            exchange.decision = Some(Decision::WouldDeny(denial));
        }
        None
    }

    /// Unlike a token that is presented, one that is issued unbound is the server's fault.
    async fn refuse_issued(&self, session: &mut Session, exchange: &mut Box<Exchange>, denial: Denial) {
        let mut errors = exchange.generation.settings.errors.clone();
        errors.status.insert(denial.code(), StatusCode::BAD_GATEWAY.as_u16());
        let dialect = exchange.dialect();
        if let Some(interaction) = &exchange.interaction {
            let _ = Answer { denial: &denial, errors: &errors, dialect, interaction }.send(session).await;
        }
        exchange.decision = Some(Decision::Deny(denial));
    }

    async fn pass_on(
        &self,
        session: &mut Session,
        exchange: &mut Box<Exchange>,
        mut head: ResponseHeader,
        body: Bytes,
    ) -> pingora::Result<()> {
        self.response_filter(session, &mut head, exchange).await?;
        let bodiless = body.is_empty();
        session.write_response_header(Box::new(head), bodiless).await?;
        if !bodiless {
            session.write_response_body(Some(body), true).await?;
        }
        Ok(())
    }
}
