//! CRL files, read anew when they change.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use rustls_pki_types::UnixTime;
use tokio::{sync::Mutex, task::spawn_blocking, time::sleep};

use crate::{
    certificate::revocation::crl::UnverifiedCrl,
    config::{fingerprint::Fingerprint, revocation, settings::Revocation},
    observe::Metrics,
    outside::{CrlFiles, RevocationStore},
};

/// The operator's CRL files, and the store that answers out of them.
pub struct CrlWatch {
    paths: Vec<PathBuf>,
    /// Of what the store holds.
    held: Fingerprint,
    /// What was last said to be wrong: once is enough.
    fault: Option<String>,
    store: Arc<RevocationStore>,
    metrics: Arc<Metrics>,
}

/// What a look at the files came to.
enum Seen {
    /// What the store holds.
    Same,
    /// They are still being written: the next look decides.
    Changing,
    New(Fingerprint, Vec<UnverifiedCrl>),
}

impl CrlWatch {
    /// `store` holds what the files of `settings` held when they looked like `held`. None where no file is configured or
    /// nobody asks about revocation.
    pub fn new(
        settings: &Revocation,
        held: Fingerprint,
        store: Arc<RevocationStore>,
        metrics: Arc<Metrics>,
    ) -> Option<Self> {
        let Revocation { methods, crl_files, .. } = settings;
        if methods.is_empty() || crl_files.is_empty() {
            return None;
        }
        Some(Self { paths: crl_files.clone(), held, fault: None, store, metrics })
    }

    /// Looks every few seconds. Never returns.
    pub async fn run(watch: Arc<Mutex<Self>>) {
        loop {
            sleep(PACE).await;
            watch.lock().await.look().await;
        }
    }

    /// Reads the files if they changed, all of them. At any fault the store keeps what it has, and the next look tries
    /// again: the fault may be one of the moment, and a revocation that is not heard of is worse than a file read twice.
    pub async fn look(&mut self) {
        let (paths, held) = (self.paths.clone(), self.held.clone());
        let seen = spawn_blocking(move || see(&paths, &held)).await;
        match seen.unwrap_or_else(|_| Err(io::Error::other("the task that read them failed"))) {
            Ok(Seen::Same) => self.calm(),
            Ok(Seen::Changing) => {}
            // Copied by hand, a folder is empty for a moment; kept, a CRL serves until its nextUpdate anyway.
            Ok(Seen::New(_, lists)) if lists.is_empty() && self.store.has_files() => {
                self.complain("no CRL is left".to_owned())
            }
            Ok(Seen::New(fingerprint, lists)) => self.replace(fingerprint, lists),
            Err(error) => self.complain(error.to_string()),
        }
    }

    fn replace(&mut self, fingerprint: Fingerprint, lists: Vec<UnverifiedCrl>) {
        let now = UnixTime::now();
        let ended = lists.iter().filter(|list| list.next_update() < now).count();
        tracing::info!(event = "crls_reloaded", lists = lists.len(), ended, "CRL files were read anew");
        self.store.replace_files(CrlFiles::new(lists));
        self.held = fingerprint;
        self.calm();
    }

    fn calm(&mut self) {
        if self.fault.take().is_some() {
            self.metrics.configuration.lists_read(true);
        }
    }

    fn complain(&mut self, why: String) {
        if self.fault.as_ref() != Some(&why) {
            self.metrics.configuration.lists_read(false);
            tracing::error!(
                event = "crls_not_reloaded",
                error = why,
                "changed CRL files are not used; the old ones are"
            );
            self.fault = Some(why);
        }
    }
}

/// Blocks.
fn see(paths: &[PathBuf], held: &Fingerprint) -> io::Result<Seen> {
    let before = Fingerprint::of(paths);
    if before == *held {
        return Ok(Seen::Same);
    }
    let lists = revocation::crls(paths);
    if Fingerprint::of(paths) != before {
        return Ok(Seen::Changing);
    }
    Ok(Seen::New(before, lists?))
}

/// A changed file is used within 5 s: one second of them to read it.
const PACE: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests;
