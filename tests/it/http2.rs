//! HTTP/2: a client, by prior knowledge in plaintext and by ALPN over TLS, and a bank.

use std::{convert::Infallible, net::SocketAddr};

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    body::Bytes,
    client::conn::http2,
    rt::{Read, Write},
    server::conn::http2 as server,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{self, Runtime},
};
use tokio_rustls::TlsConnector;

use crate::support::{connection::Answer, message::Fields};

/// A request with its body and trailers.
pub(crate) struct Message<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) body: &'a str,
    pub(crate) trailers: Vec<(&'a str, String)>,
}

impl<'a> Message<'a> {
    pub(crate) fn get(target: &'a str, headers: Vec<(&'a str, String)>) -> Self {
        Self { method: "GET", target, headers, body: "", trailers: Vec::new() }
    }
}

/// Sends these one after another on one connection.
pub(crate) fn send(address: SocketAddr, tls: Option<ClientConfig>, messages: &[Message<'_>]) -> Vec<Answer> {
    let mut client = Client::connect(address, tls);
    messages.iter().map(|message| client.send(message)).collect()
}

/// One connection to certbound.
pub(crate) struct Client {
    runtime: Runtime,
    sender: http2::SendRequest<BoxBody<Bytes, Infallible>>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr, tls: Option<ClientConfig>) -> Self {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sender = runtime.block_on(async {
            let tcp = TcpStream::connect(address).await.unwrap();
            tcp.set_nodelay(true).unwrap();
            match tls {
                None => handshake(TokioIo::new(tcp)).await,
                Some(mut config) => {
                    config.alpn_protocols = vec![b"h2".to_vec()];
                    let name = ServerName::try_from("localhost").unwrap();
                    let stream = TlsConnector::from(std::sync::Arc::new(config)).connect(name, tcp).await.unwrap();
                    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                    handshake(TokioIo::new(stream)).await
                }
            }
        });
        Self { runtime, sender }
    }

    pub(crate) fn send(&mut self, message: &Message<'_>) -> Answer {
        self.runtime.block_on(async {
            self.sender.ready().await.unwrap();
            let answer = self.sender.send_request(request(message)).await.expect("certbound answers");
            let (head, body) = answer.into_parts();
            let body = body.collect().await.unwrap().to_bytes().to_vec();
            Answer { status: head.status.as_u16(), fields: fields(&head.headers), body }
        })
    }
}

async fn handshake(io: impl Read + Write + Unpin + Send + 'static) -> http2::SendRequest<BoxBody<Bytes, Infallible>> {
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(message: &Message<'_>) -> Request<BoxBody<Bytes, Infallible>> {
    let uri = format!("http://api.bank.example{}", message.target);
    let mut request = Request::builder().method(message.method).uri(uri);
    for (name, value) in &message.headers {
        request = request.header(*name, value);
    }
    let body = Full::new(Bytes::from(message.body.to_owned()));
    if message.trailers.is_empty() {
        return request.body(body.boxed()).unwrap();
    }
    let trailers: HeaderMap =
        message.trailers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    request.body(body.with_trailers(async move { Some(Ok(trailers)) }).boxed()).unwrap()
}

fn fields(headers: &HeaderMap) -> Fields {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Fields(headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect())
}

/// A bank that speaks nothing but HTTP/2, and tells what it got; to `/streamed` without saying how long that is, and to
/// `/large` besides 64 MiB.
pub(crate) fn bank() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let connection = server::Builder::new(TokioExecutor::new());
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), service_fn(tell)));
            }
        });
    });
    address
}

async fn tell(request: Request<hyper::body::Incoming>) -> hyper::Result<Response<BoxBody<Bytes, Infallible>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let certificates = head.headers.get_all("ssl.client.auth.cert.x509").iter().count();
    let target = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let text = format!("{} {target} {}, {certificates} certificate", head.method, String::from_utf8_lossy(&body));
    let scheme = head.uri.scheme_str().filter(|scheme| *scheme != "http");
    let text = scheme.map_or(text.clone(), |scheme| format!("{text}, by {scheme}"));
    let text = if target == "/large" { format!("{text}{}", " ".repeat(64 << 20)) } else { text };
    let body = Full::new(Bytes::from(text));
    Ok(Response::new(if target == "/streamed" { body.map_frame(|frame| frame).boxed() } else { body.boxed() }))
}
