//! In which forms a responder is asked.

use super::*;
use crate::certificate::revocation::minted::{extension, tlv};

/// `id-pkix-ocsp-nonce`.
const NONCE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];
/// Errors of responders (RFC 6960, section 4.2.1).
const INTERNAL_ERROR: u8 = 2;
const UNAUTHORIZED: u8 = 6;

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

/// A responder that takes no nonces, and knows nothing of the serial number 5: it answers both with an error.
struct WithoutNonces {
    authority: Authority,
    address: String,
    count: Arc<AtomicUsize>,
    /// What it says to everything else.
    answer: Arc<parking_lot::Mutex<Vec<u8>>>,
}

impl WithoutNonces {
    /// `pause`: before each answer.
    async fn start(error: u8, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let (count, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(parking_lot::Mutex::new(Vec::new())));
        let (counted, said) = (Arc::clone(&count), Arc::clone(&answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                let said = Arc::clone(&said);
                tokio::spawn(async move {
                    let mut question = vec![0; 4096];
                    let length = stream.read(&mut question).await.unwrap_or(0);
                    let has = |what: &[u8]| question[..length].windows(what.len()).any(|octets| octets == what);
                    let refused = has(NONCE) || has(&[2, 1, 5]);
                    let body = if refused { vec![0x30, 3, 0x0a, 1, error] } else { said.lock().clone() };
                    tokio::time::sleep(pause).await;
                    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                    drop(stream.write_all(&[head.as_bytes(), &body].concat()).await);
                });
            }
        });
        Self { authority: Authority::named("Bank CA"), address, count, answer }
    }

    fn client(&self, serial: u8) -> Arc<Issued> {
        Arc::new(self.authority.client_with(&[serial], &[], &[&self.address]))
    }

    /// A client's certificate about which it says this.
    fn client_that_is(&self, serial: u8, status: &[u8]) -> Arc<Issued> {
        let about = self.client(serial);
        let mut said = Said::of(&about);
        said.singles[0].status = status.to_vec();
        *self.answer.lock() = said.sign(self.authority.key());
        about
    }

    /// What comes of asking, and how many questions that takes.
    async fn asked(&self, store: &Arc<RevocationStore>, about: &Arc<Issued>, offset: i64) -> (Standing, usize) {
        let before = self.count.load(Ordering::Relaxed);
        let standing = asked(store, about, offset).await;
        (standing, self.count.load(Ordering::Relaxed) - before)
    }
}

#[tokio::test]
async fn responder_that_answered_without_a_nonce_is_asked_so_for_some_minutes() {
    let responder = WithoutNonces::start(UNAUTHORIZED, Duration::ZERO).await;
    let store = store(rules());
    for (serial, offset, questions) in [(6, 0, 2), (7, 599, 1), (8, 600, 2), (9, 1199, 1), (10, 0, 2)] {
        let about = responder.client_that_is(serial, GOOD);
        let good = known(Status::Good, Method::Ocsp);
        assert_eq!(responder.asked(&store, &about, offset).await, (good, questions), "{serial}");
    }
}

#[tokio::test]
async fn moment_of_trouble_ends_no_nonces() {
    let responder = WithoutNonces::start(INTERNAL_ERROR, Duration::ZERO).await;
    let store = store(rules());
    for serial in [6, 7] {
        let about = responder.client_that_is(serial, GOOD);
        assert_eq!(responder.asked(&store, &about, 0).await, (known(Status::Good, Method::Ocsp), 2));
    }
}

#[tokio::test]
async fn slow_responder_without_nonces_has_time_to_answer_the_second_time() {
    let responder = WithoutNonces::start(UNAUTHORIZED, Duration::from_millis(700)).await;
    let store = store(Revocation { timeout: Duration::from_secs(1), ..rules() });
    let about = responder.client_that_is(6, GOOD);

    assert_eq!(asked(&store, &about, 0).await, Standing::Unavailable);
    assert_eq!(asked(&store, &about, 20).await, known(Status::Good, Method::Ocsp));
}

#[tokio::test]
async fn responder_that_refuses_one_certificate_in_every_form_is_asked_about_others() {
    let responder = WithoutNonces::start(UNAUTHORIZED, Duration::from_millis(700)).await;
    let store = store(Revocation { timeout: Duration::from_secs(1), ..rules() });
    assert_eq!(asked(&store, &responder.client(5), 0).await, Standing::Unavailable);

    let (_, questions) = responder.asked(&store, &responder.client(6), 0).await;

    assert!(questions > 0, "it is not left alone, since it answers");
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
    let responder = WithoutNonces::start(UNAUTHORIZED, Duration::ZERO).await;
    let store = store(rules());
    asked(&store, &responder.client_that_is(6, GOOD), 0).await;

    let unknown = responder.client_that_is(7, UNKNOWN);
    assert_eq!(responder.asked(&store, &unknown, 0).await, (Standing::Unknown, 2), "by SHA-1 and by SHA-256");
    let refused = responder.client(5);
    assert_eq!(responder.asked(&store, &refused, 0).await, (Standing::Unavailable, 3), "and with a nonce");
}
