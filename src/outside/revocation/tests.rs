#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests state what they need")]

mod clock;
mod ends;
mod forms;
mod named;
mod older;
mod places;
mod replaced;
mod silence;
mod useless;

use std::sync::atomic::AtomicUsize;

use http::{Method as Verb, StatusCode, header::CONTENT_TYPE};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinSet,
};

use super::*;
use crate::{
    certificate::revocation::{
        crl,
        minted::{Authority, GOOD, Said, UNKNOWN, now, revoked, time},
    },
    outside::origin::{Answer as Reply, Origin, ok, status, until},
};

const HOUR: i64 = 3600;
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(50);

fn rules() -> Revocation {
    Revocation {
        methods: vec![Method::Ocsp, Method::Crl],
        timeout: LONG,
        cache_ttl: Duration::from_secs(2 * 3600),
        max_stale: None,
        crl_refresh: Duration::from_secs(2 * 3600),
        allowed_hosts: Vec::new(),
        allow_private_addresses: true,
        crl_files: Vec::new(),
    }
}

fn store(rules: Revocation) -> Arc<RevocationStore> {
    store_with(rules, CrlFiles::new(Vec::new()))
}

fn store_with(rules: Revocation, files: CrlFiles) -> Arc<RevocationStore> {
    let metrics = Arc::new(Metrics::new());
    RevocationStore::setting_aside_for(Duration::from_secs(600), None, &rules, files, metrics).unwrap()
}

fn known(status: Status, method: Method) -> Standing {
    Standing::Known { status, method, stale: false }
}

fn gone() -> Status {
    Status::Revoked { since: now(-HOUR), reason: None }
}

/// A bank's authority and a place that answers for it. What is at `/ocsp` and `/crl` is put there by the test.
struct Responder {
    authority: Authority,
    origin: Origin,
    ocsp: Arc<parking_lot::Mutex<Reply>>,
    crl: Arc<parking_lot::Mutex<Reply>>,
}

impl Responder {
    async fn start() -> Self {
        let silent = || Arc::new(parking_lot::Mutex::new(status(StatusCode::NOT_FOUND)));
        let (ocsp, crl) = (silent(), silent());
        let answers = (Arc::clone(&ocsp), Arc::clone(&crl));
        let origin = Origin::start(move |path| match path {
            "/ocsp" => answers.0.lock().clone(),
            "/crl" => answers.1.lock().clone(),
            _ => status(StatusCode::NOT_FOUND),
        });
        Self { authority: Authority::named("Bank CA"), origin: origin.await, ocsp, crl }
    }

    fn client(&self, serial: u8) -> Arc<Issued> {
        let at = |path| self.origin.at(path).to_string();
        Arc::new(self.authority.client_with(&[serial], &[&at("/crl")], &[&at("/ocsp")]))
    }

    fn says(&self, about: &Issued, status: &[u8], until: i64) {
        self.says_as_of(-60, about, status, until);
    }

    fn says_as_of(&self, this_update: i64, about: &Issued, status: &[u8], until: i64) {
        let mut said = Said::of(about);
        said.singles[0].status = status.to_vec();
        said.singles[0].this_update = time(this_update);
        said.singles[0].next_update = Some(time(until));
        *self.ocsp.lock() = ok(said.sign(self.authority.key()));
    }

    fn lists(&self, serials: &[&[u8]], until: i64) {
        *self.crl.lock() = ok(self.authority.list(serials, until));
    }
}

async fn asked(store: &Arc<RevocationStore>, about: &Arc<Issued>, offset: i64) -> Standing {
    store.answer(about, now(offset)).await;
    store.known(about, now(offset))
}

#[tokio::test]
async fn responder_is_asked_by_post_and_its_answer_remembered() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, HOUR);
    let store = store(rules());
    assert_eq!(store.known(&about, now(0)), Standing::NotAsked);

    assert_eq!(asked(&store, &about, 0).await, known(Status::Good, Method::Ocsp));

    let request = bank.origin.latest();
    assert_eq!(request.method(), Verb::POST);
    assert_eq!(request.headers()[CONTENT_TYPE], "application/ocsp-request");
    assert_eq!(asked(&store, &about, 60).await, known(Status::Good, Method::Ocsp));
    assert_eq!((bank.origin.asked("/ocsp"), bank.origin.asked("/crl")), (1, 0));
}

