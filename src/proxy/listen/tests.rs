#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use std::net::SocketAddr;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use pingora::{
    Error, ErrorType,
    http::ResponseHeader,
    proxy::{HttpProxy, ProxyHttp},
    server::configuration::ServerConf,
    upstreams::peer::HttpPeer,
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion,
    client::ResolvesClientCert,
    crypto::ring,
    sign::CertifiedKey as SigningIdentity,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{PrivateKeyDer, ServerName, UnixTime};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, UnixStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;
use crate::config::settings::{Address, OwnCertificate};

/// Answers every request with what is known of its connection.
struct Mirror;

#[async_trait]
impl ProxyHttp for Mirror {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, _: &mut ()) -> pingora::Result<Box<HttpPeer>> {
        Err(Error::new(ErrorType::InternalError))
    }

    async fn request_filter(&self, session: &mut Session, _: &mut ()) -> pingora::Result<bool> {
        let connection = connection_of(session).unwrap();
        let mut head = ResponseHeader::build(200, None)?;
        let address = |address: Option<IpAddr>| address.map_or("none".to_owned(), |address| address.to_string());
        head.insert_header("peer", address(connection.peer))?;
        head.insert_header("proxied", address(connection.proxied))?;
        head.insert_header("certificates", connection.certificates.len().to_string())?;
        head.insert_header("version", format!("{:?}", session.req_header().version))?;
        head.insert_header("content-length", "0")?;
        session.write_response_header(Box::new(head), true).await?;
        Ok(true)
    }
}

/// A running listener.
struct Place {
    address: SocketAddr,
    activity: Activity,
    lost: LostConnections,
    shutdown: watch::Sender<bool>,
    running: JoinHandle<()>,
}

fn listen() -> Listen {
    Listen {
        address: "127.0.0.1:0".into(),
        tls: None,
        ask_certificate: false,
        http2: true,
        proxy_protocol: None,
        max_connections: 10,
        max_requests: 10,
        request_header_timeout: Duration::from_secs(60),
        idle_timeout: Duration::from_secs(60),
        max_header_bytes: 1024,
        drain_timeout: Duration::from_secs(60),
        threads: 1,
    }
}

fn start_on(socket: Socket, listen: &Listen) -> Place {
    let activity = Activity::default();
    let trusted = IpAddr::from([127, 0, 0, 1]);
    let lost = LostConnections::default();
    let believes = Box::new(move |peer| peer == Some(trusted));
    let handshake = Arc::new(Handshake::new(listen).unwrap());
    let reception =
        Reception::new(listen, handshake, activity.clone(), lost.clone(), believes, Unread::new(|_, _| Vec::new()));
    let conf = ServerConf { ca_file: Some("/dev/null".into()), ..ServerConf::default() };
    let proxy = HttpProxy::new(Mirror, Arc::new(conf));
    let (shutdown, told) = watch::channel(false);
    let address = socket.to_string().parse().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
    let running = tokio::spawn(reception.run(socket, Arc::new(proxy), told));
    Place { address, activity, lost, shutdown, running }
}

async fn start(listen: Listen) -> Place {
    start_on(Socket::bind(&listen.address).await.unwrap(), &listen)
}

/// Sends `sent`, and reads the answer's header section; none when the connection ends before.
async fn exchange<S: AsyncRead + tokio::io::AsyncWrite + Unpin>(client: &mut S, sent: &[u8]) -> Option<String> {
    // The other side may have closed already, which reading shows.
    let _ = client.write_all(sent).await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        client.read_buf(&mut answer).await.ok().filter(|count| *count > 0)?;
    }
    Some(String::from_utf8(answer).unwrap().to_lowercase())
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[track_caller]
fn says(answer: Option<String>, line: &str) {
    let answer = answer.unwrap();
    assert!(answer.contains(&format!("\r\n{line}\r\n")), "{answer}");
}

