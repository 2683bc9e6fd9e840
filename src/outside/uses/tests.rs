#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

#[path = "../../../tests/support/redis.rs"]
#[expect(dead_code, reason = "other tests ask more of it")]
mod redis;
mod shared;

use std::time::Duration;

use super::*;

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

fn proof(jti: &str) -> SingleUse {
    SingleUse::new(Purpose::Proof, b"key", jti, at(100))
}

fn store(remembered: usize) -> (Arc<UseStore>, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new());
    (UseStore::new(Uses { remembered, shared: None }, Arc::clone(&metrics)).unwrap(), metrics)
}

fn count(metrics: &Metrics, result: &str) -> u64 {
    let name = format!("certbound_single_uses_total{{result=\"{result}\"}} ");
    metrics.encode().0.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap()
}

#[tokio::test]
async fn first_use_is_the_only_one() {
    let (store, metrics) = store(10);

    assert_eq!(store.answer(&proof("a"), at(50)).await, Use::First);
    assert_eq!(store.answer(&proof("a"), at(50)).await, Use::Again);
    assert_eq!(store.answer(&proof("b"), at(50)).await, Use::First);

    assert_eq!(["first", "again", "unknown"].map(|result| count(&metrics, result)), [2, 1, 0]);
}

#[tokio::test]
async fn memory_without_room_vouches_for_nothing_new() {
    let (store, metrics) = store(1);

    assert_eq!(store.answer(&proof("a"), at(50)).await, Use::First);
    assert_eq!(store.answer(&proof("b"), at(50)).await, Use::NoRoom);
    assert_eq!(store.answer(&proof("a"), at(50)).await, Use::Again);

    assert_eq!(count(&metrics, "unknown"), 1);
}

/// Or whoever registers could have every proof refused.
#[tokio::test]
async fn registrations_take_no_room_from_proofs() {
    let (store, _) = store(1);
    let registration = |jti| SingleUse::new(Purpose::Registration, b"software", jti, at(100));

    assert_eq!(store.answer(&registration("a"), at(50)).await, Use::First);
    assert_eq!(store.answer(&registration("b"), at(50)).await, Use::NoRoom);
    assert_eq!(store.answer(&proof("a"), at(50)).await, Use::First);
    assert_eq!(store.answer(&registration("a"), at(50)).await, Use::Again);
}

#[tokio::test]
async fn nothing_is_said_of_what_may_have_been_forgotten() {
    let (store, _) = store(10);

    assert_eq!(store.answer(&proof("a"), at(99)).await, Use::First);
    assert_eq!(store.answer(&proof("a"), at(100)).await, Use::Unknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_requests_with_one_proof_one_is_the_first() {
    let (store, _) = store(100);
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.answer(&proof("a"), at(50)).await })
        })
        .collect();

    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.unwrap());
    }

    assert_eq!(answers.iter().filter(|answer| **answer == Use::First).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == Use::Again).count(), 49);
}
