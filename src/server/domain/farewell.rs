//! Farewell: accounts that are deleted, and guests who want to be forgotten.

use super::{login, rooms, sessions, store_failed, tell};
use crate::{
    protocol::{Code, Confirmation, DeleteMe, Event, MessageBody, Millis, Nickname, OwnMessages, Problem},
    server::{
        app::{Actor, App, Visitor},
        bus::BusError,
        clock,
        room::{Command, LogError},
        store::{AccountId, AccountRecord, Ending, Owed, RoomId, StoreError},
    },
};

/// What those are called who deleted their account.
const NOBODY: &str = "Deleted account";
/// What stands where they said something, if they wanted that erased.
const ERASED: &str = "This message was erased.";

/// Forgets whoever asks: an account after its password or a code, a guest at once.
pub async fn forget_me(app: &App, visitor: &Visitor, wanted: DeleteMe) -> Result<(), Problem> {
    match visitor.actor()? {
        Actor::Guest(_) => forget_guest(app, visitor).await,
        Actor::Account { record, .. } => {
            let DeleteMe { password, code, messages } = wanted;
            login::confirm(app, visitor, Confirmation { password, code }).await?;
            delete_account(app, record, messages).await
        }
    }
}

/// Forgets the guest of this browser. An account is refused: its page of data deletes it.
pub async fn forget_guest(app: &App, visitor: &Visitor) -> Result<(), Problem> {
    let Actor::Guest(guest) = visitor.actor()? else {
        let detail = "There is no guest here any more: you are logged in. Your account is deleted in the preferences.";
        return Err(Problem::new(Code::NoSession, detail));
    };
    if let Some(code) = rooms::whereabouts(app, visitor).await? {
        rooms::leave(app, visitor, code).await?;
    }
    app.store.forget_guest(guest.id).await.map_err(store_failed)
}

/// Deletes accounts that nobody can log in to any more: those that were made before `before`, and have neither an address nor
/// a session. Says how many.
pub(super) async fn delete_unreachable(app: &App, before: Millis, most: usize) -> Result<usize, Problem> {
    let unreachable = app.store.unreachable_accounts(before, clock::now(), most).await.map_err(store_failed)?;
    for account in &unreachable {
        delete_account(app, account, OwnMessages::Keep).await?;
    }
    Ok(unreachable.len())
}

/// Sessions end first, so that nobody says a word more in the account's name; then it leaves its rooms, each with a notice;
/// then what it said is told apart from it or erased; then it is gone. Whatever stops this half way can be asked for again,
/// since the account is there until the last step: but for the sessions, which logging in again makes new.
pub async fn delete_account(app: &App, account: &AccountRecord, messages: OwnMessages) -> Result<(), Problem> {
    let nobody = Nickname::stored(NOBODY);
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
    let erased = MessageBody::stored(ERASED);
    let instead = (messages == OwnMessages::Erase).then_some(&erased);
    let mut changed = app.store.disown_events(account.id, &nobody, instead).await.map_err(store_failed)?;
    changed.extend(disown_tails(app, account.id, &nobody, instead).await?);
    for room in changed {
        app.engine.reread(room).await;
    }
    app.store.delete_account(account.id, &nobody).await.map_err(store_failed)
}

/// Tells what an account said apart from it where it is not kept: in the tails of its rooms. Gives those that had something.
async fn disown_tails(
    app: &App,
    account: AccountId,
    name: &Nickname,
    instead: Option<&MessageBody>,
) -> Result<Vec<RoomId>, Problem> {
    let mut changed = Vec::new();
    for (room, me) in app.store.places_of_account(account).await.map_err(store_failed)? {
        let Some(tail) = app.bus.tail(room.id, 0).await.map_err(bus_failed)? else { continue };
        let disown = |mut event: Event| {
            let told = me.ids().fold(false, |told, id| told | event.disown(id, name, instead));
            told.then_some(event)
        };
        let events: Vec<Event> = tail.events.into_iter().filter_map(disown).collect();
        if !events.is_empty() {
            app.bus.rewrite_tail(room.id, tail.epoch, &events).await.map_err(bus_failed)?;
            changed.push(room.id);
        }
    }
    Ok(changed)
}

fn bus_failed(error: BusError) -> Problem {
    LogError::from(error).problem()
}
