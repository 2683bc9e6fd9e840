//! Tokens that are bound to keys: what is held to what, and what answers first.

use super::*;
use crate::token::{ProofRules, SingleUse, mint::Mint};

const ADDRESS: &str = "https://api.bank.example/accounts/1";

/// Certificates and keys count.
pub(super) fn by_both() -> BindingRules {
    let rules = ProofRules { algorithms: vec![Algorithm::ES256], max_age: 60, clock_skew: 30, nonces: None };
    BindingRules { certificate: true, proof: Some(rules) }
}

/// A world in which these confirmations count, with a key of Alice's and a route that demands the binding alone.
struct Keyed {
    world: World,
    key: Mint,
}

impl Keyed {
    fn new(certificate: bool) -> Self {
        let mut world = World::new();
        world.gate.binding = BindingRules { certificate, ..by_both() };
        let demands = Demands { certificate: false, token: true, binding: true };
        let bound = Route { demands, ..routes().pop().unwrap() };
        world.gate.routes = Routes::new(vec![bound, routes().remove(1)]);
        Self { world, key: Mint::new(Algorithm::ES256, "alice") }
    }

    /// A token with these confirmations.
    fn token(&self, cnf: &Value) -> String {
        self.world.mint.token(&mint::claims(&json!({"cnf": cnf})))
    }

    fn jkt(&self) -> Value {
        json!({"jkt": self.key.thumbprint()})
    }

    fn both(&self) -> Value {
        json!({"jkt": self.key.thumbprint(), "x5t#S256": Thumbprint::of(&self.world.alice).to_string()})
    }

    /// Alice with a token of these confirmations and a proof by `key`, without a certificate.
    fn proving(&self, cnf: &Value, key: &Mint) -> Shown {
        let token = self.token(cnf);
        let proof = Some(key.proof(ADDRESS, &token));
        Shown { certificate: None, token: Some(token), proof, ..self.world.alice() }
    }

    /// The code when every use is the first.
    fn code(&self, shown: &Shown) -> Option<&'static str> {
        self.answered(shown, Use::First)
    }

    fn answered(&self, shown: &Shown, used: Use) -> Option<&'static str> {
        let verdict = match self.world.judge(shown, &[]).verdict {
            Verdict::Ask(Question::Use(what)) => self.world.judge(shown, &[Answer::Use(what, used)]).verdict,
            verdict => verdict,
        };
        match verdict {
            Verdict::Permit(_) => None,
            Verdict::Deny(denial) => Some(denial.code()),
            Verdict::Ask(question) => panic!("asked {question:?}"),
        }
    }
}

#[test]
fn token_of_a_key_with_its_proof_is_permitted_without_a_certificate() {
    let keyed = Keyed::new(true);
    let shown = keyed.proving(&keyed.jkt(), &keyed.key);
    assert_eq!(keyed.code(&shown), None);
    let Judgement { verdict, findings } = keyed.world.judge(&shown, &[]);
    assert!(matches!(verdict, Verdict::Ask(Question::Use(_))), "{verdict:?}");
    assert!(findings.proof.is_some() && findings.binding.is_some() && findings.certificate.is_none());

    let route = Arc::clone(&findings.route.as_ref().unwrap().1);
    let unused = Findings { authorized: route.authorize(None, findings.token.as_ref()).ok(), ..findings };
    let granted = Permit::grant(&route, &http::Method::GET, &unused);
    assert_eq!(granted.unwrap_err().code(), "proof_replayed");
}

#[test]
fn token_of_a_key_is_held_to_it_where_the_route_asks_for_the_token_alone() {
    let keyed = Keyed::new(true);
    let mallory = Mint::new(Algorithm::ES256, "mallory");
    for path in ["/accounts/1", "/token-only"] {
        let at = |shown: Shown| with(shown, |shown| shown.path = path);
        let bare = at(with(keyed.proving(&keyed.jkt(), &keyed.key), |shown| shown.proof = None));
        assert_eq!(keyed.code(&bare), Some("proof_missing"), "{path}");
        let empty = at(with(keyed.proving(&keyed.jkt(), &keyed.key), |shown| shown.proof = Some(String::new())));
        assert_eq!(keyed.code(&empty), Some("proof_invalid"), "{path}");
        let mut stolen = at(keyed.proving(&keyed.jkt(), &keyed.key));
        stolen.proof = Some(mallory.proof(&format!("https://api.bank.example{path}"), stolen.token.as_ref().unwrap()));
        assert_eq!(keyed.code(&stolen), Some("proof_invalid"), "{path}");
    }
}

