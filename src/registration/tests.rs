#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests state what they need")]

use proptest::prelude::*;
use serde_json::{Value, json};

use self::scene::{
    CN, DIRECTORY, ISSUER, OBIE, ORGANIZATION_KEYS, OU, ROOT, SOFTWARE, SOFTWARE_KEYS, STRANGER, Scene, believed,
    certificate, x5c,
};
use super::*;
use crate::{
    certificate::mint::{now, plain},
    thumbprint::Thumbprint,
    token::{Purpose, mint::Mint},
};

mod rules;
mod scene;

#[track_caller]
fn check(change: impl FnOnce(&mut Scene), expected: &str) {
    let mut scene = Scene::new();
    change(&mut scene);
    assert_eq!(scene.verdict().0, expected, "{}", scene.verdict().1);
}

#[test]
fn registration_that_holds_is_believed() {
    check(|_| {}, "ok");
}

#[test]
fn what_is_optional_may_be_left_out_or_said() {
    check(|scene| scene.requests("software_id", Value::Null), "ok");
    check(|scene| scene.requests("response_types", Value::Null), "ok");
    check(|scene| scene.requests("aud", json!(["https://other.example", "https://as2.example"])), "ok");
    check(|scene| scene.requests("nbf", json!(now().as_secs())), "ok");
    check(|scene| scene.requests("scope", json!("openid")), "ok");
    check(|scene| scene.requests("logo_uri", json!("https://cdn.example/logo.png")), "ok");
    check(|scene| scene.requests("policy_uri", json!("https://TPP.example/policy")), "ok");
    check(|scene| scene.requests("userinfo_signed_response_alg", json!("PS256")), "ok");
    check(
        |scene| {
            scene.requests("token_endpoint_auth_method", json!("tls_client_auth"));
            scene.requests("token_endpoint_auth_signing_alg", Value::Null);
            scene.requests("tls_client_auth_subject_dn", json!("CN=software-1,OU=org-1"));
        },
        "ok",
    );
    for name in ["iat", "org_status", "software_client_id", "jti", "organisation_competent_authority_claims"] {
        check(|scene| scene.states(name, Value::Null), "ok");
    }
    check(|scene| scene.states("exp", json!(now().as_secs() + 1)), "ok");
}

#[test]
fn clocks_may_differ_by_the_skew() {
    for (name, time) in [("exp", now().as_secs() - 29), ("iat", now().as_secs() + 30), ("nbf", now().as_secs() + 30)] {
        check(|scene| scene.requests(name, json!(time)), "ok");
        check(|scene| scene.states(name, json!(time)), "ok");
    }
}

#[test]
fn keys_of_the_software_may_have_either_name_and_be_near() {
    check(
        |scene| {
            scene.states("software_jwks_endpoint", Value::Null);
            scene.states("software_jwks_uri", json!(SOFTWARE_KEYS));
        },
        "ok",
    );
    check(
        |scene| {
            let near = "http://127.0.0.1:8080/software.jwks";
            scene.states("software_jwks_endpoint", json!(near));
            scene.knows(near, Some(&json!({"keys": [SOFTWARE.jwk()]}).to_string()));
        },
        "ok",
    );
}

#[test]
fn nothing_in_a_statement_is_asked_for_before_it_is_verified() {
    let asked = |change: fn(&mut Scene)| {
        let mut scene = Scene::new();
        scene.documents.clear();
        change(&mut scene);
        let stop = scene.verify();
        (scene.asked.take(), stop)
    };
    let directory = |scene: &mut Scene| {
        let keys = json!({"keys": [DIRECTORY.jwk()]}).to_string();
        scene.documents.insert(KeysAt::Directory, Some(keys.into_bytes()));
    };

    let (places, stop) = asked(|_| {});
    assert_eq!(places, [KeysAt::Directory]);
    assert!(matches!(stop, Err(RegistrationStop::Keys(KeysAt::Directory))));

    let mut forged = Scene::new();
    directory(&mut forged);
    forged.directory = &SOFTWARE;
    assert_eq!(forged.verdict().0, "invalid_software_statement");
    assert_eq!(forged.asked.take(), [KeysAt::Directory]);

    let mut elsewhere = Scene::new();
    elsewhere.states("software_jwks_endpoint", json!("https://evil.example/jwks"));
    assert_eq!(elsewhere.verdict().0, "unapproved_software_statement");
    assert_eq!(elsewhere.asked.take(), [KeysAt::Directory]);

    let mut plain = Scene::new();
    plain.states("software_jwks_endpoint", json!("http://evil.example/jwks"));
    assert_eq!(plain.verdict().0, "unapproved_software_statement", "the host is looked at before https");
    assert_eq!(plain.asked.take(), [KeysAt::Directory]);

    let mut half = Scene::new();
    half.states("org_jwks_endpoint", json!("https://evil.example/jwks"));
    assert_eq!(half.verdict().0, "unapproved_software_statement");
    assert_eq!(half.asked.take(), [KeysAt::Directory]);

    let (places, stop) = asked(|scene| scene.statement_header["alg"] = json!("none"));
    assert!(places.is_empty() && matches!(stop, Err(RegistrationStop::Deny(_))));
}

