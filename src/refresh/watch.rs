//! Files that are looked at every few seconds, and a change of them.

use std::time::Duration;

use tokio::{task::spawn_blocking, time::sleep};

use crate::config::fingerprint::Fingerprint;

/// Files and folders, and what they looked like when they were last read.
pub struct Watch {
    seen: Fingerprint,
}

impl Watch {
    /// Of files and folders that looked like `seen` before they were read.
    ///
    /// Looking often is enough, and needs no file descriptors: it works on network file systems, and it sees Kubernetes swap
    /// a folder behind a symbolic link, which no event on the file itself tells.
    pub fn new(seen: Fingerprint) -> Self {
        Self { seen }
    }

    /// Takes what they look like now for what was read.
    pub async fn look(&mut self) {
        self.seen = look(&self.seen).await;
    }

    /// Returns when they look other than they did, and have not changed between two looks: a file that is being written is
    /// left alone. What they look like then is the new state.
    pub async fn changed(&mut self) {
        let mut before = self.seen.clone();
        loop {
            sleep(PACE).await;
            let now = look(&self.seen).await;
            if now == before && now != self.seen {
                self.seen = now;
                return;
            }
            before = now;
        }
    }
}

/// A task that failed saw nothing new.
async fn look(before: &Fingerprint) -> Fingerprint {
    let looked = before.clone();
    spawn_blocking(move || looked.anew()).await.unwrap_or_else(|_| before.clone())
}

/// A change is applied within 5 s: two looks, and time to read.
const PACE: Duration = Duration::from_secs(1);
