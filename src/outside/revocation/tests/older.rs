//! Answers that are signed and current, and older than the one that revoked the certificate.

use super::{super::revoked::Source, *};

const DAY: i64 = 24 * HOUR;

/// It stays revoked, as it was found by this method.
fn still(method: Method) -> Standing {
    Standing::Known { status: gone(), method, stale: true }
}

fn files(list: &[u8]) -> CrlFiles {
    CrlFiles::new(crl::read(list.to_vec()).unwrap())
}

#[tokio::test]
async fn older_answer_brings_no_revoked_certificate_back_and_a_newer_one_does() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    let store = store(rules());
    bank.says(&about, &revoked(Some(6)), 100);
    let on_hold = Status::Revoked { since: now(-HOUR), reason: Some(6) };
    assert_eq!(asked(&store, &about, 0).await, known(on_hold, Method::Ocsp));
    let still = Standing::Known { status: on_hold, method: Method::Ocsp, stale: true };

    *bank.crl.lock() = ok(bank.authority.list_as_of(-DAY, &[], DAY));
    *bank.ocsp.lock() = ok("");
    assert_eq!(asked(&store, &about, 200).await, still, "the list was made before the revocation");
    bank.says_as_of(-HOUR, &about, GOOD, DAY);
    assert_eq!(asked(&store, &about, 300).await, still, "an answer was recorded before the revocation");
    bank.says(&about, GOOD, DAY);
    assert_eq!(asked(&store, &about, 400).await, still, "of the same time");

    bank.says_as_of(-59, &about, GOOD, DAY);
    assert_eq!(asked(&store, &about, 500).await, known(Status::Good, Method::Ocsp), "the hold was lifted");
    *bank.ocsp.lock() = ok("");
    let later = 500 + 2 * HOUR;
    assert_eq!(asked(&store, &about, later).await, known(Status::Good, Method::Crl), "it is not revoked any more");
}

#[tokio::test]
async fn next_method_decides_where_an_answer_is_older_than_the_revocation() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    let store = store(rules());
    bank.says(&about, &revoked(None), 100);
    asked(&store, &about, 0).await;

    bank.says_as_of(-HOUR, &about, GOOD, DAY);
    *bank.crl.lock() = ok(bank.authority.list_as_of(-30, &[], DAY));

    assert_eq!(asked(&store, &about, 200).await, known(Status::Good, Method::Crl));
}

#[tokio::test]
async fn older_answer_that_revokes_makes_none_in_between_count() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    let store = store(rules());
    bank.says(&about, &revoked(None), 100);
    asked(&store, &about, 0).await;
    *bank.ocsp.lock() = ok("");
    *bank.crl.lock() = ok(bank.authority.list_as_of(-DAY, &[&[5]], 300));
    assert_eq!(asked(&store, &about, 200).await, known(gone(), Method::Crl));

    bank.says_as_of(-HOUR, &about, GOOD, DAY);

    assert_eq!(asked(&store, &about, 400).await, still(Method::Crl));
}

#[tokio::test]
async fn fetched_list_gives_way_to_no_older_one() {
    let bank = Responder::start().await;
    let rules = Revocation { methods: vec![Method::Crl], crl_refresh: Duration::from_secs(100), ..rules() };
    let (no_files, metrics) = (CrlFiles::new(Vec::new()), Arc::new(Metrics::new()));
    let store = RevocationStore::setting_aside_for(Duration::ZERO, None, &rules, no_files, metrics).unwrap();
    bank.lists(&[&[5], &[6]], DAY);
    assert_eq!(asked(&store, &bank.client(5), 0).await, known(gone(), Method::Crl));

    *bank.crl.lock() = ok(bank.authority.list_as_of(-HOUR, &[], DAY));
    assert_eq!(asked(&store, &bank.client(5), 200).await, known(gone(), Method::Crl));
    assert_eq!(asked(&store, &bank.client(6), 200).await, known(gone(), Method::Crl), "nobody asked about it before");
    assert_eq!(bank.origin.asked("/crl"), 2, "a mirror that lags behind is left in peace for a while");

    *bank.crl.lock() = ok(bank.authority.list_as_of(0, &[], DAY));
    assert_eq!(asked(&store, &bank.client(6), 400).await, known(Status::Good, Method::Crl));
}

