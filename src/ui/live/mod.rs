//! The browser's replica of a room, the list of an account's rooms, and the one connection of both.
//!
//! Everything that decides is plain code without a clock or a socket, unit-tested natively: [`Connection`](connection), who
//! listens to it ([`Session`](session) is one room, [`RoomList`](list) the list), and [`Client`](client), which joins them.
//! [`Line`] gives them time and a socket; [`LiveRoom`] and [`LiveList`] show in signals what they know.

mod act;
mod announcement;
mod backoff;
mod client;
mod connection;
mod heartbeat;
mod line;
mod list;
mod outgoing;
mod reading;
mod room;
mod rooms;
mod session;
mod tab;
#[cfg(test)]
mod tests;
mod toasts;
mod typing;
mod unread;

pub use act::Status;
pub use announcement::Announcement;
pub use line::Line;
pub use room::{Entry, LiveRoom, MemberLine, provide_room, use_room};
pub use rooms::{LiveList, RoomEntry, provide_list, use_list};
pub use session::Ending;
pub use tab::{Kept, keep, kept};
pub use toasts::Toast;

#[cfg(test)]
pub use tests::room_of;
