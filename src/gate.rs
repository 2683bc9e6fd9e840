//! The order of checks.

mod known;
mod origin;

use std::sync::Arc;

use http::{HeaderMap, Method};
use rustls_pki_types::UnixTime;

pub use self::{
    known::{Answer, Known, MOST_QUESTIONS, Question},
    origin::PublicOrigin,
};
use crate::{
    binding::{Binding, BindingRules},
    certificate::{
        Admitted, Certificates, ClientCertificate, ForwardedCert,
        forwarded::Source,
        qualified::Eidas,
        revocation::{ClearStop, Grounds, Issued, RevocationPolicy},
    },
    consent::{Consent, ConsentRequest},
    denial::{Denial, RegistrationError},
    headers::Asserted,
    lookup::Lookups,
    peer::{Connection, TrustedPeer, TrustedPeers},
    registration::{Registration, RegistrationRules, RegistrationStop, SubjectRule},
    route::{Authorized, Kind, OwnRegistration, RequestPath, Route, Routes},
    token::{AccessToken, BearerToken, Inquiry, Issuers, Proof, Use, bearer::Scheme, proof::Called, verify::TokenStop},
};

/// Everything a verdict depends on but the request, what is known, and the time. Immutable; replaced whole.
pub struct Gate {
    /// Which routes there are.
    pub routes: Routes,
    /// Who speaks for clients.
    pub peers: TrustedPeers,
    /// Where certificates come from.
    pub source: Source,
    /// Which certificates are believed.
    pub certificates: Certificates,
    /// What is demanded of a certificate's revocation.
    pub revocation: RevocationPolicy,
    /// What is demanded of a certificate's qualification.
    pub eidas: Eidas,
    /// Which tokens are believed.
    pub issuers: Issuers,
    /// Which confirmations count as a binding.
    pub binding: BindingRules,
    /// What clients call.
    pub origin: PublicOrigin,
    /// What registrations are held to; none: no route takes them.
    pub registration: Option<RegistrationRules>,
    /// Whether the consent service is told the bodies of requests.
    pub consent_reads_body: bool,
}

/// A request, its identity headers already taken out.
#[derive(Clone, Copy)]
pub struct Inbound<'a> {
    /// What it came on.
    pub connection: &'a Connection,
    /// What it said about identity.
    pub asserted: &'a Asserted,
    /// The remaining headers.
    pub headers: &'a HeaderMap,
    /// The method.
    pub method: &'a Method,
    /// `Host` or `:authority`, as it was sent.
    pub authority: Option<&'a str>,
    /// The exact path that will be forwarded.
    pub path: RequestPath<'a>,
}

/// The answer to a request.
#[derive(Debug)]
pub enum Verdict {
    /// Forward it.
    Permit(Permit),
    /// Refuse it.
    Deny(Denial),
    /// Find this out and judge again.
    Ask(Question),
}

/// Proof that every check of the route passed. Only [`Gate::judge`] makes one.
#[derive(Debug)]
pub struct Permit(());

/// What was believed on the way to the verdict, whatever it was: for the backend's headers and for the audit line.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The route and its place in the order.
    pub route: Option<(usize, Arc<Route>)>,
    /// Whether the connection comes from a trusted load balancer, or why it does not; none: nobody has looked.
    pub peer: Option<Result<TrustedPeer, &'static str>>,
    /// The certificate, once verified, not revoked, and qualified as demanded.
    pub certificate: Option<Admitted>,
    /// The certificate whose path holds, whatever else is wrong with it: for the record only.
    pub shown: Option<ClientCertificate>,
    /// What revocation says of it: for the record only.
    pub grounds: Option<Grounds>,
    /// The token, once verified.
    pub token: Option<AccessToken>,
    /// How certificate and token were found.
    pub lookups: Lookups,
    /// The proof that came with the token, once verified. Whether it was used before is not said.
    pub proof: Option<Proof>,
    /// That it was not used before.
    pub first_use: Option<FirstUse>,
    /// Whether the token is bound to who presents it.
    pub binding: Option<Binding>,
    /// That the route's policy lets the request through.
    pub authorized: Option<Authorized>,
    /// That the client asks about its own registration, where the route is about one.
    pub own_registration: Option<OwnRegistration>,
    /// The registration, once verified.
    pub registration: Option<Registration>,
    /// The consent that the token names, whatever is said of it: for the record only.
    pub consent_id: Option<Arc<str>>,
    /// The consent, once given.
    pub consent: Option<Consent>,
}

