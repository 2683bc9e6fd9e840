//! A configuration that changes while certbound runs.

use super::*;
use crate::config::reload::{Refused, Reloaded, reload};

/// Asks a consent service, in questions that are signed with this file if any.
fn asking(key: Option<&str>) -> String {
    let key = key.map(|key| format!("signing_key_file = {key:?}\n")).unwrap_or_default();
    SMALLEST.to_owned() + "[consent]\nendpoint = \"http://127.0.0.1:9/\"\n" + &key
}

fn signing_key() -> String {
    KeyPair::generate().unwrap().serialize_pem()
}

/// What comes of `toml` where `running` is in force.
fn follow(folder: &Folder, running: &Settings, toml: &str) -> Result<Reloaded, Refused> {
    folder.write("proxy.toml", toml);
    reload(&running.source, now())
}

fn applied(folder: &Folder, running: &Settings, toml: &str) -> Reloaded {
    follow(folder, running, toml).unwrap_or_else(|refused| unreachable!("{:#?}", folder.lines(&refused.faults)))
}

fn waiting(reloaded: &Reloaded) -> Vec<&str> {
    reloaded.waiting.iter().map(String::as_str).collect()
}

fn consent_kid(supplies: &Supplies) -> Option<String> {
    Some(format!("{:?}", supplies.consent.as_ref()?.signing_key.as_ref()?))
}

#[test]
fn refusal_says_what_was_looked_at() {
    let folder = Folder::new();
    folder.write("old.crl", "");
    let running = folder.settings(SMALLEST);
    let check = |toml: &str, mend: &dyn Fn()| {
        let refused = follow(&folder, &running, toml).err().unwrap();
        assert_eq!(refused.looks, refused.looks.anew(), "{toml}");
        mend();
        assert_ne!(refused.looks, refused.looks.anew(), "{toml}");
    };
    let trusting = |path: &str| with(&[("truststore", &format!("paths = [\"trust/\", {path:?}]"))]);
    check(&trusting("new.pem"), &|| folder.write("new.pem", authority().pem()));
    check(&trusting("more/"), &|| fs::create_dir(folder.path("more")).unwrap());
    check(&trusting("more/"), &|| folder.write("more/new.pem", authority().pem()));
    check(&with(&[("token.issuer", "jwks = \"new.json\"")]), &|| folder.write("new.json", "{}"));
    let lists = [("revocation", "methods = [\"crl\"]"), ("revocation", "crl_files = [\"old.crl\"]")];
    check(&with(&lists), &|| folder.write("old.crl", "a page of excuses"));
    check("[broken", &|| folder.write("proxy.toml", SMALLEST));
    fs::remove_file(folder.path("proxy.toml")).unwrap();
    let refused = reload(&running.source, now()).err().unwrap();
    folder.write("proxy.toml", SMALLEST);
    assert_ne!(refused.looks, refused.looks.anew());
}

#[test]
fn what_was_applied_is_not_read_again_until_it_changes() {
    let folder = Folder::new();
    let files = ["one.pem", "two.pem"];
    files.iter().for_each(|file| folder.write(file, signing_key()));
    let texts = [SMALLEST.to_owned(), asking(None), asking(Some("one.pem")), asking(Some("two.pem"))];

    for (old, new) in texts.iter().flat_map(|old| texts.iter().map(move |new| (old, new))) {
        let reloaded = applied(&folder, &folder.settings(old), new);
        let looks = reloaded.settings.source.looks;

        assert_eq!(looks, looks.anew(), "{old} {new}");
        let named = files.iter().find(|file| new.contains(**file));
        files.iter().filter(|file| Some(*file) != named).for_each(|file| folder.write(file, signing_key()));
        assert_eq!(looks, looks.anew(), "{old} {new}");
        if let Some(named) = named {
            folder.write(named, signing_key());
            assert_ne!(looks, looks.anew(), "{old} {new}");
        }
    }
}

