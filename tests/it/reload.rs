//! A changed configuration is applied whole, without a request that fails, or not at all.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use rcgen::KeyPair;

use crate::{
    support::{
        bank::Bank,
        config::Config,
        connection::Connection,
        issuer::Issuer,
        pki::{Authority, Pki, pem},
        sidecar::Sidecar,
        tls::client_config,
        token::{AUDIENCE, ISSUER, SigningKey, Token},
    },
    verdict::{assert_passed, assert_refused},
};

/// Writes `config` over the file that `sidecar` runs with, and has it read.
fn tell(sidecar: &Sidecar, config: &Config) {
    config.write(sidecar.folder());
    sidecar.signal("HUP");
}

fn gauge(sidecar: &Sidecar, name: &str, value: u8) {
    sidecar.await_metrics(|page| page.contains(&format!("\n{name} {value}\n")));
}

#[test]
fn routes_and_mode_are_applied_on_sighup() {
    let bank = Bank::start();
    let config = || Config::in_front_of(&bank);
    let sidecar = config().route("path = \"/old\"").start();
    let alice = &Pki::get().alice;
    assert_passed(&sidecar.get("/old").by(alice).send(), &bank);

    tell(&sidecar, &config().route("path = \"/new\""));
    let line = &sidecar.events("config_reloaded", 1)[0];

    assert_eq!(line["generation"], 2);
    assert_refused(&sidecar.get("/old").by(alice).send(), "route_unknown", &bank);
    assert_passed(&sidecar.get("/new").by(alice).send(), &bank);
    let audit = sidecar.audit(3);
    assert_ne!(audit[0]["config"], audit[1]["config"]);
    assert_eq!(audit[1]["config"], line["config"]);

    tell(&sidecar, &config().set("mode", "\"report\""));
    sidecar.events("config_reloaded", 2);
    assert_passed(&sidecar.get("/new").showing(alice).send(), &bank);
    let audit = sidecar.audit(4);
    assert_eq!((&audit[3]["mode"], &audit[3]["decision"]), (&"report".into(), &"would_deny".into()));
    sidecar.await_metrics(|page| page.contains(r#"reason="token_missing",route="/{*rest}",mode="report"} 1"#));
}

#[test]
fn changed_truststore_keys_and_balancers_are_applied_without_a_signal() {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank);
    let sidecar = config.start();
    let (alice, other) = (&Pki::get().alice, Authority::root("Another root"));
    let stranger = other.client("stranger");
    assert_refused(&sidecar.get("/").by(&stranger).send(), "certificate_untrusted", &bank);

    fs::write(sidecar.folder().join("trust/other.pem"), pem(&other.der)).unwrap();
    sidecar.events("config_reloaded", 1);
    assert_passed(&sidecar.get("/").by(&stranger).send(), &bank);
    sidecar.await_metrics(|page| page.contains(r#"anchor="CN=Another root""#));

    fs::remove_file(sidecar.folder().join("trust/other.pem")).unwrap();
    sidecar.events("config_reloaded", 2);
    assert_refused(&sidecar.get("/").by(&stranger).send(), "certificate_untrusted", &bank);

    let rotated = SigningKey::new("rotated");
    fs::write(sidecar.folder().join("keys.json"), SigningKey::set(&[&rotated])).unwrap();
    sidecar.events("config_reloaded", 3);
    sidecar.event("keys_changed");
    let token = Token::of(alice).header("kid", "rotated").sign_with(&rotated);
    assert_passed(&sidecar.get("/").showing(alice).bearing(token).send(), &bank);

    config.set("load_balancer.trusted_networks", "[\"10.0.0.0/8\"]").write(sidecar.folder());
    sidecar.events("config_reloaded", 4);
    assert_refused(&sidecar.get("/").by(alice).send(), "certificate_missing", &bank);
}

#[test]
fn folder_that_kubernetes_swaps_is_seen() {
    let bank = Bank::start();
    let config = |path: &str| Config::in_front_of(&bank).route(&format!("path = {path:?}"));
    let folder = tempfile::tempdir().unwrap();
    let mount = |version: &str, config: &Config| {
        config.write(&folder.path().join(version));
        symlink(version, folder.path().join("..new")).unwrap();
        fs::rename(folder.path().join("..new"), folder.path().join("..data")).unwrap();
    };
    fs::create_dir(folder.path().join("..1")).unwrap();
    fs::create_dir(folder.path().join("..2")).unwrap();
    mount("..1", &config("/old"));
    for name in ["proxy.toml", "trust", "keys.json"] {
        symlink(format!("..data/{name}"), folder.path().join(name)).unwrap();
    }
    let file = folder.path().join("proxy.toml");
    let place = folder.path().to_owned();
    let sidecar = Sidecar::start_with(folder, &file);
    let alice = &Pki::get().alice;
    assert_passed(&sidecar.get("/old").by(alice).send(), &bank);

    config("/new").write(&place.join("..2"));
    symlink("..2", place.join("..new")).unwrap();
    fs::rename(place.join("..new"), place.join("..data")).unwrap();

    sidecar.events("config_reloaded", 1);
    assert_passed(&sidecar.get("/new").by(alice).send(), &bank);
}

#[test]
fn faulty_configuration_changes_nothing_and_says_so() {
    let bank = Bank::start();
    let config = || Config::in_front_of(&bank);
    let sidecar = config().route("path = \"/old\"").start();
    let alice = &Pki::get().alice;
    gauge(&sidecar, "certbound_config_last_reload_successful", 1);

    tell(&sidecar, &config().route("path = \"/new\"\nscope = []").set("mode", "\"raport\""));
    let line = &sidecar.events("config_not_reloaded", 1)[0];

    assert_eq!(line["level"], "error");
    for fault in ["mode: `raport` is none of", "scope: unknown key"] {
        assert!(line["faults"].as_str().unwrap().contains(fault), "{line}");
    }
    gauge(&sidecar, "certbound_config_last_reload_successful", 0);
    assert_passed(&sidecar.get("/old").by(alice).send(), &bank);
    assert_refused(&sidecar.get("/new").by(alice).send(), "route_unknown", &bank);

    tell(&sidecar, &config().route("path = \"/new\""));
    sidecar.events("config_reloaded", 1);
    gauge(&sidecar, "certbound_config_last_reload_successful", 1);
    assert_passed(&sidecar.get("/new").by(alice).send(), &bank);
}

#[test]
fn key_that_needs_a_restart_is_named_and_the_rest_is_applied() {
    let (bank, other) = (Bank::start(), Bank::start());
    let sidecar = Config::in_front_of(&bank).start();
    let alice = &Pki::get().alice;

    tell(&sidecar, &Config::in_front_of(&other).route("path = \"/new\""));
    let line = &sidecar.events("config_restart_required", 1)[0];

    assert_eq!(line["keys"], "backend.address");
    gauge(&sidecar, "certbound_config_restart_required", 1);
    assert_passed(&sidecar.get("/new").by(alice).send(), &bank);
    assert_refused(&sidecar.get("/old").by(alice).send(), "route_unknown", &bank);
    assert_eq!(other.requests(), 0);

    tell(&sidecar, &Config::in_front_of(&bank));
    sidecar.events("config_reloaded", 2);
    gauge(&sidecar, "certbound_config_restart_required", 0);
}

#[test]
fn change_that_does_not_work_without_a_restart_says_which_key_it_waits_for() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank).start();
    let alice = &Pki::get().alice;

    let consenting = Config::in_front_of(&bank).set("consent.endpoint", "\"http://127.0.0.1:9/\"");
    tell(&sidecar, &consenting.route("path = \"/{*rest}\"\nconsent = true"));
    let line = &sidecar.events("config_not_reloaded", 1)[0];

    let faults = line["faults"].as_str().unwrap();
    assert!(faults.contains("consent.endpoint: changed, is applied only by a restart"), "{line}");
    assert_eq!(sidecar.event("config_restart_required")["keys"], "consent.endpoint");
    gauge(&sidecar, "certbound_config_restart_required", 1);
    assert_passed(&sidecar.get("/").by(alice).send(), &bank);
}

#[test]
fn file_that_was_missing_mends_a_refused_configuration_when_it_appears() {
    let bank = Bank::start();
    let other = Authority::root("Another root");
    let trusting = Config::in_front_of(&bank).set("truststore.paths", r#"["trust/", "new"]"#);
    let issuer = format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = \"new\"");
    let believing = Config::in_front_of(&bank).without_issuers().issuer(&issuer);
    let keys = SigningKey::set(&[SigningKey::published()]);

    for (config, content) in [(trusting, pem(&other.der)), (believing, keys)] {
        let sidecar = Config::in_front_of(&bank).start();
        config.set("mode", "\"report\"").write(sidecar.folder());
        let line = &sidecar.events("config_not_reloaded", 1)[0];
        assert!(line["faults"].as_str().unwrap().contains("new` cannot be read"), "{line}");
        assert_refused(&sidecar.get("/").send(), "certificate_missing", &bank);

        fs::write(sidecar.folder().join("new"), content).unwrap();

        sidecar.events("config_reloaded", 1);
        gauge(&sidecar, "certbound_config_last_reload_successful", 1);
        assert_passed(&sidecar.get("/").send(), &bank);
    }
}

#[test]
fn crl_that_is_mended_mends_the_configuration_that_was_refused_for_it() {
    let bank = Bank::start();
    let list = Pki::get().issuing.list(&[], 3600);
    let config = Config::in_front_of(&bank).set("revocation.methods", r#"["crl"]"#);
    let config = config.set("revocation.crl_files", r#"["list.crl"]"#).file("list.crl", list.clone());
    let sidecar = config.start();
    let alice = &Pki::get().alice;
    assert_passed(&sidecar.get("/").by(alice).send(), &bank);

    tell(&sidecar, &config.clone().file("list.crl", "a page of excuses").set("mode", "\"report\""));
    let line = &sidecar.events("config_not_reloaded", 1)[0];
    assert!(line["faults"].as_str().unwrap().contains("revocation.crl_files"), "{line}");
    gauge(&sidecar, "certbound_config_last_reload_successful", 0);

    fs::write(sidecar.folder().join("list.crl"), list).unwrap();

    sidecar.events("config_reloaded", 1);
    gauge(&sidecar, "certbound_config_last_reload_successful", 1);
    assert_passed(&sidecar.get("/").send(), &bank);
}

#[test]
fn crl_that_was_found_at_fault_counts_as_a_failed_reload_until_it_is_mended() {
    let bank = Bank::start();
    let list = Pki::get().issuing.list(&[], 3600);
    let config = Config::in_front_of(&bank).set("revocation.methods", r#"["crl"]"#);
    let sidecar = config.set("revocation.crl_files", r#"["list.crl"]"#).file("list.crl", list.clone()).start();

    fs::write(sidecar.folder().join("list.crl"), "a page of excuses").unwrap();
    sidecar.event("crls_not_reloaded");
    gauge(&sidecar, "certbound_config_last_reload_successful", 0);

    fs::write(sidecar.folder().join("list.crl"), list).unwrap();
    sidecar.event("crls_reloaded");
    gauge(&sidecar, "certbound_config_last_reload_successful", 1);
}

/// Whoever replaces a key takes the old file away, and restarts when there is time.
#[test]
fn file_behind_a_key_that_waits_for_a_restart_may_be_gone() {
    let bank = Bank::start();
    let config = |file: &str| {
        let config = Config::in_front_of(&bank).set("consent.endpoint", "\"http://127.0.0.1:9/\"");
        config
            .set("consent.signing_key_file", &format!("{file:?}"))
            .file(file, KeyPair::generate().unwrap().serialize_pem())
    };
    let sidecar = config("old.pem").start();
    assert_refused(&sidecar.get("/").send(), "certificate_missing", &bank);

    fs::remove_file(sidecar.folder().join("old.pem")).unwrap();
    config("new.pem").set("mode", "\"report\"").write(sidecar.folder());

    assert_eq!(sidecar.event("config_restart_required")["keys"], "consent.signing_key_file");
    gauge(&sidecar, "certbound_config_restart_required", 1);
    assert_passed(&sidecar.get("/").send(), &bank);

    let other = Authority::root("Another root");
    fs::write(sidecar.folder().join("trust/other.pem"), pem(&other.der)).unwrap();

    sidecar.await_metrics(|page| page.contains(r#"anchor="CN=Another root""#));
    gauge(&sidecar, "certbound_config_restart_required", 1);
}

#[test]
fn issuer_that_does_not_answer_does_not_hold_a_reload_up() {
    let bank = Bank::start();
    // Takes connections in, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let jwks = format!("http://{}/jwks", silent.local_addr().unwrap());
    let config = Config::in_front_of(&bank).set("token.fetch_timeout", "\"10m\"");
    let sidecar = config.start();

    let issuer = format!("issuer = \"https://silent.example\"\naudiences = [\"a\"]\njwks = {jwks:?}");
    tell(&sidecar, &config.issuer(&issuer).set("mode", "\"report\""));

    sidecar.events("config_reloaded", 1);
    assert_passed(&sidecar.get("/").send(), &bank);
    assert!(String::from_utf8(sidecar.await_admin("/readyz?verbose", 503).body).unwrap().contains("silent.example"));
}

/// A request that lasts for hours may hold a configuration, but not all that went on under it.
#[test]
fn keys_of_a_configuration_that_was_replaced_are_fetched_no_more() {
    let (bank, old, new) = (Bank::start(), Issuer::start(), Issuer::start());
    let config = |issuer: &Issuer| {
        let lines = "jwks_refresh = \"1s\"";
        let issuer = format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks = {:?}\n{lines}", issuer.jwks());
        Config::in_front_of(&bank).without_issuers().issuer(&issuer)
    };
    let sidecar = config(&old).start();
    sidecar.await_admin("/readyz", 200);
    let mut lasting = sidecar.connect();
    lasting.write(&sidecar.get("/wait/1").by(&Pki::get().alice).bytes());
    bank.await_requests(1);
    old.await_key_requests(2);

    tell(&sidecar, &config(&new));
    sidecar.events("config_reloaded", 1);
    // One may have been under way.
    let before = old.key_requests();
    new.await_key_requests(4);

    assert!(old.key_requests() <= before + 1, "{} fetches after {before}", old.key_requests());
    bank.open();
    assert_eq!(lasting.answer("GET").status, 200);
}

#[test]
fn certificate_of_the_listener_is_replaced() {
    let bank = Bank::start();
    let config = Config::in_front_of(&bank).with_tls();
    let sidecar = config.start();
    let alice = &Pki::get().alice;
    let mut standing = sidecar.connect_tls(None);
    assert_passed(&sidecar.get("/").by(alice).send_on(&mut standing), &bank);
    let shown =
        || Connection::certificate_of(sidecar.address(), "localhost", client_config(&Pki::get().infrastructure, None));
    let before = shown();

    let server = Pki::get().infrastructure.server(&["localhost"]);
    tell(&sidecar, &config.file("tls.crt", server.pem()).file("tls.key", server.key_pem()));
    sidecar.events("config_reloaded", 1);

    assert_eq!((shown() == before, shown()), (false, server.der.clone()));
    assert_passed(&sidecar.get("/").by(alice).send_on(&mut sidecar.connect_tls(None)), &bank);
    assert_passed(&sidecar.get("/").by(alice).send_on(&mut standing), &bank);
}

/// Each configuration has an issuer of its own in the first place, so a gate that met the keys of another generation would
/// find every signature wrong.
#[test]
fn no_request_fails_and_none_sees_a_mixture_while_configurations_follow_each_other() {
    let bank = Bank::start();
    let (first, second) = (SigningKey::new("1"), SigningKey::new("2"));
    let issuer =
        |name: &str| format!("issuer = \"https://{name}.example\"\naudiences = [\"a\"]\njwks = \"{name}.json\"");
    let config = |order: [&str; 2], path: &str| {
        let [one, two] = order.map(issuer);
        let config = Config::in_front_of(&bank).without_issuers().issuer(&one).issuer(&two);
        let config = config.route(&format!("path = {path:?}\nscopes = [\"accounts\"]")).route("path = \"/both\"");
        config.file("one.json", SigningKey::set(&[&first])).file("two.json", SigningKey::set(&[&second]))
    };
    let configs = [config(["one", "two"], "/a"), config(["two", "one"], "/b")];
    let sidecar = configs[0].start();
    let alice = &Pki::get().alice;
    let token = |name: &str, key: &SigningKey| {
        let token = Token::of(alice).claim("iss", format!("https://{name}.example")).claim("aud", "a");
        token.header("kid", if name == "one" { "1" } else { "2" }).sign_with(key)
    };
    let tokens = [token("one", &first), token("two", &second)];
    let over = AtomicBool::new(false);

    let served = thread::scope(|scope| {
        let sending = tokens.each_ref().map(|token| {
            let (sidecar, over) = (&sidecar, &over);
            scope.spawn(move || {
                let mut connection = sidecar.connect();
                let mut served = 0;
                while !over.load(Ordering::Relaxed) {
                    let request = sidecar.get("/both").showing(alice).bearing(token);
                    assert_eq!(request.send_on(&mut connection).status, 200, "after {served}");
                    served += 1;
                }
                served
            })
        });
        for round in 1..=6 {
            tell(&sidecar, &configs[round % 2]);
            sidecar.events("config_reloaded", round);
        }
        over.store(true, Ordering::Relaxed);
        sending.map(|sending| sending.join().unwrap())
    });

    assert!(served.iter().all(|served| *served > 5), "{served:?}");
}
