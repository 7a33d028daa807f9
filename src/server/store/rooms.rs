//! Rooms: what is true of a room beside its log.

use async_trait::async_trait;

use super::{GuestRecord, Head, MemberRecord, Result, RoomId};
use crate::protocol::{Epoch, Event, MemberId, Millis, Person, Retention, RoomCode, RoomName, RoomType};

/// An active room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    /// Which.
    pub id: RoomId,
    /// What people type.
    pub code: RoomCode,
    /// How many it holds.
    pub room_type: RoomType,
    /// What it is called.
    pub name: Option<RoomName>,
    /// Whether it keeps its log.
    pub retention: Retention,
    /// The epoch of a preserved room, and the first epoch of an ephemeral one (whose tail says which it has now).
    pub epoch: Epoch,
    /// The member who owns it, by the events that were projected; they may have left.
    pub owner: MemberId,
    /// When it was made.
    pub created_at: Millis,
    /// When somebody last joined or left.
    pub touched_at: Millis,
    /// When somebody was last here; to within a day, since not every visit writes it.
    pub visited_at: Millis,
}

/// What a list shows of a room that no node has live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Where the archive ends.
    pub head: Head,
    /// When its last event was taken; 0 if there is none.
    pub at: Millis,
    /// The last message of the archive.
    pub message: Option<Event>,
    /// How many are in the room.
    pub members: u32,
    /// Who, if it is a room for two.
    pub pair: Vec<Person>,
}

/// The rooms of a store.
#[async_trait]
pub trait Rooms {
    /// Makes a room, its owner's membership (active, owing its `Joined`) and, if it begins with this, the owner's session:
    /// all or nothing.
    ///
    /// Conflicts: [`CodeTaken`](super::Conflict::CodeTaken), [`Elsewhere`](super::Conflict::Elsewhere).
    async fn create_room(&self, room: &RoomRecord, owner: &MemberRecord, newcomer: Option<&GuestRecord>) -> Result<()>;

    /// The active room with this id.
    async fn room(&self, id: RoomId) -> Result<RoomRecord>;

    /// The active room with this code.
    async fn room_by_code(&self, code: RoomCode) -> Result<RoomRecord>;

    /// What lists show of many rooms, in one query; rooms that are not there are left out.
    async fn overviews(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Overview)>>;

    /// Notes that somebody is here. Nothing goes back, and nothing happens if there is no such room.
    async fn visit_room(&self, room: RoomId, at: Millis) -> Result<()>;

    /// Up to `limit` rooms that nobody visited since `before`, the longest first: of those that keep their log the ones without an
    /// account among their active members, and all that do not.
    async fn unvisited_rooms(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>>;

    /// Takes a step towards a room's end: deletes up to `most` of its events, the oldest first, or, once there are no more than
    /// that, all that is left of it with its members and the room itself, in one transaction. Says whether it is gone.
    ///
    /// With `unvisited_since`, only if it is still one of [`unvisited_rooms`](Self::unvisited_rooms).
    /// [`NotFound`](super::StoreError::NotFound) if not, or if there is no such room.
    async fn end_room(&self, room: RoomId, unvisited_since: Option<Millis>, most: usize) -> Result<bool>;

    /// Which of these rooms are there.
    async fn existing_rooms(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>>;

    /// Up to `limit` rooms, in the order of their ids, after `after`.
    async fn rooms_after(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<RoomRecord>>;

    /// How many events of a room are kept, and how many bytes its messages have.
    async fn archive_size(&self, room: RoomId) -> Result<(u64, u64)>;

    /// Deletes up to `limit` rooms that are ephemeral, without an active member, and not touched since `before`; with them
    /// their members and whatever events they kept in a preserved time. Their codes are free again. A join that comes at
    /// the same moment either keeps its room or finds none, never half of one.
    async fn delete_abandoned_rooms(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>>;
}
