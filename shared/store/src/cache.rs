//! What an instance keeps in memory for a while. Every function carries it, so it is small: a cache
//! that also decides by how often something is asked for took 0.2 MB of each zip.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Keeps values by key, so many at most, each for a time at most; clones share them.
pub struct Cache<K, V> {
    kept: Arc<Mutex<HashMap<K, Kept<V>>>>,
    capacity: usize,
    kept_for: Option<Duration>,
}

struct Kept<V> {
    value: V,
    since: Instant,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// Starts empty. Past its capacity, the older half goes.
    pub fn new(capacity: usize) -> Self {
        Self { kept: Arc::default(), capacity: capacity.max(1), kept_for: None }
    }

    /// Forgets what was put in longer ago.
    #[must_use]
    pub fn for_at_most(self, kept_for: Duration) -> Self {
        Self { kept_for: Some(kept_for), ..self }
    }

    /// Gives what is kept under a key.
    pub fn get(&self, key: &K) -> Option<V> {
        let now = Instant::now();
        self.lock().get(key).filter(|kept| self.holds(kept, now)).map(|kept| kept.value.clone())
    }

    /// Keeps a value, in the place of what is there.
    pub fn insert(&self, key: K, value: V) {
        self.put(&mut self.lock(), key, value);
    }

    /// Gives what is kept under a key, and makes it where there is nothing: once, whoever asks.
    pub fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> V {
        let now = Instant::now();
        let mut all = self.lock();
        if let Some(kept) = all.get(&key).filter(|kept| self.holds(kept, now)) {
            return kept.value.clone();
        }
        let value = make();
        self.put(&mut all, key, value.clone());
        value
    }

    /// Forgets what is kept under a key.
    pub fn forget(&self, key: &K) {
        self.lock().remove(key);
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        self.lock().clear();
    }

    fn put(&self, all: &mut HashMap<K, Kept<V>>, key: K, value: V) {
        let now = Instant::now();
        if all.len() >= self.capacity && !all.contains_key(&key) {
            all.retain(|_, kept| self.holds(kept, now));
            self.make_room(all);
        }
        all.insert(key, Kept { value, since: now });
    }

    /// Drops the older half of what is full: rarely, and then for many that come.
    fn make_room(&self, all: &mut HashMap<K, Kept<V>>) {
        if all.len() < self.capacity {
            return;
        }
        let mut ages: Vec<Instant> = all.values().map(|kept| kept.since).collect();
        let middle = ages.len() / 2;
        let (_, oldest_kept, _) = ages.select_nth_unstable(middle);
        let oldest_kept = *oldest_kept;
        all.retain(|_, kept| kept.since > oldest_kept);
    }

    fn holds(&self, kept: &Kept<V>, now: Instant) -> bool {
        self.kept_for.is_none_or(|kept_for| now.duration_since(kept.since) < kept_for)
    }
}

impl<K, V> Cache<K, V> {
    /// A panic while it was locked left a whole value there or none.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Kept<V>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Self { kept: Arc::clone(&self.kept), capacity: self.capacity, kept_for: self.kept_for }
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cache").field("kept", &self.lock().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_too_long_is_gone() {
        let cache = Cache::new(10).for_at_most(Duration::from_millis(20));
        cache.insert("a", 1);
        assert_eq!(cache.get(&"a"), Some(1));
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!(cache.get(&"a"), None);
        assert_eq!(cache.get_or_insert_with("a", || 2), 2);
    }

    #[test]
    fn a_full_cache_drops_the_older_half_and_never_what_comes() {
        let cache = Cache::new(10);
        for n in 0..1_000 {
            cache.insert(n, n);
            assert_eq!(cache.get(&n), Some(n));
            assert!(cache.lock().len() <= 10);
        }
        assert!((995..1_000).all(|n| cache.get(&n) == Some(n)), "the newest are there");
        cache.insert(999, 0);
        assert_eq!(cache.get(&999), Some(0));
    }

    #[test]
    fn clones_share_what_is_kept_and_make_it_once() {
        let cache = Cache::new(10);
        let other = cache.clone();
        assert_eq!(cache.get_or_insert_with("a", || 1), 1);
        assert_eq!(other.get_or_insert_with("a", || 2), 1);
        other.forget(&"a");
        assert_eq!(cache.get(&"a"), None);
        cache.insert("b", 3);
        other.forget_all();
        assert_eq!(cache.get(&"b"), None);
    }
}
