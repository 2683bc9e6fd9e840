//! When CRLs end, as the metrics know it.

use super::*;

#[tokio::test]
async fn crl_that_was_fetched_or_replaced_shows_when_it_ends() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.lists(&[], HOUR);
    let metrics = Arc::new(Metrics::new());
    let store = RevocationStore::following(None, &rules(), CrlFiles::new(Vec::new()), Arc::clone(&metrics)).unwrap();
    let ends = || metrics.crls.by_issuer().into_iter().collect::<Vec<_>>();
    assert_eq!(ends(), []);

    assert_eq!(asked(&store, &about, 0).await, known(Status::Good, Method::Crl));
    assert_eq!(ends(), [("CN=Bank CA".to_owned(), now(HOUR))]);

    let other = Authority::named("Other CA").list(&[], 2 * HOUR);
    store.replace_files(CrlFiles::new(crl::read(other).unwrap()));
    assert_eq!(ends(), [("CN=Bank CA".to_owned(), now(HOUR)), ("CN=Other CA".to_owned(), now(2 * HOUR))]);
}
