//! What is in force: the configuration and its anchors.

use std::hash::Hash;

use parking_lot::Mutex;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use rustls_pki_types::UnixTime;

use crate::observe::metrics::now;

/// The configuration in force, and what became of the latest one.
pub struct Configured {
    anchors: Family<Anchor, Gauge>,
    own: Family<Own, Gauge>,
    usable: Mutex<Usable>,
    successful: Gauge,
    succeeded: Gauge,
    restart_required: Gauge,
}

/// What was last read could be used: the configuration, and CRL files that changed without it.
struct Usable {
    configuration: bool,
    lists: bool,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Anchor {
    anchor: String,
}

/// By the key of the configuration that names the certificate.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Own {
    file: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Version {
    version: &'static str,
}

impl Configured {
    pub(super) fn new(to: &mut Registry) -> Self {
        let (anchors, own) = (Family::default(), Family::default());
        let (successful, succeeded, restart_required) = (Gauge::default(), Gauge::default(), Gauge::default());
        let name = "certbound_truststore_anchor_not_after_timestamp_seconds";
        to.register(name, "When the anchor ends", Family::clone(&anchors));
        let name = "certbound_own_certificate_not_after_timestamp_seconds";
        to.register(name, "When a certificate that certbound shows ends", Family::clone(&own));
        let name = "certbound_config_last_reload_successful";
        to.register(name, "Whether the latest configuration was taken", successful.clone());
        let name = "certbound_config_last_reload_success_timestamp_seconds";
        to.register(name, "When a configuration was taken", succeeded.clone());
        let name = "certbound_config_restart_required";
        to.register(name, "Whether a changed key waits for a restart", restart_required.clone());
        let build = Family::<Version, Gauge>::default();
        build.get_or_create(&Version { version: env!("CARGO_PKG_VERSION") }).set(1);
        to.register("certbound_build_info", "The version of certbound", build);
        let usable = Mutex::new(Usable { configuration: true, lists: true });
        Self { anchors, own, usable, successful, succeeded, restart_required }
    }

    /// A configuration was taken: with these anchors and these certificates to show, and perhaps with keys that wait for a
    /// restart.
    pub fn taken<'a>(
        &self,
        anchors: impl Iterator<Item = (&'a str, UnixTime)>,
        own: impl Iterator<Item = (&'static str, UnixTime)>,
        waits: bool,
    ) {
        replace(&self.anchors, anchors.map(|(anchor, end)| (Anchor { anchor: anchor.to_owned() }, end)));
        replace(&self.own, own.map(|(file, end)| (Own { file }, end)));
        self.know(|usable| usable.configuration = true);
        self.succeeded.set(now());
        self.restart_required.set(waits.into());
    }

    /// A configuration was at fault; the one before stays, and perhaps keys wait for a restart.
    pub fn refused(&self, waits: bool) {
        self.know(|usable| usable.configuration = false);
        self.restart_required.set(waits.into());
    }

    /// CRL files changed, and can be used or not.
    pub fn lists_read(&self, usable: bool) {
        self.know(|known| known.lists = usable);
    }

    fn know(&self, learn: impl FnOnce(&mut Usable)) {
        let mut usable = self.usable.lock();
        learn(&mut usable);
        self.successful.set((usable.configuration && usable.lists).into());
    }
}

/// Who scrapes meanwhile misses them once, and the next scrape has them.
fn replace<L: Clone + Eq + Hash>(family: &Family<L, Gauge>, ends: impl Iterator<Item = (L, UnixTime)>) {
    family.clear();
    for (labels, end) in ends {
        let end = i64::try_from(end.as_secs()).unwrap_or(i64::MAX);
        // Of two with one name, the one that ends first is the one to know about.
        let end = family.get(&labels).map_or(end, |known| known.get().min(end));
        family.get_or_create(&labels).set(end);
    }
}
