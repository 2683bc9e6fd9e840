//! How much is going on, and in which part of its life the process is.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

/// What goes on in the process. Cheap to clone; every clone counts the same things.
#[derive(Clone, Debug, Default)]
pub struct Activity(Arc<Going>);

#[derive(Debug, Default)]
struct Going {
    arriving: Arc<Count>,
    requests: Arc<Count>,
    connections: Arc<Count>,
    http2: Arc<Count>,
    started: AtomicBool,
    draining: AtomicBool,
}

impl Activity {
    /// Header sections from their first byte until they are complete, or never will be, on HTTP/1.
    pub fn arriving(&self) -> &Arc<Count> {
        &self.0.arriving
    }

    /// Requests from the end of their header section to the end of their answer.
    pub fn requests(&self) -> &Arc<Count> {
        &self.0.requests
    }

    /// Connections of the data listener.
    pub fn connections(&self) -> &Arc<Count> {
        &self.0.connections
    }

    /// Those connections on which HTTP/2 is spoken: what was answered may still have to be written by their own task.
    pub fn http2(&self) -> &Arc<Count> {
        &self.0.http2
    }

    /// Every listener is bound.
    pub fn start(&self) {
        self.0.started.store(true, Ordering::Relaxed);
    }

    /// Whether every listener is bound.
    pub fn is_started(&self) -> bool {
        self.0.started.load(Ordering::Relaxed)
    }

    /// From now on no new connection is taken, and connections end with the request that is under way.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the process is about to end.
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }
}

/// How many of one thing there are.
#[derive(Debug, Default)]
pub struct Count {
    now: AtomicUsize,
    zero: Notify,
    /// Whether anyone waits for zero, so that nothing is locked while nobody does.
    awaited: AtomicBool,
}

/// One of what is counted, as long as it lives.
#[derive(Debug)]
#[must_use]
pub struct Counted(Arc<Count>);

impl Count {
    /// One more.
    pub fn begin(self: &Arc<Self>) -> Counted {
        self.now.fetch_add(1, Ordering::SeqCst);
        Counted(Arc::clone(self))
    }

    /// One more, unless that makes more than `most`.
    pub fn begin_within(self: &Arc<Self>, most: usize) -> Option<Counted> {
        let counted = self.begin();
        (self.now() <= most).then_some(counted)
    }

    /// How many there are.
    pub fn now(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }

    /// Waits until there are none.
    pub fn none(&self) -> impl Future<Output = ()> {
        self.awaited.store(true, Ordering::SeqCst);
        async {
            loop {
                let mut zero = pin!(self.zero.notified());
                // Registered before the count is read, so that the last one cannot leave unheard in between.
                zero.as_mut().enable();
                if self.now() == 0 {
                    return;
                }
                zero.await;
            }
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.now.fetch_sub(1, Ordering::SeqCst) == 1 && self.0.awaited.load(Ordering::SeqCst) {
            self.0.zero.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests state what they need")]

    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn count_is_none_when_the_last_one_has_gone() {
        let requests = Arc::new(Count::default());
        let (first, second) = (requests.begin(), requests.begin());
        let mut none = pin!(requests.none());
        let mut is_none = || none.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();

        assert!(!is_none());
        drop(first);
        assert!(!is_none());
        drop(second);
        assert!(is_none());
    }

    #[test]
    fn one_too_many_is_turned_away_and_leaves_no_trace() {
        let connections = Arc::new(Count::default());
        let first = connections.begin_within(1).unwrap();
        assert!(connections.begin_within(1).is_none());
        assert_eq!(connections.now(), 1);

        drop(first);

        assert!(connections.begin_within(1).is_some());
    }
}
