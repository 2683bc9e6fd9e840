#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use serde_json::{Value, json};

use super::*;
use crate::token::mint::access_token;

fn route(path: &str, methods: &[Method]) -> Route {
    Route { methods: methods.to_vec(), ..Route::new(Template::parse(path).unwrap(), Demands::default()) }
}

fn routes() -> Routes {
    Routes::new(vec![
        route("/accounts", &[Method::GET]),
        route("/accounts", &[Method::POST, Method::GET]),
        route("/accounts/{Id}", &[Method::GET, Method::HEAD]),
        route("/accounts/{*rest}", &[Method::DELETE]),
        route("/open", &[]),
    ])
}

/// The place of the route, or the code with the methods allowed.
fn find(method: &str, path: &str) -> Result<usize, (&'static str, String)> {
    let (routes, method) = (routes(), Method::from_bytes(method.as_bytes()).unwrap());
    let found = routes.find(RequestPath::parse(path.as_bytes()).unwrap(), &method);
    found.map(|(place, _)| place).map_err(|denial| {
        let allow = match &denial {
            Denial::MethodNotAllowed { allow } => allow.to_string(),
            _ => String::new(),
        };
        (denial.code(), allow)
    })
}

#[test]
fn first_route_that_fits_path_and_method_is_taken() {
    for (method, path, place) in [
        ("GET", "/accounts", 0),
        ("POST", "/accounts", 1),
        ("GET", "/accounts/1", 2),
        ("HEAD", "/accounts/1", 2),
        ("DELETE", "/accounts/1", 3),
        ("DELETE", "/accounts/", 3),
        ("GET", "/open", 4),
        ("HEAD", "/open", 4),
        ("PURGE", "/open", 4),
    ] {
        assert_eq!(find(method, path), Ok(place), "{method} {path}");
    }
}

#[test]
fn path_that_fits_no_route_is_unknown() {
    for path in ["/", "/account", "/Accounts", "/open/", "/open/1"] {
        assert_eq!(find("GET", path), Err(("route_unknown", String::new())), "{path}");
    }
}

#[test]
fn method_that_no_fitting_route_takes_is_refused_with_all_that_would_do() {
    for (method, path, allow) in [
        ("PUT", "/accounts", "GET, POST"),
        ("HEAD", "/accounts", "GET, POST"),
        ("get", "/accounts", "GET, POST"),
        ("PUT", "/accounts/1", "DELETE, GET, HEAD"),
        ("GET", "/accounts/1/2", "DELETE"),
        ("TRACE", "/accounts", "GET, POST"),
        ("TRACE", "/open", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("CONNECT", "/open", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("TRACE", "/unknown", ""),
        ("trace", "/accounts", "GET, POST"),
        ("Connect", "/unknown", ""),
    ] {
        assert_eq!(find(method, path), Err(("method_not_allowed", allow.to_owned())), "{method} {path}");
    }
}

#[test]
fn literal_written_otherwise_is_ambiguous_where_the_route_would_come_first() {
    let routes = Routes::new(vec![
        route("/first/{Name}", &[]),
        route("/first/a:b", &[]),
        route("/a:b/{Name}", &[Method::GET]),
        route("/%21/x", &[]),
        route("/{Name}/x", &[]),
        route("/{Name}/y", &[]),
    ]);
    for (method, path, expected) in [
        ("GET", "/first/a%3Ab", Ok(0)),
        ("GET", "/a:b/x", Ok(2)),
        ("GET", "/a%3Ab/x", Err("path_ambiguous")),
        ("PUT", "/a%3ab/x", Ok(4)),
        ("GET", "/a%3Ab/y", Err("path_ambiguous")),
        ("PUT", "/a%3Ab/z", Err("route_unknown")),
        ("GET", "/a%3Ab/z", Err("path_ambiguous")),
        ("GET", "/%21/x", Ok(3)),
        ("GET", "/!/x", Err("path_ambiguous")),
        ("GET", "/%40/x", Ok(4)),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let found = routes.find(RequestPath::parse(path.as_bytes()).unwrap(), &method);
        assert_eq!(found.map(|(place, _)| place).map_err(|denial| denial.code()), expected, "{method} {path}");
    }
}

fn authorize(scopes: &str, grant: GrantRule, claims: &Value) -> Result<(), &'static str> {
    let route = Route { scopes: scopes.into(), grant, ..route("/", &[]) };
    route.authorize(None, Some(&access_token(claims))).map(|_| ()).map_err(|denial| denial.code())
}

#[test]
fn token_needs_every_scope_of_the_route_word_for_word() {
    for (scopes, claims, expected) in [
        ("", json!({}), true),
        ("", json!({"scope": "accounts"}), true),
        ("accounts", json!({"scope": "openid accounts"}), true),
        ("accounts payments", json!({"scope": "payments accounts"}), true),
        ("accounts payments", json!({"scope": "accounts"}), false),
        ("accounts", json!({}), false),
        ("accounts", json!({"scope": ""}), false),
        ("accounts", json!({"scope": "accounts2 xaccounts Accounts"}), false),
        ("accounts", json!({"scp": ["accounts"]}), true),
    ] {
        let expected = if expected { Ok(()) } else { Err("scope_insufficient") };
        assert_eq!(authorize(scopes, GrantRule::Any, &claims), expected, "{scopes} {claims}");
    }
}

#[test]
fn route_for_one_grant_takes_no_token_that_does_not_say_which_it_is() {
    let application = json!({"sub": "tpp"});
    let user = json!({"sub": "alice"});
    let unsaid = json!({"client_id": null});
    for (grant, taken) in [(Grant::Application, &application), (Grant::User, &user)] {
        for claims in [&application, &user, &unsaid] {
            let expected = if claims == taken { Ok(()) } else { Err("grant_wrong") };
            assert_eq!(authorize("", GrantRule::Only(grant), claims), expected, "{grant:?} {claims}");
        }
    }
    for claims in [&application, &user, &unsaid] {
        assert_eq!(authorize("", GrantRule::Any, claims), Ok(()));
    }
}

#[test]
fn scope_answers_before_grant() {
    assert_eq!(
        authorize("payments", GrantRule::Only(Grant::Application), &json!({"sub": "alice"})),
        Err("scope_insufficient")
    );
}
