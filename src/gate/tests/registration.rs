//! The key sets of a registration: what the gate asks for, and which answer counts.

use super::*;
use crate::registration::{KeysAt, SubjectRule};

const SOFTWARE_KEYS: &str = "https://keystore.example/software.jwks";

/// A route that takes registrations from anyone.
fn world() -> World {
    let mut world = World::new();
    let (kind, methods) = (Kind::Registration { managing: Demands::default() }, vec![Method::POST]);
    let open = Route { kind, methods, path: Template::parse("/register").unwrap(), ..routes().swap_remove(0) };
    world.gate.routes = Routes::new(vec![open]);
    world.gate.registration = Some(RegistrationRules {
        directory_issuer: "directory".to_owned(),
        audiences: vec!["https://as.example".to_owned()],
        allowed_hosts: vec!["keystore.example".to_owned()],
        subject: SubjectRule::Off,
        algorithms: vec![Algorithm::ES256],
        clock_skew: 0,
    });
    world
}

/// A request that holds, with a statement that does.
fn body(directory: &mint::Mint, software: &mint::Mint) -> Answer {
    let statement = directory.token(&json!({
        "iss": "directory", "software_id": "software-1", "software_jwks_endpoint": SOFTWARE_KEYS,
        "software_redirect_uris": ["https://tpp.example/cb"], "software_roles": ["AISP"],
    }));
    let request = software.token(&json!({
        "iss": "software-1", "aud": "https://as.example", "iat": NOW, "exp": NOW + 300, "jti": "1",
        "scope": "accounts", "redirect_uris": ["https://tpp.example/cb"], "application_type": "web",
        "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256", "id_token_signed_response_alg": "ES256",
        "request_object_signing_alg": "ES256", "software_statement": statement,
    }));
    Answer::Body(request.into())
}

fn set(mint: &mint::Mint) -> Option<Arc<[u8]>> {
    Some(json!({"keys": [mint.jwk()]}).to_string().into_bytes().into())
}

#[test]
fn newest_answer_about_a_key_set_counts_and_none_is_asked_for_twice() {
    let world = world();
    let shown = with(world.alice(), |shown| (shown.path, shown.method) = ("/register", Method::POST));
    let [old_directory, directory, old_software, software] =
        ["d1", "d2", "s1", "s2"].map(|kid| mint::Mint::new(Algorithm::ES256, kid));
    let named = || KeysAt::Named(SOFTWARE_KEYS.into());
    let mut answered = Vec::new();
    let mut asks = |expected: &Question, answer: Answer| {
        let verdict = world.judge(&shown, &answered).verdict;
        assert!(matches!(&verdict, Verdict::Ask(asked) if asked == expected), "{expected:?}, not {verdict:?}");
        answered.push(answer);
    };

    asks(&Question::Body, body(&directory, &software));
    asks(&Question::KeysAt(KeysAt::Directory), Answer::KeysAt(KeysAt::Directory, set(&old_directory)));
    asks(&Question::NewerKeysAt(KeysAt::Directory), Answer::NewerKeysAt(KeysAt::Directory, set(&directory)));
    asks(&Question::KeysAt(named()), Answer::KeysAt(named(), set(&old_software)));

    let told = |newer: Option<Arc<[u8]>>| {
        let answered = [answered.as_slice(), &[Answer::NewerKeysAt(named(), newer)]].concat();
        world.judge(&shown, &answered).verdict
    };
    assert!(matches!(told(set(&software)), Verdict::Ask(Question::Use(_))), "every key is known");
    assert!(matches!(told(set(&old_software)), Verdict::Deny(Denial::RegistrationInvalid { .. })));
    assert!(matches!(told(None), Verdict::Deny(Denial::KeysUnavailable)));
    let verdict = world.judge(&shown, &answered).verdict;
    assert!(matches!(verdict, Verdict::Ask(Question::NewerKeysAt(at)) if at == named()));
}

#[test]
fn roles_scopes_and_consent_answer_before_the_registration() {
    let check = |change: fn(&mut Route), expected: &str| {
        let mut world = world();
        let managing = Demands { certificate: true, token: true, binding: true };
        let kind = Kind::Registration { managing };
        let path = Template::parse("/register/{ClientId}").unwrap();
        let mut route = Route { kind, path, methods: vec![Method::PUT], ..routes().swap_remove(0) };
        change(&mut route);
        world.gate.routes = Routes::new(vec![route]);
        let shown = with(world.alice(), |shown| (shown.path, shown.method) = ("/register/x", Method::PUT));
        assert_eq!(world.code(&shown), Some(expected));
    };

    check(|route| route.roles = vec!["PSP_AI"], "role_missing");
    check(|route| route.scopes = "nothing".into(), "scope_insufficient");
    check(|route| route.consent = true, "consent_missing");
    check(|_| {}, "client_mismatch");
}

