//! `certbound explain` and `certbound detect`: from what was captured to the cause, in one command.

mod described;
mod mistakes;

use std::{
    path::Path,
    process::{Command, Output},
};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use rcgen::CertificateParams;
use serde_json::{Value, json};

use crate::support::{
    bank::Bank,
    config::Config,
    der::responders_at,
    forms,
    introspector::Introspector,
    ocsp::{Reply, Responder},
    pki::{Client, Pki, hash, pem},
    sidecar::binary,
    token::{AUDIENCE, ISSUER, SigningKey, Token},
};

/// A folder with a configuration, in which requests are described.
struct Desk {
    folder: tempfile::TempDir,
    config: std::path::PathBuf,
}

impl Desk {
    fn new(config: &Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config.write(folder.path());
        Self { folder, config }
    }

    fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, options: &[&str]) -> Output {
        explain(&self.config, options)
    }

    /// The explanation of a request to `/accounts/1`, for which nobody is asked.
    fn json(&self, options: &[&str]) -> Value {
        self.online(&[&["--offline"], options].concat())
    }

    fn online(&self, options: &[&str]) -> Value {
        self.by("GET", options)
    }

    /// The same with this method.
    fn by(&self, method: &str, options: &[&str]) -> Value {
        let all = [&["--method", method, "--path", "/accounts/1", "--json"], options].concat();
        let output = self.run(&all);
        let explained: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let code = if explained["decision"] == "permit" { 0 } else { 3 };
        assert_eq!(output.status.code(), Some(code), "{explained:#}");
        explained
    }

    /// The request of `client` with this token, its certificate in the header.
    fn of(&self, client: &Client, token: &str) -> Value {
        let (header, token) = (forms::percent_pem(&client.der), self.file("token", token));
        self.json(&["--header", &header, "--token", &token])
    }

    /// The request with this value in the header.
    fn showing(&self, value: &str) -> Value {
        let token = self.file("token", Pki::get().alice.token());
        self.json(&["--header", value, "--token", &token])
    }
}

fn explain(config: &Path, options: &[&str]) -> Output {
    Command::new(binary()).args(["explain", "--config"]).arg(config).args(options).output().unwrap()
}

fn smallest() -> Config {
    Config::to("127.0.0.1:8080")
}

#[track_caller]
fn verdict<'a>(explained: &'a Value, check: &str) -> &'a Value {
    let checks = explained["checks"].as_array().unwrap();
    checks.iter().find(|line| line["check"] == check).unwrap_or_else(|| panic!("no {check} in {explained:#}"))
}

#[track_caller]
fn assert_mistake(explained: &Value, code: &str) {
    let mistakes: Vec<_> = explained["mistakes"].as_array().unwrap().iter().map(|m| m["code"].clone()).collect();
    assert_eq!(mistakes, [code], "{explained:#}");
    assert!(explained["mistakes"][0]["text"].as_str().unwrap().len() > 30);
}

#[test]
fn permit_shows_each_check_and_what_it_found() {
    let desk = Desk::new(&smallest());
    let alice = &Pki::get().alice;

    let explained = desk.of(alice, &alice.token());

    assert_eq!((&explained["decision"], &explained["code"]), (&"permit".into(), &Value::Null));
    let line = |check: &Value| format!("{} {}", check["check"].as_str().unwrap(), check["verdict"].as_str().unwrap());
    let lines: Vec<_> = explained["checks"].as_array().unwrap().iter().map(line).collect();
    let expected = [
        "route pass",
        "peer pass",
        "certificate pass",
        "revocation skipped",
        "qualification skipped",
        "token pass",
        "proof skipped",
        "binding pass",
        "policy skipped",
        "consent skipped",
        "registration skipped",
    ];
    assert_eq!(lines, expected);
    assert_eq!(verdict(&explained, "certificate")["facts"]["thumbprint"], alice.thumbprint());
    assert_eq!(verdict(&explained, "binding")["facts"]["confirmed"], alice.thumbprint());
    assert_eq!(verdict(&explained, "token")["facts"]["kind"], "jwt");
    assert_eq!(explained["mistakes"], json!([]));
}

