//! CRL files that are replaced while somebody is asked, and rules that others follow.

use super::*;

#[tokio::test]
async fn list_that_comes_while_a_responder_is_asked_answers_everyone() {
    let (address, asked_by) = raw(Manner::Mute).await;
    let authority = Authority::named("Bank CA");
    let about = Arc::new(authority.client_with(&[5], &[], &[&address]));
    let store = store(Revocation { timeout: Duration::from_secs(2), ..rules() });
    let (early, earlier) = (Arc::clone(&store), Arc::clone(&about));
    let early = tokio::spawn(async move { asked(&early, &earlier, 0).await });
    let begun = Instant::now();
    while asked_by.load(Ordering::Relaxed) == 0 {
        assert!(begun.elapsed() < LONG, "nobody is asked");
        tokio::task::yield_now().await;
    }

    store.replace_files(CrlFiles::new(crl::read(authority.list(&[&[5]], HOUR)).unwrap()));

    assert_eq!(asked(&store, &about, 0).await, known(gone(), Method::Crl));
    assert!(!early.is_finished(), "the list answers, and nobody waits for the responder");
    assert_eq!(early.await.unwrap(), known(gone(), Method::Crl));
    assert_eq!(store.known(&about, now(0)), known(gone(), Method::Crl));
}

#[tokio::test]
async fn answers_hold_whose_issuer_has_the_same_lists_as_before_and_no_others() {
    let (bank, other) = (Responder::start().await, Authority::named("Other CA"));
    let (about, listed) = (bank.client(5), Arc::new(other.client(&[5], &[])));
    let files =
        |lists: &[&Vec<u8>]| CrlFiles::new(lists.iter().flat_map(|list| crl::read(list.to_vec()).unwrap()).collect());
    let (good, empty) = (other.list(&[], HOUR), other.list(&[], 2 * HOUR));
    let store = store_with(rules(), files(&[&good]));
    bank.says(&about, GOOD, HOUR);
    asked(&store, &about, 0).await;
    asked(&store, &listed, 0).await;

    store.replace_files(files(&[&good]));
    assert_eq!(store.known(&listed, now(0)), known(Status::Good, Method::Crl), "the same bytes");
    for changed in [files(&[&good, &empty]), files(&[&empty]), files(&[]), files(&[&other.list(&[&[5]], HOUR)])] {
        store.replace_files(changed);
        assert_eq!(store.known(&listed, now(0)), Standing::NotAsked);
        assert_eq!(store.known(&about, now(0)), known(Status::Good, Method::Ocsp), "they are another issuer's");
        asked(&store, &listed, 0).await;
    }
    assert_eq!(store.known(&listed, now(0)), known(gone(), Method::Crl));

    let own = bank.authority.list(&[&[5]], HOUR);
    store.replace_files(files(&[&good, &own]));
    assert_eq!(store.known(&about, now(0)), Standing::NotAsked);
    assert_eq!(asked(&store, &about, 0).await, known(gone(), Method::Crl));
    assert_eq!(bank.origin.asked("/ocsp"), 1);
}

#[tokio::test]
async fn store_that_gave_way_tells_who_asks_and_remembers_nothing() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, &revoked(None), HOUR);
    let before = store(rules());
    let no_files = CrlFiles::new(Vec::new());
    let after = RevocationStore::following(Some(&before), &rules(), no_files, Arc::new(Metrics::new())).unwrap();
    before.give_way();
    assert_eq!(asked(&after, &about, 0).await, known(gone(), Method::Ocsp));

    assert_eq!(before.answer(&about, now(0)).await, known(gone(), Method::Ocsp));

    assert_eq!(after.known(&about, now(0)), known(gone(), Method::Ocsp));
}

/// What follows `before` under these rules.
fn following(before: &RevocationStore, rules: Revocation) -> Arc<RevocationStore> {
    let no_files = CrlFiles::new(Vec::new());
    RevocationStore::following(Some(before), &rules, no_files, Arc::new(Metrics::new())).unwrap()
}

