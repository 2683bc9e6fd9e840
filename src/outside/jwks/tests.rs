#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests state what they need")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::StatusCode;

use super::*;
use crate::outside::origin::{Answer, Origin, ok, status, until};

const HOUR: Duration = Duration::from_secs(3600);
const ASK: usize = 0;

/// Retries without delay, and as promised otherwise.
const HASTY: Pace = Pace { first_retry: Duration::from_millis(1), ..Pace::PROMISED };
/// Lets every unknown key make a fetch.
const CURIOUS: Pace = Pace { asking: Duration::ZERO, ..Pace::PROMISED };

fn store_from(pace: Pace, issuer: &str, location: KeyLocation, refresh: Duration) -> Arc<KeyStore> {
    let source = KeySource { issuer: issuer.into(), location, refresh, authorities: None, awaited: true };
    let metrics = Arc::new(Metrics::new());
    KeyStore::at_pace(pace, &|_| None, vec![source], Duration::from_secs(20), 0, metrics).unwrap()
}

fn store_at(origin: &Origin, pace: Pace) -> Arc<KeyStore> {
    store_from(pace, "https://as.bank.example", KeyLocation::At(KeyPlace::Address(origin.at("/jwks"))), HOUR)
}

/// The public key of RFC 8037, appendix A.2, under a name.
fn key_set(kid: &str) -> String {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}]}}"#)
}

fn holds(store: &KeyStore, kid: &str) -> bool {
    let expected = KeySet::parse(key_set(kid).as_bytes()).unwrap();
    store.ring().sets()[0].as_deref() == Some(&expected)
}

/// Every answer is another key set: `0`, `1`, ...
async fn rotating() -> Origin {
    let count = AtomicUsize::new(0);
    Origin::start(move |_| ok(key_set(&count.fetch_add(1, Ordering::Relaxed).to_string()))).await
}

#[tokio::test]
async fn unknown_key_asked_for_by_many_at_once_makes_one_fetch_for_which_all_wait() {
    let origin = rotating().await;
    let store = store_at(&origin, CURIOUS);
    let held = origin.answering.write().await;
    let mut askers = JoinSet::new();
    for _ in 0..50 {
        let store = Arc::clone(&store);
        askers.spawn(async move {
            store.answer(ASK).await;
            holds(&store, "0")
        });
    }
    until(|| origin.asked("/jwks") > 0).await;

    drop(held);

    assert!(askers.join_all().await.into_iter().all(|held| held));
    assert_eq!(origin.asked("/jwks"), 1);
}

#[tokio::test]
async fn second_unknown_key_within_ten_seconds_makes_no_fetch() {
    let origin = rotating().await;
    let store = store_at(&origin, Pace::PROMISED);
    store.answer(ASK).await;
    store.answer(ASK).await;
    assert_eq!(origin.asked("/jwks"), 1);
    assert_eq!(Pace::PROMISED.asking, Duration::from_secs(10));

    let store = store_at(&origin, CURIOUS);
    store.answer(ASK).await;
    store.answer(ASK).await;
    assert_eq!(origin.asked("/jwks"), 3, "once the time is over, a fetch is made again");
}

#[tokio::test]
async fn fetch_at_start_does_not_count_as_the_one_in_ten_seconds() {
    let origin = rotating().await;
    let store = store_at(&origin, Pace::PROMISED);
    let running = tokio::spawn(Arc::clone(&store).run());
    until(|| holds(&store, "0")).await;

    store.answer(ASK).await;

    assert!(holds(&store, "1"));
    running.abort();
}

#[tokio::test]
async fn question_about_no_issuer_is_answered_with_nothing() {
    let origin = rotating().await;
    store_at(&origin, CURIOUS).answer(7).await;
    assert_eq!(origin.asked("/jwks"), 0);
}

