//! A load balancer's process.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
};

use super::{super::process::Process, Balancer, CERTBOUND, CERTBOUND_PORT, PORT, curl::Curl, example};

/// A running load balancer. It ends with this value.
pub(crate) struct Server {
    process: Process,
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
        Self { process: Process::start(Command::new(program).args(balancer.arguments), folder), port }
    }

    /// An accepted connection is not enough: Traefik listens before it has read its routes.
    fn is_ready(&mut self) -> bool {
        let curl = Curl::new(self.port);
        let answers = |_: &str| curl.get(&[], None).is_some_and(|answer| answer.is_certbounds()).then_some(());
        self.process.await_some(answers).is_some()
    }
}

/// One that nobody listens on at the moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

const ATTEMPTS: usize = 3;
