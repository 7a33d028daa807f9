//! Floor 1: the live state that nodes share. All of it may be lost; what has to survive is in the store.
//!
//! [`Bus`] is the trait. It has two drivers: `local/` keeps everything in the memory of one node (the default), and
//! `redis/` serves many nodes. Both pass the one test suite in `contract/`.
//!
//! - **Packets** carry new events and signals of a room to the other nodes. A packet is only a hint and may get lost: a
//!   node that finds a gap in the seqs reads the tail or the archive.
//! - **Posts** carry a message to one node, whose stream it is for.
//! - **Tails** are the logs of ephemeral rooms. A tail is bounded by number of events and by bytes, and it expires. It
//!   also decides which node gets which seq (compare-and-append).
//! - **Leases** say until when a guest without a connection still counts as present.
//! - **Digests** hold what lists show of a room. **Versions** are counters, one for each account, that are incremented
//!   when something of the account itself changes. With both, a list of rooms stays current without opening any room.
//! - **Throttles** and **turns** limit what clients and background jobs do, summed over all nodes.
//!
//! All keys of one room share a hash tag, so that a Redis Cluster keeps them in one slot.

// The docs of the trait and its types are what both drivers have to guarantee.
#![warn(missing_docs)]

mod batch;
#[cfg(test)]
mod contract;
mod digest;
#[allow(missing_docs, reason = "the trait says what a driver does")]
mod local;
#[allow(missing_docs, reason = "the trait says what a driver does")]
mod redis;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;

pub use digest::{Call, Digest, HERE_REPEAT, Here, LastMentions, LastMessage};
pub use local::LocalBus;
pub use redis::RedisBus;

use super::store::{AccountId, Earlier, RoomId};
use crate::protocol::{Epoch, Event, EventKind, MemberId, Message, Millis, Person, Seq};

/// The maximum number of events in a tail, without `reacted` events. When there are more, the oldest are dropped.
pub const TAIL_EVENTS: usize = 1_000;
/// The maximum number of `reacted` events in a tail. They do not count as events and have a limit of their own, so that
/// many reactions push nothing out that somebody said. When there are more, the oldest are dropped; their effect is in
/// the messages. The next event after them then follows a gap.
pub const TAIL_REACTED: usize = 256;
/// The maximum bytes of the events in a tail. When there are more, the oldest events are dropped, but never the last
/// one. The local driver measures an event by [`weight`], Redis by the length of its JSON.
pub const TAIL_BYTES: usize = 1024 * 1024;
/// The maximum bytes of all tails of a node without Redis. Beyond that, the tails with the oldest last append are
/// removed.
pub const TAILS_BYTES: usize = 256 * 1024 * 1024;
/// The maximum number of message ids that a tail remembers, so that a late retry is still recognised.
pub const TAIL_IDS: usize = 10_000;
/// How long a tail lives after its last append.
pub const TAIL_LIFE: Duration = Duration::from_hours(24);
/// How long an account's version is remembered after its last increment. Nodes that show lists read it a few times a
/// second.
pub const VERSION_LIFE: Duration = Duration::from_hours(1);

/// The estimated bytes of an event in memory: its text, 64 for each person whom it mentions, and 256 for everything
/// around them.
pub fn weight(event: &Event) -> usize {
    let text = match &event.kind {
        EventKind::Other(_, content) => content.json(),
        _ => event.text(),
    };
    let people = match &event.kind {
        EventKind::Message(Message { mentions, .. }) | EventKind::Edited { mentions, .. } => mentions.len(),
        _ => 0,
    };
    256 + 64 * people + text.len()
}

/// The estimated bytes of the reactions that an event has, as JSON. They do not count in [`weight`].
pub fn reaction_bytes(event: &Event) -> usize {
    /// A change with its target, or an emoji with its number.
    const EACH: usize = 96;
    /// The id of a member.
    const MEMBER: usize = 17;
    let bytes = |members: usize| EACH + MEMBER * members;
    match &event.kind {
        EventKind::Reacted { changes } => changes.iter().map(|change| bytes(change.who.len())).sum(),
        EventKind::Message(message) => {
            message.reactions.iter().map(|reaction| bytes(reaction.who.len() + reaction.more.len())).sum()
        }
        _ => 0,
    }
}

/// Whether an event is about reactions alone.
pub fn is_reacted(event: &Event) -> bool {
    matches!(event.kind, EventKind::Reacted { .. })
}

/// The bus cannot be reached, or a call failed. Whether the call has written something is unknown.
#[derive(Debug, thiserror::Error)]
#[error("the bus failed")]
pub struct BusError(#[from] pub anyhow::Error);

/// The result of a call to the bus.
pub type Result<T> = std::result::Result<T, BusError>;

/// What the bus delivers to its node, through one bounded queue that the node drains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusNews {
    /// A packet for a room that this node follows. Redis returns a node's own packets as well, so each packet names its
    /// sender and the node skips its own.
    Packet(RoomId, Bytes),
    /// What another node has posted to this one ([`Bus::post`]).
    Post(Bytes),
    /// Packets and posts may have been lost: the connection was made again, or the queue was full. The node compares
    /// the heads of all its live rooms with their logs.
    Missed,
}

