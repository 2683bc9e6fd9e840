//! A listener of our own for people and probes, apart from the one that takes requests for the API: pages that can be read
//! and change nothing.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

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
    let mut connection = pin!(http.serve_connection(TokioIo::new(socket), answer));
    // A client that left has nothing to be told.
    if timeout(LONGEST_CONNECTION, connection.as_mut()).await.is_err() {
        // One that does not read would keep its place for ever, and probes would find none.
        connection.as_mut().graceful_shutdown();
        let _ = timeout(PATIENCE, connection).await;
    }
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
/// Whoever wants more pages after it connects anew.
const LONGEST_CONNECTION: Duration = Duration::from_secs(60);
const LONGEST_HEADER: usize = 16 * 1024;
const BREATH: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// One page, larger than what is between the two sides.
    struct Large;

    impl Pages for Large {
        async fn answer(&self, _: &Request<()>) -> Response<Full<Bytes>> {
            text(StatusCode::OK, vec![b'a'; 4096])
        }
    }

    #[tokio::test(start_paused = true)]
    async fn client_that_does_not_read_loses_its_place() {
        let (mut client, server) = tokio::io::duplex(64);
        let conversation = tokio::spawn(async move { converse(&Arc::new(Large), Box::new(server)).await });
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();

        timeout(2 * LONGEST_CONNECTION, conversation).await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn page_that_is_read_comes_whole() {
        let (mut client, server) = tokio::io::duplex(64);
        tokio::spawn(async move { converse(&Arc::new(Large), Box::new(server)).await });
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();

        let mut page = Vec::new();
        client.read_to_end(&mut page).await.unwrap();
        assert!(page.ends_with(&[b'a'; 4096]), "{} bytes", page.len());
    }
}
