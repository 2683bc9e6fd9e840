//! What grows with the directory, the API, and the authority's list, and must not make a request cost more.

use std::{fmt::Write as _, fs, path::PathBuf};

use super::{
    credentials::Authority,
    issuer::Algorithm::Es256,
    leg::{Extent, Leg, measure as measure_legs},
    proxy::{NO_REVOCATION, Proxy},
    stage::Stage,
    traffic::Requests,
};

/// One line for each thing that grows, one column for each size; the last tells what the largest costs of the smallest.
pub(crate) fn measure(extent: Extent) {
    let stage = Stage::set();
    let mut rows = vec![anchors(&stage, false), anchors(&stage, true), routes(&stage)];
    rows.extend([revoked(&stage, false), revoked(&stage, true)]);
    let mut legs: Vec<Leg> = Vec::new();
    let mut lengths = Vec::new();
    for row in rows {
        lengths.push(row.len());
        legs.extend(row);
    }
    measure_legs(&mut legs, &stage.cores, extent);
    println!("CPU µs a request, median of {} rounds\n", extent.rounds);
    let mut left = legs.as_slice();
    for length in lengths {
        let (row, rest) = left.split_at(length);
        println!("{}", line(row));
        left = rest;
    }
}

fn line(row: &[Leg]) -> String {
    let medians: Vec<f64> = row.iter().map(|leg| median(&leg.samples)).collect();
    let mut line = format!("{:<36}", row[0].group);
    for (leg, median) in row.iter().zip(&medians) {
        let _ = write!(line, "{:>10} {median:>7.1}", format!("{}:", leg.name));
    }
    let _ = write!(line, "   × {:.3}", medians[medians.len() - 1] / medians[0]);
    line
}

fn median(samples: &[f64]) -> f64 {
    let mut samples = samples.to_vec();
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// A truststore in which the client's authority comes last.
fn anchors(stage: &Stage, new: bool) -> Vec<Leg<'_>> {
    let group = if new { "anchors, new client" } else { "anchors, client known" };
    SIZES
        .map(|size| {
            let folder = folder(stage, &format!("anchors-{size}-{new}"));
            let others = (1..size).map(|number| Authority::named(&format!("Other authority {number}")).pem());
            let own = fs::read_to_string(folder.join("ca.pem")).expect("the client's authority");
            fs::write(folder.join("ca.pem"), others.chain([own]).collect::<String>()).expect("a truststore");
            Leg::new(group, size.to_string(), start(stage, folder, NO_REVOCATION), requests(stage, new))
        })
        .into()
}

/// An API whose last route is the one that is called.
fn routes(stage: &Stage) -> Vec<Leg<'_>> {
    let route = |path: &str| format!("[[route]]\npath = \"{path}\"\n");
    SIZES
        .map(|size| {
            let others = (1..size).map(|number| route(&format!("/resource-{number}/{{Id}}/balances")));
            let tables: String = others.chain([route("/accounts/{AccountId}/balances")]).collect();
            let tables = [NO_REVOCATION, &tables].concat();
            let proxy = start(stage, folder(stage, &format!("routes-{size}")), &tables);
            Leg::new("routes, client known", size.to_string(), proxy, requests(stage, false))
        })
        .into()
}

/// A CRL on which others are.
fn revoked(stage: &Stage, new: bool) -> Vec<Leg<'_>> {
    let group = if new { "entries of a CRL, new client" } else { "entries of a CRL, client known" };
    [0, 1_000, 1_000_000]
        .map(|size| {
            let folder = folder(stage, &format!("entries-{size}-{new}"));
            fs::write(folder.join("crl.der"), stage.crl(size)).expect("a CRL");
            Leg::new(group, size.to_string(), start(stage, folder, CRL), requests(stage, new))
        })
        .into()
}

fn requests(stage: &Stage, new: bool) -> Requests<'_> {
    if new { stage.new_clients(Es256) } else { stage.known(Es256) }
}

/// A folder of its own, because proxies watch theirs.
fn folder(stage: &Stage, name: &str) -> PathBuf {
    let folder = stage.folder.path().join(name);
    fs::create_dir(&folder).expect("a folder");
    for file in ["ca.pem", "jwks.json"] {
        fs::copy(stage.folder.path().join(file), folder.join(file)).expect("what the configuration names");
    }
    folder
}

fn start(stage: &Stage, folder: PathBuf, tables: &str) -> Proxy {
    Proxy::certbound(&stage.cores, &folder, "flat", stage.backend, tables)
}

const SIZES: [usize; 4] = [1, 10, 100, 1_000];
pub(crate) const CRL: &str = "[revocation]\nmethods = [\"crl\"]\ncrl_files = [\"crl.der\"]\n";