#[tokio::test]
async fn next_method_decides_when_one_gives_no_usable_answer() {
    let bank = Responder::start().await;
    let (about, other) = (bank.client(5), bank.client(6));
    bank.lists(&[&[5]], HOUR);
    assert_eq!(asked(&store(rules()), &about, 0).await, known(gone(), Method::Crl), "a page of excuses");
    *bank.ocsp.lock() = ok("garbage");
    assert_eq!(asked(&store(rules()), &about, 0).await, known(gone(), Method::Crl), "garbage");
    bank.says(&other, GOOD, HOUR);
    assert_eq!(asked(&store(rules()), &about, 0).await, known(gone(), Method::Crl), "a replay of another's answer");
    bank.says(&about, GOOD, -1);
    assert_eq!(asked(&store(rules()), &about, 0).await, known(gone(), Method::Crl), "stale");
    bank.says(&about, UNKNOWN, HOUR);
    assert_eq!(asked(&store(rules()), &about, 0).await, known(gone(), Method::Crl), "unknown");
    *bank.crl.lock() = status(StatusCode::NOT_FOUND);
    assert_eq!(asked(&store(rules()), &about, 0).await, Standing::Unknown, "unknown, and no CRL");

    bank.says(&about, &revoked(None), HOUR);
    let listed_first = Revocation { methods: vec![Method::Crl, Method::Ocsp], ..rules() };
    bank.lists(&[], HOUR);
    assert_eq!(asked(&store(listed_first), &about, 0).await, known(Status::Good, Method::Crl));
    let none = Revocation { methods: vec![], ..rules() };
    assert_eq!(asked(&store(none), &about, 0).await, Standing::Unavailable);
}

#[tokio::test]
async fn responder_that_names_nothing_by_sha1_is_asked_by_sha256() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    // An unsigned error: "unauthorized".
    *bank.ocsp.lock() = ok(&[0x30, 3, 0x0a, 1, 6][..]);
    let only = Revocation { methods: vec![Method::Ocsp], ..rules() };
    assert_eq!(asked(&store(only.clone()), &about, 0).await, Standing::Unavailable);
    assert_eq!(bank.origin.asked("/ocsp"), 3, "and without a nonce by either");

    bank.says(&about, UNKNOWN, HOUR);
    assert_eq!(asked(&store(only), &about, 0).await, Standing::Unknown);
    assert_eq!(bank.origin.asked("/ocsp"), 5);
}

#[tokio::test]
async fn many_who_ask_at_once_make_one_fetch_and_all_wait_for_it() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, HOUR);
    let store = store(rules());
    let held = bank.origin.answering.write().await;
    let mut askers = JoinSet::new();
    for _ in 0..50 {
        let (store, about) = (Arc::clone(&store), Arc::clone(&about));
        askers.spawn(async move { asked(&store, &about, 0).await });
    }
    until(|| bank.origin.asked("/ocsp") > 0).await;

    drop(held);

    assert!(askers.join_all().await.into_iter().all(|found| found == known(Status::Good, Method::Ocsp)));
    assert_eq!(bank.origin.asked("/ocsp"), 1);
}

#[tokio::test]
async fn asker_who_goes_away_does_not_end_the_fetch() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, HOUR);
    let store = store(rules());
    let held = bank.origin.answering.write().await;
    let asker = tokio::spawn({
        let (store, about) = (Arc::clone(&store), Arc::clone(&about));
        async move { store.answer(&about, now(0)).await }
    });
    until(|| bank.origin.asked("/ocsp") > 0).await;

    asker.abort();
    assert!(asker.await.unwrap_err().is_cancelled());
    drop(held);

    until(|| store.known(&about, now(0)) != Standing::NotAsked).await;
    assert_eq!(store.known(&about, now(0)), known(Status::Good, Method::Ocsp));
}

#[tokio::test]
async fn answer_serves_no_longer_than_its_next_update_or_the_cache_does() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, 100);
    let store = store(rules());
    asked(&store, &about, 0).await;
    assert_eq!(store.known(&about, now(74)), known(Status::Good, Method::Ocsp));
    assert_eq!(store.known(&about, now(101)), Standing::NotAsked);

    let short = Revocation { cache_ttl: Duration::from_secs(10), ..rules() };
    bank.says(&about, GOOD, HOUR);
    let store = self::store(short);
    asked(&store, &about, 0).await;
    assert_eq!(store.known(&about, now(9)), known(Status::Good, Method::Ocsp));
    assert_eq!(store.known(&about, now(10)), Standing::NotAsked);
}

