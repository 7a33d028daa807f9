//! Sessions of accounts: one for each browser that is logged in.
//!
//! A session has one current refresh token, which the browser exchanges for a new one with each use (a *rotation*). The
//! record also has the previous token, since parallel tabs may still present it, and the answer with the new token may
//! have been lost. Only hashes of tokens are stored. Not here: access tokens, and what happens when an old token is
//! presented (`domain/sessions.rs`).

use async_trait::async_trait;
use uuid::Uuid;

use super::{AccountId, AccountRecord, Result, TokenHash};
use crate::protocol::Millis;

/// The id of a session, that is, of one family of refresh tokens. Sent outside the server only inside tokens, and to
/// the session's own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub Uuid);

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// The id of the session.
    pub id: SessionId,
    /// The account that is logged in.
    pub account: AccountId,
    /// The hash of the current refresh token.
    pub refresh: TokenHash,
    /// The hash of the previous refresh token, and when it was replaced. Parallel tabs may still present it for a
    /// moment.
    pub previous: Option<(TokenHash, Millis)>,
    /// Whether the browser has shown that it received `refresh`. Until then the previous token is valid.
    pub arrived: bool,
    /// The browser and system, for people to recognise the session by, such as "Firefox on Android".
    pub device: String,
    /// When the session began.
    pub created_at: Millis,
    /// When the session was last used; exact to some minutes.
    pub used_at: Millis,
    /// When the session expires.
    pub ends_at: Millis,
}

/// The replacement of one refresh token by another.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// The hash of the token that the browser presented.
    pub from: TokenHash,
    /// The hash of the token that the browser gets.
    pub to: TokenHash,
    /// The time now.
    pub at: Millis,
    /// If `from` is the previous token, it must have been replaced at this time or earlier.
    pub since: Millis,
    /// The new time at which the session expires.
    pub ends_at: Millis,
}

/// Which sessions of an account to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Only this session.
    One(SessionId),
    /// All sessions except this one.
    Others(SessionId),
    /// All sessions.
    All,
}

/// Storage of sessions.
#[async_trait]
pub trait Sessions {
    /// Stores a new session of an existing account. Its order relative to
    /// [`replace_password`](super::Accounts::replace_password) is strict: either that call ends this session, too, or
    /// the session begins after it. `NotFound`: no such account.
    async fn begin_session(&self, session: &SessionRecord) -> Result<()>;

    /// Returns the session with this id, if it has not expired at `now`, and its account. One query, since every
    /// request makes this call.
    async fn session(&self, id: SessionId, now: Millis) -> Result<(SessionRecord, AccountRecord)>;

    /// Replaces the current refresh token by `rotation.to`. `rotation.from` must be the current token, or the previous
    /// one, if that was replaced at `rotation.since` or earlier and the current one has not arrived. Otherwise, and for
    /// one of two concurrent rotations, the answer is [`NotFound`](super::StoreError::NotFound). After the call
    /// `rotation.from` is the previous token, replaced at `rotation.at`, and the session was last used then.
    async fn rotate_session(&self, id: SessionId, rotation: &Rotation) -> Result<()>;

    /// Stores that the browser received this refresh token. Does nothing if it is no longer the current one.
    async fn note_refresh_received(&self, id: SessionId, refresh: TokenHash) -> Result<()>;

    /// Stores that a session was used. Does nothing if the session is unknown.
    async fn touch_session(&self, id: SessionId, at: Millis) -> Result<()>;

    /// Returns the sessions of an account that have not expired at `now`, last used first.
    async fn sessions(&self, account: AccountId, now: Millis) -> Result<Vec<SessionRecord>>;

    /// Ends sessions of an account. Returns the sessions that it ended.
    async fn end_sessions(&self, account: AccountId, which: Ending) -> Result<Vec<SessionId>>;

    /// Returns which of these sessions no longer exist or have expired at `now`. One or two queries, and almost always
    /// an empty answer: every node makes this call repeatedly, for all sessions whose sockets it holds.
    async fn ended_sessions(&self, sessions: &[SessionId], now: Millis) -> Result<Vec<SessionId>>;

    /// Deletes sessions that expired before `now`. Returns their number.
    async fn forget_sessions(&self, now: Millis) -> Result<u64>;
}
