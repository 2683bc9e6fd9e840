//! What certbound takes of a pod: until it is ready, idle, and with ten thousand clients in turn.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use super::{
    flat::CRL,
    issuer::Algorithm::Es256,
    proxy::{NO_REVOCATION, Proxy},
    stage::Stage,
    traffic::{self, Requests, drive},
};

/// Start, idle memory, and memory with every client known; that they are is told by what their second request costs.
pub(crate) fn measure() {
    let stage = Stage::set();
    let Requests::Same(known) = stage.known(Es256) else { return };
    let mut started: Vec<Duration> = (0..STARTS).map(|_| start(&stage, NO_REVOCATION, &known).0).collect();
    started.sort();
    println!("{:<36}{:>10.1} ms, median of {STARTS}", "start to the first answer", millis(started[STARTS / 2]));
    println!("{:<36}{:>10.1} ms", "at most", millis(started[STARTS - 1]));

    let idle = stage.certbound("idle", NO_REVOCATION);
    thread::sleep(Duration::from_secs(2));
    resident("idle", &idle);
    let clients = stage.new_clients(Es256).batch(CLIENTS);
    fs::write(stage.folder.path().join("crl.der"), stage.crl(1_000)).expect("a CRL");
    for (revocation, tables) in [("off", NO_REVOCATION), ("by a CRL", CRL)] {
        let (_, proxy) = start(&stage, tables, &known);
        println!("{CLIENTS} clients, revocation {revocation}");
        for round in ["new", "known", "known again"] {
            let before = proxy.cpu();
            drive(proxy.address, &clients, CLIENTS);
            let spent = (proxy.cpu() - before).as_secs_f64() * 1e6 / f64::from(CLIENTS);
            resident(&format!("  {round}, {spent:.0} µs each"), &proxy);
        }
    }
}

/// A process, and how long it took until the first request was answered.
fn start(stage: &Stage, tables: &str, known: &[u8]) -> (Duration, Proxy) {
    let begun = Instant::now();
    let proxy = stage.certbound("memory", tables);
    while !traffic::passes(proxy.address, known) {
        thread::yield_now();
    }
    (begun.elapsed(), proxy)
}

fn resident(what: &str, proxy: &Proxy) {
    let status = fs::read_to_string(format!("/proc/{}/status", proxy.id())).expect("its status");
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
        line.split_whitespace().next().and_then(|number| number.parse::<f64>().ok()).expect("a number") / 1024.0
    };
    let (all, own, file) = (of("VmRSS:"), of("RssAnon:"), of("RssFile:"));
    println!("{what:<36}{all:>10.1} MiB: {own:.1} of its own, {file:.1} of the program's file");
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

const STARTS: usize = 15;
const CLIENTS: u32 = 10_000;
