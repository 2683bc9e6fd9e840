//! certbound's gate in many configurations, and how a request is put to it.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, LazyLock},
    time::Duration,
};

use certbound::{
    UnixTime,
    binding::BindingRules,
    certificate::{
        Certificates, PathRules, Profile, Truststore,
        forwarded::Source,
        qualified::Eidas,
        revocation::{Depth, Issued, Method as How, RevocationPolicy, Revocations, Standing, Status},
    },
    consent::ConsentAnswer,
    gate::{Answer, Gate, Inbound, Judgement, Known, PublicOrigin, Question, Verdict},
    headers::{Asserted, IdentityHeaders, ReadNames},
    peer::{Connection, Secrets, TrustedPeers},
    route::{Demands, GrantRule, RequestPath, Route, Routes, Template},
    token::{
        Algorithm, Grant, Inquiry, Introspection, Introspections, Issuer, Issuers, KeyRing, KeySet, ProofRules,
        TokenRules, Use, Verify,
    },
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::AUTHORIZATION};

use super::{
    cast::CAST,
    request::{
        AUDIENCE, Certificate, Chain, ISSUER, ORIGIN, Outside, Peer, Request, Revocation, Secret, Token, Used, spoiled,
    },
};
use crate::NOW;

/// One configuration, with caches and without.
pub struct World {
    pub profile: Profile,
    /// Whether `jkt` counts, and proofs with it.
    pub proofs: bool,
    /// Whether a certificate passes of which nobody tells anything.
    pub allows_unavailable: bool,
    /// Whether the issuer is asked about its JWTs too, and leaves out what they are bound to.
    pub introspects: bool,
    cached: (Gate, KeyRing),
    uncached: (Gate, KeyRing),
}

/// What was put to the gate, and what became of it.
pub struct Judged {
    pub judgement: Judgement,
    /// The values of the headers that the gate read the certificate from.
    pub certificate: Vec<Vec<u8>>,
    pub chain: Vec<Vec<u8>>,
}

impl World {
    fn new(profile: Profile, (proofs, allows_unavailable, introspects): (bool, bool, bool)) -> Self {
        let gate = |cache| gate(profile, proofs, allows_unavailable, introspects, cache);
        Self { profile, proofs, allows_unavailable, introspects, cached: gate(1 << 20), uncached: gate(0) }
    }

