//! Leaving a room, and reporting that its page is being closed.

use super::{
    super::{
        errors::store_failed,
        notices::{refresh_lists, send_notice},
    },
    membership::membership,
    ownership::give,
    places::give_up,
};
use crate::{
    protocol::{Code, MemberId, Problem, RoomCode},
    server::{
        app::{App, Visitor},
        clock,
        room::Command,
        store::{ActorId, Owed, Presence, StoreError},
    },
};

/// Leaves a room at once. If the visitor is gone by absence, gives up the place that is kept for them. If they are not
/// in the room, does nothing.
pub async fn leave(app: &App, visitor: &Visitor, code: RoomCode) -> Result<(), Problem> {
    let (room, member) = match app.store.membership(code, visitor.actor()?.id()).await {
        Ok(found) => found,
        Err(StoreError::NotFound) => return Ok(()),
        Err(error) => return Err(store_failed(error)),
    };
    match member.presence {
        Presence::Active => {}
        Presence::Gone => return give_up(app, &member).await,
        Presence::Removed => return Ok(()),
    }
    match app.store.leave_room(room.id, member.member, &Owed::Left, clock::now()).await {
        Ok(record) => {
            refresh_lists(app, record.actor);
            send_notice(&app.engine, room.id, Command::Leave { member: record.person(), removed_by: None }).await;
            Ok(())
        }
        Err(StoreError::NotFound) => Ok(()),
        Err(error) => Err(store_failed(error)),
    }
}

/// Gives the room to `heir`, then leaves it. `heir` is the form's field: a member id, or empty for nobody. If the
/// visitor does not own the room (any more), they only leave.
pub async fn leave_to(app: &App, visitor: &Visitor, code: RoomCode, heir: &str) -> Result<(), Problem> {
    if let Some(heir) = heir.parse().ok().map(MemberId::from_bits) {
        match give(app, visitor, code, heir).await {
            Err(problem) if !matches!(problem.code, Code::NotOwner | Code::NotAMember | Code::Removed) => {
                return Err(problem);
            }
            _ => {}
        }
    }
    leave(app, visitor, code).await
}

/// A guest's page reports that it is being closed: unless the guest is connected elsewhere, the shorter grace begins.
/// Accounts have no grace, so for them this does nothing.
pub async fn away(app: &App, visitor: &Visitor, code: RoomCode) -> Result<(), Problem> {
    let (room, member) = membership(app, visitor.actor()?.id(), code).await?;
    if let ActorId::Guest(_) = member.actor {
        app.engine.page_closing(room.id, member.member).await;
    }
    Ok(())
}