#[tokio::test]
async fn who_asked_is_told_what_is_not_remembered() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, HOUR);
    let store = store(Revocation { cache_ttl: Duration::from_secs(1), ..rules() });
    assert_eq!(store.answer(&about, now(0)).await, known(Status::Good, Method::Ocsp));
    assert_eq!(store.known(&about, now(1)), Standing::NotAsked);
}

#[tokio::test]
async fn answer_in_use_is_renewed_before_it_ends_and_nobody_waits() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, 100);
    let store = store(rules());
    asked(&store, &about, 0).await;
    assert_eq!(store.known(&about, now(70)), known(Status::Good, Method::Ocsp));
    bank.says(&about, &revoked(None), HOUR);

    for _ in 0..20 {
        // The old answer still holds, and nothing is waited for.
        assert_eq!(store.known(&about, now(80)), known(Status::Good, Method::Ocsp));
    }

    until(|| store.known(&about, now(80)) == known(gone(), Method::Ocsp)).await;
    assert_eq!(bank.origin.asked("/ocsp"), 2, "only one of them made it renewed");
}

#[tokio::test]
async fn failed_renewal_leaves_the_answer_until_its_end() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, 100);
    let store = store(rules());
    asked(&store, &about, 0).await;
    *bank.ocsp.lock() = status(StatusCode::INTERNAL_SERVER_ERROR);

    // Whoever asks too late finds it answered, and due for renewal.
    assert_eq!(asked(&store, &about, 80).await, known(Status::Good, Method::Ocsp));
    until(|| bank.origin.asked("/crl") > 0).await;
    until(|| store.answers.get(&about.key()).unwrap().vain.is_some()).await;
    assert_eq!(store.known(&about, now(81)), known(Status::Good, Method::Ocsp));
    assert_eq!(store.known(&about, now(101)), Standing::NotAsked);
    assert_eq!(asked(&store, &about, 101).await, Standing::Unavailable);
}

#[tokio::test]
async fn silence_is_remembered_for_ten_seconds() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    let store = store(Revocation { methods: vec![Method::Ocsp], ..rules() });
    assert_eq!(asked(&store, &about, 0).await, Standing::Unavailable);
    bank.says(&about, GOOD, HOUR);
    assert_eq!(asked(&store, &about, 9).await, Standing::Unavailable);
    assert_eq!(store.known(&about, now(11)), Standing::NotAsked);
    assert_eq!(asked(&store, &about, 11).await, known(Status::Good, Method::Ocsp));
}

#[tokio::test]
async fn stale_answer_serves_while_nobody_answers_and_not_too_long() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, 100);
    let store = store(Revocation { max_stale: Some(Duration::from_secs(1000)), ..rules() });
    asked(&store, &about, 0).await;
    *bank.ocsp.lock() = status(StatusCode::INTERNAL_SERVER_ERROR);

    let stale = Standing::Known { status: Status::Good, method: Method::Ocsp, stale: true };
    assert_eq!(asked(&store, &about, 500).await, stale);
    assert_eq!(asked(&store, &about, 999).await, stale);
    assert_eq!(asked(&store, &about, 1020).await, Standing::Unavailable);

    bank.says(&about, UNKNOWN, 2000);
    assert_eq!(asked(&store, &about, 1500).await, Standing::Unknown);
    let fresh = self::store(Revocation { max_stale: Some(Duration::from_secs(1000)), ..rules() });
    bank.says(&about, GOOD, 100);
    asked(&fresh, &about, 0).await;
    bank.says(&about, UNKNOWN, 2000);
    assert_eq!(asked(&fresh, &about, 500).await, Standing::Unknown, "stale, but a responder does not know it");
}

#[tokio::test]
async fn revoked_certificate_stays_so_when_nobody_answers_any_more() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, &revoked(None), 100);
    let store = store(rules());
    assert_eq!(asked(&store, &about, 0).await, known(gone(), Method::Ocsp));
    *bank.ocsp.lock() = status(StatusCode::INTERNAL_SERVER_ERROR);
    let still = Standing::Known { status: gone(), method: Method::Ocsp, stale: true };
    assert_eq!(asked(&store, &about, 5000).await, still);
    bank.says(&about, UNKNOWN, 9000);
    assert_eq!(asked(&store, &about, 6000).await, still);
}

