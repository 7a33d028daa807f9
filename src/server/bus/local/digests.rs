//! Digests of rooms and versions of accounts, in memory.

use std::time::Instant;

use super::{
    super::{Digest, VERSION_LIFE},
    Expiring,
};
use crate::server::store::{AccountId, RoomId};

#[derive(Default)]
pub(super) struct Digests(Expiring<RoomId, Digest>);

impl Digests {
    pub fn put(&mut self, room: RoomId, digest: &Digest, ends_at: Instant, now: Instant) {
        let known = self.0.get_mut(&room, now);
        if known.is_none_or(|(known, _)| known.epoch != digest.epoch || known.head <= digest.head) {
            self.0.insert(room, digest.clone(), ends_at);
        }
    }

    pub fn read(&mut self, rooms: &[RoomId], now: Instant) -> Vec<(RoomId, Digest)> {
        let mut read = |room: &RoomId| self.0.get_mut(room, now).map(|(digest, _)| (*room, digest.clone()));
        rooms.iter().filter_map(&mut read).collect()
    }

    pub fn remove(&mut self, room: RoomId) {
        self.0.remove(&room);
    }
}

/// For each account, a counter of the changes to the account itself.
#[derive(Default)]
pub(super) struct Versions(Expiring<AccountId, u64>);

impl Versions {
    pub fn touch(&mut self, account: AccountId, now: Instant) {
        let version = self.0.get_mut(&account, now).map_or(0, |(version, _)| *version);
        self.0.insert(account, version + 1, now + VERSION_LIFE);
    }

    pub fn read(&mut self, accounts: &[AccountId], now: Instant) -> Vec<(AccountId, u64)> {
        let mut read = |account: &AccountId| self.0.get_mut(account, now).map(|(version, _)| (*account, *version));
        accounts.iter().filter_map(&mut read).collect()
    }
}
