//! A certificate that is known to be revoked is not accepted for an answer that is older than that.

use super::*;

#[test]
fn older_answers_do_not_bring_a_revoked_certificate_back() {
    let stage = Stage::new();
    stage.says(Said::revoked(Some(1)));
    let sidecar = stage.config().set("revocation.cache_ttl", r#""1s""#).start();
    let alice = stage.client(1);
    stage.assert_refused(&sidecar, &alice, "certificate_revoked");

    stage.lists(&[]);
    stage.says(Said { this_update: -2 * HOUR, ..Said::good() });

    let until = Instant::now() + DEADLINE;
    while stage.responder.asked("/crl") == 0 {
        stage.assert_refused(&sidecar, &alice, "certificate_revoked");
        assert!(Instant::now() < until, "nobody is asked again");
    }
    stage.assert_refused(&sidecar, &alice, "certificate_revoked");
    let said = sidecar.event("revocation_not_answered");
    assert!(said["error"].as_str().unwrap().contains("older"), "{said}");
}

#[test]
fn list_gives_way_to_no_older_one() {
    let stage = Stage::new();
    stage.lists(&[(1, None), (2, None)]);
    let config = stage.config().set("revocation.methods", r#"["crl"]"#).set("revocation.cache_ttl", r#""1s""#);
    let sidecar = config.set("revocation.crl_refresh", r#""1s""#).start();
    let (alice, bob) = (stage.client(1), stage.client(2));
    stage.assert_refused(&sidecar, &alice, "certificate_revoked");

    let older = stage.authority.list_of_age(2 * HOUR, &[], HOUR);
    stage.responder.says("/crl", move |_| Reply::Body(older.clone()));

    let until = Instant::now() + DEADLINE;
    while stage.responder.asked("/crl") < 2 {
        stage.assert_refused(&sidecar, &alice, "certificate_revoked");
        assert!(Instant::now() < until, "the list is not fetched again");
    }
    stage.assert_refused(&sidecar, &alice, "certificate_revoked");
    // Nobody has asked about him before.
    stage.assert_refused(&sidecar, &bob, "certificate_revoked");
}
