//! The times that operators choose for guests, rooms and messages.

use std::time::Duration;

use crate::protocol::{Millis, editable_for};

/// The times after which guests leave, rooms end and messages are final.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long a guest stays in a room without a connection.
    pub guest_grace: Duration,
    /// How many days a room exists without a visit. 0 means for ever.
    pub room_kept_days: u32,
    /// How long a guest stays in a room after their page reported that it is being closed.
    pub guest_closed: Duration,
    /// For how many minutes after it was sent a message can be edited. 0 means never, -1 always.
    pub edit_minutes: i32,
}

impl Timing {
    /// How long after it was sent a message can be edited.
    pub(super) fn editable(self) -> Millis {
        editable_for(self.edit_minutes)
    }

    /// The shorter of the two graces. Leases are renewed several times within it.
    pub(super) fn shortest(self) -> Duration {
        self.guest_grace.min(self.guest_closed)
    }
}
