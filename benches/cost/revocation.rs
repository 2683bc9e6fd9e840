//! What a certificate costs that nobody has shown before, and what it costs the hundredth time.

use std::{
    fs,
    net::TcpStream,
    time::{Duration, Instant},
};

use super::{
    leg::Extent,
    proxy::{NO_REVOCATION, Proxy},
    responder::Responder,
    stage::Stage,
    traffic,
};

/// One line for each way to be asked; every client comes alone, so that latency is not waiting in a queue.
pub(crate) fn measure(extent: Extent) {
    let stage = Stage::set();
    let clients = extent.requests.div_ceil(40) as usize;
    println!("{clients} clients, {REQUESTS} requests each, one after the other\n");
    println!("{:<24}{:>12}{:>12}{:>12}{:>12}", "", "first µs", "first CPU", "later µs", "later CPU");
    leg(&stage, clients, "nobody is asked", Duration::ZERO, NO_REVOCATION);
    leg(&stage, clients, "OCSP, answered at once", Duration::ZERO, ASKED);
    leg(&stage, clients, "OCSP, answered in 5 ms", Duration::from_millis(5), ASKED);
}

fn leg(stage: &Stage, clients: usize, name: &str, late: Duration, revocation: &str) {
    let responder = Responder::start(late);
    fs::write(stage.folder.path().join("ca.pem"), responder.pem()).expect("a truststore");
    let proxy = stage.certbound("leg", &[revocation, CERTIFICATE_ALONE].concat());
    let mut stream = TcpStream::connect(proxy.address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let requests: Vec<_> = (0..=clients).map(|_| request(&responder.client())).collect();
    let (warm, requests) = requests.split_first().expect("clients");
    let _ = (0..REQUESTS).map(|_| exchange(&mut stream, warm)).max();

    let (first, first_cpu) = round(&proxy, &mut stream, requests, 1);
    let (later, later_cpu) = round(&proxy, &mut stream, requests, REQUESTS - 1);
    println!("{name:<24}{first:>12.0}{first_cpu:>12.0}{later:>12.0}{later_cpu:>12.0}");
}

/// Median latency and mean CPU time of a request, in microseconds.
fn round(proxy: &Proxy, stream: &mut TcpStream, requests: &[Vec<u8>], times: usize) -> (f64, f64) {
    let before = proxy.cpu();
    let mut took: Vec<_> = (0..times).flat_map(|_| requests).map(|request| exchange(stream, request)).collect();
    let spent = proxy.cpu() - before;
    took.sort();
    (took[took.len() / 2].as_secs_f64() * 1e6, spent.as_secs_f64() * 1e6 / took.len() as f64)
}

fn exchange(stream: &mut TcpStream, request: &[u8]) -> Duration {
    let begun = Instant::now();
    let answer = traffic::exchange(stream, request);
    assert!(traffic::is_passed(&answer), "{}", String::from_utf8_lossy(&answer));
    begun.elapsed()
}

fn request(certificate: &str) -> Vec<u8> {
    format!("GET /accounts HTTP/1.1\r\nHost: api.bank.example\r\nX-SSL-Client-Cert: {certificate}\r\n\r\n").into_bytes()
}

const REQUESTS: usize = 100;
const ASKED: &str = "[revocation]\nmethods = [\"ocsp\"]\nallow_private_addresses = true\n";
const CERTIFICATE_ALONE: &str = "[[route]]\npath = \"/{*rest}\"\nrequire = [\"certificate\"]\n";
