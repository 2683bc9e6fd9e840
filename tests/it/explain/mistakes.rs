//! The mistakes that `explain` names, each in the forms in which it was seen, and that it names none where there is none.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::{Desk, assert_mistake, smallest, spki};
use crate::support::{
    forms,
    introspector::{Introspector, active, but},
    pki::{Client, Pki, hash, pem},
    proof::Holder,
    token::Token,
};

#[track_caller]
fn codes(explained: &Value) -> Vec<&str> {
    explained["mistakes"].as_array().unwrap().iter().filter_map(|mistake| mistake["code"].as_str()).collect()
}

/// Texts of a certificate that are hashed in the place of its DER, with whether the header holds them.
fn texts(der: &[u8]) -> Vec<String> {
    let pem = pem(der);
    let lines: Vec<_> = pem.lines().collect();
    let body = &lines[1..lines.len() - 1];
    vec![
        pem.clone(),
        pem.trim_end().to_owned(),
        pem.replace('\n', "\r\n"),
        pem.replace('\n', " "),
        pem.trim_end().replace('\n', " "),
        pem.replace('\n', ""),
        body.concat(),
        body.join("\n"),
        body.join("\n") + "\n",
        body.join("\r\n"),
        body.join(" "),
        forms::percent_pem(der),
        forms::byte_sequence(der),
    ]
}

fn digest(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(hash(bytes.as_ref()))
}

/// Every wrong thumbprint of this certificate, with the mistake that made it.
fn wrong_thumbprints(client: &Client) -> Vec<(&'static str, String)> {
    let der = &client.der;
    let hex: String = hash(der).iter().map(|byte| format!("{byte:02x}")).collect();
    let colons = hex.as_bytes().chunks(2).map(|two| std::str::from_utf8(two).unwrap()).collect::<Vec<_>>().join(":");
    let key = spki(der);
    let point = &key[key.len() - 64..];
    let (x, y) = point.split_at(32);
    let [x, y] = [x, y].map(|octets| BASE64_URL_SAFE_NO_PAD.encode(octets));
    let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let key_pem = pem(&key).replace("CERTIFICATE", "PUBLIC KEY");
    let mut wrong = vec![
        ("thumbprint_in_hex", hex.clone()),
        ("thumbprint_in_hex", hex.to_uppercase()),
        ("thumbprint_in_hex", colons.clone()),
        ("thumbprint_in_base64_of_hex", BASE64_STANDARD.encode(&hex)),
        ("thumbprint_in_base64_of_hex", BASE64_URL_SAFE_NO_PAD.encode(hex.to_uppercase())),
        ("thumbprint_in_base64_of_hex", BASE64_STANDARD.encode(colons)),
        ("token_bound_to_issuer", digest(&Pki::get().issuing.der)),
        ("token_bound_to_issuer", digest(&Pki::get().root.der)),
        ("token_bound_to_public_key", digest(&key)),
        ("token_bound_to_public_key", digest(jwk)),
        ("token_bound_to_public_key", digest(&key_pem)),
        ("token_bound_to_public_key", digest(key_pem.trim_end())),
    ];
    wrong.extend(texts(der).into_iter().map(|text| ("thumbprint_over_pem", digest(text))));
    wrong
}

#[test]
fn thumbprint_of_something_else_is_recognised() {
    let desk = Desk::new(&smallest());
    let alice = &Pki::get().alice;
    for (code, value) in wrong_thumbprints(alice) {
        let explained = desk.of(alice, &Token::of(alice).claim("cnf", json!({"x5t#S256": value})).sign());
        assert_mistake(&explained, code);
    }
}

