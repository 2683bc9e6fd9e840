//! CRL files, read anew when they change.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use rustls_pki_types::UnixTime;
use tokio::{
    sync::Mutex,
    task::spawn_blocking,
    time::{Instant, sleep},
};

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
    /// Of what was read in vain, and when that was.
    vain: Option<(Fingerprint, Instant)>,
    /// What was last said to be wrong: once is enough.
    fault: Option<String>,
    store: Arc<RevocationStore>,
    metrics: Arc<Metrics>,
}

/// What a look at the files came to.
enum Seen {
    /// What the store holds.
    Same,
    /// What was read in vain a moment ago, or what is still being written: a later look decides.
    NotNow,
    New(Fingerprint, io::Result<Vec<UnverifiedCrl>>),
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
        Some(Self { paths: crl_files.clone(), held, vain: None, fault: None, store, metrics })
    }

    /// Looks every few seconds. Never returns.
    pub async fn run(watch: Arc<Mutex<Self>>) {
        loop {
            sleep(PACE).await;
            watch.lock().await.look_again().await;
        }
    }

    /// Reads the files if they changed, all of them. At any fault the store keeps what it has.
    pub async fn look(&mut self) {
        self.vain = None;
        self.look_again().await;
    }

    /// The same, but what was at fault is left alone until it changes, or for a minute: the fault may be one of the moment,
    /// and yet a large list beside it is not to be read all the time.
    async fn look_again(&mut self) {
        let in_vain = self.vain.as_ref().filter(|(_, since)| since.elapsed() < PATIENCE);
        let (paths, held, in_vain) = (self.paths.clone(), self.held.clone(), in_vain.map(|(looks, _)| looks.clone()));
        match spawn_blocking(move || see(&paths, &held, in_vain.as_ref())).await {
            Ok(Seen::Same) => self.calm(),
            Ok(Seen::NotNow) => {}
            Ok(Seen::New(looks, lists)) => {
                if let Err(error) = self.replace(&looks, lists).await {
                    self.complain(error.to_string());
                    self.vain = Some((looks, Instant::now()));
                }
            }
            Err(_) => self.complain("the task that read them failed".to_owned()),
        }
    }

    async fn replace(&mut self, looks: &Fingerprint, lists: io::Result<Vec<UnverifiedCrl>>) -> io::Result<()> {
        let (lists, now, store) = (lists?, UnixTime::now(), Arc::clone(&self.store));
        // Copied by hand, a folder is empty for a moment; kept, a CRL serves until its nextUpdate anyway.
        if lists.is_empty() && store.has_files() {
            return Err(io::Error::other("no CRL is left"));
        }
        let (read, ended) = (lists.len(), lists.iter().filter(|list| list.next_update() < now).count());
        spawn_blocking(move || store.replace_files(CrlFiles::new(lists))).await?;
        tracing::info!(event = "crls_reloaded", lists = read, ended, "CRL files were read anew");
        self.held = looks.clone();
        self.calm();
        Ok(())
    }

    fn calm(&mut self) {
        self.vain = None;
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
fn see(paths: &[PathBuf], held: &Fingerprint, in_vain: Option<&Fingerprint>) -> Seen {
    let before = Fingerprint::of(paths);
    if before == *held {
        return Seen::Same;
    }
    if in_vain == Some(&before) {
        return Seen::NotNow;
    }
    let lists = revocation::crls(paths);
    if Fingerprint::of(paths) == before { Seen::New(before, lists) } else { Seen::NotNow }
}

/// A changed file is used within 5 s: one second of them to read it.
const PACE: Duration = Duration::from_secs(4);
/// How long files that were read in vain are left alone if they do not change.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
