//! A clock that is set, forward and back, as a machine that wakes or whose time server was wrong has it.

use std::{process::Command, time::Duration};

use serde_json::Value;

use crate::{
    matrix::TURN,
    part::NEEDING,
    support::{
        bank::Bank,
        clock::Clock,
        config::Config,
        connection::Answer,
        der::{list_at, responders_at},
        introspector::{Introspector, active, but},
        issuer::{Issuer, Mood},
        ocsp::{Reply, Responder, Said},
        pki::{Authority, Client, Pki},
        proof::Holder,
        sidecar::{DEADLINE, Sidecar, binary},
        token::{AUDIENCE, ISSUER, SigningKey, Token, now},
    },
    verdict::{assert_passed, assert_refused},
};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Alice's, issued at a time that is off by so much, for five minutes.
fn token(offset: i64) -> String {
    let issued = now().checked_add_signed(offset).unwrap();
    Token::of(&Pki::get().alice).claim("iat", issued).claim("exp", issued + 300).sign()
}

#[test]
fn what_has_ended_is_refused_though_it_is_remembered_and_served_when_the_clock_is_right_again() {
    let Some(clock) = Clock::right() else { return };
    let _alone = TURN.lock();
    let (bank, alice) = (Bank::start(), &Pki::get().alice);
    let config = Config::in_front_of(&bank).set("audit.sink", r#""file:audit.log""#).set("audit.hash_chain", "true");
    let mut sidecar = Sidecar::start_by(&config, &clock);
    let (today, later, earlier) = (token(0), token(20 * MINUTE), token(-20 * MINUTE));
    let answer = |token: &str| sidecar.get(NEEDING).showing(alice).bearing(token).send();

    assert_passed(&answer(&today), &bank);
    assert_passed(&answer(&today), &bank);
    clock.set(20 * MINUTE);
    assert_refused(&answer(&today), "token_expired", &bank);
    assert_passed(&answer(&later), &bank);
    clock.set(31 * DAY);
    assert_refused(&answer(&later), "certificate_expired", &bank);
    clock.set(0);
    assert_passed(&answer(&today), &bank);
    assert_refused(&answer(&later), "token_not_yet_valid", &bank);

    clock.set(-20 * MINUTE);
    assert_refused(&answer(&today), "token_not_yet_valid", &bank);
    assert_passed(&answer(&earlier), &bank);
    clock.set(-31 * DAY);
    assert_refused(&answer(&earlier), "certificate_not_yet_valid", &bank);
    clock.set(0);
    assert_refused(&answer(&earlier), "token_expired", &bank);
    assert_passed(&answer(&today), &bank);

    sidecar.signal("TERM");
    assert!(sidecar.exit().is_some_and(|status| status.success()));
    assert_eq!(lines_in_order(&sidecar), 12);
    assert!(sidecar.stdout().iter().all(|line| !line.contains(r#""event":"panic""#)));
}

/// How many audit lines there are, all of them in order.
fn lines_in_order(sidecar: &Sidecar) -> u64 {
    let verified = Command::new(binary())
        .args(["audit", "verify", "--json"])
        .arg(sidecar.folder().join("audit.log"))
        .output()
        .unwrap();
    let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert_eq!(verified["intact"], true, "{verified}");
    verified["end"]["seq"].as_u64().unwrap()
}

/// A certificate that names both, before a bank that demands the one or the other.
fn withdrawable(method: &str, responder: &Responder, authority: &Authority) -> (Config, Bank, Client) {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank)
        .set("revocation.methods", &format!("[{method:?}]"))
        .set("revocation.allow_private_addresses", "true")
        .file("trust/bank.der", authority.der.clone());
    let client = authority.issue("tpp", |params| {
        params.custom_extensions.push(responders_at(&[&responder.at("/ocsp")]));
        params.crl_distribution_points = vec![list_at(&responder.at("/crl"))];
    });
    (config, bank, client)
}

#[test]
fn revocation_is_known_again_as_soon_as_the_clock_is_right_again() {
    let Some(clock) = Clock::right() else { return };
    let _alone = TURN.lock();
    let (responder, authority) = (Responder::start(), Authority::root("Bank CA"));
    responder.says("/ocsp", Said::good().by(&authority));
    let list = authority.list(&[], HOUR);
    responder.says("/crl", move |_| Reply::Body(list.clone()));
    for method in ["ocsp", "crl"] {
        let (config, bank, client) = withdrawable(method, &responder, &authority);
        let sidecar = Sidecar::start_by(&config, &clock);
        let answer = |offset| {
            let issued = now().checked_add_signed(offset).unwrap();
            let token = Token::of(&client).claim("iat", issued).claim("exp", issued + 300).sign();
            sidecar.get(NEEDING).showing(&client).bearing(token).send()
        };

        assert_passed(&answer(0), &bank);
        for offset in [2 * HOUR, -2 * HOUR, DAY] {
            clock.set(offset);
            assert_refused(&answer(offset), "revocation_unknown", &bank);
            clock.set(0);
            assert_passed(&answer(0), &bank);
        }
    }
}

#[test]
fn word_of_an_issuer_does_not_outlive_its_time_when_the_clock_is_set_back() {
    let Some(clock) = Clock::right() else { return };
    let _alone = TURN.lock();
    let (bank, introspector, alice) = (Bank::start(), Introspector::start(), &Pki::get().alice);
    let sidecar = Sidecar::start_by(&introspector.asked_by(Config::in_front_of(&bank), ""), &clock);
    introspector.knows("opaque", but(active(alice), "exp", now() + 30 * 24 * 3600));
    let answer = || sidecar.get(NEEDING).showing(alice).bearing("opaque").send();

    clock.set(DAY);
    assert_passed(&answer(), &bank);
    introspector.knows("opaque", serde_json::json!({"active": false}));
    assert_passed(&answer(), &bank);
    clock.set(0);
    assert_refused(&answer(), "token_inactive", &bank);
}

#[test]
fn proof_is_taken_once_however_the_clock_is_set() {
    let Some(clock) = Clock::right() else { return };
    let _alone = TURN.lock();
    let (bank, holder) = (Bank::start(), Holder::new());
    let config = Config::in_front_of(&bank)
        .set("token.binding", r#"["x5t#S256", "jkt"]"#)
        .set("token.dpop.nonce", "true")
        .route("path = \"/{*rest}\"\nrequire = [\"binding\"]");
    let sidecar = Sidecar::start_by(&config, &clock);
    let token = holder.token().claim("exp", now() + 7200).sign();
    let prove = |offset: i64, nonce: &str| {
        let proof = holder.proof(&format!("https://api.bank.example{NEEDING}"), &token);
        proof.claim("iat", now().checked_add_signed(offset).unwrap()).claim("nonce", nonce).sign()
    };
    let answer = |proof: &str| {
        let request = sidecar.get(NEEDING).header("Authorization", &format!("DPoP {token}"));
        request.header("DPoP", proof).send()
    };
    let nonce = |answer: &Answer| answer.header("dpop-nonce").expect("a nonce").to_owned();

    let of_today = nonce(&answer(&prove(0, "")));
    let first = prove(0, &of_today);
    assert_passed(&answer(&first), &bank);
    clock.set(20 * MINUTE);
    assert_eq!(answer(&first).code(), "proof_invalid", "it is too old");
    let of_then = nonce(&answer(&prove(20 * MINUTE, &of_today)));
    assert_ne!(of_then, of_today);
    assert_passed(&answer(&prove(20 * MINUTE, &of_then)), &bank);

    clock.set(0);
    assert_eq!(answer(&first).code(), "proof_replayed");
    assert_eq!(nonce(&answer(&prove(0, &of_then))), of_today, "a nonce of then is none of today");
    assert_eq!(answer(&prove(20 * MINUTE, &of_today)).code(), "proof_invalid", "it is from the future");
    assert!(bank.take().is_empty());
    assert_passed(&answer(&prove(0, &of_today)), &bank);
}

#[test]
fn timers_go_on_however_the_clock_is_set() {
    let Some(clock) = Clock::right() else { return };
    let _alone = TURN.lock();
    let (bank, issuer) = (Bank::start(), Issuer::start());
    let lines =
        format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = {:?}\njwks_refresh = \"1s\"", issuer.jwks());
    let sidecar = Sidecar::start_by(&Config::in_front_of(&bank).without_issuers().issuer(&lines), &clock);
    sidecar.await_admin("/readyz", 200);

    for offset in [DAY, 0, -DAY, 0] {
        clock.set(offset);
        let keys = issuer.key_requests();
        issuer.await_key_requests(keys + 2);
    }
    let (alice, key) = (&Pki::get().alice, SigningKey::new("newest"));
    issuer.change_mood(Mood::Keys(SigningKey::set(&[&key])));
    let keys = issuer.key_requests();
    issuer.await_key_requests(keys + 1);
    let token = Token::of(alice).header("kid", "newest").sign_with(&key);
    let until = std::time::Instant::now() + DEADLINE;
    while sidecar.get(NEEDING).showing(alice).bearing(&token).send().status != 200 {
        assert!(std::time::Instant::now() < until, "the new key does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}