#[tokio::test]
async fn list_is_fetched_once_for_all_certificates_of_its_issuer() {
    let bank = Responder::start().await;
    bank.lists(&[&[5]], HOUR);
    let store = store(Revocation { methods: vec![Method::Crl], ..rules() });
    let mut askers = JoinSet::new();
    for serial in 1..20 {
        let (store, about) = (Arc::clone(&store), bank.client(serial));
        askers.spawn(async move { (serial, asked(&store, &about, 0).await) });
    }
    for (serial, found) in askers.join_all().await {
        let expected = if serial == 5 { gone() } else { Status::Good };
        assert_eq!(found, known(expected, Method::Crl), "{serial}");
    }
    assert_eq!(bank.origin.asked("/crl"), 1);
    assert_eq!(bank.origin.latest().headers()["accept"], "application/pkix-crl, */*;q=0.1");
}

#[tokio::test]
async fn list_that_is_due_is_fetched_anew_and_serves_until_its_end_if_that_fails() {
    let bank = Responder::start().await;
    bank.lists(&[], HOUR);
    let refresh = Duration::from_secs(100);
    let store = store(Revocation { methods: vec![Method::Crl], crl_refresh: refresh, ..rules() });
    assert_eq!(asked(&store, &bank.client(1), 0).await, known(Status::Good, Method::Crl));
    assert_eq!(store.known(&bank.client(1), now(100)), Standing::NotAsked, "crl_refresh bounds answers too");
    let refresh = Duration::from_secs(2);
    let brief = self::store(Revocation { methods: vec![Method::Crl], crl_refresh: refresh, ..rules() });
    assert_eq!(asked(&brief, &bank.client(1), 0).await, known(Status::Good, Method::Crl));
    assert_eq!(brief.known(&bank.client(1), now(2)), Standing::NotAsked, "however short it is");
    bank.lists(&[&[2]], HOUR);
    assert_eq!(asked(&store, &bank.client(2), 74).await, known(Status::Good, Method::Crl));
    assert_eq!(asked(&store, &bank.client(3), 80).await, known(Status::Good, Method::Crl));
    assert_eq!(asked(&store, &bank.client(2), 200).await, known(gone(), Method::Crl));
    *bank.crl.lock() = status(StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(asked(&store, &bank.client(4), 1000).await, known(Status::Good, Method::Crl));
    assert_eq!(asked(&store, &bank.client(6), HOUR + 1).await, Standing::Unavailable);
}

#[tokio::test]
async fn list_on_disk_answers_before_anybody_is_asked() {
    let bank = Responder::start().await;
    let (about, other) = (bank.client(5), bank.client(6));
    bank.says(&about, GOOD, HOUR);
    let on_disk = |serials: &[&[u8]], until| {
        let pem = bank.authority.list(serials, until);
        CrlFiles::new(
            [crl::read(pem).unwrap(), crl::read(Authority::named("Bank CA").list(&[], HOUR)).unwrap()].concat(),
        )
    };
    let store = store_with(rules(), on_disk(&[&[5]], HOUR));
    assert_eq!(asked(&store, &about, 0).await, known(gone(), Method::Crl));
    assert_eq!(bank.origin.asked("/ocsp"), 0, "nobody was asked");
    assert_eq!(asked(&store, &other, 0).await, known(Status::Good, Method::Crl), "in place of its distribution point");
    assert_eq!(bank.origin.asked("/crl"), 0);

    let store = store_with(rules(), on_disk(&[], HOUR));
    assert_eq!(asked(&store, &about, 0).await, known(Status::Good, Method::Crl));
    assert_eq!(bank.origin.asked("/ocsp"), 0, "nobody was asked");

    bank.lists(&[&[6]], HOUR);
    let store = store_with(rules(), on_disk(&[], -1));
    assert_eq!(asked(&store, &other, 0).await, known(gone(), Method::Crl), "a list that has ended answers nothing");
    let others = Revocation { methods: vec![Method::Ocsp], ..rules() };
    bank.says(&about, GOOD, HOUR);
    let store = store_with(others, on_disk(&[&[5]], HOUR));
    assert_eq!(asked(&store, &about, 0).await, known(gone(), Method::Crl), "whatever the methods");
}

#[tokio::test]
async fn replaced_list_on_disk_counts_at_once() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    let on_disk = |serials: &[&[u8]]| CrlFiles::new(crl::read(bank.authority.list(serials, HOUR)).unwrap());
    let store = store_with(Revocation { methods: vec![Method::Crl], ..rules() }, on_disk(&[]));
    assert_eq!(asked(&store, &about, 0).await, known(Status::Good, Method::Crl));

    store.replace_files(on_disk(&[&[5]]));

    assert_eq!(store.known(&about, now(0)), Standing::NotAsked);
    assert_eq!(asked(&store, &about, 0).await, known(gone(), Method::Crl));
    store.replace_files(CrlFiles::new(Vec::new()));
    let still = Standing::Known { status: gone(), method: Method::Crl, stale: true };
    assert_eq!(asked(&store, &about, 0).await, still);
}

