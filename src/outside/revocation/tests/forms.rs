//! In which forms a responder is asked.

use super::*;
use crate::certificate::revocation::minted::{extension, tlv};

/// `id-pkix-ocsp-nonce`.
const NONCE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];

#[tokio::test]
async fn answer_with_another_nonce_is_asked_for_by_no_question_without_one() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    let mut said = Said::of(&about);
    said.extensions = vec![extension(NONCE, false, &tlv(0x04, &[&[7; 32]]))];
    *bank.ocsp.lock() = ok(said.sign(bank.authority.key()));

    let store = store(Revocation { methods: vec![Method::Ocsp], ..rules() });
    assert_eq!(asked(&store, &about, 0).await, Standing::Unavailable);

    assert_eq!(bank.origin.asked("/ocsp"), 2, "by SHA-1 and by SHA-256");
    assert!(bank.origin.latest().body().windows(NONCE.len()).any(|octets| octets == NONCE));
}

#[tokio::test]
async fn all_forms_together_wait_for_one_timeout() {
    let authority = Authority::named("Bank CA");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                drop(stream.read(&mut [0; 4096]).await);
                tokio::time::sleep(Duration::from_millis(700)).await;
                drop(stream.write_all(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n").await);
            });
        }
    });
    let about = Arc::new(authority.client_with(&[5], &[], &[&address]));
    let store = store(Revocation { timeout: Duration::from_secs(1), ..rules() });

    assert_eq!(asked(&store, &about, 0).await, Standing::Unavailable);

    let count = count.load(Ordering::Relaxed);
    assert!((1..3).contains(&count), "{count} questions of 700 ms");
}

/// Answers each question after `pause`: with `unauthorized` where it holds a nonce or is about the serial number 5, and else
/// with what `good` says.
async fn without_nonces(pause: Duration, good: Arc<parking_lot::Mutex<Vec<u8>>>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let good = Arc::clone(&good);
            tokio::spawn(async move {
                let mut question = vec![0; 4096];
                let length = stream.read(&mut question).await.unwrap_or(0);
                let has = |what: &[u8]| question[..length].windows(what.len()).any(|octets| octets == what);
                let refused = has(NONCE) || has(&[2, 1, 5]);
                let body = if refused { vec![0x30, 3, 0x0a, 1, 6] } else { good.lock().clone() };
                tokio::time::sleep(pause).await;
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                drop(stream.write_all(&[head.as_bytes(), &body].concat()).await);
            });
        }
    });
    (address, count)
}

#[tokio::test]
async fn responder_that_answered_without_a_nonce_is_asked_so_from_then_on() {
    let authority = Authority::named("Bank CA");
    let answer = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let (address, count) = without_nonces(Duration::ZERO, Arc::clone(&answer)).await;
    let store = store(rules());
    for (serial, questions) in [(6, 2), (7, 3)] {
        let about = Arc::new(authority.client_with(&[serial], &[], &[&address]));
        let mut said = Said::of(&about);
        said.singles[0].status = GOOD.to_vec();
        *answer.lock() = said.sign(authority.key());

        assert_eq!(asked(&store, &about, 0).await, known(Status::Good, Method::Ocsp));
        assert_eq!(count.load(Ordering::Relaxed), questions);
    }
}

#[tokio::test]
async fn slow_responder_without_nonces_has_time_to_answer_the_second_time() {
    let authority = Authority::named("Bank CA");
    let answer = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let (address, _) = without_nonces(Duration::from_millis(700), Arc::clone(&answer)).await;
    let store = store(Revocation { timeout: Duration::from_secs(1), ..rules() });
    let about = Arc::new(authority.client_with(&[6], &[], &[&address]));
    let mut said = Said::of(&about);
    said.singles[0].status = GOOD.to_vec();
    *answer.lock() = said.sign(authority.key());

    assert_eq!(asked(&store, &about, 0).await, Standing::Unavailable);
    assert_eq!(asked(&store, &about, 20).await, known(Status::Good, Method::Ocsp));
}

#[tokio::test]
async fn responder_that_refuses_one_certificate_in_every_form_is_asked_about_others() {
    let authority = Authority::named("Bank CA");
    let answer = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let (address, count) = without_nonces(Duration::from_millis(700), Arc::clone(&answer)).await;
    let store = store(Revocation { timeout: Duration::from_secs(1), ..rules() });
    let refused = Arc::new(authority.client_with(&[5], &[], &[&address]));
    assert_eq!(asked(&store, &refused, 0).await, Standing::Unavailable);

    let before = count.load(Ordering::Relaxed);
    asked(&store, &Arc::new(authority.client_with(&[6], &[], &[&address])), 0).await;

    assert!(count.load(Ordering::Relaxed) > before, "it is not left alone, since it answers");
}

#[tokio::test]
async fn responder_with_too_much_to_do_is_asked_once() {
    for busy in [ok(&[0x30, 3, 0x0a, 1, 3][..]), status(StatusCode::SERVICE_UNAVAILABLE)] {
        let bank = Responder::start().await;
        *bank.ocsp.lock() = busy;
        assert_eq!(asked(&store(rules()), &bank.client(5), 0).await, Standing::Unavailable);
        assert_eq!(bank.origin.asked("/ocsp"), 1);
    }
}

#[tokio::test]
async fn responder_that_answers_without_nonces_is_asked_in_every_form_that_it_may_know() {
    let authority = Authority::named("Bank CA");
    let answer = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let (address, count) = without_nonces(Duration::ZERO, Arc::clone(&answer)).await;
    let store = store(rules());
    let about = |serial| Arc::new(authority.client_with(&[serial], &[], &[&address]));
    let says = |about: &Issued, status: &[u8]| {
        let mut said = Said::of(about);
        said.singles[0].status = status.to_vec();
        *answer.lock() = said.sign(authority.key());
    };
    says(&about(6), GOOD);
    asked(&store, &about(6), 0).await;

    says(&about(7), UNKNOWN);
    let before = count.load(Ordering::Relaxed);
    assert_eq!(asked(&store, &about(7), 0).await, Standing::Unknown);
    assert_eq!(count.load(Ordering::Relaxed), before + 2, "by SHA-1 and by SHA-256");

    let before = count.load(Ordering::Relaxed);
    assert_eq!(asked(&store, &about(5), 0).await, Standing::Unavailable);
    assert_eq!(count.load(Ordering::Relaxed), before + 3, "and with a nonce");
}