    /// The one that the request is about.
    pub fn of(request: &Request) -> &'static Self {
        &WORLDS[usize::from(request.world) % WORLDS.len()]
    }

    /// Judges the request at a time, answering every question. None: it has no path or header that could be sent.
    pub fn judge(&self, request: &Request, now: u64, cached: bool) -> Option<Judged> {
        let (gate, keys) = if cached { &self.cached } else { &self.uncached };
        let mut headers = self.headers(request, now)?;
        let read = ReadNames {
            certificate: Some(CERTIFICATE),
            chain: self.profile.chain_header().map(|_| CHAIN),
            secret: Some(SECRET),
        };
        let asserted = Asserted::take(&IdentityHeaders::new(read, []), &mut headers);
        let connection = Connection::from(peer(request.peer));
        let method = Method::from_bytes(request.method.name().as_bytes()).expect("a method");
        let inbound = Inbound {
            connection: &connection,
            asserted: &asserted,
            headers: &headers,
            method: &method,
            authority: Some("api.example"),
            path: RequestPath::parse(request.path()).ok()?,
        };
        let judgement = self.ask(gate, keys, &inbound, request, now);
        let values = |values: &[HeaderValue]| values.iter().map(|value| value.as_bytes().to_vec()).collect();
        Some(Judged { judgement, certificate: values(asserted.certificate()), chain: values(asserted.chain()) })
    }

    fn headers(&self, request: &Request, now: u64) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.certificate(&request.certificate).into_iter().chain(self.chain(request)) {
            headers.append(name, HeaderValue::from_bytes(&value).ok()?);
        }
        let secrets: &[&str] = match request.secret {
            Secret::None => &[],
            Secret::Right => &["s3cret"],
            Secret::Wrong => &["s3cre"],
            Secret::Twice => &["s3cret", "s3cret"],
        };
        for secret in secrets {
            headers.append(SECRET, HeaderValue::from_static(secret));
        }
        let proof = request.proof(now);
        let scheme = if proof.is_some() { b"DPoP ".as_slice() } else { b"Bearer " };
        for token in request.tokens() {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(&[scheme, &token].concat()).ok()?);
        }
        if let Some(proof) = proof {
            headers.append("dpop", HeaderValue::from_bytes(&proof).ok()?);
        }
        Some(headers)
    }

    fn certificate(&self, shown: &Certificate) -> Vec<(HeaderName, Vec<u8>)> {
        let written = |der: &[u8]| self.profile.encode(der, &[&CAST.intermediate.der]).leaf.as_bytes().to_vec();
        let der = |which: &u8| &CAST.clients[usize::from(*which) % CAST.clients.len()].der;
        let values = match shown {
            Certificate::None => vec![],
            Certificate::Minted(which) => vec![written(der(which))],
            Certificate::Twice(one, other) => vec![written(der(one)), written(der(other))],
            Certificate::Alias(which) => {
                return vec![(HeaderName::from_static("x_ssl_client_cert"), written(der(which)))];
            }
            Certificate::Spoiled { which, at, byte } => vec![spoiled(written(der(which)), *at, *byte)],
            Certificate::Tampered { which, at, byte } => vec![written(&spoiled(der(which).clone(), *at, *byte))],
            Certificate::Bytes(bytes) => vec![bytes.clone()],
        };
        values.into_iter().map(|value| (CERTIFICATE, value)).collect()
    }

    fn chain(&self, request: &Request) -> Option<(HeaderName, Vec<u8>)> {
        self.profile.chain_header()?;
        let intermediate = &CAST.intermediate.der;
        let written = |chain: &[&[u8]]| self.profile.encode(b"", chain).chain.map(|value| value.as_bytes().to_vec());
        let value = match &request.chain {
            Chain::None => None,
            Chain::Intermediate => written(&[intermediate]),
            Chain::LeafAndIntermediate => written(&[&CAST.clients[3].der, intermediate]),
            Chain::Tampered { at, byte } => written(&[&spoiled(intermediate.clone(), *at, *byte)]),
            Chain::Bytes(bytes) => Some(bytes.clone()),
        };
        value.map(|value| (CHAIN, value))
    }

    /// Judges until nothing is asked any more.
    fn ask(&self, gate: &Gate, keys: &KeyRing, inbound: &Inbound<'_>, request: &Request, now: u64) -> Judgement {
        let outside = &request.outside;
        let mut answered = Vec::new();
        let mut proof = None;
        for _ in 0..MOST_QUESTIONS {
            let (revocations, introspections) = (&Told(outside), &Told(outside));
            let known = Known { keys, revocations, introspections, answered: &answered, proof: proof.as_ref() };
            let judgement = gate.judge(inbound, &known, at(now));
            let Verdict::Ask(question) = &judgement.verdict else { return judgement };
            answered.push(match question {
                Question::Keys { issuer } => Answer::Keys { issuer: *issuer },
                // What is said of revocation, the world says all the time.
                Question::Revocation(about) => Answer::Revocation(Arc::clone(about), Standing::NotAsked),
                Question::Introspection(inquiry) => Answer::Introspection(Arc::clone(inquiry), self.told(request)),
                Question::Use(what) => Answer::Use(*what, used(outside)),
                Question::Consent(about) => Answer::Consent(Arc::clone(about), consent(outside)),
                Question::Body | Question::KeysAt(_) | Question::NewerKeysAt(_) => {
                    panic!("asked for what no route needs: {question:?}")
                }
            });
            proof = judgement.findings.proof;
        }
        panic!("asked more than {MOST_QUESTIONS} questions: {answered:?}");
    }

    fn told(&self, request: &Request) -> Introspection {
        let (opaque, extended) = (matches!(request.token, Token::Opaque), matches!(request.token, Token::Extended(_)));
        if !request.outside.answers || !(self.introspects || opaque || extended) {
            return Introspection::Unavailable;
        }
        let mut answer = request.claims.told(self.introspects || extended);
        answer["active"] = request.outside.active.into();
        Introspection::parse(answer.to_string().as_bytes(), Some("consent_id")).expect("an answer")
    }
}

/// More than any order of checks can ask here: keys, revocation, introspection, use, consent.
const MOST_QUESTIONS: usize = 6;

/// What is known of every certificate and of no token.
struct Told<'a>(&'a Outside);

impl Revocations for Told<'_> {
    fn standing(&self, _: &Arc<Issued>, _: UnixTime) -> Standing {
        let known = |status| Standing::Known { status, method: How::Ocsp, stale: false };
        match self.0.revocation {
            Revocation::Good => known(Status::Good),
            Revocation::Revoked => known(Status::Revoked { since: at(NOW), reason: None }),
            Revocation::Unknown => Standing::Unknown,
            Revocation::Unavailable => Standing::Unavailable,
            Revocation::NotAsked => Standing::NotAsked,
        }
    }
}

impl Introspections for Told<'_> {
    fn recall(&self, _: &Inquiry, _: UnixTime) -> Option<Introspection> {
        None
    }
}

