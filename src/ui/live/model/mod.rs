//! The lower storey of `live`: the state of a page as plain state machines, without signals, clock and browser.
//!
//! [`Client`] is the whole state. It has the [`Connection`](connection::Connection), the rooms in memory
//! ([`LocalRooms`](rooms::LocalRooms), each of them a [`LocalRoom`]), and the list of an account's rooms
//! ([`RoomList`]). What happens goes in as an [`Input`] with the time, in milliseconds of any clock that never goes
//! back. What the browser has to do comes out as [`Act`]s. What has to be drawn is recorded until somebody takes it
//! (`take_changed`, `take_news`, and so on).
//!
//! Nothing here imports Leptos, `ui::browser` or [`signals`](super::signals). So every story of a page runs natively
//! (`tests`).

mod act;
mod backoff;
mod client;
mod connection;
mod heartbeat;
mod input;
mod list;
mod outgoing;
mod reactions;
mod read_position;
mod room;
mod rooms;
mod shown_events;
#[cfg(test)]
mod tests;
mod toasts;
mod typing;
mod unread;

pub use act::{Act, Status, Way};
pub use client::Client;
pub use input::{Input, ListInput, RoomInput};
pub use list::RoomList;
pub use room::{Chosen, Ending, Incident, LocalRoom, ToStore};
#[cfg(test)]
pub use tests::{nothing_missed_in, room_of, said_in, snapshot_of};
pub use toasts::Toast;
