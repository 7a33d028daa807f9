//! The copy of a room on the device of an account.
//!
//! This file only makes the copy. `ui::device` stores it, and reads it when there is no network.

use crate::protocol::{Event, Snapshot};

use super::LocalRoom;

/// How many events are kept of a room.
const KEPT_EVENTS: usize = 100;

impl LocalRoom {
    /// Whether the device of this person keeps the room: only accounts, and only rooms that keep their messages.
    pub fn is_on_device(&self) -> bool {
        self.has_account && self.replica.room_keeps_messages()
    }

    /// Whether the device's copy may be out of date. Only what is true at this moment is worth keeping, so a room that
    /// is not live has no newer copy.
    pub fn is_unkept(&self) -> bool {
        self.unkept && self.is_live() && self.is_on_device()
    }

    /// Lets the copy be made again, although nothing changed. It then says that the device was in contact until now.
    pub fn touch_kept(&mut self) {
        self.unkept = true;
    }

    /// The copy that the device has to keep, if it has changed since the last call.
    pub fn take_to_keep(&mut self) -> Option<Snapshot> {
        if !self.is_unkept() {
            return None;
        }
        self.unkept = false;
        let mut copy = self.replica.to_keep(KEPT_EVENTS)?;
        copy.you.read = self.read_position.read();
        let unread = copy.events.iter().filter(|event| event.seq > copy.you.read).filter_map(Event::message);
        copy.you.unread = unread.filter(|message| !self.own_ids.contains(&message.author.id)).count() as u64;
        Some(copy)
    }
}
