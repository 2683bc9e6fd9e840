#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests state what they need")]

use std::net::IpAddr;

use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::*;
use crate::{
    certificate::{
        Certificates, PathRules, Profile,
        mint::{Authority, in_years, plain, trusting},
        qualified::Requirement,
        revocation::{Depth, Standing},
    },
    headers::{IdentityHeaders, ReadNames},
    route::{Demands, GrantRule, Kind, Template},
    thumbprint::Thumbprint,
    token::{
        Algorithm, Grant, Introspection, Introspections, KeyRing, KeySet,
        mint::{self, NOW},
    },
};

mod consent;
mod introspection;
mod origin;
mod proof;
mod registration;
mod revocation;

use revocation::Told;

const HEADER: HeaderName = HeaderName::from_static("x-ssl-client-cert");
const BALANCER: [u8; 4] = [10, 0, 0, 7];

/// In seconds.
const YEAR: u64 = 366 * 86_400;

/// The value that HAProxy writes.
fn header_value(der: &[u8]) -> Vec<u8> {
    Profile::Haproxy.encode(der, &[]).leaf.as_bytes().to_vec()
}

/// A bank's world: one authority, one issuer, Alice's and Mallory's certificates.
struct World {
    gate: Gate,
    keys: KeyRing,
    revocations: Told,
    root: Authority,
    mint: mint::Mint,
    alice: Vec<u8>,
    mallory: Vec<u8>,
}

/// What one request shows; changed by a test before it is judged.
#[derive(Clone)]
struct Shown {
    peer: [u8; 4],
    path: &'static str,
    method: Method,
    certificate: Option<Vec<u8>>,
    token: Option<String>,
    /// With one, the token is presented by the `DPoP` scheme.
    proof: Option<String>,
    now: u64,
}

impl World {
    fn new() -> Self {
        let root = Authority::root("root", plain);
        let rules = PathRules { minimum_rsa_bits: 2048, max_intermediates: 5, require_client_auth: true };
        let (alice, mallory) = (root.client(in_years(2025, 2028)), root.client(in_years(2025, 2028)));
        let mint = mint::Mint::new(Algorithm::ES256, "1");
        let gate = Gate {
            routes: Routes::new(routes()),
            peers: TrustedPeers {
                networks: Some(vec!["10.0.0.0/8".parse().unwrap()]),
                balancers: None,
                secret: None,
                refuse_strangers: false,
            },
            source: Source::Header { profile: Profile::Haproxy, max_bytes: 16 * 1024 },
            certificates: Certificates::new(trusting(&[&root.der]), rules, None, Some(Depth::Leaf), 0),
            revocation: RevocationPolicy::Off,
            eidas: Eidas::default(),
            issuers: mint::issuers(),
            binding: BindingRules { certificate: true, proof: None },
            origin: PublicOrigin::default(),
            registration: None,
            consent_reads_body: false,
        };
        let keys = KeyRing::new(vec![Some(Arc::new(mint.key_set()))], 0);
        Self { gate, keys, revocations: Told(Standing::NotAsked), root, mint, alice, mallory }
    }

    /// A token bound to Alice's certificate, with changes.
    fn token(&self, changes: &Value) -> String {
        let mut claims = mint::claims(&json!({
            "cnf": {"x5t#S256": Thumbprint::of(&self.alice).to_string()}, "scope": "accounts payments",
        }));
        for (name, value) in changes.as_object().unwrap() {
            claims.as_object_mut().unwrap().insert(name.clone(), value.clone());
        }
        self.mint.token(&claims)
    }

    /// Alice with her own token.
    fn alice(&self) -> Shown {
        Shown {
            peer: BALANCER,
            path: "/accounts/1",
            method: Method::GET,
            certificate: Some(header_value(&self.alice)),
            token: Some(self.token(&json!({}))),
            proof: None,
            now: NOW,
        }
    }

