//! Rooms: what is stored of a room besides its log and its members, such as its code, type, name, retention and owner.
//!
//! A room has an id for ever, and a code that people type. Deleting the room frees its code. There are two ways to end:
//! an *abandoned* room (ephemeral, without an active member) is deleted soon, and an *unvisited* room is deleted after
//! a long time. Not here: who is in a room (`members.rs`), its archive (`events.rs`), and its state in memory while
//! people are connected (`room/`).

use async_trait::async_trait;

use super::{Gone, GuestRecord, Head, MemberRecord, Result, RoomId, RoomRecord};
use crate::protocol::{Event, Millis, Person, RoomCode};

/// What a list shows of a room that is not live (in memory) on any node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// The end of the archive.
    pub head: Head,
    /// The time of the archive's last event that is no touch; 0 if there is none.
    pub at: Millis,
    /// The last message of the archive.
    pub message: Option<Event>,
    /// The number of active members.
    pub members: u32,
    /// The active members, if the room is `p2p`; empty in groups.
    pub pair: Vec<Person>,
    /// The deleted messages of the archive.
    pub gone: Gone,
}

/// Storage of rooms.
#[async_trait]
pub trait Rooms {
    /// Creates a room, the owner's membership (active, owing `Joined`) and, if the owner's guest session begins with
    /// this call, that session. All of it is written, or nothing.
    ///
    /// `NotFound` if the owner is an account that does not exist. Conflicts: [`CodeTaken`](super::Conflict::CodeTaken),
    /// [`Elsewhere`](super::Conflict::Elsewhere).
    async fn create_room(&self, room: &RoomRecord, owner: &MemberRecord, newcomer: Option<&GuestRecord>) -> Result<()>;

    /// Returns the room with this id.
    async fn room(&self, id: RoomId) -> Result<RoomRecord>;

    /// Returns the room with this code.
    async fn room_by_code(&self, code: RoomCode) -> Result<RoomRecord>;

    /// Returns what lists show of many rooms, in one query. Rooms that do not exist are left out.
    async fn overviews(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Overview)>>;

    /// Stores that somebody is here. `visited_at` never decreases. Does nothing if there is no such room.
    async fn visit_room(&self, room: RoomId, at: Millis) -> Result<()>;

    /// Returns up to `limit` rooms that nobody visited since `before`, longest unvisited first. A preserved room with
    /// an account among its active members is not among them.
    async fn unvisited_rooms(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>>;

    /// Deletes a part of a room, so that no call takes long. The call deletes up to `most` of the room's events, oldest
    /// first. Once the remaining events fit into one call, it deletes them with the members and the room itself, in one
    /// transaction. Returns whether the room is gone; if not, call it again.
    ///
    /// With `unvisited_since`, deletes only if the room is still one of [`unvisited_rooms`](Self::unvisited_rooms).
    /// [`NotFound`](super::StoreError::NotFound) if it is not, or if there is no such room.
    async fn end_room(&self, room: RoomId, unvisited_since: Option<Millis>, most: usize) -> Result<bool>;

    /// Returns which of these rooms exist.
    async fn existing_rooms(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>>;

    /// Returns up to `limit` rooms with ids greater than `after`, ordered by id.
    async fn rooms_after(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<RoomRecord>>;

    /// Returns the number of stored events of a room, and the total size of its messages' texts in bytes.
    async fn archive_size(&self, room: RoomId) -> Result<(u64, u64)>;

    /// Deletes up to `limit` abandoned rooms: ephemeral, without an active member, and with `touched_at` before
    /// `before`. Their members are deleted with them, and any events from a time when the room was preserved. Their
    /// codes become free. A concurrent join either keeps its room or finds none, never a partly deleted one. Returns
    /// the deleted rooms.
    async fn delete_abandoned_rooms(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>>;
}
