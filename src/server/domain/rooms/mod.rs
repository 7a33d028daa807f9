//! Rooms: the use cases that create, join, leave and show a room, and those that only its owner may call.
//!
//! Each function checks the typed input, takes from the client's quotas (`app.limits`, `app.storage_budgets`), and then
//! writes. A join or a leave changes the member record in the store first. The record then owes the log a notice
//! (`Owed`), which the engine appends. Most owner actions are commands to the room's task, whose judge
//! (`room/judge`) refuses them by the state of the log. A removal changes a record first, so the store itself checks
//! in the same transaction that the remover owns the room.
//!
//! The files, lowest first.
//!
//! - `fields`: reading what is typed into a form.
//! - `colours`: drawing member ids so that members differ in colour.
//! - `membership`: the visitor's membership in a room.
//! - `places`: the two places of a room for two.
//! - `entering`: what creating and joining have in common.
//! - `ownership`: what only the owner may do.
//! - `leaving`: leaving a room, by intent or by closing its page.
//! - `creating`, `joining`: the two ways in.
//! - `viewing`: what a page or a socket sees of a room.
//!
//! Not here: the order of events and the live rooms (`room/`), messages (`messages.rs`), and lists of rooms (`lists/`).

mod colours;
mod creating;
mod entering;
mod fields;
mod joining;
mod leaving;
mod membership;
mod ownership;
mod places;
mod viewing;

pub(super) use self::membership::{current_room, membership};
pub use self::{
    creating::create,
    entering::Entered,
    joining::{join, peek},
    leaving::{away, leave, leave_to},
    membership::{current_room_code, set_notify},
    ownership::{allow_peek, give, kick, preserve, rename},
    places::free,
    viewing::{entrance, entrance_to_new, follow, open_door, view},
};
