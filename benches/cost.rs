//! CPU a request: certbound with everything on, beside a bare Pingora proxy, in one run.
//!
//! `cargo bench --bench cost`. Each proxy is a process of its own with one worker thread; backend and clients live here.
//! The legs take turns, so that whatever else the machine does falls on all of them alike. What is counted is the CPU
//! time the kernel charges to all threads of the proxy's process, so waiting costs nothing.
//!
//! `cargo bench --bench cost opaque` tells what a token that has to be introspected costs, known and unknown.
//! `cargo bench --bench cost revocation` tells what asking about certificates costs, first and later.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use pingora::{prelude::*, server::configuration::ServerConf};

/// As certbound itself, so that the allocator is no part of the difference.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[path = "cost/credentials.rs"]
mod credentials;
#[path = "cost/opaque.rs"]
mod opaque;
#[path = "cost/responder.rs"]
mod responder;
#[path = "cost/revocation.rs"]
mod revocation;

use credentials::Credentials;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, role, listen, backend] = arguments.as_slice()
        && role == "bare"
    {
        return bare(listen, backend);
    }
    if arguments.iter().any(|argument| argument == "revocation") {
        return revocation::measure();
    }
    if arguments.iter().any(|argument| argument == "opaque") {
        return opaque::measure();
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let credentials = Credentials::mint();
    credentials.write(folder.path());
    let backend = backend();
    let request = credentials.request();
    println!(
        "request of {} bytes, {ROUNDS} rounds of {REQUESTS} requests a leg on {CLIENTS} connections\n",
        request.len()
    );

    let mut legs = [
        Leg::new("bare Pingora", Proxy::bare(backend)),
        Leg::new("certbound, hot caches", Proxy::certbound(folder.path(), "hot", backend, NO_REVOCATION)),
        Leg::new(
            "certbound, no caches",
            Proxy::certbound(folder.path(), "cold", backend, &[NO_REVOCATION, NO_CACHES].concat()),
        ),
    ];
    compare(&mut legs, &[&request, &request, &request]);
}

/// Measures the legs in turns, each with its own request, and prints the table.
fn compare(legs: &mut [Leg], requests: &[&[u8]]) {
    for (leg, request) in legs.iter().zip(requests) {
        drive(leg.proxy.address, request, REQUESTS / 4);
    }
    for _ in 0..ROUNDS {
        for (leg, request) in legs.iter_mut().zip(requests) {
            leg.measure(request);
        }
    }
    report(legs);
}

fn report(legs: &mut [Leg]) {
    println!("{:<24}{:>10}{:>10}{:>10}{:>10}", "CPU µs a request", "median", "least", "most", "ratio");
    let base = legs[0].median();
    for leg in legs {
        let median = leg.median();
        let (least, most) = (leg.samples[0], leg.samples[leg.samples.len() - 1]);
        println!("{:<24}{median:>10.1}{least:>10.1}{most:>10.1}{:>10.2}", leg.name, median / base);
    }
}

/// One proxy, and what its requests cost in each round.
struct Leg {
    name: &'static str,
    proxy: Proxy,
    samples: Vec<f64>,
}

impl Leg {
    fn new(name: &'static str, proxy: Proxy) -> Self {
        Self { name, proxy, samples: Vec::new() }
    }

    fn measure(&mut self, request: &[u8]) {
        let before = self.proxy.cpu();
        drive(self.proxy.address, request, REQUESTS);
        let spent = self.proxy.cpu() - before;
        self.samples.push(spent.as_secs_f64() * 1e6 / f64::from(REQUESTS));
    }

    fn median(&mut self) -> f64 {
        self.samples.sort_by(f64::total_cmp);
        self.samples[self.samples.len() / 2]
    }
}

/// A proxy's process, ended when dropped.
struct Proxy {
    child: Child,
    address: SocketAddr,
}

