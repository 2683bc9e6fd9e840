//! An API that can be reached past certbound is told of.

use std::net::UdpSocket;

use serde_json::Value;

use crate::support::{bank::Bank, config::Config, process, sidecar::Sidecar};

/// Whether this machine has an address at which an API could be exposed; no packet is sent.
fn is_on_a_network() -> bool {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let found = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    found.is_ok_and(|address| !address.ip().is_loopback())
}

fn exposed(sidecar: &Sidecar, value: u8) {
    sidecar.await_metrics(|page| page.contains(&format!("\ncertbound_backend_exposed {value}\n")));
}

#[test]
fn api_that_listens_on_every_address_is_told_of() {
    if !is_on_a_network() {
        return process::skip("this machine has no address but loopback");
    }
    let bank = Bank::exposed();

    let sidecar = Config::in_front_of(&bank).start();

    exposed(&sidecar, 1);
    let line = sidecar.event("backend_exposed");
    assert_eq!(line["level"], "warn");
    let (host, port) = line["address"].as_str().unwrap().rsplit_once(':').unwrap();
    assert_ne!(host, "127.0.0.1");
    assert!(bank.address().ends_with(&format!(":{port}")), "{line}");
}

#[test]
fn api_that_listens_on_loopback_alone_is_not() {
    let bank = Bank::start();
    // The other sidecar has looked for as long as it took this one to find something.
    let sidecar = Config::in_front_of(&bank).start();
    let witness = Bank::exposed();
    let other = Config::in_front_of(&witness).start();
    if is_on_a_network() {
        exposed(&other, 1);
    }

    exposed(&sidecar, 0);
    assert_eq!(told(&sidecar), 0);
}

#[test]
fn api_that_is_meant_to_be_elsewhere_is_not_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    let bank = Bank::on_unix(&folder.path().join("api.sock"));
    let over_unix = Config::in_front_of(&bank).start();
    let exposed_bank = Bank::exposed();
    let name = exposed_bank.address().replace("127.0.0.1", "api.bank.example");
    let elsewhere = Config::to(&name).set("backend.require_loopback", "false").start();
    let other = Config::in_front_of(&exposed_bank).start();
    if is_on_a_network() {
        exposed(&other, 1);
    }

    for sidecar in [&over_unix, &elsewhere] {
        exposed(sidecar, 0);
        assert_eq!(told(sidecar), 0);
    }
}

/// How often it has been told of.
fn told(sidecar: &Sidecar) -> usize {
    let lines = sidecar.stdout();
    let mut events = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.by_ref().filter(|line| line["event"] == "backend_exposed").count()
}
