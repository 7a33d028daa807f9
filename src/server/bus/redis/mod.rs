//! The bus for many nodes, in Redis 6.2 or later (the version that brought `ZADD GT` and `ZRANGE BYSCORE`).
//!
//! Each operation that must be atomic is a Lua script beside this file. A node has two connections ([`link`]): one for
//! commands, and one for packets, so that many packets do not delay an append. The client talks to one Redis server.
//! Each script uses the keys of one slot only, as a Redis Cluster requires. It does not follow a cluster's
//! redirections, so a cluster needs a proxy in front.
//!
//! Text of ephemeral rooms is in Redis only in the keys of a tail and in the digest that is removed with it. All of
//! these expire.

mod digests;
mod leases;
mod link;
mod packets;
mod tails;
mod throttles;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{sync::mpsc, task::JoinSet};
use uuid::Uuid;

use self::{
    link::{Dialer, Link},
    packets::Packets,
};
use super::{Bus, BusNews, Digest, Quota, Result, Tail, TailAppended, Wait, batch::Batch};
use crate::{
    protocol::{Epoch, Event, MemberId, Millis, Person, Seq},
    server::{
        random,
        store::{AccountId, Earlier, RoomId},
    },
};

/// The size of the node's queue of news. When it is full, packets are dropped and [`BusNews::Missed`] follows.
const NEWS_QUEUE: usize = 8_192;

/// The bus for many nodes. Dropping it closes its connections.
pub struct RedisBus {
    /// The first part of all keys and channels, so that several installations can share one Redis.
    prefix: String,
    link: Link,
    packets: Arc<Packets>,
    /// The background tasks: one keeps the connections, one sends [`BusNews::Missed`]. They end when the bus is
    /// dropped.
    _tasks: JoinSet<()>,
}

impl RedisBus {
    /// Connects to the Redis at `url` and checks its version. Returns the bus and its news, which the node has to
    /// drain.
    ///
    /// Afterwards, a call fails while the connection is lost, and a background task makes the connection again.
    pub async fn connect(url: &str, prefix: &str) -> anyhow::Result<(Self, mpsc::Receiver<BusNews>)> {
        let (news, inbox) = mpsc::channel(NEWS_QUEUE);
        let packets = Arc::new(Packets::new(prefix, random::uuid(), news));
        let dialer = Dialer::new(url, &packets)?;
        let pair = dialer.first().await?;

        let mut tasks = JoinSet::new();
        let (link, keeping) = link::keep(dialer, pair, packets.clone());
        tasks.spawn(keeping);
        tasks.spawn(packets.clone().report_missed());
        Ok((Self { prefix: prefix.to_owned(), link, packets, _tasks: tasks }, inbox))
    }
}

#[async_trait]
impl Bus for RedisBus {
    fn is_shared(&self) -> bool {
        true
    }

    async fn ping(&self) -> Result<()> {
        self.link.query(&::redis::cmd("PING")).await
    }

    async fn publish(&self, room: RoomId, packet: Bytes) -> Result<()> {
        let channel = packets::channel(&self.prefix, room);
        self.link.query(::redis::cmd("PUBLISH").arg(channel).arg(&packet[..])).await
    }

    fn node(&self) -> Uuid {
        self.packets.node()
    }

    async fn post(&self, node: Uuid, message: Bytes) -> Result<bool> {
        let channel = packets::channel_of_node(&self.prefix, node);
        let receivers: u64 = self.link.query(::redis::cmd("PUBLISH").arg(channel).arg(&message[..])).await?;
        Ok(receivers > 0)
    }

    async fn follow(&self, room: RoomId) -> Result<()> {
        self.packets.follow(room).await
    }

    async fn unfollow(&self, room: RoomId) -> Result<()> {
        self.packets.unfollow(room);
        Ok(())
    }

    async fn open_tail(&self, room: RoomId, epoch: Epoch, head: Seq, n: u64, after: Seq) -> Result<Tail> {
        tails::open(self, room, epoch, head, n, after).await
    }

    async fn tail(&self, room: RoomId, after: Seq) -> Result<Option<Tail>> {
        tails::read(self, room, after).await
    }

    async fn tail_before(&self, room: RoomId, from: Seq, before: Option<Seq>, limit: usize) -> Result<Vec<Event>> {
        tails::read_before(self, room, from, before, limit).await
    }

    async fn tail_heads(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Epoch, Seq)>> {
        tails::heads(self, rooms).await
    }

    async fn append_tail(
        &self,
        room: RoomId,
        epoch: Epoch,
        events: &[Event],
        changed: &[Event],
        packet: Bytes,
    ) -> Result<TailAppended> {
        tails::append(self, room, epoch, Batch::of(events)?, changed, &packet).await
    }

    async fn earlier(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<Option<Earlier>> {
        tails::earlier(self, room, epoch, events).await
    }

    async fn seal_tail(&self, room: RoomId, epoch: Epoch, head: Seq, by: &Person) -> Result<TailAppended> {
        tails::seal(self, room, epoch, head, by).await
    }

    async fn rewrite_tail(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<()> {
        tails::rewrite(self, room, epoch, events).await
    }

    async fn remove_room(&self, room: RoomId) -> Result<()> {
        tails::forget(self, room).await
    }

    async fn drop_tail(&self, room: RoomId, epoch: Epoch, head: Seq) -> Result<()> {
        tails::remove(self, room, epoch, head).await
    }

    async fn put_digest(&self, room: RoomId, digest: &Digest) -> Result<()> {
        digests::put(self, room, digest).await
    }

    async fn digests(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Digest)>> {
        digests::read(self, rooms).await
    }

    async fn bump_version(&self, account: AccountId) -> Result<()> {
        digests::touch(self, account).await
    }

    async fn account_versions(&self, accounts: &[AccountId]) -> Result<Vec<(AccountId, u64)>> {
        digests::versions(self, accounts).await
    }

    async fn renew_leases(&self, guests: &[(RoomId, MemberId)], until: Millis) -> Result<()> {
        leases::extend(self, guests, until, "GT").await
    }

    async fn adopt_leases(&self, guests: &[(RoomId, MemberId)], until: Millis) -> Result<()> {
        leases::extend(self, guests, until, "NX").await
    }

    async fn shorten_lease(&self, room: RoomId, member: MemberId, until: Millis) -> Result<()> {
        leases::shorten(self, room, member, until).await
    }

    async fn end_lease(&self, room: RoomId, member: MemberId) -> Result<()> {
        leases::end(self, room, member).await
    }

    async fn claim_ended_leases(&self, now: Millis, retry_at: Millis, limit: usize) -> Result<Vec<(RoomId, MemberId)>> {
        leases::claim_ended(self, now, retry_at, limit).await
    }

    async fn throttle_all(&self, takes: &[(String, Quota)]) -> Result<Option<Wait>> {
        throttles::take(self, takes).await
    }

    async fn claim_job(&self, job: &str, pause: Duration) -> Result<bool> {
        throttles::claim_job(self, job, pause).await
    }
}
