//! Floor 4: the use cases. Each is a plain function of the node (`App`) and a visitor, and knows neither HTTP nor
//! pages. REST handlers, the socket, server functions of pages, and tests all call the same functions, so every rule
//! exists once.

pub mod accounts;
pub mod deletion;
pub mod guests;
pub mod housekeeping;
mod letters;
pub mod lists;
pub mod login;
pub mod mails;
pub mod messages;
pub mod passwords;
pub mod room_deletion;
pub mod rooms;
pub mod sessions;
pub mod takeout;

use super::{
    app::App,
    room::Engine,
    store::{ActorId, StoreError},
};
use crate::protocol::{Code, Problem};

/// The problem that clients get when the store fails. The cause is logged here, once, and never sent.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` passes")]
fn store_failed(error: StoreError) -> Problem {
    tracing::warn!(%error, cause = ?std::error::Error::source(&error), "store failed");
    Problem {
        retry_after_ms: Some(1_000),
        ..Problem::new(Code::StoreUnavailable, "The server can’t reach its database right now. Try again in a moment.")
    }
}

/// Sends a notice to a room's task. A failure is only logged, because the member record still owes the notice and the
/// engine appends it later.
async fn send_notice(engine: &Engine, room: super::store::RoomId, command: super::room::Command) {
    if let Err(problem) = engine.command(room, command).await {
        tracing::info!(%room, code = ?problem.code, "notice delayed");
    }
}

/// Makes an account's lists of rooms refresh, because one of its rooms was added, removed or changed. Guests have no
/// such lists.
fn refresh_lists(app: &App, actor: ActorId) {
    if let ActorId::Account(account) = actor {
        app.engine.own_state_changed(account);
    }
}

/// The same, but completed before anything else happens. Messages sent after a removal must not reach a list that still
/// has the room.
async fn refresh_lists_now(app: &App, actor: ActorId) {
    if let ActorId::Account(account) = actor
        && let Err(error) = app.bus.bump_version(account).await
    {
        tracing::debug!(error = %error.0, "a list of rooms is told later");
    }
}
