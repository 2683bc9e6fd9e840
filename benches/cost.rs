//! CPU a request: certbound with everything on, beside a bare Pingora proxy and other proxies, in one run.
//!
//! `cargo bench --bench cost`; `-- --help` tells the rest, and `docs/performance.md` how to read it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise"
)]

/// As certbound itself, so that the allocator is no part of the difference.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[path = "cost/backend.rs"]
mod backend;
#[path = "cost/bare.rs"]
mod bare;
#[path = "cost/cores.rs"]
mod cores;
#[path = "cost/credentials.rs"]
mod credentials;
#[path = "cost/flat.rs"]
mod flat;
#[path = "cost/instructions.rs"]
mod instructions;
#[path = "cost/issuer.rs"]
mod issuer;
#[path = "cost/leg.rs"]
mod leg;
#[path = "cost/memory.rs"]
mod memory;
#[path = "cost/opaque.rs"]
mod opaque;
#[path = "cost/page.rs"]
mod page;
#[path = "cost/peers.rs"]
mod peers;
#[path = "cost/picture.rs"]
mod picture;
#[path = "cost/provider.rs"]
mod provider;
#[path = "cost/proxy.rs"]
mod proxy;
#[path = "cost/report.rs"]
mod report;
#[path = "cost/responder.rs"]
mod responder;
#[path = "cost/revocation.rs"]
mod revocation;
#[path = "cost/stage.rs"]
mod stage;
#[path = "cost/traffic.rs"]
mod traffic;

use std::{fs, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use issuer::Algorithm::{self, Es256};
use leg::{Extent, Leg, Target, measure};
use peers::{ENVOY, HAPROXY, NGINX};
use proxy::{NO_CACHES, NO_REVOCATION};
use report::Report;
use stage::Stage;

/// CPU a request, beside a bare Pingora proxy.
#[derive(Parser)]
struct Arguments {
    /// How often each proxy has its turn
    #[arg(long, global = true, default_value_t = 15)]
    rounds: usize,
    /// In each turn; a quarter of it where certificates or tokens have to be made
    #[arg(long, global = true, default_value_t = 8_000)]
    requests: u32,
    /// Besides bare Pingora and cryptography, only what has this in its group and name, as in "known | certbound"
    #[arg(long)]
    only: Option<String>,
    /// Where to write everything that was measured
    #[arg(long)]
    json: Option<PathBuf>,
    /// The page whose table is written anew; its picture lies beside it
    #[arg(long)]
    page: Option<PathBuf>,
    /// What cargo adds
    #[arg(long, hide = true, global = true)]
    bench: bool,
    #[command(subcommand)]
    other: Option<Other>,
}

#[derive(Subcommand)]
enum Other {
    /// What a token costs that has to be introspected, known and unknown
    Opaque,
    /// What asking about certificates costs, first and later
    Revocation,
    /// What a request costs with more anchors, routes, and entries of a CRL
    Flat,
    /// How fast certbound is ready, and how much memory it takes
    Memory,
    /// How many instructions requests take, held to a budget
    Instructions {
        /// certbound comes from packaging/guided, by CERTBOUND_PROGRAM
        #[arg(long)]
        guided: bool,
    },
    #[command(hide = true)]
    Bare { listen: SocketAddr, backend: SocketAddr },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let extent = Extent { rounds: arguments.rounds, requests: arguments.requests };
    match &arguments.other {
        Some(Other::Bare { listen, backend }) => bare::serve(*listen, *backend),
        Some(Other::Opaque) => opaque::measure(extent),
        Some(Other::Revocation) => revocation::measure(extent),
        Some(Other::Flat) => flat::measure(extent),
        Some(Other::Memory) => memory::measure(),
        Some(Other::Instructions { guided }) => return instructions::measure(*guided),
        None => compare(&arguments, extent),
    }
    ExitCode::SUCCESS
}

fn compare(arguments: &Arguments, extent: Extent) {
    let stage = Stage::set();
    let mut legs = legs(&stage);
    if let Some(only) = &arguments.only {
        legs.retain(|leg| {
            leg.name == BARE || leg.group == CRYPTOGRAPHY || format!("{} | {}", leg.group, leg.name).contains(only)
        });
    }
    measure(&mut legs, &stage.cores, extent);
    let report = Report::new(&stage, &legs, extent);
    println!("{}", report.text());
    if let Some(file) = &arguments.json {
        fs::write(file, report.json()).expect("a file for the figures");
    }
    if let Some(file) = &arguments.page {
        page::refresh(file, &report);
    }
}

/// The first is what the others are compared with.
fn legs(stage: &Stage) -> Vec<Leg<'_>> {
    let mut legs = vec![Leg::new(UNCHECKED, BARE, stage.bare(), stage.known(Es256))];
    for peer in [NGINX, HAPROXY, ENVOY] {
        legs.extend(peer.start(stage, None).map(|proxy| Leg::new(UNCHECKED, peer.name, proxy, stage.known(Es256))));
    }
    for group in [KNOWN, NEW_TOKEN] {
        let requests = |algorithm| if group == KNOWN { stage.known(algorithm) } else { stage.new_tokens(algorithm) };
        for algorithm in Algorithm::ALL {
            let name = format!("certbound, {}", algorithm.name());
            let proxy = stage.certbound(&format!("{}-{}", legs.len(), algorithm.name()), NO_REVOCATION);
            let target = if group == KNOWN { Target::Times(1.1) } else { Target::Beyond(signature(algorithm)) };
            let leg = Leg::new(group, name, proxy, requests(algorithm)).within(target);
            legs.push(leg.refuses(&stage.stolen(algorithm)));
        }
        for peer in [HAPROXY, ENVOY] {
            for &algorithm in peer.algorithms {
                let name = format!("{}, {}", peer.name, algorithm.name());
                let proxy = peer.start(stage, Some(algorithm));
                let leg = proxy.map(|proxy| Leg::new(group, name, proxy, requests(algorithm)));
                legs.extend(leg.map(|leg| leg.refuses(&stage.stolen(algorithm))));
            }
        }
    }
    let (new, uncached) = (stage.certbound("new", NO_REVOCATION), [NO_REVOCATION, NO_CACHES].concat());
    let whole = Target::Beyond(&["ES256 signature", "certificate path"]);
    legs.push(Leg::new(NEW_CLIENT, "certbound, ES256", new, stage.new_clients(Es256)).within(whole));
    let uncached = stage.certbound("uncached", &uncached);
    legs.push(Leg::new(NEW_CLIENT, "the same request, no caches", uncached, stage.known(Es256)).within(whole));
    for algorithm in Algorithm::ALL {
        legs.push(Leg::work(CRYPTOGRAPHY, signature(algorithm)[0], stage.signature(algorithm)));
    }
    legs.push(Leg::work(CRYPTOGRAPHY, "certificate path", stage.path()));
    legs
}

/// The leg that is this signature alone.
fn signature(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm {
        Algorithm::Es256 => &["ES256 signature"],
        Algorithm::Rs256 => &["RS256 signature"],
        Algorithm::Ps256 => &["PS256 signature"],
    }
}

const BARE: &str = "bare Pingora";
const UNCHECKED: &str = "no checks";
const KNOWN: &str = "client and token known";
const NEW_TOKEN: &str = "new token, client known";
const NEW_CLIENT: &str = "new client, new token";
const CRYPTOGRAPHY: &str = "cryptography alone";