#[tokio::test]
async fn asker_who_goes_away_does_not_end_the_fetch() {
    let origin = rotating().await;
    let store = store_at(&origin, Pace::PROMISED);
    let held = origin.answering.write().await;
    let asker = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.answer(ASK).await }
    });
    until(|| origin.asked("/jwks") > 0).await;

    asker.abort();
    assert!(asker.await.unwrap_err().is_cancelled());
    drop(held);

    until(|| holds(&store, "0")).await;
}

#[tokio::test]
async fn last_good_set_stays_when_a_fetch_fails() {
    let broken = Arc::new(AtomicUsize::new(0));
    let answer = {
        let broken = Arc::clone(&broken);
        move |_: &str| -> Answer {
            match broken.load(Ordering::Relaxed) {
                0 => ok(key_set("good")),
                1 => status(StatusCode::INTERNAL_SERVER_ERROR),
                2 => ok("not a key set"),
                3 => ok(vec![b' '; KeySet::MAX_BYTES + 1]),
                _ => status(StatusCode::TEMPORARY_REDIRECT),
            }
        }
    };
    let origin = Origin::start(answer).await;
    let store = store_at(&origin, CURIOUS);
    store.answer(ASK).await;
    let before = store.ring.load_full();

    for fault in 1..=4 {
        broken.store(fault, Ordering::Relaxed);
        store.answer(ASK).await;
        assert_eq!(origin.asked("/jwks"), fault + 1);
        assert!(Arc::ptr_eq(&before, &store.ring.load_full()), "{fault}");
    }
    assert!(store.missing().is_empty());
}

#[tokio::test]
async fn ring_and_its_memory_are_replaced_only_when_keys_change() {
    let changed = Arc::new(AtomicBool::new(false));
    let answer = {
        let changed = Arc::clone(&changed);
        move |_: &str| ok(key_set(if changed.load(Ordering::Relaxed) { "new" } else { "old" }))
    };
    let origin = Origin::start(answer).await;
    let store = store_at(&origin, CURIOUS);
    store.answer(ASK).await;
    let before = store.ring.load_full();

    store.answer(ASK).await;
    assert!(Arc::ptr_eq(&before, &store.ring.load_full()));

    changed.store(true, Ordering::Relaxed);
    store.answer(ASK).await;
    assert!(holds(&store, "new"));
}

