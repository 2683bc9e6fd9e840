//! What can fail, and how.

use std::{fmt, time::Duration};

use crate::support::{
    bank::Bank,
    pki::Pki,
    relay::{Relay, Way},
    sidecar::Sidecar,
};

/// How something fails.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// Nobody listens any more.
    Killed,
    /// Connections are taken, and nothing is answered.
    Hung,
    /// It answers late, and yet in time.
    Slow,
    /// It answers with something else than an answer.
    Corrupt,
}

/// certbound, with one part of what stands around it that can fail.
pub(crate) trait Part: Sync {
    fn sidecar(&self) -> &Sidecar;

    fn bank(&self) -> &Bank;

    /// A request to [`APART`], which has nothing to do with the part.
    fn apart(&self) -> Vec<u8> {
        self.sidecar().get(APART).by(&Pki::get().alice).bytes()
    }

    /// The code of its answer; empty: it passes.
    fn code_apart(&self) -> &'static str {
        ""
    }

    /// A request to [`NEEDING`], which needs an answer of the part that certbound does not know.
    fn needing(&self) -> Vec<u8>;

    /// Whether the part is well before it is struck.
    fn begins_well(&self) -> bool {
        true
    }

    fn strike(&self, fault: Fault);

    fn heal(&self, fault: Fault);
}

/// Sets the stage for one fault; None where a program is not installed.
pub(crate) type Maker = fn(Fault) -> Option<Box<dyn Part>>;

impl Fault {
    pub(crate) const ALL: [Self; 4] = [Self::Killed, Self::Hung, Self::Slow, Self::Corrupt];

    /// The way that it makes a relay go; `nonsense`: what comes in the place of answers.
    pub(crate) fn strike(self, relay: &Relay, nonsense: &[&[u8]]) {
        relay.go(match self {
            Self::Killed => Way::Closed,
            Self::Hung => Way::Silent,
            Self::Slow => Way::Slow(LATE),
            Self::Corrupt => Way::Instead(nonsense.iter().map(|answer| answer.to_vec()).collect()),
        });
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.pad(match self {
            Self::Killed => "Killed",
            Self::Hung => "Hung",
            Self::Slow => "Slow",
            Self::Corrupt => "Corrupt",
        })
    }
}

/// Where requests go that the part has nothing to do with.
pub(crate) const APART: &str = "/apart";
/// Where requests go that need it.
pub(crate) const NEEDING: &str = "/needing";
/// As configured for every part: longer than any answer takes on a busy machine.
pub(crate) const TIMEOUT: &str = r#""2s""#;
/// A part of that.
const LATE: Duration = Duration::from_millis(200);

/// No HTTP, a failure, a page of excuses, and half an answer.
pub(crate) const NO_ANSWERS: [&[u8]; 4] = [
    b"\xff\xfe\x00 nothing that anyone could read \x01\r\n\r\n",
    b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 24\r\n\r\n<html>all is well</html>",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"active\":tr",
];
