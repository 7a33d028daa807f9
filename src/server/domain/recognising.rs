//! Recognising a browser that is logged in, by the two tokens in its cookies.
//!
//! The access token is signed and valid for minutes. The refresh token is random, is valid once, and is replaced at
//! each use.
//!
//! If a used refresh token comes again, either it is a stolen copy, or it is the original and the copy was used first.
//! The server cannot tell which, so it ends the session. There are two exceptions for the previous token. It is
//! accepted for a short time (`GRACE`), because several tabs may refresh in parallel. It is also accepted until the
//! browser has shown that it received its successor, because the response may have been lost.

use std::time::Duration;

use super::{
    errors::store_failed,
    sessions::{Tokens, end, end_of, find, touch},
};
use crate::{
    protocol::{Millis, Problem},
    server::{
        app::{Actor, App},
        clock,
        store::{AccountRecord, Ending, Rotation, SessionRecord, StoreError},
        token::RefreshToken,
    },
};

/// The previous refresh token is accepted for this long after it was replaced.
const GRACE: Duration = Duration::from_secs(30);

/// The result of checking a browser's tokens.
pub enum Recognised {
    /// The tokens prove no account.
    Nobody {
        /// Whether the tokens will never be valid again, so that the browser should delete them.
        is_over: bool,
    },
    /// The proved actor, and new tokens if the old ones were used up.
    Somebody(Actor, Option<Tokens>),
}

/// Finds the account that a browser's tokens prove. Reads the session from the store each time, so a session that was
/// ended is refused from the next request on.
pub async fn recognise(app: &App, access: Option<&str>, refresh: Option<&str>) -> Result<Recognised, Problem> {
    if let Some(access) = access.and_then(|token| app.keys.verify(token)) {
        return match find(app, access.session).await? {
            Some((session, record)) if record.id == access.account => {
                if session.previous.is_some() && !session.arrived && access.came_with(session.refresh) {
                    note_refresh_received(app, &session).await;
                }
                touch(app, &session).await;
                Ok(somebody(session, record, None))
            }
            _ => Ok(Recognised::Nobody { is_over: true }),
        };
    }
    match refresh.map(RefreshToken::parse) {
        Some(Some(shown)) => renew(app, &shown).await,
        Some(None) => Ok(Recognised::Nobody { is_over: true }),
        None => Ok(Recognised::Nobody { is_over: false }),
    }
}

async fn renew(app: &App, shown: &RefreshToken) -> Result<Recognised, Problem> {
    let id = shown.session;
    let Some((session, record)) = find(app, id).await? else { return Ok(Recognised::Nobody { is_over: true }) };
    let now = clock::now();
    let since = now - clock::millis(GRACE);
    let was_lost =
        !session.arrived && session.previous.is_some_and(|(hash, at)| shown.is_stored_as(hash) && at <= since);
    if shown.is_stored_as(session.refresh) || was_lost {
        let token = RefreshToken::random(id);
        let (from, to) = (shown.hash(), token.hash());
        let ends_at = end_of(session.created_at, now);
        match app.store.rotate_session(id, &Rotation { from, to, at: now, since, ends_at }).await {
            Ok(()) => return Ok(somebody(session, record, Some((app, Some(token))))),
            // Another tab has rotated the token first, or the session has just ended.
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(store_failed(error)),
        }
        let Some((session, record)) = find(app, id).await? else { return Ok(Recognised::Nobody { is_over: true }) };
        return judge_previous_token(app, session, record, shown, now).await;
    }
    judge_previous_token(app, session, record, shown, now).await
}

/// Judges a refresh token that is not the current one. The previous one is accepted within [`GRACE`]. Any other ends
/// the session.
async fn judge_previous_token(
    app: &App,
    session: SessionRecord,
    record: AccountRecord,
    shown: &RefreshToken,
    now: Millis,
) -> Result<Recognised, Problem> {
    let came_just_late =
        session.previous.is_some_and(|(hash, since)| shown.is_stored_as(hash) && now - since < clock::millis(GRACE));
    if came_just_late {
        return Ok(somebody(session, record, Some((app, None))));
    }
    tracing::warn!("a refresh token was used again; its session is ended");
    end(app, record.id, Ending::One(session.id)).await?;
    Ok(Recognised::Nobody { is_over: true })
}

/// The result for a recognised account. `renewed` asks for a new access token, and brings the new refresh token, if
/// there is one.
fn somebody(
    session: SessionRecord,
    record: AccountRecord,
    renewed: Option<(&App, Option<RefreshToken>)>,
) -> Recognised {
    let tokens = renewed.map(|(app, refresh)| {
        let hash = refresh.as_ref().map(RefreshToken::hash);
        Tokens { access: app.keys.sign(record.id, session.id, hash), refresh }
    });
    Recognised::Somebody(Actor::Account { record: Box::new(record), session: Box::new(session) }, tokens)
}

async fn note_refresh_received(app: &App, session: &SessionRecord) {
    if let Err(error) = app.store.note_refresh_received(session.id, session.refresh).await {
        tracing::debug!(%error, "it is not noted that a refresh token arrived");
    }
}
