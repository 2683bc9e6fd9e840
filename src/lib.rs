//! certbound proves that an access token is bound to the client certificate which a load balancer forwards (RFC 8705),
//! and lets nothing else through.
//!
//! The modules stand in reading order, and each uses only modules above it.
//! From `encoding` to [`gate`] everything is pure: no socket, no file, no clock, no async, no Pingora.

mod encoding;

pub mod thumbprint;

pub mod validity;

mod second;

pub mod quoted;

pub mod host;

pub mod denial;

pub mod dialect;

pub mod lookup;

mod memory;

pub mod headers;

pub mod peer;

pub mod certificate;

pub mod token;

pub mod binding;

pub mod route;

pub mod consent;

pub mod registration;

pub mod gate;

pub mod config;

pub mod explain;

#[cfg(feature = "proxy")]
pub mod observe;

#[cfg(feature = "proxy")]
pub mod outside;

#[cfg(feature = "proxy")]
pub mod refresh;

#[cfg(feature = "proxy")]
pub mod proxy;

#[cfg(feature = "proxy")]
pub mod cli;

pub use rustls_pki_types::UnixTime;
