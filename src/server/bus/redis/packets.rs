//! Packets: classic pub/sub, with one channel for each room, and one for the posts to each node.
//!
//! A caller of [`Packets::follow`] only records which rooms the node wants. The task of the connection brings the
//! connection's subscriptions in line with that ([`Subscriptions::settle`]), also after each reconnect.
//!
//! Sharded pub/sub is not used: it needs Redis 7 and a client that knows the cluster's layout. A classic `PUBLISH` is
//! allowed in every script, and every node of a cluster delivers it.

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

/// How long [`Packets::follow`] waits for its subscription to be active.
const FOLLOW_WITHIN: Duration = Duration::from_millis(2_500);
/// The number of channels in one command. Redis answers each command with one confirmation for each channel.
const CHANNELS_AT_ONCE: usize = 1_000;

pub(super) fn channel(prefix: &str, room: RoomId) -> String {
    format!("{prefix}:{{{room}}}:news")
}

pub(super) fn channel_of_node(prefix: &str, node: Uuid) -> String {
    format!("{prefix}:node:{node}")
}

/// The rooms that this node follows, and the way of their packets and of posts to the node.
pub(super) struct Packets {
    prefix: String,
    node: Uuid,
    news: mpsc::Sender<BusNews>,
    /// Notified when the node must be sent [`BusNews::Missed`]. Several notifications before it is sent count as one.
    missed: Notify,
    wanted: Mutex<Wanted>,
    /// Wakes the task that subscribes, after `wanted` has changed.
    changed: Notify,
    /// The `version` of [`Wanted`] up to which the subscriptions are active.
    settled: watch::Sender<u64>,
}

#[derive(Default)]
struct Wanted {
    rooms: HashSet<RoomId>,
    /// Rooms whose subscription may differ from `rooms`.
    changed: Vec<RoomId>,
    /// Counts changes, so that a caller can wait until its own change is active.
    version: u64,
}

impl Packets {
    pub fn new(prefix: &str, node: Uuid, news: mpsc::Sender<BusNews>) -> Self {
        Self {
            prefix: prefix.to_owned(),
            node,
            news,
            missed: Notify::new(),
            wanted: Mutex::default(),
            changed: Notify::new(),
            settled: watch::Sender::new(0),
        }
    }

    pub fn node(&self) -> Uuid {
        self.node
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

    /// Records a change of the wanted rooms, and returns its version.
    fn want(&self, change: impl FnOnce(&mut Wanted) -> bool, room: RoomId) -> u64 {
        let mut wanted = self.wanted();
        change(&mut wanted);
        wanted.changed.push(room);
        wanted.version += 1;
        self.changed.notify_one();
        wanted.version
    }

    /// Returns when there may be subscriptions to change, by [`Subscriptions::settle`].
    pub async fn wants_change(&self) {
        self.changed.notified().await;
    }

    /// The subscriptions of a new connection. It has none yet, so every followed room is marked as changed.
    pub fn subscriptions(&self) -> Subscriptions<'_> {
        let mut wanted = self.wanted();
        wanted.changed = wanted.rooms.iter().copied().collect();
        Subscriptions { packets: self, held: HashSet::new(), takes_posts: false }
    }

    /// Queues a packet or a post for the node. The connection itself calls this, so it never waits: if the queue is
    /// full, the packet is dropped and [`BusNews::Missed`] is owed.
    pub fn deliver(&self, message: Vec<Value>) {
        let Ok([Value::BulkString(channel), Value::BulkString(packet)]) = <[Value; 2]>::try_from(message) else {
            return;
        };
        let news = match self.room_of(&channel) {
            Some(room) => BusNews::Packet(room, Bytes::from(packet)),
            None => BusNews::Post(Bytes::from(packet)),
        };
        if let Err(mpsc::error::TrySendError::Full(_)) = self.news.try_send(news) {
            self.owe_missed();
        }
    }

    /// Records that the node must be sent [`BusNews::Missed`].
    pub fn owe_missed(&self) {
        self.missed.notify_one();
    }

    /// Sends [`BusNews::Missed`] whenever it is owed, and waits for a free place in the queue. Ends when the node drops
    /// its receiver.
    pub async fn report_missed(self: Arc<Self>) {
        loop {
            self.missed.notified().await;
            let Ok(place) = self.news.reserve().await else { return };
            // This news also covers packets that were dropped during the wait for a place.
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

/// The subscriptions of one connection.
pub(super) struct Subscriptions<'a> {
    packets: &'a Packets,
    held: HashSet<RoomId>,
    /// Whether the connection is subscribed to the posts to this node.
    takes_posts: bool,
}

impl Subscriptions<'_> {
    /// Subscribes and unsubscribes until the connection follows exactly the wanted rooms. Many changes become one
    /// command.
    pub async fn settle(&mut self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let (mut subscribe, mut unsubscribe) = (Vec::new(), Vec::new());
        if !mem::replace(&mut self.takes_posts, true) {
            subscribe.push(channel_of_node(&self.packets.prefix, self.packets.node));
        }
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
