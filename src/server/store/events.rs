//! Events: the archive. In a preserved room it is the sequencer: the unique index on (room, seq) lets exactly one writer
//! have each seq, so there is no gap, no leader and no clock.

use async_trait::async_trait;

use super::{Joining, Result, RoomId};
use crate::protocol::{Epoch, Event, MemberId, Millis, Seq};

/// Where a room's archive ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The last seq; 0 if there is none.
    pub seq: Seq,
    /// The last message's ordinal.
    pub n: u64,
}

/// A message id that was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Which of the events given has it.
    pub index: usize,
    /// The seq it was stored at.
    pub seq: Seq,
    /// When.
    pub at: Millis,
    /// Whether it said the same.
    pub same_body: bool,
}

/// How far an append came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// How many of the events given are durable now: always a prefix.
    pub stored: usize,
    /// Why the rest is not; `None` if all are.
    pub stopped: Option<Stopped>,
    /// Whether each event about a member told what their record owed. Then the record said so when the event came into the
    /// archive; if not, it may say something else.
    pub settled: bool,
}

/// Why an append stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Another writer has the seq: read what was missed and judge again.
    SeqTaken,
    /// unique (room, author, client id): this message is in the archive already.
    IdTaken(Earlier),
}

/// The archive of a store.
#[async_trait]
pub trait Events: Sync {
    /// Appends events with the seqs they carry (consecutive), durably, and applies their effect on the records in the same
    /// transaction (see [`project`](Self::project)). Answers only once it would survive a crash of any process.
    ///
    /// A prefix may be stored; what is in the archive is never a mixture of two writers' batches out of order.
    async fn append(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<Appended> {
        self.append_entering(room, epoch, events, &[]).await
    }

    /// The same, and with their `Joined` among the events, people come in: in the same transaction they become members, who
    /// owe nothing. For whom the store cannot know yet (their session begins with this), and groups only, so that nothing
    /// stands in their way but the seq. The room is not touched: it cannot be abandoned before they leave.
    async fn append_entering(
        &self,
        room: RoomId,
        epoch: Epoch,
        events: &[Event],
        entering: &[Joining],
    ) -> Result<Appended>;

    /// Applies only the effect of events on the records, for an ephemeral room, whose events are never stored:
    ///
    /// - `Joined`: if the member owes `Joined`, that is settled; `since` becomes the event's seq.
    /// - `Left`, `Removed`: if the member owes it, that is settled.
    /// - `Renamed`: the room's name. `RetentionChanged`: the room's retention, and its epoch becomes `epoch`.
    /// - `Owner`: the room's owner.
    /// - `Message`, and what this build does not know: nothing.
    ///
    /// Says whether each event about a member told what their record owed.
    async fn project(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<bool>;

    /// The first message of a batch that the archive has already, by its author and client id.
    async fn earlier(&self, room: RoomId, events: &[Event]) -> Result<Option<Earlier>>;

    /// Where the archive ends.
    async fn head(&self, room: RoomId) -> Result<Head>;

    /// Where many archives end, in one query; rooms without events are left out.
    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Head)>>;

    /// Up to `limit` events after `after`, oldest first.
    async fn events_after(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<Event>>;

    /// What one member said at the seqs after `after` up to `through`, oldest first. Others' events are passed over by the store, so
    /// that a long archive costs a reader only their own words.
    async fn messages_by(&self, room: RoomId, author: MemberId, after: Seq, through: Seq) -> Result<Vec<Event>>;

    /// Up to `limit` events before `before` (or the newest), newest first.
    async fn events_before(&self, room: RoomId, before: Option<Seq>, limit: usize) -> Result<Vec<Event>>;
}
