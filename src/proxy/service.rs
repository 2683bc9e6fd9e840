//! The phases of one request in Pingora.

mod issuance;
mod judging;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, EXPECT},
};
use pingora::{
    Error, ErrorSource, ErrorType, RetryType,
    http::{RequestHeader, ResponseHeader},
    modules::http::HttpModules,
    proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session},
    server::configuration::ServerConf,
    upstreams::peer::HttpPeer,
};

use self::judging::Judging;
use crate::{
    config::settings::{Backend, Mode},
    denial::Denial,
    observe::{metrics::ActiveRequest, record::Decision},
    proxy::{
        World,
        backend::{self, BackendPeer, UPGRADES},
        body, chunks,
        exchange::Exchange,
        hop, inbound, interaction,
        interaction::Interaction,
        listen,
        outbound::Outgoing,
        respond::{Answer, NONCE},
        token_endpoint::TokenEndpoint,
        trace, websocket,
    },
    route::Kind,
    token::Proof,
};

/// certbound as Pingora sees it.
pub struct Sidecar {
    world: Arc<World>,
    backend: BackendPeer,
    tokens: TokenEndpoint,
}

impl Sidecar {
    /// A sidecar in front of the world's backend.
    ///
    /// # Errors
    /// What Pingora cannot use of the backend's address.
    pub fn new(world: Arc<World>, conf: &ServerConf) -> pingora::Result<Self> {
        let backend = BackendPeer::new(&world.generation().settings.backend)?;
        Ok(Self { world, backend, tokens: TokenEndpoint::new(conf) })
    }

    /// From the first byte to the decision.
    ///
    /// # Errors
    /// The refusal that is answered.
    async fn weigh(&self, session: &mut Session, exchange: &mut Exchange) -> Result<Decision, Denial> {
        let generation = Arc::clone(&exchange.generation);
        let settings = &generation.settings;
        let arrival = inbound::arrive(session, &settings.identity, settings.listen.max_header_bytes);
        for name in arrival.asserted.stripped() {
            self.world.metrics.stripped(name);
        }
        exchange.interaction = Some(Interaction::of(&session.req_header().headers));
        exchange.method = Some(session.req_header().method.clone());
        let spans = self.world.spans.as_ref();
        exchange.trace = spans.map(|spans| spans.begin(&session.req_header().headers, exchange.began));
        exchange.connection = listen::connection_of(session);
        let slot = self.world.audit.reserve(&generation.regime);
        let slot = slot.map(|slot| exchange.slot = Some(slot));
        arrival.form?;
        let others = exchange.active.as_ref().map_or(0, ActiveRequest::others);
        if others >= settings.listen.max_requests {
            return Err(Denial::Overloaded);
        }
        let connection = exchange.connection.clone();
        let connection = connection.ok_or(Denial::PeerUntrusted { why: "nothing is known of the connection" })?;
        let futile = match (hold_body_limit(session, &settings.backend), &slot) {
            (Err(denial), _) => Some(denial),
            (_, Err(denial)) if settings.mode == Mode::Enforce => Some(denial.clone()),
            _ => None,
        };
        let trace = exchange.trace.as_deref_mut();
        let judging = Judging {
            generation: &generation,
            asserted: &arrival.asserted,
            connection: &connection,
            futile: futile.as_ref(),
        };
        let (judged, mut findings) = judging.verdict(session, trace).await;
        let decided = judging.decide(judged, &mut findings, session);
        exchange.findings = findings;
        let decision = decided?;
        match (futile, slot, decision) {
            (Some(denial), ..) => Err(denial),
            (None, Err(denial), Decision::Allow) => Ok(Decision::WouldDeny(denial)),
            (.., decision) => Ok(decision),
        }
    }

