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

    let store = store(RevocationRules { methods: vec![Method::Ocsp], ..rules() });
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
    let store = store(RevocationRules { timeout: Duration::from_secs(1), ..rules() });

    assert_eq!(asked(&store, &about, 0).await, Standing::Unavailable);

    let count = count.load(Ordering::Relaxed);
    assert!((1..3).contains(&count), "{count} questions of 700 ms");
}
