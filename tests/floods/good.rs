//! The good client: asks for the same account again and again on one connection, and takes the time.

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
    thread: JoinHandle<Vec<Duration>>,
}

impl Good {
    pub(crate) fn asking(mut connection: Connection, bytes: Vec<u8>) -> Self {
        let (halt, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (told, count) = (Arc::clone(&halt), Arc::clone(&served));
        let thread = thread::spawn(move || {
            let mut took = Vec::new();
            while !told.load(Ordering::SeqCst) {
                let begun = Instant::now();
                connection.write(&bytes);
                let answer = connection.answer("GET");
                took.push(begun.elapsed());
                assert_eq!(answer.status, 200, "{}", answer.code());
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

    /// Each request's latency.
    pub(crate) fn rest(self) -> Vec<Duration> {
        self.halt.store(true, Ordering::SeqCst);
        self.thread.join().expect("the good client is served")
    }
}

/// The latency that half of the requests stay below.
pub(crate) fn median(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() / 2]
}
