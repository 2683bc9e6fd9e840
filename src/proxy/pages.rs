//! A listener of our own for people and probes, apart from the one that takes requests for the API: pages that can be read
//! and change nothing.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{sync::Semaphore, time::sleep};

use crate::proxy::listen::{Duplex, Socket};

/// Pages that are asked for with GET or HEAD.
pub(super) trait Pages: Send + Sync + 'static {
    /// The page that is asked for. The request's body is never read.
    fn answer(&self, request: &Request<()>) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

/// Serves `socket` until dropped.
pub(super) async fn serve(pages: impl Pages, socket: Socket) {
    let pages = Arc::new(pages);
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    // The semaphore is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((socket, _)) = socket.accept().await else {
            sleep(BREATH).await;
            continue;
        };
        let pages = Arc::clone(&pages);
        tokio::spawn(async move {
            converse(&pages, socket).await;
            drop(place);
        });
    }
}

async fn converse<P: Pages>(pages: &Arc<P>, socket: Box<dyn Duplex>) {
    let answer = service_fn(|request: Request<Incoming>| {
        let pages = Arc::clone(pages);
        async move { Ok::<_, Infallible>(answer(&*pages, request).await) }
    });
    // Also ends a connection on which no further request comes.
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(LONGEST_HEADER);
    // A client that left has nothing to be told.
    let _ = http.serve_connection(TokioIo::new(socket), answer).await;
}

async fn answer(pages: &impl Pages, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    let (head, _) = request.into_parts();
    pages.answer(&Request::from_parts(head, ())).await
}

/// A page of plain text.
pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", body)
}

/// A page of this media type.
pub(super) fn typed(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Probes and scrapers need a handful. More wait in the queue of the operating system.
const MOST_CONNECTIONS: usize = 256;
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_HEADER: usize = 16 * 1024;
const BREATH: Duration = Duration::from_millis(50);
