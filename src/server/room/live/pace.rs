//! The times that several parts of a live room share.

use std::time::Duration;

/// Interval of the room's regular work (`Live::tick`). Also the pause before an operation that failed is tried again,
/// and the longest time that a `Joined` waits for the next frame.
pub const TICK: Duration = Duration::from_secs(1);
/// Pause between two `reacted` events of a room. The first reaction after it is appended at once, and those that come
/// in the pause are one event after it.
pub const REACTION_PAUSE: Duration = Duration::from_millis(250);
/// Longest time for one operation on the log. After that, clients get an error. The outcome of the operation is then
/// unknown, so the log is read again before the next append.
pub const LOG_DEADLINE: Duration = Duration::from_millis(2_800);
