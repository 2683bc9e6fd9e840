//! A client that is registered reads, changes, and deletes its own registration (RFC 7592), and nobody else's.

use serde_json::Value;

use super::stage::Stage;
use crate::{
    support::{pki::Pki, token::Token},
    verdict::assert_passed,
};

const METHODS: [&str; 3] = ["GET", "PUT", "DELETE"];

#[test]
fn client_manages_its_own_registration() {
    let stage = Stage::set_with(|config| config.set("backend.forward_authorization", "false"));
    for method in METHODS {
        let request = stage.sending(method, "/register/tpp-1").bearing(stage.token_of("tpp-1"));
        let body = if method == "PUT" { stage.good() } else { String::new() };

        let seen = assert_passed(&request.body(&*body).send(), &stage.bank);

        assert!(seen.header("authorization").is_some_and(|sent| sent.starts_with("Bearer ")), "the server's own token");
        assert_eq!((seen.method.as_str(), seen.target.as_str()), (method, "/register/tpp-1"));
        assert_eq!(seen.body, body.as_bytes());
    }
}

#[test]
fn nobody_manages_the_registration_of_another_client() {
    let stage = Stage::set();
    let mallory = &Pki::get().mallory;
    let mut refused = 0;
    for method in METHODS {
        let sending = |target: &str| stage.sending(method, target).body(stage.good());
        for (request, reason) in [
            (sending("/register/tpp-1"), "token_missing"),
            (sending("/register/tpp-1").bearing(stage.token_of("tpp-2")), "client_mismatch"),
            (sending("/register/tpp-1").bearing(Token::of(&stage.tpp).without("client_id").sign()), "client_mismatch"),
            (sending("/register/TPP-1").bearing(stage.token_of("tpp-1")), "client_mismatch"),
            (sending("/register/tpp-1").bearing(mallory.token()), "binding_mismatch"),
            (sending("/register/tpp-1").bearing(Token::unbound().sign()), "binding_missing"),
        ] {
            stage.assert_refused(&request.send(), 401, "invalid_token");
            refused += 1;
            assert_eq!(stage.sidecar.audit(refused)[refused - 1]["reason"], reason, "{method}");
        }
    }
}

#[test]
fn whoever_posts_to_the_registration_of_a_client_is_that_client() {
    let stage = Stage::set_with(|config| {
        let own = |path| format!("path = \"{path}\"\nkind = \"registration\"");
        config.route(&own("/own/{ClientId}")).route(&own("/own/{ClientId}/"))
    });
    for target in ["/own/tpp-1", "/own/tpp-1/"] {
        let posting = || stage.sending("POST", target).body(stage.good());

        stage.assert_refused(&posting().send(), 401, "invalid_token");
        stage.assert_refused(&posting().bearing(stage.token_of("tpp-2")).send(), 401, "invalid_token");
        assert_passed(&posting().bearing(stage.token_of("tpp-1")).send(), &stage.bank);
    }
    // Lines of different connections change places.
    let lines = stage.sidecar.audit(6);
    let count = |reason: Value| lines.iter().filter(|line| line["reason"] == reason).count();
    assert_eq!([count("token_missing".into()), count("client_mismatch".into()), count(Value::Null)], [2; 3]);
}

#[test]
fn change_is_held_to_a_software_statement_like_a_registration() {
    let stage = Stage::set();
    let forged = stage.request_with("a.b.c").sign_with(&stage.software_key);
    for method in ["PUT", "PATCH"] {
        let request = stage.sending(method, "/register/tpp-1").bearing(stage.token_of("tpp-1")).body(forged.clone());
        stage.assert_refused(&request.send(), 400, "invalid_software_statement");
    }
}

#[test]
fn token_that_a_customer_granted_manages_nothing_where_only_the_clients_own_may() {
    let stage = Stage::set_with(|config| {
        config.route("path = \"/own/{ClientId}\"\nkind = \"registration\"\ngrant = \"application\"")
    });
    let sending = |token: Token| stage.sending("GET", "/own/tpp-1").bearing(token.sign()).send();
    let token = || Token::of(&stage.tpp).claim("client_id", "tpp-1");

    stage.assert_refused(&sending(token()), 403, "invalid_request");
    stage.assert_refused(
        &sending(token().claim("aut", "APPLICATION_USER").claim("sub", "tpp-1")),
        403,
        "invalid_request",
    );
    assert_passed(&sending(token().claim("sub", "tpp-1")), &stage.bank);
    assert_passed(&sending(token().claim("aut", "APPLICATION")), &stage.bank);
}

#[test]
fn change_that_is_refused_for_its_token_is_not_spent() {
    let stage = Stage::set_with(|config| {
        config.route(
            "path = \"/own/{ClientId}\"\nkind = \"registration\"\ngrant = \"application\"\nscopes = [\"accounts\"]",
        )
    });
    let body = stage.good();
    let putting = |token: Token| stage.sending("PUT", "/own/tpp-1").bearing(token.sign()).body(body.clone()).send();
    let own = || Token::of(&stage.tpp).claim("client_id", "tpp-1").claim("sub", "tpp-1");

    stage.assert_refused(&putting(own().claim("sub", "psu-1")), 403, "invalid_request");
    stage.assert_refused(&putting(own().claim("scope", "payments")), 403, "insufficient_scope");
    let reasons: Vec<_> = stage.sidecar.audit(2).iter().map(|line| line["reason"].clone()).collect();
    assert!(reasons.contains(&"grant_wrong".into()) && reasons.contains(&"scope_insufficient".into()), "{reasons:?}");

    assert_passed(&putting(own()), &stage.bank);
    stage.assert_refused(&putting(own()), 400, "invalid_client_metadata");
}
