//! The status page: what people on this machine read.

mod browser;

use serde_json::Value;

use crate::{
    support::{
        bank::Bank,
        config::Config,
        connection::{Answer, Connection},
        issuer::{Issuer, Mood},
        pki::{Authority, Pki},
        sidecar::{DEADLINE, Sidecar},
        token::{AUDIENCE, ISSUER},
    },
    verdict::{assert_passed, assert_refused},
};

#[test]
fn figures_are_those_of_the_requests_that_came_and_name_no_one() {
    let bank = Bank::start();
    let sidecar = served(&bank).route("path = \"/accounts/{AccountId}\"").start();
    let Pki { alice, mallory, .. } = Pki::get();
    let token = alice.token();
    for _ in 0..2 {
        assert_passed(&sidecar.get("/accounts/DE89370400").showing(alice).bearing(&token).send(), &bank);
    }
    let stolen = sidecar.get("/accounts/DE89370400").showing(mallory).bearing(&token);
    assert_refused(&stolen.header("x-fapi-interaction-id", INTERACTION).send(), "binding_mismatch", &bank);

    let state = await_state(&sidecar, |state| sum(state, "denied") == 1 && sum(state, "allowed") == 2);

    assert_eq!((sum(&state, "would_deny"), minutes(&state).len()), (0, 60));
    let reasons = minutes(&state).iter().filter_map(|minute| minute["reasons"]["binding_mismatch"].as_u64());
    assert_eq!(reasons.sum::<u64>(), 1);
    let refusal = &state["refusals"][0];
    assert_eq!((&refusal["decision"], &refusal["code"]), (&"deny".into(), &"binding_mismatch".into()));
    assert_eq!((&refusal["route"], &refusal["interaction_id"]), (&"/accounts/{AccountId}".into(), &INTERACTION.into()));
    assert_eq!(refusal["certificate_issuer"], "CN=TPP Issuing CA");
    let page = text(&page(&sidecar, "/"));
    assert!(page.contains("binding_mismatch") && page.contains(INTERACTION), "{page}");
    for secret in ["DE89370400", &token, &mallory.thumbprint(), "mallory", "alice", "tpp-1", "psu-7"] {
        assert!(!page.contains(secret) && !state.to_string().contains(secret), "{secret} is on the page");
    }
}

