//! Requests without a pause, while something else happens.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    stage::Stage,
    support::{connection::Connection, pki::Pki, sidecar::DEADLINE, tls::client_config},
    tpp::{Token, Tpp},
};

/// One client that asks again and again.
pub(crate) struct Traffic {
    ended: Arc<AtomicBool>,
    statuses: JoinHandle<BTreeMap<u16, usize>>,
}

impl Traffic {
    /// Returns once the first answer is there.
    pub(crate) fn start(stage: &Stage, tpp: &Tpp, token: &Token) -> Self {
        let (ended, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (ending, answering) = (Arc::clone(&ended), Arc::clone(&answered));
        let (port, client) = (stage.api.port(), tpp.certificate.clone());
        let request =
            format!("GET {TARGET} HTTP/1.1\r\nHost: api.bank.example\r\nAuthorization: Bearer {}\r\n\r\n", token.text);
        let statuses = thread::spawn(move || {
            let mut statuses = BTreeMap::new();
            while !ending.load(Ordering::SeqCst) {
                let tls = client_config(&Pki::get().infrastructure, Some(&client));
                let mut connection = Connection::tls(([127, 0, 0, 1], port).into(), "localhost", tls);
                for _ in 0..REQUESTS_ON_A_CONNECTION {
                    connection.write(request.as_bytes());
                    *statuses.entry(connection.answer("GET").status).or_default() += 1;
                    answering.fetch_add(1, Ordering::SeqCst);
                    thread::sleep(PAUSE);
                }
            }
            statuses
        });
        let until = Instant::now() + DEADLINE;
        while answered.load(Ordering::SeqCst) == 0 {
            assert!(Instant::now() < until && !statuses.is_finished(), "no traffic");
            thread::sleep(PAUSE);
        }
        Self { ended, statuses }
    }

    /// How many requests there were. Every one of them has passed.
    pub(crate) fn end(self) -> String {
        self.ended.store(true, Ordering::SeqCst);
        let statuses = self.statuses.join().unwrap();
        assert!(statuses.keys().eq(&[200]), "{statuses:?}");
        format!("{} requests: 200", statuses[&200])
    }
}

/// Where it goes; left out of the transcript.
pub(crate) const TARGET: &str = "/traffic";
const REQUESTS_ON_A_CONNECTION: usize = 20;
/// So that it takes no core for itself.
const PAUSE: Duration = Duration::from_millis(1);
