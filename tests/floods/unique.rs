//! What is never the same twice: certificates, tokens, proofs. Caches have to stay within their bounds, and the client that
//! comes all the time must not be forgotten for those that come once.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::{
    stage::Stage,
    support::{
        config::Config,
        connection::Connection,
        introspector::Introspector,
        ocsp::Reply,
        pki::Pki,
        proof::Holder,
        sidecar::Sidecar,
        token::{SigningKey, Token},
    },
};

/// Sends each of these on one of a few connections, and counts what became of them by code; `200` where it passed.
fn send(sidecar: &Sidecar, requests: &[Vec<u8>]) -> Outcomes {
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut connection, mut outcomes) = (Connection::tcp(sidecar.address()), Outcomes::new());
        while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
            connection.write(request);
            let answer = connection.answer("GET");
            let code = if answer.status == 200 { "200".to_owned() } else { answer.code() };
            *outcomes.entry(code).or_default() += 1;
        }
        outcomes
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..ATTACKERS).map(|_| scope.spawn(work)).collect();
        let mut all = Outcomes::new();
        for (code, count) in threads.into_iter().flat_map(|thread| thread.join().unwrap()) {
            *all.entry(code).or_default() += count;
        }
        all
    })
}

type Outcomes = std::collections::BTreeMap<String, usize>;

fn hits(sidecar: &Sidecar, cache: &str) -> usize {
    let name = format!("certbound_{cache}_cache_total{{result=\"hit\"}} ");
    let page = String::from_utf8(sidecar.admin("/metrics").body).unwrap();
    page.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or(0)
}

/// The good client is in both caches, and so is one that comes only now.
#[track_caller]
fn assert_hot(sidecar: &Sidecar) {
    let newcomer = Pki::get().issuing.client("newcomer");
    let mut connection = Connection::tcp(sidecar.address());
    for client in [&Pki::get().alice, &newcomer] {
        let request = sidecar.get("/accounts/good").by(client);
        for _ in 0..WARMING {
            request.send_on(&mut connection);
        }
        let before = [hits(sidecar, "certificate"), hits(sidecar, "token")];
        for _ in 0..WARMING {
            assert_eq!(request.send_on(&mut connection).status, 200);
        }
        let after = [hits(sidecar, "certificate"), hits(sidecar, "token")];
        for (before, after) in before.iter().zip(after) {
            assert!(after - before >= WARMING * 9 / 10, "{} is cold: {} of {WARMING}", client.name, after - before);
        }
    }
}

