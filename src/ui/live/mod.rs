//! The live half of a page: the browser's copy of a room, the list of an account's rooms, and the one socket that both
//! share.
//!
//! Two storeys, and one direction. [`model`] is the state of the page as plain state machines, without a clock, a
//! socket or a signal, so it is tested natively. [`signals`] stands above it: [`PageSocket`] owns the model together
//! with the real socket and the real timer, and [`LiveRoom`] and [`LiveList`] copy it into Leptos signals for the
//! pages.
//!
//! Terms. The *timeline* is the loaded events of a room. The *outbox* is the messages of this client that are not in
//! the timeline yet. The *epoch* (or life) of a log is the span in which its seqs have one meaning: an ephemeral log
//! that was lost starts a new one.
//!
//! The views are not here but in `ui::pages`, and turning events into rows is in `ui::timeline`.

mod model;
mod signals;

#[cfg(test)]
pub use model::room_of;
pub use model::{Chosen, Ending, Status, Toast};
pub use signals::{
    Announcement, Composing, Entry, FoundMessage, LiveList, LiveRoom, MemberLine, PageSocket, RoomEntry, TabEntry,
    load_entry, provide_list, provide_room, store_entry, use_list, use_room,
};