#[tokio::test]
async fn requests_on_one_connection_share_its_facts() {
    let place = start(listen()).await;
    let mut client = TcpStream::connect(place.address).await.unwrap();
    for _ in 0..3 {
        let answer = exchange(&mut client, GET).await;
        says(answer.clone(), "peer: 127.0.0.1");
        says(answer.clone(), "proxied: none");
        says(answer, "version: http/1.1");
    }
    assert_eq!((place.activity.connections().now(), place.activity.http2().now()), (1, 0));
    drop(client);
    place.activity.connections().none().await;
}

#[tokio::test]
async fn request_shorter_than_the_preface_of_http2_is_answered() {
    let place = start(listen()).await;
    let mut client = TcpStream::connect(place.address).await.unwrap();
    says(exchange(&mut client, b"GET / HTTP/1.0\r\n\r\n").await, "version: http/1.0");
}

/// One request over HTTP/2.
async fn http2<S: AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static>(socket: S) -> Option<HeaderMap> {
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket));
    let (mut client, connection) = handshake.await.ok()?;
    tokio::spawn(connection);
    let answer = client.send_request(Request::get("http://a/").body(Empty::<Bytes>::new()).unwrap()).await.ok()?;
    assert_eq!(answer.status(), StatusCode::OK);
    let headers = answer.headers().clone();
    answer.into_body().collect().await.unwrap();
    Some(headers)
}

#[tokio::test]
async fn http2_without_tls_is_known_by_its_preface() {
    let place = start(listen()).await;
    let answer = http2(TcpStream::connect(place.address).await.unwrap()).await.unwrap();
    assert_eq!(answer["version"], "HTTP/2.0");
    assert_eq!(answer["peer"], "127.0.0.1");
}

#[tokio::test]
async fn http2_that_is_switched_off_is_not_spoken() {
    let place = start(Listen { http2: false, ..listen() }).await;
    assert!(http2(TcpStream::connect(place.address).await.unwrap()).await.is_none());
}

#[tokio::test]
async fn silent_connection_is_closed() {
    let place = start(Listen { request_header_timeout: Duration::from_millis(1), ..listen() }).await;
    let mut client = TcpStream::connect(place.address).await.unwrap();
    assert_eq!(exchange(&mut client, b"").await, None);
    place.activity.connections().none().await;
}

#[tokio::test]
async fn connection_beyond_the_limit_is_closed_at_once_and_room_is_made_when_one_ends() {
    let place = start(Listen { max_connections: 1, ..listen() }).await;
    let mut first = TcpStream::connect(place.address).await.unwrap();
    assert!(exchange(&mut first, GET).await.is_some());

    let mut second = TcpStream::connect(place.address).await.unwrap();
    assert_eq!(exchange(&mut second, GET).await, None);
    assert!(exchange(&mut first, GET).await.is_some());
    assert_eq!(place.lost.count_refused(), 1);

    drop(first);
    place.activity.connections().none().await;
    let mut third = TcpStream::connect(place.address).await.unwrap();
    assert!(exchange(&mut third, GET).await.is_some());
}

#[tokio::test]
async fn proxy_header_of_a_trusted_peer_names_the_client() {
    let place = start(Listen { proxy_protocol: Some(ProxyProtocol::V1), ..listen() }).await;
    for (header, proxied) in [
        ("PROXY TCP4 198.51.100.7 10.0.0.1 1 2\r\n", "proxied: 198.51.100.7"),
        ("PROXY TCP6 ::ffff:198.51.100.7 ::1 1 2\r\n", "proxied: 198.51.100.7"),
        ("PROXY UNKNOWN\r\n", "proxied: none"),
    ] {
        let mut client = TcpStream::connect(place.address).await.unwrap();
        let answer = exchange(&mut client, &[header.as_bytes(), GET].concat()).await;
        says(answer.clone(), proxied);
        says(answer, "peer: 127.0.0.1");
    }
}

