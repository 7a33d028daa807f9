//! Lists of rooms: a summary of every room that a visitor is in, without opening any of the rooms.
//!
//! What a list shows of a room is the room's digest, a small cached summary on the bus. If the bus has no digest, or
//! one that is behind the archive, the store's overview is used, as far as the room is preserved. The number of queries
//! is fixed, however many rooms there are: the rooms, their digests, the heads of their archives, and the overviews of
//! those that are missing.
//!
//! [`overview`] answers one request. [`keep`] (`keeper.rs`) sends changes to the sockets that watch a list. `known.rs`
//! computes the summaries.

mod keeper;
mod known;

use std::collections::HashMap;

use self::known::{Known, of_snapshot};
use super::{errors::store_failed, rooms::current_room};
use crate::{
    protocol::{Problem, Retention, RoomSummary, Seq},
    server::{
        app::{Actor, App, Visitor},
        clock,
        room::Discretion,
        store::{Head, RoomId, RoomRecord, StoreError},
    },
};

pub use keeper::keep;

/// The rooms that the visitor is in, newest first. A guest has at most one.
pub async fn overview(app: &App, visitor: &Visitor) -> Result<Vec<RoomSummary>, Problem> {
    let Some(Actor::Account { record, .. }) = &visitor.actor else { return of_guest(app, visitor).await };
    let places = app.store.rooms_of_account(record.id).await.map_err(store_failed)?;
    let rooms: Vec<&RoomRecord> = places.iter().map(|(room, _)| room).collect();
    let known = gather(app, &rooms, &HashMap::new()).await.map_err(store_failed)?;
    let (nothing, now) = (Known::default(), clock::now());
    let summaries = places.iter().map(|(room, me)| known.get(&room.id).unwrap_or(&nothing).summary(room, me, now));
    Ok(newest_first(summaries.collect()))
}

/// The room of a guest, by opening it: a room with only guests publishes no digest, and a guest is in one room at most.
async fn of_guest(app: &App, visitor: &Visitor) -> Result<Vec<RoomSummary>, Problem> {
    let Some((room, me)) = current_room(app, visitor).await? else { return Ok(Vec::new()) };
    let snapshot = app.engine.snapshot(room.id, me.clone(), Discretion::default()).await?;
    Ok(vec![of_snapshot(&snapshot, &room, &me)])
}

/// Reads what the bus knows of these rooms, and from the store what the bus does not know. `have` holds the rooms that
/// the caller knows already, with the last seq that it knows of each; they are read from the store only if the archive
/// is ahead.
///
/// If the bus is unreachable, only the store is read. Then nothing is known of the messages in ephemeral rooms.
async fn gather(
    app: &App,
    rooms: &[&RoomRecord],
    have: &HashMap<RoomId, Seq>,
) -> Result<HashMap<RoomId, Known>, StoreError> {
    let ids: Vec<RoomId> = rooms.iter().map(|room| room.id).collect();
    let digests = app.bus.digests(&ids).await.unwrap_or_else(|error| {
        tracing::debug!(error = %error.0, "no digests: lists show what the store knows");
        Vec::new()
    });
    let mut known: HashMap<RoomId, Known> =
        digests.into_iter().map(|(room, digest)| (room, Known::by(digest))).collect();
    let heads = archive_heads(app, rooms, &known, have).await?;
    let is_missing = |room: &RoomId| {
        let digest = known.get(room).and_then(|known| known.digest.as_ref());
        let head = digest.map(|digest| digest.head).max(have.get(room).copied());
        let is_behind = heads.get(room).is_some_and(|archived| Some(archived.seq) > head);
        let is_without_message = digest
            .is_some_and(|digest| digest.retention == Retention::Preserved && digest.message.is_none() && digest.n > 0);
        head.is_none() || is_behind || (is_without_message && !have.contains_key(room))
    };
    let missing: Vec<RoomId> = ids.into_iter().filter(is_missing).collect();
    if !missing.is_empty() {
        for (room, overview) in app.store.overviews(&missing).await? {
            known.entry(room).or_default().archived = Some(overview);
        }
    }
    Ok(known)
}

/// The heads of these rooms' archives. Only asked for preserved rooms of which a digest or an entry in `have` is known,
/// because only that can be behind.
async fn archive_heads(
    app: &App,
    rooms: &[&RoomRecord],
    known: &HashMap<RoomId, Known>,
    have: &HashMap<RoomId, Seq>,
) -> Result<HashMap<RoomId, Head>, StoreError> {
    let may_be_behind = |room: &&&RoomRecord| {
        let digest = known.get(&room.id).and_then(|known| known.digest.as_ref());
        let is_kept = |retention| retention == Retention::Preserved;
        let is_known = digest.is_some() || have.contains_key(&room.id);
        is_known && (is_kept(room.retention) || digest.is_some_and(|digest| is_kept(digest.retention)))
    };
    let ids: Vec<RoomId> = rooms.iter().filter(may_be_behind).map(|room| room.id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    Ok(app.store.heads(&ids).await?.into_iter().collect())
}

/// Sorts summaries for display: the latest activity first.
fn newest_first(mut rooms: Vec<RoomSummary>) -> Vec<RoomSummary> {
    rooms.sort_by_key(|room| (std::cmp::Reverse(room.at), room.code));
    rooms
}
