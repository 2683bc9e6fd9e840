//! What was verified before, by the bytes that it was read from.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::RandomState;
use moka::{Equivalent, sync::Cache};

/// Values by whole keys that are long, within a number of bytes; what is asked for least is forgotten.
///
/// No verdict depends on it. Nothing is digested, so no two keys can be confused. Only what was verified may be put in, so
/// nobody can choose keys whose hashes collide.
pub(crate) struct Memory<K, V> {
    hasher: RandomState,
    entries: Cache<Kept<K>, V, RandomState>,
}

/// A key with its hash, so that the key is not read again whenever the memory grows or makes room.
struct Kept<K> {
    hash: u64,
    key: K,
}

/// A key that is looked for.
struct Sought<'a> {
    hash: u64,
    key: &'a [u8],
}

impl<K, V> Memory<K, V>
where
    K: AsRef<[u8]> + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// `bytes`: at most, as `weigh` counts them for each entry.
    pub(crate) fn new(bytes: u64, weigh: impl Fn(&[u8], &V) -> usize + Send + Sync + 'static) -> Self {
        let weigh = move |kept: &Kept<K>, value: &V| weigh(kept.key.as_ref(), value).try_into().unwrap_or(u32::MAX);
        let entries = Cache::builder().max_capacity(bytes).weigher(weigh);
        Self { hasher: RandomState::default(), entries: entries.build_with_hasher(RandomState::default()) }
    }

    /// What was put in under `key`, if it is still there.
    pub(crate) fn recall(&self, key: &[u8]) -> Option<V> {
        self.entries.get(&Sought { hash: self.hasher.hash_one(key), key })
    }

    /// Keeps `value`, as long as there is room.
    pub(crate) fn remember(&self, key: K, value: V) {
        self.entries.insert(Kept { hash: self.hasher.hash_one(key.as_ref()), key }, value);
    }
}

#[cfg(test)]
impl<K, V> Memory<K, V>
where
    K: AsRef<[u8]> + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// How many entries there are, and what they weigh together, once there is nothing left to do.
    pub(crate) fn extent(&self) -> (u64, u64) {
        self.entries.run_pending_tasks();
        (self.entries.entry_count(), self.entries.weighted_size())
    }
}

impl<K> Hash for Kept<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Hash for Sought<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<K: AsRef<[u8]>> PartialEq for Kept<K> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.key.as_ref() == other.key.as_ref()
    }
}

impl<K: AsRef<[u8]>> Eq for Kept<K> {}

impl<K: AsRef<[u8]>> Equivalent<Kept<K>> for Sought<'_> {
    fn equivalent(&self, kept: &Kept<K>) -> bool {
        self.hash == kept.hash && self.key == kept.key.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_found_by_its_whole_key_alone() {
        let memory = Memory::new(1 << 20, |_, _| 1);
        let keys: Vec<Vec<u8>> = (0..2_000_usize).map(|number| number.to_string().repeat(40).into()).collect();
        for (number, key) in keys.iter().enumerate() {
            assert_eq!(memory.recall(key), None);
            memory.remember(key.clone(), number);
        }
        for (number, key) in keys.iter().enumerate() {
            assert_eq!(memory.recall(key), Some(number));
            assert_eq!(memory.recall(key.get(1..).unwrap_or_default()), None);
        }
    }

    #[test]
    fn keys_of_one_hash_are_told_apart() {
        let (one, other) = (Kept { hash: 7, key: *b"a" }, Kept { hash: 7, key: *b"b" });
        assert!(one != other && one == Kept { hash: 7, key: *b"a" });
        assert!(Sought { hash: 7, key: b"a" }.equivalent(&one) && !Sought { hash: 7, key: b"a" }.equivalent(&other));
    }

    #[test]
    fn memory_stays_within_its_bytes() {
        let memory = Memory::new(1_000, |key, ()| key.len());
        for number in 0..200_u8 {
            memory.remember(vec![number; 100], ());
        }
        let (entries, weight) = memory.extent();
        assert!((1..=10).contains(&entries) && weight <= 1_000, "{entries} {weight}");
    }
}
