//! The times that operators choose for guests and rooms.

use std::time::Duration;

/// The times after which guests leave and rooms end.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long a guest stays in a room without a connection.
    pub guest_grace: Duration,
    /// How many days a room exists without a visit. 0 means for ever.
    pub room_kept_days: u32,
    /// How long a guest stays in a room after their page reported that it is being closed.
    pub guest_closed: Duration,
}

impl Timing {
    /// The shorter of the two graces. Leases are renewed several times within it.
    pub(super) fn shortest(self) -> Duration {
        self.guest_grace.min(self.guest_closed)
    }
}
