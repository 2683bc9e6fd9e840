//! The checks of the gate one by one, told from its verdict and from what it found.

use http::Method;
use serde_json::{Map, Value, json};

use crate::{
    certificate::{
        ClientCertificate,
        qualified::{Requirement, Role},
    },
    denial::Denial,
    explain::{Check, Verdict},
    gate::{Findings, Gate, Judgement, Question, Verdict as GateVerdict},
    route::{Demands, GrantRule, Kind, Route},
    second::Second,
    token::{Grant, Nonces},
};

/// The checks in the order of the gate.
pub const CHECKS: [&str; 11] = [
    "route",
    "peer",
    "certificate",
    "revocation",
    "qualification",
    "token",
    "proof",
    "binding",
    "policy",
    "consent",
    "registration",
];

/// Whether the route demands a token, and an earlier check refused or is open, so that the verdict says nothing of it.
pub fn leaves_out_token(gate: &Gate, method: &Method, judgement: &Judgement) -> bool {
    let route = judgement.findings.route.as_ref();
    let demands = route.is_some_and(|(_, route)| route.demands(method).token);
    demands && Stop::of(gate, judgement).is_some_and(|stop| place(stop.check) < place("token"))
}

/// Every check with its verdict and what it found. `token_alone` is the judgement of the same request by a route that
/// demands nothing but the token: it tells of the token where it was left out.
pub fn checks(gate: &Gate, method: &Method, judgement: &Judgement, token_alone: Option<&Judgement>) -> Vec<Check> {
    let stop = Stop::of(gate, judgement);
    let end = stop.as_ref().map_or(CHECKS.len(), |stop| place(stop.check));
    let found = &judgement.findings;
    let one = |(here, name): (usize, &'static str)| {
        let mut facts = facts(name, gate, method, found);
        let verdict = match (here.cmp(&end), &stop) {
            (std::cmp::Ordering::Less, _) if is_demanded(name, gate, method, found) => Verdict::Pass,
            (std::cmp::Ordering::Equal, Some(stop)) => {
                facts.extend(stop.facts.clone());
                stop.verdict
            }
            _ => Verdict::Skipped,
        };
        Check { check: name, verdict, facts }
    };
    let mut checks: Vec<_> = CHECKS.into_iter().enumerate().map(one).collect();
    if let Some(alone) = token_alone
        && let Some(check) = checks.iter_mut().find(|check| check.check == "token")
    {
        *check = token_check(gate, method, alone);
    }
    checks
}

/// Where a check stands in the order.
fn place(name: &str) -> usize {
    CHECKS.iter().position(|check| *check == name).unwrap_or(CHECKS.len())
}

/// What the gate says of the token when nothing stands before it.
fn token_check(gate: &Gate, method: &Method, alone: &Judgement) -> Check {
    let mut facts = facts("token", gate, method, &alone.findings);
    let stop = Stop::of(gate, alone).filter(|stop| stop.check == "token");
    let verdict = match stop {
        None if alone.findings.token.is_some() => Verdict::Pass,
        None => Verdict::Skipped,
        Some(stop) => {
            facts.extend(stop.facts);
            stop.verdict
        }
    };
    Check { check: "token", verdict, facts }
}

/// Where the gate stopped.
struct Stop {
    check: &'static str,
    verdict: Verdict,
    facts: Map<String, Value>,
}

impl Stop {
    fn of(gate: &Gate, judgement: &Judgement) -> Option<Self> {
        match &judgement.verdict {
            GateVerdict::Permit(_) => None,
            GateVerdict::Deny(denial) => Some(Self::denied(gate, denial, &judgement.findings)),
            GateVerdict::Ask(question) => {
                let open = match question {
                    Question::Body => "the request's body is not known; --body tells it",
                    _ => "nobody was asked",
                };
                let check = asked_by(question, &judgement.findings);
                Some(Self { check, verdict: Verdict::Unknown, facts: object(json!({"open": open})) })
            }
        }
    }

    fn denied(gate: &Gate, denial: &Denial, found: &Findings) -> Self {
        let mut facts =
            object(json!({"code": denial.code(), "why": denial.detail().unwrap_or(denial.row().title.into())}));
        let is_of_another_process = is_nonce_of_another_process(gate, denial);
        if is_of_another_process {
            let open =
                "nonces are known to the serving process alone; with token.dpop.nonce_secret_file to this one too";
            facts.insert("open".to_owned(), open.into());
        }
        let verdict = if is_of_another_process || is_open(denial) { Verdict::Unknown } else { Verdict::Fail };
        Self { check: refused_by(denial, found), verdict, facts }
    }
}

