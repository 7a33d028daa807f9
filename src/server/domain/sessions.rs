//! Sessions: one for each browser that is logged in.
//!
//! A browser has two tokens. The access token is signed and good for minutes; the refresh token is opaque, good once, and
//! replaced with every use. One that was used before is a copy in somebody else's hands, or the original after its copy was
//! used: nobody can tell, so the session ends. The one before may come again for a moment, since tabs ask in parallel; and
//! as long as the browser has not shown that it got the new one, since the answer may have been lost.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::{accounts, letters::posted, store_failed};
use crate::{
    protocol::{Millis, Problem, Profile, SessionView},
    server::{
        app::{Actor, App, Visitor},
        clock, random,
        store::{
            AccountId, AccountRecord, Ending, NewPassword, Rotation, SessionId, SessionRecord, StoreError, TokenHash,
        },
    },
};

/// How long a session lasts without use.
pub const LIFE: Duration = Duration::from_hours(24 * 60);
/// How long a session lasts, however much it is used.
const WHOLE_LIFE: Duration = Duration::from_hours(24 * 180);
/// How long a refresh token may come again after it was replaced.
const GRACE: Duration = Duration::from_secs(30);
/// How exact "last used" is; not every request writes it.
const TOUCH: Duration = Duration::from_mins(10);
/// How often a node asks which of the sessions that its sockets stand on have ended, where other nodes can end them.
const WATCH: Duration = Duration::from_secs(1);
/// The same where no other node can: what this node ends it cuts at once, so that only time, and an operator, are left.
const WATCH_ALONE: Duration = Duration::from_secs(15);
/// Bytes of a refresh token: the session's id, and a secret.
const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// New tokens for a browser. They do not print.
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token, if it is a new one.
    pub refresh: Option<String>,
}

/// Somebody is logged in now.
pub struct LoggedIn {
    /// Who.
    pub profile: Profile,
    /// Their session.
    pub session: SessionId,
    /// What their browser gets.
    pub tokens: Tokens,
}

/// What a browser's tokens say.
pub enum Recognised {
    /// Nothing.
    Nobody {
        /// Whether they never will again, so that the browser can drop them.
        is_over: bool,
    },
    /// Who it is, and new tokens if the old ones were used up.
    Somebody(Actor, Option<Tokens>),
}

/// Whom a browser's tokens prove. Asks the store each time, so an end holds from the next request on.
pub async fn recognise(app: &App, access: Option<&str>, refresh: Option<&str>) -> Result<Recognised, Problem> {
    if let Some(access) = access.and_then(|token| app.keys.verify(token)) {
        return match find(app, access.session).await? {
            Some((session, record)) if record.id == access.account => {
                if session.previous.is_some() && !session.arrived && access.came_with(session.refresh) {
                    note_arrival(app, &session).await;
                }
                touch(app, &session).await;
                Ok(somebody(session, record, None))
            }
            _ => Ok(Recognised::Nobody { is_over: true }),
        };
    }
    match refresh.map(read_refresh) {
        Some(Some((session, hash))) => renew(app, session, hash).await,
        Some(None) => Ok(Recognised::Nobody { is_over: true }),
        None => Ok(Recognised::Nobody { is_over: false }),
    }
}

async fn renew(app: &App, id: SessionId, shown: TokenHash) -> Result<Recognised, Problem> {
    let Some((session, record)) = find(app, id).await? else { return Ok(Recognised::Nobody { is_over: true }) };
    let now = clock::now();
    let since = now - clock::millis(GRACE);
    let was_lost = !session.arrived && session.previous.is_some_and(|(hash, at)| is(hash, shown) && at <= since);
    if is(session.refresh, shown) || was_lost {
        let (token, to) = new_refresh(id);
        let ends_at = end_of(session.created_at, now);
        match app.store.rotate_session(id, &Rotation { from: shown, to, at: now, since, ends_at }).await {
            Ok(()) => return Ok(somebody(session, record, Some((app, Some((token, to)))))),
            // Another tab was first, or the session has just ended.
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(store_failed(error)),
        }
        let Some((session, record)) = find(app, id).await? else { return Ok(Recognised::Nobody { is_over: true }) };
        return judge_again(app, session, record, shown, now).await;
    }
    judge_again(app, session, record, shown, now).await
}

/// When a session ends that is used at `now` for the last time.
fn end_of(created_at: Millis, now: Millis) -> Millis {
    (now + clock::millis(LIFE)).min(created_at + clock::millis(WHOLE_LIFE))
}

/// A refresh token that is not the good one: the one before, for a moment, or a reason to end the session.
async fn judge_again(
    app: &App,
    session: SessionRecord,
    record: AccountRecord,
    shown: TokenHash,
    now: Millis,
) -> Result<Recognised, Problem> {
    let came_just_late =
        session.previous.is_some_and(|(hash, since)| is(hash, shown) && now - since < clock::millis(GRACE));
    if came_just_late {
        return Ok(somebody(session, record, Some((app, None))));
    }
    tracing::warn!("a refresh token was used again; its session is ended");
    end(app, record.id, Ending::One(session.id)).await?;
    Ok(Recognised::Nobody { is_over: true })
}

/// Somebody, and new tokens: an access token, and perhaps a refresh token with its hash.
fn somebody(
    session: SessionRecord,
    record: AccountRecord,
    renewed: Option<(&App, Option<(String, TokenHash)>)>,
) -> Recognised {
    let tokens = renewed.map(|(app, refresh)| {
        let (refresh, hash) = refresh.unzip();
        Tokens { access: app.keys.sign(record.id, session.id, hash), refresh }
    });
    Recognised::Somebody(Actor::Account { record: Box::new(record), session: Box::new(session) }, tokens)
}