impl Findings {
    /// The load balancer, where it is trusted.
    pub fn trusted_peer(&self) -> Option<TrustedPeer> {
        self.peer.and_then(Result::ok)
    }
}

/// Proof that a DPoP proof has not been used before, and that it counts as used now. Only the gate makes one.
#[derive(Clone, Copy, Debug)]
pub struct FirstUse(());

/// A verdict, and what was found on the way.
#[derive(Debug)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// What was believed.
    pub findings: Findings,
}

/// One request, what is known, and the time.
#[derive(Clone, Copy)]
struct Case<'a> {
    request: &'a Inbound<'a>,
    known: &'a Known<'a>,
    now: UnixTime,
}

/// Why a check ends the judgement.
enum Stop {
    Deny(Denial),
    Ask(Question),
}

impl Gate {
    /// Judges one request.
    pub fn judge(&self, request: &Inbound<'_>, known: &Known<'_>, now: UnixTime) -> Judgement {
        let mut findings = Findings::default();
        let verdict = match self.weigh(Case { request, known, now }, &mut findings) {
            Ok(permit) => Verdict::Permit(permit),
            Err(Stop::Deny(denial)) => Verdict::Deny(denial),
            Err(Stop::Ask(question)) => Verdict::Ask(question),
        };
        Judgement { verdict, findings }
    }

    /// The order of checks: route, peer, certificate, token, proof, binding, policy, consent, registration. The first that fails
    /// answers. A registration is last, because it is used with that: one that is refused for another reason is not spent.
    ///
    /// What the route does not demand is not judged, with two exceptions: a token that is judged and says it is bound is
    /// held to that, or a stolen token would do on every route that asks for less. The certificate that it names is judged
    /// before its proof. And a registration whose subject is compared with the certificate's has that judged.
    fn weigh(&self, case: Case<'_>, found: &mut Findings) -> Result<Permit, Stop> {
        let Case { request, now, .. } = case;
        let (place, route) = self.routes.find(request.path, request.method)?;
        found.route = Some((place, Arc::clone(route)));
        found.peer = Some(self.peers.admit(request.connection, request.asserted, now)?);
        let demands = route.demands(request.method);
        if demands.certificate {
            self.certificate(case, found)?;
        }
        if demands.token {
            let bearer = BearerToken::read(request.headers, self.binding.proof.is_some())?;
            let token = self.token(bearer, case, found)?;
            if token.confirmations().next().is_some() {
                self.certificate(case, found)?;
            }
            self.proof(bearer, &token, demands.binding, case, found)?;
            self.bind(&token, demands.binding, case, found)?;
        }
        found.authorized = Some(route.authorize(found.certificate.as_deref(), found.token.as_ref())?);
        if route.consent {
            self.consent(route, case, found)?;
        }
        if let Kind::Registration { .. } = route.kind {
            self.registration(route, case, found)?;
        }
        Permit::grant(route, request.method, found).map_err(Stop::Deny)
    }

    /// The client's certificate, judged once a request: path, revocation, qualification.
    fn certificate(&self, case: Case<'_>, found: &mut Findings) -> Result<(), Stop> {
        let Case { request, known, now } = case;
        if found.certificate.is_some() {
            return Ok(());
        }
        let peer = found.peer.unwrap_or(Err("nobody has looked at the peer"));
        let forwarded = ForwardedCert::read(peer, request.asserted, request.connection, &self.source)?;
        let (lookup, verified) = self.certificates.verify(&forwarded, now);
        found.lookups.certificate = Some(lookup);
        let certificate = found.shown.insert(verified?);
        let told = |about: &Issued| known.told_of(about);
        let cleared = match self.revocation.clear(certificate, known.revocations, told, now) {
            Ok(cleared) => cleared,
            Err(ClearStop::Deny(denial, grounds)) => {
                found.grounds = grounds;
                return Err(Stop::Deny(denial));
            }
            Err(ClearStop::Ask(about)) => return Err(Stop::Ask(Question::Revocation(about))),
        };
        found.grounds = Some(cleared.grounds());
        let qualified = self.eidas.admit(certificate.qualification())?;
        found.certificate = Some(Admitted::new(certificate.clone(), cleared, qualified));
        Ok(())
    }

