//! Holds the real binary to what it promises, over real sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests state what they need"
)]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the quickstart and the load balancers ask for more of the stage set")]
mod support;

mod http2;
mod verdict;
mod windows;

mod admin;
mod arrive;
mod audit;
mod audit_chain;
mod backend;
mod binding;
mod boundaries;
mod caches;
mod certificate;
mod check;
mod connection_source;
mod consent;
mod dialects;
mod documents;
mod dpop;
mod drain;
mod examples;
mod expiry;
mod explain;
mod exposure;
mod framing;
mod fuzz;
mod inspect;
mod introspection;
mod issued;
mod lost;
mod metrics;
mod output;
mod overload;
mod packaging;
mod peer;
mod profiles;
mod proxying;
mod qualified;
mod refusals;
mod registration;
mod reload;
mod repeats;
mod replay;
mod report;
mod revocation;
mod routes;
mod schema;
#[cfg(feature = "otel")]
mod spans;
mod spoof;
mod status;
mod streaming;
mod tidy;
mod token;
mod token_cases;
mod token_endpoint;
mod trace_context;
