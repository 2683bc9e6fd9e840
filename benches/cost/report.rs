//! What was measured, as figures.

use std::{fs, process::Command};

use serde::Serialize;
use time::OffsetDateTime;

use super::{
    leg::{Extent, Leg, Target},
    peers::{ENVOY, HAPROXY, NGINX},
    stage::Stage,
};

/// Everything that table and picture show.
#[derive(Serialize)]
pub(crate) struct Report {
    /// Machine, versions, and extent.
    about: String,
    pub(crate) rows: Vec<Row>,
}

/// CPU time of one request, in microseconds.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) group: &'static str,
    pub(crate) name: String,
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
    /// Against the first leg in the same round: of ten rounds the lowest, the middle, the highest.
    ratio: [f64; 3],
    pub(crate) target: Option<Bound>,
    samples: Vec<f64>,
}

/// What a request may cost, which each round says anew.
#[derive(Serialize)]
pub(crate) struct Bound {
    /// The median of rounds.
    pub(crate) median: f64,
    /// How much of it was used: the median of rounds.
    used: f64,
}

impl Report {
    pub(crate) fn new(stage: &Stage, legs: &[Leg], extent: Extent) -> Self {
        Self { about: about(stage, extent), rows: rows(legs) }
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("figures")
    }

    /// Markdown that a terminal shows just as well.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{}\n\n| {:<28} | {:>8} | {:>8} | {:>8} | {:>20} | {:>20} |\n",
            self.about, "CPU µs a request", "median", "least", "most", "times bare, 10/50/90", "target"
        );
        text += &format!("|{:-<30}|{:->9}:|{:->9}:|{:->9}:|{:->21}:|{:->21}:|\n", "", "", "", "", "", "");
        let mut group = "";
        for row in &self.rows {
            if group != row.group {
                group = row.group;
                text +=
                    &format!("| {:<28} |{:10}|{:10}|{:10}|{:22}|{:22}|\n", format!("**{group}**"), "", "", "", "", "");
            }
            let Row { name, median, least, most, ratio: [low, middle, high], .. } = row;
            let ratio = format!("{low:.2} / {middle:.2} / {high:.2}");
            let target = row.target.as_ref().map_or_else(String::new, |Bound { median, used }| {
                format!("{used:.2} of {median:.1}, {}", if *used <= 1.0 { "met" } else { "missed" })
            });
            text +=
                &format!("| {name:<28} | {median:>8.1} | {least:>8.1} | {most:>8.1} | {ratio:>20} | {target:>20} |\n");
        }
        text
    }
}

fn rows(legs: &[Leg]) -> Vec<Row> {
    let samples = |name: &str| {
        let found = legs.iter().find(|leg| leg.name == name);
        found.unwrap_or_else(|| panic!("no leg {name}")).samples.clone()
    };
    let base = &legs[0].samples;
    // In each round by itself: from one to the next the machine may be another.
    let bounds = |leg: &Leg| -> Option<Vec<f64>> {
        match leg.target {
            Target::None => None,
            Target::Times(factor) => Some(base.iter().map(|base| base * factor).collect()),
            Target::Beyond(names) => {
                let parts: Vec<_> = names.iter().map(|name| samples(name)).collect();
                let own = |round: usize| parts.iter().map(|part| part[round]).sum::<f64>();
                Some(base.iter().enumerate().map(|(round, base)| base + 1.3 * own(round)).collect())
            }
        }
    };
    let row = |leg: &Leg| {
        let against =
            |others: &[f64]| -> Vec<f64> { leg.samples.iter().zip(others).map(|(own, other)| own / other).collect() };
        let (ratios, bounds) = (against(base), bounds(leg));
        Row {
            group: leg.group,
            name: leg.name.clone(),
            median: middle(&leg.samples),
            least: share(&leg.samples, 0.0),
            most: share(&leg.samples, 1.0),
            ratio: [0.1, 0.5, 0.9].map(|part| share(&ratios, part)),
            target: bounds.map(|bounds| Bound { median: middle(&bounds), used: middle(&against(&bounds)) }),
            samples: leg.samples.clone(),
        }
    };
    legs.iter().map(row).collect()
}

fn middle(samples: &[f64]) -> f64 {
    share(samples, 0.5)
}

/// The sample below which this share of them lies.
fn share(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

/// One line for each thing that the figures depend on.
fn about(stage: &Stage, extent: Extent) -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let processor = processor.map_or("an unknown processor", |(_, name)| name);
    let cores = stage.cores.count;
    let apart = if cores > 1 { "one of them for the proxy alone" } else { "shared by proxies and clients" };
    let kernel = read("/proc/sys/kernel/osrelease");
    let compiler = Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let compiler = String::from_utf8_lossy(&compiler);
    let mut versions = vec![format!("Pingora {}", pingora())];
    for peer in [NGINX, HAPROXY, ENVOY] {
        versions.extend(peer.version().map(|version| format!("{} {version}", peer.name)));
    }
    let Extent { rounds, requests } = extent;
    let optimised = if cfg!(debug_assertions) { "\nNot optimised: these figures say nothing." } else { "" };
    format!(
        "Measured on {} in {rounds} rounds of {requests} requests, a quarter of them where each is new; \
         the certificate's header has {} bytes.\n\
         {processor}, {cores} cores, {apart}, load {} before; Linux {}.\n\
         {}; {}.{optimised}",
        OffsetDateTime::now_utc().date(),
        stage.client.forwarded.len(),
        stage.load,
        kernel.trim(),
        versions.join(", "),
        compiler.trim(),
    )
}

fn pingora() -> &'static str {
    let lock = include_str!("../../Cargo.lock");
    let version = lock.split_once("name = \"pingora\"\nversion = \"").and_then(|(_, rest)| rest.split_once('"'));
    version.expect("Pingora in the lock file").0
}
