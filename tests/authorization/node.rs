//! What runs on Node: the authorization server, and clients with openid-client and jose.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::support::{
    connection::{Answer, Connection},
    process::{self, Process},
};

/// Node, with the packages of the lock file.
pub(crate) struct Node(PathBuf);

impl Node {
    /// None, said loudly, where either is missing; in CI that is a failure.
    pub(crate) fn find() -> Option<Self> {
        let node = process::find("node")?;
        if folder().join("node_modules").is_dir() {
            return Some(Self(node));
        }
        process::skip(
            "no authorization server; `npm ci --prefix tests/authorization/server --ignore-scripts` installs it",
        );
        None
    }

    /// Runs a script to its end; what it prints is JSON.
    pub(crate) fn run(&self, script: &str, settings: &Value) -> Value {
        let place = tempfile::tempdir().unwrap();
        let output = self.command(script, place.path(), settings).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {said}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{script}: {error}: {said}"))
    }

    fn command(&self, script: &str, place: &Path, settings: &Value) -> Command {
        let file = place.join("settings.json");
        std::fs::write(&file, settings.to_string()).unwrap();
        let mut command = Command::new(&self.0);
        command.arg(folder().join(script)).arg(file).env_remove("NODE_OPTIONS");
        command
    }
}

/// The authorization server. It ends with this value.
pub(crate) struct Provider {
    _process: Process,
    pub(crate) address: String,
}

impl Provider {
    pub(crate) fn start(node: &Node, settings: &Value) -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut command = node.command("provider.js", place.path(), settings);
        let mut process = Process::start(&mut command, place);
        let port = process.await_some(|log| {
            let line = log.lines().find_map(|line| line.strip_prefix("listening on "))?;
            line.parse::<u16>().ok()
        });
        let port = port.expect("the authorization server starts");
        Self { _process: process, address: format!("127.0.0.1:{port}") }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How often each endpoint was asked, as `POST /token`.
    pub(crate) fn seen(&self) -> Value {
        self.ask("GET /seen").json()
    }

    /// How often certbound has asked for the keys.
    pub(crate) fn key_requests(&self) -> u64 {
        self.seen()["GET /jwks"].as_u64().unwrap_or_default()
    }

    /// From now on a new key signs; of the old ones the latest stays published.
    pub(crate) fn rotate(&self) {
        assert_eq!(self.ask("POST /rotate").status, 204);
    }

    /// Past every load balancer and every certbound.
    fn ask(&self, what: &str) -> Answer {
        let mut connection = Connection::tcp(self.address.parse().unwrap());
        let head = format!("{what} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n", self.address);
        connection.write(head.as_bytes());
        connection.answer(what.split(' ').next().unwrap())
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authorization/server")
}
