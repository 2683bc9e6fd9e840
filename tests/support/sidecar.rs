//! The real binary, run with a real file, and what it prints.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    bank::Bank,
    clock::Clock,
    config::Config,
    connection::{Answer, Connection, Request},
    pki::{Client, Pki},
    process::signal,
    tls::client_config,
};

/// A running certbound. It ends with this value.
pub(crate) struct Sidecar {
    child: Child,
    folder: TempDir,
    stdout: Arc<Lines>,
    stderr: Arc<Lines>,
    /// None where it listens on a Unix socket.
    data: Option<SocketAddr>,
    admin: Option<SocketAddr>,
}

impl Sidecar {
    /// With [`Config::in_front_of`].
    pub(crate) fn in_front_of(bank: &Bank) -> Self {
        Config::in_front_of(bank).start()
    }

    pub(crate) fn start(config: &Config) -> Self {
        let mut sidecar = Self::launch(config);
        sidecar.await_listeners();
        sidecar
    }

    /// With a file that stands in `folder` already.
    pub(crate) fn start_with(folder: TempDir, file: &Path) -> Self {
        let mut sidecar = Self::launch_with(folder, file);
        sidecar.await_listeners();
        sidecar
    }

    /// Starts it without waiting for anything.
    pub(crate) fn launch(config: &Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = config.write(folder.path());
        Self::launch_with(folder, &file)
    }

    /// In which no file can grow beyond `most` blocks of the shell, as on a disk that is full then.
    pub(crate) fn start_on_a_small_disk(config: &Config, most: u32) -> Self {
        Self::start_within(config, &format!("-f {most}"))
    }

    /// Which can have so many files and connections open.
    pub(crate) fn start_with_descriptors(config: &Config, most: u32) -> Self {
        Self::start_within(config, &format!("-n {most}"))
    }

    /// Within a limit, written as `ulimit` wants it.
    fn start_within(config: &Config, limit: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = config.write(folder.path());
        let mut shell = Command::new("sh");
        let script = format!("ulimit {limit}; exec \"$0\" \"$@\"");
        shell.args(["-c", &script]).arg(binary());
        let mut sidecar = Self::launch_by(shell, folder, &file);
        sidecar.await_listeners();
        sidecar
    }

    /// To which it is as late as `clock` says, if that can be had.
    pub(crate) fn start_by(config: &Config, clock: &Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = config.write(folder.path());
        let mut command = Command::new(binary());
        command.envs(clock.environment());
        let mut sidecar = Self::launch_by(command, folder, &file);
        sidecar.await_listeners();
        sidecar
    }

    fn launch_with(folder: TempDir, file: &Path) -> Self {
        Self::launch_by(Command::new(binary()), folder, file)
    }

    fn launch_by(mut command: Command, folder: TempDir, file: &Path) -> Self {
        let mut child = command
            .args(["run", "--config"])
            .arg(file)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("certbound has been built");
        let stdout = Lines::collect(child.stdout.take().unwrap());
        let stderr = Lines::collect(child.stderr.take().unwrap());
        Self { child, folder, stdout, stderr, data: None, admin: None }
    }

    fn await_listeners(&mut self) {
        let data = self.listening("data");
        let admin = self.listening("admin");
        self.data = data.parse().ok();
        self.admin = admin.parse().ok();
    }

    fn listening(&self, listener: &str) -> String {
        let found = self.stdout.wait_for(|lines| {
            let mut lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.find(|line| line["event"] == "listening" && line["listener"] == listener)
        });
        let Some(line) = found else {
            panic!("no {listener} listener; it said {:#?} {:#?}", self.stdout.all(), self.stderr.all());
        };
        line["address"].as_str().expect("an address").to_owned()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.data.expect("it listens on TCP")
    }

    /// Of the pages for probes and metrics.
    pub(crate) fn admin_address(&self) -> SocketAddr {
        self.admin.expect("it has an admin listener")
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// A connection in plaintext.
    pub(crate) fn connect(&self) -> Connection {
        Connection::tcp(self.address())
    }

    /// A connection by TLS that shows `identity`, if any.
    pub(crate) fn connect_tls(&self, identity: Option<&Client>) -> Connection {
        Connection::tls(self.address(), "localhost", client_config(&Pki::get().infrastructure, identity))
    }

    pub(crate) fn request(&self, method: &str, target: &str) -> Request<'_> {
        Request::new(self, method, target)
    }

