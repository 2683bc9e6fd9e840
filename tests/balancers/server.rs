//! A load balancer's process.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    balancer::{Balancer, CERTBOUND, CERTBOUND_PORT, PORT},
    curl::Curl,
    example,
    support::sidecar::DEADLINE,
};

/// A running load balancer. It ends with this value.
pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    pub(crate) port: u16,
}

impl Server {
    /// Runs it in front of certbound, and waits until certbound answers through it.
    pub(crate) fn start(balancer: &Balancer, program: &Path, certbound: SocketAddr) -> Self {
        // Nobody holds the free port that was found, so another process can be quicker: then it is tried again.
        let started = (0..ATTEMPTS).find_map(|_| {
            let mut server = Self::launch(balancer, program, certbound);
            server.is_ready().then_some(server)
        });
        started.unwrap_or_else(|| panic!("{} does not start", balancer.folder))
    }

    fn launch(balancer: &Balancer, program: &Path, certbound: SocketAddr) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        example::mint_balancer_files(folder.path());
        for (file, changes) in balancer.files {
            let text = example::read(balancer.folder, file, changes);
            let text = text.replace(PORT, &port.to_string()).replace(CERTBOUND, &certbound.to_string());
            let text = text.replace(CERTBOUND_PORT, &certbound.port().to_string());
            fs::write(folder.path().join(file), text).unwrap();
        }
        let log = File::create(folder.path().join(LOG)).unwrap();
        let child = Command::new(program)
            .args(balancer.arguments)
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            // A group of its own, which ends as a whole: some start workers, some are started by a wrapper.
            .process_group(0)
            .spawn()
            .unwrap();
        Self { child, folder, port }
    }

    /// An accepted connection is not enough: Traefik listens before it has read its routes.
    fn is_ready(&mut self) -> bool {
        let (until, curl) = (Instant::now() + DEADLINE, Curl::new(self.port));
        while Instant::now() < until {
            if self.child.try_wait().unwrap().is_some() {
                break;
            }
            if curl.get(&[], None).is_some_and(|answer| answer.is_certbounds()) {
                return true;
            }
            thread::sleep(Duration::from_millis(50));
        }
        eprintln!("{}", self.log());
        false
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Once its end has been seen, its number may be another's.
        if let Ok(None) = self.child.try_wait() {
            let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).status();
            let _ = self.child.wait();
        }
        if thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

const ATTEMPTS: usize = 3;
const LOG: &str = "server.log";