#[tokio::test]
async fn proxy_header_of_a_stranger_is_read_and_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in.sock");
    let listen = Listen { proxy_protocol: Some(ProxyProtocol::V1), ..listen() };
    let _place = start_on(Socket::bind(&Address::Unix(path.clone())).await.unwrap(), &listen);
    let mut client = UnixStream::connect(path).await.unwrap();

    let answer = exchange(&mut client, &[b"PROXY TCP4 198.51.100.7 10.0.0.1 1 2\r\n", GET].concat()).await;

    says(answer.clone(), "proxied: none");
    says(answer, "peer: none");
}

#[tokio::test]
async fn connection_without_the_proxy_header_is_closed() {
    for proxy_protocol in [ProxyProtocol::V1, ProxyProtocol::V2].map(Some) {
        let place = start(Listen { proxy_protocol, ..listen() }).await;
        let mut client = TcpStream::connect(place.address).await.unwrap();
        assert_eq!(exchange(&mut client, GET).await, None);
        place.activity.connections().none().await;
        assert_eq!(place.lost.count_failed(Stage::ProxyHeader), 1);
    }
}

#[tokio::test]
async fn connection_that_says_nothing_is_no_failure() {
    let (server, _) = own_certificate();
    let probed = |tls| Listen { proxy_protocol: Some(ProxyProtocol::V1), tls, ..listen() };
    let hasty = Listen { request_header_timeout: Duration::from_millis(1), ..probed(None) };
    for (listen, said) in
        [(listen(), b"".as_slice()), (probed(None), b""), (probed(Some(server)), b"PROXY UNKNOWN\r\n"), (hasty, b"")]
    {
        let waits = listen.request_header_timeout < Duration::from_secs(1);
        let place = start(listen).await;
        let mut client = TcpStream::connect(place.address).await.unwrap();
        client.write_all(said).await.unwrap();
        if !waits {
            client.shutdown().await.unwrap();
        }
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        place.activity.connections().none().await;
        let failed = [Stage::Accept, Stage::ProxyHeader, Stage::Tls].map(|stage| place.lost.count_failed(stage));
        assert_eq!(failed, [0; 3]);
    }
}

#[tokio::test]
async fn proxy_header_goes_before_the_handshake_and_before_http2() {
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc6\x33\x64\x07\x0a\0\0\x01\0\x01\0\x02";
    let (server, roots) = own_certificate();
    for tls in [None, Some(server)] {
        let client = tls.is_some().then(|| client(&roots, None, &TLS13, &[b"h2"]));
        let place = start(Listen { proxy_protocol: Some(ProxyProtocol::V2), tls, ..listen() }).await;
        let mut socket = TcpStream::connect(place.address).await.unwrap();
        socket.write_all(v2).await.unwrap();
        let answer = match client {
            None => http2(socket).await,
            Some(client) => http2(handshake(client, socket).await.unwrap()).await,
        };
        assert_eq!(answer.unwrap()["proxied"], "198.51.100.7");
    }
}

#[tokio::test]
async fn told_to_end_it_takes_no_connection_and_ends_those_it_has_with_their_request() {
    let place = start(listen()).await;
    let mut client = TcpStream::connect(place.address).await.unwrap();
    says(exchange(&mut client, GET).await, "connection: keep-alive");

    place.shutdown.send_replace(true);
    place.running.await.unwrap();

    assert!(TcpStream::connect(place.address).await.is_err());
    says(exchange(&mut client, GET).await, "connection: close");
    place.activity.connections().none().await;
}

/// A server certificate for `localhost`, and who believes it.
fn own_certificate() -> (OwnCertificate, RootCertStore) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let not_after = UnixTime::now();
    (OwnCertificate { chain: vec![cert.der().clone()], key, not_after }, roots)
}

/// Shows one certificate, whatever it is asked for.
#[derive(Debug)]
struct Shows(Arc<SigningIdentity>);

