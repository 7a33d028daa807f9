//! Farewell: accounts that are deleted, and guests who want to be forgotten.

use super::{login, rooms, sessions, store_failed, tell};
use crate::{
    protocol::{Confirmation, DeleteMe, MessageBody, Nickname, OwnMessages, Problem},
    server::{
        app::{Actor, App, Visitor},
        clock,
        room::Command,
        store::{AccountRecord, Ending, GuestRecord, Owed, StoreError},
    },
};

/// What those are called who deleted their account.
const NOBODY: &str = "Deleted account";
/// What stands where they said something, if they wanted that erased.
const ERASED: &str = "This message was erased.";

/// Forgets whoever asks: an account after its password or a code, a guest at once.
pub async fn forget_me(app: &App, visitor: &Visitor, wanted: DeleteMe) -> Result<(), Problem> {
    match visitor.actor()? {
        Actor::Guest(guest) => forget_guest(app, visitor, guest).await,
        Actor::Account { record, .. } => {
            let DeleteMe { password, code, messages } = wanted;
            login::confirm(app, visitor, Confirmation { password, code }).await?;
            delete_account(app, record, messages).await
        }
    }
}

async fn forget_guest(app: &App, visitor: &Visitor, guest: &GuestRecord) -> Result<(), Problem> {
    if let Some(code) = rooms::whereabouts(app, visitor).await? {
        rooms::leave(app, visitor, code).await?;
    }
    app.store.forget_guest(guest.id).await.map_err(store_failed)
}

/// Sessions end first, so that nobody says a word more in the account's name; then it leaves its rooms, each with a notice;
/// then what it said is told apart from it or erased; then it is gone. Whatever stops this half way can be asked for again,
/// since the account is there until the last step: but for the sessions, which logging in again makes new.
async fn delete_account(app: &App, account: &AccountRecord, messages: OwnMessages) -> Result<(), Problem> {
    let nobody = Nickname::try_from(NOBODY).expect("it is a name");
    sessions::end(app, account.id, Ending::All).await?;
    for (room, member) in app.store.rooms_of_account(account.id).await.map_err(store_failed)? {
        match app.store.leave_room(room.id, member.member, &Owed::Left, clock::now()).await {
            Ok(record) => {
                tell(&app.engine, room.id, Command::Leave { member: record.person(), removed_by: None }).await;
            }
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(store_failed(error)),
        }
    }
    let erased = MessageBody::try_from(ERASED).expect("it is a message");
    let instead = (messages == OwnMessages::Erase).then_some(&erased);
    let rooms = app.store.disown_events(account.id, &nobody, instead).await;
    for room in rooms.map_err(store_failed)? {
        app.engine.reread(room).await;
    }
    app.store.delete_account(account.id, &nobody).await.map_err(store_failed)
}
