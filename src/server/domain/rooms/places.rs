//! The two places of a room for two, of which one may be kept for an absent guest.

use super::{super::errors::store_failed, membership::membership};
use crate::{
    protocol::{Problem, RoomCode, RoomType, limits},
    server::{
        app::{App, Visitor},
        store::{ActorId, MemberRecord, RoomRecord, StoreError},
    },
};

/// Whether the room has a free place, or this actor holds one of its places. Groups always have one.
pub async fn has_place(app: &App, room: &RoomRecord, actor: Option<ActorId>) -> Result<bool, Problem> {
    if room.room_type == RoomType::Group {
        return Ok(true);
    }
    let holders = app.store.holders_of_places(room.id).await.map_err(store_failed)?;
    let has_one = |holder: &MemberRecord| Some(holder.actor) == actor;
    Ok(holders.len() < usize::from(limits::P2P_MEMBERS) || holders.iter().any(has_one))
}

/// The absent guest for whom a place in a room for two is kept, if there is one.
pub async fn expected(app: &App, room: &RoomRecord) -> Result<Option<MemberRecord>, Problem> {
    if room.room_type == RoomType::Group {
        return Ok(None);
    }
    let holders = app.store.holders_of_places(room.id).await.map_err(store_failed)?;
    Ok(holders.into_iter().find(MemberRecord::is_expected))
}

/// Frees the place in a room for two that is kept for an absent guest, so that somebody else can join.
pub async fn free(app: &App, visitor: &Visitor, code: RoomCode) -> Result<(), Problem> {
    let (room, _) = membership(app, visitor.actor()?.id(), code).await?;
    match expected(app, &room).await? {
        Some(absent) => give_up(app, &absent).await,
        None => Ok(()),
    }
}

/// Frees the place that is kept for an absent guest. Does nothing if no place is kept for them.
pub async fn give_up(app: &App, absent: &MemberRecord) -> Result<(), Problem> {
    match app.store.free_place(absent.room, absent.member).await {
        Ok(_) | Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(store_failed(error)),
    }
}