#[test]
fn questions_come_in_their_order_and_the_single_use_is_the_last() {
    let mut scene = Scene::new();
    scene.publishes(x5c(&ISSUER.der));
    scene.used = None;
    let documents = std::mem::take(&mut scene.documents);

    for place in [KeysAt::Directory, KeysAt::Named(SOFTWARE_KEYS.into()), KeysAt::Named(ORGANIZATION_KEYS.into())] {
        let Err(RegistrationStop::Keys(asked)) = scene.verify() else { panic!("{place:?} is asked for") };
        assert_eq!(asked, place);
        assert!(scene.uses.borrow().is_empty());
        scene.documents.insert(asked, documents[&place].clone());
    }
    let Err(RegistrationStop::Use(what)) = scene.verify() else { panic!("the use is asked for") };
    let until = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now().as_secs() + 330));
    assert_eq!(what, SingleUse::new(Purpose::Registration, b"software-1", "request-1", until));
    scene.used = Some(Use::First);
    assert_eq!(scene.verdict().0, "ok");
}

#[test]
fn use_that_cannot_be_found_out_or_remembered_is_no_fault_of_the_request() {
    for used in [Use::Unknown, Use::NoRoom] {
        check(|scene| scene.used = Some(used), "overloaded");
    }
}

#[test]
fn organization_may_be_named_in_every_known_way() {
    let claims = |authority: &str, number: &str| json!({"authority_id": authority, "registration_id": number});
    for (identifier, authority, number) in [
        ("PSDGB-FCA-123456", "FCAGBR", "123456"),
        ("PSDGB-FCA-123456", "FCA", "123456"),
        ("PSDGB-FCA-123456", "GB-FCA", "123456"),
        ("PSDDE-BAFIN-104114", "DE-BAFIN", "104114"),
        ("PSDGB-OB-Unknown001580", "OBGBR", "Unknown001580"),
    ] {
        let named = |claim: Value| {
            let mut scene = Scene::new();
            scene.identifies(identifier);
            scene.states("organisation_competent_authority_claims", claim);
            scene.verdict().0
        };
        assert_eq!(named(claims(authority, number)), "ok", "{identifier}");
        assert_eq!(named(json!([claims("X", "1"), claims(authority, number)])), "ok", "{identifier}");
        assert_eq!(named(claims(authority, "9")), "invalid_client_metadata", "{identifier}");
        assert_eq!(named(claims("PRAGBR", number)), "invalid_client_metadata", "{identifier}");
        let mut withdrawn = claims(authority, number);
        withdrawn["status"] = json!("Withdrawn");
        assert_eq!(named(withdrawn), "invalid_client_metadata", "{identifier}");
        assert_eq!(named(json!(authority)), "invalid_client_metadata", "{identifier}");
        assert_eq!(named(Value::Null), "invalid_client_metadata", "{identifier}");
    }
    check(|scene| scene.identifies("org-1"), "ok");
    check(|scene| scene.identifies("OFBBR-org-1"), "ok");
    check(|scene| scene.identifies("OFBBR-org-2"), "invalid_client_metadata");
    check(|scene| scene.identifies("PSDFR-FCA-123456"), "invalid_client_metadata");
    check(|scene| scene.identifies("VATGB-123456"), "invalid_client_metadata");
    check(|scene| scene.identifies("VATGB-org-1"), "invalid_client_metadata");
    let abroad = |scene: &mut Scene| {
        scene.identifies("PSDDE-BAFIN-104114");
        scene.states("organisation_competent_authority_claims", claims("FR-BAFIN", "104114"));
    };
    check(abroad, "invalid_client_metadata");
}

