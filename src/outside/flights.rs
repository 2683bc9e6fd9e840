//! One fetch of a thing at a time, however many wait for it.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::watch;

/// The fetches under way, by what is fetched.
pub(super) struct Flights<K>(Arc<Mutex<HashMap<K, watch::Receiver<()>>>>);

/// Ends when the fetch does, even by a panic.
pub(super) struct Flight(watch::Receiver<()>);

/// Takes a flight off the list when it ends, whichever way.
struct Landing<K: Eq + Hash> {
    key: K,
    flights: Arc<Mutex<HashMap<K, watch::Receiver<()>>>>,
    /// Never sent on: it closes when dropped.
    _lands: watch::Sender<()>,
}

impl<K: Clone + Eq + Hash + Send + 'static> Flights<K> {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(HashMap::new())))
    }

    /// The flight for `key` that is under way, or else a new one in a task of its own, which ends whoever waits for it.
    /// None when, with nothing under way, `is_needed` says that a flight has brought what was looked for meanwhile; it is
    /// called while the list is locked, and must board nothing itself.
    pub(super) fn board<F>(&self, key: K, is_needed: impl FnOnce() -> bool, fetch: impl FnOnce() -> F) -> Option<Flight>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut flights = self.0.lock();
        if let Some(flight) = flights.get(&key) {
            return Some(Flight(flight.clone()));
        }
        if !is_needed() {
            return None;
        }
        let (lands, flight) = watch::channel(());
        flights.insert(key.clone(), flight.clone());
        let landing = Landing { key, flights: Arc::clone(&self.0), _lands: lands };
        // A runtime that is shutting down drops the task at once, which lands it, and that takes the lock again.
        drop(flights);
        let fetch = fetch();
        tokio::spawn(async move {
            let _landing = landing;
            fetch.await;
        });
        Some(Flight(flight))
    }
}

impl Flight {
    pub(super) async fn landed(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

impl<K: Eq + Hash> Drop for Landing<K> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}
