//! A consent is asked about for this very request, and the answer covers nothing else.

use super::*;
use crate::{
    consent::ConsentAnswer,
    token::{Issuer, Verify},
};

const GIVEN: ConsentAnswer = ConsentAnswer::Given { information: None };

/// A world with a route that demands consent, whose issuer is asked about opaque tokens.
fn world() -> World {
    let mut world = World::new();
    let mut routes = routes();
    routes.iter_mut().for_each(|route| route.consent = true);
    world.gate.routes = Routes::new(routes);
    world.gate.issuers.rules.consent_claim = Some("consent_id".into());
    let issuers = &mut world.gate.issuers.issuers;
    issuers[0] = Issuer { verify: Verify::Jwt, introspects: true, ..issuers[0].clone() };
    world
}

fn about(world: &World, consent_id: &str, subject: &str) -> Introspection {
    let answer = mint::claims(&json!({
        "active": true, "sub": subject, "consent_id": consent_id,
        "cnf": {"x5t#S256": Thumbprint::of(&world.alice).to_string()},
    }));
    Introspection::parse(answer.to_string().as_bytes(), Some("consent_id")).unwrap()
}

/// An issuer that is asked again, because its answer ended while the consent service was thinking, may say something else.
#[test]
fn yes_to_one_consent_is_none_to_another() {
    let world = world();
    let shown = with(world.alice(), |shown| shown.token = Some("opaque-1".to_owned()));
    let Verdict::Ask(Question::Introspection(inquiry)) = world.judge(&shown, &[]).verdict else { panic!("not asked") };
    let told = |told| Answer::Introspection(Arc::clone(&inquiry), told);
    let first = world.judge(&shown, &[told(about(&world, "one", "alice"))]).verdict;
    let Verdict::Ask(Question::Consent(question)) = first else { panic!("{first:?}") };
    assert_eq!(&*question.consent_id, "one");
    let yes = Answer::Consent(Arc::clone(&question), GIVEN);

    let permitted = world.judge(&shown, &[told(about(&world, "one", "alice")), yes.clone()]);
    assert!(matches!(permitted.verdict, Verdict::Permit(_)), "{:?}", permitted.verdict);
    for (consent_id, subject) in [("two", "alice"), ("one", "bob")] {
        let Judgement { verdict, findings } =
            world.judge(&shown, &[told(about(&world, consent_id, subject)), yes.clone()]);
        let Verdict::Ask(Question::Consent(asked)) = verdict else { panic!("{verdict:?}") };
        assert_eq!((&*asked.consent_id, asked.subject.as_deref()), (consent_id, Some(subject)));
        assert!(findings.consent.is_none());
    }
}

#[test]
fn body_is_read_before_the_service_that_is_told_it_is_asked() {
    let mut world = world();
    world.gate.consent_reads_body = true;
    let mut posted = routes();
    posted.iter_mut().for_each(|route| (route.consent, route.methods) = (true, vec![Method::POST]));
    world.gate.routes = Routes::new(posted);
    let token = |id: &str| Some(world.token(&json!({"consent_id": id})));
    let shown = with(world.alice(), |shown| (shown.method, shown.token) = (Method::POST, token("one")));

    let first = world.judge(&shown, &[]).verdict;
    assert!(matches!(first, Verdict::Ask(Question::Body)), "{first:?}");
    let second = world.judge(&shown, &[Answer::Body("{}".into())]).verdict;
    let Verdict::Ask(Question::Consent(asked)) = second else { panic!("{second:?}") };
    assert_eq!(asked.body.as_deref(), Some(&b"{}"[..]));
    assert_eq!((&asked.method, &*asked.path), (&Method::POST, "/accounts/1"));
    assert_eq!((asked.client_id.as_deref(), asked.subject.as_deref()), (Some("tpp"), Some("alice")));
    assert_eq!(world.code(&with(shown, |shown| shown.token = token(""))), Some("consent_missing"));
}
