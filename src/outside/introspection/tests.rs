#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::{
    Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION},
};
use http_body_util::Full;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};
use rustls_pki_types::PrivateKeyDer;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use super::*;
use crate::{
    config::settings::{ClientAuthentication, OwnCertificate},
    outside::origin::{Answer, Origin, ok, status, until},
};

const LONG: Duration = Duration::from_secs(20);
const NOW: u64 = 1_800_000_000;

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn secret(client_id: &str, secret: &str) -> ClientAuthentication {
    ClientAuthentication::Secret { client_id: client_id.to_owned(), secret: Zeroizing::new(secret.to_owned()) }
}

fn source(origin: &Origin, cache_ttl: u64) -> IntrospectionSource {
    IntrospectionSource {
        issuer: "https://as.bank.example".into(),
        endpoint: origin.at("/introspect"),
        client: secret("rs", "hunter2"),
        cache_ttl: Duration::from_secs(cache_ttl),
        authorities: None,
    }
}

fn store_of(source: IntrospectionSource, timeout: Duration) -> Arc<IntrospectionStore> {
    let metrics = Arc::new(Metrics::new());
    IntrospectionStore::new(&[None, Some(Arc::new(source))], timeout, None, metrics).unwrap()
}

fn store(origin: &Origin, cache_ttl: u64) -> Arc<IntrospectionStore> {
    store_of(source(origin, cache_ttl), LONG)
}

fn about(token: &str) -> Arc<Inquiry> {
    Arc::new(Inquiry::new(1, token))
}

/// An issuer to whom every token is active and ends in so many seconds.
async fn active_for(seconds: u64) -> Origin {
    let answer = json!({"active": true, "exp": NOW + seconds, "sub": "alice"}).to_string();
    Origin::start(move |_| ok(answer.clone())).await
}

/// Makes an answer.
type Manner = Box<dyn Fn() -> Answer + Send + Sync>;

/// In a word.
fn word(told: &Introspection) -> &'static str {
    match told {
        Introspection::Unavailable => "unavailable",
        Introspection::Inactive => "inactive",
        Introspection::Malformed(_) => "malformed",
        Introspection::Active(_) => "active",
    }
}

async fn ask(store: &Arc<IntrospectionStore>, token: &str, now: u64) -> &'static str {
    word(&store.answer(&about(token), at(now)).await)
}

#[tokio::test]
async fn question_is_a_form_with_the_token_from_a_client_that_shows_its_secret() {
    let origin = active_for(300).await;
    let source = IntrospectionSource { client: secret("rs 1", "a:b+c%"), ..source(&origin, 30) };
    let store = store_of(source, LONG);

    assert_eq!(ask(&store, "a+b/c=", NOW).await, "active");

    let question = origin.latest();
    assert_eq!((question.method().as_str(), question.uri().path()), ("POST", "/introspect"));
    assert_eq!(question.body(), "token=a%2Bb%2Fc%3D&token_type_hint=access_token");
    assert_eq!(question.headers()[ACCEPT], "application/json");
    assert_eq!(question.headers()[CONTENT_TYPE], "application/x-www-form-urlencoded");
    // RFC 6749, section 2.3.1: `rs%201:a%3Ab%2Bc%25`.
    assert_eq!(question.headers()[AUTHORIZATION], "Basic cnMlMjAxOmElM0FiJTJCYyUyNQ==");
}

#[tokio::test]
async fn token_asked_about_by_many_at_once_makes_one_question_whose_answer_all_are_told_if_answers_serve_at_all() {
    for (cache_ttl, questions) in [(30, 1), (0, 50)] {
        let origin = active_for(300).await;
        let store = store(&origin, cache_ttl);
        let held = origin.answering.write().await;
        let mut askers = JoinSet::new();
        for _ in 0..50 {
            let store = Arc::clone(&store);
            askers.spawn(async move { ask(&store, "t", NOW).await });
        }
        until(|| origin.asked("/introspect") == questions).await;

        drop(held);

        assert!(askers.join_all().await.into_iter().all(|told| told == "active"));
        assert_eq!(origin.asked("/introspect"), questions, "{cache_ttl}");
    }
}