/// The state of a tail when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The epoch: which life of the log this is. Seqs are comparable only within one epoch.
    pub epoch: Epoch,
    /// The seq of the last event.
    pub head: Seq,
    /// The ordinal of the last message.
    pub n: u64,
    /// `Some` once the tail is sealed: the room is being made preserved, and no append can follow. This is the person
    /// who turned preserving on.
    pub sealed_by: Option<Person>,
    /// The requested events that the tail still holds: oldest first, ending at `head`. Only `reacted` events may be
    /// missing among them ([`TAIL_REACTED`]).
    pub events: Vec<Event>,
}

/// The outcome of an append to a tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailAppended {
    /// All events were appended.
    Done,
    /// Another node appended first. Nothing was written. Read the missed events, judge the commands again, and append
    /// again.
    Stale,
    /// The tail remembers a message id of the batch: the message was appended before. Nothing was written.
    IdTaken(Earlier),
    /// The tail is sealed, since the room is being made preserved. Nothing was written.
    Sealed,
    /// There is no tail, or the tail is of another epoch. Nothing was written.
    Lost,
}

/// A quota: `burst` units at once, refilled evenly over `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The units that can be taken at once; at least 1.
    pub burst: u32,
    /// The time in which an empty quota is refilled completely.
    pub per: Duration,
}

/// The refusal of a quota that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The index of the quota with the longest wait, among those that were asked for.
    pub which: usize,
    /// The time to wait until one unit can be taken from that quota.
    pub pause: Duration,
}

impl Quota {
    /// The quota with `times` times the burst in the same time.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { burst: self.burst.saturating_mul(times), ..self }
    }

    /// The time in which one unit is refilled. It is rounded down to whole microseconds, so that all drivers count
    /// alike.
    fn refill_of_one(self) -> Duration {
        let micros = self.per.as_micros() / u128::from(self.burst.max(1));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX).max(1))
    }
}