    /// Sets how long the client may take, and keeps the connection only where Pingora would.
    fn be_patient(session: &mut Session, idle: Duration) {
        let downstream = session.as_downstream_mut();
        downstream.set_read_timeout(Some(idle));
        if downstream.is_http2() {
            // On HTTP/1 the connection itself sees what its client does not take.
            downstream.set_write_timeout(Some(idle));
        }
        downstream.set_total_drain_timeout(Some(idle));
        // Zero is Pingora's sign for "for ever". None is its verdict that the connection ends with this request, because
        // of the client's wish, of HTTP/1.0, of doubtful framing, or of a shutdown: overriding that would reopen it.
        if downstream.get_keepalive() == Some(0) {
            downstream.set_keepalive(Some(idle.as_secs().max(1)));
        }
    }

    /// What is left to do before Pingora forwards. True: nothing is, the client has its answer.
    ///
    /// # Errors
    /// The refusal that is answered.
    async fn prepare(&self, session: &mut Session, exchange: &mut Box<Exchange>) -> Result<bool, Denial> {
        let route = exchange.findings.route.as_ref().map(|(_, route)| Arc::clone(route));
        if let Some(Kind::Token { checks_issued: true }) = route.as_ref().map(|route| route.kind) {
            Box::pin(self.issue(session, exchange)).await?;
            return Ok(true);
        }
        if session.req_header().headers.contains_key(EXPECT) {
            // Otherwise passing the backend's `100 Continue` on would already condemn the connection.
            session.set_close_on_response_before_downstream_finish(false);
        }
        inbound::without_upgrade(session.req_header_mut(), route.is_some_and(|route| route.websocket));
        Ok(false)
    }

    /// Has what became of the request recorded, once.
    fn conclude(&self, session: &Session, exchange: &mut Exchange) {
        if let Some(record) = exchange.conclude(session) {
            self.world.record(exchange, &record);
        }
    }
}

#[async_trait]
impl ProxyHttp for Sidecar {
    type CTX = Box<Exchange>;

    fn new_ctx(&self) -> Box<Exchange> {
        Box::new(self.world.begin())
    }

    /// Pingora's default is a compression module that nobody asked for.
    fn init_downstream_modules(&self, _: &mut HttpModules) {}

    async fn request_filter(&self, session: &mut Session, exchange: &mut Box<Exchange>) -> pingora::Result<bool> {
        Self::be_patient(session, exchange.generation.idle_timeout());
        let weighed = match self.weigh(session, exchange).await {
            Ok(decision) => {
                exchange.decision = Some(decision);
                self.prepare(session, exchange).await
            }
            Err(denial) => Err(denial),
        };
        let denial = match weighed {
            Ok(is_answered) => return Ok(is_answered),
            Err(denial) => denial,
        };
        exchange.active = None;
        let (dialect, errors) = (exchange.dialect(), &exchange.generation.settings.errors);
        let mut begun = None;
        if let Some(interaction) = &exchange.interaction {
            // A client that left before its refusal came has been refused all the same.
            begun = Box::pin(Answer { denial: &denial, errors, dialect, interaction }.refuse(session)).await.ok();
        }
        exchange.decision = Some(Decision::Deny(denial));
        // Before the client takes the rest of its answer, or its time: what is refused holds nothing that others need.
        self.conclude(session, exchange);
        if let Some(begun) = begun {
            let _ = Box::pin(begun.finish(session)).await;
        }
        Ok(true)
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        exchange: &mut Box<Exchange>,
    ) -> pingora::Result<Box<HttpPeer>> {
        exchange.asked = Some(Instant::now());
        // With each attempt the body is handed on from its beginning.
        exchange.body_bytes = 0;
        let (mut peer, addresses) = self.backend.choose(exchange.failed_attempts).await?;
        exchange.addresses = addresses;
        if session.is_upgrade_req() {
            websocket::allow(&mut peer, exchange.generation.idle_timeout());
        }
        Ok(peer)
    }

