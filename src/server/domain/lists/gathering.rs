//! Reading what the bus and the store know of many rooms, with a fixed number of queries.

use std::collections::HashMap;

use super::known::Known;
use crate::{
    protocol::{Retention, Seq},
    server::{
        app::App,
        store::{Head, RoomId, RoomRecord, StoreError},
    },
};

/// Reads what the bus knows of these rooms, and from the store what the bus does not know. `have` holds the rooms that
/// the caller knows already, with the last seq that it knows of each; they are read from the store only if the archive
/// is ahead.
///
/// If the bus is unreachable, only the store is read. Then nothing is known of the messages in ephemeral rooms.
pub(super) async fn gather(
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
