//! Connections that came to no request.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// Counts connections to the data listener that came to no request. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct LostConnections {
    refused: Counter,
    failed: Family<At, Counter>,
}

/// Where a connection failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// The operating system did not hand it over.
    Accept,
    /// In the place of its PROXY header there was something else.
    ProxyHeader,
    /// Its handshake.
    Tls,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct At {
    stage: &'static str,
}

impl LostConnections {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let lost = Self::default();
        let refused = "Connections closed over max_connections";
        registry.register("certbound_connections_refused", refused, lost.refused.clone());
        let failed = "Connections that failed before their first request";
        registry.register("certbound_connections_failed", failed, lost.failed.clone());
        for stage in [Stage::Accept, Stage::ProxyHeader, Stage::Tls] {
            // From the start, so that the first failure is an increase.
            drop(lost.failed.get_or_create(&At { stage: stage.name() }));
        }
        lost
    }

    /// One was closed because there were too many.
    pub fn refused(&self) {
        self.refused.inc();
    }

    /// One failed.
    pub fn failed(&self, stage: Stage) {
        self.failed.get_or_create(&At { stage: stage.name() }).inc();
    }

    /// How many were refused.
    #[cfg(test)]
    pub(crate) fn count_refused(&self) -> u64 {
        self.refused.get()
    }

    /// How many failed there.
    #[cfg(test)]
    pub(crate) fn count_failed(&self, stage: Stage) -> u64 {
        self.failed.get_or_create(&At { stage: stage.name() }).get()
    }
}

impl Stage {
    /// Its word in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::ProxyHeader => "proxy_header",
            Self::Tls => "tls",
        }
    }
}