    fn token(&self, bearer: BearerToken<'_>, case: Case<'_>, found: &mut Findings) -> Result<AccessToken, Stop> {
        let Case { known, now, .. } = case;
        let recall = |inquiry: &Inquiry| known.introspection(inquiry, now);
        let (lookup, verified) = self.issuers.verify(bearer, known.keys, &recall, now);
        found.lookups.token = lookup;
        match verified {
            Ok(token) => Ok(found.token.insert(token).clone()),
            Err(TokenStop::UnknownKey { issuer, kid }) if known.asked_for_keys(issuer) => {
                Err(Stop::Deny(Denial::TokenKeyUnknown { why: "no key of the issuer fits, after a refresh", kid }))
            }
            Err(TokenStop::UnknownKey { issuer, .. }) => Err(Stop::Ask(Question::Keys { issuer })),
            Err(TokenStop::Ask(inquiry)) => Err(Stop::Ask(Question::Introspection(inquiry))),
            Err(TokenStop::Deny(denial)) => Err(Stop::Deny(denial)),
        }
    }

    /// The proof that a token bound to a key comes with, verified once a request.
    ///
    /// A token that is not bound to a key has nothing to prove: presented as if it were, it is refused (RFC 9449, section
    /// 7.1), because whoever stole it could make a proof with a key of their own. One that its issuer calls a DPoP token is
    /// refused without a proof, though it leaves out of which key.
    fn proof(
        &self,
        bearer: BearerToken<'_>,
        token: &AccessToken,
        demanded: bool,
        case: Case<'_>,
        found: &mut Findings,
    ) -> Result<(), Stop> {
        let Case { request, known, now } = case;
        let (rules, _) = match (self.binding.key(token)?, bearer.scheme()) {
            (None, Scheme::Bearer) if self.binding.proof.is_some() && token.is_proven_by_key() => {
                return Err(Stop::Deny(Denial::ProofMissing));
            }
            (None, Scheme::Bearer) => return Ok(()),
            // The token is at fault, and not its proof: the binding that is demanded will be missed.
            (None, Scheme::DPoP) if demanded && token.confirmations().next().is_none() => return Ok(()),
            (None, Scheme::DPoP) => {
                let why = "the token is not bound to the key of a proof";
                return Err(Stop::Deny(Denial::ProofInvalid { why, nonce: None }));
            }
            (Some(_), Scheme::Bearer) => return Err(Stop::Deny(Denial::ProofMissing)),
            (Some(bound), Scheme::DPoP) => bound,
        };
        let proof = match known.proof {
            Some(proof) => proof.clone(),
            None => {
                let origin = self.origin.of(request, self.source.voucher(found.trusted_peer()))?;
                let called = Called { method: request.method, origin: &origin, path: request.path.as_str() };
                rules.verify(request.headers, called, bearer, now)?
            }
        };
        found.proof = Some(proof);
        Ok(())
    }

    /// Holds the token to each confirmation in it, and a proof to its only use.
    ///
    /// The proof is used last: one that is refused here for another reason is not spent. What comes after the binding, policy,
    /// consent, and registration, finds it spent, and the client makes another.
    fn bind(&self, token: &AccessToken, demanded: bool, case: Case<'_>, found: &mut Findings) -> Result<(), Stop> {
        let Case { known, .. } = case;
        if demanded && found.proof.is_none() {
            self.certificate(case, found)?;
        }
        found.binding = self.binding.prove(token, found.certificate.as_deref(), found.proof.as_ref())?;
        if demanded && found.binding.is_none() {
            return Err(Stop::Deny(Denial::BindingMissing { why: token.unbound() }));
        }
        let Some(proof) = &found.proof else { return Ok(()) };
        match known.used(proof.single_use()) {
            None => Err(Stop::Ask(Question::Use(*proof.single_use()))),
            Some(Use::First) => {
                found.first_use = Some(FirstUse(()));
                Ok(())
            }
            Some(Use::Again) => Err(Stop::Deny(Denial::ProofReplayed)),
            Some(Use::NoRoom) => Err(Stop::Deny(Denial::Overloaded)),
            Some(Use::Unknown) => {
                let why = "whether it was used before cannot be found out now";
                Err(Stop::Deny(Denial::ProofInvalid { why, nonce: None }))
            }
        }
    }