#[test]
fn subject_is_not_looked_at_where_the_rule_is_off() {
    check(
        |scene| {
            scene.rules.subject = SubjectRule::Off;
            scene.certificate = Some(certificate(&[(CN, "anyone"), (OU, "a"), (OU, "b")], None));
        },
        "ok",
    );
    check(
        |scene| {
            scene.rules.subject = SubjectRule::Off;
            scene.certificate = None;
        },
        "ok",
    );
}

#[test]
fn organization_may_publish_the_certificate_its_key_or_an_authority_above_it() {
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = ISSUER.client_with(&key, plain);
    let point = &rcgen::PublicKeyData::der_bytes(&key)[1..];
    let encode = |octets: &[u8]| {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        BASE64_URL_SAFE_NO_PAD.encode(octets)
    };
    let jwk = |use_: &str| json!({"kty": "EC", "crv": "P-256", "use": use_, "x": encode(&point[..32]), "y": encode(&point[32..])});
    let thumbprint = believed(&leaf).thumbprint().to_string();
    let mut with_secret = jwk("tls");
    with_secret["d"] = json!("AAAA");

    let published = |jwk: Value| {
        let mut scene = Scene::new();
        scene.rules.subject = SubjectRule::Off;
        scene.certificate = Some(believed(&leaf));
        scene.publishes(jwk);
        scene.verdict().0
    };
    let named = |thumbprint: &str| json!({ "x5t#S256": thumbprint });
    for good in [x5c(&leaf), x5c(&ISSUER.der), x5c(&ROOT.der), named(&thumbprint), jwk("tls"), jwk("sig")] {
        assert_eq!(published(good.clone()), "ok", "{good}");
    }
    let other = ISSUER.client(plain);
    let mut second = x5c(&other);
    let listed = second["x5c"].as_array_mut().unwrap();
    listed.push(x5c(&leaf)["x5c"][0].clone());
    let authority = named(&Thumbprint::of(&ISSUER.der).to_string());
    let lowered = named(&thumbprint.to_lowercase());
    for bad in [x5c(&other), second, lowered, authority, with_secret, json!({"x5c": []}), json!(null)] {
        assert_eq!(published(bad.clone()), "invalid_client_metadata", "{bad}");
    }
}

#[test]
fn rsa_key_of_the_certificate_may_be_published_alone() {
    let rsa = crate::certificate::mint::Rsa::of_bits(2048, 3);
    let certificate = believed(&ISSUER.client_with(&rsa, plain));
    let mut modulus = vec![0; 256];
    (modulus[0], modulus[255]) = (0x80, 1);
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let jwk = json!({"kty": "RSA", "n": BASE64_URL_SAFE_NO_PAD.encode(modulus), "e": "Aw"});
    check(
        |scene| {
            scene.rules.subject = SubjectRule::Off;
            scene.certificate = Some(certificate);
            scene.publishes(jwk);
        },
        "ok",
    );
}

#[test]
fn certificate_with_the_roles_of_the_statement_backs_them() {
    let roles: [(u8, &str); 3] = [(2, "PSP_PI"), (3, "PSP_AI"), (4, "PSP_IC")];
    check(|scene| scene.certificate = Some(certificate(OBIE, Some(&roles))), "ok");
    check(|scene| scene.certificate = Some(certificate(OBIE, Some(&roles[..2]))), "ok");
}

#[test]
fn body_of_the_largest_size_is_read() {
    let mut scene = Scene::new();
    let room = RegistrationRules::MAX_BODY - scene.body().len();
    // Base64 makes four bytes of three.
    scene.requests("x", json!("a".repeat(room * 3 / 4 - 20)));
    let length = scene.body().len();
    assert!((RegistrationRules::MAX_BODY - 30..=RegistrationRules::MAX_BODY).contains(&length), "{length}");
    assert_eq!(scene.verdict().0, "ok");
}

