//! What operators mean and write otherwise: they are told what it means here, and how to write it.

use super::*;

#[test]
fn path_in_the_form_of_others_is_literal_and_warned_of() {
    let check = |path: &str, segment: &str, remedy: &str| {
        let warnings = Folder::new().warnings(&with(&[("route", &format!("path = \"{path}\""))]));
        assert_eq!(warnings.len(), 1, "{path}: {warnings:#?}");
        let expected = format!(": route.path: `{segment}` is literal here, and fits nothing but itself; {remedy}");
        assert!(warnings[0].ends_with(&expected), "{path}: {}", warnings[0]);
    };
    let either = "write {Id} for one segment, or {*rest} for all that is left";
    check("/accounts/*", "*", either);
    check("/accounts/**", "**", either);
    check("/payments/{id}/*", "*", either);
    check("/accounts/.*", ".*", either);
    check("/accounts/(.+)", "(.+)", either);
    check("/accounts/:id", ":id", "write {id} for one segment");
    check("/accounts/:id(d)", ":id(d)", "write {Id} for one segment");
    for path in ["/{*rest}", "/accounts/{id}/{*rest}", "/v1/accounts/1:close", "/odata/Accounts('1')/$value", "/a.b+c"]
    {
        assert!(Folder::new().warnings(&with(&[("route", &format!("path = \"{path}\""))])).is_empty(), "{path}");
    }
}

#[test]
fn regular_expression_is_refused_as_one() {
    let told =
        |path: &str, what: &str| check("route", &format!("path = '{path}'"), &format!("route.path: `{path}` {what}"));
    let expression =
        "has a regular expression, and none is read; write it as /accounts/{AccountId}, or as /accounts/{*rest}";
    for path in ["^/accounts/.*$", "^/accounts$", "~ ^/accounts", "/accounts/{id:.*}"] {
        told(path, expression);
    }
    told("*", "does not begin with `/`; write it as /{*rest} for all paths");
    told("accounts", "does not begin with `/`; write it as `/accounts`");
}