#[test]
fn thumbprint_of_something_else_is_recognised_in_what_the_issuer_says() {
    let introspector = Introspector::start();
    let desk = Desk::new(&introspector.asked_by(smallest(), "jwks = \"keys.json\""));
    let alice = &Pki::get().alice;
    let (header, token) = (forms::percent_pem(&alice.der), desk.file("token", "opaque"));
    let ask = || desk.online(&["--header", &header, "--token", &token]);
    let says = |cnf: Value| introspector.knows("opaque", but(active(alice), "cnf", cnf));

    for (code, value) in wrong_thumbprints(alice) {
        says(json!({"x5t#S256": value}));
        assert_mistake(&ask(), code);
    }
    for (cnf, code) in [
        (json!({"jkt": digest(b"a key")}), "dpop_token_on_mtls_route"),
        (json!({"jwk": Holder::new().jwk()}), "token_bound_to_public_key"),
        (json!({}), "introspection_without_cnf"),
        (Value::Null, "introspection_without_cnf"),
    ] {
        says(cnf);
        let explained = ask();
        assert_eq!(explained["code"], "binding_missing");
        assert_mistake(&explained, code);
    }
    let before = introspector.asked();
    introspector.knows("opaque", active(alice));
    assert_eq!((&ask()["decision"], codes(&ask()).len()), (&json!("permit"), 0));
    assert_eq!(introspector.asked() - before, 2, "once each time");
}

#[test]
fn confirmation_that_the_issuer_leaves_out_is_missed_although_the_token_has_one() {
    let introspector = Introspector::start();
    let desk = Desk::new(&introspector.asked_by(smallest(), "verify = \"introspection\""));
    let alice = &Pki::get().alice;
    let (header, token) = (forms::percent_pem(&alice.der), alice.token());
    introspector.knows(&token, but(active(alice), "cnf", Value::Null));
    let token = desk.file("token", token);

    assert_mistake(&desk.online(&["--header", &header, "--token", &token]), "introspection_without_cnf");
}

#[test]
fn hash_of_the_certificate_file_is_recognised_unless_it_is_the_thumbprint() {
    let desk = Desk::new(&smallest());
    let alice = &Pki::get().alice;
    let commented = format!("subject=CN = alice\n{}", alice.pem());
    for (contents, code) in [(commented.as_bytes(), Some("thumbprint_over_pem")), (&alice.der, None)] {
        let certificate = desk.file("certificate", contents);
        let token = Token::of(alice).claim("cnf", json!({"x5t#S256": digest(contents)})).sign();
        let token = desk.file("token", token);
        let explained = desk.json(&["--certificate", &certificate, "--token", &token]);
        assert_eq!(codes(&explained), Vec::from_iter(code), "{explained:#}");
        assert_eq!(explained["decision"], if code.is_some() { "deny" } else { "permit" });
    }
}

#[test]
fn token_bound_to_a_key_itself_is_recognised() {
    let desk = Desk::new(&smallest());
    let alice = &Pki::get().alice;
    let both = json!({"jwk": Holder::new().jwk(), "x5t#S256": alice.thumbprint()});
    assert_eq!(desk.of(alice, &Token::of(alice).claim("cnf", both).sign())["mistakes"], json!([]));

    let token = Token::of(alice).claim("cnf", json!({"jwk": Holder::new().jwk()})).sign();
    assert_mistake(&desk.of(alice, &token), "token_bound_to_public_key");
}

#[test]
fn remedy_for_a_token_bound_to_a_key_is_one_that_is_left() {
    let alice = &Pki::get().alice;
    let token = Holder::new().token().sign();
    let text = |desk: &Desk| {
        let explained = desk.of(alice, &token);
        assert_mistake(&explained, "dpop_token_on_mtls_route");
        explained["mistakes"][0]["text"].as_str().unwrap().to_owned()
    };

    let text_without = text(&Desk::new(&smallest()));
    assert!(text_without.contains("token.binding"), "{text_without}");
    let text_with = text(&Desk::new(&smallest().set("token.binding", r#"["x5t#S256", "jkt"]"#)));
    assert!(!text_with.contains("token.binding") && text_with.contains("DPoP scheme"), "{text_with}");
}
