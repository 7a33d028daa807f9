//! Lists of rooms: all that somebody is in, with what happened there last, without opening any of it; and keeping the lists
//! of those who watch theirs.
//!
//! What a list shows of a room is its digest on the bus. What the bus has not, or not the latest of, the store has if the room
//! keeps its log. That makes a fixed few questions, however many rooms there are: which rooms, their digests, where the
//! archives end, and what is missing.

mod keeper;
mod known;

use std::collections::HashMap;

use self::known::{Known, of_snapshot};
use super::{rooms::current_room, store_failed};
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

/// The rooms that somebody is in, newest first: an account's, or the one of a guest.
pub async fn overview(app: &App, visitor: &Visitor) -> Result<Vec<RoomSummary>, Problem> {
    let Some(Actor::Account { record, .. }) = &visitor.actor else { return of_guest(app, visitor).await };
    let places = app.store.rooms_of_account(record.id).await.map_err(store_failed)?;
    let rooms: Vec<&RoomRecord> = places.iter().map(|(room, _)| room).collect();
    let known = gather(app, &rooms, &HashMap::new()).await.map_err(store_failed)?;
    let (nothing, now) = (Known::default(), clock::now());
    let summaries = places.iter().map(|(room, me)| known.get(&room.id).unwrap_or(&nothing).summary(room, me, now));
    Ok(newest_first(summaries.collect()))
}

/// Rooms of guests tell nothing to lists, and there is one at most: so it is looked at.
async fn of_guest(app: &App, visitor: &Visitor) -> Result<Vec<RoomSummary>, Problem> {
    let Some((room, me)) = current_room(app, visitor).await? else { return Ok(Vec::new()) };
    let snapshot = app.engine.look(room.id, me.clone(), Discretion::default()).await?;
    Ok(vec![of_snapshot(&snapshot, &room, &me)])
}

/// What the bus knows of these rooms, and the store of what the bus does not. `have` is what the asker knows already: rooms,
/// and the last seq known of each.
///
/// If the bus is away the store alone answers; what rooms said that keep nothing is then not known.
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

/// Where the archives of these rooms end, of those of which something is known that may be behind.
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

/// The order of lists.
fn newest_first(mut rooms: Vec<RoomSummary>) -> Vec<RoomSummary> {
    rooms.sort_by_key(|room| (std::cmp::Reverse(room.at), room.code));
    rooms
}
