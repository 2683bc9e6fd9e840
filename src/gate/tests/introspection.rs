//! Tokens that are introspected: the same rules in the same order, and answers of several issuers side by side.

use super::{proof::by_both, *};
use crate::token::{Issuer, Verify, mint::ISSUER};

const OTHER: &str = "https://other.example";
const OPAQUE: &str = "opaque-1";

/// The issuer of every test's JWTs, verified as said, and another one that introspects.
fn world(verify: Verify) -> World {
    let mut world = World::new();
    let issuers = &mut world.gate.issuers.issuers;
    issuers[0] = Issuer { verify, introspects: true, ..issuers[0].clone() };
    issuers.push(Issuer { issuer: OTHER.into(), verify: Verify::Jwt, ..issuers[0].clone() });
    world
}

/// What an issuer says of an active token of Alice's, with changes; `null` takes a member away.
fn active(world: &World, changes: &Value) -> Introspection {
    let mut answer = mint::claims(&json!({
        "active": true, "scope": "accounts", "cnf": {"x5t#S256": Thumbprint::of(&world.alice).to_string()},
    }));
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(answer.as_object_mut().unwrap().remove(name)),
            value => drop(answer.as_object_mut().unwrap().insert(name.clone(), value.clone())),
        }
    }
    Introspection::parse(answer.to_string().as_bytes(), None).unwrap()
}

/// Judges as the shell does: each question is answered by the issuer's place, as `told` says.
fn judge(world: &World, shown: &Shown, told: &[Introspection]) -> (Judgement, Vec<usize>) {
    let mut answered: Vec<Answer> = Vec::new();
    loop {
        let judgement = world.judge(shown, &answered);
        let Verdict::Ask(Question::Introspection(inquiry)) = &judgement.verdict else {
            let place = |answer: &Answer| match answer {
                Answer::Introspection(inquiry, _) => inquiry.issuer,
                other => panic!("{other:?}"),
            };
            return (judgement, answered.iter().map(place).collect());
        };
        assert_eq!(Some(inquiry.token()), shown.token.as_deref());
        answered.push(Answer::Introspection(Arc::clone(inquiry), told[inquiry.issuer].clone()));
    }
}

fn code(world: &World, shown: &Shown, told: &[Introspection]) -> &'static str {
    match judge(world, shown, told).0.verdict {
        Verdict::Permit(_) => "permit",
        Verdict::Deny(denial) => denial.code(),
        Verdict::Ask(question) => panic!("asked {question:?}"),
    }
}

fn opaque(world: &World) -> Shown {
    with(world.alice(), |shown| shown.token = Some(OPAQUE.to_owned()))
}

