//! What was found about revocation, and when the CRLs end that it is found in.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::Arc,
};

use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::Counter, family::Family, gauge::ConstGauge},
    registry::Registry,
};
use rustls_pki_types::UnixTime;

use super::Issuer;
use crate::certificate::revocation::{Grounds, Method};

/// Counts what revocation said, once for each finished request whose certificate came so far.
///
/// `unknown` was refused for it: the responder does not know the certificate, or nobody answered and the operator does not
/// allow that. `unavailable` passed, because the operator does. Neither has a method: all that are configured were tried.
pub(super) struct Checks {
    /// By method (none, OCSP, CRL), then by result.
    counters: Vec<(Check, Counter)>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Check {
    method: Option<&'static str>,
    result: &'static str,
}

impl Checks {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let family = Family::<Check, Counter>::default();
        registry.register(
            "certbound_revocation_checks",
            "Revocation of client certificates, as judged",
            family.clone(),
        );
        let answered =
            [Method::Ocsp, Method::Crl].map(|method| ["good", "stale", "revoked"].map(|it| (Some(method), it)));
        let all = answered.into_iter().flatten().chain([(None, "unknown"), (None, "unavailable")]);
        let counters = all.map(|(method, result)| {
            let check = Check { method: method.map(Method::name), result };
            let counter = family.get_or_create_owned(&check);
            (check, counter)
        });
        Self { counters: counters.collect() }
    }

    pub(super) fn count(&self, grounds: Option<Grounds>) {
        let Some((grounds, result)) = grounds.and_then(|grounds| Some((grounds, grounds.status()?))) else { return };
        let method = grounds.method().map(Method::name);
        let found = self.counters.iter().find(|(check, _)| check.method == method && check.result == result);
        if let Some((_, counter)) = found {
            counter.inc();
        }
    }
}

/// When the CRLs at hand end. Clones are of one memory.
#[derive(Clone, Debug, Default)]
pub struct CrlEnds(Arc<Mutex<Ends>>);

#[derive(Debug, Default)]
struct Ends {
    files: Vec<KnownCrl>,
    /// By address and issuer. One that nobody needs any more is not fetched again, and so ends here.
    fetched: HashMap<(String, String), KnownCrl>,
}

/// A CRL at hand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KnownCrl {
    /// Who issued it (RFC 4514).
    pub issuer: String,
    /// When the next one is due.
    pub next_update: UnixTime,
    /// When it was read from its file, or fetched.
    pub read: UnixTime,
}

impl CrlEnds {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let ends = Self::default();
        registry.register_collector(Box::new(ends.clone()));
        ends
    }

    /// Issuer and nextUpdate of every CRL in the operator's files, in the place of those before.
    pub fn read_from_files(&self, ends: Vec<(String, UnixTime)>) {
        let read = UnixTime::now();
        let known = |(issuer, next_update)| KnownCrl { issuer, next_update, read };
        self.0.lock().files = ends.into_iter().map(known).collect();
    }

    /// What was fetched from `address`, verified.
    pub fn fetched(&self, address: &str, issuer: String, next_update: UnixTime) {
        let fetched = &mut self.0.lock().fetched;
        let place = (address.to_owned(), issuer.clone());
        if fetched.len() < MAX_FETCHED || fetched.contains_key(&place) {
            fetched.insert(place, KnownCrl { issuer, next_update, read: UnixTime::now() });
        }
    }

    /// Every one, the one that ends first in the first place.
    pub fn known(&self) -> Vec<KnownCrl> {
        let Ends { files, fetched } = &*self.0.lock();
        let mut known: Vec<_> = files.iter().chain(fetched.values()).cloned().collect();
        known.sort_by(|a, b| (a.next_update, &a.issuer).cmp(&(b.next_update, &b.issuer)));
        known
    }

    /// By issuer. Of several CRLs of one issuer, the end of the one that ends first is the one to know about.
    pub fn by_issuer(&self) -> BTreeMap<String, UnixTime> {
        let Ends { files, fetched } = &*self.0.lock();
        first(files.iter().chain(fetched.values()))
    }

    /// The same of the operator's files alone, which nobody but the operator renews.
    pub fn of_files(&self) -> BTreeMap<String, UnixTime> {
        first(self.0.lock().files.iter())
    }
}

