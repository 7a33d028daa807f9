//! The bus of a single node, in memory. No other node appends or listens, so no packet is ever delivered.
//!
//! Each part has a lock of its own. A lock is held for one short step, and never across an await.

mod digests;
mod expiring;
mod leases;
mod tails;
mod throttles;

use std::{
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::mpsc;
use uuid::Uuid;

use self::{
    digests::{Digests, Versions},
    expiring::Expiring,
    leases::Leases,
    tails::Tails,
    throttles::{Throttles, Turns},
};
use super::{Bus, BusNews, Digest, Quota, Result, TAIL_LIFE, Tail, TailAppended, Wait, batch::Batch};
use crate::{
    protocol::{Epoch, Event, MemberId, Millis, Person, Retention, Seq},
    server::{
        random,
        store::{AccountId, Earlier, RoomId},
    },
};

/// The bus of a single node.
pub struct LocalBus {
    node: Uuid,
    clock: Box<dyn Fn() -> Instant + Send + Sync>,
    tails: Mutex<Tails>,
    /// Locked after `tails`, where both are locked.
    digests: Mutex<Digests>,
    versions: Mutex<Versions>,
    leases: Mutex<Leases>,
    throttles: Mutex<Throttles>,
    turns: Mutex<Turns>,
    /// Keeps the channel of news open. A node waits for news on any bus, and would otherwise take the closed channel
    /// for the end.
    _news: mpsc::Sender<BusNews>,
}

impl LocalBus {
    /// Returns an empty bus, and its channel of news, which stays empty.
    pub fn new() -> (Self, mpsc::Receiver<BusNews>) {
        Self::with_clock(Instant::now)
    }

    /// Returns the same with another clock, so that tests can choose the time.
    pub fn with_clock(clock: impl Fn() -> Instant + Send + Sync + 'static) -> (Self, mpsc::Receiver<BusNews>) {
        let (news, inbox) = mpsc::channel(1);
        let bus = Self {
            node: random::uuid(),
            clock: Box::new(clock),
            tails: Mutex::default(),
            digests: Mutex::default(),
            versions: Mutex::default(),
            leases: Mutex::default(),
            throttles: Mutex::default(),
            turns: Mutex::default(),
            _news: news,
        };
        (bus, inbox)
    }

    fn now(&self) -> Instant {
        (self.clock)()
    }
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().expect("nothing panics while it holds a part of the bus")
}

#[async_trait]
impl Bus for LocalBus {
    fn is_shared(&self) -> bool {
        false
    }

    async fn ping(&self) -> Result<()> {
        Ok(())
    }

    async fn publish(&self, _room: RoomId, _packet: Bytes) -> Result<()> {
        Ok(())
    }

    fn node(&self) -> Uuid {
        self.node
    }

    async fn post(&self, _node: Uuid, _message: Bytes) -> Result<bool> {
        Ok(false)
    }

    async fn follow(&self, _room: RoomId) -> Result<()> {
        Ok(())
    }

    async fn unfollow(&self, _room: RoomId) -> Result<()> {
        Ok(())
    }

    async fn open_tail(&self, room: RoomId, epoch: Epoch, head: Seq, n: u64, after: Seq) -> Result<Tail> {
        Ok(lock(&self.tails).open(room, epoch, head, n, after, self.now()))
    }

    async fn tail(&self, room: RoomId, after: Seq) -> Result<Option<Tail>> {
        Ok(lock(&self.tails).read(room, after, self.now()))
    }

    async fn tail_before(&self, room: RoomId, from: Seq, before: Option<Seq>, limit: usize) -> Result<Vec<Event>> {
        Ok(lock(&self.tails).read_before(room, from, before, limit, self.now()))
    }

    async fn tail_heads(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Epoch, Seq)>> {
        Ok(lock(&self.tails).heads(rooms, self.now()))
    }

    async fn append_tail(
        &self,
        room: RoomId,
        epoch: Epoch,
        events: &[Event],
        changed: &[Event],
        _packet: Bytes,
    ) -> Result<TailAppended> {
        let batch = Batch::of(events)?;
        let mut tails = lock(&self.tails);
        let appended = tails.append(room, epoch, batch, self.now());
        if appended == TailAppended::Done {
            tails.rewrite(room, epoch, changed, self.now());
        }
        for gone in tails.make_room() {
            lock(&self.digests).remove(gone);
        }
        Ok(appended)
    }

    async fn earlier(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<Option<Earlier>> {
        Ok(lock(&self.tails).earlier(room, epoch, events, self.now()))
    }

    async fn seal_tail(&self, room: RoomId, epoch: Epoch, head: Seq, by: &Person) -> Result<TailAppended> {
        Ok(lock(&self.tails).seal(room, epoch, head, by, self.now()))
    }

    async fn rewrite_tail(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<()> {
        lock(&self.tails).rewrite(room, epoch, events, self.now());
        Ok(())
    }

    async fn remove_room(&self, room: RoomId) -> Result<()> {
        let mut tails = lock(&self.tails);
        tails.forget(room);
        lock(&self.digests).remove(room);
        Ok(())
    }

    async fn drop_tail(&self, room: RoomId, epoch: Epoch, head: Seq) -> Result<()> {
        let mut tails = lock(&self.tails);
        if tails.remove(room, epoch, head, self.now()) {
            lock(&self.digests).remove(room);
        }
        Ok(())
    }

    async fn put_digest(&self, room: RoomId, digest: &Digest) -> Result<()> {
        let now = self.now();
        let mut tails = lock(&self.tails);
        let ends_at = match digest.retention {
            Retention::Preserved => Some(now + TAIL_LIFE),
            Retention::Ephemeral => tails.end_of(room, digest.epoch, now),
        };
        if let Some(ends_at) = ends_at {
            lock(&self.digests).put(room, digest, ends_at, now);
        }
        Ok(())
    }

    async fn digests(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Digest)>> {
        Ok(lock(&self.digests).read(rooms, self.now()))
    }

    async fn bump_version(&self, account: AccountId) -> Result<()> {
        lock(&self.versions).touch(account, self.now());
        Ok(())
    }

    async fn account_versions(&self, accounts: &[AccountId]) -> Result<Vec<(AccountId, u64)>> {
        Ok(lock(&self.versions).read(accounts, self.now()))
    }

    async fn renew_leases(&self, guests: &[(RoomId, MemberId)], until: Millis) -> Result<()> {
        lock(&self.leases).renew(guests, until);
        Ok(())
    }

    async fn adopt_leases(&self, guests: &[(RoomId, MemberId)], until: Millis) -> Result<()> {
        lock(&self.leases).adopt(guests, until);
        Ok(())
    }

    async fn shorten_lease(&self, room: RoomId, member: MemberId, until: Millis) -> Result<()> {
        lock(&self.leases).shorten((room, member), until);
        Ok(())
    }

    async fn end_lease(&self, room: RoomId, member: MemberId) -> Result<()> {
        lock(&self.leases).end((room, member));
        Ok(())
    }

    async fn claim_ended_leases(&self, now: Millis, retry_at: Millis, limit: usize) -> Result<Vec<(RoomId, MemberId)>> {
        Ok(lock(&self.leases).claim_ended(now, retry_at, limit))
    }

    async fn throttle_all(&self, takes: &[(String, Quota)]) -> Result<Option<Wait>> {
        Ok(lock(&self.throttles).take(takes, self.now()))
    }

    async fn claim_job(&self, job: &str, pause: Duration) -> Result<bool> {
        Ok(lock(&self.turns).take(job, pause, self.now()))
    }
}