#[test]
fn first_refusal_is_marked_and_the_token_is_told_of_all_the_same() {
    let desk = Desk::new(&smallest());
    let pki = Pki::get();

    let explained = desk.of(&pki.expired, &pki.alice.token());

    assert_eq!(explained["code"], "certificate_expired");
    assert_eq!(verdict(&explained, "certificate")["verdict"], "fail");
    assert_eq!(verdict(&explained, "certificate")["facts"]["code"], "certificate_expired");
    assert_eq!(verdict(&explained, "token")["verdict"], "pass");
    assert_eq!(verdict(&explained, "binding")["verdict"], "skipped");
}

#[test]
fn words_for_people_name_the_refusal_and_hold_no_token() {
    let desk = Desk::new(&smallest());
    let (alice, mallory) = (&Pki::get().alice, &Pki::get().mallory);
    let (token, certificate) = (desk.file("token", alice.token()), desk.file("mallory.pem", mallory.pem()));

    let output =
        desk.run(&["--method", "GET", "--path", "/accounts/1?x=1", "--certificate", &certificate, "--token", &token]);

    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\n> fail     binding "), "{text}");
    assert!(text.contains("deny: binding_mismatch (401)"), "{text}");
    assert!(text.contains(&alice.thumbprint()) && text.contains(&mallory.thumbprint()), "{text}");
    assert!(!text.contains(&alice.token()) && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn text_of_a_stranger_turns_nothing_around_on_the_terminal() {
    let output = Desk::new(&smallest()).run(&["--method", "GET", "--path", "/a\u{202e}b\u{1b}"]);

    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("GET /a\\u{202e}b\\u{1b}\n"), "{text}");
}

#[test]
fn time_of_the_request_can_be_another() {
    let desk = Desk::new(&smallest());
    let alice = &Pki::get().alice;
    let (header, token) = (forms::percent_pem(&alice.der), desk.file("token", alice.token()));

    let explained = desk.json(&["--header", &header, "--token", &token, "--at", "2099-01-01T00:00:00Z"]);

    assert_eq!(explained["code"], "certificate_expired");
}

#[test]
fn question_that_stays_open_is_unknown_and_a_refusal() {
    let (alice, pki) = (&Pki::get().alice, Pki::get());
    let responder = Responder::start();
    let responsible = pki.issuing.issue("responsible", |params: &mut CertificateParams| {
        params.custom_extensions.push(responders_at(&[&responder.at("/ocsp")]));
    });
    let asking = smallest().set("revocation.methods", r#"["ocsp"]"#).set("revocation.allow_private_addresses", "true");
    let lenient = asking.clone().set("revocation.on_unavailable", r#""allow""#);
    let issuer = format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]");
    let keys_at = |line: &str| smallest().without_issuers().issuer(&format!("{issuer}\n{line}"));
    let rotated = SigningKey::new("rotated");
    let unknown_key = Token::of(alice).header("kid", "rotated").sign_with(&rotated);
    let cases = [
        (asking.clone(), alice, alice.token(), "revocation", "unknown", "revocation_unknown"),
        (asking, &responsible, responsible.token(), "revocation", "unknown", "revocation_unknown"),
        (lenient, &responsible, responsible.token(), "revocation", "unknown", "revocation_unknown"),
        (keys_at(""), alice, alice.token(), "token", "unknown", "keys_unavailable"),
        (keys_at(r#"jwks = "http://127.0.0.1:9/jwks""#), alice, alice.token(), "token", "unknown", "keys_unavailable"),
        // The file has answered.
        (smallest(), alice, unknown_key, "token", "fail", "token_key_unknown"),
    ];
    for (config, client, token, check, expected, code) in cases {
        let explained = Desk::new(&config).of(client, &token);
        assert_eq!(
            (&verdict(&explained, check)["verdict"], &explained["code"]),
            (&expected.into(), &code.into()),
            "{explained:#}"
        );
    }
    assert_eq!(responder.connections(), 0);
}

#[test]
fn question_that_nobody_answered_is_unknown_too() {
    let alice = &Pki::get().alice;
    let nowhere = Bank::closed();
    let issuer = format!("issuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]");
    let fetched = smallest().without_issuers().issuer(&format!("{issuer}\njwks = \"http://{nowhere}/jwks\""));
    let introspector = Introspector::start();
    introspector.says(|| Reply::Failure);
    let introspected = introspector.asked_by(smallest(), "jwks = \"keys.json\"");
    for (config, token, code) in
        [(fetched, alice.token(), "keys_unavailable"), (introspected, "opaque".to_owned(), "introspection_unavailable")]
    {
        let desk = Desk::new(&config);
        let (header, token) = (forms::percent_pem(&alice.der), desk.file("token", token));
        let explained = desk.online(&["--header", &header, "--token", &token]);
        assert_eq!(
            (&verdict(&explained, "token")["verdict"], &explained["code"]),
            (&"unknown".into(), &code.into()),
            "{explained:#}"
        );
    }
}

#[test]
fn target_is_read_as_run_reads_it() {
    let desk = Desk::new(&smallest().route("path = \"/open\"\nrequire = []"));
    for (path, code) in [
        ("/open", None),
        ("/open?a=b", None),
        ("/open#f", Some("request_malformed")),
        ("/open?a#f", Some("request_malformed")),
        ("/open?a b", Some("request_malformed")),
        ("/open/../a", Some("path_ambiguous")),
    ] {
        let output = desk.run(&["--method", "GET", "--path", path, "--offline", "--json"]);
        let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(explained["code"], json!(code), "{path}");
    }
}

#[test]
fn thumbprint_in_another_form_is_recognised() {
    let desk = Desk::new(&smallest());
    let alice = &Pki::get().alice;
    let bound = |value: String| desk.of(alice, &Token::of(alice).claim("cnf", json!({"x5t#S256": value})).sign());
    let digest = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(hash(bytes));
    let hex: String = hash(&alice.der).iter().map(|byte| format!("{byte:02x}")).collect();

    assert_mistake(&bound(hex.clone()), "thumbprint_in_hex");
    assert_mistake(&bound(BASE64_STANDARD.encode(&hex)), "thumbprint_in_base64_of_hex");
    assert_mistake(&bound(digest(alice.pem().as_bytes())), "thumbprint_over_pem");
    assert_mistake(&bound(digest(&Pki::get().issuing.der)), "token_bound_to_issuer");
    let key = spki(&alice.der);
    assert_mistake(&bound(digest(&key)), "token_bound_to_public_key");
}

fn spki(der: &[u8]) -> Vec<u8> {
    let output = |program: &mut Command, input: &[u8]| {
        use std::{io::Write, process::Stdio};
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap().stdout
    };
    let key = output(Command::new("openssl").args(["x509", "-inform", "DER", "-pubkey", "-noout"]), der);
    output(Command::new("openssl").args(["pkey", "-pubin", "-outform", "DER"]), &key)
}

#[test]
fn header_that_was_mangled_on_its_way_is_recognised() {
    let desk = Desk::new(&smallest());
    // A certificate whose base64 holds a plus.
    let der = (0..50)
        .map(|_| Pki::get().issuing.client("plus").der)
        .find(|der| BASE64_STANDARD.encode(der).contains('+'))
        .unwrap();
    let plain = forms::percent_pem(&der);

    assert_mistake(&desk.showing(&plain.replace('%', "%25")), "percent_encoded_twice");
    assert_mistake(&desk.showing(&plain.replace("%2B", " ")), "plus_became_space");
    assert_mistake(&desk.showing(&plain[..plain.len() / 2]), "header_cut_short");
}

#[test]
fn path_that_cannot_be_found_is_explained() {
    let pki = Pki::get();
    let leaf_for_issuer = smallest().without_file("trust/issuing.pem").without_file("trust/root.der");
    let leaf_for_issuer =
        leaf_for_issuer.file("trust/alice.pem", pki.alice.pem()).file("trust/other.pem", pem(&pki.foreign.der));
    assert_mistake(&Desk::new(&leaf_for_issuer).of(&pki.alice, &pki.alice.token()), "truststore_holds_the_leaf");

    let desk = Desk::new(&smallest());
    let explained = desk.of(&pki.carol, &pki.carol.token());
    assert_mistake(&explained, "intermediate_missing");
    assert!(explained["mistakes"][0]["text"].as_str().unwrap().contains("CN=TPP Sub CA"));

    let chain = desk.file("chain.pem", pem(&pki.issuing.der) + &pki.alice.pem());
    let token = desk.file("token", pki.alice.token());
    assert_mistake(&desk.json(&["--certificate", &chain, "--token", &token]), "chain_in_wrong_order");
}

#[test]
fn intermediates_behind_the_leaf_are_used() {
    let pki = Pki::get();
    let desk = Desk::new(&smallest());
    let chain: String = pki.carol.pem() + &pki.carol.chain.iter().map(|der| pem(der)).collect::<String>();
    let (chain, token) = (desk.file("chain.pem", chain), desk.file("token", pki.carol.token()));

    assert_eq!(desk.json(&["--certificate", &chain, "--token", &token])["decision"], "permit");
}

#[test]
fn header_from_an_untrusted_address_is_recognised() {
    let desk = Desk::new(&smallest());
    let alice = &Pki::get().alice;
    let (header, token) = (forms::percent_pem(&alice.der), desk.file("token", alice.token()));
    let from = |peer: &str| desk.json(&["--header", &header, "--token", &token, "--peer", peer]);

    let explained = from("192.0.2.1");
    assert_eq!(explained["code"], "certificate_missing");
    assert_mistake(&explained, "peer_untrusted");
    assert_eq!(from("127.0.0.1")["decision"], "permit");
}

#[test]
fn proofs_that_an_address_cannot_show_are_said_to_be_taken_as_given() {
    let secret = r#"{ name = "X-LB-Auth", value_file = "secret" }"#;
    let config = smallest().set("load_balancer.secret_header", secret).file("secret", "a long random string");
    let desk = Desk::new(&config);
    let alice = &Pki::get().alice;
    let (header, token) = (forms::percent_pem(&alice.der), desk.file("token", alice.token()));
    let from = |peer: &str| desk.json(&["--header", &header, "--token", &token, "--peer", peer]);

    for (peer, trusted) in [("127.0.0.1", true), ("192.0.2.1", false)] {
        let explained = from(peer);
        let facts = &verdict(&explained, "peer")["facts"];
        assert_eq!(facts["trusted"], trusted, "{explained:#}");
        assert_eq!(facts["taken_as_given"], json!(["secret"]), "{explained:#}");
    }
    let unnamed = desk.json(&["--header", &header, "--token", &token]);
    assert_eq!(verdict(&unnamed, "peer")["facts"].get("taken_as_given"), None);
}

#[test]
fn token_bound_to_a_key_on_a_route_of_certificates_is_recognised() {
    let desk = Desk::new(&smallest());
    let alice = &Pki::get().alice;
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(hash(b"a key"));
    let token = Token::of(alice).claim("cnf", json!({"jkt": thumbprint})).sign();

    let explained = desk.of(alice, &token);

    assert_eq!(explained["code"], "binding_missing");
    assert_mistake(&explained, "dpop_token_on_mtls_route");
}

#[test]
fn bad_configuration_and_bad_options_are_told_apart() {
    let desk = Desk::new(&smallest().set("mode", "\"raport\""));
    let output = desk.run(&["--method", "GET", "--path", "/"]);
    assert_eq!(output.status.code(), Some(2));
    let desk = Desk::new(&smallest());
    let output = desk.run(&["--method", "GET", "--path", "/", "--certificate", "/nowhere.pem"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere.pem"));
}

#[test]
fn detect_names_the_profiles_that_read_a_value() {
    let alice = &Pki::get().alice;
    let detect = |value: &str| {
        let output = Command::new(binary()).args(["detect", value, "--json"]).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), found)
    };

    let (code, found) = detect(&forms::xfcc(&alice.der));
    assert_eq!((code, &found["profiles"]), (Some(0), &json!(["envoy"])));
    assert_eq!(found["certificates"][0]["thumbprint"], alice.thumbprint());

    let (_, found) = detect(&forms::byte_sequence(&alice.der));
    assert_eq!(found["profiles"], json!(["caddy", "gcp", "cloudflare", "rfc9440"]));
    let (_, found) = detect(&forms::percent_pem(&alice.der));
    let profiles: Vec<_> = found["profiles"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for profile in ["wso2", "nginx", "ingress-nginx", "apache", "aws-alb", "azure", "f5"] {
        assert!(profiles.contains(&profile), "{profile}: {profiles:?}");
    }
    assert!(!profiles.contains(&"haproxy"), "{profiles:?}");

    let (code, found) = detect("(null)");
    assert_eq!((code, found), (Some(1), json!({"profiles": [], "certificates": []})));
}
