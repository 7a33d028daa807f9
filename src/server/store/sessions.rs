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
    /// What it runs on, for people to know it again, such as "Firefox on Android".
    pub device: String,
    /// When it began.
    pub created_at: Millis,
    /// When it was last heard of; to within some minutes.
    pub used_at: Millis,
    /// When it ends by itself.
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

    /// Replaces the refresh token `from` with `to`, if it still is the good one: of two who try at once, one is answered with
    /// [`NotFound`](super::StoreError::NotFound). `from` becomes the previous one as of `at`, when the session was heard of.
    async fn rotate_session(
        &self,
        id: SessionId,
        from: TokenHash,
        to: TokenHash,
        at: Millis,
        ends_at: Millis,
    ) -> Result<()>;

    /// Notes that a session was heard of. Nothing happens if it is unknown.
    async fn touch_session(&self, id: SessionId, at: Millis) -> Result<()>;

    /// The sessions of an account that have not ended by `now`, the last used first.
    async fn sessions(&self, account: AccountId, now: Millis) -> Result<Vec<SessionRecord>>;

    /// Ends sessions of an account; says which it ended.
    async fn end_sessions(&self, account: AccountId, which: Ending) -> Result<Vec<SessionId>>;

    /// Which of these sessions are still there at `now`. One question to the store: every node asks it each second of
    /// those whose sockets it holds.
    async fn living_sessions(&self, sessions: &[SessionId], now: Millis) -> Result<Vec<SessionId>>;

    /// Forgets sessions that ended before `now`; says how many.
    async fn forget_sessions(&self, now: Millis) -> Result<u64>;
}
