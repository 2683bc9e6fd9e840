//! What was verified before, by the bytes that it was read from.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::RandomState;
use quick_cache::{
    Equivalent, OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};

/// Values by whole keys that are long, within a number of bytes; what is asked for least is forgotten.
///
/// No verdict depends on it. Nothing is digested, so no two keys can be confused. Only what was verified may be put in, so
/// nobody can choose keys whose hashes collide.
///
/// It stands in [`PARTS`] with a lock and a share of the bytes each; a look-up holds its part's lock as a reader, for as
/// long as it takes to compare the key and to clone the value.
pub(crate) struct Memory<K, V> {
    hasher: RandomState,
    /// None: nothing is remembered.
    entries: Option<Entries<K, V>>,
}

type Entries<K, V> = Cache<Kept<K>, V, Weigh<Kept<K>, V>, RandomState>;

/// How many parts there are, unless each would hold few entries: more of them meet less often, and share less evenly.
const PARTS: usize = 16;

/// Bytes of an entry, roughly. What was forgotten is known again by its hash for half as many entries as fit.
const USUAL_BYTES: u64 = 4096;

/// A key with its hash, so that the key is not read again whenever the memory grows or makes room.
pub(crate) struct Kept<K> {
    hash: u64,
    pub(crate) key: K,
}

/// How many bytes an entry takes, by its key and its value.
pub(crate) struct Weigh<K, V>(pub(crate) fn(&K, &V) -> usize);

/// A key that is looked for.
struct Sought<'a> {
    hash: u64,
    key: &'a [u8],
}

impl<K: AsRef<[u8]>, V: Clone> Memory<K, V> {
    /// `bytes`: at most, as `weigh` counts them for each entry; 0: nothing is remembered.
    pub(crate) fn new(bytes: u64, weigh: fn(&Kept<K>, &V) -> usize) -> Self {
        let usual = usize::try_from(bytes / USUAL_BYTES).unwrap_or(usize::MAX);
        let options =
            OptionsBuilder::new().weight_capacity(bytes).estimated_items_capacity(usual).shards(PARTS).build();
        let options = options.ok().filter(|_| bytes > 0);
        let entries = options.map(|options| {
            Cache::with_options(options, Weigh(weigh), RandomState::default(), DefaultLifecycle::default())
        });
        Self { hasher: RandomState::default(), entries }
    }

    /// What was put in under `key`, if it is still there.
    pub(crate) fn recall(&self, key: &[u8]) -> Option<V> {
        self.entries.as_ref()?.get(&Sought { hash: self.hasher.hash_one(key), key })
    }

    /// Keeps `value`, as long as there is room.
    pub(crate) fn remember(&self, key: K, value: V) {
        if let Some(entries) = &self.entries {
            entries.insert(Kept { hash: self.hasher.hash_one(key.as_ref()), key }, value);
        }
    }

    /// Gives the memory back.
    pub(crate) fn forget(&self) {
        if let Some(entries) = &self.entries {
            entries.clear();
        }
    }
}

#[cfg(test)]
impl<K: AsRef<[u8]>, V: Clone> Memory<K, V> {
    /// How many entries there are, and what they weigh together.
    pub(crate) fn extent(&self) -> (u64, u64) {
        self.entries.as_ref().map_or((0, 0), |entries| (entries.len() as u64, entries.weight()))
    }
}

impl<K, V> Weighter<K, V> for Weigh<K, V> {
    /// One that weighed nothing would never be forgotten.
    fn weight(&self, key: &K, value: &V) -> u64 {
        u64::try_from((self.0)(key, value)).unwrap_or(u64::MAX).max(1)
    }
}

impl<K, V> Clone for Weigh<K, V> {
    fn clone(&self) -> Self {
        Self(self.0)
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
        let memory = Memory::new(1 << 20, |_: &Kept<Vec<u8>>, _| 1);
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
        let memory = Memory::new(1_000, |kept: &Kept<Vec<u8>>, ()| kept.key.len());
        for number in 0..200_u8 {
            memory.remember(vec![number; 100], ());
        }
        let (entries, weight) = memory.extent();
        assert!((1..=10).contains(&entries) && weight <= 1_000, "{entries} {weight}");
    }

    #[test]
    fn what_weighs_nothing_is_forgotten_too() {
        let memory = Memory::new(10, |_: &Kept<Vec<u8>>, ()| 0);
        (0..200_u8).for_each(|number| memory.remember(vec![number], ()));
        assert!((1..=10).contains(&memory.extent().0), "{:?}", memory.extent());
    }

    #[test]
    fn nothing_is_remembered_in_no_bytes() {
        let memory = Memory::new(0, |_: &Kept<Vec<u8>>, ()| 0);
        memory.remember(vec![1], ());
        assert_eq!((memory.recall(&[1]), memory.extent()), (None, (0, 0)));
    }
}