async fn find(app: &App, id: SessionId) -> Result<Option<(SessionRecord, AccountRecord)>, Problem> {
    match app.store.session(id, clock::now()).await {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(store_failed(error)),
    }
}

async fn note_arrival(app: &App, session: &SessionRecord) {
    if let Err(error) = app.store.note_arrival(session.id, session.refresh).await {
        tracing::debug!(%error, "it is not noted that a refresh token arrived");
    }
}

/// Notes that a session is in use; called for requests, and now and then for a socket that stays open.
pub async fn touch(app: &App, session: &SessionRecord) {
    let now = clock::now();
    if now - session.used_at < clock::millis(TOUCH) {
        return;
    }
    if let Err(error) = app.store.touch_session(session.id, now).await {
        tracing::debug!(%error, "session not touched");
    }
}

/// Logs a browser in. A session that it had ends; what it was as a guest, [`accounts::bring_guests`] brings.
pub(super) async fn begin(
    app: &App,
    visitor: &Visitor,
    account: &AccountRecord,
    device: String,
) -> Result<LoggedIn, Problem> {
    begin_once(app, visitor, account, device, SessionId(random::uuid())).await
}

/// The same, for what may be asked twice: the second time the session goes on, with new tokens.
pub(super) async fn begin_once(
    app: &App,
    visitor: &Visitor,
    account: &AccountRecord,
    device: String,
    id: SessionId,
) -> Result<LoggedIn, Problem> {
    let now = clock::now();
    let (token, hash) = new_refresh(id);
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
        go_on(app, account.id, id, hash, error).await?;
    }
    if let Ok((other, before)) = visitor.account()
        && before.id != id
    {
        end(app, other.id, Ending::One(before.id)).await?;
    }
    let tokens = Tokens { access: app.keys.sign(account.id, id, None), refresh: Some(token) };
    Ok(LoggedIn { profile: accounts::profile(account), session: id, tokens })
}

/// Gives a session that had begun already another refresh token. `error` is why it did not begin now.
async fn go_on(
    app: &App,
    account: AccountId,
    id: SessionId,
    to: TokenHash,
    mut error: StoreError,
) -> Result<(), Problem> {
    /// Requests that come at the same moment are in each other's way.
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

/// The browsers that are logged in as this account, the last used first.
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

/// Logs out here. Whoever is not logged in has done so already.
pub async fn log_out(app: &App, visitor: &Visitor) -> Result<(), Problem> {
    match visitor.account() {
        Ok((account, session)) => end(app, account.id, Ending::One(session.id)).await,
        Err(_) => Ok(()),
    }
}

/// Ends one session of the account. One that has ended already, or is another's, changes nothing.
pub async fn end_one(app: &App, visitor: &Visitor, session: Uuid) -> Result<(), Problem> {
    let (account, _) = visitor.account()?;
    end(app, account.id, Ending::One(SessionId(session))).await
}

/// Ends all other sessions of the account.
pub async fn end_others(app: &App, visitor: &Visitor) -> Result<(), Problem> {
    let (account, current) = visitor.account()?;
    end(app, account.id, Ending::Others(current.id)).await
}

/// Sets another password. Sessions that end with it lose their sockets: here at once, elsewhere when the other nodes look.
pub(super) async fn replace_password(app: &App, account: AccountId, new: &NewPassword) -> Result<(), StoreError> {
    app.lines.cut(&app.store.replace_password(account, new).await?);
    posted(app);
    Ok(())
}

/// Ends sessions, and their sockets: here at once, elsewhere when the other nodes look.
pub(super) async fn end(app: &App, account: AccountId, which: Ending) -> Result<(), Problem> {
    let ended = app.store.end_sessions(account, which).await.map_err(store_failed)?;
    app.lines.cut(&ended);
    Ok(())
}

/// Closes the sockets of sessions that ended, on whatever node, until the node stops.
pub async fn watch(app: App) {
    let mut tick = interval(if app.bus.is_shared() { WATCH } else { WATCH_ALONE });
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while app.stopping.run_until_cancelled(tick.tick()).await.is_some() {
        let held = app.lines.sessions();
        if held.is_empty() {
            continue;
        }
        match app.store.ended_sessions(&held, clock::now()).await {
            Ok(ended) => app.lines.cut(&ended),
            // Nobody can log in or out meanwhile either.
            Err(error) => tracing::debug!(%error, "sessions not looked after"),
        }
    }
}

fn new_refresh(id: SessionId) -> (String, TokenHash) {
    let secret = random::token();
    let token = BASE64_URL_SAFE_NO_PAD.encode([id.0.as_bytes().as_slice(), &secret].concat());
    (token, TokenHash(Sha256::digest(secret).into()))
}

fn read_refresh(token: &str) -> Option<(SessionId, TokenHash)> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, secret) = bytes.split_first_chunk::<ID_BYTES>()?;
    let secret: [u8; SECRET_BYTES] = secret.try_into().ok()?;
    Some((SessionId(Uuid::from_bytes(*id)), TokenHash(Sha256::digest(secret).into())))
}

fn is(kept: TokenHash, shown: TokenHash) -> bool {
    kept.0.ct_eq(&shown.0).into()
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

    #[test]
    fn a_refresh_token_names_its_session_and_nothing_else_does() {
        let id = SessionId(random::uuid());
        let (token, hash) = new_refresh(id);
        assert_eq!(read_refresh(&token), Some((id, hash)));
        for other in ["", "x", "====", &token[1..], &format!("{token}A"), &"A".repeat(1_000)] {
            assert!(read_refresh(other).is_none(), "{other}");
        }
    }
}