#[test]
fn client_is_the_one_of_that_name_and_has_one() {
    let route = Route { path: Template::parse("/register/{*rest}").unwrap(), ..routes().swap_remove(0) };
    let admit = |path: &str, client| {
        route.admit_client(RequestPath::parse(path.as_bytes()).unwrap(), Some(client)).map_err(|denial| denial.code())
    };
    assert!(admit("/register/alice", "alice").is_ok());
    assert_eq!(admit("/register/Alice", "alice").err(), Some("client_mismatch"));
    assert_eq!(admit("/register/", "").err(), Some("client_mismatch"));
}

#[test]
fn permit_about_a_registration_takes_the_proof_that_it_is_the_clients_own() {
    let kind = Kind::Registration { managing: Demands::default() };
    let path = Template::parse("/register/{ClientId}").unwrap();
    let route = Route { kind, path, ..routes().swap_remove(0) };
    let client = RequestPath::parse(b"/register/alice").unwrap();
    let mut found = Findings { peer: Some(Err("a stranger")), ..Findings::default() };
    found.authorized = route.authorize(None, None).ok();

    assert_eq!(Permit::grant(&route, &Method::GET, &found).unwrap_err().code(), "client_mismatch");
    found.own_registration = route.admit_client(client, Some("alice")).ok();
    assert!(Permit::grant(&route, &Method::GET, &found).is_ok());

    for method in [Method::POST, Method::PUT, Method::PATCH] {
        let denial = Permit::grant(&route, &method, &found).unwrap_err();
        assert_eq!(denial.code(), "registration_invalid", "{method}: nobody has verified it");
    }
    let consenting = Route { consent: true, ..route };
    assert_eq!(Permit::grant(&consenting, &Method::GET, &found).unwrap_err().code(), "consent_unavailable");
}

/// A world in which a client manages its registration at `path` with a token alone.
fn managed(path: &str) -> World {
    let mut world = world();
    let kind = Kind::Registration { managing: Demands { token: true, ..Demands::default() } };
    let path = Template::parse(path).unwrap();
    world.gate.routes = Routes::new(vec![Route { kind, path, methods: Vec::new(), ..routes().swap_remove(0) }]);
    world
}

#[test]
fn registration_is_its_clients_and_not_its_users() {
    let every = [Method::GET, Method::DELETE, Method::PUT, Method::POST];
    // Nothing says whether POST registers under `{*rest}`.
    for (path, methods) in [("/register/{ClientId}", &every[..]), ("/register/{*rest}", &every[..3])] {
        let world = managed(path);
        assert_eq!(world.code(&with(world.alice(), |shown| shown.path = "/register/tpp")), None);
        for method in methods {
            let shown = with(world.alice(), |shown| {
                (shown.path, shown.method) = ("/register/alice", method.clone());
            });
            assert_eq!(world.code(&shown), Some("client_mismatch"), "{method} {path}");
        }
    }
}

#[test]
fn body_is_verified_by_whatever_method_a_registration_may_be_changed() {
    let world = managed("/register/{ClientId}");
    for (method, is_read) in [
        (Method::GET, false),
        (Method::HEAD, false),
        (Method::DELETE, false),
        (Method::OPTIONS, false),
        (Method::POST, true),
        (Method::PUT, true),
        (Method::PATCH, true),
    ] {
        let shown = with(world.alice(), |shown| (shown.path, shown.method) = ("/register/tpp", method));
        let verdict = world.judge(&shown, &[]).verdict;
        assert_eq!(matches!(verdict, Verdict::Ask(Question::Body)), is_read, "{}: {verdict:?}", shown.method);
    }
}

#[test]
fn certificate_is_judged_before_the_body_where_its_subject_counts() {
    let mut world = world();
    world.gate.registration.as_mut().unwrap().subject = SubjectRule::Obie;
    let shown = with(world.alice(), |shown| {
        (shown.path, shown.method, shown.certificate) = ("/register", Method::POST, None);
    });
    assert_eq!(world.code(&shown), Some("certificate_missing"));
}