#[test]
fn state_says_what_is_in_force_and_until_when() {
    let bank = Bank::start();
    let list = Pki::get().root.list(&[], 7200);
    let config = served(&bank)
        .set("revocation.methods", r#"["crl"]"#)
        .set("revocation.crl_files", r#"["root.crl"]"#)
        .file("root.crl", list);
    let sidecar = config.start();

    let state = page(&sidecar, "/status.json").json();

    assert_eq!((&state["mode"], &state["ready"]), (&"enforce".into(), &true.into()));
    assert_eq!((&state["generation"]["number"], &state["reload"]["at"]), (&1.into(), &Value::Null));
    let names: Vec<_> = state["listeners"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["data", "admin", "status"]);
    assert_eq!(state["listeners"][0]["address"], sidecar.address().to_string());
    let subjects: Vec<_> = state["anchors"].as_array().unwrap().iter().map(|one| one["subject"].clone()).collect();
    assert_eq!(subjects, ["CN=Directory Root CA", "CN=TPP Issuing CA"]);
    assert_eq!((&state["keys"][0]["issuer"], &state["keys"][0]["keys"]), (&ISSUER.into(), &1.into()));
    assert!(state["keys"][0]["fetched"].is_string(), "{state:#}");
    assert_eq!(state["crls"][0]["issuer"], "CN=Directory Root CA");
}

#[test]
fn faults_of_a_reload_are_shown_until_they_are_gone() {
    let bank = Bank::start();
    let sidecar = served(&bank).start();

    served(&bank).set("mode", "\"<script>\"").write(sidecar.folder());
    sidecar.signal("HUP");
    sidecar.events("config_not_reloaded", 1);

    let state = await_state(&sidecar, |state| state["reload"]["at"].is_string());
    assert!(state["reload"]["faults"][0].as_str().unwrap().contains("mode: `<script>` is none of"), "{state:#}");
    assert_eq!((&state["mode"], &state["generation"]["number"]), (&"enforce".into(), &1.into()));
    let shown = text(&page(&sidecar, "/"));
    assert!(shown.contains("was not applied") && shown.contains("mode: `&lt;script&gt;` is none of"), "{shown}");

    served(&bank).set("mode", "\"report\"").write(sidecar.folder());
    sidecar.signal("HUP");
    sidecar.events("config_reloaded", 1);
    let state = await_state(&sidecar, |state| state["generation"]["number"] == 2);
    assert_eq!((&state["mode"], &state["reload"]["faults"]), (&"report".into(), &Vec::<Value>::new().into()));
    let shown = text(&page(&sidecar, "/"));
    assert!(shown.contains("Report mode: nothing is enforced") && !shown.contains("was not applied"), "{shown}");
}

#[test]
fn changes_that_wait_for_a_restart_are_shown() {
    let (bank, other) = (Bank::start(), Bank::start());
    let sidecar = served(&bank).start();
    served(&other).write(sidecar.folder());
    sidecar.signal("HUP");
    sidecar.events("config_restart_required", 1);

    let state = await_state(&sidecar, |state| state["reload"]["waiting"][0] == "backend.address");

    assert_eq!(state["generation"]["number"], 2);
    assert!(text(&page(&sidecar, "/")).contains("wait for a restart"));
}

#[test]
fn what_readiness_waits_for_is_shown() {
    let (bank, issuer) = (Bank::start(), Issuer::feeling(Mood::Failing));
    let lines = format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = {:?}", issuer.jwks());
    let sidecar = served(&bank).without_issuers().issuer(&lines).start();

    let state = page(&sidecar, "/status.json").json();

    assert_eq!((&state["ready"], &state["keys"][0]["fetched"]), (&false.into(), &Value::Null));
    let shown = text(&page(&sidecar, "/"));
    assert!(shown.contains("Not ready") && shown.contains(&format!("keys: none of {ISSUER}")), "{shown}");
}

#[test]
fn subject_that_is_markup_stays_text() {
    let hostile = Authority::root("<script>alert(1)</script>");
    let sidecar = served(&Bank::start()).file("trust/hostile.der", hostile.der.clone()).start();

    let shown = text(&page(&sidecar, "/"));

    assert!(!shown.contains("<script"), "{shown}");
    assert!(shown.contains("&lt;script"), "{shown}");
    let anchors = page(&sidecar, "/status.json").json()["anchors"].to_string();
    assert!(anchors.contains("script"), "{anchors}");
}

#[test]
fn page_is_read_only_kept_by_no_cache_and_closed_to_everything_else() {
    let sidecar = served(&Bank::start()).start();

    for target in ["/", "/?paused", "/status.json", "/nothing"] {
        let answer = page(&sidecar, target);
        assert_eq!(answer.status, if target == "/nothing" { 404 } else { 200 }, "{target}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(asked(&mut connect(&sidecar), method, "/", "localhost").status, 405, "{method}");
    }
    let head = asked(&mut connect(&sidecar), "HEAD", "/", "localhost");
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[test]
fn browser_that_was_led_here_by_another_name_is_refused() {
    let sidecar = served(&Bank::start()).start();

    for host in ["rebound.example", "rebound.example:9902", "localhost.rebound.example", "10.0.0.1", ""] {
        for target in ["/", "/status.json"] {
            let answer = asked(&mut connect(&sidecar), "GET", target, host);
            assert_eq!(answer.status, 421, "{host}");
            assert!(!text(&answer).contains("Directory Root CA"));
        }
    }
    for host in ["localhost:9902", "127.0.0.1", "[::1]:9902"] {
        assert_eq!(asked(&mut connect(&sidecar), "GET", "/", host).status, 200, "{host}");
    }
}

#[test]
fn unix_socket_serves_it_under_any_name() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("admin.status_address", r#""unix:status.sock""#).start();
    let path = sidecar.folder().join("status.sock");
    assert_eq!(address(&sidecar), format!("unix:{}", path.display()));

    let answer = asked(&mut Connection::unix(&path), "GET", "/status.json", "whatever.example");

    assert_eq!((answer.status, &answer.json()["mode"]), (200, &"enforce".into()));
}

#[test]
fn page_that_is_off_is_not_served_anywhere() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).set("admin.status_address", r#""off""#).start();

    assert!(sidecar.events("listening", 2).iter().all(|line| line["listener"] != "status"));
    assert_eq!(sidecar.admin("/status.json").status, 404);
}

#[test]
fn address_that_was_chosen_and_is_taken_ends_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("\"{}\"", taken.local_addr().unwrap());
    let mut sidecar = Sidecar::launch(&Config::in_front_of(&Bank::start()).set("admin.status_address", &address));

    assert_eq!(sidecar.exit().unwrap().code(), Some(1));
    assert!(sidecar.stderr().join("").contains("cannot listen on 127.0.0.1:"), "{:?}", sidecar.stderr());
}

/// The default yields, since nobody chose it. Whether this process or another has the port is all the same here.
#[test]
fn default_address_that_is_taken_costs_the_page_alone() {
    let bank = Bank::start();
    let _taken = std::net::TcpListener::bind("127.0.0.1:9902");
    let sidecar = Config::in_front_of(&bank).without("admin.status_address").start();

    assert!(sidecar.event("status_not_served")["error"].as_str().unwrap().contains("127.0.0.1:9902"));
    assert_passed(&sidecar.get("/a").by(&Pki::get().alice).send(), &bank);
}

fn served(bank: &Bank) -> Config {
    Config::in_front_of(bank).set("admin.status_address", r#""127.0.0.1:0""#)
}

fn address(sidecar: &Sidecar) -> String {
    let lines = sidecar.events("listening", 3);
    let line = lines.iter().find(|line| line["listener"] == "status").expect("a status listener");
    line["address"].as_str().unwrap().to_owned()
}

fn connect(sidecar: &Sidecar) -> Connection {
    Connection::tcp(address(sidecar).parse().unwrap())
}

fn page(sidecar: &Sidecar, target: &str) -> Answer {
    asked(&mut connect(sidecar), "GET", target, "localhost")
}

fn asked(connection: &mut Connection, method: &str, target: &str, host: &str) -> Answer {
    let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    connection.write(head.as_bytes());
    connection.answer(method)
}

/// What is shown once it is as it should be: requests are counted after their answer has gone out.
fn await_state(sidecar: &Sidecar, is_so: impl Fn(&Value) -> bool) -> Value {
    let until = std::time::Instant::now() + DEADLINE;
    loop {
        let state = page(sidecar, "/status.json").json();
        if is_so(&state) {
            return state;
        }
        assert!(std::time::Instant::now() < until, "it stays at {state:#}");
        std::thread::yield_now();
    }
}

fn minutes(state: &Value) -> &Vec<Value> {
    state["history"]["minutes"].as_array().unwrap()
}

fn sum(state: &Value, member: &str) -> u64 {
    minutes(state).iter().map(|minute| minute[member].as_u64().unwrap()).sum()
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

const INTERACTION: &str = "93bac548-d2de-4546-b106-880a5018460d";
