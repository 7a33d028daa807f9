//! What only the owner of a room may do: removing a member, giving the room away, renaming it, and turning peeking and
//! preserve on or off.

use super::{
    super::{
        errors::store_failed,
        notices::{refresh_lists_now, send_notice},
    },
    fields::{optional, read_room_name},
    membership::membership,
};
use crate::{
    protocol::{MemberId, Problem, Retention, RoomCode},
    server::{
        app::{App, Visitor},
        clock,
        room::{Command, member_gone, not_owner},
        store::{Conflict, Owed, StoreError},
    },
};

/// Removes a member, who cannot join again. Only the owner may.
pub async fn kick(app: &App, visitor: &Visitor, code: RoomCode, whom: MemberId) -> Result<(), Problem> {
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    if room.owner != owner.member {
        return Err(not_owner());
    }
    if whom == owner.member {
        return Err(Problem::invalid("member_id", "You can’t remove yourself. Leave the room instead."));
    }
    app.limits.send(owner.actor)?;
    let by = owner.person();
    match app.store.leave_room(room.id, whom, &Owed::Removed(by.clone()), clock::now()).await {
        Ok(record) => {
            refresh_lists_now(app, record.actor).await;
            send_notice(&app.engine, room.id, Command::Leave { member: record.person(), removed_by: Some(by) }).await;
            Ok(())
        }
        Err(StoreError::NotFound) => Err(member_gone()),
        // The owner gave the room away between the check above and this write.
        Err(StoreError::Conflict(Conflict::NotOwner)) => Err(not_owner()),
        Err(error) => Err(store_failed(error)),
    }
}

/// Gives the room to another member. Only the owner may.
pub async fn give(app: &App, visitor: &Visitor, code: RoomCode, to: MemberId) -> Result<(), Problem> {
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    app.limits.send(owner.actor)?;
    app.engine.command(room.id, Command::Give { to, by: owner.person() }).await?;
    Ok(())
}

/// Changes the room's name, or removes it if `name` is `None` or blank. Only the owner may.
pub async fn rename(app: &App, visitor: &Visitor, code: RoomCode, name: Option<String>) -> Result<(), Problem> {
    let name = optional(name.as_deref(), read_room_name)?;
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    app.limits.send(owner.actor)?;
    if room.retention == Retention::Preserved {
        app.storage_budgets
            .keep(visitor.client, owner.actor, room.id, name.as_ref().map_or(0, |name| name.as_str().len()))
            .await?;
    }
    app.engine.command(room.id, Command::Rename { name, by: owner.person() }).await?;
    Ok(())
}

/// Changes whether people with the code see the room before they join. Only the owner may.
pub async fn allow_peek(app: &App, visitor: &Visitor, code: RoomCode, peek: bool) -> Result<(), Problem> {
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    app.limits.send(owner.actor)?;
    if room.retention == Retention::Preserved {
        app.storage_budgets.keep(visitor.client, owner.actor, room.id, 0).await?;
    }
    app.engine.command(room.id, Command::AllowPeek { peek, by: owner.person() }).await?;
    Ok(())
}

/// Turns preserve on or off for everything that follows in the log. Only the owner may.
pub async fn preserve(app: &App, visitor: &Visitor, code: RoomCode, preserve: bool) -> Result<(), Problem> {
    let (room, owner) = membership(app, visitor.actor()?.id(), code).await?;
    let retention = Retention::from(preserve);
    app.limits.send(owner.actor)?;
    if preserve && room.retention != retention {
        app.storage_budgets.make_room(visitor.client, Some(owner.actor)).await?;
    }
    app.engine.command(room.id, Command::Retain { retention, by: owner.person() }).await?;
    Ok(())
}
