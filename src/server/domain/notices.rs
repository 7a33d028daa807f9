//! Notices that follow a change of records: those that a record owes its room's log, and those to the lists of rooms.

use crate::server::{
    app::App,
    room::{Command, Engine},
    store::{ActorId, RoomId},
};

/// Sends a notice to a room's task. A failure is only logged, because the member record still owes the notice and the
/// engine appends it later.
pub(super) async fn send_notice(engine: &Engine, room: RoomId, command: Command) {
    if let Err(problem) = engine.command(room, command).await {
        tracing::info!(%room, code = ?problem.code, "notice delayed");
    }
}

/// Makes an account's lists of rooms refresh, because one of its rooms was added, removed or changed. Guests have no
/// such lists.
pub(super) fn refresh_lists(app: &App, actor: ActorId) {
    if let ActorId::Account(account) = actor {
        app.engine.own_state_changed(account);
    }
}

/// The same, but completed before anything else happens. Messages sent after a removal must not reach a list that still
/// has the room.
pub(super) async fn refresh_lists_now(app: &App, actor: ActorId) {
    if let ActorId::Account(account) = actor
        && let Err(error) = app.bus.bump_version(account).await
    {
        tracing::debug!(error = %error.0, "a list of rooms is told later");
    }
}
