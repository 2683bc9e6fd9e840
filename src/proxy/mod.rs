//! The only code that names Pingora: it takes requests in, asks the gate, and passes on what the gate permits.

pub mod admin;
mod backend;
pub mod exchange;
mod framing;
mod inbound;
mod interaction;
pub mod listen;
mod outbound;
pub mod request_line;
mod respond;
pub mod service;
mod websocket;

use std::sync::Arc;

use crate::{
    config::Settings,
    observe::{AuditLog, Metrics},
    outside::KeyStore,
};

/// What every request needs, shared by all of them.
pub struct World {
    /// The configuration, the gate in it.
    pub settings: Settings,
    /// The issuers' keys.
    pub keys: Arc<KeyStore>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The audit log.
    pub audit: AuditLog,
    /// Requests under way and whether the process drains.
    pub activity: Activity,
}

/// How many requests are under way, and whether new ones are still welcome.
#[derive(Debug, Default)]
pub struct Activity {
    // atomics and a Notify; owned by listen.rs's author
}