#[test]
#[rustfmt::skip]
fn each_answer_of_an_issuer_has_its_verdict() {
    let world = world(Verify::Jwt);
    let mallory = Thumbprint::of(&world.mallory).to_string();
    for (changes, expected) in [
        (json!({}), "permit"),
        (json!({"active": false}), "token_inactive"),
        (json!({"active": "true"}), "token_inactive"),
        (json!({"active": null}), "token_inactive"),
        (json!({"active": 1}), "token_inactive"),
        (json!({"iss": null}), "token_claim_missing"),
        (json!({"iss": OTHER}), "token_issuer_unknown"),
        (json!({"iss": format!("{ISSUER}/")}), "token_issuer_unknown"),
        (json!({"iss": ""}), "token_issuer_unknown"),
        (json!({"iss": OTHER, "aud": null}), "token_issuer_unknown"),
        (json!({"iss": null, "aud": "https://elsewhere.example"}), "token_claim_missing"),
        (json!({"iss": [ISSUER]}), "token_malformed"),
        (json!({"aud": null}), "token_claim_missing"),
        (json!({"aud": null, "exp": 1}), "token_claim_missing"),
        (json!({"aud": "https://elsewhere.example"}), "token_audience_wrong"),
        (json!({"aud": "https://elsewhere.example", "exp": 1}), "token_audience_wrong"),
        (json!({"aud": []}), "token_audience_wrong"),
        (json!({"aud": ["https://elsewhere.example", mint::AUDIENCE]}), "permit"),
        (json!({"aud": {"a": mint::AUDIENCE}}), "token_malformed"),
        (json!({"exp": null}), "token_claim_missing"),
        (json!({"exp": null, "token_type": "refresh_token"}), "token_claim_missing"),
        (json!({"exp": NOW - 29}), "permit"),
        (json!({"exp": NOW - 30}), "token_expired"),
        (json!({"exp": NOW - 30, "token_type": "refresh_token"}), "token_expired"),
        (json!({"exp": "tomorrow"}), "token_malformed"),
        (json!({"exp": (NOW + 300) * 1000}), "token_malformed"),
        (json!({"nbf": NOW + 30}), "permit"),
        (json!({"nbf": NOW + 31}), "token_not_yet_valid"),
        (json!({"iat": NOW + 31}), "token_not_yet_valid"),
        (json!({"iat": null}), "permit"),
        (json!({"token_type": "Bearer"}), "permit"),
        (json!({"token_type": "bEARER"}), "permit"),
        (json!({"token_type": "DPoP"}), "permit"),
        (json!({"token_type": "N_A"}), "token_type_wrong"),
        (json!({"token_type": "access_token"}), "permit"),
        (json!({"token_type": "urn:ietf:params:oauth:token-type:access_token"}), "permit"),
        (json!({"token_type": "urn:ietf:params:oauth:token-type:refresh_token"}), "token_type_wrong"),
        (json!({"token_type": "application/AT+JWT"}), "permit"),
        (json!({"token_type": "refresh_token"}), "token_type_wrong"),
        (json!({"token_type": ""}), "token_type_wrong"),
        (json!({"token_type": 1}), "token_malformed"),
        (json!({"token_type": "Bearer", "token_use": "refresh_token"}), "token_type_wrong"),
        (json!({"token_use": "id"}), "token_type_wrong"),
        (json!({"token_use": "access_token"}), "permit"),
        (json!({"token_use": "access"}), "permit"),
        (json!({"token_use": []}), "token_malformed"),
        (json!({"typ": "Refresh"}), "token_type_wrong"),
        (json!({"typ": "Offline"}), "token_type_wrong"),
        (json!({"typ": "ID"}), "token_type_wrong"),
        (json!({"typ": "Bearer"}), "permit"),
        (json!({"typ": "JWT", "token_type": "DPoP", "token_use": "access_token"}), "permit"),
        (json!({"typ": {}}), "token_malformed"),
        (json!({"client_id": 7}), "token_malformed"),
        (json!({"scope": 7}), "token_malformed"),
        (json!({"cnf": null}), "binding_missing"),
        (json!({"cnf": {}}), "binding_missing"),
        (json!({"cnf": {"jkt": mallory}}), "binding_missing"),
        (json!({"cnf": "text"}), "token_malformed"),
        (json!({"cnf": {"x5t#S256": "short"}}), "token_malformed"),
        (json!({"cnf": {"x5t#S256": mallory}}), "binding_mismatch"),
    ] {
        let told = [active(&world, &changes), Introspection::Inactive];
        assert_eq!(code(&world, &opaque(&world), &told), expected, "{changes}");
    }
}

#[test]
fn token_that_is_not_a_jwt_is_opaque_and_a_jwt_is_not() {
    let world = world(Verify::Jwt);
    let told = || [active(&world, &json!({})), Introspection::Inactive];
    let jwe = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..b.c.d";
    for token in ["a", "..", "a.b.c", "eyJhbGciOiJkaXIifQ", jwe, "bm9wZQ.a.b", "W10.a.b", "bm9wZQ.a.b.c.d"] {
        let shown = with(world.alice(), |shown| shown.token = Some(token.to_owned()));
        assert_eq!(code(&world, &shown, &told()), "permit", "{token}");
    }
    for token in ["e30.e30.", "eyJhbGciOiJFUzI1NiJ9.a.b", "eyJhbGciOiJFUzI1NiJ9..", "eyJhbGciOiJFUzI1NiJ9.e30.~"] {
        let shown = with(world.alice(), |shown| shown.token = Some(token.to_owned()));
        let (judgement, asked) = judge(&world, &shown, &told());
        assert!(matches!(judgement.verdict, Verdict::Deny(_)) && asked.is_empty(), "{token}");
    }
    assert!(judge(&world, &world.alice(), &told()).1.is_empty(), "a JWT is verified by its signature");
}

