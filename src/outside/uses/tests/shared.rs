//! Several stores on one real server, and servers that are none.

use std::net::Ipv4Addr;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use super::{redis::Redis, *};
use crate::config::settings::{Address, SharedMemory, SharedTls};

fn memory(address: Address) -> SharedMemory {
    let timeout = Duration::from_secs(20);
    SharedMemory { address, tls: None, database: 0, username: None, password: None, timeout }
}

fn on(redis: &Redis) -> SharedMemory {
    memory(Address::Unix(redis.socket()))
}

fn store(shared: SharedMemory) -> Arc<UseStore> {
    let metrics = Arc::new(Metrics::new());
    UseStore::new(Uses { remembered: 100, shared: Some(shared) }, metrics).unwrap()
}

/// A server that says the same to everything.
async fn saying(reply: &'static [u8]) -> Address {
    saying_over(None, reply).await
}

async fn saying_over(tls: Option<TlsAcceptor>, reply: &'static [u8]) -> Address {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                match tls {
                    None => repeat(stream, reply).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            repeat(stream, reply).await;
                        }
                    }
                }
            });
        }
    });
    (*address.to_string()).into()
}

async fn repeat(mut stream: impl AsyncRead + AsyncWrite + Unpin, reply: &'static [u8]) {
    while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {
        if stream.write_all(reply).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn replay_elsewhere_is_known_here() {
    let Some(redis) = Redis::start() else { return };
    let (here, there) = (store(on(&redis)), store(on(&redis)));

    assert_eq!(here.answer(&proof("a"), at(50)).await, Use::First);
    assert_eq!(there.answer(&proof("a"), at(50)).await, Use::Again);
    assert_eq!(here.answer(&proof("a"), at(50)).await, Use::Again);
    assert_eq!(there.answer(&proof("b"), at(50)).await, Use::First);
    assert_eq!(here.answer(&proof("b"), at(50)).await, Use::Again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_requests_at_two_places_one_is_the_first() {
    let Some(redis) = Redis::start() else { return };
    let places = [store(on(&redis)), store(on(&redis))];
    let asked: Vec<_> = (0..50)
        .map(|number| {
            let store = Arc::clone(&places[number % 2]);
            tokio::spawn(async move { store.answer(&proof("a"), at(50)).await })
        })
        .collect();

    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.unwrap());
    }

    assert_eq!(answers.iter().filter(|answer| **answer == Use::First).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Use::Again).count(), 49);
}

#[tokio::test]
async fn server_that_stops_is_missed_and_taken_again_when_it_is_back() {
    let Some(mut redis) = Redis::start() else { return };
    let store = store(on(&redis));
    assert_eq!(store.answer(&proof("a"), at(50)).await, Use::First);

    redis.stop();
    assert_eq!(store.answer(&proof("b"), at(50)).await, Use::Unknown);
    assert_eq!(store.answer(&proof("a"), at(50)).await, Use::Again);

    redis.start_again();
    assert_eq!(store.answer(&proof("b"), at(50)).await, Use::First);
    assert_eq!(
        store.answer(&proof("a"), at(50)).await,
        Use::Again,
        "the server has forgotten it, this process has not"
    );
}

#[tokio::test]
async fn connection_that_the_server_ended_costs_no_request() {
    let Some(mut redis) = Redis::start() else { return };
    let store = store(on(&redis));
    assert_eq!(store.answer(&proof("a"), at(50)).await, Use::First);

    redis.stop();
    redis.start_again();

    assert_eq!(store.answer(&proof("b"), at(50)).await, Use::First);
}

#[tokio::test]
async fn password_has_to_be_right() {
    let Some(redis) = Redis::with_password("correct") else { return };
    let with =
        |password: &str| store(SharedMemory { password: Some(Zeroizing::new(password.to_owned())), ..on(&redis) });

    assert_eq!(store(on(&redis)).answer(&proof("a"), at(50)).await, Use::Unknown);
    assert_eq!(with("wrong").answer(&proof("a"), at(50)).await, Use::Unknown);
    assert_eq!(with("correct").answer(&proof("a"), at(50)).await, Use::First);
    let named = SharedMemory { username: Some("default".to_owned()), ..on(&redis) };
    let named = SharedMemory { password: Some(Zeroizing::new("correct".to_owned())), ..named };
    assert_eq!(store(named).answer(&proof("a"), at(50)).await, Use::Again);
}

#[tokio::test]
async fn error_holds_nothing_secret() {
    let Some(redis) = Redis::with_password("correct") else { return };
    let shared =
        Shared::new(SharedMemory { password: Some(Zeroizing::new("wrong".to_owned())), ..on(&redis) }).unwrap();

    let error = shared.is_new(&proof("a"), at(50)).await.unwrap_err();

    assert_eq!(error.to_string(), "the server refuses: WRONGPASS");
    assert!(!format!("{error:?} {:?}", on(&redis)).contains("wrong"));
}

#[tokio::test]
async fn databases_are_apart() {
    let Some(redis) = Redis::start() else { return };
    let (first, second) = (store(on(&redis)), store(SharedMemory { database: 2, ..on(&redis) }));

    assert_eq!(first.answer(&proof("a"), at(50)).await, Use::First);
    assert_eq!(second.answer(&proof("a"), at(50)).await, Use::First);
    assert_eq!(store(SharedMemory { database: 999, ..on(&redis) }).answer(&proof("b"), at(50)).await, Use::Unknown);
}

#[tokio::test]
async fn use_that_lasts_for_ever_is_remembered() {
    let Some(redis) = Redis::start() else { return };
    let (here, there) = (store(on(&redis)), store(on(&redis)));
    let lasting = SingleUse::new(Purpose::Registration, b"maker", "a", UnixTime::since_unix_epoch(Duration::MAX));

    assert_eq!(here.answer(&lasting, at(50)).await, Use::First);
    assert_eq!(there.answer(&lasting, at(50)).await, Use::Again);
}

#[tokio::test]
async fn what_is_no_answer_is_no_first_use() {
    for reply in [&b""[..], b":1\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"+OK\r\n+OK\r\n", &[b'+'; 600]] {
        let shared = SharedMemory { timeout: Duration::from_millis(200), ..memory(saying(reply).await) };
        assert_eq!(store(shared).answer(&proof("a"), at(50)).await, Use::Unknown, "{reply:?}");
    }
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    assert_eq!(store(memory((*nobody.to_string()).into())).answer(&proof("a"), at(50)).await, Use::Unknown);
}

#[tokio::test]
async fn questions_do_not_wait_for_each_other() {
    let shared = SharedMemory { timeout: Duration::from_millis(300), ..memory(saying(b"").await) };
    let (store, begun) = (store(shared), Instant::now());
    let asked: Vec<_> = (0..100)
        .map(|jti| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.answer(&proof(&jti.to_string()), at(50)).await })
        })
        .collect();

    for answer in asked {
        assert_eq!(answer.await.unwrap(), Use::Unknown);
    }

    // One after the other it would be 30 s.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn server_over_tls_has_to_be_the_one() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let address = saying_over(Some(TlsAcceptor::from(Arc::new(config))), b"+OK\r\n").await;
    let with = |name: &'static str, authorities| {
        let tls = SharedTls { server_name: ServerName::try_from(name).unwrap(), authorities };
        store(SharedMemory { tls: Some(tls), ..memory(address.clone()) })
    };
    let itself = || Some(vec![cert.der().clone()]);

    assert_eq!(with("localhost", itself()).answer(&proof("a"), at(50)).await, Use::First);
    assert_eq!(with("elsewhere", itself()).answer(&proof("a"), at(50)).await, Use::Unknown);
    assert_eq!(with("localhost", None).answer(&proof("a"), at(50)).await, Use::Unknown);
    assert_eq!(store(memory(address.clone())).answer(&proof("a"), at(50)).await, Use::Unknown);
}
