//! Guests: sessions made silently at the first create or join.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{relist, store_failed, tell};
use crate::{
    protocol::{ByeReason, Nickname, Problem},
    server::{
        app::{Actor, App},
        clock, random,
        room::announcement,
        store::{AccountId, ActorId, Adopted, GuestId, GuestRecord, Owed, StoreError, TokenHash},
    },
};

/// How long a guest is remembered without a sign of life.
pub const IDLE_LIFE: Duration = Duration::from_hours(24);
/// How exact "last heard of" is; not every request writes it.
const TOUCH: Duration = Duration::from_mins(10);

/// A session's secret, for the cookie. It does not print.
pub struct SessionToken(String);

impl SessionToken {
    /// The token of a secret.
    pub fn of(secret: [u8; 32]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(secret))
    }

    /// The text of the cookie.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Whom this cookie's text proves.
pub async fn identify(app: &App, token: &str) -> Result<Option<Actor>, Problem> {
    let Some(hash) = hash(token) else { return Ok(None) };
    let now = clock::now();
    match app.store.guest_by_token(hash, now - clock::millis(IDLE_LIFE)).await {
        Ok(guest) => {
            touch(app, &guest).await;
            Ok(Some(Actor::Guest(guest)))
        }
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(store_failed(error)),
    }
}

/// Notes that somebody is still there; called for requests, and now and then for a socket that stays open.
pub async fn touch(app: &App, guest: &GuestRecord) {
    let now = clock::now();
    if now - guest.seen_at < clock::millis(TOUCH) {
        return;
    }
    if let Err(error) = app.store.touch_guest(guest.id, None, now).await {
        tracing::debug!(%error, "guest not touched");
    }
}

/// Makes what a guest was an account's: the place in the room, what was said there, and owning it. Their sockets come back
/// as the account's.
pub(super) async fn adopt(app: &App, guest: GuestId, account: AccountId) -> Result<(), Problem> {
    let adopted = app.store.adopt_guest(guest, account, clock::now()).await.map_err(store_failed)?;
    welcome(app, account, adopted).await;
    Ok(())
}

/// Announces what became of a guest's records: to the sockets of the guest, to the log and to the account's lists.
pub(super) async fn welcome(app: &App, account: AccountId, adopted: Adopted) {
    match adopted {
        Adopted::Nothing => {}
        Adopted::Member(member) => app.engine.hang_up(member.room, member.member, ByeReason::SignedIn).await,
        Adopted::Left(member) => {
            let goes_on_as = match &member.owed {
                Some(Owed::Became(heir)) => Some(heir.id),
                _ => None,
            };
            app.engine.hang_up_for(member.room, member.member, goes_on_as).await;
            if let Some(owed) = &member.owed {
                tell(&app.engine, member.room, announcement(member.person(), owed)).await;
            }
        }
    }
    relist(app, ActorId::Account(account));
}

/// A new guest, who is kept with the room that they make or join.
pub fn begin(nickname: &Nickname) -> (GuestRecord, SessionToken) {
    begin_as(nickname, random::uuid(), random::token())
}

/// The same, for a request that may come again: then it is the same guest.
pub fn begin_as(nickname: &Nickname, id: Uuid, secret: [u8; 32]) -> (GuestRecord, SessionToken) {
    let token = SessionToken::of(secret);
    let hash = hash(token.reveal()).expect("a token that was just encoded decodes");
    let guest = GuestRecord { id: GuestId(id), token: hash, nickname: Some(nickname.clone()), seen_at: clock::now() };
    (guest, token)
}

fn hash(token: &str) -> Option<TokenHash> {
    let secret: [u8; 32] = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
    Some(TokenHash(Sha256::digest(secret).into()))
}
