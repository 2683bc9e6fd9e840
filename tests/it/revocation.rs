//! A certificate that its issuer has withdrawn does not pass, and one of which nobody tells does not either, unless the
//! operator says so.

mod files;
mod forms;
mod misbehaving;
mod older;
mod openssl;

use std::{
    thread,
    time::{Duration, Instant},
};

use rcgen::{CertificateParams, RevocationReason, SerialNumber};
use serde_json::{Value, json};

use crate::{
    support::{
        bank::Bank,
        config::Config,
        der::{list_at, responders_at},
        forms::base64_der,
        introspector::{Introspector, active, but},
        ocsp::{Reply, Responder, Said},
        pki::{Authority, Client},
        sidecar::{DEADLINE, Sidecar},
        token::AUDIENCE,
    },
    verdict::{assert_passed, assert_refused},
};

/// An authority with a responder at `/ocsp` and a distribution point at `/crl`, before a bank.
struct Stage {
    authority: Authority,
    responder: Responder,
    bank: Bank,
}

impl Stage {
    fn new() -> Self {
        let authority = Authority::root("Bank CA");
        Self { authority, responder: Responder::start(), bank: Bank::start() }
    }

    /// A certificate with this serial number that names both.
    fn client(&self, serial: u64) -> Client {
        self.client_asking(serial, &[&self.responder.at("/ocsp")], Some(&self.responder.at("/crl")))
    }

    fn client_asking(&self, serial: u64, responders: &[&str], list: Option<&str>) -> Client {
        self.authority.issue("tpp", |params| {
            params.serial_number = Some(SerialNumber::from(serial));
            if !responders.is_empty() {
                params.custom_extensions.push(responders_at(responders));
            }
            params.crl_distribution_points = list.into_iter().map(list_at).collect();
        })
    }

    /// With revocation at its defaults, but for addresses on loopback.
    fn config(&self) -> Config {
        demanding(&self.bank, &self.authority)
    }

    fn says(&self, said: Said) {
        self.responder.says("/ocsp", said.by(&self.authority));
    }

    fn lists(&self, serials: &[(u64, Option<RevocationReason>)]) {
        let list = self.authority.list(serials, HOUR);
        self.responder.says("/crl", move |_| Reply::Body(list.clone()));
    }

    #[track_caller]
    fn assert_passed(&self, sidecar: &Sidecar, client: &Client) {
        assert_passed(&sidecar.get("/a").by(client).send(), &self.bank);
    }

    #[track_caller]
    fn assert_refused(&self, sidecar: &Sidecar, client: &Client, code: &str) {
        assert_refused(&sidecar.get("/a").by(client).send(), code, &self.bank);
    }
}

/// Trusts `authority`, and may fetch from loopback.
fn demanding(bank: &Bank, authority: &Authority) -> Config {
    Config::in_front_of(bank)
        .without("revocation.methods")
        .set("revocation.allow_private_addresses", "true")
        .file("trust/bank.der", authority.der.clone())
}

/// What the audit lines so far say of revocation, once there are as many as expected, in the order in which the requests
/// began: a line is written when its request has ended, and its client may have asked again by then.
#[track_caller]
fn assert_recorded(sidecar: &Sidecar, expected: &[Value]) {
    let mut lines = sidecar.audit(expected.len());
    lines.sort_by_key(|line| line["time"].as_str().map(str::to_owned));
    let recorded: Vec<_> = lines.iter().map(|line| line["certificate"]["revocation"].clone()).collect();
    assert_eq!(recorded, expected);
}

fn record(method: &str, status: &str, cached: bool) -> Value {
    json!({"method": method, "status": status, "cached": cached})
}

fn no_record(status: &str) -> Value {
    json!({"method": null, "status": status, "cached": false})
}

const HOUR: i64 = 3600;

#[test]
fn responder_is_asked_once_and_its_answer_serves_the_next_request() {
    let stage = Stage::new();
    stage.says(Said::good());
    let sidecar = stage.config().start();
    let alice = stage.client(1);

    stage.assert_passed(&sidecar, &alice);
    stage.assert_passed(&sidecar, &alice);

    assert_recorded(&sidecar, &[record("ocsp", "good", false), record("ocsp", "good", true)]);
    assert_eq!((stage.responder.asked("/ocsp"), stage.responder.asked("/crl")), (1, 0));
}

