//! Sockets: bound early and loudly, accepted, drained.

use std::sync::Arc;

use crate::peer::Connection;

/// What is known of the connection that `session` came on.
pub fn connection_of(session: &pingora::proxy::Session) -> Option<Arc<Connection>> {
    let _ = session;
    None
}