    /// A request to register is verified whole; one about a client that is registered comes from that client.
    ///
    /// The certificate is judged before, wherever its subject has to say who is registered.
    fn registration(&self, route: &Route, case: Case<'_>, found: &mut Findings) -> Result<(), Stop> {
        let Case { request, known, now } = case;
        if route.manages(request.method) {
            let client = found.token.as_ref().and_then(|token| token.claims().client_id());
            found.own_registration = Some(route.admit_client(request.path, client)?);
        }
        if !registers(request.method) {
            return Ok(());
        }
        let why = "registrations are not configured";
        let rules = self.registration.as_ref().ok_or(RegistrationError::InvalidClientMetadata.refusal(why))?;
        if rules.subject != SubjectRule::Off {
            self.certificate(case, found)?;
        }
        let body = known.body().ok_or(Stop::Ask(Question::Body))?;
        found.registration = Some(rules.verify(body, found.certificate.as_deref(), known, now)?);
        Ok(())
    }

    /// The consent that the token names covers this request, as the service says now.
    fn consent(&self, route: &Route, case: Case<'_>, found: &mut Findings) -> Result<(), Stop> {
        let Case { request, known, .. } = case;
        let token = found.token.as_ref().ok_or(Denial::ConsentMissing)?;
        let id = found.consent_id.insert(Arc::clone(Consent::named_by(token)?));
        let mut question = ConsentRequest::about(id, token, route, request.method, request.path);
        if self.consent_reads_body {
            question.body = Some(known.body().ok_or(Stop::Ask(Question::Body))?.clone());
        }
        match known.consent(&question) {
            Some(answer) => found.consent = Some(Consent::from_answer(id, answer)?),
            None => return Err(Stop::Ask(Question::Consent(Arc::new(question)))),
        }
        Ok(())
    }
}

/// Whether a request with this method can change what is registered, so that its body is verified: PUT (RFC 7592, section 2.2)
/// and whatever else an authorization server may take for it.
fn registers(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::DELETE | Method::OPTIONS)
}

impl Permit {
    /// Holds what was found against what the route demands once more, so that a check left out above can only refuse.
    fn grant(route: &Route, method: &Method, found: &Findings) -> Result<Self, Denial> {
        let demands = route.demands(method);
        if found.peer.is_none() {
            return Err(Denial::PeerUntrusted { why: "not judged" });
        }
        if demands.certificate && found.certificate.is_none() {
            return Err(Denial::CertificateMissing { why: "not judged" });
        }
        if demands.token && found.token.is_none() {
            return Err(Denial::TokenMissing { why: "not judged" });
        }
        if demands.binding && found.binding.is_none() {
            return Err(Denial::BindingMissing { why: "not judged" });
        }
        if found.proof.is_some() && found.first_use.is_none() {
            return Err(Denial::ProofReplayed);
        }
        if found.authorized.is_none() {
            return Err(Denial::GrantWrong);
        }
        if route.manages(method) && found.own_registration.is_none() {
            return Err(Denial::ClientMismatch);
        }
        let registers = matches!(route.kind, Kind::Registration { .. }) && registers(method);
        if registers && found.registration.is_none() {
            return Err(RegistrationError::InvalidClientMetadata.refusal("not judged"));
        }
        if route.consent && found.consent.is_none() {
            return Err(Denial::ConsentUnavailable);
        }
        Ok(Self(()))
    }
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Deny(denial)
    }
}

impl From<RegistrationStop> for Stop {
    fn from(stop: RegistrationStop) -> Self {
        match stop {
            RegistrationStop::Deny(denial) => Self::Deny(denial),
            RegistrationStop::Keys(at) => Self::Ask(Question::KeysAt(at)),
            RegistrationStop::NewerKeys(at) => Self::Ask(Question::NewerKeysAt(at)),
            RegistrationStop::Use(what) => Self::Ask(Question::Use(what)),
        }
    }
}

#[cfg(test)]
mod tests;