    fn judge(&self, shown: &Shown, answered: &[Answer]) -> Judgement {
        let mut headers = HeaderMap::new();
        if let Some(value) = &shown.certificate {
            headers.insert(HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        if let Some(token) = &shown.token {
            let scheme = if shown.proof.is_some() { "DPoP" } else { "Bearer" };
            headers.insert(http::header::AUTHORIZATION, format!("{scheme} {token}").parse().unwrap());
        }
        if let Some(proof) = &shown.proof {
            headers.insert("dpop", proof.parse().unwrap());
        }
        let read = ReadNames { certificate: Some(HEADER), ..ReadNames::default() };
        let asserted = Asserted::take(&IdentityHeaders::new(read, []), &mut headers);
        let connection = Connection::from(Some(IpAddr::from(shown.peer)));
        let inbound = Inbound {
            connection: &connection,
            asserted: &asserted,
            headers: &headers,
            method: &shown.method,
            authority: Some("api.bank.example"),
            path: RequestPath::parse(shown.path.as_bytes()).unwrap(),
        };
        let (keys, revocations, introspections) = (&self.keys, &self.revocations, &NothingKept);
        let known = Known { keys, revocations, introspections, answered, proof: None };
        self.gate.judge(&inbound, &known, mint::at(shown.now))
    }

    /// The code of the refusal; none for a permit.
    fn code(&self, shown: &Shown) -> Option<&'static str> {
        match self.judge(shown, &[]).verdict {
            Verdict::Permit(_) => None,
            Verdict::Deny(denial) => Some(denial.code()),
            Verdict::Ask(question) => panic!("asked {question:?}"),
        }
    }
}

/// Where issuers' answers about tokens are not kept.
struct NothingKept;

impl Introspections for NothingKept {
    fn recall(&self, _: &Inquiry, _: UnixTime) -> Option<Introspection> {
        None
    }
}

fn routes() -> Vec<Route> {
    let route =
        |path, demands| Route { methods: vec![Method::GET], ..Route::new(Template::parse(path).unwrap(), demands) };
    let all = Demands { certificate: true, token: true, binding: true };
    vec![
        route("/open", Demands::default()),
        route("/token-only", Demands { token: true, ..Demands::default() }),
        route("/certificate-only", Demands { certificate: true, ..Demands::default() }),
        Route { scopes: "fundsconfirmations".into(), ..route("/scoped", all) },
        Route { grant: GrantRule::Only(Grant::User), ..route("/granted", all) },
        Route { roles: vec!["PSP_AI"], ..route("/licensed", all) },
        route("/accounts/{Id}", all),
    ]
}

fn with(shown: Shown, change: impl FnOnce(&mut Shown)) -> Shown {
    let mut shown = shown;
    change(&mut shown);
    shown
}

#[test]
fn bound_token_with_its_certificate_is_permitted_and_everything_proven_is_found() {
    let world = World::new();
    let Judgement { verdict, findings } = world.judge(&world.alice(), &[]);
    assert!(matches!(verdict, Verdict::Permit(_)), "{verdict:?}");
    assert!(findings.trusted_peer().is_some() && findings.token.is_some() && findings.binding.is_some());
    assert_eq!(findings.certificate.unwrap().thumbprint(), &Thumbprint::of(&world.alice));
}

#[test]
fn token_of_another_certificate_is_refused_and_what_was_believed_is_found() {
    let world = World::new();
    let shown = with(world.alice(), |shown| shown.certificate = Some(header_value(&world.mallory)));
    let Judgement { verdict, findings } = world.judge(&shown, &[]);
    let Verdict::Deny(Denial::BindingMismatch { presented, confirmed }) = verdict else { panic!("{verdict:?}") };
    assert_eq!((presented, confirmed), (Thumbprint::of(&world.mallory), Thumbprint::of(&world.alice)));
    assert!(findings.certificate.is_some() && findings.token.is_some() && findings.binding.is_none());
}

/// What was found without one thing is not enough.
#[test]
fn permit_takes_every_proof_that_the_route_demands() {
    let world = World::new();
    let Judgement { findings, .. } = world.judge(&world.alice(), &[]);
    let route = &findings.route.as_ref().unwrap().1;
    let granted = |change: fn(&mut Findings)| {
        let mut findings = findings.clone();
        change(&mut findings);
        Permit::grant(route, &Method::GET, &findings).map_err(|denial| denial.code()).err()
    };

    assert_eq!(granted(|_| ()), None);
    assert_eq!(granted(|found| found.peer = None), Some("peer_untrusted"));
    assert_eq!(granted(|found| found.certificate = None), Some("certificate_missing"));
    assert_eq!(granted(|found| found.token = None), Some("token_missing"));
    assert_eq!(granted(|found| found.binding = None), Some("binding_missing"));
    assert_eq!(granted(|found| found.authorized = None), Some("grant_wrong"));
}

/// Each row has everything wrong that the rows after it have wrong, and one thing more: the order of checks.
#[test]
fn first_check_that_fails_answers() {
    let world = World::new();
    let wrong_binding = with(world.alice(), |shown| {
        shown.path = "/scoped";
        shown.certificate = Some(header_value(&world.mallory));
    });
    let wrong_token = with(wrong_binding.clone(), |shown| shown.token = Some(world.token(&json!({"exp": 1}))));
    let wrong_certificate = with(wrong_token.clone(), |shown| shown.now = NOW + 2 * YEAR);
    let wrong_peer = with(wrong_certificate.clone(), |shown| shown.peer = [192, 0, 2, 1]);
    let wrong_method = with(wrong_peer.clone(), |shown| shown.method = Method::POST);
    let wrong_route = with(wrong_method.clone(), |shown| shown.path = "/nowhere");
    let rows = [
        (&wrong_route, "route_unknown"),
        (&wrong_method, "method_not_allowed"),
        (&wrong_peer, "certificate_missing"),
        (&wrong_certificate, "certificate_expired"),
        (&wrong_token, "token_expired"),
        (&wrong_binding, "binding_mismatch"),
    ];
    for (shown, expected) in rows {
        assert_eq!(world.code(shown), Some(expected));
    }
    let wrong_scope = with(world.alice(), |shown| shown.path = "/scoped");
    assert_eq!(world.code(&wrong_scope), Some("scope_insufficient"));
    let wrong_grant = with(world.alice(), |shown| {
        shown.path = "/granted";
        shown.token = Some(world.token(&json!({"aut": "APPLICATION"})));
    });
    assert_eq!(world.code(&wrong_grant), Some("grant_wrong"));
}

#[test]
fn what_is_demanded_and_not_shown_is_missing() {
    let world = World::new();
    let no_certificate = with(world.alice(), |shown| shown.certificate = None);
    let no_token = with(world.alice(), |shown| shown.token = None);
    let no_binding = with(world.alice(), |shown| shown.token = Some(world.mint.token(&mint::claims(&json!({})))));
    assert_eq!(world.code(&no_certificate), Some("certificate_missing"));
    assert_eq!(world.code(&no_token), Some("token_missing"));
    assert_eq!(world.code(&no_binding), Some("binding_missing"));
}

#[test]
fn certificate_from_a_stranger_is_none() {
    let world = World::new();
    let stranger = with(world.alice(), |shown| shown.peer = [192, 0, 2, 1]);
    assert_eq!(world.code(&stranger), Some("certificate_missing"));
}

#[test]
fn stranger_is_refused_on_every_route_where_that_is_configured() {
    let mut world = World::new();
    world.gate.peers.refuse_strangers = true;
    for path in ["/open", "/token-only", "/accounts/1"] {
        let stranger = with(world.alice(), |shown| (shown.peer, shown.path) = ([192, 0, 2, 1], path));
        assert_eq!(world.code(&stranger), Some("peer_untrusted"), "{path}");
    }
}

#[test]
fn open_route_looks_at_nothing() {
    let world = World::new();
    let broken = with(world.alice(), |shown| {
        shown.path = "/open";
        shown.certificate = Some(b"nonsense".to_vec());
        shown.token = Some("nonsense".into());
    });
    assert_eq!(world.code(&broken), None);
}

#[test]
fn bound_token_is_held_to_its_certificate_where_the_route_asks_for_the_token_alone() {
    let world = World::new();
    let alone = |change: fn(&World, &mut Shown)| {
        let mut shown = with(world.alice(), |shown| shown.path = "/token-only");
        change(&world, &mut shown);
        world.code(&shown)
    };
    assert_eq!(alone(|_, _| {}), None);
    assert_eq!(alone(|_, shown| shown.certificate = None), Some("certificate_missing"));
    assert_eq!(alone(|world, shown| shown.certificate = Some(header_value(&world.mallory))), Some("binding_mismatch"));
    assert_eq!(alone(|_, shown| shown.certificate = Some(b"nonsense".to_vec())), Some("certificate_malformed"));
    let unbound = |world: &World, shown: &mut Shown| {
        (shown.certificate, shown.token) = (None, Some(world.mint.token(&mint::claims(&json!({})))));
    };
    assert_eq!(alone(unbound), None);
}

#[test]
fn token_is_not_judged_where_the_certificate_alone_is_demanded() {
    let world = World::new();
    let shown = with(world.alice(), |shown| (shown.path, shown.token) = ("/certificate-only", Some("nonsense".into())));
    assert_eq!(world.code(&shown), None);
}

#[test]
fn unknown_key_is_asked_for_once_and_then_refused() {
    let mut world = World::new();
    world.keys = KeyRing::new(vec![Some(Arc::new(mint::Mint::new(Algorithm::ES256, "2").key_set()))], 0);
    let question = Question::Keys { issuer: 0 };

    let first = world.judge(&world.alice(), &[]).verdict;
    let elsewhere = world.judge(&world.alice(), &[Answer::Keys { issuer: 1 }]).verdict;
    let second = world.judge(&world.alice(), &[Answer::Keys { issuer: 0 }]).verdict;

    for verdict in [first, elsewhere] {
        assert!(matches!(&verdict, Verdict::Ask(asked) if *asked == question), "{verdict:?}");
    }
    assert!(matches!(second, Verdict::Deny(Denial::TokenKeyUnknown { .. })), "{second:?}");
}

#[test]
fn issuer_without_keys_is_temporary_and_never_a_pass() {
    let mut world = World::new();
    let empty = KeySet::parse(br#"{"keys":[]}"#).unwrap();
    for keys in [None, Some(Arc::new(empty))] {
        world.keys = KeyRing::new(vec![keys], 0);
        assert_eq!(world.code(&world.alice()), Some("keys_unavailable"));
    }
}

#[test]
fn permit_is_not_granted_without_the_proofs_that_the_route_demands() {
    let authorized = routes()[0].authorize(None, None).ok();
    for route in routes() {
        let found = Findings { peer: Some(Err("a stranger")), authorized, ..Findings::default() };
        let granted = Permit::grant(&route, &Method::GET, &found).is_ok();
        assert_eq!(granted, route.demands == Demands::default(), "{}", route.path.as_str());
    }
}
