//! Requests that Pingora cannot read are refused and recorded like all others.

use std::sync::Arc;

use http::HeaderMap;

use crate::{
    denial::Denial,
    observe::record::Decision,
    peer::Connection,
    proxy::{World, interaction::Interaction, respond::Answer},
};

/// Refuses the request that is coming on `connection`, of which nothing is known, and returns the answer as it is written
/// on HTTP/1.1. The connection ends with it.
pub(super) fn refuse(world: &World, connection: &Arc<Connection>, too_large: bool) -> Vec<u8> {
    let mut exchange = world.begin();
    exchange.connection = Some(Arc::clone(connection));
    exchange.slot = world.audit.reserve(&exchange.generation.regime).ok();
    let interaction = exchange.interaction.insert(Interaction::of(&HeaderMap::new()));
    let denial = match too_large {
        true => Denial::HeaderTooLarge { what: "the header section, or its target" },
        false => Denial::RequestMalformed { why: "the header section cannot be read" },
    };
    let errors = &exchange.generation.settings.errors;
    let (status, answer) = Answer { denial: &denial, errors, dialect: errors.dialect, interaction }.written().unzip();
    exchange.decision = Some(Decision::Deny(denial));
    if let Some(record) = exchange.record(status, None) {
        world.record(&mut exchange, &record);
    }
    answer.unwrap_or_default()
}
