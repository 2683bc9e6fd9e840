//! The good client: asks for the same account again and again on one connection, and takes the time. In between it asks the
//! bank itself, which tells how busy the machine is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::support::connection::Connection;

/// A good client at work. It is served with 200 each time, or the test fails.
pub(crate) struct Good {
    halt: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    thread: JoinHandle<Took>,
}

/// Each request's latency.
#[derive(Default)]
pub(crate) struct Took {
    pub(crate) through: Vec<Duration>,
    pub(crate) past: Vec<Duration>,
}

impl Good {
    pub(crate) fn asking(mut connection: Connection, mut bank: Connection, bytes: Vec<u8>) -> Self {
        let (halt, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (told, count) = (Arc::clone(&halt), Arc::clone(&served));
        let thread = thread::spawn(move || {
            let mut took = Took::default();
            while !told.load(Ordering::SeqCst) {
                let begun = Instant::now();
                connection.write(&bytes);
                let answer = connection.answer("GET");
                took.through.push(begun.elapsed());
                assert_eq!(answer.status, 200, "{}", answer.code());
                let begun = Instant::now();
                bank.write(&bytes);
                bank.answer("GET");
                took.past.push(begun.elapsed());
                count.fetch_add(1, Ordering::SeqCst);
            }
            took
        });
        Self { halt, served, thread }
    }

    /// How many requests were served so far.
    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    /// Waits for so many more.
    pub(crate) fn await_more(&self, count: usize) {
        let wanted = self.served() + count;
        while self.served() < wanted && !self.thread.is_finished() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn rest(self) -> Took {
        self.halt.store(true, Ordering::SeqCst);
        self.thread.join().expect("the good client is served")
    }
}

/// The latency that half of the requests stay below.
pub(crate) fn median(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() / 2]
}