    pub(crate) fn get(&self, target: &str) -> Request<'_> {
        self.request("GET", target)
    }

    pub(crate) fn post(&self, target: &str, body: &str) -> Request<'_> {
        self.request("POST", target).body(body)
    }

    /// A page of the admin listener.
    pub(crate) fn admin(&self, target: &str) -> Answer {
        let mut connection = Connection::tcp(self.admin_address());
        self.get(target).header("Connection", "close").send_on(&mut connection)
    }

    /// Asks for `target` until its status is `status`.
    pub(crate) fn await_admin(&self, target: &str, status: u16) -> Answer {
        self.await_page(target, |answer| answer.status == status)
    }

    /// Asks for `target` until its page has these words.
    pub(crate) fn await_body(&self, target: &str, words: &str) -> Answer {
        self.await_page(target, |answer| String::from_utf8_lossy(&answer.body).contains(words))
    }

    /// The metrics, once they are as they should be: they are counted after the answer has gone out.
    pub(crate) fn await_metrics(&self, mut is_so: impl FnMut(&str) -> bool) -> String {
        let page = self.await_page("/metrics", |page| is_so(&String::from_utf8_lossy(&page.body)));
        String::from_utf8(page.body).unwrap()
    }

    fn await_page(&self, target: &str, mut is_so: impl FnMut(&Answer) -> bool) -> Answer {
        let until = Instant::now() + DEADLINE;
        loop {
            let answer = self.admin(target);
            if is_so(&answer) {
                return answer;
            }
            let body = String::from_utf8_lossy(&answer.body);
            assert!(Instant::now() < until, "{target} stays at {}: {body}", answer.status);
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The audit lines so far, once there are `count`.
    pub(crate) fn audit(&self, count: usize) -> Vec<Value> {
        self.log("audit", count)
    }

    /// The audit line of this interaction, once it is there.
    pub(crate) fn audit_of(&self, interaction: &str) -> Value {
        let found = self.stdout.wait_for(|lines| {
            let mut lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.find(|line| line["log_type"] == "audit" && line["interaction_id"] == interaction)
        });
        found.unwrap_or_else(|| panic!("no audit line of {interaction} in {:#?}", self.stdout.all()))
    }

    /// The lines of one `log_type` so far, once there are `count`.
    pub(crate) fn log(&self, kind: &str, count: usize) -> Vec<Value> {
        let found = self.stdout.wait_for(|lines| {
            let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let lines: Vec<_> = lines.filter(|line| line["log_type"] == kind).collect();
            (lines.len() >= count).then_some(lines)
        });
        found.unwrap_or_else(|| panic!("fewer than {count} {kind} lines in {:#?}", self.stdout.all()))
    }

    /// The first line with this `event`, once there is one.
    pub(crate) fn event(&self, name: &str) -> Value {
        let found = self.stdout.wait_for(|lines| {
            let mut lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.find(|line| line["event"] == name)
        });
        found.unwrap_or_else(|| panic!("no {name} in {:#?}", self.stdout.all()))
    }

    /// The lines with this `event` so far, once there are `count`.
    pub(crate) fn events(&self, name: &str, count: usize) -> Vec<Value> {
        let found = self.stdout.wait_for(|lines| {
            let lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let lines: Vec<_> = lines.filter(|line| line["event"] == name).collect();
            (lines.len() >= count).then_some(lines)
        });
        found.unwrap_or_else(|| panic!("fewer than {count} {name} in {:#?}", self.stdout.all()))
    }

    /// Leaves unread what it prints to stdout, until [`Self::read_on`].
    pub(crate) fn hold_output(&self) {
        *self.stdout.held.0.lock().unwrap() = true;
    }

    pub(crate) fn read_on(&self) {
        *self.stdout.held.0.lock().unwrap() = false;
        self.stdout.held.1.notify_all();
    }

    /// Everything on stdout so far.
    pub(crate) fn stdout(&self) -> Vec<String> {
        self.stdout.all()
    }

    /// Everything on stderr so far.
    pub(crate) fn stderr(&self) -> Vec<String> {
        self.stderr.all()
    }

    /// Sends a signal by name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// How it ended, if it does in time.
    pub(crate) fn exit(&mut self) -> Option<ExitStatus> {
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                // Its last words may still be on their way.
                self.stdout.wait_for(|_| None::<()>);
                self.stderr.wait_for(|_| None::<()>);
                return Some(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            for line in self.stdout.all().iter().chain(&self.stderr.all()) {
                eprintln!("certbound: {line}");
            }
        }
    }
}

/// The lines of a stream, as they come.
struct Lines {
    state: Mutex<(Vec<String>, bool)>,
    news: Condvar,
    /// Whether nothing more is read.
    held: (Mutex<bool>, Condvar),
}

impl Lines {
    fn collect(stream: impl Read + Send + 'static) -> Arc<Self> {
        let lines = Arc::new(Self { state: Mutex::default(), news: Condvar::new(), held: Default::default() });
        let writer = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                writer.state.lock().unwrap().0.push(line);
                writer.news.notify_all();
                drop(writer.held.1.wait_while(writer.held.0.lock().unwrap(), |held| *held).unwrap());
            }
            writer.state.lock().unwrap().1 = true;
            writer.news.notify_all();
        });
        lines
    }

    /// What `find` finds, as soon as it does; None when the stream or the time ends first.
    fn wait_for<T>(&self, mut find: impl FnMut(&[String]) -> Option<T>) -> Option<T> {
        let until = Instant::now() + DEADLINE;
        let mut state = self.state.lock().unwrap();
        loop {
            if let Some(found) = find(&state.0) {
                return Some(found);
            }
            let left = until.checked_duration_since(Instant::now())?;
            if state.1 {
                return None;
            }
            state = self.news.wait_timeout(state, left).unwrap().0;
        }
    }

    fn all(&self) -> Vec<String> {
        self.state.lock().unwrap().0.clone()
    }
}

/// The certbound that the environment names, or where Cargo put it: beside the test, or above the example.
pub(crate) fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("CERTBOUND_PROGRAM") {
        return path.into();
    }
    if let Some(path) = option_env!("CARGO_BIN_EXE_certbound") {
        return PathBuf::from(path);
    }
    let here = std::env::current_exe().unwrap();
    here.ancestors()
        .skip(1)
        .map(|folder| folder.join("certbound"))
        .find(|path| path.is_file())
        .expect("certbound stands near this program; `cargo build --bin certbound` puts it there")
}

/// Longer than anything here takes, even on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
