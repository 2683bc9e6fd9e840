//! A request is judged by the first route that fits it, and by no other.

use crate::{
    support::{bank::Bank, config::Config, pki::Pki, sidecar::Sidecar, token::Token},
    verdict::{assert_passed, assert_refusal, assert_refused},
};

fn bank_of_routes(bank: &Bank) -> Sidecar {
    Config::in_front_of(bank)
        .route("path = \"/open\"\nrequire = []")
        .route("path = \"/accounts/{AccountId}\"\nmethods = [\"GET\"]\nscopes = [\"accounts\"]")
        .route("path = \"/accounts/{AccountId}\"\nmethods = [\"PUT\", \"DELETE\"]\nscopes = [\"accounts\", \"admin\"]")
        .route("path = \"/certificate\"\nrequire = [\"certificate\"]")
        .route("path = \"/token\"\nrequire = [\"token\"]")
        .route("path = \"/payments/{*rest}\"\nscopes = [\"payments\"]\ngrant = \"user\"")
        .route("path = \"/consents\"\ngrant = \"application\"")
        .start()
}

#[test]
fn path_that_no_route_leads_to_is_refused() {
    let bank = Bank::start();
    let sidecar = bank_of_routes(&bank);
    let alice = &Pki::get().alice;

    for path in ["/", "/Open", "/open/", "/openly", "/accounts", "/accounts/", "/accounts/1/2", "/payments", "/%20"] {
        assert_refused(&sidecar.get(path).by(alice).send(), "route_unknown", &bank);
    }
    for path in ["/open", "/open?x=1", "/accounts/1", "/payments/", "/payments/1/2"] {
        let request = sidecar.get(path).by(alice);
        assert_eq!(assert_passed(&request.send(), &bank).target, path);
    }
}

#[test]
fn literal_that_is_written_otherwise_leads_around_no_route() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .route("path = \"/v1/accounts:search\"")
        .route("path = \"/v1/gel%C3%B6scht\"")
        .route("path = \"/v1/{Name}\"\nrequire = []")
        .start();

    for path in ["/v1/accounts:search", "/v1/gel%C3%B6scht"] {
        assert_refused(&sidecar.get(path).send(), "certificate_missing", &bank);
    }
    for path in ["/v1/accounts%3Asearch", "/v1/accounts%3asearch", "/v1/gel%c3%b6scht", "/v1/gel%C3%b6scht"] {
        assert_refused(&sidecar.get(path).by(&Pki::get().alice).send(), "path_ambiguous", &bank);
    }
    for path in ["/v1/urn%3Abank%3A1", "/v1/a%40b", "/v1/%c3%b6"] {
        assert_eq!(assert_passed(&sidecar.get(path).send(), &bank).target, path);
    }
}

#[test]
fn method_that_no_route_takes_is_refused_with_those_that_one_takes() {
    let bank = Bank::start();
    let sidecar = bank_of_routes(&bank);

    let answer = sidecar.post("/accounts/1", "").by(&Pki::get().alice).send();

    assert_refused(&answer, "method_not_allowed", &bank);
    let mut allowed: Vec<_> = answer.header("allow").unwrap().split(", ").collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "PUT"]);
}

#[test]
fn scopes_of_the_route_must_all_be_in_the_token() {
    let bank = Bank::start();
    let sidecar = bank_of_routes(&bank);
    let alice = &Pki::get().alice;
    let token = |scope: serde_json::Value| Token::of(alice).claim("scope", scope).sign();
    let put = |scope| sidecar.request("PUT", "/accounts/1").showing(alice).bearing(token(scope)).body("x").send();

    for lacking in ["", "accounts", "accounts administration", "accounts,admin", "Accounts Admin", "admin"] {
        let answer = put(lacking.into());
        assert_refused(&answer, "scope_insufficient", &bank);
        assert!(answer.header("www-authenticate").unwrap().contains(r#"scope="accounts admin""#), "{answer:?}");
    }
    assert_passed(&put("admin openid accounts".into()), &bank);
    assert_passed(&put(serde_json::json!(["accounts", "admin"])), &bank);
    let scp = Token::of(alice).without("scope").claim("scp", serde_json::json!(["accounts", "admin"])).sign();
    assert_passed(&sidecar.request("PUT", "/accounts/1").showing(alice).bearing(scp).send(), &bank);
}

#[test]
fn grant_of_the_token_must_be_the_one_of_the_route() {
    let bank = Bank::start();
    let sidecar = bank_of_routes(&bank);
    let alice = &Pki::get().alice;
    let user = Token::of(alice);
    let application = user.clone().claim("sub", "tpp-1");

    for (token, path, passes) in [
        (user.clone(), "/payments/1", true),
        (user.clone(), "/consents", false),
        (application.clone(), "/payments/1", false),
        (application.clone(), "/consents", true),
        (user.clone().claim("aut", "APPLICATION"), "/consents", true),
        (user.claim("aut", "APPLICATION"), "/payments/1", false),
        (application.claim("aut", "APPLICATION_USER"), "/payments/1", true),
    ] {
        let answer = sidecar.get(path).showing(alice).bearing(token.sign()).send();
        if passes {
            assert_passed(&answer, &bank);
        } else {
            assert_refused(&answer, "grant_wrong", &bank);
        }
    }
}

#[test]
fn route_demands_what_it_says_and_no_more() {
    let bank = Bank::start();
    let sidecar = bank_of_routes(&bank);
    let pki = Pki::get();
    let unbound = Token::unbound().sign();

    assert!(assert_passed(&sidecar.get("/open").send(), &bank).identity().is_empty());
    assert_eq!(assert_passed(&sidecar.get("/certificate").showing(&pki.alice).send(), &bank).identity().len(), 1);
    assert_refused(&sidecar.get("/certificate").bearing(&unbound).send(), "certificate_missing", &bank);
    assert!(assert_passed(&sidecar.get("/token").bearing(&unbound).send(), &bank).identity().is_empty());
    assert_refused(&sidecar.get("/token").showing(&pki.alice).send(), "token_missing", &bank);
}

#[test]
fn what_an_open_route_does_not_demand_is_not_judged() {
    let bank = Bank::start();
    let sidecar = bank_of_routes(&bank);
    let pki = Pki::get();

    let shown = sidecar.get("/open").showing(&pki.expired).showing(&pki.alice).bearing("a").bearing("b");
    assert!(assert_passed(&shown.send(), &bank).identity().is_empty());
    let garbage = sidecar.get("/open").header("ssl.client.auth.cert.X509", "garbage");
    assert!(assert_passed(&garbage.send(), &bank).identity().is_empty());
}

#[test]
fn first_route_that_fits_decides() {
    let bank = Bank::start();
    let sidecar = Config::in_front_of(&bank)
        .route("path = \"/accounts/open\"\nrequire = []")
        .route("path = \"/accounts/{Id}\"\nmethods = [\"GET\"]")
        .route("path = \"/{*rest}\"\nmethods = [\"HEAD\"]\nrequire = []")
        .start();

    assert_passed(&sidecar.get("/accounts/open").send(), &bank);
    assert_refused(&sidecar.get("/accounts/1").send(), "certificate_missing", &bank);
    assert_eq!(sidecar.request("HEAD", "/accounts/1").send().status, 200);
    bank.take();
    let put = sidecar.request("PUT", "/accounts/1").send();
    assert_refusal(&put, "method_not_allowed");
    assert_eq!(bank.requests(), 0);
}
