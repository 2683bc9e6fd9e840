//! Probes and metrics: what an operator's machines read.

use crate::{
    support::{
        bank::Bank,
        config::Config,
        connection::Connection,
        issuer::{Issuer, Mood},
        pki::Pki,
        token::{AUDIENCE, ISSUER, SigningKey},
    },
    verdict::{assert_passed, assert_refused},
};

#[test]
fn probes_answer_and_readiness_waits_for_keys() {
    let (bank, issuer) = (Bank::start(), Issuer::feeling(Mood::Failing));
    let lines = format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = {:?}", issuer.jwks());
    // Where it listens is said at any level.
    let sidecar = Config::in_front_of(&bank).without_issuers().issuer(&lines).set("log.level", r#""error""#).start();

    for (probe, status) in [("/livez", 200), ("/startupz", 200), ("/readyz", 503), ("/nothing", 404)] {
        assert_eq!(sidecar.admin(probe).status, status, "{probe}");
    }
    for (probe, status, word) in
        [("/readyz", 503, "keys: fail"), ("/livez", 200, "process: ok"), ("/startupz", 200, "listeners: ok")]
    {
        let verbose = sidecar.admin(&format!("{probe}?verbose"));
        assert_eq!(verbose.status, status);
        assert!(String::from_utf8_lossy(&verbose.body).contains(word), "{verbose:?}");
    }

    let why = format!("keys: fail: none of {ISSUER} ({}: the answer has status 500, only 200 counts)", issuer.jwks());
    sidecar.await_body("/readyz?verbose", &why);
    sidecar.await_body("/metrics", "certbound_ready 0\n");
    issuer.change_mood(Mood::Keys(r#"{"keys":[]}"#.to_owned()));
    sidecar.await_body("/readyz", "the key set is empty");

    issuer.change_mood(Mood::Keys(SigningKey::set(&[SigningKey::published()])));
    sidecar.await_admin("/readyz", 200);
    assert_eq!(sidecar.admin("/readyz?verbose").status, 200);
    sidecar.await_body("/metrics", "certbound_ready 1\n");
}

#[test]
fn log_says_where_keys_were_looked_for_and_which_of_them_are_not_used() {
    let (bank, issuer) = (Bank::start(), Issuer::feeling(Mood::Failing));
    let lines =
        format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = {:?}\njwks_refresh = \"1s\"", issuer.jwks());
    let sidecar = Config::in_front_of(&bank).without_issuers().issuer(&lines).start();

    let failed = sidecar.event("keys_not_fetched");
    assert!(failed["error"].as_str().unwrap().starts_with(&format!("{}: ", issuer.jwks())), "{failed}");

    let unused = r#"{"keys":[{"kty":"RSA","use":"enc"}]}"#.to_owned();
    issuer.change_mood(Mood::Keys(unused.clone()));
    assert_eq!(sidecar.event("keys_empty")["left_out"], "key 1: `use` is not `sig`");
    // What cannot be used is respected, and no reason to wait.
    sidecar.await_admin("/readyz", 200);
    let alice = &Pki::get().alice;
    assert_refused(&sidecar.get("/a").showing(alice).bearing(alice.token()).send(), "token_key_unknown", &bank);
    let published = SigningKey::set(&[SigningKey::published()]);
    issuer.change_mood(Mood::Keys(unused.replace("]}", ",") + published.trim_start_matches(r#"{"keys":["#)));
    let changed = sidecar.events("keys_changed", 2).remove(1);
    assert_eq!((&changed["keys"], &changed["left_out"]), (&1.into(), &"key 1: `use` is not `sig`".into()));
}

#[test]
fn readiness_never_asks_the_bank() {
    let sidecar = Config::to(&Bank::closed().to_string()).start();

    assert_eq!(sidecar.admin("/readyz").status, 200);
}

#[test]
fn health_of_the_bank_is_served_for_those_who_ask() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("backend.health", r#""/health""#).start();
    assert_eq!(sidecar.admin("/backend/healthz").status, 200);
    let seen = bank.only();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/health"));
    assert!(seen.identity().is_empty());

    let sidecar = Config::to(&Bank::closed().to_string()).set("backend.health", r#""/health""#).start();
    assert!(sidecar.admin("/backend/healthz").status >= 500);
    let sidecar = Config::to(&Bank::closed().to_string()).start();
    assert_eq!(sidecar.admin("/backend/healthz").status, 404);
}

#[test]
fn metrics_count_what_was_decided_and_name_no_one() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/accounts/{AccountId}\"").start();
    let Pki { alice, mallory, .. } = Pki::get();
    let token = alice.token();
    for _ in 0..2 {
        assert_passed(&sidecar.get("/accounts/DE89370400").showing(alice).bearing(&token).send(), &bank);
    }
    let spoofed = sidecar.get("/accounts/DE89370400").showing(mallory).bearing(&token).header("Client-Cert", "forged");
    assert_refused(&spoofed.send(), "binding_mismatch", &bank);

    // What is counted last of the last one.
    let page = sidecar.await_metrics(|page| page.contains("certbound_token_cache_total{result=\"hit\"} 2\n"));
    // Over all lines that fit, whatever their other labels.
    let value = |name: &str, labels: &[&str]| -> f64 {
        let fits = |line: &&str| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        };
        let values: Vec<f64> =
            page.lines().filter(fits).map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
        assert!(!values.is_empty(), "no {name} {labels:?} in\n{page}");
        values.iter().sum()
    };

    let route = r#"route="/accounts/{AccountId}""#;
    let decisions = "certbound_decisions_total";
    assert_eq!(value(decisions, &[r#"decision="allow""#, route, r#"mode="enforce""#]), 2.0);
    assert_eq!(value(decisions, &[r#"decision="deny""#, r#"reason="binding_mismatch""#, route]), 1.0);
    assert_eq!(value("certbound_headers_stripped_total", &[r#"header="client-cert""#]), 1.0);
    assert_eq!(value("certbound_certificate_cache_total", &[r#"result="hit""#]), 1.0);
    assert_eq!(value("certbound_certificate_cache_total", &[r#"result="miss""#]), 2.0);
    assert_eq!(value("certbound_token_cache_total", &[r#"result="hit""#]), 2.0);
    assert_eq!(value("certbound_token_cache_total", &[r#"result="miss""#]), 1.0);
    assert_eq!(value("http_server_request_duration_seconds_count", &[]), 3.0);
    assert_eq!(value("http_server_active_requests", &[]), 0.0);
    assert_eq!(value("certbound_build_info", &[]), 1.0);
    assert!(value("certbound_jwks_last_success_timestamp_seconds", &[r#"issuer="https://as.bank.example""#]) > 1e9);
    for secret in ["DE89370400", &token, &alice.thumbprint(), "CN=alice", "tpp-1", "psu-7"] {
        assert!(!page.contains(secret), "{secret} is in the metrics");
    }
}

#[test]
fn admin_pages_are_not_on_the_data_listener() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).route("path = \"/accounts\"").start();

    for page in ["/metrics", "/readyz", "/livez", "/startupz"] {
        assert_refused(&sidecar.get(page).send(), "route_unknown", &bank);
    }
}

#[test]
fn more_connections_than_allowed_are_turned_away() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("listen.max_connections", "2").start();
    let alice = &Pki::get().alice;
    let mut held: Vec<Connection> = (0..2).map(|_| sidecar.connect()).collect();
    for connection in &mut held {
        assert_passed(&sidecar.get("/a").by(alice).send_on(connection), &bank);
    }

    let mut third = sidecar.connect();
    let _ = third.try_write(&sidecar.get("/a").by(alice).bytes());
    if let Ok(Some(answer)) = third.try_answer("GET") {
        assert_refused(&answer, "overloaded", &bank);
    }
    assert_eq!(bank.requests(), 0);

    held.clear();
    let free = || {
        let mut connection = sidecar.connect();
        connection.try_write(&sidecar.get("/a").by(alice).bytes()).ok()?;
        connection.try_answer("GET").ok()?.filter(|answer| answer.status == 200)
    };
    let until = std::time::Instant::now() + crate::support::sidecar::DEADLINE;
    while free().is_none() {
        assert!(std::time::Instant::now() < until, "a place that is free stays taken");
    }
}
