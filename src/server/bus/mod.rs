//! Floor 1: live state that nodes share, all of which may be lost. Two drivers: `local.rs` (one node, the default) and
//! `redis/` (many nodes). Both pass the one suite in `contract.rs`.
//!
//! - **Packets** tell other nodes of a room's new events and signals. They are only a hint: a node that sees a hole reads the
//!   tail or the archive.
//! - **Tails** are the logs of ephemeral rooms: capped, expiring, and the sequencer of those rooms.
//! - **Leases** say until when a guest without news still counts as there.
//! - **Throttles** and **turns** bound what clients and background jobs do, over all nodes.
//!
//! Keys of a room share a hash tag, so that Redis Cluster works.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::store::{Earlier, RoomId};
use crate::protocol::{Epoch, Event, MemberId, Millis, Person, Seq};

/// Events that a tail keeps at most; older ones are dropped.
pub const TAIL_EVENTS: usize = 1_000;
/// Message ids that a tail remembers at most, so that a late retry is still recognised.
pub const TAIL_IDS: usize = 10_000;
/// How long a tail lives after its last append.
pub const TAIL_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The bus cannot be reached, or failed. Whether something was written is unknown.
#[derive(Debug, thiserror::Error)]
#[error("the bus failed")]
pub struct BusError(#[from] pub anyhow::Error);

/// A bus's answer.
pub type Result<T> = std::result::Result<T, BusError>;

/// What a bus tells its node, over one bounded queue that the node drains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusNews {
    /// Another node (or this one) published this for a room that this node follows.
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

/// The live state that nodes share.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Whether other nodes can be there. If not, nobody else appends, and heads need no comparing.
    fn is_shared(&self) -> bool;

    /// Whether the bus answers; for `/readyz`.
    async fn ping(&self) -> Result<()>;

    /// Sends a packet to every node that follows the room, this one included if it follows.
    async fn publish(&self, room: RoomId, packet: Bytes) -> Result<()>;

    /// Starts delivering a room's packets to this node, also after reconnects; done when the subscription holds.
    async fn follow(&self, room: RoomId) -> Result<()>;

    /// Stops it.
    async fn unfollow(&self, room: RoomId) -> Result<()>;

    /// A room's tail with its events after `after`; made empty, at `epoch`, `head` and `n`, if there is none. A tail that is
    /// sealed at a seq below `head` is outdated (the room was preserved and is ephemeral again) and is made anew as well,
    /// keeping its epoch.
    async fn open_tail(&self, room: RoomId, epoch: Epoch, head: Seq, n: u64, after: Seq) -> Result<Tail>;

    /// A room's tail with its events after `after`, if there is one.
    async fn tail(&self, room: RoomId, after: Seq) -> Result<Option<Tail>>;

    /// Heads of many tails in one round trip; missing ones are left out.
    async fn tail_heads(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Epoch, Seq)>>;

    /// Appends events whose seqs follow the tail's head, remembers their message ids, and publishes `packet`, all or nothing.
    async fn append_tail(&self, room: RoomId, epoch: Epoch, events: &[Event], packet: Bytes) -> Result<TailAppended>;

    /// Stops appends for good if the tail stands at (`epoch`, `head`): the room is about to be preserved.
    /// Answers `Done`, `Stale`, `Lost`, or `Sealed` if it was sealed already.
    async fn seal_tail(&self, room: RoomId, epoch: Epoch, head: Seq, by: &Person) -> Result<TailAppended>;

    /// Removes a tail, if it stands at (`epoch`, `head`): everyone left, or its room is gone.
    async fn drop_tail(&self, room: RoomId, epoch: Epoch, head: Seq) -> Result<()>;

    /// Says that these guests count as there until `until`, or longer if somebody said so already.
    async fn renew_leases(&self, guests: &[(RoomId, MemberId)], until: Millis) -> Result<()>;

    /// The same, but only for those who have no lease at all.
    async fn adopt_leases(&self, guests: &[(RoomId, MemberId)], until: Millis) -> Result<()>;

    /// Forgets a lease: they left.
    async fn end_lease(&self, room: RoomId, member: MemberId) -> Result<()>;

    /// Up to `limit` leases that ended before `now`, each handed to one caller only and extended to `retry_at`, so that
    /// another node takes over if the caller dies before [`end_lease`](Self::end_lease).
    async fn claim_ended_leases(&self, now: Millis, retry_at: Millis, limit: usize) -> Result<Vec<(RoomId, MemberId)>>;

    /// Takes one from a quota; `Some` is how long to wait instead. Follows GCRA.
    async fn throttle(&self, key: &str, quota: Quota) -> Result<Option<Duration>>;

    /// Whether it is this node's turn to do a background job, which no node then does again for `pause`.
    async fn take_turn(&self, job: &str, pause: Duration) -> Result<bool>;
}