/// Whether a proof was refused for a nonce that only the process which handed it out can know.
fn is_nonce_of_another_process(gate: &Gate, denial: &Denial) -> bool {
    let nonces = gate.binding.proof.as_ref().and_then(|rules| rules.nonces.as_ref());
    matches!(denial, Denial::ProofInvalid { nonce: Some(_), .. }) && nonces.is_some_and(Nonces::are_of_this_process)
}

/// Who judges the body: consent is asked first, and has its answer before the registration is looked at.
fn reader_of_body(found: &Findings) -> &'static str {
    let asks_consent = found.route.as_ref().is_some_and(|(_, route)| route.consent) && found.consent.is_none();
    if asks_consent { "consent" } else { "registration" }
}

/// Whether the refusal says that nobody answered, so that the check neither holds nor fails.
fn is_open(denial: &Denial) -> bool {
    matches!(
        denial,
        Denial::RevocationUnknown { .. }
            | Denial::KeysUnavailable
            | Denial::IntrospectionUnavailable
            | Denial::ConsentUnavailable
    )
}

fn asked_by(question: &Question, found: &Findings) -> &'static str {
    match question {
        Question::Body => reader_of_body(found),
        Question::Keys { .. } | Question::Introspection(_) => "token",
        Question::Revocation(_) => "revocation",
        Question::Use(_) => "proof",
        Question::KeysAt(_) | Question::NewerKeysAt(_) => "registration",
        Question::Consent(_) => "consent",
    }
}

fn refused_by(denial: &Denial, found: &Findings) -> &'static str {
    match denial {
        Denial::BodyTooLarge => reader_of_body(found),
        Denial::RequestMalformed { .. }
        | Denial::PathAmbiguous { .. }
        | Denial::RouteUnknown
        | Denial::MethodNotAllowed { .. } => "route",
        Denial::PeerUntrusted { .. } => "peer",
        Denial::HeaderTooLarge { .. }
        | Denial::CertificateMissing { .. }
        | Denial::CertificateRepeated
        | Denial::CertificateMalformed { .. }
        | Denial::CertificateUntrusted { .. }
        | Denial::CertificateExpired { .. }
        | Denial::CertificateNotYetValid { .. }
        | Denial::CertificateWrongPurpose { .. }
        | Denial::CertificateWeak { .. } => "certificate",
        Denial::CertificateRevoked { .. } | Denial::RevocationUnknown { .. } => "revocation",
        Denial::CertificateNotQualified { .. } | Denial::AuthorityNotAllowed => "qualification",
        Denial::TokenMissing { .. }
        | Denial::TokenRepeated
        | Denial::TokenMalformed { .. }
        | Denial::TokenAlgorithmRefused { .. }
        | Denial::TokenKeyUnknown { .. }
        | Denial::TokenSignatureInvalid
        | Denial::TokenIssuerUnknown { .. }
        | Denial::TokenAudienceWrong { .. }
        | Denial::TokenTypeWrong { .. }
        | Denial::TokenClaimMissing { .. }
        | Denial::TokenExpired { .. }
        | Denial::TokenNotYetValid { .. }
        | Denial::TokenInactive
        | Denial::KeysUnavailable
        | Denial::IntrospectionUnavailable => "token",
        Denial::ProofMissing | Denial::ProofInvalid { .. } | Denial::ProofReplayed => "proof",
        Denial::BindingMissing { .. } | Denial::BindingMismatch { .. } => "binding",
        Denial::RegistrationInvalid { .. } | Denial::ClientMismatch => "registration",
        Denial::RoleMissing | Denial::ScopeInsufficient { .. } | Denial::GrantWrong => "policy",
        Denial::ConsentMissing | Denial::ConsentRefused { .. } | Denial::ConsentUnavailable => "consent",
        Denial::AuditUnavailable | Denial::BackendUnreachable | Denial::BackendTimeout | Denial::Overloaded => "route",
    }
}

