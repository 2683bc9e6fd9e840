//! Connections that come to no request: no audit line tells of them, so they are counted, and said now and then.

use std::{io, net::IpAddr};

use tracing::field::display;

use crate::observe::{
    Throttle,
    metrics::connections::{LostConnections, Stage},
};

/// Counts lost connections, and warns of each kind at most once in ten seconds.
pub(super) struct Losses {
    lost: LostConnections,
    accept: Throttle,
    proxy_header: Throttle,
    tls: Throttle,
}

/// Why a connection came to no request.
#[derive(Debug)]
pub(super) struct Loss {
    /// None: nothing came at all, or nothing after what was agreed. A port that is probed looks so, and nobody minds.
    pub(super) stage: Option<Stage>,
    pub(super) error: io::Error,
}

impl Losses {
    /// Counted by `lost`.
    pub(super) fn new(lost: LostConnections) -> Self {
        Self { lost, accept: Throttle::default(), proxy_header: Throttle::default(), tls: Throttle::default() }
    }

    /// One was closed because there were too many.
    pub(super) fn refused(&self) {
        self.lost.refused();
    }

    /// One was not handed over.
    pub(super) fn not_accepted(&self, error: &io::Error) {
        self.lost.failed(Stage::Accept);
        if self.accept.is_due() {
            tracing::warn!(event = "accept_failed", error = %error, "connections cannot be taken");
        }
    }

    /// One from `peer` was taken and came to nothing.
    pub(super) fn failed(&self, peer: Option<IpAddr>, loss: &Loss) {
        let due = loss.stage.is_some_and(|stage| {
            self.lost.failed(stage);
            self.of(stage).is_due()
        });
        let (peer, error, stage) = (peer.map(display), &loss.error, loss.stage.map(Stage::name));
        if due {
            tracing::warn!(event = "connection_failed", stage, peer, error = %error, "a connection came to no request");
        } else {
            tracing::debug!(event = "connection_failed", stage, peer, error = %error, "a connection came to no request");
        }
    }

    fn of(&self, stage: Stage) -> &Throttle {
        match stage {
            Stage::Accept => &self.accept,
            Stage::ProxyHeader => &self.proxy_header,
            Stage::Tls => &self.tls,
        }
    }
}
