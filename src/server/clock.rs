//! Floor 1: the current time, for display and for expiry. Clocks never decide the order of events.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::protocol::Millis;

pub fn now() -> Millis {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// Converts a duration to milliseconds, the unit of stored times.
pub fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}