proptest! {
    #[test]
    fn any_body_is_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let scene = Scene { body: Some(body), ..Scene::new() };
        prop_assert_ne!(scene.verdict().0, "ok");
    }

    /// Signed by who may sign: only the claims are arbitrary.
    #[test]
    fn any_claim_of_any_type_is_judged(place in 0_usize..40, value in value(), of_statement in any::<bool>()) {
        let mut scene = Scene::new();
        let claims = if of_statement { &mut scene.statement } else { &mut scene.request };
        let names: Vec<String> = claims.as_object().unwrap().keys().cloned().collect();
        claims[&names[place % names.len()]] = value;
        let _ = scene.verify();
    }

    #[test]
    fn any_key_set_of_the_organization_is_judged(document in proptest::collection::vec(value(), 0..5)) {
        let mut scene = Scene::new();
        scene.publishes(json!({}));
        scene.knows(ORGANIZATION_KEYS, Some(&json!({"keys": document}).to_string()));
        prop_assert_eq!(scene.verdict().0, "invalid_client_metadata");
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,20}".prop_map(Value::from),
        "https?://[a-z.:@\\[\\]0-9]{0,20}/?".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("kty|x5c|x5t#S256|crv|x|status|authority_id", inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

#[test]
fn keys_of_two_softwares_are_told_apart() {
    let other = Mint::new(Algorithm::ES256, "software");
    check(
        |scene| scene.knows(SOFTWARE_KEYS, Some(&json!({"keys": [other.jwk()]}).to_string())),
        "invalid_client_metadata",
    );
}

#[test]
fn key_that_is_missing_in_a_set_is_asked_for_anew_once_and_then_refused() {
    let other = |mint: &Mint| json!({"keys": [mint.jwk()]}).to_string();
    let software = || KeysAt::Named(SOFTWARE_KEYS.into());
    let none = r#"{"keys":[]}"#.to_owned();
    for (place, document, code) in [
        (KeysAt::Directory, other(&SOFTWARE), "invalid_software_statement"),
        (software(), other(&DIRECTORY), "invalid_client_metadata"),
        (KeysAt::Directory, none.clone(), "keys_unavailable"),
        (software(), none, "keys_unavailable"),
    ] {
        let mut scene = Scene::new();
        scene.anew = false;
        scene.documents.insert(place.clone(), Some(document.into_bytes()));
        let Err(RegistrationStop::NewerKeys(asked)) = scene.verify() else { panic!("{place:?} is asked for anew") };
        assert_eq!(asked, place);
        scene.anew = true;
        assert_eq!(scene.verdict().0, code, "{place:?}");
    }
}

#[test]
fn nothing_else_that_is_wrong_has_a_set_asked_for_anew() {
    let first = |change: &dyn Fn(&mut Scene), code: &str, why: &str| {
        let mut scene = Scene { anew: false, ..Scene::new() };
        change(&mut scene);
        assert_eq!(scene.verdict(), (code, why));
    };
    let (statement, request) = ("invalid_software_statement", "invalid_client_metadata");
    first(&|_| {}, "ok", "");
    first(&|scene| scene.directory = &STRANGER, statement, "the software statement's signature is wrong");
    first(&|scene| scene.software = &STRANGER, request, "the request's signature is wrong");
    let unfit = Mint::new(Algorithm::ES384, "software");
    let of_another_kind = json!({"keys": [unfit.jwk()]}).to_string();
    first(
        &|scene| scene.knows(SOFTWARE_KEYS, Some(&of_another_kind)),
        request,
        "no key of the software fits the request",
    );
    let two = json!({"keys": [SOFTWARE.jwk(), DIRECTORY.jwk()]}).to_string();
    let ambiguous = |scene: &mut Scene| {
        scene.knows(SOFTWARE_KEYS, Some(&two));
        scene.request_header = json!({"alg": "ES256"});
    };
    first(&ambiguous, request, "no key of the software fits the request");
    first(&|scene| scene.knows(SOFTWARE_KEYS, None), "keys_unavailable", "");
    let unpublished = "neither the certificate nor an authority above it is in the key set of the organisation";
    first(&|scene| scene.publishes(x5c(&ISSUER.client(plain))), request, unpublished);
}
