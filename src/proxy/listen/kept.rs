//! An HTTP/1 connection from request to request: between two of them it holds nothing that only a request needs.

use std::{sync::Arc, time::Duration};

use pingora::{
    apps::{HttpPersistentSettings, HttpServerApp},
    protocols::{Stream, http::ServerSession},
};
use tokio::sync::watch;

use crate::proxy::listen::stream::ClientStream;

/// Hands request after request to `app`, until the connection ends or is `idle` for too long.
///
/// Pingora would begin each request before a byte of it has come, with its buffers and the state of the whole proxy: some
/// 30 KiB for every connection on which nothing happens.
pub(super) async fn serve<A>(stream: ClientStream, app: &Arc<A>, shutdown: &watch::Receiver<bool>, idle: Duration)
where
    A: HttpServerApp + Send + Sync + 'static,
{
    let mut served = app.process_new_http(first(Box::new(stream), shutdown, idle), shutdown).await;
    while let Some(reused) = served {
        let (stream, settings) = reused.consume();
        let Ok(stream) = stream.into_any().downcast::<ClientStream>() else { return };
        let Some(stream) = stream.until_next(idle).await else { return };
        served = app.process_new_http(next(stream, settings), shutdown).await;
    }
}

/// A request whose first bytes are there.
fn first(stream: Stream, shutdown: &watch::Receiver<bool>, idle: Duration) -> ServerSession {
    let mut session = ServerSession::new_http1(stream);
    session.set_keepalive((!*shutdown.borrow()).then_some(idle.as_secs().max(1)));
    session
}

/// A request on a connection that was kept.
fn next(stream: Stream, settings: Option<HttpPersistentSettings>) -> ServerSession {
    let mut session = ServerSession::new_http1(stream);
    if let Some(settings) = settings {
        settings.apply_to_session(&mut session);
    }
    session
}