#[tokio::test]
async fn fetched_list_gives_way_to_none_that_was_made_ahead_of_its_time() {
    let bank = Responder::start().await;
    let rules = Revocation { methods: vec![Method::Crl], crl_refresh: Duration::from_secs(100), ..rules() };
    let (no_files, metrics) = (CrlFiles::new(Vec::new()), Arc::new(Metrics::new()));
    let store = RevocationStore::setting_aside_for(Duration::ZERO, None, &rules, no_files, metrics).unwrap();
    bank.lists(&[], DAY);
    assert_eq!(asked(&store, &bank.client(5), 0).await, known(Status::Good, Method::Crl));

    *bank.crl.lock() = ok(bank.authority.list_as_of(DAY, &[], 2 * DAY));
    assert_eq!(asked(&store, &bank.client(5), 200).await, known(Status::Good, Method::Crl));
    bank.lists(&[&[5]], DAY);
    assert_eq!(asked(&store, &bank.client(5), 400).await, known(gone(), Method::Crl));
}

#[tokio::test]
async fn file_that_is_older_than_what_a_responder_said_brings_nobody_back() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    let store = store(rules());
    bank.says(&about, &revoked(None), 100);
    asked(&store, &about, 0).await;

    store.replace_files(files(&bank.authority.list_as_of(-HOUR, &[], DAY)));
    assert_eq!(asked(&store, &about, 50).await, known(gone(), Method::Ocsp), "the responder is asked");
    *bank.ocsp.lock() = ok("");
    assert_eq!(asked(&store, &about, 200).await, still(Method::Ocsp));
    // What her file says besides changes nothing about that.
    store.replace_files(files(&bank.authority.list_as_of(-30, &[&[5]], DAY)));
    assert_eq!(asked(&store, &about, 300).await, known(gone(), Method::Crl));
    store.replace_files(files(&bank.authority.list_as_of(-HOUR, &[], DAY)));
    assert_eq!(asked(&store, &about, 400).await, still(Method::Crl));

    store.replace_files(files(&bank.authority.list_as_of(-30, &[], DAY)));
    assert_eq!(asked(&store, &about, 500).await, known(Status::Good, Method::Crl));
}

#[tokio::test]
async fn of_two_files_of_one_time_the_one_that_revokes_counts_whatever_their_order() {
    let bank = Responder::start().await;
    let (good, revoking) = (bank.authority.list(&[], DAY), bank.authority.list(&[&[5]], DAY));
    for lists in [[&good, &revoking], [&revoking, &good]] {
        let files = CrlFiles::new(lists.iter().flat_map(|list| crl::read(list.to_vec()).unwrap()).collect());
        assert_eq!(asked(&store_with(rules(), files), &bank.client(5), 0).await, known(gone(), Method::Crl));
    }
}

#[tokio::test]
async fn operator_may_put_an_older_file_in_the_place_of_her_own_and_nobody_else_may() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    let hers = files(&bank.authority.list(&[&[5]], DAY));
    let store = store_with(rules(), hers);
    assert_eq!(asked(&store, &about, 0).await, known(gone(), Method::Crl));

    store.replace_files(files(&bank.authority.list_as_of(-HOUR, &[], DAY)));
    assert_eq!(asked(&store, &about, 0).await, known(Status::Good, Method::Crl));

    store.replace_files(files(&bank.authority.list(&[&[5]], 100)));
    assert_eq!(asked(&store, &about, 0).await, known(gone(), Method::Crl));
    bank.says_as_of(-HOUR, &about, GOOD, DAY);
    assert_eq!(asked(&store, &about, 200).await, still(Method::Crl), "her list has ended, and still revokes");
}

#[tokio::test]
async fn older_file_clears_nobody_where_the_newest_has_ended() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    let (older, newest) = (bank.authority.list_as_of(-DAY, &[], DAY), bank.authority.list_as_of(-HOUR, &[&[5]], 100));
    let both =
        || CrlFiles::new([&older, &newest].into_iter().flat_map(|list| crl::read(list.clone()).unwrap()).collect());
    bank.says(&about, &revoked(None), DAY);

    let store = store_with(rules(), both());
    assert_eq!(asked(&store, &about, 0).await, known(gone(), Method::Crl));
    assert_eq!(asked(&store, &about, 200).await, known(gone(), Method::Ocsp), "it was revoked after the older list");
    assert_eq!(asked(&store_with(rules(), both()), &about, 200).await, known(gone(), Method::Ocsp), "after a start");
    let alone = store_with(rules(), files(&older));
    assert_eq!(asked(&alone, &about, 200).await, known(Status::Good, Method::Crl));
    let revoking = CrlFiles::new(
        [&newest, &bank.authority.list_as_of(-DAY, &[&[5]], DAY)]
            .into_iter()
            .flat_map(|list| crl::read(list.clone()).unwrap())
            .collect(),
    );
    assert_eq!(asked(&store_with(rules(), revoking), &about, 200).await, known(gone(), Method::Crl), "it may revoke");
}

