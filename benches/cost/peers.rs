//! What else could stand there: other proxies, as far as their own means go.

use std::{env, fs, path::PathBuf, process::Command};

use super::{
    issuer::Algorithm,
    proxy::{Proxy, free_address},
    stage::Stage,
};

/// Another proxy, with one worker.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    version: &'static str,
    /// Its configuration, where `@listen@` and the like stand for what is known only now.
    files: &'static [(&'static str, &'static str)],
    /// By which it verifies tokens.
    pub(crate) algorithms: &'static [Algorithm],
}

pub(crate) const NGINX: Peer = Peer {
    name: "nginx",
    program: "nginx",
    arguments: &["-p", ".", "-c", "nginx.conf", "-e", "stderr"],
    version: "-v",
    files: &[("nginx.conf", include_str!("peers/nginx.conf"))],
    algorithms: &[],
};

/// Its `jwt_verify` knows no PS256.
pub(crate) const HAPROXY: Peer = Peer {
    name: "HAProxy",
    program: "haproxy",
    arguments: &["-db", "-f", "haproxy.cfg"],
    version: "-v",
    files: &[("haproxy.cfg", include_str!("peers/haproxy.cfg"))],
    algorithms: &[Algorithm::Es256, Algorithm::Rs256],
};

pub(crate) const ENVOY: Peer = Peer {
    name: "Envoy",
    program: "envoy",
    arguments: &["-c", "envoy.yaml", "--disable-hot-restart", "--concurrency", "1", "--log-level", "error"],
    version: "--version",
    files: &[
        ("envoy.yaml", include_str!("peers/envoy.yaml")),
        ("thumbprint.lua", include_str!("peers/thumbprint.lua")),
    ],
    algorithms: &Algorithm::ALL,
};

impl Peer {
    /// None, said loudly, where it is not installed; in CI that is a failure.
    pub(crate) fn find(&self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        // Where CI installs Envoy, and where Debian puts servers.
        let home = env::home_dir().unwrap_or_default().join(".cache/certbound-ci/bin");
        let folders = [home].into_iter().chain(env::split_paths(&path)).chain([PathBuf::from("/usr/sbin")]);
        let found = folders.map(|folder| folder.join(self.program)).find(|file| file.is_file());
        if found.is_none() {
            assert_ne!(env::var("CI").as_deref(), Ok("true"), "{} is not installed", self.name);
            eprintln!("SKIPPED: {} is not installed", self.name);
        }
        found
    }

    /// As it says itself.
    pub(crate) fn version(&self) -> Option<String> {
        let output = Command::new(self.find()?).arg(self.version).output().ok()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let (_, number) = said.lines().find(|line| line.contains("version"))?.rsplit_once("version")?;
        let is_number = |word: &&str| word.contains('.') && word.starts_with(|letter: char| letter.is_ascii_digit());
        number.split([' ', '/']).find(is_number).map(str::to_owned)
    }

    /// Checks tokens of this algorithm, or nothing.
    pub(crate) fn start(&self, stage: &Stage, algorithm: Option<Algorithm>) -> Option<Proxy> {
        let program = self.find()?;
        let listen = free_address();
        let folder = stage.folder.path().join(listen.port().to_string());
        fs::create_dir(&folder).expect("a folder of its own");
        for (name, template) in self.files {
            let text = algorithm.map_or_else(|| without_checks(template), |_| (*template).to_owned());
            let text = text
                .replace("@listen@", &listen.to_string())
                .replace("@listen-port@", &listen.port().to_string())
                .replace("@backend@", &stage.backend.to_string())
                .replace("@backend-port@", &stage.backend.port().to_string())
                .replace("@algorithm@", algorithm.map_or("", Algorithm::name));
            fs::write(folder.join(name), text).expect("its configuration");
        }
        fs::write(folder.join("jwks.json"), stage.issuer.keys()).expect("a key set");
        fs::write(folder.join("issuer.pem"), stage.issuer.pem(algorithm.unwrap_or(Algorithm::Es256))).expect("a key");
        let mut command = Command::new(program);
        Some(Proxy::listening(&stage.cores, command.args(self.arguments).current_dir(folder), listen))
    }
}

/// The text up to each `#@checks@` and from the `#@/checks@` behind it.
fn without_checks(text: &str) -> String {
    let mut checks = false;
    let mut kept = String::new();
    for line in text.lines() {
        checks = (checks || line.trim() == "#@checks@") && line.trim() != "#@/checks@";
        if !checks {
            kept.extend([line, "\n"]);
        }
    }
    kept
}
