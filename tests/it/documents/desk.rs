//! A folder with the files that the pages speak of, and a shell in it.

use std::{
    env, fs,
    process::{Command, Stdio},
};

use crate::support::{
    bank::Bank,
    config::Config,
    forms::percent_pem,
    pki::Pki,
    sidecar::{Sidecar, binary},
};

/// Runs the commands of a page as its reader would.
pub(super) struct Desk {
    pub(super) sidecar: Sidecar,
}

impl Desk {
    /// With a running certbound that has let one request pass and refused one.
    pub(super) fn new(bank: &Bank) -> Self {
        let desk = Self { sidecar: Config::in_front_of(bank).set("audit.hash_chain", "true").start() };
        let alice = &Pki::get().alice;
        let identified = desk.sidecar.get("/accounts/1").header("x-fapi-interaction-id", ID);
        identified.by(alice).send();
        desk.sidecar.get("/accounts/1").send();
        desk.write_log(2);
        fs::copy(desk.sidecar.folder().join("proxy.toml"), desk.sidecar.folder().join("bank.toml")).unwrap();
        for (name, contents) in files() {
            fs::write(desk.sidecar.folder().join(name), contents).unwrap();
        }
        desk
    }

    /// Collects the audit lines, once there are `count`.
    pub(super) fn write_log(&self, count: usize) {
        self.sidecar.audit(count);
        // As they were written: each holds the hash of the bytes before it.
        let lines = self.sidecar.stdout().into_iter().filter(|line| line.starts_with(r#"{"log_type":"audit""#));
        let lines = lines.map(|line| format!("{line}\n"));
        fs::write(self.sidecar.folder().join("audit.log"), lines.collect::<String>()).unwrap();
    }

    /// Runs a block, and returns what it printed.
    #[track_caller]
    pub(super) fn run(&self, block: &str) -> String {
        let admin = self.sidecar.admin_address().to_string();
        let script = block.replace("./target/release/certbound", "certbound").replace("127.0.0.1:9901", &admin);
        let path = format!("{}:{}", binary().parent().unwrap().display(), env::var("PATH").unwrap());
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(self.sidecar.folder())
            .env("PATH", path)
            .env("PID", self.sidecar.process().to_string())
            .env("ID", ID)
            .env_remove("CERTBOUND_CONFIG")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{script}{:?}\n{said}{complained}", output.status);
        said.into_owned()
    }
}

/// What a reader has at hand: a client's certificate, its token, and the balancer's header.
pub(super) fn files() -> [(&'static str, String); 3] {
    let alice = &Pki::get().alice;
    [("tpp.pem", alice.pem()), ("token.txt", alice.token()), ("captured.txt", percent_pem(&alice.der))]
}

const ID: &str = "3f0a7c52-5d0e-4a86-9d1e-1d1f0f3a1b52";
