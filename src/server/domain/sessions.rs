//! Sessions: one for each browser that is logged in to an account. Here they begin, are listed and end. The tokens of a
//! browser are checked in `recognising.rs`.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::{errors::store_failed, letters::posted};
use crate::{
    protocol::{Millis, Problem, SessionView},
    server::{
        app::{App, Visitor},
        clock, random,
        store::{
            AccountId, AccountRecord, Ending, NewPassword, Rotation, SessionId, SessionRecord, StoreError, TokenHash,
        },
        token::RefreshToken,
    },
};

/// A session ends after this long without use.
pub const LIFE: Duration = Duration::from_hours(24 * 60);
/// A session ends after this long in any case.
const WHOLE_LIFE: Duration = Duration::from_hours(24 * 180);
/// Precision of a session's "last used" time. Requests within it cause no write.
const TOUCH: Duration = Duration::from_mins(10);
/// How often a node asks the store which of the sessions behind its sockets have ended, where other nodes can end them.
const WATCH: Duration = Duration::from_secs(1);
/// The same with a single node. It closes the sockets of the sessions that it ends itself, so only expiry and an
/// operator's commands are left to find.
const WATCH_ALONE: Duration = Duration::from_secs(15);

/// New tokens for a browser. Deliberately without `Debug`.
pub struct Tokens {
    pub access: String,
    /// The refresh token. `None` if the browser keeps the one that it has.
    pub refresh: Option<RefreshToken>,
}

/// The result of logging in.
pub struct LoggedIn {
    /// The account that is logged in.
    pub account: AccountRecord,
    pub session: SessionId,
    /// The tokens for the browser's cookies.
    pub tokens: Tokens,
}

/// Logs a browser in and ends the session that it had. Its guest's memberships are moved afterwards (`keeping.rs`).
pub(super) async fn begin(
    app: &App,
    visitor: &Visitor,
    account: &AccountRecord,
    device: String,
) -> Result<LoggedIn, Problem> {
    begin_with_id(app, visitor, account, device, SessionId(random::uuid())).await
}

/// The same with a given session id, for requests that may be repeated. A repeat continues the session with new tokens.
pub(super) async fn begin_with_id(
    app: &App,
    visitor: &Visitor,
    account: &AccountRecord,
    device: String,
    id: SessionId,
) -> Result<LoggedIn, Problem> {
    let now = clock::now();
    let token = RefreshToken::random(id);
    let hash = token.hash();
    let session = SessionRecord {
        id,
        account: account.id,
        refresh: hash,
        previous: None,
        arrived: false,
        device,
        created_at: now,
        used_at: now,
        ends_at: end_of(now, now),
    };
    if let Err(error) = app.store.begin_session(&session).await {
        continue_session(app, account.id, id, hash, error).await?;
    }
    if let Ok((other, before)) = visitor.account()
        && before.id != id
    {
        end(app, other.id, Ending::One(before.id)).await?;
    }
    let tokens = Tokens { access: app.keys.sign(account.id, id, None), refresh: Some(token) };
    Ok(LoggedIn { account: account.clone(), session: id, tokens })
}

/// Gives an existing session a new refresh token. `error` is the reason why it could not be begun, and is the failure
/// if no such session can be continued.
async fn continue_session(
    app: &App,
    account: AccountId,
    id: SessionId,
    to: TokenHash,
    mut error: StoreError,
) -> Result<(), Problem> {
    /// Attempts to rotate the token, since simultaneous requests may rotate it between the read and the write.
    const TRIES: usize = 8;
    for _ in 0..TRIES {
        let Some((begun, _)) = find(app, id).await?.filter(|(begun, _)| begun.account == account) else { break };
        let at = clock::now();
        let rotation = Rotation { from: begun.refresh, to, at, since: at, ends_at: end_of(begun.created_at, at) };
        match app.store.rotate_session(id, &rotation).await {
            Ok(()) => return Ok(()),
            Err(StoreError::NotFound) => error = StoreError::NotFound,
            Err(error) => return Err(store_failed(error)),
        }
    }
    Err(store_failed(error))
}

