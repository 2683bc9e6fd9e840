//! Everything the audit and access lines say about one request.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::Method;
use uuid::Uuid;

use crate::{config::settings::Mode, denial::Denial, gate::Findings, observe::trace::TraceId};

/// Under which configuration a request was decided.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Regime {
    /// What became of a refusal.
    pub mode: Mode,
    /// The hash of the configuration.
    pub configuration: Arc<str>,
}

/// One request, as it is recorded when it ends. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Record {
    /// Under which configuration it was decided.
    pub regime: Arc<Regime>,
    /// When it arrived.
    pub time: SystemTime,
    /// `x-fapi-interaction-id`.
    pub interaction_id: Uuid,
    /// The peer: the PROXY header's where that is believed, else the TCP peer; none on a Unix socket.
    pub peer: Option<IpAddr>,
    /// The method; none of a request that could not be read.
    pub method: Option<Method>,
    /// What was believed.
    pub findings: Findings,
    /// The status answered; none when the client was gone.
    pub status: Option<u16>,
    /// How it was decided.
    pub decision: Decision,
    /// From arrival to the end of the answer.
    pub duration: Duration,
    /// How long the backend took to its header section.
    pub backend: Option<Duration>,
    /// The trace that it belongs to.
    pub trace: Option<TraceId>,
}

/// How a request was decided.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Forwarded.
    Allow,
    /// Refused.
    Deny(Denial),
    /// Forwarded in report mode, though the gate refused.
    WouldDeny(Denial),
}

impl Decision {
    /// `allow`, `deny`, or `would_deny`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny(_) => "deny",
            Self::WouldDeny(_) => "would_deny",
        }
    }

    /// The refusal.
    pub fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Allow => None,
            Self::Deny(denial) | Self::WouldDeny(denial) => Some(denial),
        }
    }

    /// The refusal's code.
    pub fn reason(&self) -> Option<&'static str> {
        self.denial().map(Denial::code)
    }
}
