//! What is in force: a configuration, and what is known of the world that it names.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    config::{Crls, Settings, Supplies},
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
    pub fn first(settings: Settings, supplies: Supplies, metrics: &Arc<Metrics>) -> io::Result<Self> {
        let outside = Outside::new(&settings, supplies, metrics)?;
        Ok(Self::of(1, settings, outside))
    }

    /// The next one. What did not change is kept with all that it knows, and what did is fetched first where that does not
    /// take too long, so that no request finds it missing.
    ///
    /// # Errors
    /// Authorities that cannot be used.
    pub async fn following(&self, settings: Settings, crls: Crls, metrics: &Arc<Metrics>) -> io::Result<Self> {
        let outside = self.outside.following(&self.settings, &settings, crls, metrics).await?;
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use std::fs;

    use base64::{Engine, prelude::BASE64_STANDARD};
    use rustls_pki_types::UnixTime;

    use super::*;
    use crate::{
        certificate::{
            ForwardedCert, Profile,
            mint::{Authority, now, plain},
        },
        config::load,
        lookup::Lookup,
    };

    const CONFIG: &str = r#"
listen = { address = "127.0.0.1:0", plaintext = true }
load_balancer = { trusted_networks = ["127.0.0.1/32"] }
client_certificate = { profile = "haproxy" }
truststore = { paths = ["ca.der"] }
revocation = { methods = [] }
token = { issuer = [{ issuer = "https://as.example", audiences = ["a"], jwks = "keys.json" }] }
backend = { address = "127.0.0.1:1" }
"#;

    #[tokio::test]
    async fn generation_that_gave_way_remembers_no_certificate() {
        let (folder, root) = (tempfile::tempdir().unwrap(), Authority::root("Root", plain));
        fs::write(folder.path().join("ca.der"), &root.der).unwrap();
        fs::write(folder.path().join("keys.json"), r#"{"keys":[]}"#).unwrap();
        let path = folder.path().join("proxy.toml");
        fs::write(&path, CONFIG).unwrap();
        let (metrics, read) = (Arc::new(Metrics::new()), || load(&path, UnixTime::now()).unwrap());
        let (settings, supplies, _) = read();
        let first = Generation::first(settings, supplies, &metrics).unwrap();
        let leaf = BASE64_STANDARD.encode(root.client(plain));
        let forwarded = ForwardedCert::Header { profile: Profile::Haproxy, leaf: leaf.as_bytes(), chain: vec![] };
        let verified = || first.settings.gate.certificates.verify(&forwarded, now()).0;
        assert_eq!([verified(), verified()], [Lookup::Miss, Lookup::Hit]);

        let (settings, supplies, _) = read();
        first.give_way_to(&first.following(settings, supplies.crls, &metrics).await.unwrap());

        assert_eq!(verified(), Lookup::Miss);
    }
}
