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

/// A certificate whose base64 holds a plus, but not at its end, where a space would be trimmed.
fn with_a_plus() -> Client {
    let holds = |client: &Client| {
        let base64 = BASE64_STANDARD.encode(&client.der);
        base64.contains('+') && !base64.ends_with('+')
    };
    (0..50).map(|_| Pki::get().issuing.client("plus")).find(holds).unwrap()
}

/// What nginx writes, with `+`, `=`, and `/` as they are: AWS.
fn raw(der: &[u8]) -> String {
    forms::percent_encode(&pem(der), "+=/")
}

#[track_caller]
fn codes(explained: &Value) -> Vec<&str> {
    explained["mistakes"].as_array().unwrap().iter().filter_map(|mistake| mistake["code"].as_str()).collect()
}

/// What is said of each of these values of a profile's header.
#[track_caller]
fn check(code: Option<&str>, values: &[(&str, String)]) {
    let token = Pki::get().alice.token();
    for (profile, value) in values {
        let desk = Desk::new(&smallest().profile(profile));
        let token = desk.file("token", &token);
        let explained = desk.json(&["--header", value, "--token", &token]);
        assert_eq!(codes(&explained), Vec::from_iter(code), "{profile}: {value}\n{explained:#}");
        if code.is_some() {
            assert_eq!(explained["code"], "certificate_malformed", "{profile}: {value}");
        }
    }
}

#[test]
fn plus_that_became_a_space_is_recognised_in_every_form() {
    let der = with_a_plus().der;
    let (escaped, raw) = (forms::percent_pem(&der), raw(&der));
    let (one_line, base64) = (forms::one_line_pem(&der), forms::base64_der(&der));
    let (sequence, xfcc) = (forms::byte_sequence(&der), forms::xfcc(&der));
    let mut values = Vec::new();
    for profile in ["caddy", "gcp", "cloudflare", "rfc9440"] {
        values.extend([(profile, sequence.replace('+', " ")), (profile, sequence.replace('+', "%20"))]);
    }
    for profile in ["haproxy", "traefik", "azure", "f5", "wso2"] {
        values.extend([(profile, base64.replace('+', " ")), (profile, base64.replace('+', "%20"))]);
    }
    for profile in ["wso2", "apache", "f5", "aws-alb"] {
        values
            .extend([(profile, one_line.replace('+', " ")), (profile, one_line.replace('+', " ").replace(' ', "%20"))]);
    }
    for profile in ["nginx", "ingress-nginx", "aws-alb", "wso2", "apache", "azure", "f5"] {
        values.extend([(profile, escaped.replace("%2B", " ")), (profile, escaped.replace("%2B", "%20"))]);
        values.extend([(profile, raw.replace('+', " ")), (profile, raw.replace('+', "%20"))]);
    }
    values.extend([("envoy", xfcc.replace("%2B", " ")), ("envoy", xfcc.replace("%2B", "%20"))]);
    let issuer = &Pki::get().issuing.der;
    values.push(("traefik", format!("{},{}", base64.replace('+', " "), forms::base64_der(issuer).replace('+', " "))));
    values.push(("aws-alb", (escaped.clone() + &forms::percent_pem(issuer)).replace("%2B", "%20")));
    check(Some("plus_became_space"), &values);
}

#[test]
fn value_encoded_twice_is_recognised_in_every_form() {
    let der = with_a_plus().der;
    let again = |value: String| forms::percent_encode(&value, "");
    let values = [
        ("nginx", again(forms::percent_pem(&der))),
        ("wso2", again(again(forms::base64_der(&der)))),
        ("aws-alb", again(raw(&der))),
        ("envoy", forms::xfcc(&der).replace('%', "%25")),
        ("envoy", again(forms::xfcc(&der))),
        ("traefik", again(again(forms::base64_der(&der)))),
        ("rfc9440", again(again(forms::byte_sequence(&der)))),
    ];
    check(Some("percent_encoded_twice"), &values);
}

