//! `[[token.issuer]]` `introspection` and `verify`.

use std::time::Duration;

use super::*;
use crate::{
    config::settings::{ClientAuthentication, KeyLocation},
    token::Verify,
};

/// With a secret, and a certificate with its key.
fn folder() -> Folder {
    let folder = Folder::new();
    let key = KeyPair::generate().unwrap();
    folder.write("rs.crt", CertificateParams::new([]).unwrap().self_signed(&key).unwrap().pem());
    folder.write("rs.key", key.serialize_pem());
    folder.write("rs-secret", "a secret\n");
    folder.write("blank", "\n");
    folder
}

fn asking(rest: &str) -> String {
    format!("introspection = {{ endpoint = \"https://as.bank.example/i\", client_id = \"rs\"{rest} }}")
}

const SECRET: &str = ", client_secret_file = \"rs-secret\"";
const CERTIFICATE: &str = ", certificate_file = \"rs.crt\", private_key_file = \"rs.key\"";

/// These lines of the issuer are the one fault.
fn check(lines: &[&str], expected: &str) {
    let changes: Vec<_> = lines.iter().map(|line| ("token.issuer", *line)).collect();
    let faults = folder().faults(&with(&changes));
    assert_eq!(faults.len(), 1, "{lines:?}: {faults:#?}");
    assert!(faults[0].contains(expected), "{}", faults[0]);
}

#[test]
fn issuer_is_asked_with_a_secret_or_with_a_certificate() {
    let settings = folder().settings(&with(&[("token.issuer", &asking(SECRET))]));
    let source = settings.introspection[0].as_ref().unwrap();
    assert_eq!((&*source.issuer, source.endpoint.path()), ("https://as.bank.example", "/i"));
    assert_eq!(source.cache_ttl, Duration::from_secs(30));
    let ClientAuthentication::Secret { client_id, secret } = &source.client else { unreachable!("{source:?}") };
    assert_eq!((client_id.as_str(), secret.as_str()), ("rs", "a secret"));
    let issuer = &settings.gate.issuers.issuers[0];
    assert_eq!((issuer.introspects, issuer.verify), (true, Verify::Jwt));

    let line = asking(&format!("{CERTIFICATE}, cache_ttl = \"0s\""));
    let settings = folder().settings(&with(&[("token.issuer", &line)]));
    let source = settings.introspection[0].as_ref().unwrap();
    assert!(matches!(source.client, ClientAuthentication::Certificate { .. }));
    assert_eq!(source.cache_ttl, Duration::ZERO);
    assert!(Folder::new().settings(SMALLEST).introspection[0].is_none());
}

#[test]
fn client_shows_who_it_is_in_exactly_one_way() {
    check(&[&asking("")], "token.issuer.introspection: nothing shows who the client is; write client_secret_file");
    check(&[&asking(&format!("{SECRET}{CERTIFICATE}"))], "token.issuer.introspection: the client shows who it is in");
    check(&[&asking(", certificate_file = \"rs.crt\"")], "token.issuer.introspection: nothing shows who the client");
    check(&[&asking(", client_secret_file = \"none\"")], "introspection.client_secret_file: `none` cannot be read");
    check(&[&asking(", client_secret_file = \"blank\"")], "introspection.client_secret_file: the secret is empty");
    let plain = asking(CERTIFICATE).replace("https", "http");
    check(&[&plain], "token.issuer.introspection.endpoint: without TLS no certificate is shown");
    check(&[&asking(SECRET).replace("/as.", "/u:p@as.")], "introspection.endpoint: the address carries credentials");
    let nameless = "introspection = { endpoint = \"https://as.bank.example/i\", client_secret_file = \"rs-secret\" }";
    check(&[nameless], "token.issuer.introspection.client_id: is missing");
}

#[test]
fn way_to_verify_jwts_needs_what_it_uses() {
    for (line, verify) in [("verify = \"both\"", Verify::Both), ("verify = \"introspection\"", Verify::Introspection)] {
        check(&[line], "token.issuer.verify: nobody is there to be asked; add introspection");
        let settings = folder().settings(&with(&[("token.issuer", line), ("token.issuer", &asking(SECRET))]));
        assert_eq!(settings.gate.issuers.issuers[0].verify, verify);
        assert_eq!(settings.keys[0].location == KeyLocation::Nowhere, verify == Verify::Introspection);
    }
    let lines = ["verify = \"introspection\"", &asking(SECRET), "jwks = \"https://as.bank.example/jwks\""];
    check(&lines, "token.issuer.jwks: with verify = \"introspection\" no key is used");
    check(&["verify = \"jws\""], "token.issuer.verify: `jws` is none of jwt, introspection, both");
}

#[test]
fn endpoint_that_others_could_answer_for_is_warned_of() {
    let line = asking(SECRET).replace("https", "http");
    let warnings = folder().warnings(&with(&[("token.issuer", &line)]));
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].contains("introspection.endpoint: whoever is on the way reads tokens"), "{}", warnings[0]);
    let line = line.replace("as.bank.example", "127.0.0.1:9000");
    assert!(folder().warnings(&with(&[("token.issuer", &line)])).is_empty());
}

#[test]
fn opaque_token_makes_a_bounded_number_of_questions() {
    let issuer = |number: usize| {
        let lines = format!("issuer = \"https://as{number}.example\"\naudiences = [\"a\"]\n");
        format!("[[token.issuer]]\n{lines}{}\n", asking(SECRET))
    };
    let issuers = |count: usize| SMALLEST.to_owned() + &(0..count).map(issuer).collect::<String>();

    assert!(folder().load(&issuers(8)).is_ok());
    let faults = folder().faults(&issuers(9));
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("token.issuer.introspection: an opaque token would make more than 8 questions"));
}
