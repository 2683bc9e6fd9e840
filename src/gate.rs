//! The order of checks.

use std::sync::Arc;

use http::{HeaderMap, Method};
use rustls_pki_types::UnixTime;

use crate::{
    binding::Binding,
    certificate::{Certificates, ClientCertificate, ForwardedCert, forwarded::Source},
    denial::Denial,
    headers::Asserted,
    lookup::Lookup,
    peer::{Connection, TrustedPeer, TrustedPeers},
    route::{RequestPath, Route, Routes},
    token::{AccessToken, BearerToken, Issuers, KeyRing, verify::TokenStop},
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
    /// Which tokens are believed.
    pub issuers: Issuers,
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
    /// The exact path that will be forwarded.
    pub path: RequestPath<'a>,
}

/// What the shell has learned from outside.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The issuers' keys.
    pub keys: &'a KeyRing,
    /// Questions that were answered for this request and are not asked again.
    pub answered: &'a [Question],
}

/// What the shell has to find out before the gate can say more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Question {
    /// Fetch the keys of this issuer anew: a token names a key that is not among them.
    Keys {
        /// Index into [`Issuers::issuers`].
        issuer: usize,
    },
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
    /// Whether the connection comes from a trusted load balancer.
    pub peer: Option<TrustedPeer>,
    /// The certificate, once verified.
    pub certificate: Option<ClientCertificate>,
    /// How the certificate was found.
    pub certificate_lookup: Option<Lookup>,
    /// The token, once verified.
    pub token: Option<AccessToken>,
    /// How the token's signature was found.
    pub token_lookup: Option<Lookup>,
    /// Whether the token is bound to the certificate.
    pub binding: Option<Binding>,
}

/// A verdict, and what was found on the way.
#[derive(Debug)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// What was believed.
    pub findings: Findings,
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
        let verdict = match self.weigh(request, known, now, &mut findings) {
            Ok(permit) => Verdict::Permit(permit),
            Err(Stop::Deny(denial)) => Verdict::Deny(denial),
            Err(Stop::Ask(question)) => Verdict::Ask(question),
        };
        Judgement { verdict, findings }
    }

    /// The order of checks: route, peer, certificate, token, binding, policy. The first that fails answers.
    ///
    /// What the route does not demand is not judged, with one exception: a token that is judged and says it is bound is
    /// held to that, or a stolen token would do on every route that asks for less.
    fn weigh(
        &self,
        request: &Inbound<'_>,
        known: &Known<'_>,
        now: UnixTime,
        found: &mut Findings,
    ) -> Result<Permit, Stop> {
        let (place, route) = self.routes.find(request.path, request.method)?;
        found.route = Some((place, Arc::clone(route)));
        found.peer = self.peers.admit(request.connection, request.asserted, now)?;
        if route.demands.certificate {
            self.certificate(request, now, found)?;
        }
        if route.demands.token {
            let token = self.token(request, known, now, found)?;
            if route.demands.binding || token.claims().confirmation().is_some() {
                let certificate = self.certificate(request, now, found)?;
                found.binding = Some(Binding::prove(&certificate, &token)?);
            }
            route.authorize(&token)?;
        }
        Permit::grant(route, found).map_err(Stop::Deny)
    }

    /// The client's certificate, judged once a request.
    fn certificate(
        &self,
        request: &Inbound<'_>,
        now: UnixTime,
        found: &mut Findings,
    ) -> Result<ClientCertificate, Stop> {
        if let Some(certificate) = &found.certificate {
            return Ok(certificate.clone());
        }
        let forwarded = ForwardedCert::read(found.peer, request.asserted, request.connection, &self.source)?;
        let (lookup, verified) = self.certificates.verify(&forwarded, now);
        found.certificate_lookup = Some(lookup);
        Ok(found.certificate.insert(verified?).clone())
    }

    fn token(
        &self,
        request: &Inbound<'_>,
        known: &Known<'_>,
        now: UnixTime,
        found: &mut Findings,
    ) -> Result<AccessToken, Stop> {
        let bearer = BearerToken::read(request.headers)?;
        let (lookup, verified) = self.issuers.verify(bearer, known.keys, now);
        found.token_lookup = lookup;
        match verified {
            Ok(token) => Ok(found.token.insert(token).clone()),
            Err(TokenStop::UnknownKey { issuer }) => Err(known.ask(Question::Keys { issuer })),
            Err(TokenStop::Deny(denial)) => Err(Stop::Deny(denial)),
        }
    }
}

impl Permit {
    /// Holds what was found against what the route demands once more, so that a check left out above can only refuse.
    fn grant(route: &Route, found: &Findings) -> Result<Self, Denial> {
        let demands = route.demands;
        if demands.certificate && found.certificate.is_none() {
            return Err(Denial::CertificateMissing);
        }
        if demands.token && found.token.is_none() {
            return Err(Denial::TokenMissing { why: "not judged" });
        }
        if demands.binding && found.binding.is_none() {
            return Err(Denial::BindingMissing);
        }
        Ok(Self(()))
    }
}

impl Known<'_> {
    /// Asks, unless that was answered before: then what is known is all there is to know.
    fn ask(&self, question: Question) -> Stop {
        if !self.answered.contains(&question) {
            return Stop::Ask(question);
        }
        match question {
            Question::Keys { .. } => {
                Stop::Deny(Denial::TokenKeyUnknown { why: "no key of the issuer fits, after a refresh" })
            }
        }
    }
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Deny(denial)
    }
}

#[cfg(test)]
mod tests;