    /// A name may lead to several addresses: each is tried once, and nothing has been sent by then.
    fn fail_to_connect(
        &self,
        _: &mut Session,
        _: &HttpPeer,
        exchange: &mut Box<Exchange>,
        mut error: Box<Error>,
    ) -> Box<Error> {
        exchange.failed_attempts = exchange.failed_attempts.saturating_add(1);
        error.set_retry(exchange.failed_attempts < exchange.addresses);
        error
    }

    /// A kept connection may have ended just as it was used again, and what changes nothing more by being sent twice is sent
    /// again (RFC 9110, section 9.2.2), as is what the backend says it did nothing with; but not for ever, because it may be
    /// the request that ends them.
    fn error_while_proxy(
        &self,
        _: &HttpPeer,
        session: &mut Session,
        mut error: Box<Error>,
        exchange: &mut Box<Exchange>,
        is_kept: bool,
    ) -> Box<Error> {
        exchange.lost = exchange.lost.saturating_add(1);
        let may_repeat = session.req_header().method.is_idempotent() || is_untouched(&error);
        let may_repeat = may_repeat && !session.as_ref().retry_buffer_truncated();
        match may_repeat && exchange.lost <= MOST_REPEATS {
            true => error.retry.decide_reuse(is_kept),
            false => error.set_retry(false),
        }
        error
    }

    async fn upstream_request_filter(
        &self,
        _: &mut Session,
        request: &mut RequestHeader,
        exchange: &mut Box<Exchange>,
    ) -> pingora::Result<()> {
        let (Some(connection), Some(interaction)) = (&exchange.connection, &exchange.interaction) else {
            return Err(Error::explain(ErrorType::InternalError, "forwarded without having arrived"));
        };
        let settings = &exchange.generation.settings;
        let outgoing = Outgoing {
            backend: &settings.backend,
            findings: &exchange.findings,
            connection,
            vouched: settings.gate.source.voucher(exchange.findings.trusted_peer()).is_some(),
            tls: settings.listen.tls.is_some(),
        };
        outgoing.write(request)?;
        trace::carry_on(request, exchange.trace.as_deref(), outgoing.vouched)?;
        interaction.write(request)
    }

    async fn request_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        is_last: bool,
        exchange: &mut Box<Exchange>,
    ) -> pingora::Result<()> {
        if session.was_upgraded() {
            // A tunnel has no body.
            return Ok(());
        }
        if is_last {
            listen::complete(session);
        }
        let more = body.as_ref().map_or(0, |chunk| chunk.len() as u64);
        let idle = exchange.generation.idle_timeout();
        exchange.body_bytes = exchange.body_bytes.saturating_add(more);
        if is_too_large(exchange.body_bytes, &exchange.generation.settings.backend) {
            return Err(Error::new(BODY_TOO_LARGE).into_down());
        }
        if exchange.backend.is_none() && more > 0 && body::drips(exchange.began.elapsed(), exchange.body_bytes, idle) {
            return Err(Error::new(ErrorType::ReadTimedout).into_down());
        }
        Ok(())
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        exchange: &mut Box<Exchange>,
    ) -> pingora::Result<()> {
        // 101 is an answer; the other 1xx only announce one.
        if response.status.is_informational() && response.status != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(());
        }
        if response.status == StatusCode::SWITCHING_PROTOCOLS {
            if !websocket::is_agreed(session, response) {
                return Err(Error::explain(ErrorType::InvalidHTTPHeader, UPGRADES).into_up());
            }
            listen::tunnel(session);
        }
        hop::forget(response);
        // A client that was answered before it sent its body may never send it, and its next request would be taken for
        // that body.
        session.set_close_on_response_before_downstream_finish(true);
        chunks::without_chunks(session, response);
        if self.world.activity.is_draining() {
            // Pingora says so only on requests that came after the process was told to end.
            session.set_keepalive(None);
        }
        if let Some(nonce) = next_nonce(exchange) {
            response.insert_header(NONCE, nonce.as_ref())?;
            // A cached answer would hand out an old nonce (RFC 9449, section 8.2).
            response.insert_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))?;
        }
        exchange.backend = exchange.asked.map(|asked| asked.elapsed());
        match &exchange.interaction {
            Some(interaction) => response.insert_header(interaction::NAME, interaction.value().clone()),
            None => Ok(()),
        }
    }

    async fn fail_to_proxy(&self, session: &mut Session, error: &Error, exchange: &mut Box<Exchange>) -> FailToProxy {
        let denial = failure(error);
        // In a tunnel that is open nobody waits for an answer, though 101 is the last that was written.
        let in_tunnel = session.was_upgraded();
        let begun = in_tunnel || session.response_written().is_some_and(|head| !head.status.is_informational());
        if let (Some(denial), false) = (&denial, in_tunnel) {
            self.backend.note_failure(denial, error);
        }
        let dialect = exchange.dialect();
        let mut error_code = 0;
        if let (Some(denial), Some(interaction), false) = (denial, &exchange.interaction, begun) {
            // Pingora ends the connection after a failure; the answer has to say so.
            session.set_keepalive(None);
            let errors = &exchange.generation.settings.errors;
            let _ = Box::pin(Answer { denial: &denial, errors, dialect, interaction }.send(session)).await;
            error_code = session.response_written().map_or(0, |head| head.status.as_u16());
            exchange.decision = Some(Decision::Deny(denial));
        }
        FailToProxy { error_code, can_reuse_downstream: false }
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, exchange: &mut Box<Exchange>) {
        self.conclude(session, exchange);
    }

    /// Pingora's own lines hold paths and queries.
    fn request_summary(&self, _: &Session, _: &Box<Exchange>) -> String {
        String::new()
    }

    fn suppress_error_log(&self, _: &Session, _: &Box<Exchange>, _: &Error) -> bool {
        true
    }

    fn suppress_proxy_warn_log(&self, _: &Session, _: &Box<Exchange>, _: &Error, _: ProxyWarnLogContext) -> bool {
        true
    }
}