#[test]
fn value_cut_short_is_recognised_in_leaf_and_chain() {
    let der = with_a_plus().der;
    let issuer = &Pki::get().issuing.der;
    let mut values = Vec::new();
    let mut cut = |profile: &'static str, value: &str, lengths: &[usize]| {
        values.extend(lengths.iter().map(|length| (profile, value[..*length].to_owned())));
    };
    let escaped = forms::percent_pem(&der);
    let (middle, length) = (escaped.len() / 2, escaped.len());
    cut("nginx", &escaped, &[20, 40, middle, middle + 1, middle + 2, length - 20, length - 4]);
    let chain = escaped.clone() + &forms::percent_pem(issuer);
    cut("aws-alb", &chain, &[length + 3, length + 20, length + 40, length + 300, chain.len() - 10]);
    let (leaf, above) = (forms::base64_der(&der), forms::base64_der(issuer));
    let both = format!("{leaf},{above}");
    cut("traefik", &both, &[leaf.len() + 1, leaf.len() + 2, leaf.len() + 5, both.len() - 100, both.len() - 3]);
    for profile in ["haproxy", "azure", "f5", "traefik", "caddy", "wso2"] {
        cut(profile, &leaf, &[10, leaf.len() / 2, leaf.len() - 4, leaf.len() - 5]);
    }
    for profile in ["caddy", "gcp", "rfc9440"] {
        let sequence = forms::byte_sequence(&der);
        cut(profile, &sequence, &[10, leaf.len() / 2, leaf.len(), sequence.len() - 1]);
    }
    let xfcc = format!("{};Chain=\"{}\"", forms::xfcc(&der), chain);
    let start = xfcc.find("Chain").unwrap();
    cut("envoy", &xfcc, &[100, start - 1 - 5, start + 3, start + 7, start + 30, start + 700, xfcc.len() - 1]);
    let one_line = forms::one_line_pem(&der);
    for profile in ["apache", "f5", "wso2"] {
        cut(profile, &one_line, &[27, one_line.len() / 2, one_line.len() - 30, one_line.len() - 5]);
    }

    check(Some("header_cut_short"), &values);
}

#[test]
fn no_mistake_is_named_where_none_was_made() {
    let client = with_a_plus();
    let der = &client.der;
    let chain = [der, &Pki::get().issuing.der].map(|der| forms::percent_pem(der));
    let values = [
        ("wso2", forms::one_line_pem(der)),
        ("nginx", forms::percent_pem(der)),
        ("haproxy", forms::base64_der(der)),
        ("envoy", format!("{};Chain=\"{}\";Subject=\"CN=\\\"a\\\"\"", forms::xfcc(der), chain.concat())),
        ("aws-alb", chain.concat()),
        ("rfc9440", forms::byte_sequence(der)),
        // Refused, but whole: another profile reads them, or nobody does.
        ("haproxy", forms::one_line_pem(der)),
        ("nginx", forms::one_line_pem(der)),
        ("rfc9440", forms::base64_der(der)),
        ("nginx", forms::one_line_pem(der).replace(' ', "%20")),
        ("nginx", forms::percent_encode(&pem(der).replace("CERTIFICATE", "X509 CRL"), "")),
        ("nginx", "-----BEGIN CERTIFICATE-----".repeat(9)),
        ("nginx", "nonsense".to_owned()),
        ("nginx", "100%25 nonsense".to_owned()),
        ("haproxy", forms::base64_der(der).trim_end_matches('=').to_owned() + "!"),
        ("haproxy", "TWFueSB3b3Jkcw==".to_owned()),
        ("haproxy", "MAMCAQE=".to_owned()),
        ("envoy", format!("{};Subject=\"CN=\"a\"", forms::xfcc(der))),
        ("envoy", format!("{};", forms::xfcc(der))),
    ];
    check(None, &values);
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
