//! A client that a directory vouches for registers itself (RFC 7591, UK Open Banking profile).

use serde_json::{Value, json};

use crate::{
    call::Call,
    plan::Plan,
    stage::{ACCOUNTS, API, Stage},
    support::{
        issuer::{Issuer, Mood},
        token::ISSUER,
    },
    tpp::{ORGANISATION, Tpp},
};

#[test]
fn registered_client_gets_a_token_and_nobody_registers_in_its_name() {
    let Some(mut plan) = Plan::new("A client registers") else { return };
    let keys = plan.node.run("keys.js", &Value::Null);
    let published = Issuer::feeling(Mood::Keys(keys["software"]["public"].to_string()));
    plan.guard = plan
        .guard
        .set("registration.directory_jwks", r#""directory.jwks""#)
        .set("registration.allowed_jwks_hosts", r#"["localhost"]"#)
        .set("registration.audiences", &format!("[{ISSUER:?}]"))
        .route("path = \"/reg\"\nmethods = [\"POST\"]\nkind = \"registration\"")
        .file("directory.jwks", keys["directory"]["public"].to_string());
    let stage = Stage::on(plan);
    let rita = Tpp::new("rita");
    let requests = stage.run("registration.js", &rita, signers(&keys, &published, &rita));
    let call = |which: &str| {
        let request = requests[which].as_str().unwrap();
        Call::to("https://as.bank.example/reg").jwt(&format!("{which} request of rita"), request)
    };

    stage.hold(&call("good"), "401 invalid_client (certificate_missing)", &[]);
    stage.hold(&call("self_made").by(&rita), "400 invalid_software_statement (registration_invalid)", &[]);
    stage.hold(&call("stolen").by(&stage.mallory), INVALID, &[]);
    let registered = stage.hold(&call("good").by(&rita), "201 client_id", &["provider: POST /reg"]);
    stage.hold(&call("good").by(&rita), INVALID, &[]);

    let id = registered.json()["client_id"].as_str().unwrap().to_owned();
    let registered = Tpp { id, ..rita };
    let token = stage.token(&registered).named("token of the registered client");
    stage.hold(&Call::to(API).by(&registered).bearing(&token), "200", &[ACCOUNTS]);
    stage.hold(&Call::to(API).by(&stage.mallory).bearing(&token), "401 binding_mismatch", &[]);
}

/// Who signs what, and what about.
fn signers(keys: &Value, published: &Issuer, tpp: &Tpp) -> Value {
    json!({
        "directory": keys["directory"]["private"],
        "software": keys["software"]["private"],
        "jwks": published.jwks(),
        "organisation": ORGANISATION,
        "subject": tpp.subject(),
    })
}

const INVALID: &str = "400 invalid_client_metadata (registration_invalid)";
