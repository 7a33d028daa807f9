//! Watchers: the sockets of this node that watch the list of their account's rooms. `domain/lists/keeper.rs` sends them
//! the changes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::server::{socket::Connection, store::AccountId};

/// The id of one watch. A socket that asks for its list again begins a new watch, to which nothing has been sent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(u64);

/// The watching sockets of a node. Cloning is cheap.
#[derive(Clone, Default)]
pub struct Watchers(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Locked for short steps only, never across an await.
    held: Mutex<Held>,
    came: Notify,
}

#[derive(Default)]
struct Held {
    next: u64,
    watchers: BTreeMap<WatchId, (AccountId, Connection)>,
}

/// A socket's entry in the list. Dropping it removes the entry.
pub struct Watch {
    watchers: Watchers,
    id: WatchId,
}

impl Watchers {
    /// Adds a socket to the list, under a new id.
    pub fn hold(&self, account: AccountId, connection: &Connection) -> Watch {
        let id = {
            let mut held = self.held();
            held.next += 1;
            let id = WatchId(held.next);
            held.watchers.insert(id, (account, connection.clone()));
            id
        };
        self.0.came.notify_one();
        Watch { watchers: self.clone(), id }
    }

    /// All watches, each with the account whose rooms it shows.
    pub fn all(&self) -> Vec<(WatchId, AccountId, Connection)> {
        self.those(|_| true)
    }

    pub fn of(&self, account: AccountId) -> Vec<(WatchId, AccountId, Connection)> {
        self.those(|of| of == account)
    }

    fn those(&self, are_meant: impl Fn(AccountId) -> bool) -> Vec<(WatchId, AccountId, Connection)> {
        let held = self.held();
        let meant = held.watchers.iter().filter(|(_, (account, _))| are_meant(*account));
        meant.map(|(id, (account, connection))| (*id, *account, connection.clone())).collect()
    }

    /// Waits until a watch has been added since the last call. Only one task may call this.
    pub async fn somebody(&self) {
        self.0.came.notified().await;
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Each change leaves the value consistent, so a panic of another holder does no harm.
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watchers.held().watchers.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::server::socket::Wire;

    #[tokio::test]
    async fn a_socket_that_asks_again_is_on_the_list_once_and_as_a_new_one() {
        let (watchers, account) = (Watchers::default(), AccountId(Uuid::from_u128(1)));
        let connection = Connection::open(Wire::Pair(tokio::net::UnixStream::pair().unwrap().0));
        let watch = watchers.hold(account, &connection);
        watchers.somebody().await;
        let first = watchers.all()[0].0;
        let again = watchers.hold(account, &connection);
        drop(watch);
        let all = watchers.all();
        assert_eq!((all.len(), all[0].1), (1, account));
        assert_eq!(watchers.of(account).len(), 1);
        assert!(watchers.of(AccountId(Uuid::from_u128(2))).is_empty());
        assert_ne!(all[0].0, first);
        drop(again);
        assert!(watchers.all().is_empty());
    }
}
