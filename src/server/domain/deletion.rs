//! Deletion: deleting accounts and guests on request, and deleting accounts that nobody can log in to.

use super::{confirming::confirm, errors::store_failed, notices::send_notice, rooms, sessions};
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

/// The author's name on messages of deleted accounts.
const NOBODY: &str = "Deleted account";
/// The text that replaces the messages of a deleted account, if its user asked for that.
const ERASED: &str = "This message was deleted.";

/// Deletes the visitor: an account after confirmation by its password or a code, a guest at once.
pub async fn forget_me(app: &App, visitor: &Visitor, wanted: DeleteMe) -> Result<(), Problem> {
    match visitor.actor()? {
        Actor::Guest(_) => forget_guest(app, visitor).await,
        Actor::Account { record, .. } => {
            let DeleteMe { password, code, messages } = wanted;
            confirm(app, visitor, Confirmation { password, code }).await?;
            delete_account(app, record, messages).await
        }
    }
}

/// Deletes this browser's guest, which first leaves its room. An account is refused: it is deleted in the preferences.
pub async fn forget_guest(app: &App, visitor: &Visitor) -> Result<(), Problem> {
    let Actor::Guest(guest) = visitor.actor()? else {
        let detail = "You’re logged in, so there is no guest to forget. Delete your account in the preferences.";
        return Err(Problem::new(Code::NoSession, detail));
    };
    if let Some(code) = rooms::current_room_code(app, visitor).await? {
        rooms::leave(app, visitor, code).await?;
    }
    app.store.forget_guest(guest.id).await.map_err(store_failed)
}

/// Deletes up to `most` accounts that nobody can log in to any more: created before `before`, without an address and
/// without a session. Returns their number.
pub(super) async fn delete_unreachable(app: &App, before: Millis, most: usize) -> Result<usize, Problem> {
    let unreachable = app.store.unreachable_accounts(before, clock::now(), most).await.map_err(store_failed)?;
    for account in &unreachable {
        delete_account(app, account, OwnMessages::Keep).await?;
    }
    Ok(unreachable.len())
}

/// Deletes an account in four steps.
///
/// - Its sessions end, so that nothing more is sent in its name.
/// - It leaves its rooms, each with a notice.
/// - Its messages are separated from it, and erased if asked for.
/// - The account record is deleted.
///
/// If a step fails, the request can be repeated, because the account exists until the last step. Only its sessions are
/// gone already, so the user has to log in again.
pub async fn delete_account(app: &App, account: &AccountRecord, messages: OwnMessages) -> Result<(), Problem> {
    let nobody = Nickname::stored(NOBODY);
    sessions::end(app, account.id, Ending::All).await?;
    for (room, member) in app.store.rooms_of_account(account.id).await.map_err(store_failed)? {
        match app.store.leave_room(room.id, member.member, &Owed::Left, clock::now()).await {
            Ok(record) => {
                send_notice(&app.engine, room.id, Command::Leave { member: record.person(), removed_by: None }).await;
            }
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(store_failed(error)),
        }
    }
    let erased = MessageBody::stored(ERASED);
    let instead = (messages == OwnMessages::Erase).then_some(&erased);
    let mut changed = app.store.anonymize_events(account.id, &nobody, instead).await.map_err(store_failed)?;
    changed.extend(disown_tails(app, account.id, &nobody, instead).await?);
    for room in changed {
        app.engine.reread(room).await;
    }
    app.store.delete_account(account.id, &nobody).await.map_err(store_failed)
}

/// Replaces an account's name, and with `instead` its texts, in the tails of its rooms on the bus, which hold the
/// events that are not preserved. Returns the rooms whose tail had such events.
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
            let told = me.ids().fold(false, |told, id| told | event.kind.detach_member(id, name, instead));
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
