//! The only code that names Pingora: it takes requests in, asks the gate, and passes on what the gate permits.

pub mod activity;
pub mod admin;
pub mod answers;
mod backend;
mod body;
pub mod exchange;
mod framing;
pub mod health;
mod inbound;
mod interaction;
pub mod listen;
mod outbound;
pub mod request_line;
mod respond;
pub mod serve;
pub mod service;
mod token_endpoint;
mod websocket;

use std::sync::Arc;

use crate::{
    config::Settings,
    observe::{AuditLog, Metrics},
    proxy::{activity::Activity, answers::Outside},
};

/// What every request needs, shared by all of them.
pub struct World {
    /// The configuration, the gate in it.
    pub settings: Settings,
    /// What is learned from elsewhere.
    pub outside: Outside,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The audit log.
    pub audit: AuditLog,
    /// Requests and connections under way, and whether the process drains.
    pub activity: Activity,
}
