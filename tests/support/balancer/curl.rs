//! curl, with or without a client certificate.

use std::{fs, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use super::super::pki::{Client, Pki, pem};

/// A client of one load balancer.
pub(crate) struct Curl {
    folder: TempDir,
    port: u16,
    protocol: &'static str,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    body: String,
}

impl Curl {
    pub(crate) fn new(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), pem(&Pki::get().infrastructure.der)).unwrap();
        Self { folder, port, protocol: "--http1.1" }
    }

    /// By HTTP/2 where the load balancer speaks it.
    pub(crate) fn with_http2(mut self) -> Self {
        self.protocol = "--http2";
        self
    }

    /// None when curl gets no answer at all.
    pub(crate) fn get(&self, headers: &[(String, String)], identity: Option<&Client>) -> Option<Answer> {
        let headers = headers.iter().flat_map(|(name, value)| ["--header".to_owned(), format!("{name}: {value}")]);
        self.call("https://localhost/accounts", identity, &headers.collect::<Vec<_>>())
    }

    /// The same for any address, which the load balancer stands for, and for any arguments.
    pub(crate) fn call(&self, url: &str, identity: Option<&Client>, arguments: &[String]) -> Option<Answer> {
        // First, or curl reads the user's own settings.
        let mut command = Command::new("curl");
        command.args(["--disable", "--silent", "--show-error", "--include", "--ipv4", "--noproxy", "*"]);
        command.args(["--max-time", "30", "--cacert", "ca.pem", self.protocol]).current_dir(self.folder.path());
        command.args(["--connect-to", &format!("::localhost:{}", self.port)]);
        if let Some(client) = identity {
            let shown: String = client.chain.iter().map(|der| pem(der)).collect();
            fs::write(self.folder.path().join("client.crt"), client.pem() + &shown).unwrap();
            fs::write(self.folder.path().join("client.key"), client.key_pem()).unwrap();
            command.args(["--cert", "client.crt", "--key", "client.key"]);
        }
        let output = command.args(arguments).arg(url).output().expect("curl runs");
        output.status.success().then(|| Answer::read(&String::from_utf8_lossy(&output.stdout)))
    }
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status line");
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    /// Whether certbound has seen the request: every answer of it, and none of a balancer's own, carries this.
    pub(crate) fn is_certbounds(&self) -> bool {
        self.interaction().is_some()
    }

    /// By which certbound's audit line names it.
    pub(crate) fn interaction(&self) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix("x-fapi-interaction-id: "))
    }

    /// The code of the refusal; empty where there is none.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The body; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}
