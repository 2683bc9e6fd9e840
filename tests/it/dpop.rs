//! A token that is bound to a key is taken with a proof of that key, made for this very request, and once (RFC 9449).

use serde_json::{Value, json};

use crate::{
    support::{
        bank::Bank,
        config::Config,
        connection::{Answer, Request},
        forms::percent_pem,
        pki::Pki,
        proof::{Holder, Proof},
        sidecar::Sidecar,
        token::{Token, now},
    },
    verdict::{assert_passed, assert_refused},
};

const ORIGIN: &str = "https://api.bank.example";
pub(crate) const ADDRESS: &str = "https://api.bank.example/accounts";

/// Both confirmations count, and the binding alone is demanded.
pub(crate) fn config(bank: &Bank) -> Config {
    Config::in_front_of(bank)
        .set("token.binding", r#"["x5t#S256", "jkt"]"#)
        .route("path = \"/certificate\"\nrequire = [\"certificate\", \"token\", \"binding\"]")
        .route("path = \"/{*rest}\"\nrequire = [\"binding\"]")
}

fn presenting<'a>(request: Request<'a>, token: &str, proof: Proof<'_>) -> Request<'a> {
    request.header("Authorization", &format!("DPoP {token}")).header("DPoP", &proof.sign())
}

/// The answer to a GET of `/accounts` with a fresh token of `holder` and a proof for it that `change` has changed.
fn answer(sidecar: &Sidecar, holder: &Holder, change: impl FnOnce(Proof<'_>) -> Proof<'_>) -> Answer {
    let token = holder.token().sign();
    presenting(sidecar.get("/accounts"), &token, change(holder.proof(ADDRESS, &token))).send()
}

#[test]
fn token_of_a_key_passes_with_a_proof_and_without_a_certificate() {
    let bank = Bank::start();
    let (sidecar, holder) = (config(&bank).start(), Holder::new());
    let token = holder.token().sign();

    let proof = holder.proof(ADDRESS, &token);
    let request = presenting(sidecar.get("/accounts?from=1"), &token, proof);
    let seen = assert_passed(&request.send(), &bank);

    let names: Vec<_> = seen.identity().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["dpop"], "it goes on as it was sent, like the token");
    assert_eq!(seen.header("authorization"), Some(&*format!("DPoP {token}")));
    let line = &sidecar.audit(1)[0];
    assert_eq!((&line["decision"], &line["token"]["bound"]), (&json!("allow"), &json!(true)));
}

#[test]
fn proof_is_taken_once() {
    let bank = Bank::start();
    let (sidecar, holder) = (config(&bank).start(), Holder::new());
    let token = holder.token().sign();
    let request = presenting(sidecar.get("/accounts"), &token, holder.proof(ADDRESS, &token));

    assert_passed(&request.send(), &bank);
    assert_refused(&request.send(), "proof_replayed", &bank);
    assert_refused(&request.send(), "proof_replayed", &bank);
    assert_passed(&answer(&sidecar, &holder, |proof| proof), &bank);
}

#[test]
fn proof_is_not_used_up_by_a_request_that_is_refused_however_it_is_judged() {
    let bank = Bank::start();
    let (sidecar, holder) = (config(&bank).set("backend.max_body_bytes", r#""10""#).start(), Holder::new());
    let token = holder.token().sign();
    let proof = holder.proof(ADDRESS, &token);
    let request = presenting(sidecar.get("/accounts"), &token, proof.clone());

    assert_refused(&request.clone().body("eleven byte").send(), "body_too_large", &bank);
    assert_passed(&request.body("ten bytes.").send(), &bank);
    // What is wrong with the request itself is said first.
    let again = presenting(sidecar.get("/certificate"), &token, proof).body("eleven byte");
    assert_refused(&again.send(), "certificate_missing", &bank);

    // A disk that is always full.
    let sidecar = config(&bank).set("audit.sink", r#""file:/dev/full""#).start();
    let request = presenting(sidecar.get("/accounts"), &token, holder.proof(ADDRESS, &token));
    for _ in 0..3 {
        assert_refused(&request.send(), "audit_unavailable", &bank);
    }
    assert_refused(&sidecar.get("/accounts").send(), "token_missing", &bank);
}

#[test]
fn token_of_a_key_is_not_taken_from_whoever_bears_it() {
    let bank = Bank::start();
    let (sidecar, holder, mallory) = (config(&bank).start(), Holder::new(), Holder::new());
    let token = holder.token().sign();
    let alice = &Pki::get().alice;

    assert_refused(&sidecar.get("/accounts").bearing(&token).send(), "proof_missing", &bank);
    assert_refused(&sidecar.get("/certificate").showing(alice).bearing(&token).send(), "proof_missing", &bank);
    let unproven = sidecar.get("/accounts").header("Authorization", &format!("DPoP {token}"));
    assert_refused(&unproven.send(), "proof_missing", &bank);
    let with_proof = sidecar.get("/accounts").bearing(&token);
    let with_proof = with_proof.header("DPoP", &holder.proof(ADDRESS, &token).sign());
    assert_refused(&with_proof.send(), "proof_missing", &bank);
    let stolen = presenting(sidecar.get("/accounts"), &token, mallory.proof(ADDRESS, &token));
    assert_refused(&stolen.send(), "proof_invalid", &bank);
}

#[test]
fn proof_is_refused_for_every_fault_that_it_can_have() {
    let bank = Bank::start();
    let (sidecar, holder) = (config(&bank).start(), Holder::new());
    let other = Holder::new();
    let refuse = |change: &dyn Fn(Proof<'_>) -> Proof<'_>| {
        assert_refused(&answer(&sidecar, &holder, change), "proof_invalid", &bank);
    };

    for claim in ["jti", "htm", "htu", "iat", "ath"] {
        refuse(&|proof| proof.without(claim));
    }
    refuse(&|proof| proof.claim("jti", ""));
    refuse(&|proof| proof.claim("htm", "POST"));
    refuse(&|proof| proof.claim("htm", "get"));
    refuse(&|proof| proof.claim("htu", format!("{ORIGIN}/payments")));
    refuse(&|proof| proof.claim("htu", "http://api.bank.example/accounts"));
    refuse(&|proof| proof.claim("htu", "https://evil.example/accounts"));
    refuse(&|proof| proof.claim("iat", now() - 120));
    refuse(&|proof| proof.claim("iat", now() + 120));
    refuse(&|proof| proof.claim("ath", "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"));
    refuse(&|proof| proof.header("typ", "JWT"));
    refuse(&|proof| proof.header("alg", "none"));
    refuse(&|proof| proof.header("alg", "HS256"));
    refuse(&|proof| proof.header("crit", json!(["htm"])));
    refuse(&|proof| proof.header("jwk", Value::Null));
    refuse(&|proof| proof.header("jwk", other.jwk()));
    refuse(&|proof| proof.claim("x", "a".repeat(8 << 10)));
    assert_passed(&answer(&sidecar, &holder, |proof| proof), &bank);
}

#[test]
fn proof_may_say_the_same_otherwise() {
    let bank = Bank::start();
    let (sidecar, holder) = (config(&bank).start(), Holder::new());
    let pass = |change: &dyn Fn(Proof<'_>) -> Proof<'_>| {
        assert_passed(&answer(&sidecar, &holder, change), &bank);
    };

    pass(&|proof| proof.claim("htu", "HTTPS://API.bank.example:443/accounts?from=1#top"));
    pass(&|proof| proof.claim("iat", now() - 30));
    pass(&|proof| proof.claim("iat", now() + 10));
    pass(&|proof| proof.header("typ", "application/DPoP+jwt"));
}

#[test]
fn two_proofs_are_none() {
    let bank = Bank::start();
    let (sidecar, holder) = (config(&bank).start(), Holder::new());
    let token = holder.token().sign();
    let once = presenting(sidecar.get("/accounts"), &token, holder.proof(ADDRESS, &token));
    let twice = once.header("dpop", &holder.proof(ADDRESS, &token).sign());
    assert_refused(&twice.send(), "proof_invalid", &bank);
}

#[test]
fn token_with_both_confirmations_needs_both() {
    let bank = Bank::start();
    let (sidecar, holder) = (config(&bank).start(), Holder::new());
    let Pki { alice, mallory, .. } = Pki::get();
    let cnf = json!({"x5t#S256": alice.thumbprint(), "jkt": holder.thumbprint()});
    let token = Token::unbound().claim("cnf", cnf).sign();
    let proof = || holder.proof(ADDRESS, &token);

    let both = presenting(sidecar.get("/accounts").showing(alice), &token, proof());
    let written = ("ssl.client.auth.cert.x509".to_owned(), percent_pem(&alice.der));
    assert!(assert_passed(&both.send(), &bank).identity().contains(&written));
    let key_alone = presenting(sidecar.get("/accounts"), &token, proof());
    assert_refused(&key_alone.send(), "certificate_missing", &bank);
    assert_refused(&sidecar.get("/accounts").showing(alice).bearing(&token).send(), "proof_missing", &bank);
    let other = presenting(sidecar.get("/accounts").showing(mallory), &token, proof());
    assert_refused(&other.send(), "binding_mismatch", &bank);
    let thief = Holder::new();
    let stolen = presenting(sidecar.get("/accounts").showing(alice), &token, thief.proof(ADDRESS, &token));
    assert_refused(&stolen.send(), "proof_invalid", &bank);
}

#[test]
fn token_of_a_certificate_alone_goes_on_as_before() {
    let bank = Bank::start();
    let (sidecar, holder) = (config(&bank).start(), Holder::new());
    let Pki { alice, mallory, .. } = Pki::get();
    let token = alice.token();

    assert_passed(&sidecar.get("/accounts").by(alice).send(), &bank);
    assert_passed(&sidecar.get("/certificate").by(alice).header("DPoP", "whatever").send(), &bank);
    assert_refused(&sidecar.get("/accounts").bearing(&token).send(), "certificate_missing", &bank);
    assert_refused(&sidecar.get("/accounts").showing(mallory).bearing(&token).send(), "binding_mismatch", &bank);
    let made_up = presenting(sidecar.get("/accounts").showing(alice), &token, holder.proof(ADDRESS, &token));
    assert_refused(&made_up.send(), "proof_invalid", &bank);
}

#[test]
fn key_is_not_looked_at_where_it_is_not_configured() {
    let bank = Bank::start();
    let (sidecar, holder) = (Sidecar::in_front_of(&bank), Holder::new());
    let alice = &Pki::get().alice;
    let cnf = json!({"x5t#S256": alice.thumbprint(), "jkt": "no thumbprint"});
    let token = Token::unbound().claim("cnf", cnf).sign();

    assert_passed(&sidecar.get("/accounts").showing(alice).bearing(&token).send(), &bank);
    let shown = sidecar.get("/accounts").showing(alice);
    let answer = presenting(shown, &token, holder.proof(ADDRESS, &token)).send();
    assert_refused(&answer, "token_missing", &bank);
    assert_eq!(answer.fields.all("www-authenticate"), ["Bearer"]);
}

#[test]
fn client_without_a_token_is_told_of_both_schemes() {
    let bank = Bank::start();
    let sidecar = config(&bank).start();
    let answer = sidecar.get("/accounts").send();
    assert_refused(&answer, "token_missing", &bank);
    assert_eq!(answer.fields.all("www-authenticate"), ["Bearer", r#"DPoP algs="ES256 PS256 EdDSA""#]);
}

#[test]
fn token_is_refused_in_the_scheme_that_it_came_by() {
    let bank = Bank::start();
    let scoped = "path = \"/scoped\"\nrequire = [\"binding\"]\nscopes = [\"fundsconfirmations\"]";
    let config = Config::in_front_of(&bank).set("token.binding", r#"["x5t#S256", "jkt"]"#).route(scoped);
    let (sidecar, holder) = (config.route("path = \"/{*rest}\"\nrequire = [\"binding\"]").start(), Holder::new());
    let expired = holder.token().expired().sign();
    let challenge = |request: Request<'_>, code: &str| {
        let answer = request.send();
        assert_refused(&answer, code, &bank);
        answer.fields.all("www-authenticate").join(" and ")
    };

    let with_proof = presenting(sidecar.get("/accounts"), &expired, holder.proof(ADDRESS, &expired));
    let of_proofs = r#"DPoP error="invalid_token", algs="ES256 PS256 EdDSA""#;
    assert_eq!(challenge(with_proof, "token_expired"), of_proofs);
    let malformed = sidecar.get("/accounts").header("Authorization", "dpop a,b");
    assert_eq!(challenge(malformed, "token_malformed"), of_proofs);
    let bearing = sidecar.get("/accounts").bearing(&expired);
    assert_eq!(challenge(bearing, "token_expired"), r#"Bearer error="invalid_token""#);

    let token = holder.token().sign();
    let address = format!("{ORIGIN}/scoped");
    let unscoped = presenting(sidecar.get("/scoped"), &token, holder.proof(&address, &token));
    let scope = r#"DPoP error="insufficient_scope", scope="fundsconfirmations", algs="ES256 PS256 EdDSA""#;
    assert_eq!(challenge(unscoped, "scope_insufficient"), scope);
}

#[test]
fn load_balancer_says_what_was_called_and_a_stranger_does_not() {
    let bank = Bank::start();
    let (trusting, holder) = (config(&bank).start(), Holder::new());
    let strict = config(&bank).set("load_balancer.trusted_networks", r#"["192.0.2.0/24"]"#).start();
    let token = holder.token().sign();
    let called = |sidecar: &Sidecar, address: &str, fields: &[(&str, &str)]| {
        let request = presenting(sidecar.get("/accounts"), &token, holder.proof(address, &token));
        fields.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    let fields = [("X-Forwarded-Host", "open.bank.example:8443"), ("X-Forwarded-Proto", "http")];
    let outside = "http://open.bank.example:8443/accounts";

    assert_passed(&called(&trusting, outside, &fields), &bank);
    assert_refused(&called(&trusting, ADDRESS, &fields), "proof_invalid", &bank);
    assert_refused(&called(&strict, outside, &fields), "proof_invalid", &bank);
    assert_passed(&called(&strict, ADDRESS, &fields), &bank);
    let several = [("X-Forwarded-Host", "api.bank.example"), ("X-Forwarded-Host", "api.bank.example")];
    assert_refused(&called(&trusting, ADDRESS, &several), "proof_invalid", &bank);
    let joined = [("X-Forwarded-Proto", "https,http")];
    assert_refused(&called(&trusting, ADDRESS, &joined), "proof_invalid", &bank);
}

#[test]
fn configured_origin_stands_whatever_the_request_says() {
    let bank = Bank::start();
    let sidecar = config(&bank).set("listen.public_origin", r#""https://open.bank.example""#).start();
    let holder = Holder::new();
    let token = holder.token().sign();
    let called = |address: &str| {
        let request = presenting(sidecar.get("/accounts"), &token, holder.proof(address, &token));
        request.header("X-Forwarded-Host", "api.bank.example").send()
    };
    assert_passed(&called("https://open.bank.example/accounts"), &bank);
    assert_refused(&called(ADDRESS), "proof_invalid", &bank);
}

#[test]
fn nonce_is_handed_out_and_then_demanded() {
    let bank = Bank::start();
    let (sidecar, holder) = (config(&bank).set("token.dpop.nonce", "true").start(), Holder::new());

    for without in [None, Some("made-up")] {
        let refused = answer(&sidecar, &holder, |proof| match without {
            None => proof,
            Some(nonce) => proof.claim("nonce", nonce),
        });
        assert_eq!((refused.status, &*refused.code()), (401, "proof_invalid"));
        let challenge = r#"DPoP error="use_dpop_nonce", algs="ES256 PS256 EdDSA""#;
        assert_eq!(refused.fields.all("www-authenticate"), [challenge]);
        assert!(bank.take().is_empty());

        let nonce = refused.header("dpop-nonce").expect("a nonce").to_owned();
        assert_passed(&answer(&sidecar, &holder, |proof| proof.claim("nonce", nonce)), &bank);
    }
}

#[test]
fn nonce_is_handed_out_in_report_mode_too() {
    let bank = Bank::start();
    let (sidecar, holder) =
        (config(&bank).set("token.dpop.nonce", "true").set("mode", "\"report\"").start(), Holder::new());

    let passed = answer(&sidecar, &holder, |proof| proof);
    assert_passed(&passed, &bank);
    assert_eq!(passed.header("cache-control"), Some("no-store"));
    let nonce = passed.header("dpop-nonce").expect("a nonce").to_owned();

    let good = answer(&sidecar, &holder, |proof| proof.claim("nonce", nonce));
    assert_passed(&good, &bank);
    assert_eq!(good.header("dpop-nonce"), None, "it has the current one");
    let lines = sidecar.audit(2);
    assert_eq!([&lines[0]["decision"], &lines[1]["decision"]], ["would_deny", "allow"]);
}

#[test]
fn sidecars_that_share_a_secret_take_each_others_nonces() {
    let bank = Bank::start();
    let sharing = config(&bank)
        .set("token.dpop.nonce", "true")
        .set("token.dpop.nonce_secret_file", r#""nonce-secret""#)
        .file("nonce-secret", "0123456789abcdef0123456789abcdef");
    let (one, two, holder) = (sharing.start(), sharing.start(), Holder::new());

    let nonce = answer(&one, &holder, |proof| proof).header("dpop-nonce").expect("a nonce").to_owned();

    assert_passed(&answer(&two, &holder, |proof| proof.claim("nonce", nonce)), &bank);
}

#[test]
fn no_line_holds_a_proof_or_its_identifier() {
    let bank = Bank::start();
    let (sidecar, holder) = (config(&bank).start(), Holder::new());
    let token = holder.token().sign();
    let proof = || holder.proof(ADDRESS, &token).claim("jti", "identifier-of-the-proof");
    assert_passed(&presenting(sidecar.get("/accounts"), &token, proof()).send(), &bank);
    let replayed = presenting(sidecar.get("/accounts"), &token, proof()).send();
    assert_refused(&replayed, "proof_replayed", &bank);

    sidecar.log("audit", 2);
    sidecar.log("access", 2);
    for line in sidecar.stdout() {
        assert!(!line.contains("eyJ") && !line.contains("identifier-of-the-proof"), "{line}");
    }
}
