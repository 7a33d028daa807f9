//! Lists of rooms: a summary of every room that a visitor is in, without opening any of the rooms.
//!
//! What a list shows of a room is the room's digest, a small cached summary on the bus. If the bus has no digest, or
//! one that is behind the archive, the store's overview is used, as far as the room is preserved. The number of queries
//! is fixed, however many rooms there are: the rooms, their digests, the heads of their archives, and the overviews of
//! those that are missing.
//!
//! The files, lowest first.
//!
//! - `known`: what is known of a room.
//! - `summaries`: what one member sees of it.
//! - `gathering`: reading what is known of many rooms.
//! - `overview`: answering one request.
//! - `watched`: the list of one watched account.
//! - `keeper`: sending changes to the sockets that watch a list.

mod gathering;
mod keeper;
mod known;
mod overview;
#[cfg(test)]
mod samples;
mod summaries;
mod watched;

pub use self::{keeper::keep, overview::overview};
