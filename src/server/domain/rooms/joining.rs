//! Joining a room by its code, and asking before that what the room shows. An unknown code gets the same answer as a
//! full room, after the same work, so codes cannot be probed.

use uuid::Uuid;

use super::{
    super::errors::store_failed,
    colours::member_id_beside,
    entering::{DRAWS, Entered, Entrant, enter, enter_with_event, entrant_of, may_be_in_another, remember_name},
    fields::{optional, read_nickname},
    leaving,
    membership::{current_room, membership, removed},
    places::has_place,
};
use crate::{
    protocol::{Code, JoinRoom, Peek, PeekRoom, Problem, Retention, RoomCode, RoomType},
    server::{
        app::{Actor, App, Visitor},
        clock,
        store::{Conflict, Joining, Membership, RoomId, RoomRecord, StoreError},
    },
};

/// Joins a room by its code as typed. With `leave`, leaves that other room first, but only after this one is known to
/// have a free place.
pub async fn join(app: &App, visitor: &Visitor, wanted: JoinRoom, leave: Option<RoomCode>) -> Result<Entered, Problem> {
    let code: RoomCode = wanted.code.parse()?;
    let nickname = optional(wanted.nickname.as_deref(), read_nickname)?;
    let attempt = app.limits.join(visitor.client).await?;
    // Checked before the code is looked up: a guest who may not enter another room must not learn whether this code
    // exists.
    let elsewhere = current_room(app, visitor).await?.map(|(room, _)| room.code).filter(|current| *current != code);
    if let Some(current) = elsewhere.filter(|current| leave != Some(*current)) {
        return Err(Problem::already_in_room(current));
    }
    let room = find_room(app, visitor, code, elsewhere.is_some()).await?;
    // Not earlier: the next try of this client waits until this one is counted as a miss.
    drop(attempt);
    if room.retention == Retention::Preserved {
        app.storage_budgets.join(visitor.client, room.id).await?;
    }
    if let Some(other) = elsewhere {
        leaving::leave(app, visitor, other).await?;
    }
    let Entrant { actor, newcomer, session, name: fallback_name } = entrant_of(visitor, nickname.clone());
    // The room is loaded for the `joined` event anyway. If that fails, it fails there.
    let hues = app.engine.hues(room.id).await.unwrap_or_default();
    let mut joining = Joining {
        room: room.id,
        room_type: room.room_type,
        actor: actor.id(),
        member: member_id_beside(&hues),
        name: nickname,
        fallback_name,
        newcomer,
        at: clock::now(),
    };
    if joining.newcomer.is_some() && (room.room_type, room.retention) == (RoomType::Group, Retention::Preserved) {
        app.limits.found(visitor.client);
        return enter_with_event(app, &actor, room.code, joining, session).await;
    }
    for _ in 0..DRAWS {
        match app.store.join_room(&joining).await {
            Ok(membership) => {
                app.limits.found(visitor.client);
                let member = match membership {
                    Membership::Already(member) => member,
                    Membership::Entered(member) => {
                        remember_name(app, &actor, &member.name).await;
                        member
                    }
                };
                return enter(app, &actor, room.code, member, session).await;
            }
            Err(StoreError::Conflict(Conflict::MemberIdTaken)) => joining.member = member_id_beside(&hues),
            Err(StoreError::Conflict(Conflict::Elsewhere(code))) => return Err(Problem::already_in_room(code)),
            Err(StoreError::Conflict(Conflict::Removed)) => return Err(removed()),
            Err(StoreError::NotFound | StoreError::Conflict(Conflict::Full | Conflict::CodeTaken)) => {
                return Err(unknown_code(app, visitor, code).await);
            }
            Err(error) => return Err(store_failed(error)),
        }
    }
    Err(Problem::new(Code::Overloaded, "Couldn’t join the room. Try again."))
}

/// Asks what a room shows before the visitor joins. A code counts, and is refused, as in [`join`] with the choice to
/// leave the room that a guest is in.
pub async fn peek(app: &App, visitor: &Visitor, wanted: PeekRoom) -> Result<Peek, Problem> {
    let code: RoomCode = wanted.code.parse()?;
    let attempt = app.limits.peek(visitor.client).await?;
    let room = find_room(app, visitor, code, true).await?;
    app.limits.found(visitor.client);
    drop(attempt);
    app.engine.peek(room.id).await
}

/// The room with this code, if the visitor can enter it. Otherwise counts the code as a miss.
///
/// Without `asks_removed`, a visitor whom the owner removed is refused only if the room is full. The store then refuses
/// them when they join.
async fn find_room(app: &App, visitor: &Visitor, code: RoomCode, asks_removed: bool) -> Result<RoomRecord, Problem> {
    may_be_in_another(app, visitor).await?;
    let room = match app.store.room_by_code(code).await {
        Ok(room) => Some(room),
        Err(StoreError::NotFound) => None,
        Err(error) => return Err(store_failed(error)),
    };
    // For an unknown code the same query is made with a nil id. So the response time does not tell an unknown code from
    // a full room.
    let has_place = match &room {
        Some(room) => has_place(app, room, visitor.actor().ok().map(Actor::id)).await?,
        None => app.store.holders_of_places(RoomId(Uuid::nil())).await.map(|_| false).map_err(store_failed)?,
    };
    if (asks_removed || !has_place) && was_removed(app, visitor, code).await? {
        return Err(removed());
    }
    match room.filter(|_| has_place) {
        Some(room) => Ok(room),
        None => Err(unknown_code(app, visitor, code).await),
    }
}

async fn was_removed(app: &App, visitor: &Visitor, code: RoomCode) -> Result<bool, Problem> {
    let Ok(actor) = visitor.actor() else { return Ok(false) };
    match membership(app, actor.id(), code).await {
        Ok(_) => Ok(false),
        Err(problem) if matches!(problem.code, Code::RoomUnavailable | Code::NotAMember) => Ok(false),
        Err(problem) if problem.code == Code::Removed => Ok(true),
        Err(problem) => Err(problem),
    }
}

async fn unknown_code(app: &App, visitor: &Visitor, code: RoomCode) -> Problem {
    app.limits.missed(visitor.client, code).await;
    Problem::room_unavailable()
}
