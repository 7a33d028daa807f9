//! Room counts: how many rooms an account may still enter before the store must count its rooms again.
//!
//! The bound (`ROOMS_OF_ACCOUNT`) protects the lists of rooms, which are read as a whole. An account may exceed it by a
//! few rooms. So most joins need no read of the store: a node lets an account enter up to 50 rooms between two counts.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{protocol::limits::ROOMS_OF_ACCOUNT, server::store::AccountId};

/// The number of rooms that an account may enter between two counts.
const UNCOUNTED: usize = 50;
/// The maximum number of accounts that a node remembers. When there are more, all are dropped.
const ACCOUNTS: usize = 100_000;

/// For each account, the number of rooms that it may still enter without a count.
#[derive(Default)]
pub struct RoomCounts(Mutex<HashMap<AccountId, usize>>);

impl RoomCounts {
    /// Returns whether the store must count the account's rooms before it enters another one. Otherwise one entry is
    /// used up.
    pub fn is_due(&self, account: AccountId) -> bool {
        let mut left = self.left();
        if left.len() > ACCOUNTS {
            left.clear();
        }
        let left = left.entry(account).or_insert(UNCOUNTED);
        let is_due = *left == 0;
        *left = left.saturating_sub(1);
        is_due
    }

    /// Takes the result of a count: the account is in `rooms` rooms. Returns whether it may enter another one.
    pub fn found(&self, account: AccountId, rooms: usize) -> bool {
        let left = ROOMS_OF_ACCOUNT.saturating_sub(rooms);
        self.left().insert(account, left.saturating_sub(1).min(UNCOUNTED));
        left > 0
    }

    fn left(&self) -> MutexGuard<'_, HashMap<AccountId, usize>> {
        // Each change leaves the map consistent, so a panic of another holder does no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_account_that_joins_on_and_on_comes_into_as_many_rooms_as_it_may_be_in() {
        let (counts, account) = (RoomCounts::default(), AccountId(Uuid::from_u128(1)));
        let (mut rooms, mut asked) = (0, 0);
        for _ in 0..3 * ROOMS_OF_ACCOUNT {
            if counts.is_due(account) {
                asked += 1;
                if !counts.found(account, rooms) {
                    break;
                }
            }
            rooms += 1;
        }
        assert_eq!(rooms, ROOMS_OF_ACCOUNT);
        assert!(asked < 30, "{asked}");
        assert!(counts.is_due(account), "it is asked each time while it is in as many as it may be");
        assert!(counts.found(account, ROOMS_OF_ACCOUNT - 1), "and may come into another once it left one");
        assert!(!counts.is_due(AccountId(Uuid::from_u128(2))));
    }
}
