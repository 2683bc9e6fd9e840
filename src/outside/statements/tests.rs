#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::{Response, StatusCode};
use tokio::task::JoinSet;

use super::*;
use crate::outside::origin::{Origin, ok, status, until};

/// Forgets at once what it read, and never that it could not.
const FORGETFUL: Pace = Pace { directory: Duration::ZERO, named: Duration::ZERO, ..Pace::PROMISED };
/// Asks again at once whatever came of it.
const CURIOUS: Pace = Pace { silence: Duration::ZERO, ..FORGETFUL };
/// Lets every missing key make a fetch.
const HASTY: Pace = Pace { pause: Duration::ZERO, ..Pace::PROMISED };

fn keys_with(pace: Pace, directory: KeyPlace, allowed_hosts: &[&str]) -> Arc<StatementKeys> {
    let allowed_hosts = allowed_hosts.iter().map(|&host| host.to_owned()).collect();
    let source = RegistrationSource { directory, allowed_hosts, authorities: None };
    let metrics = Arc::new(Metrics::new());
    StatementKeys::at_pace(pace, Some(source), Duration::from_secs(20), metrics).unwrap()
}

fn directory_at(origin: &Origin, pace: Pace) -> Arc<StatementKeys> {
    keys_with(pace, KeyPlace::Address(origin.at("/directory")), &[])
}

fn named_on(allowed_hosts: &[&str], pace: Pace) -> Arc<StatementKeys> {
    keys_with(pace, KeyPlace::Address(Uri::from_static("http://nobody.invalid/")), allowed_hosts)
}

fn at(origin: &Origin, path: &str) -> KeysAt {
    KeysAt::Named(origin.at(path).to_string().into())
}

/// The public key of RFC 8037, appendix A.2, under a name.
fn key_set(kid: &str) -> String {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}]}}"#)
}

/// Answers with a key set, or, once told to fail, with a page of excuses or nothing of use.
async fn moody(
    failure: impl Fn() -> crate::outside::origin::Answer + Send + Sync + 'static,
) -> (Origin, Arc<AtomicBool>) {
    let fails = Arc::new(AtomicBool::new(false));
    let mood = Arc::clone(&fails);
    let origin = Origin::start(move |_| match mood.load(Ordering::Relaxed) {
        true => failure(),
        false => ok(key_set("a")),
    });
    (origin.await, fails)
}

/// Every answer is another key set: `0`, `1`, ...
async fn rotating() -> Origin {
    let count = AtomicUsize::new(0);
    Origin::start(move |_| ok(key_set(&count.fetch_add(1, Ordering::Relaxed).to_string()))).await
}

fn text(document: Option<Arc<[u8]>>) -> Option<String> {
    document.map(|document| String::from_utf8(document.to_vec()).unwrap())
}

#[tokio::test]
async fn key_set_asked_for_by_many_at_once_is_fetched_once_and_then_remembered() {
    for (directory, path) in [(true, "/directory"), (false, "/software")] {
        let origin = Origin::start(|_| ok(key_set("a"))).await;
        let (keys, what) = match directory {
            true => (directory_at(&origin, Pace::PROMISED), KeysAt::Directory),
            false => (named_on(&["127.0.0.1"], Pace::PROMISED), at(&origin, path)),
        };
        let held = origin.answering.write().await;
        let mut askers = JoinSet::new();
        for _ in 0..20 {
            let (keys, what) = (Arc::clone(&keys), what.clone());
            askers.spawn(async move { text(keys.answer(&what).await) });
        }
        until(|| origin.asked(path) > 0).await;
        drop(held);

        assert!(askers.join_all().await.into_iter().all(|document| document == Some(key_set("a"))));
        assert_eq!(text(keys.answer(&what).await), Some(key_set("a")));
        assert_eq!(origin.asked(path), 1);
    }
}

#[tokio::test]
async fn more_key_sets_at_once_than_are_remembered_are_all_brought() {
    let origin = Origin::start(|_| ok(key_set("a"))).await;
    let keys = named_on(&["127.0.0.1"], Pace::PROMISED);
    let held = origin.answering.write().await;
    let mut askers = JoinSet::new();
    for number in 0..MOST_NAMED * 3 {
        let (keys, what) = (Arc::clone(&keys), at(&origin, &format!("/software/{number}")));
        askers.spawn(async move { text(keys.answer(&what).await) });
    }
    until(|| (0..MOST_NAMED * 3).all(|number| origin.asked(&format!("/software/{number}")) > 0)).await;
    drop(held);

    let brought = askers.join_all().await;
    assert_eq!(brought.iter().filter(|document| **document == Some(key_set("a"))).count(), MOST_NAMED * 3);
}

