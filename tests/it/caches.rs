//! What is remembered makes answers faster, and never other ones.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::{
    support::{
        bank::Bank,
        config::Config,
        connection::Request,
        pki::{Authority, Pki},
        sidecar::Sidecar,
        token::{SigningKey, Token, now},
    },
    verdict::{assert_passed, assert_refused},
};

/// Every kind of client with every kind of token, known and unknown, twice over.
fn verdicts(sidecar: &Sidecar) -> Vec<(u16, String)> {
    let pki = Pki::get();
    let clients = [&pki.alice, &pki.mallory, &pki.expired, &pki.stranger, &pki.server_only, &pki.weak];
    let stranger = SigningKey::new("published");
    let tokens = [
        Token::of(&pki.alice).sign(),
        Token::of(&pki.mallory).sign(),
        Token::of(&pki.alice).expired().sign(),
        Token::of(&pki.alice).claim("aud", "https://other.example").sign(),
        Token::of(&pki.alice).claim("scope", "none").sign(),
        Token::of(&pki.alice).sign_with(&stranger),
        Token::unbound().sign(),
        "malformed".to_owned(),
    ];
    let mut connection = sidecar.connect();
    let mut verdicts = Vec::new();
    for _ in 0..2 {
        for client in clients {
            for token in &tokens {
                for path in ["/accounts", "/token", "/certificate", "/open"] {
                    let answer = sidecar.get(path).showing(client).bearing(token).send_on(&mut connection);
                    verdicts.push((answer.status, answer.code()));
                }
            }
        }
    }
    verdicts
}

#[test]
fn caches_that_are_switched_off_change_no_verdict() {
    let run = |size: &str| {
        let bank = Bank::start();
        let sidecar = Config::in_front_of(&bank)
            .set("cache.certificates", size)
            .set("cache.tokens", size)
            .route("path = \"/accounts\"\nscopes = [\"accounts\"]")
            .route("path = \"/token\"\nrequire = [\"token\"]")
            .route("path = \"/certificate\"\nrequire = [\"certificate\"]")
            .route("path = \"/open\"\nrequire = []")
            .start();
        (verdicts(&sidecar), bank.requests())
    };

    let (on, off, tiny) = (run(r#""32MiB""#), run(r#""0""#), run(r#""2KiB""#));

    assert!(on.0.iter().any(|(status, _)| *status == 200) && on.0.iter().any(|(status, _)| *status == 401));
    assert_eq!(on, off);
    assert_eq!(on, tiny);
}

#[test]
fn what_is_verified_anew_is_no_hit_whatever_is_asked_meanwhile() {
    let (bank, authority) = (Bank::start(), Authority::root("Bank CA"));
    let sidecar = Config::in_front_of(&bank)
        .without("revocation.methods")
        .set("revocation.crl_files", r#"["bank.crl"]"#)
        .file("bank.crl", authority.list(&[], 3600))
        .file("trust/bank.der", authority.der.clone())
        .start();
    let client = authority.client("alice");
    let token = Token::of(&client).sign();
    for (result, others) in [("miss", "hit"), ("hit", "miss")] {
        let before = sidecar.await_metrics(|page| page.contains("active_requests 0"));
        assert_passed(&sidecar.get("/a").showing(&client).bearing(&token).send(), &bank);
        for cache in ["certificate", "token"] {
            let name = |result| format!("certbound_{cache}_cache_total{{result=\"{result}\"}} ");
            let count = |page: &str, result| {
                let line = page.lines().find_map(|line| line.strip_prefix(&name(result)));
                line.map_or(0, |count| count.parse::<u64>().unwrap())
            };
            let page = sidecar.await_metrics(|page| count(page, result) == count(&before, result) + 1);
            assert_eq!(count(&page, others), count(&before, others), "{cache} {result}");
        }
    }
}

#[test]
fn nothing_that_is_remembered_outlives_its_own_end() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("token.clock_skew", r#""0s""#).start();
    let pki = Pki::get();
    let ends = now() + 3;
    let short = pki.issuing.issue("short", |params| {
        params.not_after = OffsetDateTime::from_unix_timestamp(i64::try_from(ends).unwrap()).unwrap();
    });
    let token = Token::of(&pki.alice).claim("exp", ends).sign();
    let certificate = sidecar.get("/a").by(&short);
    let bearer = sidecar.get("/a").showing(&pki.alice).bearing(&token);
    assert_passed(&certificate.send(), &bank);
    assert_passed(&bearer.send(), &bank);

    assert_ends(&certificate, "certificate_expired", &bank);
    assert_ends(&bearer, "token_expired", &bank);
    assert_passed(&sidecar.get("/a").by(&pki.alice).send(), &bank);
}

/// It passes for a while, then it is refused, and by then its time is over.
fn assert_ends(request: &Request<'_>, code: &str, bank: &Bank) {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = request.send();
        if answer.status != 200 {
            return assert_refused(&answer, code, bank);
        }
        bank.take();
        assert!(Instant::now() < until, "{code} never comes");
        std::thread::sleep(Duration::from_millis(50));
    }
}
