//! Events: the archive, which is the stored log of a preserved room.
//!
//! The archive also decides the order of events. A writer appends with the seq after the last one it has read, and the
//! unique index on (room, seq) lets exactly one writer have each seq. A writer that comes too late reads what it missed
//! and tries again with a later seq. So there is no gap, no leader and no need for exact clocks.
//!
//! Events about members and the room also change records ([`Events::project`]), in the same transaction. The events of
//! an ephemeral room are never stored here, but they change records as well. Not here: which events are allowed
//! (`room/`), and the log of ephemeral rooms (`bus/`).

use async_trait::async_trait;

use super::{Joining, Result, RoomId};
use crate::protocol::{Epoch, Event, MemberId, Millis, Seq};

/// The end of a room's archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The seq of the last event; 0 if there is none.
    pub seq: Seq,
    /// The ordinal of the last message; 0 if there is none.
    pub n: u64,
}

/// The stored message that has the same author and client id as a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The index of the new message in the given events.
    pub index: usize,
    /// The seq of the stored message.
    pub seq: Seq,
    /// The time of the stored message.
    pub at: Millis,
    /// Whether both messages have the same text.
    pub same_body: bool,
}

/// The outcome of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// How many of the given events are durable: always the first ones.
    pub stored: usize,
    /// Why the other events are not stored; `None` if all are.
    pub stopped: Option<Stopped>,
    /// Whether the record of each member concerned owed exactly the notice that its event carries. If so, the records
    /// and the events agreed when the events were stored. If not, a record may say something else than its event.
    pub settled: bool,
}

/// Why an append stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Another writer has the seq. Read the missed events, and judge the remaining ones again.
    SeqTaken,
    /// Unique (room, author, client id): this message is in the archive already.
    IdTaken(Earlier),
}

/// Storage of events.
#[async_trait]
pub trait Events: Sync {
    /// Appends events with the seqs that they carry (consecutive), durably, and applies their effects on the records in
    /// the same transaction (see [`project`](Self::project)). Returns only once the events would survive a crash of any
    /// process.
    ///
    /// If a seq or a client id is taken, the events before it may be stored. The batches of two writers are never mixed
    /// out of order.
    async fn append(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<Appended> {
        self.append_entering(room, epoch, events, &[]).await
    }

    /// Like [`append`](Self::append), and makes the persons in `entering` members. Each of them has a `Joined` among
    /// the events. In the same transaction the person's record is created: active, and without an owed notice.
    ///
    /// Only for persons whom the store cannot know yet, since their guest session begins with this call, and only in
    /// groups. So nothing but a taken seq can stop them. The room's `touched_at` stays unchanged: the room cannot be
    /// abandoned before they leave.
    async fn append_entering(
        &self,
        room: RoomId,
        epoch: Epoch,
        events: &[Event],
        entering: &[Joining],
    ) -> Result<Appended>;

    /// Applies only the effects of events on the records, without storing the events. For ephemeral rooms, whose events
    /// are never stored. The effects are:
    ///
    /// - `Joined`: if the record of the member owes `Joined`, it owes nothing from then on, and `since` becomes the
    ///   event's seq.
    /// - `Left`, `Removed`: if the record of the member owes this notice, it owes nothing from then on.
    /// - `Renamed`: sets the room's name.
    /// - `RetentionChanged`: sets the room's retention, and its epoch to `epoch`.
    /// - `PeekChanged`: sets whether the room can be peeked into.
    /// - `Owner`: sets the room's owner.
    /// - `Message`, and kinds that this build does not know: no effect.
    ///
    /// Returns whether the record of each member concerned owed exactly the notice that its event carries.
    async fn project(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<bool>;

    /// Returns the first of these messages that the archive has already, by author and client id.
    async fn earlier(&self, room: RoomId, events: &[Event]) -> Result<Option<Earlier>>;

    /// Returns the end of a room's archive.
    async fn head(&self, room: RoomId) -> Result<Head>;

    /// Returns the ends of many archives, in one query. Rooms without events are left out.
    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Head)>>;

    /// Returns up to `limit` events after `after`, oldest first.
    async fn events_after(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<Event>>;

    /// Returns the events with these seqs, in any order. Those that the archive does not have are left out.
    async fn events_at(&self, room: RoomId, seqs: &[Seq]) -> Result<Vec<Event>>;

    /// Returns the messages of one member with seqs after `after` up to `through`, oldest first. The store filters by
    /// author, so that a long archive costs the caller only the member's own messages.
    async fn messages_by(&self, room: RoomId, author: MemberId, after: Seq, through: Seq) -> Result<Vec<Event>>;

    /// Returns up to `limit` events before `before` (`None`: the newest), newest first.
    async fn events_before(&self, room: RoomId, before: Option<Seq>, limit: usize) -> Result<Vec<Event>>;
}
