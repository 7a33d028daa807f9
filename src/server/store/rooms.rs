//! Rooms: what is true of a room beside its log.

use async_trait::async_trait;

use super::{GuestRecord, MemberRecord, Result, RoomId};
use crate::protocol::{Epoch, MemberId, Millis, Retention, RoomCode, RoomName, RoomType};

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
    /// Who made it.
    pub owner: MemberId,
    /// When it was made.
    pub created_at: Millis,
    /// When somebody last joined or left.
    pub touched_at: Millis,
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

    /// Deletes up to `limit` rooms that are ephemeral, without an active member, and not touched since `before`; with them
    /// their members and whatever events they kept in a preserved time. Their codes are free again. A join that comes at
    /// the same moment either keeps its room or finds none, never half of one.
    async fn delete_abandoned_rooms(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>>;
}
