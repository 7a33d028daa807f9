//! Floor 4: use cases. All rules live here, as plain functions that know neither HTTP nor pages: a handler, a socket, a
//! server function and a test all call the same ones.

pub mod accounts;
pub mod endings;
pub mod farewell;
pub mod guests;
pub mod housekeeping;
mod letters;
pub mod lists;
pub mod login;
pub mod mails;
pub mod messages;
pub mod rooms;
pub mod secrets;
pub mod sessions;
pub mod takeout;

use super::{
    app::App,
    room::Engine,
    store::{ActorId, StoreError},
};
use crate::protocol::{Code, Problem};

/// What clients are told when the store fails a use case. The cause is logged here, once, and never sent.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` passes")]
fn store_failed(error: StoreError) -> Problem {
    tracing::warn!(%error, cause = ?std::error::Error::source(&error), "store failed");
    Problem {
        retry_after_ms: Some(1_000),
        ..Problem::new(Code::StoreUnavailable, "The server can’t reach its store right now. Try again in a moment.")
    }
}

/// Sends on what a room must be told, and forgives if that fails now: the record owes the notice, and it is told later.
async fn tell(engine: &Engine, room: super::store::RoomId, command: super::room::Command) {
    if let Err(problem) = engine.command(room, command).await {
        tracing::info!(%room, code = ?problem.code, "notice delayed");
    }
}

/// A room came or went for somebody, or is another to them: an account's list shows it.
fn relist(app: &App, actor: ActorId) {
    if let ActorId::Account(account) = actor {
        app.engine.own_state_changed(account);
    }
}

/// The same, before anything else happens: what is said from here on is not told to a list that still has the room.
async fn relist_at_once(app: &App, actor: ActorId) {
    if let ActorId::Account(account) = actor
        && let Err(error) = app.bus.touch_account(account).await
    {
        tracing::debug!(error = %error.0, "a list of rooms is told later");
    }
}
