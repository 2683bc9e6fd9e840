//! Lines on their way to a thread that writes them, so that no request waits for a disk or a pipe.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// A bounded queue with a thread at its end. The thread ends when the queue and every place in it are gone.
pub(super) struct Queue<T>(Arc<Ends<T>>);

struct Ends<T> {
    sender: mpsc::Sender<Item<T>>,
    /// Places taken: promised or queued, and not yet written.
    taken: Arc<AtomicUsize>,
    /// Those that are queued.
    waiting: Arc<AtomicUsize>,
    room: usize,
}

enum Item<T> {
    Line(T),
    /// Answered when everything before it is written.
    Flush(mpsc::Sender<()>),
    Wake,
}

/// Room for one item. Dropped, it is free again.
pub(super) struct Place<T>(Option<Arc<Ends<T>>>);

impl<T: Send + 'static> Queue<T> {
    /// Starts the thread `name`. `write` is given what has come together, in order, and may take as long as it needs;
    /// nothing, where [`Self::wake`] says so. `room`: how many items may wait for it before no more are promised any.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(super) fn start(name: &str, room: usize, mut write: impl FnMut(&[T]) + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let (taken, waiting) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let ends = Ends { sender, taken: Arc::clone(&taken), waiting: Arc::clone(&waiting), room };
        let serve = move || {
            let mut batch = Vec::new();
            while let Ok(first) = receiver.recv() {
                let (mut flushes, mut woken) = (Vec::new(), false);
                for item in std::iter::once(first).chain(receiver.try_iter()).take(MOST_AT_ONCE) {
                    match item {
                        Item::Line(line) => batch.push(line),
                        Item::Flush(done) => flushes.push(done),
                        Item::Wake => woken = true,
                    }
                }
                let written = batch.len();
                if written > 0 || woken {
                    write(&batch);
                    batch.clear();
                    waiting.fetch_sub(written, Ordering::AcqRel);
                    taken.fetch_sub(written, Ordering::AcqRel);
                }
                if flushes.is_empty() && written < MOST_AT_ONCE {
                    // While it sleeps, whoever queues need not wake it: that would cost every request a system call.
                    thread::sleep(LINGER);
                }
                for done in flushes {
                    // Whoever asked may have lost patience.
                    let _ = done.send(());
                }
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(serve)?;
        Ok(Self(Arc::new(ends)))
    }

    /// Room for one item, if there is any. What is promised takes none from others: only whoever writes can fall behind.
    pub(super) fn reserve(&self) -> Option<Place<T>> {
        if self.0.waiting.load(Ordering::Acquire) >= self.0.room {
            return None;
        }
        self.0.taken.fetch_add(1, Ordering::AcqRel);
        Some(Place(Some(Arc::clone(&self.0))))
    }

    /// Has `write` called, even if there is nothing to write.
    pub(super) fn wake(&self) {
        // A thread that is gone has nothing to look after.
        let _ = self.0.sender.send(Item::Wake);
    }

    /// Waits until everything is written and no place is promised any more, at most for `patience`. Tells whether it is.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            let (done, written) = mpsc::channel();
            if self.0.sender.send(Item::Flush(done)).is_err() {
                return false;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if written.recv_timeout(left).is_err() {
                return false;
            }
            if self.0.taken.load(Ordering::Acquire) == 0 {
                return true;
            }
            thread::sleep(POLL.min(left));
        }
    }
}

impl<T> Place<T> {
    /// Queues the item.
    pub(super) fn put(mut self, item: T) {
        let Some(ends) = self.0.take() else { return };
        ends.waiting.fetch_add(1, Ordering::AcqRel);
        if ends.sender.send(Item::Line(item)).is_err() {
            // The thread is gone, and so is the item. Nothing is promised any more.
            ends.waiting.fetch_add(ends.room, Ordering::AcqRel);
            ends.taken.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        if let Some(ends) = self.0.take() {
            ends.taken.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// After a write, until the next.
const LINGER: Duration = Duration::from_millis(5);
/// Bounds the memory of one write.
const MOST_AT_ONCE: usize = 256;
/// While places are promised to requests that are about to end.
const POLL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests state what they need")]

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn items_are_written_in_order_and_flush_waits_for_them() {
        let (seen, saw) = mpsc::channel();
        let queue = Queue::start("test", 1000, move |batch: &[u32]| {
            batch.iter().for_each(|item| seen.send(*item).unwrap());
        });
        let queue = queue.unwrap();
        for item in 0..1000 {
            queue.reserve().unwrap().put(item);
        }
        assert!(queue.flush(PATIENCE));
        assert!(saw.try_iter().eq(0..1000));
    }

    /// Or what nobody writes would count as written.
    #[test]
    fn thread_that_died_is_promised_nothing() {
        let queue = Queue::start("test", 2, |_: &[u32]| panic!("as a fault in the writer would")).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while let Some(place) = queue.reserve() {
            place.put(1);
            assert!(Instant::now() < deadline);
        }
        assert!(!queue.flush(PATIENCE));
    }

    #[test]
    fn full_queue_gives_no_place_until_something_is_written_and_promises_fill_none() {
        let (go, wait) = mpsc::channel::<()>();
        let queue = Queue::start("test", 2, move |_: &[u32]| {
            let _ = wait.recv();
        })
        .unwrap();
        queue.reserve().unwrap().put(1);
        let promised = [queue.reserve().unwrap(), queue.reserve().unwrap(), queue.reserve().unwrap()];
        queue.reserve().unwrap().put(2);
        assert!(queue.reserve().is_none());
        promised.into_iter().for_each(|place| place.put(3));
        assert!(!queue.flush(Duration::from_millis(1)), "nothing was written");
        drop(go);
        assert!(queue.flush(PATIENCE));
        let promised = queue.reserve().unwrap();
        assert!(!queue.flush(Duration::from_millis(100)), "a place is promised");
        drop(promised);
        assert!(queue.flush(PATIENCE));
    }
}
