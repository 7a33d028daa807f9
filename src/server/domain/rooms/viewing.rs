//! What a page or a socket sees of a room: the room for a member, and the way in for everybody else.

use super::{
    super::errors::store_failed,
    entering::usual_name,
    membership::{current_room_code, membership},
    places::{expected, has_place},
};
use crate::{
    protocol::{ClientId, Code, JoinOffer, MemberId, Problem, RoomAccess, RoomCode, Snapshot, friendly_name, limits},
    server::{
        app::{App, Visitor},
        random,
        room::{Discretion, ResumePoint},
        socket::Connection,
        store::{ActorId, RoomId, StoreError},
    },
};

/// A room as the asking member sees it.
pub async fn view(app: &App, visitor: &Visitor, code: RoomCode) -> Result<Snapshot, Problem> {
    let Some(actor) = &visitor.actor else { return Err(Problem::room_unavailable()) };
    let (room, member) = membership(app, actor.id(), code).await?;
    app.engine.renew_lease(&member);
    let mut snapshot = app.engine.snapshot(room.id, member, actor.discretion()).await?;
    if snapshot.members.len() < usize::from(limits::P2P_MEMBERS) {
        snapshot.expected = expected(app, &room).await?.map(|absent| absent.person());
    }
    Ok(snapshot)
}

/// What an entry form offers: a nickname, and the room that a guest is in. A visitor without a name is offered the
/// generated name number `pick()` of their language.
pub async fn entrance(app: &App, visitor: &Visitor, pick: impl FnOnce() -> u32) -> Result<JoinOffer, Problem> {
    let nickname = usual_name(visitor).unwrap_or_else(|| friendly_name(visitor.language, pick()));
    let current = current_room_code(app, visitor).await?;
    Ok(JoinOffer { request: None, nickname, current })
}

/// The same for the page that creates a room, with a fresh id for the create request.
pub async fn entrance_to_new(app: &App, visitor: &Visitor, pick: impl FnOnce() -> u32) -> Result<JoinOffer, Problem> {
    let entrance = entrance(app, visitor, pick).await?;
    Ok(JoinOffer { request: Some(ClientId::new(random::uuid())), ..entrance })
}

/// What the page of a room's link shows. A visitor who never was a member gets the same answer for every code, so codes
/// cannot be probed. A former member knows that the room exists, so the page can say that they were removed or that it
/// is full.
pub async fn open_door(
    app: &App,
    visitor: &Visitor,
    code: RoomCode,
    pick: impl FnOnce() -> u32,
) -> Result<RoomAccess, Problem> {
    match view(app, visitor, code).await {
        Ok(snapshot) => Ok(RoomAccess::Inside(Box::new(snapshot))),
        Err(problem) => match problem.code {
            Code::Removed => Ok(RoomAccess::Removed),
            Code::NotAMember if has_no_place(app, visitor, code).await? => Ok(RoomAccess::Full),
            Code::RoomUnavailable | Code::NotAMember => Ok(RoomAccess::Outside(entrance(app, visitor, pick).await?)),
            _ => Err(problem),
        },
    }
}

/// Whether a former member cannot come back because the room is full.
async fn has_no_place(app: &App, visitor: &Visitor, code: RoomCode) -> Result<bool, Problem> {
    match app.store.membership(code, visitor.actor()?.id()).await {
        Ok((room, member)) => has_place(app, &room, Some(member.actor)).await.map(|has_one| !has_one),
        Err(StoreError::NotFound) => Ok(false),
        Err(error) => Err(store_failed(error)),
    }
}

/// Subscribes a socket to a room. Returns the room's id and the actor's member id in it.
pub async fn follow(
    app: &App,
    actor: ActorId,
    connection: Connection,
    code: RoomCode,
    resume: Option<ResumePoint>,
) -> Result<(RoomId, MemberId), Problem> {
    let ((room, member), discretion) = tokio::try_join!(membership(app, actor, code), discretion_of(app, actor))?;
    let id = member.member;
    app.engine.subscribe(room.id, connection, code, member, discretion, resume).await;
    Ok((room.id, id))
}

/// Which of their own states an actor shows to others, such as typing and read marks. Read from the store for each
/// subscription, because the preferences that a socket was opened with may have changed since.
async fn discretion_of(app: &App, actor: ActorId) -> Result<Discretion, Problem> {
    let ActorId::Account(id) = actor else { return Ok(Discretion::default()) };
    match app.store.account(id).await {
        Ok(account) => Ok(Discretion::from(&account.preferences)),
        Err(StoreError::NotFound) => Err(Problem::not_logged_in()),
        Err(error) => Err(store_failed(error)),
    }
}
