//! Whatever the spelling, the place, the protocol, the peer, and the route: the bank never sees a byte that was forged
//! under an identity name.
//!
//! `CERTBOUND_SPOOF_ROUNDS=60` sends ten times as much; `CERTBOUND_SPOOF_SEED` sends the same again.

pub(crate) mod chance;
pub(crate) mod names;
mod plan;
mod stage;

use std::collections::BTreeSet;

use self::{
    chance::Chance,
    plan::{Case, Kind, Peer, Place, Protocol},
    stage::{BODY, Stage, holds},
};
use crate::support::connection::Answer;

#[test]
fn nothing_forged_reaches_the_bank_in_any_spelling_place_protocol_or_route() {
    let (mut stage, sidecars) = Stage::set();
    let rounds = chance::number("CERTBOUND_SPOOF_ROUNDS").unwrap_or(ROUNDS);
    let cases = plan::cases(rounds, &mut Chance::new());
    let mut passed = BTreeSet::new();

    for case in &cases {
        let answer = stage.send(case, &sidecars);
        if stage.judge(case, &answer) && case.peer == Peer::Balancer {
            passed.insert((case.kind, case.protocol));
        }
    }

    // A gate that refuses everything would keep all of it away as well.
    for kind in Kind::ALL {
        for protocol in [Protocol::Http1, Protocol::H2c, Protocol::H2] {
            assert!(passed.contains(&(kind, protocol)), "nothing passed {kind:?} over {protocol:?}");
        }
    }
}

impl Stage {
    /// Holds the answer and what the bank saw to what has to become of `case`, and says whether it passed.
    fn judge(&self, case: &Case, answer: &Answer) -> bool {
        let seen = self.bank.take();
        assert!(!seen.iter().any(|seen| holds(seen, &case.marker)), "{case:?} reached the bank: {seen:?}");
        let text = String::from_utf8_lossy(&answer.body);
        if let Some(code) = case.refusal() {
            assert!((400..500).contains(&answer.status), "{case:?}: {} {text}", answer.status);
            // Some routes answer in OAuth's form, which has no code of certbound's.
            assert!(answer.code().is_empty() || answer.code() == code, "{case:?}: {text}");
            assert!(seen.is_empty(), "{case:?} was refused, and yet the bank saw {seen:?}");
            return false;
        }
        assert_eq!(answer.status, if case.upgrades() { 101 } else { 200 }, "{case:?}: {text}");
        let [seen] = seen.as_slice() else { panic!("{case:?}: the bank saw {seen:?}") };
        let mut identity = seen.identity();
        identity.retain(|(name, _)| name != "upgrade" && !name.starts_with("sec-websocket-"));
        assert_eq!(identity, self.written(case), "{case:?}");
        assert!(seen.trailers.0.is_empty(), "{case:?}: {:?}", seen.trailers);
        assert_eq!(seen.body, if case.place == Place::Trailer { BODY.as_bytes() } else { b"" }, "{case:?}");
        true
    }
}

/// Some six thousand requests.
const ROUNDS: u64 = 6;
