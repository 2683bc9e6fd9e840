//! What a certificate costs that nobody has shown before, and what it costs the hundredth time.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::{Credentials, NO_REVOCATION, Proxy, backend, responder::Responder};

/// One line for each way to be asked; every client comes alone, so that latency is not waiting in a queue.
pub(crate) fn measure() {
    println!("{CLIENTS} clients, {REQUESTS} requests each, one after the other\n");
    println!("{:<24}{:>12}{:>12}{:>12}{:>12}", "", "first µs", "first CPU", "later µs", "later CPU");
    leg("nobody is asked", Duration::ZERO, NO_REVOCATION);
    leg("OCSP, answered at once", Duration::ZERO, ASKED);
    leg("OCSP, answered in 5 ms", Duration::from_millis(5), ASKED);
}

fn leg(name: &str, late: Duration, revocation: &str) {
    let responder = Responder::start(late);
    let folder = tempfile::tempdir().expect("a temporary folder");
    Credentials::mint().write(folder.path());
    fs::write(folder.path().join("ca.pem"), responder.pem()).expect("a truststore");
    let proxy = Proxy::certbound(folder.path(), "leg", backend(), &[revocation, CERTIFICATE_ALONE].concat());
    let mut stream = TcpStream::connect(proxy.address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let requests: Vec<_> = (0..=CLIENTS).map(|_| request(&responder.client())).collect();
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
    stream.write_all(request).expect("a request sent");
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while !answer.ends_with(b"\r\n\r\nok") {
        let read = stream.read(&mut chunk).expect("an answer");
        answer.extend_from_slice(&chunk[..read]);
        assert!(read > 0 && answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
    begun.elapsed()
}

fn request(certificate: &str) -> Vec<u8> {
    format!("GET /accounts HTTP/1.1\r\nHost: api.bank.example\r\nX-SSL-Client-Cert: {certificate}\r\n\r\n").into_bytes()
}

const CLIENTS: usize = 200;
const REQUESTS: usize = 100;
const ASKED: &str = "[revocation]\nmethods = [\"ocsp\"]\nallow_private_addresses = true\n";
const CERTIFICATE_ALONE: &str = "[[route]]\npath = \"/{*rest}\"\nrequire = [\"certificate\"]\n";