#[tokio::test]
async fn empty_set_replaces_a_good_one_and_leaves_the_issuer_without_keys() {
    let emptied = Arc::new(AtomicBool::new(false));
    let answer = {
        let emptied = Arc::clone(&emptied);
        move |_: &str| ok(if emptied.load(Ordering::Relaxed) { r#"{"keys":[]}"#.to_owned() } else { key_set("a") })
    };
    let origin = Origin::start(answer).await;
    let store = store_at(&origin, CURIOUS);
    let missing = |why: Option<&str>| [Missing { issuer: "https://as.bank.example".into(), why: why.map(Into::into) }];
    assert_eq!(store.missing(), missing(None));
    store.answer(ASK).await;
    assert!(store.missing().is_empty());

    emptied.store(true, Ordering::Relaxed);
    store.answer(ASK).await;

    assert_eq!(store.missing(), missing(Some("the key set is empty")));
    assert!(store.ring().sets()[0].as_ref().is_some_and(|set| set.is_empty()), "it counts as fetched");
}

#[tokio::test]
async fn failed_or_empty_first_fetch_is_tried_again_soon_and_a_good_one_after_the_interval() {
    let count = AtomicUsize::new(0);
    let answer = move |_: &str| match count.fetch_add(1, Ordering::Relaxed) {
        0 => status(StatusCode::SERVICE_UNAVAILABLE),
        1 => ok(r#"{"keys":[]}"#),
        _ => ok(key_set("a")),
    };
    let origin = Origin::start(answer).await;
    let store = store_at(&origin, HASTY);
    let running = tokio::spawn(Arc::clone(&store).run());
    until(|| store.missing().is_empty()).await;
    assert_eq!(origin.asked("/jwks"), 3);
    running.abort();

    let refresh = Duration::from_millis(1);
    let store = store_from(HASTY, "https://a", KeyLocation::At(KeyPlace::Address(origin.at("/jwks"))), refresh);
    let running = tokio::spawn(store.run());
    until(|| origin.asked("/jwks") > 6).await;
    running.abort();
}

#[tokio::test]
async fn keys_of_the_store_before_serve_at_once_and_are_fetched_anew() {
    let origin = rotating().await;
    let before = store_at(&origin, HASTY);
    before.first_fetch().await;
    let source = KeySource { refresh: HOUR, awaited: false, ..before.issuers[0].source.clone() };
    let metrics = Arc::new(Metrics::new());
    let after = KeyStore::following(Some(&before), vec![source], Duration::from_secs(2), 0, metrics).unwrap();
    assert!(holds(&after, "0"));

    // Each reload would give a key that was withdrawn another interval.
    let running = tokio::spawn(Arc::clone(&after).run());

    until(|| holds(&after, "1")).await;
    running.abort();
}

#[tokio::test]
async fn store_that_no_longer_runs_fetches_no_more() {
    let origin = rotating().await;
    let store = store_from(HASTY, "https://a", KeyLocation::At(KeyPlace::Address(origin.at("/jwks"))), HOUR);
    let running = tokio::spawn(Arc::clone(&store).run());
    until(|| holds(&store, "0")).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    until(|| Arc::strong_count(&store) == 1).await;
}

#[tokio::test]
async fn keys_are_discovered_in_either_form_of_metadata() {
    for well_known in ["/tenant/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/tenant"] {
        let origin = discoverable(well_known, "/tenant").await;
        let issuer = origin.at("/tenant").to_string();
        let store = store_from(CURIOUS, &issuer, KeyLocation::Discovery, HOUR);

        store.answer(ASK).await;

        assert!(holds(&store, "discovered"), "{well_known}");
        assert_eq!(origin.asked("/keys"), 1);
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_is_refused() {
    let origin = discoverable("/.well-known/openid-configuration", "/evil").await;
    let issuer = origin.at("").to_string();
    let store = store_from(CURIOUS, issuer.trim_end_matches('/'), KeyLocation::Discovery, HOUR);

    store.answer(ASK).await;

    assert_eq!(origin.asked("/.well-known/openid-configuration"), 1);
    assert_eq!(origin.asked("/.well-known/oauth-authorization-server"), 1);
    assert_eq!(origin.asked("/keys"), 0);
    let missing = store.missing();
    let why = missing[0].why.as_deref().unwrap();
    let (place, ours) = (issuer.as_str(), issuer.trim_end_matches('/'));
    let expected = format!(
        "neither form of metadata: {place}.well-known/openid-configuration: the metadata is about another issuer: \
         `{ours}/evil`, and not `{ours}`; {place}.well-known/oauth-authorization-server: the answer has status 404, only \
         200 counts"
    );
    assert_eq!(why, expected);
}

#[tokio::test]
async fn failure_names_the_place_and_is_forgotten_with_the_next_success() {
    let broken = Arc::new(AtomicBool::new(true));
    let answer = {
        let broken = Arc::clone(&broken);
        move |_: &str| if broken.load(Ordering::Relaxed) { ok("no keys") } else { ok(key_set("a")) }
    };
    let origin = Origin::start(answer).await;
    let store = store_at(&origin, CURIOUS);

    store.answer(ASK).await;
    let why = store.missing()[0].why.clone().unwrap();
    assert!(why.starts_with(&format!("{}: the key set cannot be read: ", origin.at("/jwks"))), "{why}");

    broken.store(false, Ordering::Relaxed);
    store.answer(ASK).await;
    assert_eq!(*store.issuers[ASK].failure.lock(), None);
}

#[tokio::test]
async fn https_at_a_port_that_does_not_speak_tls_is_told_as_that() {
    let origin = rotating().await;
    let address = format!("https://{}/jwks", origin.address);
    let store = store_from(CURIOUS, "https://a", KeyLocation::At(KeyPlace::Address(address.parse().unwrap())), HOUR);

    store.answer(ASK).await;

    let why = store.missing()[0].why.clone().unwrap();
    assert!(why.starts_with(&address) && why.ends_with(": it does not speak TLS"), "{why}");
}

#[tokio::test]
async fn keys_in_a_file_are_there_at_once_and_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    std::fs::write(&path, key_set("old")).unwrap();
    let store = store_from(CURIOUS, "https://as.bank.example", KeyLocation::At(KeyPlace::File(path.clone())), HOUR);
    assert!(holds(&store, "old"));

    std::fs::write(&path, key_set("new")).unwrap();
    store.answer(ASK).await;
    assert!(holds(&store, "new"));

    std::fs::remove_file(&path).unwrap();
    store.answer(ASK).await;
    assert!(holds(&store, "new"), "the last good set stays");
}

#[test]
fn file_that_is_none_any_more_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("keys.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());

    let error = read_file(&pipe).unwrap_err().to_string();

    assert!(error.ends_with("keys.json: the file cannot be read: it is not a regular file"), "{error}");
}

#[tokio::test]
async fn successful_fetch_is_noted_in_the_metrics() {
    let origin = rotating().await;
    let store = store_at(&origin, CURIOUS);
    let never = r#"certbound_jwks_last_success_timestamp_seconds{issuer="https://as.bank.example"} 0"#;
    assert!(store.metrics.encode().0.lines().any(|line| line == never), "an alert on it has something to select");
    assert_eq!(store.metrics.keys_last_fetched("https://as.bank.example"), None);
    store.answer(ASK).await;
    let (text, _) = store.metrics.encode();
    for name in [
        r#"certbound_jwks_last_success_timestamp_seconds{issuer="https://as.bank.example"} 1"#,
        r#"http_client_request_duration_seconds_count{peer="jwks"} 1"#,
    ] {
        assert!(text.contains(name), "{name} is not in\n{text}");
    }
}

/// An authorization server that says at `well_known` that it is the issuer at `issuer` and that its keys are at `/keys`.
async fn discoverable(well_known: &'static str, issuer: &'static str) -> Origin {
    let base = Arc::new(Mutex::new(String::new()));
    let answer = {
        let base = Arc::clone(&base);
        move |path: &str| {
            let base = base.lock();
            match path {
                "/keys" => ok(key_set("discovered")),
                path if path == well_known => {
                    ok(format!(r#"{{"issuer":"{base}{issuer}","jwks_uri":"{base}/keys","scopes_supported":[]}}"#))
                }
                _ => status(StatusCode::NOT_FOUND),
            }
        }
    };
    let origin = Origin::start(answer).await;
    *base.lock() = format!("http://{}", origin.address);
    origin
}

/// Or an alert would wait for them for ever.
#[tokio::test]
async fn issuer_without_keys_any_more_leaves_the_metrics() {
    let origin = rotating().await;
    let store = store_at(&origin, CURIOUS);
    let follow = |issuer: &str, location| {
        let source = KeySource { issuer: issuer.into(), location, refresh: HOUR, authorities: None, awaited: true };
        let metrics = Arc::clone(&store.metrics);
        KeyStore::following(Some(&store), vec![source], Duration::from_secs(20), 0, metrics).unwrap()
    };
    let told = || store.metrics.encode().0.matches("certbound_jwks_last_success_timestamp_seconds{").count();
    let at = || KeyLocation::At(KeyPlace::Address(origin.at("/jwks")));

    store.give_way_to(&follow("https://as.bank.example", at()));
    assert_eq!(told(), 1);
    store.give_way_to(&follow("https://as.bank.example", KeyLocation::Nowhere));
    assert_eq!(told(), 0);
    store.give_way_to(&follow("https://other.bank.example", at()));
    store.answer(ASK).await;
    assert_eq!((told(), holds(&store, "0")), (1, true), "a late fetch of the one before brings nothing back");
}