#[tokio::test]
async fn key_set_is_read_anew_once_its_time_is_over() {
    let origin = rotating().await;
    for (keys, what) in [
        (directory_at(&origin, FORGETFUL), KeysAt::Directory),
        (named_on(&["127.0.0.1"], FORGETFUL), at(&origin, "/software")),
    ] {
        let first = text(keys.answer(&what).await);
        assert!(first.is_some());
        assert_ne!(text(keys.answer(&what).await), first);
    }
    assert_eq!(Pace::PROMISED.directory, Duration::from_secs(600));
    assert_eq!(Pace::PROMISED.named, Duration::from_secs(300));
}

#[tokio::test]
async fn missing_key_makes_one_fetch_in_ten_seconds_and_everyone_has_what_it_brought() {
    for of_directory in [true, false] {
        let origin = rotating().await;
        let (keys, what) = match of_directory {
            true => (directory_at(&origin, Pace::PROMISED), KeysAt::Directory),
            false => (named_on(&["127.0.0.1"], Pace::PROMISED), at(&origin, "/software")),
        };
        assert_eq!(text(keys.answer(&what).await), Some(key_set("0")));
        assert_eq!(text(keys.answer_anew(&what).await), Some(key_set("1")));
        for _ in 0..3 {
            assert_eq!(text(keys.answer_anew(&what).await), Some(key_set("1")));
            assert_eq!(text(keys.answer(&what).await), Some(key_set("1")));
        }
    }
    assert_eq!(Pace::PROMISED.pause, Duration::from_secs(10));
}

#[tokio::test]
async fn missing_key_makes_a_fetch_again_once_the_pause_is_over() {
    let origin = rotating().await;
    let (keys, what) = (named_on(&["127.0.0.1"], HASTY), at(&origin, "/software"));
    for kid in ["0", "1", "2"] {
        assert_eq!(text(keys.answer_anew(&what).await), Some(key_set(kid)));
    }
    assert_eq!(text(keys.answer(&what).await), Some(key_set("2")));
}

#[tokio::test]
async fn key_missed_by_many_at_once_makes_one_fetch_for_which_all_wait() {
    let origin = rotating().await;
    let (keys, what) = (named_on(&["127.0.0.1"], HASTY), at(&origin, "/software"));
    assert_eq!(text(keys.answer(&what).await), Some(key_set("0")));
    let held = origin.answering.write().await;
    let mut askers = JoinSet::new();
    for _ in 0..20 {
        let (keys, what) = (Arc::clone(&keys), what.clone());
        askers.spawn(async move { text(keys.answer_anew(&what).await) });
    }
    until(|| origin.asked("/software") > 1).await;
    drop(held);

    assert!(askers.join_all().await.into_iter().all(|document| document == Some(key_set("1"))));
    assert_eq!(origin.asked("/software"), 2);
}

#[tokio::test]
async fn last_good_keys_stay_until_their_own_end_when_a_missing_key_has_them_fetched_in_vain() {
    for of_directory in [true, false] {
        let (origin, fails) = moody(|| status(StatusCode::INTERNAL_SERVER_ERROR)).await;
        let (keys, what) = match of_directory {
            true => (directory_at(&origin, Pace::PROMISED), KeysAt::Directory),
            false => (named_on(&["127.0.0.1"], Pace::PROMISED), at(&origin, "/software")),
        };
        keys.answer(&what).await;
        let before = keys.library.as_ref().unwrap().held(&what).unwrap();

        fails.store(true, Ordering::Relaxed);
        for _ in 0..3 {
            assert_eq!(text(keys.answer_anew(&what).await), Some(key_set("a")));
        }

        assert_eq!(text(keys.answer(&what).await), Some(key_set("a")));
        assert_eq!(origin.asked("/directory") + origin.asked("/software"), 2, "a fetch in vain is the one in 10 s");
        let after = keys.library.as_ref().unwrap().held(&what).unwrap();
        assert_eq!((after.document, after.until), (before.document, before.until));
    }
}

#[tokio::test]
async fn missing_key_does_not_hasten_what_is_not_to_be_had() {
    let (origin, fails) = moody(|| status(StatusCode::NOT_FOUND)).await;
    fails.store(true, Ordering::Relaxed);
    let keys = named_on(&["127.0.0.1"], Pace { silence: Duration::from_secs(3600), ..HASTY });
    for _ in 0..3 {
        assert_eq!(keys.answer_anew(&at(&origin, "/software")).await, None);
    }
    assert_eq!(origin.asked("/software"), 1);
}