fn used(outside: &Outside) -> Use {
    match outside.used {
        Used::First => Use::First,
        Used::Again => Use::Again,
        Used::Unknown => Use::Unknown,
    }
}

fn consent(outside: &Outside) -> ConsentAnswer {
    match (outside.answers, outside.consents) {
        (false, _) => ConsentAnswer::Unavailable,
        (true, true) => ConsentAnswer::Given { information: None },
        (true, false) => ConsentAnswer::Refused { code: None, message: None },
    }
}

fn peer(peer: Peer) -> Option<IpAddr> {
    match peer {
        Peer::Balancer => Some(Ipv4Addr::new(10, 0, 0, 7).into()),
        Peer::MappedBalancer => Some(Ipv4Addr::new(10, 0, 0, 7).to_ipv6_mapped().into()),
        Peer::UnixSocket => None,
        Peer::Any(octets) => Some(Ipv4Addr::from(octets).into()),
    }
}

pub fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// Every profile, each with every choice.
static WORLDS: LazyLock<Vec<World>> = LazyLock::new(|| {
    // New ones at the end, so that the corpus means what it meant.
    let choices: [&[_]; 2] = [&[(true, false, false), (false, true, false)], &[(true, false, true)]];
    let worlds = choices.into_iter().flat_map(|choices| {
        let worlds = |profile| choices.iter().map(move |choice| World::new(profile, *choice));
        Profile::ALL.into_iter().flat_map(worlds)
    });
    worlds.collect()
});

fn gate(profile: Profile, proofs: bool, allow_unavailable: bool, introspects: bool, cache: u64) -> (Gate, KeyRing) {
    let path = PathRules { minimum_rsa_bits: 2048, max_intermediates: 5, require_client_auth: true };
    let (trust, _) = Truststore::new(vec![CAST.root.der.clone().into()], at(NOW)).expect("an anchor");
    let proof = ProofRules { algorithms: Algorithm::ALL.to_vec(), max_age: 60, clock_skew: 30, nonces: None };
    let gate = Gate {
        routes: Routes::new(routes()),
        peers: TrustedPeers {
            networks: Some(vec!["10.0.0.0/8".parse().expect("a network")]),
            balancers: None,
            secret: Secrets::parse(b"s3cret"),
            refuse_strangers: false,
        },
        source: Source::Header { profile, max_bytes: 16 * 1024 },
        certificates: Certificates::new(trust, path, None, Some(Depth::Leaf), cache),
        revocation: RevocationPolicy::Demanded { depth: Depth::Leaf, allow_unavailable },
        eidas: Eidas::default(),
        issuers: issuers(if introspects { Verify::Introspection } else { Verify::Jwt }),
        binding: BindingRules { certificate: true, proof: proofs.then_some(proof) },
        origin: PublicOrigin::Fixed(ORIGIN.into()),
        registration: None,
        consent_reads_body: false,
    };
    let keys = KeySet::parse(CAST.issuer.jwks().as_bytes()).expect("a key set");
    (gate, KeyRing::new(vec![Some(Arc::new(keys))], cache))
}

fn issuers(verify: Verify) -> Issuers {
    let issuer = Issuer { issuer: ISSUER.into(), audiences: vec![AUDIENCE.to_owned()], verify, introspects: true };
    let rules = TokenRules {
        algorithms: Algorithm::ALL.to_vec(),
        clock_skew: 30,
        types: vec!["at+jwt".to_owned()],
        required_claims: vec!["iss".into(), "aud".into(), "exp".into()],
        consent_claim: Some("consent_id".into()),
    };
    Issuers { issuers: vec![issuer], rules }
}

/// As [`super::witness`] knows them in its own words.
fn routes() -> Vec<Route> {
    let route = |path, demands| Route {
        methods: vec![Method::GET],
        ..Route::new(Template::parse(path).expect("a template"), demands)
    };
    let all = Demands { certificate: true, token: true, binding: true };
    vec![
        Route { methods: vec![], ..route("/open", Demands::default()) },
        route("/certificate", Demands { certificate: true, ..Demands::default() }),
        route("/token", Demands { token: true, ..Demands::default() }),
        Route { scopes: "accounts".into(), ..route("/accounts/{Id}", all) },
        Route { roles: vec!["PSP_AI"], ..route("/licensed", all) },
        Route { grant: GrantRule::Only(Grant::User), methods: vec![Method::POST], ..route("/users", all) },
        Route { consent: true, ..route("/consented", all) },
    ]
}

const CERTIFICATE: HeaderName = HeaderName::from_static("x-ssl-client-cert");
const CHAIN: HeaderName = HeaderName::from_static("x-ssl-client-chain");
const SECRET: HeaderName = HeaderName::from_static("x-lb-auth");
