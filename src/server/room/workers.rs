//! The background workers of an engine, and its start.
//!
//! The workers deliver the bus's packets to the live rooms, publish the rooms' packets, subscribe to rooms on the bus,
//! compare the heads of logs, and find deleted rooms.
//!
//! Not here: the work with leases of guests (`absence`).

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use super::{
    absence,
    engine::{Engine, Following, Queues},
    live,
    request::Request,
    timing::Timing,
};
use crate::server::{
    bus::{Bus, BusNews},
    metrics::{self, Stopwatch},
    store::{RoomId, Store},
};

/// How often the heads of all live rooms are compared with their logs, if there can be other nodes.
const COMPARE: Duration = Duration::from_secs(1);
/// How often a node asks the store whether its live rooms still exist, if other processes can delete them.
const ROOM_CHECK_PAUSE: Duration = Duration::from_secs(30);
/// Rooms in one such query.
const ROOM_CHECK_CHUNK: usize = 1_000;

impl Engine {
    /// Starts the engine and its background work. What other nodes post to this one is passed to `posted`.
    pub fn start(
        store: Arc<dyn Store>,
        bus: Arc<dyn Bus>,
        news: mpsc::Receiver<BusNews>,
        posted: impl Fn(Bytes) + Send + 'static,
        timing: Timing,
    ) -> Self {
        let (engine, Queues { packets, followings }) =
            Self::new(store, bus, timing, |engine, room, inbox| Box::pin(live::run(engine, room, inbox)));
        engine.postpone_absences();
        engine.spawn_until_stopped(deliver_bus_news(engine.clone(), news, posted));
        engine.spawn_until_stopped(publish_packets(engine.clone(), packets));
        engine.spawn_until_stopped(follow_rooms(engine.clone(), followings));
        if engine.is_shared() {
            engine.spawn_until_stopped(compare_regularly(engine.clone()));
        }
        if engine.store().is_shared() {
            engine.spawn_until_stopped(find_deleted_rooms(engine.clone()));
        }
        absence::start(&engine);
        engine
    }
}

async fn deliver_bus_news(engine: Engine, mut news: mpsc::Receiver<BusNews>, posted: impl Fn(Bytes)) {
    while let Some(news) = news.recv().await {
        match news {
            BusNews::Packet(room, packet) => {
                if let Some(inbox) = engine.inbox(room)
                    && inbox.try_send(Request::Packet(packet, Stopwatch::start())).is_err()
                {
                    metrics::count_dropped_packet();
                    tracing::debug!(%room, "packet dropped: the room is busy");
                }
            }
            BusNews::Post(message) => posted(message),
            BusNews::Missed => {
                compare_heads(&engine).await;
                engine.send_to_all(|| Request::Relist);
                let returned = engine.clone();
                engine.spawn_until_stopped(async move { absence::bus_came_back(&returned).await });
            }
        }
    }
}

async fn publish_packets(engine: Engine, mut packets: mpsc::Receiver<(RoomId, Bytes)>) {
    while let Some((room, packet)) = packets.recv().await {
        if let Err(error) = engine.bus().publish(room, packet).await {
            tracing::debug!(%room, error = %error.0, "packet not published");
        }
    }
}

/// Subscribes to rooms on the bus, and unsubscribes. One worker does it in order, so that the `Stop` of a task that
/// ends and the `Start` of its successor reach the bus in that order. Counts the tasks of each room.
async fn follow_rooms(engine: Engine, mut followings: mpsc::UnboundedReceiver<Following>) {
    let mut wanted: HashMap<RoomId, usize> = HashMap::new();
    while let Some(following) = followings.recv().await {
        match following {
            Following::Start(room, done) => {
                let count = wanted.entry(room).or_default();
                *count += 1;
                if *count == 1 {
                    // If the bus is away, it remembers the wish, and sends `BusNews::Missed` when it is back.
                    let _ = engine.bus().follow(room).await;
                }
                let _ = done.send(());
            }
            Following::Stop(room) => {
                if let Some(count) = wanted.get_mut(&room) {
                    *count -= 1;
                    if *count == 0 {
                        wanted.remove(&room);
                        let _ = engine.bus().unfollow(room).await;
                    }
                }
            }
        }
    }
}

async fn compare_regularly(engine: Engine) {
    let mut tick = interval(COMPARE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        compare_heads(&engine).await;
    }
}

async fn find_deleted_rooms(engine: Engine) {
    let mut tick = interval(ROOM_CHECK_PAUSE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        check_rooms_exist(&engine).await;
    }
}

/// Finds live rooms that are no longer in the store, for example because an operator deleted them.
async fn check_rooms_exist(engine: &Engine) {
    for rooms in engine.live_rooms().chunks(ROOM_CHECK_CHUNK) {
        let Ok(there) = engine.store().existing_rooms(rooms).await else { return };
        let there: HashSet<RoomId> = there.into_iter().collect();
        for room in rooms.iter().filter(|room| !there.contains(room)) {
            engine.notify_room_deleted(*room).await;
        }
    }
}

/// Sends every live room the end of its archive and its tail, so that a room also notices a lost packet that no other
/// packet follows.
async fn compare_heads(engine: &Engine) {
    let rooms = engine.live_rooms();
    if rooms.is_empty() {
        return;
    }
    let (archives, tails) = tokio::join!(engine.store().heads(&rooms), engine.bus().tail_heads(&rooms));
    let tell = |room: RoomId, request: Request| {
        if let Some(inbox) = engine.inbox(room) {
            // A full inbox means that the room is busy. The next comparison comes in a second.
            let _ = inbox.try_send(request);
        }
    };
    for (room, head) in archives.unwrap_or_default() {
        tell(room, Request::ArchiveHead(head.seq));
    }
    for (room, epoch, head) in tails.unwrap_or_default() {
        tell(room, Request::TailHead(epoch, head));
    }
}
