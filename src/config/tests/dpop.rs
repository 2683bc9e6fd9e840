//! Proofs of possession: what is understood, what is refused, what is warned of.

use super::*;
use crate::{
    gate::PublicOrigin,
    token::{Algorithm, mint::at},
};

const BOTH: (&str, &str) = ("token", "binding = [\"x5t#S256\", \"jkt\"]");
const ORIGIN: (&str, &str) = ("listen", "public_origin = \"https://api.bank.example\"");
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn warned(changes: &[(&str, &str)], expected: &[&str]) {
    let folder = Folder::new();
    folder.write("secret", SECRET);
    let warnings = folder.warnings(&with(changes));
    assert_eq!(warnings.len(), expected.len(), "{warnings:#?}");
    for (warning, expected) in warnings.iter().zip(expected) {
        assert!(warning.contains(expected), "{warning}");
    }
}

#[test]
fn proofs_are_demanded_where_a_token_may_be_bound_to_a_key() {
    let binding = accept("token", "binding = [\"jkt\", \"x5t#S256\"]\nclock_skew = \"10s\"").gate.binding;
    let rules = binding.proof.unwrap();
    assert!(binding.certificate);
    assert_eq!(rules.algorithms, [Algorithm::ES256, Algorithm::PS256, Algorithm::EdDSA]);
    assert_eq!((rules.max_age, rules.clock_skew, rules.nonces.is_some()), (60, 10, false));
    assert!(!accept("token", "binding = [\"jkt\"]").gate.binding.certificate);
    assert!(accept("token", "binding = [\"x5t#S256\"]").gate.binding.proof.is_none());
}

#[test]
fn challenge_names_the_algorithms_where_proofs_are_demanded() {
    let algorithms = |changes: &[(&str, &str)]| Folder::new().settings(&with(changes)).errors.proof_algorithms;
    assert_eq!(algorithms(&[]), None);
    assert_eq!(algorithms(&[BOTH]).as_deref(), Some("ES256 PS256 EdDSA"));
    assert_eq!(algorithms(&[BOTH, ("token.dpop", "algorithms = [\"ES384\"]")]).as_deref(), Some("ES384"));
}

#[test]
fn rule_of_proofs_with_a_wrong_value_says_what_is_wrong() {
    check("token", "binding = [\"dpop\"]", "token.binding: `dpop` is none of x5t#S256, jkt");
    check("token", "binding = [\"x5t\"]", "token.binding: `x5t` is none of x5t#S256, jkt; the nearest is `x5t#S256`");
    let faults = Folder::new().faults(&with(&[("token", "algorithms = [\"es256\"]")]));
    assert!(faults.len() == 1 && faults[0].contains("the nearest is `ES256`"), "{faults:#?}");
    check("token", "binding = []", "token.binding: no binding could be proven");
    check("token.dpop", "algorithms = [\"HS256\"]", "token.dpop.algorithms: `HS256` needs a secret");
    check("token.dpop", "algorithms = []", "token.dpop.algorithms: no proof could be accepted");
    check("token.dpop", "max_age = \"0s\"", "token.dpop.max_age: zero is no time at all");
    check("token.dpop", "nonces = true", "token.dpop.nonces: unknown key; the nearest known key is `nonce`");
    check("token.dpop", "nonce_secret_file = \"nowhere\"", "token.dpop.nonce_secret_file: `");
    let folder = Folder::new();
    folder.write("secret", &SECRET[1..]);
    let faults = folder.faults(&with(&[BOTH, ("token.dpop", "nonce = true\nnonce_secret_file = \"secret\"")]));
    let expected = "token.dpop.nonce_secret_file: this secret is shorter than 32 bytes";
    assert!(faults.len() == 1 && faults[0].contains(expected), "{faults:#?}");
}