/// Whether a check was made at all on this request, none having refused before it.
fn is_demanded(check: &str, gate: &Gate, method: &Method, found: &Findings) -> bool {
    let Some((_, route)) = &found.route else { return check == "route" };
    let certificate = found.shown.is_some();
    match check {
        "certificate" => certificate,
        "revocation" => certificate && found.grounds.is_some_and(|grounds| grounds.status().is_some()),
        "qualification" => certificate && gate.eidas.require != Requirement::Off,
        "token" => found.token.is_some(),
        "proof" => found.proof.is_some(),
        "binding" => found.binding.is_some(),
        "registration" => matches!(route.kind, Kind::Registration { .. }),
        "policy" => !route.roles.is_empty() || judges_token(route, method),
        "consent" => route.consent,
        _ => true,
    }
}

/// Whether a token is demanded, and something of it: a registration route may demand one of those alone who are registered.
fn judges_token(route: &Route, method: &Method) -> bool {
    route.demands(method).token && (!route.scopes.is_empty() || route.grant != GrantRule::Any)
}

fn facts(check: &str, gate: &Gate, method: &Method, found: &Findings) -> Map<String, Value> {
    let route = found.route.as_ref().map(|(_, route)| &**route);
    let facts = match check {
        "route" => route.map(|route| route_facts(route, method)),
        "peer" => route.map(|_| json!({"trusted": found.trusted_peer().is_some()})),
        "certificate" => found.shown.as_ref().map(certificate_facts),
        "revocation" => found.grounds.and_then(|grounds| {
            let method = grounds.method().map(crate::certificate::revocation::Method::name);
            Some(json!({"status": grounds.status()?, "method": method}))
        }),
        "qualification" => found.shown.as_ref().filter(|_| gate.eidas.require != Requirement::Off).map(|shown| {
            let roles: Vec<_> = shown.qualification().roles().map(Role::name).collect();
            json!({"roles": roles, "organization_identifier": shown.organization_identifier()})
        }),
        "token" => token_facts(found),
        "proof" => found.proof.as_ref().map(|proof| json!({"key": proof.key().to_string()})),
        "binding" => binding_facts(found),
        "policy" => route.filter(|_| is_demanded(check, gate, method, found)).map(|route| policy_facts(route, found)),
        "consent" => found.consent_id.as_ref().map(|id| json!({"consent_id": &**id})),
        _ => None,
    };
    facts.map(object).unwrap_or_default()
}

fn route_facts(route: &Route, method: &Method) -> Value {
    let Demands { certificate, token, binding } = route.demands(method);
    let demands = [("certificate", certificate), ("token", token), ("binding", binding)];
    let demands: Vec<_> = demands.into_iter().filter(|(_, demanded)| *demanded).map(|(name, _)| name).collect();
    json!({"route": &**route.path.as_str(), "require": demands})
}

fn certificate_facts(shown: &ClientCertificate) -> Value {
    json!({
        "thumbprint": shown.thumbprint().to_string(),
        "subject": shown.subject(),
        "issuer": shown.issuer(),
        "serial": shown.serial(),
        "not_after": Second(shown.not_after()),
    })
}

fn token_facts(found: &Findings) -> Option<Value> {
    let token = found.token.as_ref()?;
    let claims = token.claims();
    Some(json!({
        "kind": token.kind(),
        "issuer": token.issuer(),
        "client_id": claims.client_id(),
        "scope": token.scope(),
        "expires": claims.expires().map(Second),
    }))
}

fn binding_facts(found: &Findings) -> Option<Value> {
    let claims = found.token.as_ref()?.claims();
    let presented = found.shown.as_ref().map(|shown| shown.thumbprint().to_string());
    Some(json!({"presented": presented, "confirmed": claims.confirmation().map(ToString::to_string)}))
}

fn policy_facts(route: &Route, found: &Findings) -> Value {
    let claims = found.token.as_ref().map(|token| token.claims());
    let roles: Vec<_> = found.shown.iter().flat_map(|shown| shown.qualification().roles()).map(Role::name).collect();
    let grant = |grant| match grant {
        Grant::Application => "application",
        Grant::User => "user",
    };
    let demanded = match route.grant {
        GrantRule::Any => "any",
        GrantRule::Only(only) => grant(only),
    };
    json!({
        "roles_demanded": route.roles,
        "roles": roles,
        "scopes_demanded": &*route.scopes,
        "scope": found.token.as_ref().and_then(|token| token.scope()),
        "grant_demanded": demanded,
        "grant": claims.and_then(|claims| claims.grant()).map(grant),
    })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
