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
    /// left alone, but not for long, since one may be written without end. What they look like then is the new state.
    pub async fn changed(&mut self) {
        let (mut before, mut restless) = (self.seen.clone(), 0);
        loop {
            sleep(PACE).await;
            let now = look(&self.seen).await;
            restless = if now == before { 0 } else { restless + 1 };
            if now != self.seen && (now == before || restless >= PATIENCE) {
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

/// A change is applied within 5 s: two looks, at most three, and time to read.
const PACE: Duration = Duration::from_secs(1);
/// So many looks after each other that see a change.
const PATIENCE: u32 = 3;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests state what they need")]
mod tests {
    use std::fs;

    use tokio::time::Instant;

    use super::*;

    /// After how long a change is seen of a file that is written every so many milliseconds, so many times.
    async fn seen_after(pause: u64, times: usize) -> Duration {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let begun = Instant::now();
        let mut watch = Watch::new(Fingerprint::of(std::slice::from_ref(&file)));
        let writing = tokio::spawn(async move {
            for length in 1..=times {
                fs::write(&file, "x".repeat(length)).unwrap();
                sleep(Duration::from_millis(pause)).await;
            }
        });
        watch.changed().await;
        writing.abort();
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn file_is_left_alone_until_it_has_come_to_rest_or_is_written_without_end() {
        assert_eq!(seen_after(1, 1).await.as_secs(), 2);
        assert_eq!(seen_after(600, 2).await.as_secs(), 2);
        assert_eq!(seen_after(600, 3).await.as_secs(), 3);
        assert_eq!(seen_after(600, 1000).await.as_secs(), 3);
    }
}