/// When a session ends if it is used at `now` for the last time.
pub(super) fn end_of(created_at: Millis, now: Millis) -> Millis {
    (now + clock::millis(LIFE)).min(created_at + clock::millis(WHOLE_LIFE))
}

pub(super) async fn find(app: &App, id: SessionId) -> Result<Option<(SessionRecord, AccountRecord)>, Problem> {
    match app.store.session(id, clock::now()).await {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(store_failed(error)),
    }
}

/// Stores that a session is in use. Called for requests, and at intervals for an open socket.
pub async fn touch(app: &App, session: &SessionRecord) {
    let now = clock::now();
    if now - session.used_at < clock::millis(TOUCH) {
        return;
    }
    if let Err(error) = app.store.touch_session(session.id, now).await {
        tracing::debug!(%error, "session not touched");
    }
}

/// The account's sessions, the last used first.
pub async fn list(app: &App, visitor: &Visitor) -> Result<Vec<SessionView>, Problem> {
    let (account, current) = visitor.account()?;
    let sessions = app.store.sessions(account.id, clock::now()).await.map_err(store_failed)?;
    let view = |session: SessionRecord| SessionView {
        id: session.id.0,
        device: session.device,
        created_at: session.created_at,
        used_at: session.used_at,
        ends_at: session.created_at + clock::millis(WHOLE_LIFE),
        current: session.id == current.id,
    };
    Ok(sessions.into_iter().map(view).collect())
}

/// Logs out in this browser. Succeeds if the visitor is not logged in.
pub async fn log_out(app: &App, visitor: &Visitor) -> Result<(), Problem> {
    match visitor.account() {
        Ok((account, session)) => end(app, account.id, Ending::One(session.id)).await,
        Err(_) => Ok(()),
    }
}

/// Ends one session of the account. Does nothing if it has ended already or belongs to another account.
pub async fn end_one(app: &App, visitor: &Visitor, session: Uuid) -> Result<(), Problem> {
    let (account, _) = visitor.account()?;
    end(app, account.id, Ending::One(SessionId(session))).await
}

/// Ends all other sessions of the account.
pub async fn end_others(app: &App, visitor: &Visitor) -> Result<(), Problem> {
    let (account, current) = visitor.account()?;
    end(app, account.id, Ending::Others(current.id)).await
}

/// Replaces the password. The sessions that end with it lose their sockets: on this node at once, on others at their
/// next check ([`watch`]).
pub(super) async fn replace_password(app: &App, account: AccountId, new: &NewPassword) -> Result<(), StoreError> {
    app.session_sockets.close_sessions(&app.store.replace_password(account, new).await?);
    posted(app);
    Ok(())
}

/// Ends sessions and closes their sockets: on this node at once, on others at their next check ([`watch`]).
pub(super) async fn end(app: &App, account: AccountId, which: Ending) -> Result<(), Problem> {
    let ended = app.store.end_sessions(account, which).await.map_err(store_failed)?;
    app.session_sockets.close_sessions(&ended);
    Ok(())
}

/// Closes the sockets of sessions that ended on any node, or expired. Runs until the node stops.
pub async fn watch(app: App) {
    let mut tick = interval(if app.bus.is_shared() { WATCH } else { WATCH_ALONE });
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while app.stopping.run_until_cancelled(tick.tick()).await.is_some() {
        let held = app.session_sockets.sessions();
        if held.is_empty() {
            continue;
        }
        match app.store.ended_sessions(&held, clock::now()).await {
            Ok(ended) => app.session_sockets.close_sessions(&ended),
            // While the store is unreachable nobody can log in or out either, so a missed check does no harm.
            Err(error) => tracing::debug!(%error, "sessions not looked after"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_after_sixty_days_without_use_and_after_half_a_year_whatever_is_done() {
        const DAY: Millis = 86_400_000;
        assert_eq!(end_of(0, 0), 60 * DAY);
        assert_eq!(end_of(0, 50 * DAY), 110 * DAY);
        assert_eq!(end_of(0, 150 * DAY), 180 * DAY);
    }
}