/// Caches so small that a flood fills them many times.
fn small_caches(config: Config) -> Config {
    config.set("cache.certificates", r#""256KiB""#).set("cache.tokens", r#""256KiB""#)
}

#[test]
fn certificates_that_nobody_trusts_are_forgotten_at_once() {
    let stage = Stage::new(small_caches);
    let pki = Pki::get();
    let requests: Vec<_> = (0..COUNT)
        .map(|number| stage.sidecar.get("/attack").showing(&pki.foreign.client(&format!("tpp-{number}"))).bytes())
        .collect();

    let toll = stage.under("unique certificates, untrusted", |sidecar| {
        let outcomes = send(sidecar, &requests);
        assert_eq!(outcomes.get("certificate_untrusted"), Some(&COUNT), "{outcomes:?}");
        (COUNT, format!("{outcomes:?}"))
    });

    assert_hot(&stage.sidecar);
    toll.spared_the_bank().holds_within(FLOOD);
}

#[test]
fn certificates_that_are_good_fill_their_cache_and_no_more() {
    let stage = Stage::new(small_caches);
    let pki = Pki::get();
    let requests: Vec<_> = (0..COUNT)
        .map(|number| stage.sidecar.get("/attack").showing(&pki.issuing.client(&format!("tpp-{number}"))).bytes())
        .collect();

    let toll = stage.under("unique certificates, trusted", |sidecar| {
        let outcomes = send(sidecar, &requests);
        assert_eq!(outcomes.get("token_missing"), Some(&COUNT), "{outcomes:?}");
        (COUNT, format!("{outcomes:?}"))
    });

    assert_hot(&stage.sidecar);
    toll.spared_the_bank().holds_within(FLOOD);
}

#[test]
fn tokens_with_a_bad_signature_are_forgotten_at_once() {
    let stage = Stage::new(small_caches);
    let (alice, stranger) = (&Pki::get().alice, SigningKey::new("published"));
    let token = |number: usize| Token::of(alice).claim("jti", number.to_string()).sign_with(&stranger);
    let requests: Vec<_> =
        (0..COUNT).map(|number| stage.sidecar.get("/attack").showing(alice).bearing(token(number)).bytes()).collect();

    let toll = stage.under("unique tokens, bad signature", |sidecar| {
        let outcomes = send(sidecar, &requests);
        assert_eq!(outcomes.get("token_signature_invalid"), Some(&COUNT), "{outcomes:?}");
        (COUNT, format!("{outcomes:?}"))
    });

    assert_hot(&stage.sidecar);
    toll.spared_the_bank().holds_within(FLOOD);
}

#[test]
fn tokens_that_are_good_fill_their_cache_and_no_more() {
    let stage = Stage::new(small_caches);
    let pki = Pki::get();
    // Bound to somebody else, so that they are verified and refused.
    let token = |number: usize| Token::of(&pki.mallory).claim("jti", number.to_string()).sign();
    let requests: Vec<_> = (0..COUNT)
        .map(|number| stage.sidecar.get("/attack").showing(&pki.alice).bearing(token(number)).bytes())
        .collect();

    let toll = stage.under("unique tokens, good signature", |sidecar| {
        let outcomes = send(sidecar, &requests);
        assert_eq!(outcomes.get("binding_mismatch"), Some(&COUNT), "{outcomes:?}");
        (COUNT, format!("{outcomes:?}"))
    });

    assert_hot(&stage.sidecar);
    toll.spared_the_bank().holds_within(FLOOD);
}

#[test]
fn opaque_tokens_make_no_more_questions_than_there_are_places() {
    let introspector = Introspector::start();
    introspector.says(|| Reply::Body(br#"{"active":false}"#.to_vec()));
    let stage = Stage::new(|config| introspector.asked_by(config, "jwks = \"keys.json\""));
    let alice = &Pki::get().alice;
    let opaque = |number: usize| format!("opaque-{number}");
    let requests: Vec<_> =
        (0..COUNT).map(|number| stage.sidecar.get("/attack").showing(alice).bearing(opaque(number)).bytes()).collect();

    let toll = stage.under("unique opaque tokens", |sidecar| {
        let outcomes = send(sidecar, &requests);
        assert_eq!(outcomes.get("token_inactive"), Some(&COUNT), "{outcomes:?}");
        (COUNT, format!("{outcomes:?}"))
    });

    toll.spared_the_bank().holds_within(FLOOD);
}

#[test]
fn proofs_beyond_what_can_be_remembered_are_told_to_come_back() {
    const ROOM: usize = 500;
    let stage = Stage::new(|config| {
        config
            .set("token.binding", r#"["x5t#S256", "jkt"]"#)
            .set("replay.entries", &ROOM.to_string())
            .route("path = \"/{*rest}\"\nrequire = [\"binding\"]")
    });
    let (holder, address) = (Holder::new(), "https://api.bank.example/proven");
    let token = holder.token().sign();
    let request = |_| {
        let proof = holder.proof(address, &token).sign();
        let authorization = format!("DPoP {token}");
        let proven = stage.sidecar.get("/proven").header("Authorization", &authorization).header("DPoP", &proof);
        proven.bytes()
    };
    let requests: Vec<_> = (0..2 * ROOM).map(request).collect();

    let toll = stage.under("unique proofs", |sidecar| {
        let outcomes = send(sidecar, &requests);
        assert_eq!(outcomes.get("200"), Some(&ROOM), "{outcomes:?}");
        assert_eq!(outcomes.get("overloaded"), Some(&ROOM), "{outcomes:?}");
        (2 * ROOM, format!("{outcomes:?}"))
    });

    toll.holds_within(FLOOD);
}

const COUNT: usize = 3000;
const ATTACKERS: usize = 4;
const WARMING: usize = 50;
/// In KiB: both caches, lines on their way to the log, and what the connections of the attackers take.
const FLOOD: u64 = 512 + 8 * 1024 + 8 * 1024;
