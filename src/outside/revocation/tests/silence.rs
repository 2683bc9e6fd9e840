//! Whoever did not answer is asked again in time.

use super::*;

#[tokio::test]
async fn list_that_is_not_to_be_had_is_tried_again_after_its_time_however_many_ask_meanwhile() {
    let bank = Responder::start().await;
    let (silence, metrics) = (Duration::from_millis(200), Arc::new(Metrics::new()));
    let rules = Revocation { methods: vec![Method::Crl], ..rules() };
    let no_files = CrlFiles::new(Vec::new());
    let store = RevocationStore::setting_aside_for(silence, None, &rules, no_files, metrics).unwrap();
    let begun = Instant::now();
    for serial in 1_u8.. {
        if asked(&store, &bank.client(serial), i64::from(serial) * 20).await != Standing::Unavailable {
            break;
        }
        bank.lists(&[], 72 * HOUR);
        assert!(begun.elapsed() < LONG, "it is never tried again");
        tokio::time::sleep(silence / 10).await;
    }
    assert_eq!(bank.origin.asked("/crl"), 2);
}