#[tokio::test]
async fn answer_serves_until_the_token_ends_or_its_time_is_over_whichever_is_first() {
    for (token_lives, cache_ttl, serves) in [(300, 30, 30), (10, 30, 10), (0, 30, 0), (300, 0, 0)] {
        let origin = active_for(token_lives).await;
        let store = store(&origin, cache_ttl);
        let inquiry = about("t");
        assert!(store.recall(&inquiry, at(NOW)).is_none());

        assert_eq!(ask(&store, "t", NOW).await, "active");

        for (later, kept) in [(0, serves > 0), (serves.max(1) - 1, serves > 0), (serves, false), (serves + 9, false)] {
            assert_eq!(store.recall(&inquiry, at(NOW + later)).is_some(), kept, "{token_lives} {cache_ttl} {later}");
        }
        assert!(store.recall(&about("another"), at(NOW)).is_none());
        assert!(store.recall(&Inquiry::new(0, "t"), at(NOW)).is_none(), "another issuer was not asked");
        ask(&store, "t", NOW + serves).await;
        assert_eq!(origin.asked("/introspect"), 2);
    }
}

#[tokio::test]
async fn token_without_an_end_is_kept_as_long_as_any() {
    let origin = Origin::start(|_| ok(r#"{"active":true}"#)).await;
    let store = store(&origin, 30);
    assert_eq!(ask(&store, "t", NOW).await, "active");
    assert!(store.recall(&about("t"), at(NOW + 29)).is_some());
    assert!(store.recall(&about("t"), at(NOW + 30)).is_none());

    store.forget();
    assert!(store.recall(&about("t"), at(NOW)).is_none());
}

#[tokio::test]
async fn token_that_is_withdrawn_is_not_active_again_on_a_clock_that_is_set_back() {
    let withdrawn = Arc::new(AtomicBool::new(false));
    let so_far = Arc::clone(&withdrawn);
    let origin = Origin::start(move |_| match so_far.load(Ordering::Relaxed) {
        true => ok(r#"{"active":false}"#),
        false => ok(r#"{"active":true}"#),
    });
    let origin = origin.await;
    let store = store(&origin, 30);
    assert_eq!(ask(&store, "t", NOW).await, "active");

    withdrawn.store(true, Ordering::Relaxed);

    assert_eq!(ask(&store, "t", NOW + 40).await, "inactive");
    assert!(store.recall(&about("t"), at(NOW + 10)).is_none());
}

#[tokio::test]
async fn refusal_and_failure_are_not_remembered() {
    for answer in [r#"{"active":false}"#, "nonsense", r#"{"active":true,"exp":"soon"}"#] {
        let recovered = Arc::new(AtomicBool::new(false));
        let so_far = Arc::clone(&recovered);
        let origin = Origin::start(move |_| match so_far.load(Ordering::Relaxed) {
            true => ok(r#"{"active":true}"#),
            false => ok(answer),
        });
        let origin = origin.await;
        let store = store(&origin, 30);
        assert_ne!(ask(&store, "t", NOW).await, "active");
        assert!(store.recall(&about("t"), at(NOW)).is_none());

        recovered.store(true, Ordering::Relaxed);

        assert_eq!(ask(&store, "t", NOW).await, "active");
    }
}

#[tokio::test]
async fn whatever_is_no_answer_is_unavailable() {
    let redirect = || Response::builder().status(302).header(LOCATION, "/elsewhere").body(Full::default()).unwrap();
    let large = |bytes: usize| format!("{{\"active\":true,\"x\":\"{}\"}}", "x".repeat(bytes - 22));
    let rows: [(&str, Manner, &str); 13] = [
        ("active", Box::new(|| ok(r#"{"active":true}"#)), "active"),
        ("inactive", Box::new(|| ok(r#"{"active":false}"#)), "inactive"),
        ("64 KiB", Box::new(move || ok(large(65_536))), "active"),
        ("over 64 KiB", Box::new(move || ok(large(65_537))), "unavailable"),
        ("nothing", Box::new(|| ok("")), "unavailable"),
        ("garbage", Box::new(|| ok(vec![0xff; 100])), "unavailable"),
        ("a list", Box::new(|| ok(r#"[{"active":true}]"#)), "unavailable"),
        ("two objects", Box::new(|| ok(r#"{"active":true}{}"#)), "unavailable"),
        ("a member twice", Box::new(|| ok(r#"{"active":false,"active":true}"#)), "unavailable"),
        ("a redirect", Box::new(redirect), "unavailable"),
        ("wrong credentials", Box::new(|| status(StatusCode::UNAUTHORIZED)), "unavailable"),
        ("a failure", Box::new(|| status(StatusCode::INTERNAL_SERVER_ERROR)), "unavailable"),
        ("another success", Box::new(|| status(StatusCode::NO_CONTENT)), "unavailable"),
    ];
    for (case, answer, expected) in rows {
        let origin = Origin::start(move |_| answer()).await;
        assert_eq!(ask(&store(&origin, 30), "t", NOW).await, expected, "{case}");
        assert_eq!(origin.asked("/elsewhere"), 0);
    }
}

#[tokio::test]
async fn issuer_that_hangs_or_is_not_there_is_unavailable_and_asked_again_next_time() {
    let origin = active_for(300).await;
    let store = store_of(source(&origin, 30), Duration::from_millis(50));
    let held = origin.answering.write().await;
    assert_eq!(ask(&store, "t", NOW).await, "unavailable");
    drop(held);
    let store = store_of(source(&origin, 30), LONG);
    assert_eq!(ask(&store, "t", NOW).await, "active");

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoint = format!("http://{closed}/").parse().unwrap();
    let store = store_of(IntrospectionSource { endpoint, ..source(&origin, 30) }, LONG);
    assert_eq!(ask(&store, "t", NOW).await, "unavailable");
}

#[tokio::test]
async fn question_about_an_issuer_that_does_not_introspect_is_unavailable() {
    let origin = active_for(300).await;
    let store = store(&origin, 30);
    for issuer in [0, 7] {
        let told = store.answer(&Arc::new(Inquiry::new(issuer, "t")), at(NOW)).await;
        assert_eq!(word(&told), "unavailable");
    }
    assert_eq!(origin.asked("/introspect"), 0);
}

#[tokio::test]
async fn flood_of_tokens_makes_a_bounded_number_of_questions_at_a_time() {
    let origin = active_for(300).await;
    let store = store(&origin, 30);
    let held = origin.answering.write().await;
    let mut askers = JoinSet::new();
    for number in 0..100 {
        let store = Arc::clone(&store);
        askers.spawn(async move { ask(&store, &number.to_string(), NOW).await });
    }
    until(|| origin.asked("/introspect") >= 64).await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(origin.asked("/introspect"), 64);

    drop(held);

    assert!(askers.join_all().await.into_iter().all(|told| told == "active"));
    assert_eq!(origin.asked("/introspect"), 100);
}

#[tokio::test]
async fn asker_who_goes_away_does_not_end_the_question() {
    let origin = active_for(300).await;
    let store = store(&origin, 30);
    let held = origin.answering.write().await;
    let asker = tokio::spawn({
        let store = Arc::clone(&store);
        async move { ask(&store, "t", NOW).await }
    });
    until(|| origin.asked("/introspect") > 0).await;

    asker.abort();
    drop(held);

    until(|| store.recall(&about("t"), at(NOW)).is_some()).await;
    assert_eq!(origin.asked("/introspect"), 1);
}

#[tokio::test]
async fn connection_serves_one_question_after_the_other() {
    let origin = active_for(300).await;
    let store = store(&origin, 0);
    for number in 0..5 {
        assert_eq!(ask(&store, &number.to_string(), NOW).await, "active");
    }
    assert_eq!((origin.asked("/introspect"), origin.connections()), (5, 1));
}

#[tokio::test]
async fn connection_that_ends_as_it_is_used_again_is_no_failure() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    // Each connection answers its first question, and ends upon the second.
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut question = vec![0; 4096];
            let _ = stream.read(&mut question).await;
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"active\":true}";
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.read(&mut question).await;
        }
    });
    let origin = active_for(300).await;
    let store = store_of(IntrospectionSource { endpoint, ..source(&origin, 0) }, LONG);
    for number in 0..5 {
        assert_eq!(ask(&store, &number.to_string(), NOW).await, "active", "{number}");
    }
}

#[tokio::test]
async fn questions_are_counted_by_issuer_and_answer() {
    let count = AtomicUsize::new(0);
    let answers = [r#"{"active":true}"#, r#"{"active":false}"#, r#"{"active":false}"#, "nonsense"];
    let origin = Origin::start(move |_| ok(answers[count.fetch_add(1, Ordering::Relaxed)])).await;
    let store = store(&origin, 30);
    for number in 0..4 {
        ask(&store, &number.to_string(), NOW).await;
    }
    ask(&store, "0", NOW).await;

    let (text, _) = store.metrics.encode();
    for (result, times) in [("active", 1), ("inactive", 2), ("unavailable", 1)] {
        let name = "certbound_introspections_total";
        let line = format!(r#"{name}{{issuer="https://as.bank.example",result="{result}"}} {times}"#);
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.contains(r#"http_client_request_duration_seconds_count{peer="introspection"} 4"#), "{text}");
}

#[tokio::test]
async fn client_shows_its_certificate_where_that_says_who_it_is() {
    let (bank, stranger) = (authority(), authority());
    let accepted = Origin::serve(Some(asking_for_certificates(&bank)), |_| ok(r#"{"active":true}"#)).await;
    let endpoint: http::Uri = format!("https://localhost:{}/introspect", accepted.address.port()).parse().unwrap();
    let told = async |identity: OwnCertificate| {
        let client = ClientAuthentication::Certificate { client_id: "rs 1".to_owned(), identity };
        let authorities = Some(vec![bank.der().clone()]);
        let source = IntrospectionSource { endpoint: endpoint.clone(), client, authorities, ..source(&accepted, 30) };
        ask(&store_of(source, LONG), "t", NOW).await
    };

    assert_eq!(told(identity(&stranger, "rs")).await, "unavailable");
    assert_eq!(accepted.asked("/introspect"), 0);
    assert_eq!(told(identity(&bank, "rs")).await, "active");
    let question = accepted.latest();
    assert_eq!(question.body(), "token=t&token_type_hint=access_token&client_id=rs%201");
    assert!(!question.headers().contains_key(AUTHORIZATION));
}

#[test]
fn secret_and_token_are_not_printed() {
    let shown = format!("{:?} {:?}", secret("rs", "hunter2"), about("opaque-token"));
    assert!(shown.contains("rs") && !shown.contains("hunter2") && !shown.contains("opaque"), "{shown}");
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn identity(authority: &CertifiedIssuer<'static, KeyPair>, name: &str) -> OwnCertificate {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    OwnCertificate { chain: vec![certificate.der().clone()], key, not_after: UnixTime::now() }
}

/// A server for `localhost` that takes nobody without a certificate of the same authority.
fn asking_for_certificates(authority: &CertifiedIssuer<'static, KeyPair>) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let OwnCertificate { chain, key, .. } = identity(authority, "localhost");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn answer_that_was_kept_by_a_clock_that_was_ahead_is_asked_for_anew() {
    const DAY: u64 = 24 * 3600;
    let origin = active_for(3 * DAY).await;
    let store = store(&origin, 30);
    assert_eq!(ask(&store, "t", NOW + DAY).await, "active");
    assert_eq!(ask(&store, "t", NOW + DAY + 1).await, "active");
    assert_eq!(origin.asked("/introspect"), 1);

    assert_eq!(ask(&store, "t", NOW).await, "active");
    assert_eq!(ask(&store, "t", NOW + 29).await, "active");
    assert_eq!(origin.asked("/introspect"), 2);
}
