//! Floor 1: live state that nodes share, all of which may be lost. Two drivers: `local/` (one node, the default) and
//! `redis/` (many nodes). Both pass the one suite in `contract/`.
//!
//! - **Packets** tell other nodes of a room's new events and signals. They are only a hint: a node that sees a hole reads the
//!   tail or the archive.
//! - **Tails** are the logs of ephemeral rooms: capped by number and by bytes, expiring, and the sequencer of those rooms.
//! - **Leases** say until when a guest without news still counts as there.
//! - **Digests** are what lists show of rooms, and **versions** say that something of an account's own has changed, so that a
//!   list of rooms is up to date without opening any.
//! - **Throttles** and **turns** bound what clients and background jobs do, over all nodes.
//!
//! Keys of a room share a hash tag, so that Redis Cluster works.

mod batch;
#[cfg(test)]
mod contract;
mod digest;
mod local;
mod redis;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use digest::{Digest, HERE_REPEAT, Here, LastMessage, mention};
pub use local::LocalBus;
pub use redis::RedisBus;

use super::store::{AccountId, Earlier, RoomId};
use crate::protocol::{Epoch, Event, MemberId, Millis, Person, Seq};

/// Events that a tail keeps at most; older ones are dropped.
pub const TAIL_EVENTS: usize = 1_000;
/// Bytes that the events of a tail weigh at most, by [`weight`]; older ones are dropped, but never the last.
pub const TAIL_BYTES: usize = 1024 * 1024;
/// Bytes that all tails of a node without Redis weigh at most. Past that those go that were appended to longest ago.
pub const TAILS_BYTES: usize = 256 * 1024 * 1024;
/// Message ids that a tail remembers at most, so that a late retry is still recognised.
pub const TAIL_IDS: usize = 10_000;
/// How long a tail lives after its last append.
pub const TAIL_LIFE: Duration = Duration::from_hours(24);
/// How long an account's version is remembered after it was raised; whoever watches asks for it a few times a second.
pub const VERSION_LIFE: Duration = Duration::from_hours(1);

/// What an event weighs in memory: its text, and about what is around it.
pub fn weight(event: &Event) -> usize {
    256 + event.message().map_or(0, |message| message.body.as_str().len())
}

/// The bus cannot be reached, or failed. Whether something was written is unknown.
#[derive(Debug, thiserror::Error)]
#[error("the bus failed")]
pub struct BusError(#[from] pub anyhow::Error);

/// A bus's answer.
pub type Result<T> = std::result::Result<T, BusError>;

/// What a bus tells its node, over one bounded queue that the node drains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusNews {
    /// Another node published this for a room that this node follows. Own packets may come back, so a packet says who
    /// sent it and the node passes over its own.
    Packet(RoomId, Bytes),
    /// Packets may have been missed (the connection came back, or the queue was full): compare heads of all live rooms.
    Missed,
}

/// A tail, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Which life of the log it is.
    pub epoch: Epoch,
    /// The last seq.
    pub head: Seq,
    /// The last message's ordinal.
    pub n: u64,
    /// `Some` once the room is being preserved: no append can follow, and this person turned it on.
    pub sealed_by: Option<Person>,
    /// The events asked for that are still there, oldest first, without holes, ending at `head`.
    pub events: Vec<Event>,
}

/// How a tail answers an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailAppended {
    /// All events are in.
    Done,
    /// Another node was first: read what was missed and judge again. Nothing was written.
    Stale,
    /// A message id was used before. Nothing was written.
    IdTaken(Earlier),
    /// The room is being preserved. Nothing was written.
    Sealed,
    /// There is no tail, or one of another epoch. Nothing was written.
    Lost,
}

/// How much of something is allowed: `burst` at once, refilled evenly over `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many at once; at least 1.
    pub burst: u32,
    /// In how long a whole burst is refilled.
    pub per: Duration,
}

/// What a quota answers that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Which of those that were asked for makes wait longest.
    pub which: usize,
    /// How long.
    pub pause: Duration,
}

impl Quota {
    /// So many times as much in the same time.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { burst: self.burst.saturating_mul(times), ..self }
    }

    /// How long one takes to be refilled, in whole microseconds so that every driver counts alike.
    fn refill_of_one(self) -> Duration {
        let micros = self.per.as_micros() / u128::from(self.burst.max(1));
        Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX).max(1))
    }
}

