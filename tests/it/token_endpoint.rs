//! The token endpoint: no certificate, no token; the rest is between the client and its authorization server.

use crate::{
    support::{bank::Bank, config::Config, forms, pki::Pki, sidecar::Sidecar},
    verdict::assert_passed,
};

/// The authorization server stands where the bank usually does.
fn token_endpoint(server: &Bank) -> Sidecar {
    Config::in_front_of(server).route("path = \"/token\"\nkind = \"token\"\nmethods = [\"POST\"]").start()
}

#[test]
fn certificate_is_demanded_and_what_else_the_client_says_is_left_alone() {
    let server = Bank::start();
    let sidecar = token_endpoint(&server);
    let alice = &Pki::get().alice;
    let form = "grant_type=client_credentials&client_id=tpp-1&client_assertion=a.b.c";

    for authorization in [None, Some("Basic dHBwLTE6c2VjcmV0"), Some("Bearer not-a-token, neither"), Some("DPoP x")] {
        let mut request = sidecar.post("/token", form).showing(alice);
        if let Some(authorization) = authorization {
            request = request.header("Authorization", authorization);
        }
        let seen = assert_passed(&request.send(), &server);
        assert_eq!(seen.header("authorization"), authorization);
        assert_eq!(seen.body, form.as_bytes());
        assert_eq!(seen.header("ssl.client.auth.cert.X509"), Some(&*forms::percent_pem(&alice.der)));
    }
}

#[test]
fn client_says_who_it_is_where_the_bank_gets_no_tokens() {
    let server = Bank::start();
    let sidecar = Config::in_front_of(&server)
        .set("backend.forward_authorization", "false")
        .route("path = \"/token\"\nkind = \"token\"")
        .route("path = \"/{*rest}\"")
        .start();
    let alice = &Pki::get().alice;
    let basic = "Basic dHBwLTE6c2VjcmV0";

    let asked = sidecar.post("/token", "a=b").showing(alice).header("Authorization", basic).send();
    assert_eq!(assert_passed(&asked, &server).header("authorization"), Some(basic));
    assert_eq!(assert_passed(&sidecar.get("/a").by(alice).send(), &server).header("authorization"), None);
}

#[test]
fn no_certificate_no_token() {
    let server = Bank::start();
    let sidecar = token_endpoint(&server);
    let pki = Pki::get();

    let bare = sidecar.post("/token", "grant_type=client_credentials").header("Authorization", "Basic dHBwLTE6eA==");
    let aliased = sidecar.post("/token", "a=b").header("X_SSL_Client_Cert", &forms::percent_pem(&pki.alice.der));
    for (place, request) in [bare, aliased].iter().enumerate() {
        let answer = request.send();

        assert_eq!(answer.status, 401);
        assert_eq!(server.requests(), 0);
        assert_eq!(sidecar.audit(place + 1)[place]["reason"], "certificate_missing");
    }
}
