//! `[registration]` and routes that take registrations.

use super::*;
use crate::{
    config::settings::KeyPlace,
    registration::SubjectRule,
    route::{Demands, Kind},
    token::Algorithm,
};

const DIRECTORY: &str = "directory_jwks = \"https://keystore.directory.example/keys\"";
const HOSTS: &str = "allowed_jwks_hosts = [\"keystore.directory.example\"]";

/// A file with a route for registrations, and these lines in `[registration]`.
fn registering(route: &str, lines: &[&str]) -> String {
    let route =
        route.lines().fold(with(&[("route", "kind = \"registration\"")]), |toml, line| put(&toml, "route", line));
    lines.iter().fold(route, |toml, line| put(&toml, "registration", line))
}

fn fault(toml: &str) -> String {
    let faults = Folder::new().faults(toml);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults.into_iter().next().unwrap()
}

fn demands(toml: &str) -> (Demands, Kind) {
    let settings = Folder::new().settings(toml);
    let route = settings.gate.routes.iter().next().unwrap();
    assert_eq!(route.errors, Some(crate::dialect::Dialect::OAuth));
    (route.demands, route.kind)
}

#[test]
fn defaults_are_those_of_the_directory_and_the_issuers() {
    let settings = Folder::new().settings(&registering("path = \"/register/{ClientId}\"", &[DIRECTORY, HOSTS]));

    let rules = settings.gate.registration.unwrap();
    assert_eq!(rules.directory_issuer, "OpenBanking Ltd");
    assert_eq!(rules.audiences, ["https://as.bank.example"]);
    assert_eq!(rules.allowed_hosts, ["keystore.directory.example"]);
    assert_eq!(rules.subject, SubjectRule::Obie);
    assert_eq!(rules.algorithms, [Algorithm::PS256, Algorithm::ES256]);
    assert_eq!(rules.clock_skew, 30);
    let source = settings.registration.unwrap();
    let address = "https://keystore.directory.example/keys".parse().unwrap();
    assert_eq!(source.directory, KeyPlace::Address(address));
    assert_eq!(source.allowed_hosts, rules.allowed_hosts);
    assert!(source.authorities.is_none());
}

#[test]
fn what_is_written_counts() {
    let folder = Folder::new();
    folder.write("ca.pem", authority().pem());
    let lines = [
        DIRECTORY,
        "allowed_jwks_hosts = [\"KeyStore.Directory.Example.\", \"10.0.0.7\", \"[2001:DB8:0::1]\", \"0::1\", \"localhost\"]",
        "directory_issuer = \"Other Directory\"",
        "audiences = [\"https://a.example\", \"b\"]",
        "subject_rule = \"organization_identifier\"",
        "ca_file = \"ca.pem\"",
    ];

    let settings = folder.settings(&registering("path = \"/register/{ClientId}\"", &lines));

    let rules = settings.gate.registration.unwrap();
    assert_eq!(rules.directory_issuer, "Other Directory");
    assert_eq!(rules.audiences, ["https://a.example", "b"]);
    assert_eq!(rules.allowed_hosts, ["keystore.directory.example", "10.0.0.7", "2001:db8::1", "::1", "localhost"]);
    assert_eq!(rules.subject, SubjectRule::OrganizationIdentifier);
    assert_eq!(settings.registration.unwrap().authorities.unwrap().len(), 1);
}

#[test]
fn post_demands_a_certificate_and_other_methods_the_clients_own_token_too() {
    let (certificate, all) = (
        Demands { certificate: true, ..Demands::default() },
        Demands { certificate: true, token: true, binding: true },
    );
    for (require, post, managing) in [
        ("", certificate, all),
        ("\nrequire = [\"certificate\"]", certificate, Demands { binding: false, ..all }),
        ("\nrequire = []", Demands::default(), Demands { token: true, ..Demands::default() }),
        ("\nrequire = [\"binding\"]", all, all),
    ] {
        let toml = registering(&format!("path = \"/register/{{ClientId}}\"{require}"), &[DIRECTORY, HOSTS]);
        assert_eq!(demands(&toml), (post, Kind::Registration { managing }), "{require}");
    }
}

