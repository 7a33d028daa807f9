//! Sessions of accounts: one for each browser that is logged in. The refresh token is kept as a hash only.

use async_trait::async_trait;
use uuid::Uuid;

use super::{AccountId, AccountRecord, Result, TokenHash};
use crate::protocol::Millis;

/// A session: one family of refresh tokens. Leaves the server only inside signed tokens and to its own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub Uuid);

/// One session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Which.
    pub id: SessionId,
    /// Whose.
    pub account: AccountId,
    /// The refresh token that is good now.
    pub refresh: TokenHash,
    /// The one before, and since when it is not good any more: parallel tabs may still come with it for a moment.
    pub previous: Option<(TokenHash, Millis)>,
    /// Whether the browser has shown that it got `refresh`. Until then the one before is good.
    pub arrived: bool,
    /// What it runs on, for people to know it again, such as "Firefox on Android".
    pub device: String,
    /// When it began.
    pub created_at: Millis,
    /// When it was last heard of; to within some minutes.
    pub used_at: Millis,
    /// When it ends by itself.
    pub ends_at: Millis,
}

/// A refresh token takes the place of another.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// The token that the browser showed.
    pub from: TokenHash,
    /// The token that it gets.
    pub to: TokenHash,
    /// Now.
    pub at: Millis,
    /// When `from` must have been replaced at the latest, if it is the previous one.
    pub since: Millis,
    /// When the session ends by itself from here on.
    pub ends_at: Millis,
}

/// Which sessions of an account to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// This one.
    One(SessionId),
    /// All but this one.
    Others(SessionId),
    /// All.
    All,
}

/// The sessions of a store.
#[async_trait]
pub trait Sessions {
    /// Keeps a new session of an account that is there. It is in order with
    /// [`replace_password`](super::Accounts::replace_password): that ends this one, too, or the session begins after it.
    async fn begin_session(&self, session: &SessionRecord) -> Result<()>;

    /// The session with this id, if it has not ended by `now`, and its account. One question to the store: it is asked with
    /// every request.
    async fn session(&self, id: SessionId, now: Millis) -> Result<(SessionRecord, AccountRecord)>;

    /// Replaces the refresh token that `from` leads to with `to`. `from` is the good one, or the one before it, if that was
    /// replaced by `since` or earlier and the good one has not arrived. Of two who try at once, one is answered with
    /// [`NotFound`](super::StoreError::NotFound). `from` becomes the previous one as of `rotation.at`, when the session was
    /// heard of.
    async fn rotate_session(&self, id: SessionId, rotation: &Rotation) -> Result<()>;

    /// Notes that the browser got this refresh token. Nothing happens if it is not the good one any more.
    async fn note_arrival(&self, id: SessionId, refresh: TokenHash) -> Result<()>;

    /// Notes that a session was heard of. Nothing happens if it is unknown.
    async fn touch_session(&self, id: SessionId, at: Millis) -> Result<()>;

    /// The sessions of an account that have not ended by `now`, the last used first.
    async fn sessions(&self, account: AccountId, now: Millis) -> Result<Vec<SessionRecord>>;

    /// Ends sessions of an account; says which it ended.
    async fn end_sessions(&self, account: AccountId, which: Ending) -> Result<Vec<SessionId>>;

    /// Which of these sessions are not there any more at `now`. One question to the store, and almost always an empty answer:
    /// every node asks it again and again of all sessions whose sockets it holds.
    async fn ended_sessions(&self, sessions: &[SessionId], now: Millis) -> Result<Vec<SessionId>>;

    /// Forgets sessions that ended before `now`; says how many.
    async fn forget_sessions(&self, now: Millis) -> Result<u64>;
}