/// The live state that nodes share. The module's documentation explains its parts.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Whether there can be other nodes. If not, no other node appends, and heads need no comparing.
    fn is_shared(&self) -> bool;

    /// Fails if the bus does not answer; used by `/readyz`.
    async fn ping(&self) -> Result<()>;

    /// Sends a packet to every other node that follows the room. Redis also returns it to the sender, if the sender
    /// follows the room. The local bus delivers nothing, since there is no other node.
    async fn publish(&self, room: RoomId, packet: Bytes) -> Result<()>;

    /// The id of this node, by which others post to it.
    fn node(&self) -> Uuid;

    /// Sends a message to one node, for its [`BusNews::Post`]. Returns false if that node is not there. A message may
    /// be lost, but those that arrive do so once and in order. On the local bus nobody is there.
    async fn post(&self, node: Uuid, message: Bytes) -> Result<bool>;

    /// Subscribes this node to a room's packets, and returns once the subscription is active. The driver subscribes
    /// again after each reconnect.
    ///
    /// After an error the driver goes on trying: it subscribes once the bus is back, and then sends
    /// [`BusNews::Missed`].
    async fn follow(&self, room: RoomId) -> Result<()>;

    /// Ends the subscription to a room's packets. A packet that is on its way may still arrive.
    async fn unfollow(&self, room: RoomId) -> Result<()>;

    /// Returns a room's tail with its events after `after`. If there is no tail, an empty one is made at `epoch`,
    /// `head` and `n`.
    ///
    /// A tail that is sealed at a seq below `head` is outdated: the room was preserved meanwhile and is ephemeral
    /// again. Such a tail is emptied, unsealed and set to `head` and `n`. It keeps its epoch and the message ids that
    /// it remembers.
    async fn open_tail(&self, room: RoomId, epoch: Epoch, head: Seq, n: u64, after: Seq) -> Result<Tail>;

    /// Returns a room's tail with its events after `after`, if there is a tail.
    async fn tail(&self, room: RoomId, after: Seq) -> Result<Option<Tail>>;

    /// Returns up to `limit` events of a room's tail with `from` <= seq < `before`, newest first. Without `before`, it
    /// starts at the end of the tail. `reacted` events are left out. If there is no tail, the result is empty.
    async fn tail_before(&self, room: RoomId, from: Seq, before: Option<Seq>, limit: usize) -> Result<Vec<Event>>;

    /// Returns epoch and head of many tails, in one round trip. Rooms without a tail are left out.
    async fn tail_heads(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Epoch, Seq)>>;

    /// Appends events, remembers their message ids and publishes `packet`: all of that or nothing. The seqs of the
    /// events must follow the tail's head. Beyond [`TAIL_EVENTS`] or [`TAIL_BYTES`] the oldest events are dropped.
    ///
    /// `changed` are earlier events of the tail as the new ones make them. They replace those of the same seqs in the
    /// same step, so that nothing of what a new event deletes is left. A batch of `reacted` events is frequent: it must
    /// not cost more in a tail with many events.
    ///
    /// Where several refusals apply, the answer is the first of `Lost`, `Sealed`, `IdTaken`, `Stale`. A batch that
    /// contradicts itself is a mistake of the caller and returns an error: a batch without events, with seqs that are
    /// not consecutive, or with one message id twice.
    async fn append_tail(
        &self,
        room: RoomId,
        epoch: Epoch,
        events: &[Event],
        changed: &[Event],
        packet: Bytes,
    ) -> Result<TailAppended>;

    /// Returns the first message of a batch whose id a tail of this epoch remembers. The tail may be sealed.
    async fn earlier(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<Option<Earlier>>;

    /// Seals a tail that is at (`epoch`, `head`): no append can follow. Called when the room is about to be preserved.
    /// Returns `Done`, `Stale`, `Lost`, or `Sealed` if it was sealed already.
    async fn seal_tail(&self, room: RoomId, epoch: Epoch, head: Seq, by: &Person) -> Result<TailAppended>;

    /// Replaces events of a tail by these events of the same seqs, if the tail is of this epoch. Nothing else of the
    /// tail changes. Events that the tail no longer holds are skipped.
    async fn rewrite_tail(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<()>;

    /// Removes a room's tail and digest, whatever the tail's head is. Called when the room was deleted.
    async fn remove_room(&self, room: RoomId) -> Result<()>;

    /// Removes a tail and the room's digest, if the tail is at (`epoch`, `head`). Called when everyone has left, for
    /// example.
    async fn drop_tail(&self, room: RoomId, epoch: Epoch, head: Seq) -> Result<()>;

    /// Stores what lists show of a room, for [`TAIL_LIFE`]. A digest is ignored if the bus has one of the same epoch
    /// with a later head.
    ///
    /// The digest of an ephemeral room lives no longer than the room's tail. It is stored only if the room has a tail
    /// of the digest's epoch, and it is removed with that tail.
    async fn put_digest(&self, room: RoomId, digest: &Digest) -> Result<()>;

    /// Returns the digests of many rooms. Rooms without a digest are left out.
    async fn digests(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Digest)>>;

    /// Increments an account's version: something of the account changed (it entered or left a room, or has read
    /// something). Nodes that show the account's list then read it again.
    async fn bump_version(&self, account: AccountId) -> Result<()>;

    /// Returns the versions of many accounts. Accounts whose version was not incremented for [`VERSION_LIFE`] are left
    /// out.
    async fn account_versions(&self, accounts: &[AccountId]) -> Result<Vec<(AccountId, u64)>>;

    /// Sets the leases of these guests to end at `until`. A lease that ends later keeps its end.
    async fn renew_leases(&self, guests: &[(RoomId, MemberId)], until: Millis) -> Result<()>;

    /// Gives a lease until `until` to those of these guests who have none.
    async fn adopt_leases(&self, guests: &[(RoomId, MemberId)], until: Millis) -> Result<()>;

    /// Sets a lease to end at `until`, unless it ends earlier. Does nothing if there is no lease.
    async fn shorten_lease(&self, room: RoomId, member: MemberId, until: Millis) -> Result<()>;

    /// Removes a lease, since the guest has left.
    async fn end_lease(&self, room: RoomId, member: MemberId) -> Result<()>;

    /// Returns up to `limit` leases that ended before `now`. Each is returned to one caller only and then extended to
    /// `retry_at`. So another node takes over if the caller dies before it calls [`end_lease`](Self::end_lease).
    async fn claim_ended_leases(&self, now: Millis, retry_at: Millis, limit: usize) -> Result<Vec<(RoomId, MemberId)>>;

    /// Takes one unit from a quota. If there is none, nothing is taken, and `Some` is the time to wait. The algorithm
    /// is GCRA.
    async fn throttle(&self, key: &str, quota: Quota) -> Result<Option<Duration>> {
        let wait = self.throttle_all(&[(key.to_owned(), quota)]).await?;
        Ok(wait.map(|wait| wait.pause))
    }

    /// Takes one unit from each of several quotas, or from none. A refusal names the quota with the longest wait. If
    /// the keys have a part in braces, that part must be the same in all, so that one script can use all of them (one
    /// slot of a Redis Cluster).
    async fn throttle_all(&self, takes: &[(String, Quota)]) -> Result<Option<Wait>>;

    /// Returns whether this node may do a background job. If so, no node gets that job again for `pause`.
    async fn claim_job(&self, job: &str, pause: Duration) -> Result<bool>;
}
