//! What may be used once: how often it was.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::Outcome;
use crate::token::Use;

/// Counts whether proofs and registrations were used before, once for each that was asked about.
pub(super) struct SingleUses {
    first: Counter,
    again: Counter,
    unknown: Counter,
}

impl SingleUses {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let family = Family::<Outcome, Counter>::default();
        registry.register(
            "certbound_single_uses",
            "Proofs and registrations, by whether they were used before",
            family.clone(),
        );
        let counter = |result| family.get_or_create_owned(&Outcome { result });
        Self { first: counter("first"), again: counter("again"), unknown: counter("unknown") }
    }

    pub(super) fn count(&self, used: Use) {
        let counter = match used {
            Use::First => &self.first,
            Use::Again => &self.again,
            Use::Unknown | Use::NoRoom => &self.unknown,
        };
        counter.inc();
    }
}