#[tokio::test]
async fn last_good_keys_of_the_directory_stay_and_those_of_a_statement_do_not() {
    for failure in [
        || status(StatusCode::INTERNAL_SERVER_ERROR),
        || Response::builder().status(302).header("Location", "/elsewhere").body("".into()).unwrap(),
        || ok(vec![b' '; KeySet::MAX_BYTES + 1]),
        || ok("<html>"),
    ] {
        let (origin, fails) = moody(failure).await;
        let (directory, named) = (directory_at(&origin, CURIOUS), named_on(&["127.0.0.1"], CURIOUS));
        let what = at(&origin, "/software");
        assert!(directory.answer(&KeysAt::Directory).await.is_some());
        assert!(named.answer(&what).await.is_some());

        fails.store(true, Ordering::Relaxed);

        assert_eq!(text(directory.answer(&KeysAt::Directory).await), Some(key_set("a")));
        assert_eq!(named.answer(&what).await, None);
        assert_eq!((origin.asked("/directory"), origin.asked("/software"), origin.asked("/elsewhere")), (2, 2, 0));
        fails.store(false, Ordering::Relaxed);
        assert!(named.answer(&what).await.is_some());
    }
}

#[tokio::test]
async fn document_without_a_key_takes_nobodys_place() {
    for useless in ["<html>", r#"{"keys":[]}"#] {
        let (origin, fails) = moody(move || ok(useless)).await;
        let keys = directory_at(&origin, CURIOUS);
        fails.store(true, Ordering::Relaxed);
        assert_eq!(keys.answer(&KeysAt::Directory).await, None);
        fails.store(false, Ordering::Relaxed);
        assert!(keys.answer(&KeysAt::Directory).await.is_some());
        fails.store(true, Ordering::Relaxed);
        assert_eq!(text(keys.answer(&KeysAt::Directory).await), Some(key_set("a")));
    }
}

#[tokio::test]
async fn failure_is_remembered_for_a_second_at_most() {
    let (origin, fails) = moody(|| status(StatusCode::NOT_FOUND)).await;
    fails.store(true, Ordering::Relaxed);
    let keys = named_on(&["127.0.0.1"], Pace { silence: Duration::from_secs(3600), ..Pace::PROMISED });
    for _ in 0..3 {
        assert_eq!(keys.answer(&at(&origin, "/software")).await, None);
    }
    assert_eq!(origin.asked("/software"), 1);
    assert_eq!(Pace::PROMISED.silence, Duration::from_secs(1));
}

#[tokio::test]
async fn address_that_is_not_allowed_is_not_asked() {
    let origin = Origin::start(|_| ok(key_set("a"))).await;
    let elsewhere = at(&origin, "/software");
    let credentials = KeysAt::Named(format!("http://user@{}/software", origin.address).into());
    for (allowed, what) in [
        (&[][..], &elsewhere),
        (&["keystore.example"], &elsewhere),
        (&["127.0.0.1"], &credentials),
        (&["127.0.0.1"], &KeysAt::Named("file:///etc/passwd".into())),
        (&["169.254.169.254"], &KeysAt::Named("http://169.254.169.254/latest/meta-data".into())),
    ] {
        assert_eq!(named_on(allowed, Pace::PROMISED).answer(what).await, None, "{what:?}");
    }
    assert_eq!(origin.asked("/software"), 0);
    let nowhere = named_on(&[], Pace::PROMISED);
    let public = nowhere.library.as_ref().unwrap().named("https://keystore.example/software").await;
    assert!(matches!(public, Err(DocumentError::NoHosts)), "to none at all, not to every public one");
}

#[tokio::test]
async fn directory_in_a_file_is_read_at_start_and_anew_and_stays_when_the_file_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.jwks");
    std::fs::write(&path, key_set("a")).unwrap();
    let keys = keys_with(CURIOUS, KeyPlace::File(path.clone()), &[]);

    std::fs::remove_file(&path).unwrap();
    assert_eq!(text(keys.answer(&KeysAt::Directory).await), Some(key_set("a")));
    std::fs::write(&path, key_set("b")).unwrap();
    assert_eq!(text(keys.answer(&KeysAt::Directory).await), Some(key_set("b")));
    std::fs::write(&path, "{").unwrap();
    assert_eq!(text(keys.answer(&KeysAt::Directory).await), Some(key_set("b")));
}

#[tokio::test]
async fn nobody_is_asked_where_registrations_are_not_configured() {
    let metrics = Arc::new(Metrics::new());
    let keys = StatementKeys::new(None, Duration::from_secs(1), metrics).unwrap();
    assert_eq!(keys.answer(&KeysAt::Directory).await, None);
}