#[tokio::test]
async fn misbehaving_responder_gives_no_answer_in_bounded_time() {
    let good = |bank: &Responder, about: &Issued| Said::of(about).sign(bank.authority.key());
    for place in ["huge", "redirect", "empty", "html"] {
        let bank = Responder::start().await;
        let about = bank.client(5);
        *bank.ocsp.lock() = match place {
            "huge" => ok([good(&bank, &about), vec![0; crate::certificate::revocation::ocsp::MAX_BYTES]].concat()),
            "redirect" => {
                let mut reply = ok(good(&bank, &about));
                *reply.status_mut() = StatusCode::FOUND;
                reply.headers_mut().insert("location", "/elsewhere".parse().unwrap());
                reply
            }
            "empty" => ok(""),
            _ => ok("<html>"),
        };
        assert_eq!(asked(&store(rules()), &about, 0).await, Standing::Unavailable, "{place}");
        assert_eq!(bank.origin.asked("/elsewhere"), 0);
    }
}

/// Answers every connection with one of these, and counts them.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Drip,
    Close,
    Mute,
    Noise,
}

async fn raw(manner: Manner) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut request = [0; 4096];
                match manner {
                    Manner::Close => return,
                    Manner::Noise => drop(stream.write_all(&[0xff; 100]).await),
                    Manner::Mute | Manner::Drip => {}
                }
                drop(stream.read(&mut request).await);
                let mut octets =
                    b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n".iter().chain(std::iter::repeat(&0x30));
                while matches!(manner, Manner::Drip) && stream.write_all(&[*octets.next().unwrap()]).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                // Held open until the other side goes.
                while stream.read(&mut request).await.is_ok_and(|length| length > 0) {}
            });
        }
    });
    (address, count)
}

#[tokio::test]
async fn dead_responder_costs_one_timeout_however_many_ask() {
    for manner in [Manner::Drip, Manner::Close, Manner::Mute, Manner::Noise] {
        let (address, count) = raw(manner).await;
        let authority = Authority::named("Bank CA");
        let store = store(Revocation { timeout: SHORT, ..rules() });
        let begun = Instant::now();
        for serial in 1..30 {
            let about = Arc::new(authority.client_with(&[serial], &[], &[&address]));
            assert_eq!(asked(&store, &about, 0).await, Standing::Unavailable, "{manner:?}");
        }
        assert_eq!(count.load(Ordering::Relaxed), 1, "{manner:?}");
        assert!(begun.elapsed() < 20 * SHORT, "{manner:?}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn addresses_that_may_not_be_fetched_are_not() {
    let bank = Responder::start().await;
    let about = bank.client(5);
    bank.says(&about, GOOD, HOUR);
    bank.lists(&[], HOUR);
    for (allowed_hosts, allow_private_addresses) in
        [(vec![], false), (vec!["127.0.0.1".to_owned()], false), (vec!["ocsp.bank.example".to_owned()], true)]
    {
        let store = store(Revocation { allowed_hosts, allow_private_addresses, ..rules() });
        assert_eq!(asked(&store, &about, 0).await, Standing::Unavailable);
    }
    assert_eq!((bank.origin.asked("/ocsp"), bank.origin.asked("/crl")), (0, 0));
}
