//! Indexing: a loop on every node that puts messages into the search index, after they were acknowledged.
//!
//! A node indexes the rooms that it appends to. The index of a room also falls behind without that: if a node dies
//! before it has indexed, if an earlier version archived the messages, or if the index is made anew. So the nodes take
//! turns in comparing all rooms with their archives, at start and then every few minutes.

use std::{
    collections::{HashMap, HashSet},
    error::Error,
};

use tokio::time::{Duration, Instant, MissedTickBehavior, interval, interval_at, sleep};

use crate::server::{
    app::App,
    store::{Result, RoomId},
};

/// Events indexed in one transaction. Few enough that no other write waits noticeably.
const EVENTS: usize = 200;
/// Rooms indexed in one transaction, and compared at once.
const ROOMS: usize = 200;
/// The pause between two transactions while there is more to index, so that a long archive does not hold up others.
const REST: Duration = Duration::from_millis(20);
/// How often all rooms are compared with their archives.
const COMPARE: Duration = Duration::from_mins(10);

/// Indexes until the node stops.
pub async fn run(app: App) {
    let delay = app.config.room.search_delay_seconds.max(Duration::from_millis(1));
    let mut due = interval_at(Instant::now() + delay, delay);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut compare = interval(COMPARE);
    compare.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut behind = HashSet::new();
    let mut failed = false;
    while app.stopping.run_until_cancelled(due.tick()).await.is_some() {
        let mut outcome = Ok(());
        let is_time = tokio::select! { biased; _ = compare.tick() => true, () = std::future::ready(()) => false };
        if is_time && app.bus.claim_job("index", COMPARE / 2).await.unwrap_or(true) {
            outcome = find_rooms_behind(&app, &mut behind).await;
        }
        behind.extend(app.store.take_unindexed());
        outcome = outcome.and(index(&app, &mut behind).await);
        if let (Err(error), false) = (&outcome, failed) {
            tracing::warn!(%error, cause = ?error.source(), "messages not indexed; it is tried again");
        }
        failed = outcome.is_err();
    }
}

/// Indexes what is missing of these rooms, and leaves those that failed.
async fn index(app: &App, behind: &mut HashSet<RoomId>) -> Result<()> {
    let (mut outcome, mut failed) = (Ok(()), Vec::new());
    let mut at_once = ROOMS;
    while !behind.is_empty() && !app.stopping.is_cancelled() {
        let rooms: Vec<RoomId> = behind.iter().copied().take(at_once).collect();
        match app.store.index_rooms(&rooms, EVENTS).await {
            Ok(unfinished) => {
                behind.retain(|room| !rooms.contains(room));
                if !unfinished.is_empty() {
                    behind.extend(unfinished);
                    sleep(REST).await;
                }
            }
            // One room that cannot be indexed must not stop the others.
            Err(_) if at_once > 1 => at_once = 1,
            Err(error) => {
                behind.retain(|room| !rooms.contains(room));
                failed.extend(rooms);
                outcome = Err(error);
            }
        }
    }
    behind.extend(failed);
    outcome
}

/// Adds the rooms whose archive has events that are not indexed.
async fn find_rooms_behind(app: &App, behind: &mut HashSet<RoomId>) -> Result<()> {
    let mut after = None;
    loop {
        let rooms: Vec<RoomId> = app.store.rooms_after(after, ROOMS).await?.iter().map(|room| room.id).collect();
        let Some(last) = rooms.last() else { return Ok(()) };
        after = Some(*last);
        let indexed: HashMap<_, _> = app.store.indexed(&rooms).await?.into_iter().collect();
        let heads = app.store.heads(&rooms).await?.into_iter();
        let is_behind = |id: &RoomId, seq| indexed.get(id).is_none_or(|indexed| *indexed < seq);
        behind.extend(heads.filter(|(id, head)| is_behind(id, head.seq)).map(|(id, _)| id));
    }
}
