//! Real load balancers end mutual TLS in front of the real binary, each with its configuration from `examples/`.
//! A real Prometheus watches it.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests state what they need")]

#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests ask more of the stage set")]
mod support;

mod apache;
mod caddy;
mod cases;
mod envoy;
mod haproxy;
mod nginx;
mod prometheus;
mod smuggling;
mod traefik;