/// No signature covers what comes behind it, and servers that split at dots may pass over that.
#[test]
fn jwt_is_not_made_opaque_by_a_dot() {
    for verify in [Verify::Jwt, Verify::Introspection, Verify::Both] {
        let world = world(verify);
        let told = [active(&world, &json!({})), Introspection::Inactive];
        let twice = world.mint.sign(r#"{"alg":"ES256","alg":"ES256"}"#, &mint::claims(&json!({})).to_string());
        for token in [world.token(&json!({})), twice] {
            for more in [".", "..", ".x", ".x.y", "...", ".x.y.z"] {
                let shown = with(world.alice(), |shown| shown.token = Some(format!("{token}{more}")));
                let (judgement, asked) = judge(&world, &shown, &told);
                let malformed = matches!(judgement.verdict, Verdict::Deny(Denial::TokenMalformed { .. }));
                assert!(malformed && asked.is_empty(), "{verify:?} {more}: {:?}", judgement.verdict);
            }
        }
    }
}

#[test]
fn opaque_token_is_malformed_where_no_issuer_introspects() {
    let world = World::new();
    assert_eq!(world.code(&opaque(&world)), Some("token_malformed"));
}

#[test]
fn issuers_are_asked_in_their_order_and_the_first_that_knows_the_token_decides() {
    use Introspection::{Inactive, Malformed, Unavailable};
    let world = world(Verify::Jwt);
    let (own, others) = (active(&world, &json!({})), active(&world, &json!({"iss": OTHER})));
    let expired = active(&world, &json!({"exp": 1}));
    for (told, expected, asked) in [
        ([own.clone(), Inactive], "permit", vec![0]),
        ([Inactive, others.clone()], "permit", vec![0, 1]),
        ([Unavailable, others.clone()], "permit", vec![0, 1]),
        ([Inactive, own], "token_issuer_unknown", vec![0, 1]),
        ([expired, others.clone()], "token_expired", vec![0]),
        ([Malformed("x"), others], "token_malformed", vec![0]),
        ([Inactive, Inactive], "token_inactive", vec![0, 1]),
        ([Unavailable, Inactive], "introspection_unavailable", vec![0, 1]),
        ([Inactive, Unavailable], "introspection_unavailable", vec![0, 1]),
        ([Unavailable, Unavailable], "introspection_unavailable", vec![0, 1]),
    ] {
        assert_eq!(code(&world, &opaque(&world), &told), expected, "{told:?}");
        assert_eq!(judge(&world, &opaque(&world), &told).1, asked, "{told:?}");
    }
}

#[test]
fn what_is_not_required_may_be_left_out_of_an_answer() {
    let mut world = world(Verify::Jwt);
    world.gate.issuers.rules.required_claims = vec!["exp".into()];
    let told = [active(&world, &json!({"iss": null, "aud": null})), Introspection::Inactive];

    let (Judgement { verdict, findings }, _) = judge(&world, &opaque(&world), &told);

    assert!(matches!(verdict, Verdict::Permit(_)), "{verdict:?}");
    let token = findings.token.unwrap();
    assert_eq!((token.issuer(), token.kind()), (Some(ISSUER), "opaque"));
    let wrong = [active(&world, &json!({"aud": "https://elsewhere.example"})), Introspection::Inactive];
    assert_eq!(code(&world, &opaque(&world), &wrong), "token_audience_wrong");
    world.gate.issuers.rules.required_claims = vec!["consent_id".into()];
    assert_eq!(code(&world, &opaque(&world), &told), "token_claim_missing");
}

#[test]
fn refusal_says_that_introspection_omitted_the_confirmation() {
    let world = world(Verify::Jwt);
    for (cnf, expected) in
        [(json!(null), "introspection omitted cnf"), (json!({}), "introspection gave no cnf that counts")]
    {
        let told = [active(&world, &json!({ "cnf": cnf })), Introspection::Inactive];
        let verdict = judge(&world, &opaque(&world), &told).0.verdict;
        assert!(matches!(&verdict, Verdict::Deny(Denial::BindingMissing { why }) if *why == expected), "{verdict:?}");
    }
}

#[test]
fn introspected_token_is_held_to_its_certificate_whatever_the_route_demands() {
    let world = world(Verify::Jwt);
    let told = [active(&world, &json!({})), Introspection::Inactive];
    let alone = |certificate: Option<Vec<u8>>| {
        let shown = with(opaque(&world), |shown| (shown.path, shown.certificate) = ("/token-only", certificate));
        code(&world, &shown, &told)
    };
    assert_eq!(alone(Some(header_value(&world.alice))), "permit");
    assert_eq!(alone(Some(header_value(&world.mallory))), "binding_mismatch");
    assert_eq!(alone(None), "certificate_missing");
}

#[test]
fn jwt_of_an_issuer_that_is_only_asked_needs_no_signature() {
    let world = world(Verify::Introspection);
    let forged = mint::Mint::new(Algorithm::ES256, "1").token(&mint::claims(&json!({})));
    let shown = with(world.alice(), |shown| shown.token = Some(forged));
    let inactive = || Introspection::Inactive;

    assert_eq!(code(&world, &shown, &[active(&world, &json!({})), inactive()]), "permit");
    assert_eq!(code(&world, &shown, &[active(&world, &json!({"aud": null})), inactive()]), "token_claim_missing");
    assert_eq!(code(&world, &shown, &[inactive(), active(&world, &json!({}))]), "token_inactive");
    assert_eq!(code(&world, &shown, &[Introspection::Unavailable, inactive()]), "introspection_unavailable");
    assert_eq!(judge(&world, &shown, &[inactive(), inactive()]).1, [0], "the issuer alone that it names is asked");
}

#[test]
fn jwt_of_an_issuer_that_is_only_asked_is_held_to_the_kind_that_it_says_it_is() {
    let world = world(Verify::Introspection);
    let told = [active(&world, &json!({})), Introspection::Inactive];
    for (typ, payload, expected) in [
        (json!("at+jwt"), json!({"typ": "Bearer"}), "permit"),
        (json!(null), json!({}), "permit"),
        (json!("refresh+jwt"), json!({}), "token_type_wrong"),
        (json!("JWT"), json!({"typ": "Refresh"}), "token_type_wrong"),
        (json!("JWT"), json!({"token_use": "id"}), "token_type_wrong"),
        (json!("JWT"), json!({"token_use": null}), "permit"),
    ] {
        let mut header = json!({"alg": "ES256", "typ": typ});
        header.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let token = world.mint.sign(&header.to_string(), &mint::claims(&payload).to_string());
        let shown = with(world.alice(), |shown| shown.token = Some(token));
        assert_eq!(code(&world, &shown, &told), expected, "{header} {payload}");
    }
}

#[test]
#[rustfmt::skip]
fn jwt_that_is_verified_by_both_passes_only_if_both_hold() {
    let mut world = world(Verify::Both);
    let mallory = Thumbprint::of(&world.mallory).to_string();
    let bare = json!({"iss": null, "aud": null, "exp": null, "cnf": null, "scope": null});
    for cache_bytes in [0, 1 << 20] {
        world.keys = KeyRing::new(vec![Some(Arc::new(world.mint.key_set())), None], cache_bytes);
        for (changes, expected) in [
            (json!({}), "permit"),
            (bare.clone(), "permit"),
            (json!({"active": false}), "token_inactive"),
            (json!({"iss": OTHER}), "token_issuer_unknown"),
            (json!({"aud": "https://elsewhere.example"}), "token_audience_wrong"),
            (json!({"exp": NOW - 30}), "token_expired"),
            (json!({"nbf": NOW + 31}), "token_not_yet_valid"),
            (json!({"token_type": "refresh_token"}), "token_type_wrong"),
            (json!({"cnf": {"x5t#S256": mallory}}), "binding_mismatch"),
            (json!({"cnf": "text"}), "token_malformed"),
            (json!({"client_id": "other"}), "token_malformed"),
            (json!({"sub": "other"}), "token_malformed"),
            (json!({"client_id": null, "sub": null}), "permit"),
        ] {
            let told = [active(&world, &changes), Introspection::Inactive];
            assert_eq!(code(&world, &world.alice(), &told), expected, "{changes}");
        }
        assert_eq!(code(&world, &world.alice(), &[Introspection::Unavailable, Introspection::Inactive]), "introspection_unavailable");
    }
    let expired = with(world.alice(), |shown| shown.token = Some(world.token(&json!({"exp": 1}))));
    let told = [active(&world, &json!({})), Introspection::Inactive];
    let (judgement, asked) = judge(&world, &expired, &told);
    assert!(matches!(judgement.verdict, Verdict::Deny(Denial::TokenExpired { .. })) && asked.is_empty());
    let unbound = with(world.alice(), |shown| shown.token = Some(world.mint.token(&mint::claims(&json!({})))));
    assert_eq!(code(&world, &unbound, &told), "permit", "the issuer names the certificate in the token's place");
    assert_eq!(code(&world, &unbound, &[active(&world, &bare), Introspection::Inactive]), "binding_missing");
    assert_eq!(judge(&world, &world.alice(), &told).0.findings.token.unwrap().kind(), "jwt");
}

#[test]
fn scope_counts_that_signature_and_issuer_both_name() {
    let world = world(Verify::Both);
    let (one, all) = ("accounts", "accounts fundsconfirmations x");
    for (signed, told, scope, expected) in [
        (all, json!(all), all, "permit"),
        (all, json!(null), all, "permit"),
        (all, json!(["y", "fundsconfirmations", "accounts"]), "accounts fundsconfirmations", "permit"),
        (all, json!(one), one, "scope_insufficient"),
        (one, json!(all), one, "scope_insufficient"),
        (all, json!("fundsconfirmation"), "", "scope_insufficient"),
        (all, json!("fundsconfirmations:read accounts"), "accounts", "scope_insufficient"),
        (all, json!(""), "", "scope_insufficient"),
    ] {
        let token = world.token(&json!({ "scope": signed }));
        let shown = with(world.alice(), |shown| (shown.path, shown.token) = ("/scoped", Some(token)));
        let answers = [active(&world, &json!({ "scope": told })), Introspection::Inactive];
        assert_eq!(code(&world, &shown, &answers), expected, "{signed}, {told}");
        let token = judge(&world, &shown, &answers).0.findings.token.unwrap();
        assert_eq!(token.scope().as_deref(), Some(scope), "{signed}, {told}");
    }
}

#[test]
fn introspected_token_that_is_bound_to_a_key_needs_a_proof_of_it() {
    let mut world = world(Verify::Jwt);
    world.gate.binding = by_both();
    let (own, other) = (mint::Mint::new(Algorithm::ES256, "a"), mint::Mint::new(Algorithm::ES256, "b"));
    let told = [active(&world, &json!({"cnf": {"jkt": own.thumbprint()}})), Introspection::Inactive];
    let proving = |key: &mint::Mint| {
        let proof = key.proof("https://api.bank.example/accounts/1", OPAQUE);
        with(opaque(&world), |shown| shown.proof = Some(proof))
    };

    assert_eq!(code(&world, &opaque(&world), &told), "proof_missing");
    for cnf in [json!(null), json!({"x5t#S256": Thumbprint::of(&world.alice).to_string()})] {
        let named = [active(&world, &json!({"token_type": "DPoP", "cnf": cnf})), Introspection::Inactive];
        assert_eq!(code(&world, &opaque(&world), &named), "proof_missing", "{cnf}");
    }
    assert_eq!(code(&world, &proving(&other), &told), "proof_invalid");
    let known = [Answer::Introspection(Arc::new(Inquiry::new(0, OPAQUE)), told[0].clone())];
    let Judgement { verdict, findings } = world.judge(&proving(&own), &known);
    assert!(matches!(verdict, Verdict::Ask(Question::Use(_))), "{verdict:?}");
    assert!(findings.binding.is_some() && findings.token.is_some_and(|token| token.kind() == "opaque"));
}

#[test]
fn jwt_of_an_issuer_that_is_only_asked_is_held_to_its_own_confirmation_and_bound_by_none() {
    let mut world = world(Verify::Introspection);
    world.gate.binding = by_both();
    let told = [active(&world, &json!({"cnf": null})), Introspection::Inactive];
    let showing = |path, der: &[u8]| {
        let shown = with(world.alice(), |shown| (shown.path, shown.certificate) = (path, Some(header_value(der))));
        code(&world, &shown, &told)
    };
    assert_eq!(showing("/token-only", &world.alice), "permit");
    assert_eq!(showing("/token-only", &world.mallory), "binding_mismatch");
    assert_eq!(showing("/accounts/1", &world.alice), "binding_missing");

    let key = mint::Mint::new(Algorithm::ES256, "a");
    let token = world.mint.token(&mint::claims(&json!({"cnf": {"jkt": key.thumbprint()}})));
    let proof = key.proof("https://api.bank.example/accounts/1", &token);
    let proving = with(world.alice(), |shown| (shown.token, shown.proof) = (Some(token), Some(proof)));
    assert_eq!(code(&world, &proving, &told), "binding_missing");
    let bearing = with(proving, |shown| (shown.path, shown.proof) = ("/token-only", None));
    assert_eq!(code(&world, &bearing, &told), "proof_missing");
}

#[test]
fn key_is_the_one_that_signature_and_issuer_both_name() {
    let mut world = world(Verify::Both);
    world.gate.binding = by_both();
    let (own, other) = (mint::Mint::new(Algorithm::ES256, "a"), mint::Mint::new(Algorithm::ES256, "b"));
    let token = world.mint.token(&mint::claims(&json!({"cnf": {"jkt": own.thumbprint()}})));
    let proof = own.proof("https://api.bank.example/accounts/1", &token);
    let proving = with(world.alice(), |shown| (shown.token, shown.proof) = (Some(token), Some(proof)));
    let told = [active(&world, &json!({"cnf": {"jkt": other.thumbprint()}})), Introspection::Inactive];
    assert_eq!(code(&world, &proving, &told), "token_malformed");

    let told = [active(&world, &json!({"token_type": "DPoP"})), Introspection::Inactive];
    assert_eq!(code(&world, &world.alice(), &told), "proof_missing");
}

#[test]
fn signature_that_is_remembered_counts_no_more_where_the_issuer_is_to_be_asked() {
    let mut world = world(Verify::Jwt);
    world.keys = KeyRing::new(vec![Some(Arc::new(world.mint.key_set())), None], 1 << 20);
    let shown = world.alice();
    assert_eq!(code(&world, &shown, &[]), "permit");
    world.gate.issuers.issuers[0].verify = Verify::Introspection;
    assert_eq!(code(&world, &shown, &[Introspection::Inactive, Introspection::Inactive]), "token_inactive");
}

#[test]
fn issuer_that_does_not_introspect_is_not_asked() {
    let mut world = world(Verify::Jwt);
    world.gate.issuers.issuers[1].introspects = false;
    let told = [Introspection::Inactive, Introspection::Inactive];
    assert_eq!(judge(&world, &opaque(&world), &told).1, [0]);
}

/// One answer for every token.
struct Kept(Introspection);

impl Introspections for Kept {
    fn recall(&self, _: &Inquiry, _: UnixTime) -> Option<Introspection> {
        Some(self.0.clone())
    }
}

#[test]
fn what_an_issuer_told_this_request_counts_before_what_is_kept() {
    let (world, inquiry) = (World::new(), Inquiry::new(0, OPAQUE));
    let answered = [Answer::Introspection(Arc::new(inquiry.clone()), Introspection::Inactive)];
    let (keys, revocations, introspections) = (&world.keys, &world.revocations, &Kept(Introspection::Unavailable));
    let known = Known { keys, revocations, introspections, answered: &answered, proof: None };
    let said = |inquiry: &Inquiry| known.introspection(inquiry, mint::at(NOW));
    assert!(matches!(said(&inquiry), Some(Introspection::Inactive)));
    assert!(matches!(said(&Inquiry::new(1, OPAQUE)), Some(Introspection::Unavailable)));
}
