//! Housekeeping: what ends by itself. Each job runs on one node at a time.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{accounts::CLAIM_LIFE, endings, farewell, guests};
use crate::server::{app::App, clock};

/// Rooms deleted in one go.
const CHUNK: usize = 200;
/// How often guests who never came back are forgotten.
const FORGET: Duration = Duration::from_mins(15);

/// How often rooms are looked for that nobody visits.
const UNVISITED: Duration = Duration::from_hours(1);

/// Runs until the node stops.
pub async fn run(app: App) {
    let idle = app.config.room.room_idle_seconds;
    let mut rooms = interval((idle / 4).clamp(Duration::from_millis(250), Duration::from_mins(1)));
    let mut guests = interval(FORGET);
    let kept = Duration::from_hours(24) * app.config.room.room_kept_days;
    let mut unvisited = interval(UNVISITED);
    unvisited.set_missed_tick_behavior(MissedTickBehavior::Delay);
    rooms.set_missed_tick_behavior(MissedTickBehavior::Delay);
    guests.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            _ = rooms.tick() => if my_turn(&app, "rooms", rooms.period()).await { delete_abandoned_rooms(&app, idle).await },
            _ = unvisited.tick() => {
                if !kept.is_zero() && my_turn(&app, "unvisited", unvisited.period()).await {
                    endings::end_unvisited_rooms(&app, kept).await;
                }
            }
            _ = guests.tick() => {
                app.limits.shed();
                app.storing.shed();
                if my_turn(&app, "guests", guests.period()).await {
                    forget_guests(&app).await;
                    forget_what_ended(&app).await;
                    end_claims(&app).await;
                }
            }
        }
    }
}

/// Whether no other node does this job now. If the bus is away every node does it; the jobs bear that.
async fn my_turn(app: &App, job: &str, period: Duration) -> bool {
    app.bus.take_turn(job, period / 2).await.unwrap_or(true)
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

/// Sessions and tokens are worth nothing once they have ended; this only makes room.
async fn forget_what_ended(app: &App) {
    let now = clock::now();
    let (sessions, tokens) = tokio::join!(app.store.forget_sessions(now), app.store.forget_tokens(now));
    for (what, forgotten) in [("sessions", sessions), ("tokens", tokens)] {
        match forgotten {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, what, "forgotten, since they have ended"),
            Err(error) => tracing::warn!(%error, what, "not forgotten"),
        }
    }
}

/// Addresses that nobody proved are let go, and then accounts go that have no other way in. One that was made a moment ago may
/// be without a session.
async fn end_claims(app: &App) {
    let old = clock::now() - clock::millis(CLAIM_LIFE);
    match app.store.end_claims(old).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "addresses let go that nobody proved"),
        Err(error) => return tracing::warn!(%error, "addresses not let go"),
    }
    match farewell::delete_unreachable(app, old, CHUNK).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "accounts deleted that nobody can log in to"),
        Err(problem) => tracing::warn!(code = ?problem.code, "accounts not deleted that nobody can log in to"),
    }
}

async fn forget_guests(app: &App) {
    match app.store.forget_guests(clock::now() - clock::millis(guests::IDLE_LIFE)).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "idle guests forgotten"),
        Err(error) => tracing::warn!(%error, "idle guests not forgotten"),
    }
}
