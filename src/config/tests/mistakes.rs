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

#[test]
fn key_of_the_file_that_stands_in_a_table_is_told_its_place() {
    let first = "mode: unknown key; `mode` is in no table: write it before the first [table]";
    check("backend", "mode = \"report\"", &format!("backend.{first}"));
    check("token.issuer", "mode = \"report\"", &format!("token.issuer.{first}"));
    check("listen", "audit = {}", "listen.audit: unknown key; `audit` is a table of its own: write it as [audit]");
    check("backend", "route = []", "backend.route: unknown key; `route` is a table of its own: write it as [[route]]");
    check("backend", "moda = 1", "backend.moda: unknown key; the nearest known key is");
}

#[test]
fn value_in_quotation_marks_is_told_to_do_without() {
    let bare = "without quotation marks";
    check(
        "listen",
        "plaintext = \"true\"",
        &format!("listen.plaintext: string stands where true or false belongs; write it as true, {bare}"),
    );
    check(
        "listen",
        "threads = \"4\"",
        &format!("listen.threads: string stands where a whole number belongs; write it as 4, {bare}"),
    );
    check(
        "listen",
        "http2 = \"yes\"",
        "listen.http2: string stands where true or false belongs; write it as true or false",
    );
    check("listen", "http2 = 1", "listen.http2: integer stands where true or false belongs; write it as true or false");
}

#[test]
fn what_stands_twice_is_told_the_first_place() {
    let faults = |more: &str| Folder::new().faults(&format!("{SMALLEST}{more}"));
    assert_eq!(
        faults("[listen]\nhttp2 = true\n"),
        ["proxy.toml:13:2: `[listen]` stands in line 1 already; write it once"]
    );
    assert_eq!(faults("address = \"a\"\n"), ["proxy.toml:13:1: `address` stands in line 12 already; write it once"]);
    let inline = faults("[errors]\nstatus = { role_missing = 401, role_missing = 403 }\n");
    assert_eq!(inline, ["proxy.toml:14:32: duplicate key; see https://toml.io for the form"]);
}

#[test]
fn variable_is_told_to_be_none() {
    let told = "variables are not replaced: ";
    check(
        "listen",
        "address = \"${HOST}:8443\"",
        &format!("listen.address: `${{HOST}}:8443` is not an address; {told}write"),
    );
    let header = "client_certificate.header: `$ssl_client_escaped_cert` is not a header name";
    let remedy = format!("{header}; {told}write it as X-SSL-Client-Cert");
    check("client_certificate", "header = \"$ssl_client_escaped_cert\"", &remedy);
    let folder = Folder::new();
    let faults = folder.faults(&with(&[("token.issuer", "jwks = \"${JWKS_URL}\"")]));
    assert!(faults.concat().contains("`${JWKS_URL}` cannot be read: No such file"), "{faults:#?}");
    assert!(faults.concat().contains(&format!("{told}name a file with a JWK set; an address begins")), "{faults:#?}");
}

#[test]
fn address_without_a_scheme_is_told_of_it() {
    let collector = "tracing.otlp_endpoint: `127.0.0.1:4317` has no scheme; write it as http://127.0.0.1:4317";
    check("tracing", "otlp_endpoint = \"127.0.0.1:4317\"", collector);
    let issuer =
        "token.issuer.issuer: `as.bank.example` is neither https:// nor http://; write it as https://as.bank.example";
    check("token.issuer", "issuer = \"as.bank.example\"", issuer);
    let faults = Folder::new().faults(&with(&[("token.issuer", "jwks = \"as.bank.example/jwks\"")]));
    let expected = "; name a file with a JWK set; an address begins with https://";
    assert!(faults.len() == 1 && faults[0].ends_with(expected), "{faults:#?}");
}

#[test]
fn key_set_that_is_none_is_named_with_what_it_seems_to_be() {
    let folder = Folder::new();
    let check = |content: &[u8], expected: &str| {
        folder.write("as.jwks", content);
        let faults = folder.faults(&with(&[("token.issuer", "jwks = \"as.jwks\"")]));
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].contains(&format!("`as.jwks` is {expected}; give a JWK set")), "{}", faults[0]);
    };
    check(b"", "empty");
    check(b"\xef\xbb\xbf \n", "empty");
    check(b"<!DOCTYPE html><title>Sign in</title>", "a page in HTML or XML");
    check(authority().pem().as_bytes(), "PEM");
    check(b"keys", "not one JSON object with each member once");
    check(b"{}", "not a JWK set: no list `keys`");
}

#[test]
fn key_with_a_passphrase_is_told_to_be_encrypted() {
    let folder = Folder::new();
    folder.write("tls.crt", authority().pem());
    let key = "listen.private_key_file: this key is encrypted; write it without its passphrase";
    for pem in [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMAA=\n-----END RSA PRIVATE KEY-----\n",
    ] {
        folder.write("tls.key", pem);
        let files = "certificate_file = \"tls.crt\"\nprivate_key_file = \"tls.key\"";
        let faults = folder.faults(&with(&[("listen", files), ("listen", "plaintext = false")]));
        assert!(faults.len() == 1 && faults[0].contains(key), "{faults:#?}");
    }
}

#[test]
fn audience_that_looks_like_every_one_is_told_of() {
    let toml = SMALLEST.replace("[\"https://api.bank.example\"]", "[\"*\"]");
    let told = Folder::new().warnings(&toml);
    assert!(told.iter().any(|warning| warning.contains("token.issuer.audiences: `*` is an audience like")), "{told:?}");
}
