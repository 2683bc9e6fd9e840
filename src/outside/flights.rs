//! One fetch of a thing at a time, however many wait for it.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::watch;

/// The fetches under way, by what is fetched. `T`: what each brings to whoever waits for it.
pub(super) struct Flights<K, T = ()>(Arc<Mutex<HashMap<K, watch::Receiver<Option<T>>>>>);

/// Ends when the fetch does, even by a panic.
pub(super) struct Flight<T = ()>(watch::Receiver<Option<T>>);

/// Takes a flight off the list when it ends, whichever way.
struct Landing<K: Eq + Hash, T> {
    key: K,
    flights: Arc<Mutex<HashMap<K, watch::Receiver<Option<T>>>>>,
    /// Sent on once at most, and closes when dropped.
    lands: watch::Sender<Option<T>>,
}

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(HashMap::new())))
    }

    /// The flight for `key` that is under way, or else a new one in a task of its own, which ends whoever waits for it.
    /// None when, with nothing under way, `is_needed` says that a flight has brought what was looked for meanwhile; it is
    /// called while the list is locked, and must board nothing itself.
    pub(super) fn board<F>(
        &self,
        key: K,
        is_needed: impl FnOnce() -> bool,
        fetch: impl FnOnce() -> F,
    ) -> Option<Flight<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut flights = self.0.lock();
        if let Some(flight) = flights.get(&key) {
            return Some(Flight(flight.clone()));
        }
        if !is_needed() {
            return None;
        }
        let (lands, flight) = watch::channel(None);
        flights.insert(key.clone(), flight.clone());
        let landing = Landing { key, flights: Arc::clone(&self.0), lands };
        // A runtime that is shutting down drops the task at once, which lands it, and that takes the lock again.
        drop(flights);
        let fetch = fetch();
        tokio::spawn(async move {
            let landing = landing;
            let brought = fetch.await;
            // Nobody may be left to take it.
            landing.lands.send_replace(Some(brought));
        });
        Some(Flight(flight))
    }
}

impl<T: Clone> Flight<T> {
    /// What it brought; none when it ended by a panic, or with the process.
    pub(super) async fn landed(mut self) -> Option<T> {
        while self.0.changed().await.is_ok() {}
        self.0.borrow().clone()
    }
}

impl<K: Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}
