//! The lower storey of `live`: the state of a page as plain state machines, without signals, clock and browser.

mod act;
mod backoff;
mod client;
mod connection;
mod heartbeat;
mod list;
mod outgoing;
mod read_position;
mod room;
mod shown_events;
#[cfg(test)]
mod tests;
mod toasts;
mod typing;
mod unread;

pub use act::{Act, Status};
pub use client::Client;
pub use connection::Connection;
pub use list::RoomList;
pub use room::{Ending, Incident, Session};
pub use shown_events::ShownEvents;
#[cfg(test)]
pub use tests::room_of;
pub use toasts::{Toast, Toasts};
