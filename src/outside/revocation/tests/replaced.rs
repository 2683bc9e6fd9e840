//! CRL files that are replaced while somebody is asked.

use super::*;

#[tokio::test]
async fn list_that_comes_while_a_responder_is_asked_answers_everyone() {
    let (address, asked_by) = raw(Manner::Mute).await;
    let authority = Authority::named("Bank CA");
    let about = Arc::new(authority.client_with(&[5], &[], &[&address]));
    let store = store(RevocationRules { timeout: Duration::from_secs(2), ..rules() });
    let (early, earlier) = (Arc::clone(&store), Arc::clone(&about));
    let early = tokio::spawn(async move { asked(&early, &earlier, 0).await });
    let begun = Instant::now();
    while asked_by.load(Ordering::Relaxed) == 0 {
        assert!(begun.elapsed() < LONG, "nobody is asked");
        tokio::task::yield_now().await;
    }

    store.replace_files(CrlFiles::new(crl::read(&authority.list(&[&[5]], HOUR)).unwrap()));

    assert_eq!(asked(&store, &about, 0).await, known(gone(), Method::Crl));
    assert!(!early.is_finished(), "the list answers, and nobody waits for the responder");
    assert_eq!(early.await.unwrap(), known(gone(), Method::Crl));
    assert_eq!(store.known(&about, now(0)), known(gone(), Method::Crl));
}