#[test]
fn whoever_registers_is_held_to_nothing_of_a_token_unless_one_is_demanded() {
    for (line, asked) in [("scopes = [\"openid\"]", "scopes are"), ("grant = \"user\"", "the grant is")] {
        let toml = |route: &str| registering(&format!("path = \"/register{route}\n{line}"), &[DIRECTORY, HOSTS]);
        let warnings = |route: &str| {
            let mut warnings = Folder::new().warnings(&toml(route));
            warnings.retain(|warning| warning.contains(asked));
            warnings
        };

        let none = format!("{asked} the token's, and this route demands none; add \"token\" to require");
        assert!(fault(&toml("\"\nmethods = [\"POST\"]")).contains(&none));
        for mixed in ["\"", "/{*rest}\"\nmethods = [\"PUT\", \"POST\"]"] {
            let warnings = warnings(mixed);
            assert!(matches!(&*warnings, [one] if one.contains("POST registers without one")), "{mixed}: {warnings:?}");
        }
        for held in ["\"\nrequire = [\"token\"]", "/{*rest}\"\nmethods = [\"PUT\"]", "/{ClientId}\""] {
            assert_eq!(warnings(held), [""; 0], "{held}");
        }
    }
}

#[test]
fn directory_is_demanded_where_a_route_takes_registrations() {
    let route = "path = \"/register/{ClientId}\"";
    let missing = "registration.directory_jwks: is missing, and a route takes registrations; write directory_jwks";
    assert!(fault(&registering(route, &[])).starts_with(&format!("proxy.toml:1:1: {missing}")));
    let number = fault(&registering(route, &["directory_jwks = 1", HOSTS]));
    assert!(number.contains("registration.directory_jwks: integer stands where a string belongs"), "{number}");
    let toml = registering(route, &[HOSTS]);
    let line = toml.lines().position(|line| line == "[registration]").unwrap() + 1;
    let faults = fault(&toml);
    assert!(faults.starts_with(&format!("proxy.toml:{line}:")) && faults.contains(missing), "{faults}");

    let folder = Folder::new();
    folder.write("empty.jwks", r#"{"keys":[]}"#);
    folder.write("useless.jwks", r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#);
    let useless = "holds no key that can be used";
    for (file, expected) in [("nowhere.jwks", "cannot be read"), ("empty.jwks", useless), ("useless.jwks", useless)] {
        let faults = folder.faults(&registering(route, &[&format!("directory_jwks = \"{file}\""), HOSTS]));
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].contains("registration.directory_jwks: ") && faults[0].contains(expected), "{}", faults[0]);
    }
}

#[test]
fn host_is_a_host_and_nothing_more() {
    for host in ["https://a.example", "a.example:8443", "a.example/jwks", "*.example", "user@a.example", ""] {
        let written = format!("allowed_jwks_hosts = [{host:?}]");
        let faults = fault(&registering("path = \"/register/{ClientId}\"", &[DIRECTORY, &written]));
        assert!(faults.contains(&format!("registration.allowed_jwks_hosts: `{host}` is not a host name")), "{faults}");
    }
}

#[test]
fn what_would_refuse_every_registration_is_a_fault_or_a_warning() {
    let warns = |toml: &str, expected: &str| {
        let warnings = Folder::new().warnings(toml);
        assert!(warnings.iter().any(|warning| warning.contains(expected)), "{warnings:#?}");
    };
    let post = "path = \"/register\"\nmethods = [\"POST\"]";
    warns(&registering(post, &[DIRECTORY]), "registration.allowed_jwks_hosts: the keys of no software");
    warns(
        &registering("path = \"/register\"", &[DIRECTORY, HOSTS]),
        "route.path: the path has no place for the client",
    );
    warns(&with(&[("registration", DIRECTORY)]), "registration.directory_jwks: no route takes registrations");
    let plain = "directory_jwks = \"http://keystore.directory.example/keys\"";
    warns(&registering(post, &[plain, HOSTS]), "registration.directory_jwks: whoever is on the way");
    let second = "\n[[token.issuer]]\nissuer = \"https://other.example\"\naudiences = [\"https://api.example\"]\n";
    let managing = registering("path = \"/register/{ClientId}\"", &[DIRECTORY, HOSTS]);
    warns(&(managing.clone() + second), "route.path: a client is known by its client_id alone");
    assert_eq!(Folder::new().warnings(&managing), [""; 0]);
    let quiet = Folder::new().warnings(&registering(post, &[DIRECTORY, HOSTS]));
    assert_eq!(quiet, [""; 0]);

    let nobody = registering(post, &[DIRECTORY, HOSTS]);
    let nobody = nobody.replace(
        "[[token.issuer]]\nissuer = \"https://as.bank.example\"\naudiences = [\"https://api.bank.example\"]\n",
        "",
    );
    assert!(fault(&nobody).contains("registration.audiences: no request could name us as its audience"));
    Folder::new().settings(&put(&nobody, "registration", "audiences = [\"https://as.bank.example\"]"));
    let managing = put(&nobody, "registration", "audiences = [\"https://as.bank.example\"]");
    let managing = put(&put(&managing, "route", "methods = [\"DELETE\"]"), "route", "path = \"/register/{ClientId}\"");
    assert!(fault(&managing).contains("token.issuer: a route demands a token"));
}
