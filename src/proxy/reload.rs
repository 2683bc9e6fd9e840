//! A changed configuration becomes the next generation, whole or not at all.

use std::{collections::BTreeSet, sync::Arc, time::SystemTime};

use arc_swap::ArcSwapOption;
use rustls_pki_types::UnixTime;
use tokio::{
    sync::Notify,
    task::{JoinError, spawn_blocking},
};

use crate::{
    config::{
        Fault,
        fingerprint::Fingerprint,
        reload::{self, Reloaded},
    },
    observe,
    proxy::{World, listen::Handshake},
    refresh::watch::Watch,
};

/// Reads the configuration anew when it is told to, or when a file of it changed.
pub struct Reloader {
    world: Arc<World>,
    handshake: Arc<Handshake>,
    told: Arc<Notify>,
}

/// What became of the latest attempt.
#[derive(Default)]
pub struct LastReload(ArcSwapOption<Attempt>);

/// One attempt to apply a configuration.
pub struct Attempt {
    /// When.
    pub at: SystemTime,
    /// Why the generation before it stays; empty when it was applied.
    pub faults: Vec<String>,
    /// Keys that wait for a restart.
    pub waiting: Vec<String>,
}

impl LastReload {
    /// None: the configuration is the one of the start.
    pub fn get(&self) -> Option<Arc<Attempt>> {
        self.0.load_full()
    }

    fn set(&self, faults: Vec<String>, waiting: Vec<String>) {
        self.0.store(Some(Arc::new(Attempt { at: SystemTime::now(), faults, waiting })));
    }
}

impl Reloader {
    /// Whoever notifies `told` has the configuration read anew.
    pub fn new(world: Arc<World>, handshake: Arc<Handshake>, told: Arc<Notify>) -> Self {
        Self { world, handshake, told }
    }

    /// Never returns.
    pub async fn run(self) {
        let reloader = Arc::new(self);
        let world = &reloader.world;
        let mut watch = Watch::new(world.generation().settings.source.looks.clone());
        loop {
            tokio::select! {
                // Whoever rotates logs says so by SIGHUP, as does whoever changed the configuration.
                () = reloader.told.notified() => world.audit.reopen(),
                () = watch.changed() => {}
            }
            // What was read in vain is not read again until it changes.
            watch.look().await;
            let attempt = Arc::clone(&reloader);
            // A task of its own: if it panics, the next attempt comes all the same.
            match tokio::spawn(async move { attempt.reload().await }).await {
                Ok(Ok(looks)) => watch = Watch::new(looks),
                Ok(Err(_)) | Err(_) => {
                    reloader.refuse(vec!["the task that reloads failed".to_owned()], BTreeSet::new())
                }
            }
        }
    }

    /// What is to be watched from now on: all that was looked at, applied or not, since a file that is missing or at fault
    /// may be one that only the new configuration names.
    ///
    /// # Errors
    /// The thread that read it panicked.
    async fn reload(&self) -> Result<Fingerprint, JoinError> {
        let source = self.world.generation().settings.source.clone();
        match spawn_blocking(move || reload::reload(&source, UnixTime::now())).await? {
            Ok(reloaded) => {
                let looks = reloaded.settings.source.looks.clone();
                if let Err(why) = self.apply(reloaded).await {
                    self.refuse(vec![why], BTreeSet::new());
                }
                Ok(looks)
            }
            Err(refused) => {
                self.refuse(refused.faults.iter().map(Fault::to_string).collect(), refused.waiting);
                Ok(refused.looks)
            }
        }
    }

    /// `needed` wait for a restart, and nothing can be applied without them.
    fn refuse(&self, faults: Vec<String>, needed: BTreeSet<String>) {
        let faults_in_a_line = faults.join("; ");
        let waiting = match self.world.last_reload.get() {
            // What waits for a restart goes on waiting.
            Some(last) if needed.is_empty() => last.waiting.clone(),
            _ => needed.iter().cloned().collect(),
        };
        self.world.metrics.configuration.refused(!waiting.is_empty());
        // Before the line, so that who read it finds the same on the status page.
        self.world.last_reload.set(faults, waiting);
        tracing::error!(event = "config_not_reloaded", faults = faults_in_a_line, "the configuration before it stays");
        say_what_waits(&needed);
    }

    /// Nothing of it is in force until all of it can be.
    async fn apply(&self, reloaded: Reloaded) -> Result<(), String> {
        let Reloaded { settings, supplies, warnings, waiting } = reloaded;
        let metrics = &self.world.metrics;
        let next = self.world.generation().following(settings, supplies.crls, metrics).await;
        let next = Arc::new(next.map_err(|error| error.to_string())?);
        self.handshake.replace(&next.settings.listen).map_err(|error| error.to_string())?;
        for warning in &warnings {
            tracing::warn!(event = "configuration", "{}", warning.0);
        }
        observe::log::set_level(&next.settings.log);
        let anchors = next.settings.gate.certificates.truststore().anchors();
        metrics.configuration.taken(anchors, next.settings.own_certificates(), !waiting.is_empty());
        let (number, hash) = (next.number, Arc::clone(&next.settings.hash));
        let before = self.world.generation();
        self.world.replace(Arc::clone(&next));
        before.give_way_to(&next);
        self.world.last_reload.set(Vec::new(), waiting.iter().cloned().collect());
        tracing::info!(
            event = "config_reloaded",
            generation = number,
            config = &*hash,
            "the configuration was read anew"
        );
        say_what_waits(&waiting);
        Ok(())
    }
}

fn say_what_waits(waiting: &BTreeSet<String>) {
    if !waiting.is_empty() {
        let keys = waiting.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        tracing::warn!(event = "config_restart_required", keys, "these keys changed, and are applied by a restart");
    }
}
