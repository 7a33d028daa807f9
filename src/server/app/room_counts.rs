//! Room counts: how many rooms an account may still come into before the store is asked how many it is in.
//!
//! The bound protects the lists of rooms, which are read as a whole. So it may be passed by a few, and most joins ask nothing.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{protocol::limits::ROOMS_OF_ACCOUNT, server::store::AccountId};

/// Rooms that an account comes into before it is counted again.
const UNCOUNTED: usize = 50;
/// Accounts that are remembered; all are forgotten when there are more.
const ACCOUNTS: usize = 100_000;

/// What is left to each account.
#[derive(Default)]
pub struct RoomCounts(Mutex<HashMap<AccountId, usize>>);

impl RoomCounts {
    /// Whether the store has to be asked before this account comes into another room. If not, it is one less until then.
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

    /// The account is in so many rooms. Gives whether it may come into another.
    pub fn found(&self, account: AccountId, rooms: usize) -> bool {
        let left = ROOMS_OF_ACCOUNT.saturating_sub(rooms);
        self.left().insert(account, left.saturating_sub(1).min(UNCOUNTED));
        left > 0
    }

    fn left(&self) -> MutexGuard<'_, HashMap<AccountId, usize>> {
        // Every change leaves it whole, so a panic elsewhere does no harm.
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
