//! The browser's replica of a room and its connection.
//!
//! Everything that decides is plain code without a clock or a socket ([`Session`] and its parts, unit-tested natively);
//! [`LiveRoom`] gives it time, a socket and signals.

mod backoff;
mod heartbeat;
mod outgoing;
mod room;
mod session;
#[cfg(test)]
mod tests;
mod typing;

pub use room::{Entry, LiveRoom, MemberLine, provide_room, use_room};
pub use session::{Ending, Status};