impl Proxy {
    fn bare(backend: SocketAddr) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let me = std::env::current_exe().expect("the path of this program");
        let child = Command::new(me)
            .args(["bare", &address.to_string(), &backend.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .expect("a bare Pingora");
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "the bare Pingora does not listen");
            thread::yield_now();
        }
        Self { child, address }
    }

    /// `tables` come after the lines of the one issuer.
    fn certbound(folder: &Path, name: &str, backend: SocketAddr, tables: &str) -> Self {
        let file = folder.join(format!("{name}.toml"));
        fs::write(&file, configuration(name, backend, tables)).expect("a configuration");
        let mut child = Command::new(env!("CARGO_BIN_EXE_certbound"))
            .args(["run", "--config"])
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .expect("certbound");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let address = lines
            .by_ref()
            .map(|line| line.expect("a line"))
            .find(|line| line.contains(r#""listener":"data""#))
            .and_then(|line| serde_json::from_str::<serde_json::Value>(&line).ok()?["address"].as_str()?.parse().ok())
            .unwrap_or_else(|| panic!("certbound did not start with {}", file.display()));
        thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// CPU time of all its threads, in nanoseconds as the scheduler keeps it.
    fn cpu(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("its threads");
        let spent = threads.flatten().filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(spent.sum())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everything on: certificate, token, binding, audit to a file, metrics.
fn configuration(name: &str, backend: SocketAddr, tables: &str) -> String {
    format!(
        r#"
[listen]
address = "127.0.0.1:0"
plaintext = true
threads = 1
[load_balancer]
trusted_networks = ["127.0.0.0/8"]
[client_certificate]
profile = "nginx"
[truststore]
paths = ["ca.pem"]
[[token.issuer]]
issuer = "https://as.bank.example"
audiences = ["https://api.bank.example"]
jwks = "jwks.json"
{tables}
[backend]
address = "{backend}"
[log]
access = "off"
[audit]
sink = "file:{name}.audit"
[admin]
address = "127.0.0.1:0"
status_address = "off"
"#
    )
}

/// A keep-alive server that answers every request alike.
fn backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the backend");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(&stream));
        }
    });
    address
}

fn answer(mut stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::new();
    let mut chunk = [0; 16 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        buffer.extend_from_slice(&chunk[..read]);
        while let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            buffer.drain(..end + 4);
            if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
                return;
            }
        }
    }
}

/// Sends `requests` over a few kept connections and waits for all answers.
fn drive(address: SocketAddr, request: &[u8], requests: u32) {
    let request: Arc<[u8]> = request.into();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let request = Arc::clone(&request);
            thread::spawn(move || one_client(address, &request, requests / CLIENTS))
        })
        .collect();
    for client in clients {
        client.join().expect("a client that got its answers");
    }
}

fn one_client(address: SocketAddr, request: &[u8], requests: u32) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    let mut chunk = [0; 4096];
    let mut request = request.to_vec();
    let place = request.windows(NUMBER.len()).position(|window| window == NUMBER);
    for _ in 0..requests {
        if let Some(place) = place {
            let number = format!("{:016}", LATEST.fetch_add(1, Ordering::Relaxed));
            request[place..place + NUMBER.len()].copy_from_slice(number.as_bytes());
        }
        stream.write_all(&request).expect("a request sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            let read = stream.read(&mut chunk).expect("an answer");
            answer.extend_from_slice(&chunk[..read]);
            assert!(read > 0 && answer.len() < 4096, "{}", String::from_utf8_lossy(&answer));
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    }
}

/// The same Pingora with nothing in it.
fn bare(listen: &str, backend: &str) {
    let conf = ServerConf { threads: 1, ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, Bare(backend.parse().expect("an address")));
    service.add_tcp(listen);
    server.add_service(service);
    server.run_forever()
}

struct Bare(SocketAddr);

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> pingora::Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.0, false, String::new())))
    }
}

/// In a request it stands for a number that no other request has.
const NUMBER: &[u8] = b"NNNNNNNNNNNNNNNN";
static LATEST: AtomicU64 = AtomicU64::new(0);
const ROUNDS: usize = 9;
const REQUESTS: u32 = 8_000;
const CLIENTS: u32 = 8;
const NO_REVOCATION: &str = "[revocation]\nmethods = []\n";
const NO_CACHES: &str = "[cache]\ncertificates = \"0\"\ntokens = \"0\"";