#[test]
fn proof_is_taken_once_and_never_where_that_cannot_be_found_out() {
    let keyed = Keyed::new(true);
    let shown = keyed.proving(&keyed.jkt(), &keyed.key);
    assert_eq!(keyed.answered(&shown, Use::First), None);
    assert_eq!(keyed.answered(&shown, Use::Again), Some("proof_replayed"));
    assert_eq!(keyed.answered(&shown, Use::Unknown), Some("proof_invalid"));
    assert_eq!(keyed.answered(&shown, Use::NoRoom), Some("overloaded"));
}

#[test]
fn token_with_both_confirmations_needs_both() {
    for certificate in [true, false] {
        let keyed = Keyed::new(certificate);
        let mallory = Mint::new(Algorithm::ES256, "mallory");
        let showing = |key: &Mint, der: &[u8]| {
            with(keyed.proving(&keyed.both(), key), |shown| shown.certificate = Some(header_value(der)))
        };
        assert_eq!(keyed.code(&showing(&keyed.key, &keyed.world.alice)), None);
        assert_eq!(keyed.code(&showing(&mallory, &keyed.world.alice)), Some("proof_invalid"));
        assert_eq!(keyed.code(&showing(&keyed.key, &keyed.world.mallory)), Some("binding_mismatch"));
        assert_eq!(keyed.code(&keyed.proving(&keyed.both(), &keyed.key)), Some("certificate_missing"));
        let unproven = with(showing(&keyed.key, &keyed.world.alice), |shown| shown.proof = None);
        assert_eq!(keyed.code(&unproven), Some("proof_missing"));
    }
}

#[test]
fn token_of_a_certificate_alone_counts_as_bound_only_where_certificates_do() {
    for (certificate, expected) in [(true, None), (false, Some("binding_missing"))] {
        let keyed = Keyed::new(certificate);
        let alice = keyed.world.alice();
        assert_eq!(keyed.code(&alice), expected);
        let stolen = with(alice.clone(), |shown| shown.certificate = Some(header_value(&keyed.world.mallory)));
        assert_eq!(keyed.code(&stolen), Some("binding_mismatch"));
        let missing = with(alice.clone(), |shown| shown.certificate = None);
        assert_eq!(keyed.code(&missing), Some("certificate_missing"));
        let alone = with(alice, |shown| shown.path = "/token-only");
        assert_eq!(keyed.code(&alone), None);
    }
}

#[test]
fn token_of_nothing_needs_a_certificate_to_be_called_unbound() {
    let keyed = Keyed::new(true);
    let bare = Shown { proof: None, ..keyed.proving(&json!({}), &keyed.key) };
    assert_eq!(keyed.code(&bare), Some("certificate_missing"));
    let shown = with(bare, |shown| shown.certificate = Some(header_value(&keyed.world.alice)));
    assert_eq!(keyed.code(&shown), Some("binding_missing"));
}

#[test]
fn proof_for_a_token_that_names_no_key_is_invalid_and_one_that_names_nothing_is_unbound() {
    let keyed = Keyed::new(true);
    let certificate = json!({"x5t#S256": Thumbprint::of(&keyed.world.alice).to_string()});
    for (cnf, demanded, otherwise) in
        [(json!({}), "binding_missing", "proof_invalid"), (certificate, "proof_invalid", "proof_invalid")]
    {
        let mut shown = keyed.proving(&cnf, &keyed.key);
        shown.certificate = Some(header_value(&keyed.world.alice));
        assert_eq!(keyed.code(&shown), Some(demanded));
        assert_eq!(keyed.code(&with(shown, |shown| shown.path = "/token-only")), Some(otherwise));
    }
}

#[test]
fn confirmation_of_a_key_that_is_no_thumbprint_makes_the_token_malformed() {
    let keyed = Keyed::new(true);
    for jkt in [json!(1), json!(""), json!(format!("{}=", keyed.key.thumbprint()))] {
        assert_eq!(keyed.code(&keyed.proving(&json!({"jkt": jkt}), &keyed.key)), Some("token_malformed"));
    }
}

