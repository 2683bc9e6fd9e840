//! Requests as they might have been, for tests of what is recorded of them.
#![expect(clippy::unwrap_used, reason = "tests state what they need")]

use std::{
    net::Ipv4Addr,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use http::Method;
use uuid::Uuid;

use crate::{
    config::settings::Mode,
    gate::Findings,
    observe::{Record, Regime, record::Decision},
    route::{Demands, Route, Template},
};

pub(super) const TEMPLATE: &str = "/accounts/{AccountId}";

/// Enforcing, under a configuration whose hash is `hash`.
pub(super) fn regime() -> Arc<Regime> {
    Arc::new(Regime { mode: Mode::Enforce, configuration: "hash".into() })
}

/// A request to [`TEMPLATE`] of which nothing was believed.
pub(super) fn record(decision: Decision) -> Record {
    let route = Route::new(Template::parse(TEMPLATE).unwrap(), Demands::default());
    Record {
        regime: regime(),
        time: UNIX_EPOCH + Duration::from_micros(1_795_330_800_123_456),
        interaction_id: Uuid::from_u128(0x93ba_c548_d2de_4546_b106_880a_5018_460d),
        peer: Some(Ipv4Addr::new(10, 0, 0, 7).into()),
        method: Some(Method::GET),
        findings: Findings { route: Some((0, Arc::new(route))), ..Findings::default() },
        status: Some(200),
        decision,
        duration: Duration::from_micros(961),
        backend: Some(Duration::from_micros(900)),
        trace: None,
    }
}
