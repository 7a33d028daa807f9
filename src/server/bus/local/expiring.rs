//! A hash map whose entries expire: [`Expiring`].

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

/// The shortest pause between two removals of expired entries.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// A hash map whose entries expire. An expired entry is never returned. Its memory is freed by the first lookup that is
/// at least a minute after the last clean-up. Callers pass the time, so that tests can choose it.
pub(super) struct Expiring<K, V> {
    entries: HashMap<K, Entry<V>>,
    swept_at: Option<Instant>,
}

struct Entry<V> {
    value: V,
    ends_at: Instant,
}

impl<K, V> Default for Expiring<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), swept_at: None }
    }
}

impl<K: Hash + Eq, V> Expiring<K, V> {
    /// The value of an entry and its end. Both can be changed.
    pub fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q, now: Instant) -> Option<(&mut V, &mut Instant)>
    where
        K: Borrow<Q>,
    {
        self.sweep(now);
        let entry = self.entries.get_mut(key).filter(|entry| entry.ends_at > now)?;
        Some((&mut entry.value, &mut entry.ends_at))
    }

    /// Inserts an entry, or replaces it.
    pub fn insert(&mut self, key: K, value: V, ends_at: Instant) {
        self.entries.insert(key, Entry { value, ends_at });
    }

    /// All entries with their ends, including expired entries that were not removed yet.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V, Instant)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value, entry.ends_at))
    }

    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.entries.remove(key);
    }

    fn sweep(&mut self, now: Instant) {
        if self.swept_at.is_none_or(|at| now.saturating_duration_since(at) >= SWEEP_EVERY) {
            self.swept_at = Some(now);
            self.entries.retain(|_, entry| entry.ends_at > now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_entry_is_not_seen_and_soon_gives_its_memory_back() {
        let start = Instant::now();
        let mut map = Expiring::default();
        map.insert("a", 1, start + Duration::from_secs(1));
        map.insert("b", 2, start + Duration::from_mins(5));

        assert_eq!(map.get_mut("a", start).map(|(value, _)| *value), Some(1));
        assert!(map.get_mut("a", start + Duration::from_secs(1)).is_none());
        assert_eq!(map.entries.len(), 2);

        assert!(map.get_mut("b", start + SWEEP_EVERY).is_some());
        assert_eq!(map.entries.len(), 1);
    }
}