#[test]
fn rule_of_proofs_that_has_no_effect_or_a_risk_is_warned_of() {
    warned(
        &[BOTH, ("revocation", "methods = [\"ocsp\"]")],
        &["listen.public_origin: a proof that was made for another"],
    );
    warned(&[ORIGIN, BOTH], &[]);
    warned(&[("token.dpop", "nonce = true")], &["token.dpop: proofs are not looked at"]);
    warned(&[("token.dpop", "nonce = false")], &[]);
    warned(&[ORIGIN, BOTH, ("token.dpop", "max_age = \"6m\"")], &["token.dpop.max_age: a proof that leaks"]);
    let unused = ["token.dpop.nonce_secret_file: no nonce is demanded"];
    warned(&[ORIGIN, BOTH, ("token.dpop", "nonce_secret_file = \"secret\"")], &unused);
}

#[test]
fn nonces_are_shared_by_those_who_share_the_secret_and_by_nobody_else() {
    let folder = Folder::new();
    folder.write("secret", format!("{SECRET}\n"));
    folder.write("same", format!("  {SECRET}"));
    let nonce = |lines: &str| {
        let rules = folder.settings(&with(&[BOTH, ("token.dpop", lines)])).gate.binding.proof.unwrap();
        rules.nonces.unwrap().current(at(0))
    };
    let shared = nonce("nonce = true\nnonce_secret_file = \"secret\"");
    assert_eq!(shared, nonce("nonce = true\nnonce_secret_file = \"same\""));
    assert_ne!(nonce("nonce = true"), shared);
    assert_eq!(nonce("nonce = true"), nonce("nonce = true"), "a reload does not end the nonces that are out");
}

#[test]
fn age_of_a_proof_is_rounded_up_to_seconds() {
    let settings = Folder::new().settings(&with(&[BOTH, ("token.dpop", "max_age = \"500ms\"")]));
    assert_eq!(settings.gate.binding.proof.unwrap().max_age, 1);
}

#[test]
fn binding_implies_the_certificate_unless_a_token_may_be_bound_to_a_key() {
    let check = |binding: &str, require: &str, expected: (bool, bool, bool)| {
        let binding = format!("binding = [{binding}]");
        let route = format!("path = \"/a\"\n{require}");
        let toml = with(&[("token", binding.as_str()), ("route", route.as_str())]);
        let routes = Folder::new().settings(&toml).gate.routes;
        let demands = routes.iter().next().unwrap().demands;
        assert_eq!((demands.certificate, demands.token, demands.binding), expected, "{binding} {route}");
    };
    check("\"jkt\"", "require = [\"binding\"]", (false, true, true));
    check("\"jkt\", \"x5t#S256\"", "require = [\"binding\"]", (false, true, true));
    check("\"jkt\"", "require = [\"binding\", \"certificate\"]", (true, true, true));
    check("\"jkt\"", "", (true, true, true));
    check("\"x5t#S256\"", "require = [\"binding\"]", (true, true, true));
}

#[test]
fn public_origin_is_scheme_and_authority() {
    let fixed = |settings: Settings| match settings.gate.origin {
        PublicOrigin::Fixed(origin) => Some(origin),
        PublicOrigin::Forwarded => None,
    };
    let origin = fixed(accept("listen", "public_origin = \"https://api.bank.example:8443\""));
    assert_eq!(origin.as_deref(), Some("https://api.bank.example:8443"));
    assert_eq!(fixed(accept("listen", "public_origin = \"\"")), None);
    for wrong in ["https://api.bank.example/", "https://api.bank.example/v3", "https://api.bank.example?a"] {
        let line = format!("public_origin = \"{wrong}\"");
        check("listen", &line, "listen.public_origin: an origin has no path; write it as https://api.bank.example");
    }
    check("listen", "public_origin = \"api.bank.example\"", "listen.public_origin: `api.bank.example` is");
    check("listen", "public_origin = \"https://a@b\"", "listen.public_origin: the address carries credentials");
}