impl ResolvesClientCert for Shows {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<SigningIdentity>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A certificate, with its own key or with another.
fn client_identity(own_key: bool) -> Shows {
    let generate = || generate_simple_self_signed(["client".to_owned()]).unwrap();
    let (shown, other) = (generate(), generate());
    let key = if own_key { &shown.signing_key } else { &other.signing_key };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let key = ring::sign::any_supported_type(&key).unwrap();
    Shows(Arc::new(SigningIdentity::new(vec![shown.cert.der().clone()], key)))
}

fn client(
    roots: &RootCertStore,
    identity: Option<Shows>,
    version: &'static SupportedProtocolVersion,
    protocols: &[&[u8]],
) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots.clone());
    let mut client = match identity {
        Some(identity) => builder.with_client_cert_resolver(Arc::new(identity)),
        None => builder.with_no_client_auth(),
    };
    client.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(client)
}

async fn handshake(client: Arc<ClientConfig>, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    TlsConnector::from(client).connect(ServerName::try_from("localhost").unwrap(), socket).await
}

/// A listener with TLS, and how to connect to it.
async fn start_tls(ask_certificate: bool) -> (Place, RootCertStore) {
    let (identity, roots) = own_certificate();
    (start(Listen { tls: Some(identity), ask_certificate, ..listen() }).await, roots)
}

#[tokio::test]
async fn certificate_of_the_handshake_is_known_when_it_is_asked_for() {
    for (ask, own, expected) in [(true, true, "certificates: 1"), (false, true, "certificates: 0")] {
        let (place, roots) = start_tls(ask).await;
        for version in [&TLS12, &TLS13] {
            let client = client(&roots, own.then(|| client_identity(true)), version, &[b"http/1.1"]);
            let mut stream = handshake(client, TcpStream::connect(place.address).await.unwrap()).await.unwrap();
            says(exchange(&mut stream, GET).await, expected);
        }
    }
}

#[tokio::test]
async fn client_without_a_certificate_gets_in_and_shows_none() {
    let (place, roots) = start_tls(true).await;
    let client = client(&roots, None, &TLS13, &[]);
    let mut stream = handshake(client, TcpStream::connect(place.address).await.unwrap()).await.unwrap();
    says(exchange(&mut stream, GET).await, "certificates: 0");
}

#[tokio::test]
async fn certificate_without_its_key_ends_the_handshake() {
    let (place, roots) = start_tls(true).await;
    for version in [&TLS12, &TLS13] {
        let client = client(&roots, Some(client_identity(false)), version, &[]);
        // With TLS 1.3 the client believes it is through until it reads.
        if let Ok(mut stream) = handshake(client, TcpStream::connect(place.address).await.unwrap()).await {
            assert_eq!(exchange(&mut stream, GET).await, None);
        }
    }
    place.activity.connections().none().await;
    assert_eq!(place.lost.count_failed(Stage::Tls), 2);
}

#[tokio::test]
async fn protocol_is_negotiated_in_the_handshake() {
    let (place, roots) = start_tls(false).await;
    let both: &[&[u8]] = &[b"h2", b"http/1.1"];
    let stream = handshake(client(&roots, None, &TLS13, both), TcpStream::connect(place.address).await.unwrap()).await;
    assert_eq!(http2(stream.unwrap()).await.unwrap()["version"], "HTTP/2.0");
    let stream = handshake(client(&roots, None, &TLS13, &[]), TcpStream::connect(place.address).await.unwrap()).await;
    says(exchange(&mut stream.unwrap(), GET).await, "version: http/1.1");
}

#[tokio::test]
async fn no_session_is_resumed() {
    let (place, roots) = start_tls(true).await;
    for version in [&TLS12, &TLS13] {
        let client = client(&roots, Some(client_identity(true)), version, &[]);
        for _ in 0..2 {
            let socket = TcpStream::connect(place.address).await.unwrap();
            let mut stream = handshake(Arc::clone(&client), socket).await.unwrap();
            says(exchange(&mut stream, GET).await, "certificates: 1");
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
        }
    }
}
