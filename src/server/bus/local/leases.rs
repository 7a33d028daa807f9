//! Leases in memory.

use std::collections::{BTreeSet, HashMap};

use crate::{
    protocol::{MemberId, Millis},
    server::store::RoomId,
};

type Guest = (RoomId, MemberId);

/// The end of each guest's lease, by guest and in the order of the ends.
#[derive(Default)]
pub(super) struct Leases {
    ends: HashMap<Guest, Millis>,
    by_end: BTreeSet<(Millis, Guest)>,
}

impl Leases {
    pub fn renew(&mut self, guests: &[Guest], until: Millis) {
        for guest in guests {
            if self.ends.get(guest).is_none_or(|end| *end < until) {
                self.set(*guest, until);
            }
        }
    }

    pub fn adopt(&mut self, guests: &[Guest], until: Millis) {
        for guest in guests {
            if !self.ends.contains_key(guest) {
                self.set(*guest, until);
            }
        }
    }

    pub fn shorten(&mut self, guest: Guest, until: Millis) {
        if self.ends.get(&guest).is_some_and(|end| *end > until) {
            self.set(guest, until);
        }
    }

    pub fn end(&mut self, guest: Guest) {
        if let Some(end) = self.ends.remove(&guest) {
            self.by_end.remove(&(end, guest));
        }
    }

    pub fn claim_ended(&mut self, now: Millis, retry_at: Millis, limit: usize) -> Vec<Guest> {
        let ended = self.by_end.iter().take_while(|(end, _)| *end < now).take(limit);
        let guests: Vec<_> = ended.map(|(_, guest)| *guest).collect();
        for guest in &guests {
            self.set(*guest, retry_at);
        }
        guests
    }

    fn set(&mut self, guest: Guest, until: Millis) {
        if let Some(end) = self.ends.insert(guest, until) {
            self.by_end.remove(&(end, guest));
        }
        self.by_end.insert((until, guest));
    }
}