#[test]
fn revoked_certificate_is_refused_whatever_the_reason_and_whatever_the_list_says() {
    let stage = Stage::new();
    stage.lists(&[]);
    let sidecar = stage.config().start();
    // The last one is certificateHold.
    for (serial, reason) in [(1, None), (2, Some(1)), (3, Some(6))] {
        stage.says(Said::revoked(reason));
        stage.assert_refused(&sidecar, &stage.client(serial), "certificate_revoked");
    }
    assert_recorded(&sidecar, &vec![record("ocsp", "revoked", false); 3]);
}

#[test]
fn list_from_a_distribution_point_is_fetched_once_for_all() {
    let stage = Stage::new();
    stage.lists(&[(2, None), (3, Some(RevocationReason::CertificateHold))]);
    let sidecar = stage.config().set("revocation.methods", r#"["crl"]"#).start();

    stage.assert_passed(&sidecar, &stage.client(1));
    stage.assert_refused(&sidecar, &stage.client(2), "certificate_revoked");
    stage.assert_refused(&sidecar, &stage.client(3), "certificate_revoked");

    let revoked = record("crl", "revoked", false);
    assert_recorded(&sidecar, &[record("crl", "good", false), revoked.clone(), revoked]);
    assert_eq!((stage.responder.asked("/ocsp"), stage.responder.asked("/crl")), (0, 1));
}

#[test]
fn next_method_decides_when_the_first_does_not_answer() {
    let stage = Stage::new();
    stage.responder.says("/ocsp", |_| Reply::Silence);
    stage.lists(&[(2, None)]);
    let sidecar = stage.config().set("revocation.timeout", r#""300ms""#).start();

    stage.assert_passed(&sidecar, &stage.client(1));
    stage.assert_refused(&sidecar, &stage.client(2), "certificate_revoked");
    assert_recorded(&sidecar, &[record("crl", "good", false), record("crl", "revoked", false)]);

    let other_way_round = Stage::new();
    other_way_round.says(Said::revoked(None));
    let sidecar = other_way_round.config().set("revocation.methods", r#"["crl", "ocsp"]"#).start();
    other_way_round.assert_refused(&sidecar, &other_way_round.client(1), "certificate_revoked");
    assert_eq!((other_way_round.responder.asked("/crl"), other_way_round.responder.asked("/ocsp")), (1, 1));
}

#[test]
fn certificate_without_addresses_is_not_known_to_be_good() {
    let stage = Stage::new();
    let sidecar = stage.config().start();

    stage.assert_refused(&sidecar, &stage.client_asking(1, &[], None), "revocation_unknown");

    assert_recorded(&sidecar, &[no_record("unknown")]);
}

#[test]
fn allow_lets_pass_of_whom_nobody_tells_and_nobody_else() {
    let stage = Stage::new();
    let sidecar = stage.config().set("revocation.on_unavailable", r#""allow""#).start();
    stage.assert_passed(&sidecar, &stage.client_asking(1, &[], None));
    stage.assert_passed(&sidecar, &stage.client(2));
    stage.lists(&[(3, None)]);
    stage.says(Said::revoked(None));
    stage.assert_refused(&sidecar, &stage.client(4), "certificate_revoked");

    let unavailable = no_record("unavailable");
    assert_recorded(&sidecar, &[unavailable.clone(), unavailable, record("ocsp", "revoked", false)]);
}

#[test]
fn certificate_that_its_responder_does_not_know_passes_only_by_a_list() {
    let stage = Stage::new();
    stage.says(Said::unknown());
    let config = stage.config().set("revocation.on_unavailable", r#""allow""#);
    let sidecar = config.start();
    stage.assert_refused(&sidecar, &stage.client(1), "revocation_unknown");
    assert_recorded(&sidecar, &[no_record("unknown")]);

    stage.lists(&[(3, None)]);
    let sidecar = config.start();
    stage.assert_passed(&sidecar, &stage.client(2));
    stage.assert_refused(&sidecar, &stage.client(3), "certificate_revoked");
    assert_recorded(&sidecar, &[record("crl", "good", false), record("crl", "revoked", false)]);
}

#[test]
fn last_answer_serves_while_nobody_answers_only_where_that_is_configured() {
    for (on_unavailable, status, recorded) in
        [("deny", 503, "unknown"), ("stale", 200, "stale"), ("allow", 200, "unavailable")]
    {
        let stage = Stage::new();
        stage.says(Said::good());
        let config = stage.config().set("revocation.on_unavailable", &format!("{on_unavailable:?}"));
        let sidecar = config.set("revocation.cache_ttl", r#""1s""#).start();
        let alice = stage.client(1);
        stage.assert_passed(&sidecar, &alice);

        stage.responder.says("/ocsp", |_| Reply::Failure);

        await_verdict(&sidecar, &alice, 1, status, recorded);
        // Of her there is no last answer.
        let answer = sidecar.get("/a").by(&stage.client(2)).send();
        assert_eq!(answer.status == 200, on_unavailable == "allow", "{on_unavailable}");
    }
}

#[test]
fn silence_is_over_after_ten_seconds_though_the_client_asks_all_the_time() {
    // A CRL that is not to be had is set aside as a dead responder is.
    let stage = Stage::new();
    let sidecar = stage.config().set("revocation.methods", r#"["crl"]"#).start();
    let alice = stage.client(1);
    stage.assert_refused(&sidecar, &alice, "revocation_unknown");
    let silent_since = Instant::now();
    stage.lists(&[]);

    while sidecar.get("/a").by(&alice).send().status != 200 {
        assert!(silent_since.elapsed() < Duration::from_secs(13), "nobody has asked again");
        thread::sleep(Duration::from_millis(50));
    }
    assert!(silent_since.elapsed() >= Duration::from_secs(8), "the silence was not remembered");
}

#[test]
fn reload_forgets_nobody_who_was_revoked_and_no_last_answer() {
    for (on_unavailable, said) in [("allow", Said::revoked(None)), ("stale", Said::good())] {
        let stage = Stage::new();
        stage.says(said);
        let elsewhere = Authority::root("Elsewhere");
        let config = stage
            .config()
            .set("revocation.on_unavailable", &format!("{on_unavailable:?}"))
            .set("revocation.crl_files", r#"["elsewhere.crl"]"#)
            .file("elsewhere.crl", elsewhere.list(&[], HOUR));
        let sidecar = config.start();
        let client = stage.client(1);
        let assert_same = || match on_unavailable {
            "allow" => stage.assert_refused(&sidecar, &client, "certificate_revoked"),
            _ => stage.assert_passed(&sidecar, &client),
        };
        assert_same();
        stage.responder.says("/ocsp", |_| Reply::Failure);

        std::fs::write(sidecar.folder().join("elsewhere.crl"), elsewhere.list(&[(7, None)], HOUR)).unwrap();
        sidecar.events("crls_reloaded", 1);
        sidecar.signal("HUP");
        sidecar.events("config_reloaded", 1);
        assert_same();

        config.set("revocation.timeout", r#""3s""#).write(sidecar.folder());
        sidecar.events("config_reloaded", 2);
        assert_same();
    }
}

/// Sends requests until one meets this verdict, which must come soon. `lines` of the audit are there already.
#[track_caller]
fn await_verdict(sidecar: &Sidecar, client: &Client, lines: usize, status: u16, recorded: &str) {
    let until = Instant::now() + DEADLINE;
    for line in lines.. {
        let answer = sidecar.get("/a").by(client).send();
        let line = sidecar.audit(line + 1).remove(line);
        if answer.status == status && line["certificate"]["revocation"]["status"] == recorded {
            return;
        }
        assert!(Instant::now() < until, "{line}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn address_in_a_private_network_is_not_even_connected_to() {
    let stage = Stage::new();
    stage.says(Said::good());
    stage.lists(&[]);
    let guarded = stage.config().set("revocation.allow_private_addresses", "false");
    let elsewhere = stage.config().set("revocation.allowed_hosts", r#"["ocsp.bank.example"]"#);
    let listed = guarded.clone().set("revocation.allowed_hosts", r#"["127.0.0.1"]"#);
    for config in [guarded, listed, elsewhere] {
        stage.assert_refused(&config.start(), &stage.client(1), "revocation_unknown");
    }
    assert_eq!(stage.responder.connections(), 0);
    stage.assert_passed(&stage.config().start(), &stage.client(1));
}

#[test]
fn certificate_of_a_stranger_makes_nobody_fetch_anything() {
    let stage = Stage::new();
    let sidecar = stage.config().without_file("trust/bank.der").start();

    stage.assert_refused(&sidecar, &stage.client(1), "certificate_untrusted");

    assert_eq!(stage.responder.connections(), 0);
}

#[test]
fn twenty_first_requests_at_a_time_are_one_question() {
    let stage = Stage::new();
    stage.says(Said::good());
    stage.responder.hold();
    let sidecar = stage.config().start();
    let request = sidecar.get("/a").by(&stage.client(1));

    let answers: Vec<_> = thread::scope(|scope| {
        let askers: Vec<_> = (0..20).map(|_| scope.spawn(|| request.send().status)).collect();
        sidecar.await_metrics(|page| {
            page.lines().any(|line| line.starts_with("http_server_active_requests") && line.ends_with(" 20"))
        });
        stage.responder.go_on();
        askers.into_iter().map(|asker| asker.join().unwrap()).collect()
    });

    assert_eq!(answers, [200; 20]);
    assert_eq!(stage.responder.asked("/ocsp"), 1);
}

#[test]
fn client_that_goes_away_does_not_end_the_question() {
    let stage = Stage::new();
    stage.says(Said::good());
    stage.responder.hold();
    let sidecar = stage.config().start();
    let alice = stage.client(1);
    let mut connection = sidecar.connect();
    connection.write(&sidecar.get("/a").by(&alice).bytes());
    stage.responder.await_question("/ocsp");
    drop(connection);
    stage.responder.go_on();

    let answer = sidecar.get("/a").by(&alice).send();

    assert_eq!(answer.status, 200);
    assert_eq!(stage.responder.asked("/ocsp"), 1);
}

#[test]
fn dead_responder_costs_one_timeout() {
    let stage = Stage::new();
    stage.responder.says("/ocsp", |_| Reply::Silence);
    let sidecar = stage.config().start();
    let (alice, bob) = (stage.client(1), stage.client(2));
    let begun = Instant::now();
    stage.assert_refused(&sidecar, &alice, "revocation_unknown");
    assert!(begun.elapsed() >= Duration::from_secs(2), "nobody waited for the responder");

    let begun = Instant::now();
    for client in [&alice, &bob, &alice] {
        stage.assert_refused(&sidecar, client, "revocation_unknown");
    }

    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(stage.responder.asked("/ocsp"), 1);
}

#[test]
fn intermediate_that_was_revoked_is_found_where_the_chain_is_checked() {
    let stage = Stage::new();
    let sub = stage.authority.below_as("Bank Sub CA", |params| {
        params.custom_extensions.push(responders_at(&[&stage.responder.at("/sub")]));
    });
    let alice = sub.issue("tpp", |params| params.custom_extensions.push(responders_at(&[&stage.responder.at("/tpp")])));
    stage.responder.says("/tpp", Said::good().by(&sub));
    stage.responder.says("/sub", Said::revoked(None).by(&stage.authority));
    let config = stage.config().profile("traefik");
    let by_alice = |sidecar: &Sidecar| {
        let chain = format!("{},{}", base64_der(&alice.der), base64_der(&sub.der));
        let request = sidecar.get("/a").header("X-Forwarded-Tls-Client-Cert", &chain);
        request.bearing(alice.token()).send()
    };

    assert_passed(&by_alice(&config.start()), &stage.bank);
    assert_eq!(stage.responder.asked("/sub"), 0);
    let config = config.set("revocation.check", r#""chain""#);
    assert_refused(&by_alice(&config.start()), "certificate_revoked", &stage.bank);
    stage.responder.says("/sub", Said::good().by(&stage.authority));
    assert_passed(&by_alice(&config.start()), &stage.bank);
}

/// Eleven of the chain, and eight of a token that the last of as many issuers knows.
#[test]
fn longest_chain_and_the_last_issuer_are_not_too_many_questions() {
    let stage = Stage::new();
    let name = |params: &mut CertificateParams, place: usize| {
        params.custom_extensions.push(responders_at(&[&stage.responder.at(&format!("/{place}"))]));
    };
    let says = |place: usize, said: Said, by: &Authority| stage.responder.says(&format!("/{place}"), said.by(by));
    let mut issuer = Authority::root("Bank CA");
    let mut config = demanding(&stage.bank, &issuer).without_issuers();
    for place in 0..10 {
        let below = issuer.below_as(&format!("Bank Sub CA {place}"), |params| name(params, place));
        says(place, Said::good(), &issuer);
        issuer = below;
    }
    let alice = issuer.issue("tpp", |params| name(params, 10));
    says(10, Said::good(), &issuer);
    let introspectors: Vec<_> = (0..8).map(|_| Introspector::start()).collect();
    for (place, introspector) in introspectors.iter().enumerate() {
        let line = introspector.line("");
        config = config.issuer(&format!("issuer = \"https://{place}.example\"\naudiences = [{AUDIENCE:?}]\n{line}"));
    }
    introspectors[7].knows("opaque", but(active(&alice), "iss", "https://7.example"));
    let config = config
        .file("rs-secret", "hunter2\n")
        .profile("traefik")
        .set("truststore.max_intermediates", "10")
        .set("revocation.check", r#""chain""#);
    let chain: Vec<_> = [&alice.der].into_iter().chain(&alice.chain).map(|der| base64_der(der)).collect();
    let by_alice = |sidecar: &Sidecar| {
        sidecar.get("/a").header("X-Forwarded-Tls-Client-Cert", &chain.join(",")).bearing("opaque").send()
    };

    assert_passed(&by_alice(&config.start()), &stage.bank);
    assert_eq!((0..=10).map(|place| stage.responder.asked(&format!("/{place}"))).sum::<usize>(), 11);
    assert_eq!(introspectors.iter().map(Introspector::asked).sum::<usize>(), 8);
}

#[test]
fn revoked_certificate_goes_on_without_any_identity_in_report_mode() {
    let stage = Stage::new();
    stage.says(Said::revoked(None));
    let sidecar = stage
        .config()
        .set("mode", r#""report""#)
        .set("backend.headers", r#"{ "X-Thumbprint" = "{certificate.thumbprint}" }"#)
        .start();

    let seen = assert_passed(&sidecar.get("/a").by(&stage.client(1)).send(), &stage.bank);

    assert!(seen.identity().is_empty(), "{:?}", seen.identity());
    let line = sidecar.audit(1).remove(0);
    assert_eq!((&line["decision"], &line["reason"]), (&"would_deny".into(), &"certificate_revoked".into()));
    assert_eq!(line["certificate"]["revocation"], record("ocsp", "revoked", false));
}

#[test]
fn route_without_a_certificate_asks_nobody() {
    let stage = Stage::new();
    let sidecar = stage.config().route("path = \"/{*rest}\"\nrequire = []").start();

    stage.assert_passed(&sidecar, &stage.client(1));

    assert_eq!(stage.responder.connections(), 0);
    assert_recorded(&sidecar, &[Value::Null]);
}

#[test]
fn revocation_that_is_off_asks_nobody() {
    let stage = Stage::new();
    let alice = stage.client(1);
    let revoked = stage.authority.list(&[(1, None)], HOUR);
    let config = stage.config().set("revocation.methods", "[]").file("crl.der", revoked);
    let sidecar = config.set("revocation.crl_files", r#"["crl.der"]"#).start();

    stage.assert_passed(&sidecar, &alice);

    assert_eq!(stage.responder.connections(), 0);
    assert_recorded(&sidecar, &[Value::Null]);
}
