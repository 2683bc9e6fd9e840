//! A web server on loopback that answers as a test says, and remembers what it was asked.
#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::RwLock,
};
use tokio_rustls::TlsAcceptor;

pub(super) type Answer = Response<Full<Bytes>>;

pub(super) struct Origin {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<Request<Bytes>>>>,
    connections: Arc<AtomicUsize>,
    /// Whoever holds it for writing delays every answer.
    pub(super) answering: Arc<RwLock<()>>,
}

impl Origin {
    pub(super) async fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        Self::serve(None, answer).await
    }

    pub(super) async fn serve(
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answering, connections) = (Arc::new(RwLock::new(())), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&connections);
        let desk = Arc::new(Desk { asked: Arc::clone(&asked), answering: Arc::clone(&answering), answer });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, desk) = (tls.clone(), Arc::clone(&desk));
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    match tls {
                        None => desk.attend(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                desk.attend(stream).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, asked, connections, answering }
    }

    /// `http://`, its address, and `path`.
    pub(super) fn at(&self, path: &str) -> http::Uri {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    /// How often `path` was asked for.
    pub(super) fn asked(&self, path: &str) -> usize {
        self.asked.lock().iter().filter(|request| request.uri().path() == path).count()
    }

    /// How many connections came.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The latest request.
    pub(super) fn latest(&self) -> Request<Bytes> {
        self.asked.lock().last().cloned().unwrap()
    }
}

struct Desk<F> {
    asked: Arc<Mutex<Vec<Request<Bytes>>>>,
    answering: Arc<RwLock<()>>,
    answer: F,
}

impl<F: Fn(&str) -> Answer> Desk<F> {
    async fn attend(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let service = service_fn(async |request: Request<Incoming>| {
            let (parts, body) = request.into_parts();
            let path = parts.uri.path().to_owned();
            let body = body.collect().await?.to_bytes();
            self.asked.lock().push(Request::from_parts(parts, body));
            drop(self.answering.read().await);
            Ok::<_, hyper::Error>((self.answer)(&path))
        });
        // The client may hang up, which is its affair.
        drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
    }
}

pub(super) fn ok(body: impl Into<Bytes>) -> Answer {
    Response::new(Full::new(body.into()))
}

pub(super) fn status(status: StatusCode) -> Answer {
    Response::builder().status(status).body(Full::default()).unwrap()
}

/// Waits until `condition` holds, which it must in the end.
pub(super) async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap();
}
