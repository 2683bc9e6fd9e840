//! A steady, bounded load: clients that do not need the part, and clients that do.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    part::{APART, Part},
    support::{
        connection::{Answer, Connection},
        sidecar::{DEADLINE, Sidecar},
    },
    verdict::assert_refusal,
};

/// Clients that do not need the part, on connections that stay.
pub(crate) struct Apart(Vec<Mutex<Connection>>);

/// What those need not wait for who do: counts down even where one fails.
struct AtWork<'a>(&'a AtomicUsize);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Apart {
    pub(crate) fn of(part: &dyn Part) -> Self {
        Self((0..CLIENTS_APART).map(|_| Mutex::new(part.sidecar().connect())).collect())
    }

    /// The median time of an answer to them while others, if any, ask for what the part is needed for, for so long at least.
    /// Every answer is held to what it has to be; `code`: of the answers to the others, empty where they pass.
    pub(crate) fn median(&self, part: &dyn Part, code: Option<&str>, least: Duration) -> Duration {
        let at_work = AtomicUsize::new(CLIENTS_NEEDING);
        let times = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..CLIENTS_NEEDING {
                scope.spawn(|| {
                    let _at_work = AtWork(&at_work);
                    need(part, code, least);
                });
            }
            for connection in &self.0 {
                scope.spawn(|| {
                    let mut connection = connection.lock().unwrap();
                    loop {
                        let took = ask_apart(part, &mut connection);
                        times.lock().unwrap().push(took);
                        if at_work.load(Ordering::SeqCst) == 0 {
                            return;
                        }
                        thread::sleep(PAUSE);
                    }
                });
            }
        });
        let mut times = times.into_inner().unwrap();
        times.sort();
        times[times.len() / 2]
    }

    /// A few more requests.
    pub(crate) fn go_on(&self, part: &dyn Part) {
        for connection in &self.0 {
            let mut connection = connection.lock().unwrap();
            for _ in 0..10 {
                ask_apart(part, &mut connection);
            }
        }
    }
}

fn ask_apart(part: &dyn Part, connection: &mut Connection) -> Duration {
    let request = part.apart();
    let begun = Instant::now();
    connection.write(&request);
    let answer = connection.answer("GET");
    let took = begun.elapsed();
    hold(&answer, part.code_apart());
    took
}

/// One client that needs the part; without a code nobody asks, and the time passes all the same.
fn need(part: &dyn Part, code: Option<&str>, least: Duration) {
    let begun = Instant::now();
    let mut connection = None;
    let mut asked = 0;
    while asked < LEAST || begun.elapsed() < least {
        if let Some(code) = code {
            hold(&ask(part, &mut connection), code);
        }
        asked += 1;
        thread::sleep(PAUSE);
    }
}

/// The answer to a request that needs the part, on this connection or, where it has ended, on a new one.
pub(crate) fn ask(part: &dyn Part, kept: &mut Option<Connection>) -> Answer {
    let mut connection = kept.take().unwrap_or_else(|| part.sidecar().connect());
    connection.write(&part.needing());
    let answer = connection.answer("GET");
    if answer.header("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close")) {
        *kept = Some(connection);
    }
    answer
}

/// Sends what is refused anyway, by many at once, for as long as `goes_on`: a queue of thousands has to be filled.
pub(crate) fn exhaust(sidecar: &Sidecar, goes_on: impl Fn() -> bool + Sync) {
    let (until, over) = (Instant::now() + 2 * DEADLINE, AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..CLIENTS_NEEDING {
            scope.spawn(|| {
                let (mut connection, request) = (sidecar.connect(), sidecar.get(APART));
                while !over.load(Ordering::SeqCst) {
                    drop(request.send_on(&mut connection));
                }
            });
        }
        while goes_on() && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        over.store(true, Ordering::SeqCst);
    });
    assert!(Instant::now() < until, "it goes on without an end");
}

/// The answer has this code; empty: it passed.
pub(crate) fn hold(answer: &Answer, code: &str) {
    if code.is_empty() {
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    } else {
        assert_refusal(answer, code);
    }
}

const CLIENTS_APART: usize = 2;
pub(crate) const CLIENTS_NEEDING: usize = 8;
/// Requests of each client that needs the part.
const LEAST: usize = 2;
/// Between two requests of a client.
const PAUSE: Duration = Duration::from_millis(4);