#[tokio::test]
async fn where_others_are_asked_everybody_is_asked_again_and_nobody_is_forgotten() {
    let bank = Responder::start().await;
    let (gone_by_then, good) = (bank.client(5), bank.client(6));
    let lenient = Revocation { max_stale: Some(Duration::from_secs(1000)), ..rules() };
    let before = store(lenient.clone());
    bank.says(&gone_by_then, &revoked(None), HOUR);
    asked(&before, &gone_by_then, 0).await;
    bank.says(&good, GOOD, HOUR);
    asked(&before, &good, 0).await;

    for others in [
        Revocation { methods: vec![Method::Ocsp], ..lenient.clone() },
        Revocation { allowed_hosts: vec!["127.0.0.1".to_owned()], ..lenient },
    ] {
        let after = following(&before, others);
        assert_eq!(after.known(&good, now(1)), Standing::NotAsked);
        assert_eq!(asked(&after, &good, 1).await, known(Status::Good, Method::Ocsp));
    }

    *bank.ocsp.lock() = status(StatusCode::INTERNAL_SERVER_ERROR);
    let strict = following(&before, Revocation { methods: vec![Method::Ocsp], ..rules() });
    let still = Standing::Known { status: gone(), method: Method::Ocsp, stale: true };
    assert_eq!(asked(&strict, &gone_by_then, 1).await, still);
    assert_eq!(asked(&strict, &good, 1).await, Standing::Unavailable, "old answers are not taken any more");
    assert_eq!(before.known(&good, now(1)), Standing::NotAsked, "what one store was told is no answer of the other");
}

#[tokio::test]
async fn where_the_same_are_asked_answers_serve_on_as_long_as_the_new_rules_say() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, HOUR);
    let before = store(rules());
    asked(&before, &about, 0).await;
    *bank.ocsp.lock() = status(StatusCode::SERVICE_UNAVAILABLE);

    let slow = following(&before, Revocation { timeout: Duration::from_secs(2), ..rules() });
    assert_eq!(slow.known(&about, now(100)), known(Status::Good, Method::Ocsp));
    let short = following(&before, Revocation { cache_ttl: Duration::from_secs(10), ..rules() });
    assert_eq!(short.known(&about, now(9)), known(Status::Good, Method::Ocsp));
    assert_eq!(short.known(&about, now(10)), Standing::NotAsked);

    let lenient = |seconds| Revocation { max_stale: Some(Duration::from_secs(seconds)), ..rules() };
    let stale = Standing::Known { status: Status::Good, method: Method::Ocsp, stale: true };
    let day = following(&before, lenient(24 * 3600));
    assert_eq!(asked(&day, &about, 4000).await, stale, "it came before old answers were taken");
    let hour = following(&day, lenient(5000));
    assert_eq!(asked(&hour, &about, 4990).await, stale);
    assert_eq!(asked(&hour, &about, 5020).await, Standing::Unavailable, "since it came, not since it was asked for");
}

fn only_lists() -> Revocation {
    Revocation { methods: vec![Method::Crl], ..rules() }
}

#[tokio::test]
async fn list_at_hand_serves_no_longer_than_the_new_rules_say() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    let before = store(only_lists());
    bank.lists(&[], HOUR);
    asked(&before, &about, 0).await;
    *bank.crl.lock() = status(StatusCode::SERVICE_UNAVAILABLE);
    let brief = Revocation { crl_refresh: Duration::from_secs(2), ..only_lists() };

    let after = following(&before, brief.clone());
    assert_eq!(after.known(&about, now(2)), Standing::NotAsked);
    assert_eq!(asked(&after, &about, 20).await, known(Status::Good, Method::Crl), "nobody has a newer one");
    assert_eq!(after.known(&about, now(22)), Standing::NotAsked);

    bank.lists(&[&[5]], HOUR);
    let after = following(&before, brief);
    assert_eq!(asked(&after, &about, 30).await, known(gone(), Method::Crl));
}

#[tokio::test]
async fn list_from_where_one_may_not_ask_any_more_answers_nothing_and_gives_way_to_no_older_one() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    let before = store(only_lists());
    bank.lists(&[], HOUR);
    asked(&before, &about, 0).await;

    let elsewhere = Revocation { allowed_hosts: vec!["crl.bank.example".to_owned()], ..only_lists() };
    for shut in [elsewhere, Revocation { allow_private_addresses: false, ..only_lists() }] {
        let shut = following(&before, shut);
        assert_eq!(asked(&shut, &about, 1).await, Standing::Unavailable);
        *bank.crl.lock() = ok(bank.authority.list_as_of(-HOUR, &[&[5]], HOUR));
        let open = following(&shut, only_lists());
        assert_eq!(asked(&open, &about, 20).await, known(Status::Good, Method::Crl), "the newer one is still at hand");
    }
}
