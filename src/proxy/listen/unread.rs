//! Requests that Pingora cannot read: it would answer them in words of its own, and nobody would hear of them.

use std::{fmt, sync::Arc};

use crate::peer::Connection;

/// Refuses a request on this connection, records that, and says what is to be written: a whole answer of HTTP/1.1, which
/// ends the connection. Told whether the header section is too large.
#[derive(Clone)]
pub struct Unread(Arc<Refusing>);

type Refusing = dyn Fn(&Arc<Connection>, bool) -> Vec<u8> + Send + Sync;

/// What is still to be written of such an answer.
#[derive(Debug)]
pub(super) struct Answer {
    bytes: Vec<u8>,
    written: usize,
}

impl Unread {
    /// By this function.
    pub fn new(refuse: impl Fn(&Arc<Connection>, bool) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self(Arc::new(refuse))
    }

    pub(super) fn answer(&self, connection: &Arc<Connection>, too_large: bool) -> Answer {
        Answer { bytes: (self.0)(connection, too_large), written: 0 }
    }
}

impl Answer {
    /// Empty when all is written.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    pub(super) fn was_written(&mut self, more: usize) {
        self.written = self.written.saturating_add(more);
    }
}

impl fmt::Debug for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unread")
    }
}
