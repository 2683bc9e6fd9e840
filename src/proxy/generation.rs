//! What is in force: a configuration, and what is known of the world that it names.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    config::Settings,
    observe::{Metrics, Regime},
    proxy::answers::Outside,
};

/// One configuration with all that depends on it. Immutable, and replaced whole: a request ends under the one that it began
/// under.
pub struct Generation {
    /// The first is 1.
    pub number: u64,
    /// Since when it is in force.
    pub since: SystemTime,
    /// What the configuration means.
    pub settings: Settings,
    /// What is learned from elsewhere.
    pub outside: Outside,
    /// For the records of requests.
    pub regime: Arc<Regime>,
}

impl Generation {
    /// The first: nothing is known yet but what files hold.
    ///
    /// # Errors
    /// Authorities that cannot be used.
    pub fn first(mut settings: Settings, metrics: &Arc<Metrics>) -> io::Result<Self> {
        let outside = Outside::new(&mut settings, metrics)?;
        Ok(Self::of(1, settings, outside))
    }

    /// The next one. What did not change is kept with all that it knows, and what did is fetched first where that does not
    /// take too long, so that no request finds it missing.
    ///
    /// # Errors
    /// Authorities that cannot be used.
    pub async fn following(&self, mut settings: Settings, metrics: &Arc<Metrics>) -> io::Result<Self> {
        let outside = self.outside.following(&self.settings, &mut settings, metrics).await?;
        Ok(Self::of(self.number.saturating_add(1), settings, outside))
    }

    fn of(number: u64, settings: Settings, outside: Outside) -> Self {
        let regime = Regime { mode: settings.mode, configuration: Arc::clone(&settings.hash) };
        Self { number, since: SystemTime::now(), settings, outside, regime: Arc::new(regime) }
    }

    /// `next` serves in the place of this one. A tunnel may keep it for days, but not the memory that it had.
    pub fn give_way_to(&self, next: &Self) {
        self.outside.give_way_to(&next.outside);
        self.settings.gate.certificates.forget();
    }

    /// How long a client may be idle.
    pub(super) fn idle_timeout(&self) -> Duration {
        self.settings.listen.idle_timeout
    }
}
