//! The overview of a visitor's rooms, for one request.

use std::collections::HashMap;

use super::{
    super::{errors::store_failed, rooms::current_room},
    gathering::gather,
    known::Known,
    summaries::{newest_first, of_snapshot},
};
use crate::{
    protocol::{Problem, RoomSummary},
    server::{
        app::{Actor, App, Visitor},
        clock,
        room::Discretion,
        store::RoomRecord,
    },
};

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
