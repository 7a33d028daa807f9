//! Floor 1: what time it is, for people to read and for lives to end. Clocks never decide order.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::protocol::Millis;

/// Now.
pub fn now() -> Millis {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}

/// A length of time, as stored times count it.
pub fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}
