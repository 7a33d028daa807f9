//! Packets: classic pub/sub, one channel a room.
//!
//! Not sharded pub/sub: that needs Redis 7 and a client that knows the cluster, while a classic `PUBLISH` is allowed in
//! every script and heard on every node of a cluster.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use anyhow::anyhow;
use bytes::Bytes;
use futures_util::FutureExt;
use redis::{RedisResult, Value, aio::MultiplexedConnection};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::timeout,
};
use uuid::{Uuid, fmt::Hyphenated};

use super::super::{BusNews, Result};
use crate::server::store::RoomId;

/// How long [`Packets::follow`] waits for its subscription to hold.
const FOLLOW_WITHIN: Duration = Duration::from_millis(2_500);
/// Channels in one command: an answer is one confirmation for each.
const CHANNELS_AT_ONCE: usize = 1_000;

/// The channel of a room.
pub(super) fn channel(prefix: &str, room: RoomId) -> String {
    format!("{prefix}:{{{room}}}:news")
}

/// What this node wants to hear, and what it hears.
pub(super) struct Packets {
    prefix: String,
    news: mpsc::Sender<BusNews>,
    /// Set when the node has to be told that packets may be missing; a second time while it waits to be told is the same.
    missed: Notify,
    wanted: Mutex<Wanted>,
    /// Wakes who subscribes.
    changed: Notify,
    /// Which version of `wanted` the subscriptions have reached.
    settled: watch::Sender<u64>,
}

#[derive(Default)]
struct Wanted {
    rooms: HashSet<RoomId>,
    /// Rooms whose subscription may differ from what is wanted.
    changed: Vec<RoomId>,
    /// Counts changes, so that a caller can wait for its own.
    version: u64,
}

impl Packets {
    pub fn new(prefix: &str, news: mpsc::Sender<BusNews>) -> Self {
        Self {
            prefix: prefix.to_owned(),
            news,
            missed: Notify::new(),
            wanted: Mutex::default(),
            changed: Notify::new(),
            settled: watch::Sender::new(0),
        }
    }

    pub async fn follow(&self, room: RoomId) -> Result<()> {
        let version = self.want(|wanted| wanted.rooms.insert(room), room);
        let mut settled = self.settled.subscribe();
        match timeout(FOLLOW_WITHIN, settled.wait_for(|reached| *reached >= version)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(anyhow!("Redis is not reachable; the room is followed once it is").into()),
        }
    }

    pub fn unfollow(&self, room: RoomId) {
        self.want(|wanted| wanted.rooms.remove(&room), room);
    }

    fn want(&self, change: impl FnOnce(&mut Wanted) -> bool, room: RoomId) -> u64 {
        let mut wanted = self.wanted();
        change(&mut wanted);
        wanted.changed.push(room);
        wanted.version += 1;
        self.changed.notify_one();
        wanted.version
    }

    /// Resolves when [`Subscriptions::settle`] has something to do.
    pub async fn wants_change(&self) {
        self.changed.notified().await;
    }

    /// The subscriptions of a new connection: none yet.
    pub fn subscriptions(&self) -> Subscriptions<'_> {
        let mut wanted = self.wanted();
        wanted.changed = wanted.rooms.iter().copied().collect();
        Subscriptions { packets: self, held: HashSet::new() }
    }

    /// Hands a packet to the node. Called by the connection itself, so it never waits: if the queue is full the packet is
    /// dropped and the node will be told.
    pub fn deliver(&self, message: Vec<Value>) {
        let Ok([Value::BulkString(channel), Value::BulkString(packet)]) = <[Value; 2]>::try_from(message) else {
            return;
        };
        let Some(room) = self.room_of(&channel) else { return };
        let news = BusNews::Packet(room, Bytes::from(packet));
        if let Err(mpsc::error::TrySendError::Full(_)) = self.news.try_send(news) {
            self.owe_missed();
        }
    }

    /// From now on the node has to be told that packets may be missing.
    pub fn owe_missed(&self) {
        self.missed.notify_one();
    }

    /// Tells the node whenever packets may be missing, waiting for room in its queue; ends when the node stops listening.
    pub async fn report_missed(self: Arc<Self>) {
        loop {
            self.missed.notified().await;
            let Ok(place) = self.news.reserve().await else { return };
            // What was dropped while this waited for its place is told with it.
            let _ = self.missed.notified().now_or_never();
            tracing::info!("packets may have been missed: the heads of all live rooms are compared");
            place.send(BusNews::Missed);
        }
    }

    fn room_of(&self, channel: &[u8]) -> Option<RoomId> {
        let id = channel.strip_prefix(self.prefix.as_bytes())?.strip_prefix(b":{")?.get(..Hyphenated::LENGTH)?;
        Uuid::try_parse_ascii(id).ok().map(RoomId)
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().expect("nothing panics while it changes what is wanted")
    }
}

/// What one connection is subscribed to.
pub(super) struct Subscriptions<'a> {
    packets: &'a Packets,
    held: HashSet<RoomId>,
}

impl Subscriptions<'_> {
    /// Makes the subscriptions what is wanted now; many changes become one command.
    pub async fn settle(&mut self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let (mut subscribe, mut unsubscribe) = (Vec::new(), Vec::new());
        let version = {
            let mut wanted = self.packets.wanted();
            for room in mem::take(&mut wanted.changed) {
                if wanted.rooms.contains(&room) {
                    if self.held.insert(room) {
                        subscribe.push(channel(&self.packets.prefix, room));
                    }
                } else if self.held.remove(&room) {
                    unsubscribe.push(channel(&self.packets.prefix, room));
                }
            }
            wanted.version
        };
        for channels in subscribe.chunks(CHANNELS_AT_ONCE) {
            connection.subscribe(channels).await?;
        }
        for channels in unsubscribe.chunks(CHANNELS_AT_ONCE) {
            connection.unsubscribe(channels).await?;
        }
        self.packets.settled.send_replace(version);
        Ok(())
    }
}
