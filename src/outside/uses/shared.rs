//! What several processes have seen used, kept by a Redis or Valkey server.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use rustls_pki_types::UnixTime;
use tokio::sync::Semaphore;

use crate::{
    config::settings::SharedMemory,
    outside::{
        http::FetchError,
        uses::connection::{Connection, ConnectionError, Server},
    },
    token::SingleUse,
};

/// Asks the server. Every question has a connection of its own while it waits, so none waits for another's timeout.
///
/// A server that forgets, by eviction or in a failover, lets what it forgot be used once more.
pub(super) struct Shared {
    server: Server,
    timeout: Duration,
    /// Connections that nobody uses now, the latest one last.
    kept: Mutex<Vec<Connection>>,
    asking: Semaphore,
}

/// Why the server did not say.
#[derive(Debug, thiserror::Error)]
pub(super) enum SharedError {
    #[error("{0}")]
    Connection(#[from] ConnectionError),
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
}

impl Shared {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// The authorities cannot be used.
    pub(super) fn new(settings: SharedMemory) -> Result<Self, FetchError> {
        let timeout = settings.timeout;
        let (kept, asking) = (Mutex::default(), Semaphore::new(MOST_CONNECTIONS));
        Ok(Self { server: Server::new(settings)?, timeout, kept, asking })
    }

    /// Whether nobody has used it before; from now on somebody has.
    ///
    /// # Errors
    /// The server did not say. It may have remembered all the same.
    pub(super) async fn is_new(&self, what: &SingleUse, now: UnixTime) -> Result<bool, SharedError> {
        let asked = tokio::time::timeout(self.timeout, self.ask(&key(what), lifetime(what, now))).await;
        Ok(asked.map_err(|_| SharedError::TimedOut(self.timeout))??)
    }

    async fn ask(&self, key: &str, milliseconds: u64) -> Result<bool, ConnectionError> {
        let _place = self.asking.acquire().await;
        // Out of the lock before anything is waited for.
        let kept = self.kept.lock().pop();
        if let Some(mut connection) = kept {
            match connection.set_new(key, milliseconds).await {
                // The server has ended it meanwhile, and the others that are kept very likely too.
                Err(ConnectionError::Broken(_)) => self.kept.lock().clear(),
                answer => return self.keep(connection, answer),
            }
        }
        let mut connection = self.server.connect().await?;
        let answer = connection.set_new(key, milliseconds).await;
        self.keep(connection, answer)
    }

    /// Keeps the connection for the next question, unless something is wrong with it.
    fn keep(&self, connection: Connection, answer: Result<bool, ConnectionError>) -> Result<bool, ConnectionError> {
        if answer.is_ok() {
            self.kept.lock().push(connection);
        }
        answer
    }
}

fn key(what: &SingleUse) -> String {
    format!("certbound:used:{}", BASE64_URL_SAFE_NO_PAD.encode(what.digest))
}

/// In milliseconds.
fn lifetime(what: &SingleUse, now: UnixTime) -> u64 {
    let left = what.until.as_secs().saturating_sub(now.as_secs()).saturating_add(CLOCKS_APART);
    left.min(LONGEST_LIFETIME) * 1000
}

/// What has ended by this process's clock may count a little longer by another's, in seconds.
const CLOCKS_APART: u64 = 60;
/// A hundred years, in seconds: the server refuses numbers beyond its own, and nothing lives as long.
const LONGEST_LIFETIME: u64 = 100 * 365 * 24 * 3600;
/// At a time; who finds none free waits, at most for the timeout.
const MOST_CONNECTIONS: usize = 64;
