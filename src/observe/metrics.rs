//! Counters and histograms for Prometheus. Labels are bounded: route templates, never paths, subjects, or token ids.

use crate::{config::Settings, observe::Record};

/// Every metric of certbound.
pub struct Metrics {}

impl Metrics {
    /// Registers everything; what depends on configuration (routes, issuers, anchors, mode) is resolved here, once, so
    /// that the hot path only adds to atomics.
    pub fn new(settings: &Settings) -> Self {
        todo!()
    }

    /// Counts a finished request: decision, durations, cache look-ups.
    pub fn record(&self, record: &Record) {
        todo!()
    }

    /// Counts an identity header that was taken out, by its folded name.
    pub fn stripped(&self, header: &'static str) {
        todo!()
    }

    /// A request begins; it ends when the guard is dropped.
    pub fn request_begins(&self) -> ActiveRequest {
        todo!()
    }

    /// Notes a successful fetch of an issuer's keys.
    pub fn keys_fetched(&self, issuer: &str) {
        todo!()
    }

    /// Notes an outgoing request: `peer` is `backend`, `jwks`, ...
    pub fn outgoing(&self, peer: &'static str, took: std::time::Duration) {
        todo!()
    }

    /// The text exposition and its content type.
    pub fn encode(&self) -> (String, &'static str) {
        todo!()
    }
}

/// Counts one request as active while it lives.
pub struct ActiveRequest {}
