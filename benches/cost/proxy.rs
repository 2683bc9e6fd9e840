//! A proxy's process: bare Pingora, certbound, or one of the peers.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    time::ClockId,
    unistd::Pid,
};

use super::cores::Cores;

/// It ends with this value.
pub(crate) struct Proxy {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Proxy {
    /// The same Pingora with nothing in it: this program, by another name.
    pub(crate) fn bare(cores: &Cores, backend: SocketAddr) -> Self {
        Self::bare_by(cores, &mut Command::new(this_program()), backend)
    }

    /// The same, where `command` starts this program.
    pub(crate) fn bare_by(cores: &Cores, command: &mut Command, backend: SocketAddr) -> Self {
        let listen = free_address();
        Self::listening(cores, command.args(["bare", &listen.to_string(), &backend.to_string()]), listen)
    }

    /// What `command` starts, as soon as it takes connections.
    pub(crate) fn listening(cores: &Cores, command: &mut Command, address: SocketAddr) -> Self {
        let mut proxy = Self { child: cores.start(command.stdin(Stdio::null()).stdout(Stdio::null())), address };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            let ended = proxy.child.try_wait().expect("its state");
            assert!(ended.is_none() && Instant::now() < deadline, "does not listen: {command:?}");
            thread::sleep(Duration::from_millis(20));
        }
        proxy
    }

    /// Everything on: certificate, token, binding, audit to a file, metrics. `tables` come after the lines of the one issuer.
    pub(crate) fn certbound(cores: &Cores, folder: &Path, name: &str, backend: SocketAddr, tables: &str) -> Self {
        let file = configure(folder, name, backend, tables);
        Self::announced(cores, Command::new(program()).args(["run", "--config"]).arg(file))
    }

    /// The certbound that `command` starts, as soon as it says where it listens.
    pub(crate) fn announced(cores: &Cores, command: &mut Command) -> Self {
        let mut child = cores.start(command.stdout(Stdio::piped()));
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let address = lines
            .by_ref()
            .map(|line| line.expect("a line"))
            .find(|line| line.contains(r#""listener":"data""#))
            .and_then(|line| serde_json::from_str::<serde_json::Value>(&line).ok()?["address"].as_str()?.parse().ok())
            .unwrap_or_else(|| panic!("certbound did not start: {command:?}"));
        thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Has it end in its own way, and waits until it did.
    pub(crate) fn interrupt(mut self) {
        let process = Pid::from_raw(self.child.id().try_into().expect("a process"));
        kill(process, Signal::SIGINT).expect("a process that runs");
        self.child.wait().expect("its end");
    }

    /// CPU time of all the threads that it has and had, in user space and in the kernel.
    pub(crate) fn cpu(&self) -> Duration {
        let process = Pid::from_raw(self.child.id().try_into().expect("a process"));
        ClockId::pid_cpu_clock_id(process).and_then(ClockId::now).expect("its clock").into()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn this_program() -> PathBuf {
    std::env::current_exe().expect("the path of this program")
}

/// An address that nobody listens on.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

/// Writes the configuration `name`: everything on.
pub(crate) fn configure(folder: &Path, name: &str, backend: SocketAddr, tables: &str) -> PathBuf {
    let file = folder.join(format!("{name}.toml"));
    fs::write(&file, configuration(name, backend, tables)).expect("a configuration");
    file
}

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
[token]
algorithms = ["ES256", "RS256", "PS256"]
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

/// certbound: the one that the environment names, or the one compiled like this program.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("CERTBOUND_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_certbound").into(), PathBuf::from)
}

/// Nobody is asked about certificates: what that costs is measured by itself.
pub(crate) const NO_REVOCATION: &str = "[revocation]\nmethods = []\n";
pub(crate) const NO_CACHES: &str = "[cache]\ncertificates = \"0\"\ntokens = \"0\"\n";
