//! Sorting, and sets that are sorted vectors.
//!
//! The sorts and the B-trees of the standard library are compiled once for each type of item, with 3 to 6 KB each. They
//! were 5% of the wasm. The one sort here moves indices, so it is compiled once. Maps are `litemap::LiteMap` for the
//! same reason. Code of the browser inserts items into a map one by one, because `collect` contains a sort.

use std::cmp::Ordering;

/// Sorts by a key. Items with equal keys keep their order.
pub fn sort_by_key<T, K: Ord>(all: &mut Vec<T>, key: impl Fn(&T) -> K) {
    sort_by(all, |one, other| key(one).cmp(&key(other)));
}

/// Sorts by a comparison. Equal items keep their order.
pub fn sort_by<T>(all: &mut Vec<T>, compare: impl Fn(&T, &T) -> Ordering) {
    let order = sorted_indices(all.len(), &|one, other| compare(&all[one], &all[other]));
    let mut unsorted: Vec<Option<T>> = all.drain(..).map(Some).collect();
    all.extend(order.into_iter().filter_map(|index| unsorted[index].take()));
}

fn sorted_indices(len: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..len).collect();
    indices.sort_by(|one, other| compare(*one, *other));
    indices
}

/// A set, as a sorted vector. For small sets, and for sets that are made at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortedSet<T>(Vec<T>);

impl<T> Default for SortedSet<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> SortedSet<T> {
    /// Whether the set contains this item.
    pub fn contains(&self, item: &T) -> bool {
        self.0.binary_search(item).is_ok()
    }

    /// Whether the set contains nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes all items.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<T: Ord> Extend<T> for SortedSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        self.0.extend(items);
        sort_by(&mut self.0, Ord::cmp);
        self.0.dedup();
    }
}

impl<T: Ord> FromIterator<T> for SortedSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut set = Self::default();
        set.extend(items);
        set
    }
}

impl<T> IntoIterator for SortedSet<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T: Ord, const N: usize> From<[T; N]> for SortedSet<T> {
    fn from(items: [T; N]) -> Self {
        items.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_items_keep_their_order() {
        let mut all = vec![(2, 'a'), (1, 'b'), (2, 'c'), (1, 'd')];
        sort_by_key(&mut all, |(key, _)| *key);
        assert_eq!(all, [(1, 'b'), (1, 'd'), (2, 'a'), (2, 'c')]);
    }

    #[test]
    fn a_set_has_each_item_once() {
        let mut set = SortedSet::from([3, 1, 3]);
        set.extend([2, 1]);
        assert!(set.contains(&2) && !set.contains(&4));
        assert_eq!(set.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }
}