#[test]
fn file_of_a_key_that_waits_is_taken_as_it_was() {
    let folder = Folder::new();
    folder.write("one.pem", signing_key());
    let (mut running, supplies, _) = folder.loaded(&asking(Some("one.pem")));
    let kid = consent_kid(&supplies);
    assert!(kid.is_some());

    fs::remove_file(folder.path("one.pem")).unwrap();
    folder.write("two.pem", signing_key());
    for mode in ["report", "enforce"] {
        let toml = format!("mode = {mode:?}\n{}", asking(Some("two.pem")));
        let reloaded = applied(&folder, &running, &toml);
        assert_eq!(waiting(&reloaded), ["consent.signing_key_file"]);
        running = reloaded.settings;
        assert_eq!((running.mode == Mode::Report, consent_kid(&reloaded.supplies)), (mode == "report", kid.clone()));
    }

    folder.write("one.pem", signing_key());
    let reloaded = applied(&folder, &running, &asking(Some("one.pem")));
    assert_eq!(waiting(&reloaded), ["consent.signing_key_file"], "the file changed, and the text did not");
    assert_eq!(consent_kid(&reloaded.supplies), kid);
    fs::remove_file(folder.path("one.pem")).unwrap();
    assert!(follow(&folder, &running, &asking(Some("one.pem"))).is_err(), "a restart would fail");
}

#[test]
fn change_of_a_file_alone_leaves_the_text_and_its_hash_as_they_are() {
    let folder = Folder::new();
    folder.write("one.pem", signing_key());
    let running = folder.settings(&asking(Some("one.pem")));

    folder.write("one.pem", signing_key());
    let reloaded = applied(&folder, &running, &asking(Some("one.pem")));

    assert_eq!(waiting(&reloaded), ["consent.signing_key_file"]);
    assert_eq!(reloaded.settings.hash, running.hash);
}

#[test]
fn warning_has_its_place_in_the_file_though_keys_wait() {
    let folder = Folder::new();
    let running = folder.settings(SMALLEST);

    let reloaded = applied(&folder, &running, &format!("# A line more.\n\n{}", asking(None)));

    let fresh = folder.warnings(&format!("# A line more.\n\n{}", asking(None)));
    assert_eq!(folder.lines(&reloaded.warnings), fresh);
    assert!(fresh.iter().any(|warning| warning.contains("consent.endpoint")), "{fresh:#?}");
}

#[test]
fn keys_without_which_nothing_can_be_applied_are_named() {
    let folder = Folder::new();
    let running = folder.settings(SMALLEST);

    let refused = follow(&folder, &running, &(asking(None) + "[[route]]\npath = \"/\"\nconsent = true\n"));

    let waiting = refused.err().unwrap().waiting;
    assert_eq!(waiting.into_iter().collect::<Vec<_>>(), ["consent.endpoint"]);
}

#[test]
fn files_that_are_kept_are_never_printed() {
    let folder = Folder::new();
    let key = signing_key();
    folder.write("one.pem", &key);

    let printed = format!("{:?}", folder.settings(&asking(Some("one.pem"))).source);

    assert!(printed.contains("consent.signing_key_file"), "{printed}");
    let bytes = format!("{:?}", key.as_bytes());
    assert!(!printed.contains(key.lines().nth(1).unwrap()) && !printed.contains(bytes.trim_matches(['[', ']'])));
}

/// Behind a balancer with this profile, which shows the secret of this file.
fn balanced(profile: &str, file: &str, more: &str) -> String {
    let secret = format!("secret_header = {{ name = \"X-LB-Auth\", value_file = {file:?} }}");
    with(&[("load_balancer", &secret), ("client_certificate", &format!("profile = {profile:?}"))]) + more
}

#[test]
fn file_waits_with_a_key_of_its_group_and_is_taken_as_it_was() {
    let folder = Folder::new();
    folder.write("one.txt", "the first secret that the balancer shows");
    let running = folder.settings(&balanced("nginx", "one.txt", ""));
    let text = |settings: &Settings| settings.source.files[0].content().to_vec();
    let first = text(&running);

    folder.write("one.txt", "the second secret that the balancer shows");
    let reloaded = applied(&folder, &running, &balanced("nginx", "one.txt", ""));
    assert_eq!(waiting(&reloaded), [""; 0]);
    assert_ne!(text(&reloaded.settings), first);

    let reloaded = applied(&folder, &running, &balanced("envoy", "one.txt", ""));
    assert_eq!(waiting(&reloaded), ["client_certificate.profile", "load_balancer.secret_header.value_file"]);
    assert_eq!(text(&reloaded.settings), first);

    fs::remove_file(folder.path("one.txt")).unwrap();
    folder.write("two.txt", "the second secret that the balancer shows");
    let reloaded = applied(&folder, &running, &balanced("envoy", "two.txt", "[eidas]\nrequire = \"psd2\"\n"));
    assert_eq!(text(&reloaded.settings), first);
    assert!(waiting(&reloaded).contains(&"load_balancer.secret_header"), "{:?}", waiting(&reloaded));
    assert!(reloaded.settings.source.text.contains("psd2"));
}
