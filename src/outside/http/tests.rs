#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use http::header::LOCATION;
use http_body_util::Full;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::outside::origin::{Origin, ok, status};

const LONG: Duration = Duration::from_secs(20);

fn fetcher() -> Fetcher {
    Fetcher::new(None, LONG).unwrap()
}

#[tokio::test]
async fn document_is_fetched_by_a_client_that_gives_its_name_and_nothing_else() {
    let origin = Origin::start(|_| ok("{}")).await;

    let document = fetcher().get(&origin.at("/jwks?tenant=1"), 2).await.unwrap();

    assert_eq!(&*document, b"{}");
    let request = origin.latest();
    let mut names: Vec<_> = request.headers().keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
    assert_eq!(request.headers()[ACCEPT], "application/jwk-set+json, application/json, */*;q=0.1");
    assert_eq!(request.headers()[ACCEPT_ENCODING], "identity");
    assert_eq!(request.headers()[USER_AGENT], concat!("certbound/", env!("CARGO_PKG_VERSION")));
    assert_eq!(request.uri(), "/jwks?tenant=1");
}

#[tokio::test]
async fn redirect_is_not_followed() {
    let origin = Origin::start(|path| match path {
        "/jwks" => http::Response::builder().status(302).header(LOCATION, "/other").body(Full::default()).unwrap(),
        _ => ok("{}"),
    })
    .await;

    let error = fetcher().get(&origin.at("/jwks"), 100).await.unwrap_err();

    assert!(matches!(error, FetchError::Status(StatusCode::FOUND)), "{error:?}");
    assert_eq!(origin.asked("/other"), 0);
}

#[tokio::test]
async fn any_status_but_200_is_no_document() {
    for code in [201, 203, 204, 206, 304, 401, 404, 500, 503] {
        let origin = Origin::start(move |_| status(StatusCode::from_u16(code).unwrap())).await;
        let error = fetcher().get(&origin.at("/"), 100).await.unwrap_err();
        assert!(matches!(error, FetchError::Status(status) if status == code), "{code}: {error:?}");
    }
}

#[tokio::test]
async fn answer_that_is_coded_is_no_document_whoever_asked_for_that() {
    for (coding, is_read) in [
        ("gzip", false),
        ("identity, BR", false),
        ("", true),
        ("Identity", true),
        ("UTF-8", true),
        ("aws-chunked", true),
    ] {
        let coded = move || http::Response::builder().header(CONTENT_ENCODING, coding).body(Full::from("{}")).unwrap();
        let origin = Origin::start(move |_| coded()).await;
        match fetcher().get(&origin.at("/"), 100).await {
            Ok(_) => assert!(is_read, "{coding}"),
            Err(error) => assert!(!is_read && matches!(error, FetchError::Coded), "{coding}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn document_may_be_as_large_as_allowed_and_not_a_byte_larger() {
    let origin = Origin::start(|_| ok(vec![b' '; 1000])).await;
    let fetcher = fetcher();

    assert_eq!(fetcher.get(&origin.at("/"), 1000).await.unwrap().len(), 1000);
    let error = fetcher.get(&origin.at("/"), 999).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { most: 999 }), "{error:?}");
}

#[tokio::test]
async fn answer_that_does_not_come_in_time_is_given_up() {
    let origin = Origin::start(|_| ok("{}")).await;
    let _held = origin.answering.write().await;
    let fetcher = Fetcher::new(None, Duration::from_millis(20)).unwrap();

    let error = fetcher.get(&origin.at("/"), 100).await.unwrap_err();

    assert!(matches!(error, FetchError::TimedOut(_)), "{error:?}");
}

#[tokio::test]
async fn error_names_its_reasons_but_neither_address_nor_credentials() {
    let port = {
        let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        closed.local_addr().unwrap().port()
    };
    let address = format!("http://user:hunter2@127.0.0.1:{port}/secret?key=1").parse().unwrap();

    let error = fetcher().get(&address, 100).await.unwrap_err().to_string();

    assert!(error.contains("refused"), "{error}");
    for secret in ["hunter2", "secret", "127.0.0.1"] {
        assert!(!error.contains(secret), "{error}");
    }
}

#[tokio::test]
async fn guarded_fetcher_looks_at_the_place_that_a_name_stands_for() {
    let origin = Origin::start(|_| ok("{}")).await;
    let address = format!("http://localhost:{}/", origin.address.port()).parse().unwrap();
    let listed = ["localhost".to_owned()];
    let get = async |allow_private| {
        let rules = AddressRules::new(&listed, allow_private);
        Fetcher::guarded(rules, None, LONG).unwrap().get(&address, 100).await
    };

    let error = get(false).await.unwrap_err();
    assert!(matches!(&error, FetchError::NoAnswer(why) if why.contains("no public address")), "{error:?}");
    assert_eq!(origin.asked("/"), 0);
    assert_eq!(&*get(true).await.unwrap(), b"{}");
}

#[tokio::test]
async fn https_is_believed_from_the_configured_authorities_alone() {
    let (bank, stranger) = (authority(), authority());
    let origin = Origin::serve(Some(identity(&bank)), |_| ok("{}")).await;
    let address = format!("https://localhost:{}/", origin.address.port()).parse().unwrap();
    let get = async |authorities: Option<&[CertificateDer<'static>]>| {
        Fetcher::new(authorities, LONG).unwrap().get(&address, 100).await
    };

    assert_eq!(&*get(Some(&[bank.der().clone()])).await.unwrap(), b"{}");
    for wrong in [Some([stranger.der().clone()].as_slice()), Some(&[]), None] {
        let error = get(wrong).await.unwrap_err();
        assert!(matches!(&error, FetchError::NoAnswer(why) if why.contains("invalid peer certificate")), "{error:?}");
    }
    assert_eq!(origin.asked("/"), 1);
}

#[tokio::test]
async fn https_for_another_name_is_refused() {
    let bank = authority();
    let origin = Origin::serve(Some(identity(&bank)), |_| ok("{}")).await;
    let address = format!("https://127.0.0.1:{}/", origin.address.port()).parse().unwrap();

    let error = Fetcher::new(Some(&[bank.der().clone()]), LONG).unwrap().get(&address, 100).await.unwrap_err();

    assert!(matches!(&error, FetchError::NoAnswer(_)), "{error:?}");
    assert_eq!(origin.asked("/"), 0);
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server certificate for `localhost`.
fn identity(authority: &CertifiedIssuer<'static, KeyPair>) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