/// The nonce that the client is to use from now on. In report mode it is told here what a refusal would have told it.
fn next_nonce(exchange: &Exchange) -> Option<&Arc<str>> {
    match &exchange.decision {
        Some(Decision::WouldDeny(Denial::ProofInvalid { nonce, .. })) => nonce.as_ref(),
        _ => exchange.findings.proof.as_ref().and_then(Proof::next_nonce),
    }
}

/// A length that is announced is refused before the backend hears of the request.
fn hold_body_limit(session: &Session, backend: &Backend) -> Result<(), Denial> {
    if is_too_large(body::announced(session), backend) { Err(Denial::BodyTooLarge) } else { Ok(()) }
}

fn is_too_large(body_bytes: u64, backend: &Backend) -> bool {
    let most = backend.max_body_bytes;
    most != 0 && body_bytes > most
}

/// What failed, the client or the backend, as a refusal; none when there is nobody left to tell.
fn failure(error: &Error) -> Option<Denial> {
    use ErrorType::{ConnectionClosed, H2Error, ReadError, WriteError, WriteTimedout};
    match (error.esource(), error.etype()) {
        (_, kind) if *kind == BODY_TOO_LARGE => Some(Denial::BodyTooLarge),
        (ErrorSource::Downstream, ReadError | WriteError | WriteTimedout | ConnectionClosed | H2Error) => None,
        (ErrorSource::Downstream, kind) => Some(body::broken(kind)),
        _ => Some(backend::denial(error)),
    }
}

/// Whether the backend says that it has done nothing with the request (RFC 9113, section 8.7): REFUSED_STREAM, or a GOAWAY
/// without an error that names a stream before it as the last. Only of these two Pingora decides that an error of HTTP/2 may
/// be tried again.
fn is_untouched(error: &Error) -> bool {
    *error.etype() == ErrorType::H2Error && matches!(error.retry, RetryType::Decided(true))
}

/// Of a request that was sent on a connection which then ended.
const MOST_REPEATS: usize = 2;
const BODY_TOO_LARGE: ErrorType = ErrorType::new("body too large");