/// The live state that nodes share.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Whether other nodes can be there. If not, nobody else appends, and heads need no comparing.
    fn is_shared(&self) -> bool;

    /// Whether the bus answers; for `/readyz`.
    async fn ping(&self) -> Result<()>;

    /// Sends a packet to every other node that follows the room. Whether it also comes back to a sender that follows is
    /// left to the driver: Redis returns it, the local bus, which has no other node to tell, delivers nothing.
    async fn publish(&self, room: RoomId, packet: Bytes) -> Result<()>;

    /// Starts delivering a room's packets to this node, also after reconnects; done when the subscription holds.
    ///
    /// On an error the room stays wanted: it is followed once the bus is back, and [`BusNews::Missed`] comes after that.
    async fn follow(&self, room: RoomId) -> Result<()>;

    /// Stops it. A packet already on its way may still arrive.
    async fn unfollow(&self, room: RoomId) -> Result<()>;

    /// A room's tail with its events after `after`; made empty, at `epoch`, `head` and `n`, if there is none. A tail that is
    /// sealed at a seq below `head` is outdated (the room was preserved and is ephemeral again) and is made anew as well,
    /// keeping its epoch and the message ids it remembers.
    async fn open_tail(&self, room: RoomId, epoch: Epoch, head: Seq, n: u64, after: Seq) -> Result<Tail>;

    /// A room's tail with its events after `after`, if there is one.
    async fn tail(&self, room: RoomId, after: Seq) -> Result<Option<Tail>>;

    /// Up to `limit` of the events that a room's tail has from `from` on and before `before` (or its end), newest first; none
    /// if there is no tail.
    async fn tail_before(&self, room: RoomId, from: Seq, before: Option<Seq>, limit: usize) -> Result<Vec<Event>>;

    /// Heads of many tails in one round trip; missing ones are left out.
    async fn tail_heads(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Epoch, Seq)>>;

    /// Appends events whose seqs follow the tail's head, remembers their message ids, and publishes `packet`, all or nothing.
    /// Beyond [`TAIL_EVENTS`] or [`TAIL_BYTES`] the oldest events are dropped.
    ///
    /// Where several refusals hold, the answer is the first of `Lost`, `Sealed`, `IdTaken`, `Stale`. A batch that contradicts
    /// itself (no event, seqs that do not follow one another, one message id twice) is the caller's fault and an error.
    async fn append_tail(&self, room: RoomId, epoch: Epoch, events: &[Event], packet: Bytes) -> Result<TailAppended>;

    /// The first message of a batch whose id a tail of this epoch remembers, whether it takes appends still or not.
    async fn earlier(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<Option<Earlier>>;

    /// Stops appends for good if the tail stands at (`epoch`, `head`): the room is about to be preserved.
    /// Answers `Done`, `Stale`, `Lost`, or `Sealed` if it was sealed already.
    async fn seal_tail(&self, room: RoomId, epoch: Epoch, head: Seq, by: &Person) -> Result<TailAppended>;

    /// Puts these events in the place of those of the same seqs that a tail of this epoch has, and changes nothing else of it;
    /// what it no longer has is passed over.
    async fn rewrite_tail(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<()>;

    /// Removes a room's tail and digest, wherever the tail stands: the room was deleted.
    async fn forget_room(&self, room: RoomId) -> Result<()>;

    /// Removes a tail and the room's digest, if the tail stands at (`epoch`, `head`): everyone left, or its room is gone.
    async fn drop_tail(&self, room: RoomId, epoch: Epoch, head: Seq) -> Result<()>;

    /// Keeps what lists show of a room, for [`TAIL_LIFE`], unless the bus has a digest of the same epoch with a later head.
    ///
    /// What a room tells that keeps nothing lives no longer than its tail: such a digest is kept only if the room has a tail
    /// of this epoch, and ends with it.
    async fn put_digest(&self, room: RoomId, digest: &Digest) -> Result<()>;

    /// The digests of many rooms; missing ones are left out.
    async fn digests(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Digest)>>;

    /// Raises an account's version: something of its own has changed (a room came or went, it read something), and whoever
    /// shows that has to read it again.
    async fn touch_account(&self, account: AccountId) -> Result<()>;

    /// The versions of many accounts. Those that were not raised for [`VERSION_LIFE`] are left out.
    async fn account_versions(&self, accounts: &[AccountId]) -> Result<Vec<(AccountId, u64)>>;

    /// Says that these guests count as there until `until`, or longer if somebody said so already.
    async fn renew_leases(&self, guests: &[(RoomId, MemberId)], until: Millis) -> Result<()>;

    /// The same, but only for those who have no lease at all.
    async fn adopt_leases(&self, guests: &[(RoomId, MemberId)], until: Millis) -> Result<()>;

    /// Lets a lease end at that time, unless it ends earlier, or there is none.
    async fn shorten_lease(&self, room: RoomId, member: MemberId, until: Millis) -> Result<()>;

    /// Forgets a lease: they left.
    async fn end_lease(&self, room: RoomId, member: MemberId) -> Result<()>;

    /// Up to `limit` leases that ended before `now`, each handed to one caller only and extended to `retry_at`, so that
    /// another node takes over if the caller dies before [`end_lease`](Self::end_lease).
    async fn claim_ended_leases(&self, now: Millis, retry_at: Millis, limit: usize) -> Result<Vec<(RoomId, MemberId)>>;

    /// Takes one from a quota; `Some` is how long to wait instead. Follows GCRA.
    async fn throttle(&self, key: &str, quota: Quota) -> Result<Option<Duration>> {
        let wait = self.throttle_all(&[(key.to_owned(), quota)]).await?;
        Ok(wait.map(|wait| wait.pause))
    }

    /// Takes one of each of several quotas, or of none: then the one that makes wait longest is given. The keys share what is
    /// in braces, if anything is, so that one script has them all.
    async fn throttle_all(&self, takes: &[(String, Quota)]) -> Result<Option<Wait>>;

    /// Whether it is this node's turn to do a background job, which no node then does again for `pause`.
    async fn take_turn(&self, job: &str, pause: Duration) -> Result<bool>;
}
