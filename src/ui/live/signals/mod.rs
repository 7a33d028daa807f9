//! The upper storey of `live`: Leptos signals and the browser, above the [`model`](super::model).
//!
//! [`PageSocket`] owns the model together with the real socket and timer. [`LiveRoom`] and [`LiveList`] hold a handle
//! to it and the signals of the pages. They pass on what the person does, and register as painters: after a step the
//! socket lets each of them copy its part of the model into its signals. `rest` and `tab` are HTTP and session storage.
//!
//! The direction is one: signals use the model, and the model names nothing of this module.

mod announcement;
mod list;
mod page_socket;
mod rest;
mod room;
mod tab;
#[cfg(test)]
mod tests;

pub use announcement::Announcement;
pub use list::{LiveList, RoomEntry, provide_list, use_list};
pub use page_socket::PageSocket;
pub use room::{Composing, Entry, FoundMessage, LiveRoom, MemberLine, provide_room, use_room};
pub use tab::{TabEntry, load_entry, store_entry};
