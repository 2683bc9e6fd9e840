//! `certbound check` finds every fault at once and says what to write instead.

use std::{
    path::Path,
    process::{Command, Output},
};

use crate::support::{config::Config, pki::Pki, sidecar::binary};

fn check(config: &Config) -> Output {
    let folder = tempfile::tempdir().unwrap();
    check_file(&config.write(folder.path()))
}

fn check_file(path: &Path) -> Output {
    Command::new(binary()).args(["check", "--config"]).arg(path).output().unwrap()
}

fn faults(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect()
}

fn smallest() -> Config {
    Config::to("127.0.0.1:8080")
}

#[test]
fn smallest_useful_file_is_fine() {
    let output = check(&smallest());

    assert_eq!(output.status.code(), Some(0), "{:?}", faults(&output));
}

#[test]
fn warnings_are_counted_as_people_count() {
    for (networks, expected) in [
        (r#"["10.0.0.0/8"]"#, "valid, 0 warnings"),
        (r#"["0.0.0.0/0"]"#, "valid, 1 warning\n"),
        (r#"["0.0.0.0/0", "10.0.0.1/8"]"#, "valid, 2 warnings"),
    ] {
        let output =
            check(&smallest().set("load_balancer.trusted_networks", networks).set("revocation.methods", "[\"crl\"]"));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(expected), "{said} {:?}", faults(&output));
    }
}

#[test]
fn valid_configuration_is_told_in_what_it_believes() {
    let told = |config: Config| {
        let output = check(&config);
        assert_eq!(output.status.code(), Some(0), "{:?}", faults(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let secret = r#"{ name = "X-LB-Auth", value_file = "secret" }"#;
    let ca = &Pki::get().infrastructure.der;
    let handshake = smallest().with_tls().set("client_certificate.source", r#""connection""#);
    for (config, expected) in [
        (smallest(), "certificate in ssl.client.auth.cert.x509 (wso2), believed from 127.0.0.0/8\n"),
        (
            smallest()
                .set("load_balancer.trusted_networks", "[]")
                .set("load_balancer.secret_header", secret)
                .file("secret", "a long random string")
                .profile("envoy"),
            "certificate in x-forwarded-client-cert (envoy), believed from nobody\n",
        ),
        (
            smallest().set("load_balancer.secret_header", secret).file("secret", "a long random string"),
            "believed from 127.0.0.0/8, with the secret\n",
        ),
        (
            smallest()
                .with_tls()
                .without("load_balancer.trusted_networks")
                .set("load_balancer.client_ca_file", r#""ca.der""#)
                .file("ca.der", ca.clone()),
            "believed from anywhere, with the certificate of a load balancer\n",
        ),
        (smallest().set("listen.address", r#""unix:in.sock""#), "believed from whoever may open the socket\n"),
        (handshake, "certificate of the handshake\n"),
        (smallest(), "revocation  off\n"),
        (asking(), "revocation  ocsp, crl, else deny\n"),
        (asking().set("revocation.on_unavailable", r#""stale""#), "revocation  ocsp, crl, else stale\n"),
        (smallest().route("path = \"/a\"").route("path = \"/b\""), "serves      2 routes\n"),
        (smallest(), "serves      1 route\n"),
    ] {
        let told = told(config);
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[test]
fn every_fault_is_reported_at_once_with_its_place() {
    let config = smallest()
        .set("listen.idel_timeout", r#""30s""#)
        .set("listen.threads", r#""many""#)
        .set("load_balancer.trusted_networks", r#"["lb-1"]"#)
        .set("token.algorithms", r#"["HS256"]"#)
        .set("backend.connect_timeout", r#""soon""#)
        .without("backend.address")
        .route("path = \"accounts\"");
    let text = config.text();

    let output = check(&config);

    assert_eq!(output.status.code(), Some(2));
    let faults = faults(&output);
    for (key, line) in [
        ("listen.idel_timeout", "idel_timeout ="),
        ("listen.threads", "threads ="),
        ("load_balancer.trusted_networks", "trusted_networks ="),
        ("token.algorithms", "algorithms ="),
        ("backend.connect_timeout", "connect_timeout ="),
        ("backend.address", "[backend]"),
    ] {
        let number = text.lines().position(|text| text.starts_with(line)).unwrap() + 1;
        let fault = faults.iter().find(|fault| fault.contains(&format!(": {key}"))).unwrap_or_else(|| {
            panic!("no fault of {key} in {faults:#?}");
        });
        assert!(fault.contains(&format!("proxy.toml:{number}:")), "{fault} is not at line {number}");
        assert!(fault.contains("; "), "{fault} names no remedy");
    }
    assert!(faults.iter().any(|fault| fault.contains("idel_timeout") && fault.contains("idle_timeout")), "{faults:#?}");
    assert!(faults.iter().any(|fault| fault.contains("path") && fault.contains("route")), "{faults:#?}");
}

/// With revocation at its defaults.
fn asking() -> Config {
    smallest().without("revocation.methods")
}

#[test]
fn broken_toml_is_reported_without_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.toml");
    std::fs::write(&path, "[listen]\naddress = \n").unwrap();

    let output = check_file(&path);

    assert_eq!(output.status.code(), Some(2));
    assert!(faults(&output).iter().any(|fault| fault.contains("proxy.toml:2:")), "{:?}", faults(&output));
}

#[test]
fn file_that_is_not_there_is_a_fault() {
    assert_eq!(check_file(Path::new("/nowhere/proxy.toml")).status.code(), Some(2));
}

#[test]
fn file_is_named_by_the_environment_or_stands_where_certbound_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = smallest().write(folder.path());
    let check = |command: &mut Command| command.arg("check").output().unwrap().status.code();

    assert_eq!(check(Command::new(binary()).env_remove("CERTBOUND_CONFIG").current_dir(folder.path())), Some(0));
    assert_eq!(check(Command::new(binary()).env("CERTBOUND_CONFIG", &file).current_dir("/")), Some(0));
    assert_eq!(check(Command::new(binary()).env("CERTBOUND_CONFIG", "").current_dir(folder.path())), Some(0));
    let nothing = &mut Command::new(binary());
    let nothing = nothing.env_remove("CERTBOUND_CONFIG").current_dir(folder.path());
    assert_eq!(nothing.args(["check", "--config", ""]).output().unwrap().status.code(), Some(2));
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(check(Command::new(binary()).env_remove("CERTBOUND_CONFIG").current_dir(empty.path())), Some(2));
}

#[test]
fn missing_table_is_reported_at_the_beginning() {
    let config = smallest().without("backend.address");
    let text = config.text();
    assert!(!text.contains("[backend]\naddress"));
    let folder = tempfile::tempdir().unwrap();
    let path = config.write(folder.path());
    std::fs::write(&path, text.replace("[backend]\n", "")).unwrap();

    let output = check_file(&path);

    let faults = faults(&output);
    assert_eq!(output.status.code(), Some(2));
    assert!(faults.iter().any(|fault| fault.contains("proxy.toml:1:1: backend")), "{faults:#?}");
}

#[test]
fn what_would_weaken_the_gate_is_a_fault() {
    for (config, key) in [
        (smallest().without("load_balancer.trusted_networks"), "load_balancer"),
        (smallest().without("listen.plaintext"), "listen"),
        (smallest().set("listen.certificate_file", r#""tls.crt""#), "listen"),
        (smallest().set("backend.address", r#""192.0.2.1:80""#), "backend.address"),
        (smallest().set("truststore.paths", "[]"), "truststore.paths"),
        (smallest().set("truststore.paths", r#"["nothing/"]"#), "truststore.paths"),
        (smallest().file("trust/garbage.pem", "garbage"), "truststore.paths"),
        (smallest().without_issuers(), "token.issuer"),
        (smallest().file("keys.json", "{}"), "jwks"),
        (smallest().without_file("keys.json"), "jwks"),
        (smallest().set("token.algorithms", r#"["none"]"#), "token.algorithms"),
        (smallest().set("token.algorithms", "[]"), "token.algorithms"),
        (smallest().set("listen.idle_timeout", r#""0s""#), "listen.idle_timeout"),
        (smallest().set("client_certificate.profile", r#""guess""#), "client_certificate.profile"),
        (smallest().route("path = \"/a/{x\""), "path"),
        (smallest().route("path = \"/a\"\nrequire = [\"everything\"]"), "require"),
        (smallest().set("errors.status", "{ certificate_missing = 200 }"), "errors.status"),
        (smallest().set("errors.status", "{ nothing_like_it = 403 }"), "errors.status"),
        (smallest().set("errors.format", r#""obie-v5""#), "errors.format"),
        (smallest().route("path = \"/a\"\nerrors = \"obie-v5\""), "route.errors"),
        (smallest().set("mode", r#""off""#), "mode"),
        (smallest().set("revocation.methods", r#"["oscp"]"#), "revocation.methods"),
        (smallest().set("revocation.on_unavailable", r#""pass""#), "revocation.on_unavailable"),
        (asking().set("revocation.crl_files", r#"["nothing.crl"]"#), "revocation.crl_files"),
        (asking().set("revocation.crl_files", r#"["keys.json"]"#), "revocation.crl_files"),
        (smallest().set("eidas.require", r#""qseal""#), "eidas.require"),
        (smallest().set("eidas.authorities", r#"["DE-BAFIN"]"#), "eidas.authorities"),
        (smallest().route("path = \"/a\"\nroles = [\"PSP_XX\"]"), "roles"),
        (smallest().route("path = \"/a\"\nconsent = true"), "proxy.toml:1:1: consent.endpoint"),
    ] {
        let output = check(&config);
        let faults = faults(&output);
        assert_eq!(output.status.code(), Some(2), "{key}: {faults:#?}");
        assert!(faults.iter().any(|fault| fault.contains(key)), "{key}: {faults:#?}");
    }
}

#[test]
#[cfg(not(feature = "otel"))]
fn collector_without_a_build_that_has_opentelemetry_is_refused_and_never_ignored() {
    let key = "tracing.otlp_endpoint";
    let output = check(&smallest().set(key, r#""http://127.0.0.1:4317""#));
    let faults = faults(&output);
    assert_eq!(output.status.code(), Some(2), "{faults:#?}");
    let told = |fault: &String| fault.contains(key) && fault.contains("--features otel");
    assert!(faults.iter().any(told), "{faults:#?}");
}

#[test]
fn what_is_legal_and_unwise_is_warned_of() {
    for (config, word) in [
        (smallest(), "revocation"),
        (smallest().route("path = \"/{*rest}\"\nrequire = []"), "route"),
        (smallest().route("path = \"/{*rest}\"").route("path = \"/a\""), "reach"),
        (smallest().set("load_balancer.trusted_networks", r#"["0.0.0.0/0"]"#), "trusted_networks"),
        (asking().set("revocation.on_unavailable", r#""allow""#), "revocation.on_unavailable"),
        (
            asking().file("old.crl", Pki::get().root.list(&[], -60)).set("revocation.crl_files", r#"["old.crl"]"#),
            "revocation.crl_files",
        ),
    ] {
        let output = check(&config);
        assert_eq!(output.status.code(), Some(0), "{:?}", faults(&output));
        let said = String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned();
        assert!(said.contains(word), "no word of {word}: {said}");
    }
}

#[test]
fn help_and_version_are_everywhere() {
    let commands = ["run", "check", "explain", "inspect", "detect", "denials", "schema", "audit", "completions", "man"];
    for command in commands.map(Some).into_iter().chain([None]) {
        for (flag, word) in [("--help", "Usage: certbound"), ("--version", env!("CARGO_PKG_VERSION"))] {
            let called = Command::new(binary()).args(command).arg(flag).env("CLICOLOR_FORCE", "1").output();
            let output = called.unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success() && said.contains(word), "{command:?} {flag}: {said}");
            assert!(!said.contains('\x1b'), "colours in a pipe");
        }
    }
}

#[test]
fn table_of_denials_is_printed_in_both_forms() {
    let print = |format: &[&str]| {
        let output = Command::new(binary()).arg("denials").args(format).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let rows: Vec<serde_json::Value> = serde_json::from_str(&print(&["--format", "json"])).unwrap();
    assert!(rows.len() > 50);
    let markdown = print(&["--format", "markdown"]);
    for row in &rows {
        assert_eq!(row.as_object().unwrap().len(), 4);
        assert!(markdown.contains(row["code"].as_str().unwrap()));
    }
    let row = rows.iter().find(|row| row["code"] == "token_expired").unwrap();
    assert_eq!((row["status"].as_u64(), row["title"].is_string()), (Some(401), true));
}