fn first<'a>(all: impl Iterator<Item = &'a KnownCrl>) -> BTreeMap<String, UnixTime> {
    let mut ends = BTreeMap::new();
    for KnownCrl { issuer, next_update, .. } in all {
        let known = ends.entry(issuer.clone()).or_insert(*next_update);
        *known = (*next_update).min(*known);
    }
    ends
}

impl Collector for CrlEnds {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let name = "certbound_crl_next_update_timestamp_seconds";
        let help = "When the next CRL of the issuer is due";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (issuer, end) in self.by_issuer() {
            let end = ConstGauge::new(i64::try_from(end.as_secs()).unwrap_or(i64::MAX));
            end.encode(family.encode_family(&Issuer { issuer })?)?;
        }
        Ok(())
    }
}

/// CRLs out of distribution points that are watched. Their issuers lead to our anchors, so there are never many.
const MAX_FETCHED: usize = 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::observe::{Metrics, record::Decision, sample};

    fn metrics() -> Metrics {
        Metrics::new()
    }

    #[track_caller]
    fn check(metrics: &Metrics, lines: &[&str]) {
        let (text, _) = metrics.encode();
        for line in lines {
            assert!(text.lines().any(|found| found == *line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn checks_are_counted_by_method_and_result() {
        let metrics = metrics();
        let judged = |grounds| {
            let mut record = sample::record(Decision::Allow);
            record.findings.grounds = grounds;
            metrics.record(&record);
        };
        let good = |method, stale| Some(Grounds::Good { method, cached: true, stale });
        judged(good(Method::Ocsp, false));
        judged(good(Method::Ocsp, false));
        judged(good(Method::Crl, true));
        judged(Some(Grounds::Revoked { method: Method::Crl, cached: false }));
        judged(Some(Grounds::Unknown));
        judged(Some(Grounds::Unavailable));
        judged(Some(Grounds::NotDemanded));
        judged(None);
        check(
            &metrics,
            &[
                r#"certbound_revocation_checks_total{method="ocsp",result="good"} 2"#,
                r#"certbound_revocation_checks_total{method="ocsp",result="stale"} 0"#,
                r#"certbound_revocation_checks_total{method="ocsp",result="revoked"} 0"#,
                r#"certbound_revocation_checks_total{method="crl",result="good"} 0"#,
                r#"certbound_revocation_checks_total{method="crl",result="stale"} 1"#,
                r#"certbound_revocation_checks_total{method="crl",result="revoked"} 1"#,
                r#"certbound_revocation_checks_total{method="",result="unknown"} 1"#,
                r#"certbound_revocation_checks_total{method="",result="unavailable"} 1"#,
            ],
        );
    }

    #[test]
    fn crl_that_ends_first_shows_for_its_issuer_until_its_file_is_gone() {
        let metrics = metrics();
        let end = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let line = |issuer: &str, end: u64| {
            format!(r#"certbound_crl_next_update_timestamp_seconds{{issuer="CN={issuer}"}} {end}"#)
        };
        metrics.crls.read_from_files(vec![("CN=A".to_owned(), end(9)), ("CN=A".to_owned(), end(5))]);
        metrics.crls.fetched("http://a.example/1.crl", "CN=B".to_owned(), end(7));
        check(&metrics, &[&line("A", 5), &line("B", 7)]);
        let known: Vec<_> = metrics.crls.known().into_iter().map(|crl| (crl.issuer, crl.next_update)).collect();
        assert_eq!(known, [("CN=A".into(), end(5)), ("CN=B".into(), end(7)), ("CN=A".into(), end(9))]);
        assert_eq!(metrics.crls.of_files().into_iter().collect::<Vec<_>>(), [("CN=A".to_owned(), end(5))]);

        metrics.crls.fetched("http://a.example/1.crl", "CN=B".to_owned(), end(8));
        metrics.crls.read_from_files(Vec::new());
        check(&metrics, &[&line("B", 8)]);
        assert!(!metrics.encode().0.contains("CN=A"));
    }
}
