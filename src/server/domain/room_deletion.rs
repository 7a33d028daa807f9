//! Room deletion: deleting whole rooms, because nobody visits them, or by an operator's command.

use std::time::Duration;

use super::notices::refresh_lists;
use crate::{
    protocol::Millis,
    server::{
        app::App,
        clock,
        store::{MemberRecord, Presence, RoomId, StoreError},
    },
};

/// Events deleted in one transaction. Few enough that no other write waits noticeably.
const EVENTS: usize = 1_000;
/// Unvisited rooms read from the store at once.
const ROOMS: usize = 50;

/// Deletes a room with its events, members, tail and digest. Sockets that follow it are notified, on every node.
///
/// With `unvisited_since`, only if nobody has visited the room since then. [`NotFound`](StoreError::NotFound) if the
/// room does not exist or was visited.
pub async fn end_room(app: &App, room: RoomId, unvisited_since: Option<Millis>) -> Result<(), StoreError> {
    let members = app.store.members(room).await?;
    while !app.store.end_room(room, unvisited_since, EVENTS).await? {
        tokio::task::yield_now().await;
    }
    if let Err(error) = app.bus.remove_room(room).await {
        tracing::warn!(%room, error = %error.0, "what the bus has of a room that is gone stays until it expires");
    }
    app.engine.notify_room_deleted(room).await;
    for MemberRecord { actor, .. } in members.into_iter().filter(|member| member.presence == Presence::Active) {
        refresh_lists(app, actor);
    }
    Ok(())
}

/// Deletes the rooms that nobody has visited for `kept`. Stops early if the node stops.
pub(super) async fn end_unvisited_rooms(app: &App, kept: Duration) {
    let before = clock::now() - clock::millis(kept);
    let mut ended = 0;
    loop {
        let rooms = match app.store.unvisited_rooms(before, ROOMS).await {
            Ok(rooms) => rooms,
            Err(error) => return tracing::warn!(%error, "unvisited rooms not looked for"),
        };
        let mut moved = false;
        for room in rooms {
            if app.stopping.is_cancelled() {
                return;
            }
            match end_room(app, room, Some(before)).await {
                Ok(()) => (ended, moved) = (ended + 1, true),
                // The room was visited meanwhile.
                Err(StoreError::NotFound) => {}
                Err(error) => return tracing::warn!(%room, %error, "an unvisited room was not ended"),
            }
        }
        if !moved {
            break;
        }
    }
    if ended > 0 {
        tracing::info!(rooms = ended, "rooms that nobody visited are ended");
    }
}
