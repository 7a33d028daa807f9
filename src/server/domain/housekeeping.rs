//! Housekeeping: jobs that run at intervals and delete what has expired. This covers abandoned and unvisited rooms,
//! idle guests, ended sessions and tokens, unproved claims to addresses, and accounts that nobody can log in to. The
//! nodes share each job by taking turns on the bus.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use super::{addresses::CLAIM_LIFE, deletion, guests, room_deletion};
use crate::server::{app::App, clock};

/// Rooms deleted in one transaction, and accounts deleted in one run.
const CHUNK: usize = 200;
/// How often idle guests, ended sessions, tokens and old claims are deleted.
const FORGET: Duration = Duration::from_mins(15);

/// How often unvisited rooms are deleted.
const UNVISITED: Duration = Duration::from_hours(1);

/// Runs the jobs until the node stops.
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
                    room_deletion::end_unvisited_rooms(&app, kept).await;
                }
            }
            _ = guests.tick() => {
                app.limits.drop_idle();
                app.storage_budgets.drop_idle();
                if my_turn(&app, "guests", guests.period()).await {
                    forget_guests(&app).await;
                    forget_what_ended(&app).await;
                    expire_claims(&app).await;
                }
            }
        }
    }
}

/// Whether this node should run the job now. While the bus is unreachable every node runs it, which does no harm.
async fn my_turn(app: &App, job: &str, period: Duration) -> bool {
    app.bus.claim_job(job, period / 2).await.unwrap_or(true)
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

/// Ended sessions and tokens are refused anyway. Deleting them only frees space.
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

/// Ends old claims to addresses, and then deletes the accounts that nobody can log in to any more. Only old accounts
/// are deleted, because an account that was just created may not have its session yet.
async fn expire_claims(app: &App) {
    let old = clock::now() - clock::millis(CLAIM_LIFE);
    match app.store.expire_claims(old).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "addresses let go that nobody proved"),
        Err(error) => return tracing::warn!(%error, "addresses not let go"),
    }
    match deletion::delete_unreachable(app, old, CHUNK).await {
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
