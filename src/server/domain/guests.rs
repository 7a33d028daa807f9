//! Guests: visitors without an account. The first create or join begins a guest session, with a secret in a cookie. A
//! guest who logs in becomes the account: its memberships move there (`adopt`).

use std::time::Duration;

use uuid::Uuid;

use super::{
    errors::store_failed,
    notices::{refresh_lists, send_notice},
};
use crate::{
    protocol::{ByeReason, Nickname, Problem},
    server::{
        app::{Actor, App},
        clock, random,
        room::notice_command,
        store::{AccountId, ActorId, Adopted, GuestId, GuestRecord, Owed, StoreError},
        token::GuestToken,
    },
};

/// A guest is deleted after this long without a request or an open socket.
pub const IDLE_LIFE: Duration = Duration::from_hours(24);
/// Precision of a guest's "last seen" time. Requests within it cause no write.
const TOUCH: Duration = Duration::from_mins(10);

/// Finds the guest that this token proves.
pub async fn identify(app: &App, token: &GuestToken) -> Result<Option<Actor>, Problem> {
    let now = clock::now();
    match app.store.guest_by_token(token.hash(), now - clock::millis(IDLE_LIFE)).await {
        Ok(guest) => {
            touch(app, &guest).await;
            Ok(Some(Actor::Guest(guest)))
        }
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(store_failed(error)),
    }
}

/// Stores that a guest is active. Called for requests, and at intervals for an open socket.
pub async fn touch(app: &App, guest: &GuestRecord) {
    let now = clock::now();
    if now - guest.seen_at < clock::millis(TOUCH) {
        return;
    }
    if let Err(error) = app.store.touch_guest(guest.id, None, now).await {
        tracing::debug!(%error, "guest not touched");
    }
}

/// Moves a guest's memberships to an account: the place in the room, the authorship of its messages, and ownership. The
/// guest's sockets are closed and reconnect as the account.
pub(super) async fn adopt(app: &App, guest: GuestId, account: AccountId) -> Result<(), Problem> {
    let adopted = app.store.adopt_guest(guest, account, clock::now()).await.map_err(store_failed)?;
    notify_adopted(app, account, adopted).await;
    Ok(())
}

/// Notifies everybody concerned after the store moved a guest's records: the guest's sockets, the room's log, and the
/// account's lists of rooms.
pub(super) async fn notify_adopted(app: &App, account: AccountId, adopted: Adopted) {
    match adopted {
        Adopted::Nothing => {}
        Adopted::Member(member) => app.engine.close_connections(member.room, member.member, ByeReason::SignedIn).await,
        Adopted::Left(member) => {
            let goes_on_as = match &member.owed {
                Some(Owed::Became(heir)) => Some(heir.id),
                _ => None,
            };
            app.engine.close_connections_continuing_as(member.room, member.member, goes_on_as).await;
            if let Some(owed) = &member.owed {
                send_notice(&app.engine, member.room, notice_command(member.person(), owed)).await;
            }
        }
    }
    refresh_lists(app, ActorId::Account(account));
}

/// A new guest. The record is not stored here, but in the transaction that creates or joins the room.
pub fn begin(nickname: &Nickname) -> (GuestRecord, GuestToken) {
    begin_as(nickname, random::uuid(), GuestToken::random())
}

/// The same with a given id and token. A repeated request derives the same ones, and so begins the same guest.
pub fn begin_as(nickname: &Nickname, id: Uuid, token: GuestToken) -> (GuestRecord, GuestToken) {
    let (id, nickname) = (GuestId(id), Some(nickname.clone()));
    (GuestRecord { id, token: token.hash(), nickname, seen_at: clock::now() }, token)
}
