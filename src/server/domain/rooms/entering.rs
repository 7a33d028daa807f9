//! Entering a room, as far as creating and joining have it in common: with which identity and name, appending the
//! `Joined`, and undoing a join that failed.

use super::super::{errors::store_failed, guests, notices::refresh_lists};
use crate::{
    protocol::{Code, MemberId, Nickname, Problem, Reason, RoomCode, friendly_name, limits},
    server::{
        app::{Actor, App, Visitor},
        clock, random,
        room::{Command, EncodedSnapshot},
        store::{GuestRecord, Joining, MemberRecord, Owed, RoomId, StoreError},
        token::GuestToken,
    },
};

/// Random room codes or member ids that are tried before the request fails. With 2^30 codes a second try is rare.
pub const DRAWS: usize = 16;

/// The result of a successful create or join.
pub struct Entered {
    /// The code of the room.
    pub room: RoomCode,
    /// The room as the new member sees it, already encoded as JSON.
    pub snapshot: EncodedSnapshot,
    /// The token of the new guest session, for the cookie. `None` if the visitor had a session already.
    pub session: Option<GuestToken>,
}

/// The identity with which a visitor enters a room.
pub struct Entrant {
    pub actor: Actor,
    /// The record of a new guest. `None` if the visitor had a session already.
    pub newcomer: Option<GuestRecord>,
    /// The token of a new guest, for its cookie. `None` if the visitor had a session already.
    pub session: Option<GuestToken>,
    /// The typed name, else the visitor's usual one, else a generated one.
    pub name: Nickname,
}

/// The visitor's usual nickname: a guest's last one; for an account, the preferred nickname for new rooms, else the
/// account's name.
pub fn usual_name(visitor: &Visitor) -> Option<Nickname> {
    match visitor.actor.as_ref()? {
        Actor::Guest(guest) => guest.nickname.clone(),
        Actor::Account { record, .. } => {
            Some(record.preferences.nickname.clone().unwrap_or_else(|| record.name.clone()))
        }
    }
}

/// The identity of a visitor who typed this nickname, or none.
pub fn entrant_of(visitor: &Visitor, nickname: Option<Nickname>) -> Entrant {
    let draw = || friendly_name(visitor.language, random::below(u32::MAX));
    let name = nickname.or_else(|| usual_name(visitor)).unwrap_or_else(draw);
    if let Some(actor) = &visitor.actor {
        return Entrant { actor: actor.clone(), newcomer: None, session: None, name };
    }
    let (guest, session) = guests::begin(&name);
    Entrant { actor: Actor::Guest(guest.clone()), newcomer: Some(guest), session: Some(session), name }
}

/// Stores the name that a guest has just used, as the one to offer next time. An account sets its name in its
/// preferences instead.
pub async fn remember_name(app: &App, actor: &Actor, name: &Nickname) {
    if let Actor::Guest(guest) = actor
        && guest.nickname.as_ref() != Some(name)
        && let Err(error) = app.store.touch_guest(guest.id, Some(name), clock::now()).await
    {
        tracing::debug!(%error, "name not remembered");
    }
}

/// Refuses an account that is in [`limits::ROOMS_OF_ACCOUNT`] rooms already. The store is asked only when the account's
/// count is due, so a few rooms more are possible.
pub async fn may_be_in_another(app: &App, visitor: &Visitor) -> Result<(), Problem> {
    let Some(Actor::Account { record, .. }) = &visitor.actor else { return Ok(()) };
    if !app.room_counts.is_due(record.id) {
        return Ok(());
    }
    let rooms = app.store.rooms_of_account(record.id).await.map_err(store_failed)?.len();
    if app.room_counts.found(record.id, rooms) {
        return Ok(());
    }
    let limit = limits::ROOMS_OF_ACCOUNT;
    let detail = format!("You’re in {limit} rooms, the most an account can be in. Leave one first.");
    Err(Problem::new(Code::InvalidInput, detail).with_reason(Reason::TooManyRooms { limit }))
}

/// Appends the `Joined` of a new member, and returns their view of the room. If the room's task refuses or fails, the
/// join is undone, so that nobody stays in half.
pub async fn enter(
    app: &App,
    actor: &Actor,
    room: RoomCode,
    member: MemberRecord,
    session: Option<GuestToken>,
) -> Result<Entered, Problem> {
    let is_new = member.owed.is_some();
    let (id, person) = (member.room, member.person());
    let entered = async {
        if is_new {
            app.engine.command(id, Command::Join { member: person.clone() }).await?;
            app.engine.start_grace(&member);
        }
        app.engine.encoded_snapshot(id, member, actor.discretion()).await
    };
    match entered.await {
        Ok(snapshot) => {
            if is_new {
                refresh_lists(app, actor.id());
            }
            Ok(Entered { room, snapshot, session })
        }
        Err(problem) => {
            if is_new {
                undo_join(app, id, person.id).await;
                refresh_lists(app, actor.id());
            }
            Err(problem)
        }
    }
}

/// Adds a new guest to a preserved group. Here the member record and its `Joined` event are written in one transaction.
pub async fn enter_with_event(
    app: &App,
    actor: &Actor,
    room: RoomCode,
    joining: Joining,
    session: Option<GuestToken>,
) -> Result<Entered, Problem> {
    let (id, member) = (joining.room, joining.member);
    let entered = async {
        let done = app.engine.command(id, Command::Enter { joining: Box::new(joining.clone()) }).await?;
        let name = joining.person().name;
        let record = joining.announced(name, done.seq);
        app.engine.start_grace(&record);
        app.engine.encoded_snapshot(id, record, actor.discretion()).await
    };
    match entered.await {
        Ok(snapshot) => Ok(Entered { room, snapshot, session }),
        Err(problem) => {
            undo_join(app, id, member).await;
            Err(problem)
        }
    }
}

/// Undoes a join after a failure. If this fails as well, the guest's grace ends the membership.
async fn undo_join(app: &App, room: RoomId, member: MemberId) {
    match app.store.leave_room(room, member, &Owed::Left, clock::now()).await {
        Ok(_) | Err(StoreError::NotFound) => {}
        Err(error) => tracing::warn!(%error, "a join that failed was not undone; the guest’s grace will"),
    }
}
