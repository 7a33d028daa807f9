//! The visitor's membership in a room: finding it, and which of its messages cause a notification.

use super::super::{errors::store_failed, notices::refresh_lists};
use crate::{
    protocol::{Code, Notify, Problem, RoomCode},
    server::{
        app::{App, Visitor},
        store::{ActorId, MemberRecord, Presence, RoomRecord, StoreError},
    },
};

/// The room with this code and the actor's active membership in it. An actor who never was in the room gets the answer
/// for an unknown code.
pub async fn membership(app: &App, actor: ActorId, code: RoomCode) -> Result<(RoomRecord, MemberRecord), Problem> {
    match app.store.membership(code, actor).await {
        Ok((room, member)) => match member.presence {
            Presence::Active => Ok((room, member)),
            Presence::Gone => {
                Err(Problem::new(Code::NotAMember, "You’re no longer in this room. Join again to continue."))
            }
            Presence::Removed => Err(removed()),
        },
        Err(StoreError::NotFound) => Err(Problem::room_unavailable()),
        Err(error) => Err(store_failed(error)),
    }
}

/// The room that a guest is in: a guest can be in one at a time. `None` for an account, which can be in many.
pub async fn current_room(app: &App, visitor: &Visitor) -> Result<Option<(RoomRecord, MemberRecord)>, Problem> {
    let Some(guest) = visitor.guest() else { return Ok(None) };
    match app.store.room_of_guest(guest.id).await {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(store_failed(error)),
    }
}

/// The code of the room that a guest is in. `None` for an account, which can be in many.
pub async fn current_room_code(app: &App, visitor: &Visitor) -> Result<Option<RoomCode>, Problem> {
    Ok(current_room(app, visitor).await?.map(|(room, _)| room.code))
}

/// Sets which messages of a room cause a notification for the visitor. `None`: those of the visitor's preferences.
pub async fn set_notify(app: &App, visitor: &Visitor, code: RoomCode, notify: Option<Notify>) -> Result<(), Problem> {
    let (room, member) = membership(app, visitor.actor()?.id(), code).await?;
    if member.notify == notify {
        return Ok(());
    }
    app.limits.change_setting(member.actor).await?;
    app.store.set_notify(room.id, member.member, notify).await.map_err(store_failed)?;
    refresh_lists(app, member.actor);
    Ok(())
}

pub fn removed() -> Problem {
    Problem::new(Code::Removed, "The owner removed you from this room. You can’t rejoin.")
}