#[test]
fn keys_are_not_looked_at_where_they_are_not_configured() {
    let mut keyed = Keyed::new(true);
    keyed.world.gate.binding = BindingRules { certificate: true, proof: None };
    let bearing = |cnf: &Value| Shown { proof: None, token: Some(keyed.token(cnf)), ..keyed.world.alice() };
    assert_eq!(keyed.code(&bearing(&keyed.both())), None);
    assert_eq!(keyed.code(&bearing(&keyed.jkt())), Some("binding_missing"));
    assert_eq!(keyed.code(&keyed.proving(&keyed.both(), &keyed.key)), Some("token_missing"));
}

#[test]
fn refusal_tells_which_confirmation_does_not_count() {
    let why = |keyed: &Keyed, cnf: &Value| {
        let shown = Shown { proof: None, token: Some(keyed.token(cnf)), ..keyed.world.alice() };
        match keyed.world.judge(&shown, &[]).verdict {
            Verdict::Deny(Denial::BindingMissing { why }) => why,
            verdict => panic!("{verdict:?}"),
        }
    };
    let keys = Keyed::new(false);
    let certificate = json!({"x5t#S256": Thumbprint::of(&keys.world.alice).to_string()});
    assert_eq!(why(&keys, &certificate), "the token has x5t#S256 alone, which does not count here");
    let mut certificates = Keyed::new(true);
    certificates.world.gate.binding.proof = None;
    assert_eq!(why(&certificates, &certificates.jkt()), "the token has jkt alone, which does not count here");
    for nothing in [json!({}), json!({"jkt": 1}), Value::Null] {
        assert_eq!(why(&certificates, &nothing), "the token has no cnf with a thumbprint", "{nothing}");
    }
}

/// Each row has everything wrong that the rows before it have wrong, and one thing more.
#[test]
fn token_answers_before_the_certificate_that_it_names_and_that_before_the_proof() {
    let keyed = Keyed::new(true);
    let stolen = with(keyed.proving(&keyed.both(), &keyed.key), |shown| {
        shown.certificate = Some(header_value(&keyed.world.mallory));
    });
    assert_eq!(keyed.answered(&stolen, Use::Again), Some("binding_mismatch"));
    let elsewhere = with(stolen, |shown| {
        shown.proof = Some(keyed.key.proof("https://evil.example/accounts/1", shown.token.as_ref().unwrap()));
    });
    assert_eq!(keyed.code(&elsewhere), Some("proof_invalid"));
    for (certificate, code) in [(None, "certificate_missing"), (Some(b"nonsense".to_vec()), "certificate_malformed")] {
        for path in ["/accounts/1", "/token-only"] {
            let untrusted =
                with(elsewhere.clone(), |shown| (shown.certificate, shown.path) = (certificate.clone(), path));
            assert_eq!(keyed.code(&untrusted), Some(code), "{path}");
            let unproven = with(untrusted.clone(), |shown| shown.proof = None);
            assert_eq!(keyed.code(&unproven), Some(code), "{path}");
            let expired = with(untrusted, |shown| shown.now = NOW + YEAR);
            assert_eq!(keyed.code(&expired), Some("token_expired"), "{path}");
        }
    }
}

#[test]
fn certificate_that_the_route_demands_answers_before_token_and_proof() {
    let mut keyed = Keyed::new(true);
    keyed.world.gate.routes = Routes::new(routes());
    let mut shown = keyed.proving(&keyed.jkt(), &keyed.key);
    assert_eq!(keyed.code(&shown), Some("certificate_missing"));
    shown.certificate = Some(header_value(&keyed.world.mallory));
    assert_eq!(keyed.code(&shown), None, "a key alone says nothing about certificates");
}

#[test]
fn use_of_something_else_says_nothing_of_this_proof() {
    let keyed = Keyed::new(true);
    let shown = keyed.proving(&keyed.jkt(), &keyed.key);
    let Verdict::Ask(Question::Use(what)) = keyed.world.judge(&shown, &[]).verdict else { panic!("not asked") };
    let other = SingleUse { digest: [0; 32], ..what };
    let verdict = keyed.world.judge(&shown, &[Answer::Use(other, Use::First)]).verdict;
    assert!(matches!(&verdict, Verdict::Ask(Question::Use(asked)) if *asked == what), "{verdict:?}");
}
