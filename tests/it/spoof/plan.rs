//! What is sent, and what has to become of it.

use super::{
    chance::Chance,
    names::{self, folded},
};
use crate::support::connection::CERTIFICATE_HEADER;

/// One request with one forged name.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: String,
    /// No other request has this value.
    pub(super) marker: String,
    pub(super) place: Place,
    pub(super) protocol: Protocol,
    pub(super) peer: Peer,
    pub(super) kind: Kind,
    /// Whether the forged field stands before the load balancer's own.
    pub(super) first: bool,
}

/// Where in the request the name stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    Field,
    TwoFields,
    Trailer,
    /// As a field, and as an option of `Connection`, which HTTP/2 does not have.
    Connection,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Protocol {
    Http1,
    H2c,
    H2,
}

/// Who sends it, and what becomes of a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Peer {
    Balancer,
    Stranger,
    /// A stranger to a certbound that only reports what it would refuse.
    Reported,
}

impl Peer {
    pub(super) const ALL: [Self; 3] = [Self::Balancer, Self::Stranger, Self::Reported];
}

/// What the route demands before it forwards.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Kind {
    Open,
    Certificate,
    Token,
    Binding,
    TokenEndpoint,
    Registration,
    WebSocket,
    Consent,
}

impl Kind {
    pub(super) const ALL: [Self; 8] = [
        Self::Open,
        Self::Certificate,
        Self::Token,
        Self::Binding,
        Self::TokenEndpoint,
        Self::Registration,
        Self::WebSocket,
        Self::Consent,
    ];

    /// Whether a certificate is judged there, and then written for the bank.
    pub(super) fn judges_certificates(self) -> bool {
        !matches!(self, Self::Open | Self::Token)
    }
}

impl Case {
    /// The refusal that has to come; none: it passes.
    pub(super) fn refusal(&self) -> Option<&'static str> {
        if self.place == Place::Connection {
            return Some("request_malformed");
        }
        if !self.kind.judges_certificates() || self.peer == Peer::Reported {
            return None;
        }
        let read = |name: &str| self.place != Place::Trailer && self.name.eq_ignore_ascii_case(name);
        // Two secrets prove nothing.
        if self.peer == Peer::Stranger || read(SECRET_HEADER) {
            return Some("certificate_missing");
        }
        read(CERTIFICATE_HEADER).then_some("certificate_repeated")
    }

    /// Whether the connection is a tunnel afterwards.
    pub(super) fn upgrades(&self) -> bool {
        self.kind == Kind::WebSocket && self.protocol == Protocol::Http1 && self.place != Place::Trailer
    }
}

/// So many rounds; in each every name stands in every place of every protocol, in a spelling that chance picks. Peers
/// and routes take turns, so that a few rounds lead each name to each kind of route several times.
pub(super) fn cases(rounds: u64, chance: &mut Chance) -> Vec<Case> {
    let ways: Vec<(Protocol, Place)> = [Protocol::Http1, Protocol::H2c, Protocol::H2]
        .into_iter()
        .flat_map(|protocol| [Place::Field, Place::TwoFields, Place::Trailer].map(|place| (protocol, place)))
        .chain([(Protocol::Http1, Place::Connection)])
        .collect();
    let mut cases = Vec::new();
    for _ in 0..rounds {
        for name in names::all() {
            let mut turn = chance.below(Kind::ALL.len());
            for (protocol, place) in &ways {
                turn += 1;
                let name = names::spelled(&name, chance);
                let marker = format!("forged-{:016x}-{}", chance.next(), cases.len());
                let kind = Kind::ALL[turn % Kind::ALL.len()];
                // Fewer strangers than friends: most of what a stranger sends is refused for that alone.
                let peer = chance.of(&[Peer::Balancer, Peer::Balancer, Peer::Stranger, Peer::Reported]);
                let first = chance.below(2) == 0;
                cases.push(Case { name, marker, place: *place, protocol: *protocol, peer, kind, first });
            }
        }
    }
    cases
}

#[test]
fn plan_leads_every_name_through_every_place_and_is_the_same_for_the_same_seed() {
    let planned = |seed| cases(2, &mut Chance::from_seed(seed));
    let (cases, again) = (planned(7), planned(7));
    assert!(cases.len() > 1800);
    for name in names::all() {
        let of_name: Vec<_> = cases.iter().filter(|case| folded(&case.name) == folded(&name)).collect();
        for place in [Place::Field, Place::TwoFields, Place::Trailer, Place::Connection] {
            assert!(of_name.iter().any(|case| case.place == place), "{name}");
        }
        assert!(Kind::ALL.iter().all(|kind| of_name.iter().any(|case| case.kind == *kind)), "{name}");
    }
    assert!(cases.iter().zip(&again).all(|(one, other)| one.marker == other.marker && one.name == other.name));
}

/// Of the load balancer.
pub(super) const SECRET_HEADER: &str = "X-LB-Auth";