#[tokio::test]
async fn fetched_list_gives_way_to_no_older_one_under_other_rules_either() {
    let bank = Responder::start().await;
    let only = Revocation { methods: vec![Method::Crl], ..rules() };
    let before = store(only.clone());
    bank.lists(&[&[5], &[6]], DAY);
    asked(&before, &bank.client(6), 0).await;
    *bank.crl.lock() = ok(bank.authority.list_as_of(-HOUR, &[], DAY));

    let other = Revocation { crl_refresh: Duration::from_secs(100), ..only };
    let no_files = CrlFiles::new(Vec::new());
    let after = RevocationStore::following(Some(&before), &other, no_files, Arc::new(Metrics::new())).unwrap();

    assert_eq!(asked(&after, &bank.client(5), 10).await, known(gone(), Method::Crl));
    assert_eq!(bank.origin.asked("/crl"), 2, "a newer one is looked for at once");
}

/// What whoever asks `store` is told while `meanwhile` happens and the responder says that the certificate is revoked; from
/// then on it says something older.
async fn revoked_while(store: &Arc<RevocationStore>, bank: &Responder, meanwhile: impl FnOnce()) -> Standing {
    let about = bank.client(5);
    bank.says(&about, &revoked(None), DAY);
    let held = bank.origin.answering.write().await;
    let asking = tokio::spawn({
        let (store, about) = (Arc::clone(store), Arc::clone(&about));
        async move { store.answer(&about, now(0)).await }
    });
    until(|| bank.origin.asked("/ocsp") > 0).await;
    meanwhile();
    drop(held);
    let answered = bank.origin.answering.write().await;
    bank.says_as_of(-HOUR, &about, GOOD, DAY);
    drop(answered);
    asking.await.unwrap()
}

#[tokio::test]
async fn who_was_revoked_while_rules_or_files_were_replaced_stays_so() {
    let bank = Responder::start().await;
    let only = Revocation { methods: vec![Method::Ocsp], ..rules() };
    let before = store(only);
    let no_files = CrlFiles::new(Vec::new());
    let after = RevocationStore::following(Some(&before), &rules(), no_files, Arc::new(Metrics::new())).unwrap();
    assert_eq!(revoked_while(&before, &bank, || before.give_way()).await, known(gone(), Method::Ocsp));
    assert_eq!(asked(&after, &bank.client(5), 10).await, still(Method::Ocsp));

    let bank = Responder::start().await;
    let store = store(rules());
    let ended = files(&bank.authority.list_as_of(-DAY, &[], -HOUR));
    assert_eq!(revoked_while(&store, &bank, || store.replace_files(ended)).await, still(Method::Ocsp));
}

#[tokio::test]
async fn older_answer_that_was_asked_for_before_the_revocation_was_told_does_not_replace_it() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    let before = store(rules());
    let other = Revocation { methods: vec![Method::Ocsp], ..rules() };
    let no_files = CrlFiles::new(Vec::new());
    let after = RevocationStore::following(Some(&before), &other, no_files, Arc::new(Metrics::new())).unwrap();
    bank.says_as_of(-HOUR, &about, GOOD, DAY);
    let held = bank.origin.answering.write().await;
    let asking = tokio::spawn({
        let (after, about) = (Arc::clone(&after), Arc::clone(&about));
        async move { after.answer(&about, now(0)).await }
    });
    until(|| bank.origin.asked("/ocsp") > 0).await;
    let told = Answer { status: gone(), this_update: now(-60), until: now(DAY) };
    let source = Source::Asked(Method::Ocsp);
    let revoked = RevokedAsOf::default().after(source, &told);
    let gone = Held { status: gone(), source: Source::Asked(Method::Ocsp), received: 0, until: 0, revoked };
    before.answers.insert(about.key(), Arc::new(Entry::holding(0, gone, before.service, 0)));
    drop(held);

    assert_eq!(asking.await.unwrap(), still(Method::Ocsp));
    assert_eq!(after.known(&about, now(0)), still(Method::Ocsp));
}

#[tokio::test]
async fn mirror_that_lags_behind_is_asked_again_soon() {
    let bank = Responder::start().await;
    let only = Revocation { methods: vec![Method::Crl], ..rules() };
    let store = store(only);
    bank.lists(&[], DAY);
    asked(&store, &bank.client(5), 0).await;
    *bank.crl.lock() = ok(bank.authority.list_as_of(-HOUR, &[], DAY));
    assert_eq!(asked(&store, &bank.client(5), 2 * HOUR).await, known(Status::Good, Method::Crl));

    *bank.crl.lock() = ok(bank.authority.list_as_of(-30, &[&[5]], DAY));

    assert_eq!(asked(&store, &bank.client(5), 2 * HOUR + 60).await, known(gone(), Method::Crl));
}
