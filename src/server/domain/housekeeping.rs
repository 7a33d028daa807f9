//! Housekeeping: what ends by itself. Each job runs on one node at a time.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::guests;
use crate::server::{app::App, clock};

/// Rooms deleted in one go.
const CHUNK: usize = 200;
/// How often guests who never came back are forgotten.
const FORGET: Duration = Duration::from_mins(15);

/// Runs until the node stops.
pub async fn run(app: App) {
    let idle = app.config.room.room_idle_seconds;
    let mut rooms = interval((idle / 4).clamp(Duration::from_millis(250), Duration::from_mins(1)));
    let mut guests = interval(FORGET);
    rooms.set_missed_tick_behavior(MissedTickBehavior::Delay);
    guests.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            _ = rooms.tick() => delete_abandoned_rooms(&app, idle).await,
            _ = guests.tick() => forget_guests(&app).await,
        }
    }
}

async fn delete_abandoned_rooms(app: &App, idle: Duration) {
    loop {
        match app.store.delete_abandoned_rooms(clock::now() - clock::millis(idle), CHUNK).await {
            Ok(deleted) if deleted.is_empty() => return,
            Ok(deleted) => tracing::info!(rooms = deleted.len(), "abandoned rooms deleted"),
            Err(error) => return tracing::warn!(%error, "abandoned rooms not deleted"),
        }
    }
}

async fn forget_guests(app: &App) {
    app.limits.shed();
    match app.store.forget_guests(clock::now() - clock::millis(guests::IDLE_LIFE)).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "idle guests forgotten"),
        Err(error) => tracing::warn!(%error, "idle guests not forgotten"),
    }
}
