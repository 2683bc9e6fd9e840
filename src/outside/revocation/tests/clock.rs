//! A clock that runs ahead for a while and is set back.

use super::*;

const DAY: i64 = 24 * HOUR;

#[tokio::test]
async fn silence_of_a_clock_that_was_ahead_is_forgotten_when_it_is_set_back() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, HOUR);
    let store = store(rules());
    assert_eq!(asked(&store, &about, DAY).await, Standing::Unavailable, "its answers have ended by then");

    assert_eq!(asked(&store, &about, 0).await, known(Status::Good, Method::Ocsp));
}

#[tokio::test]
async fn answer_of_a_clock_that_was_ahead_is_asked_for_anew_and_serves_no_longer_as_a_stale_one() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, 3 * DAY);
    let store = store(Revocation { max_stale: Some(Duration::from_secs(60)), ..rules() });
    assert_eq!(asked(&store, &about, DAY).await, known(Status::Good, Method::Ocsp));
    assert_eq!(store.known(&about, now(DAY - 4)), known(Status::Good, Method::Ocsp));

    *bank.ocsp.lock() = status(StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(store.known(&about, now(0)), Standing::NotAsked);
    let stale = Standing::Known { status: Status::Good, method: Method::Ocsp, stale: true };
    assert_eq!(asked(&store, &about, 0).await, stale);
    assert_eq!(asked(&store, &about, 65).await, Standing::Unavailable, "counted by the clock that was set back");
}

#[tokio::test]
async fn answer_of_a_clock_that_was_ahead_is_none_when_no_other_can_be_had_and_stale_ones_do_not_count() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, 3 * DAY);
    let store = store(rules());
    assert_eq!(asked(&store, &about, DAY).await, known(Status::Good, Method::Ocsp));

    *bank.ocsp.lock() = status(StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(asked(&store, &about, 0).await, Standing::Unavailable);
}

#[tokio::test]
async fn revoked_certificate_stays_so_when_the_clock_is_set_back() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, &revoked(None), 3 * DAY);
    let store = store(rules());
    assert_eq!(asked(&store, &about, DAY).await, known(gone(), Method::Ocsp));

    *bank.ocsp.lock() = status(StatusCode::INTERNAL_SERVER_ERROR);
    let stale = Standing::Known { status: gone(), method: Method::Ocsp, stale: true };
    assert_eq!(asked(&store, &about, 0).await, stale);
}

#[tokio::test]
async fn list_that_was_fetched_by_a_clock_that_was_ahead_is_fetched_anew() {
    let bank = Responder::start().await;
    bank.lists(&[], 3 * DAY);
    let store = store(Revocation { methods: vec![Method::Crl], ..rules() });
    assert_eq!(asked(&store, &bank.client(1), DAY).await, known(Status::Good, Method::Crl));

    bank.lists(&[&[2]], HOUR);
    assert_eq!(asked(&store, &bank.client(2), 0).await, known(gone(), Method::Crl));
    assert_eq!(bank.origin.asked("/crl"), 2);
}
