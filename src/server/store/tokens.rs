//! Tokens: what a mail carries to prove that somebody reads it. Kept as a keyed hash only; a newer one of the same purpose
//! and holder voids the older.

use async_trait::async_trait;

use super::{ActorId, MailRecord, Result, TokenHash};
use crate::protocol::{Email, Millis};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To prove an address: the first, or another.
    Verify,
    /// To set a new password without the old one.
    Reset,
    /// To log in: a code of six digits.
    LogIn,
    /// To confirm what cannot be undone: a code of six digits.
    Confirm,
    /// To come back to a guest's room, and register.
    KeepRoom,
}

impl Purpose {
    /// Its name in the store.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::LogIn => "log_in",
            Self::Confirm => "confirm",
            Self::KeepRoom => "keep_room",
        }
    }
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// What for.
    pub purpose: Purpose,
    /// Whose.
    pub holder: ActorId,
    /// What proves it.
    pub hash: TokenHash,
    /// Where it was sent.
    pub email: Email,
    /// How often a wrong one was tried instead.
    pub tries: u8,
    /// When it ends.
    pub ends_at: Millis,
}

/// What came of trying a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeCheck {
    /// It is right, and used up.
    Right,
    /// It is wrong; this many tries are left. With none left it is gone.
    Wrong(u8),
    /// There is none, or it has ended.
    None,
}

/// The tokens of a store.
#[async_trait]
pub trait Tokens {
    /// Keeps a token in place of an older one of its purpose and holder, and puts its mail, if it has one, into the outbox:
    /// both or neither.
    async fn put_token(&self, token: &TokenRecord, mail: Option<&MailRecord>) -> Result<()>;

    /// The token with this hash, if it has not ended by `now`; it stays.
    async fn token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord>;

    /// Takes the token with this hash, if it has not ended by `now`. Of many who try at once one gets it.
    async fn take_token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord>;

    /// Tries a code: if it is right it is taken, else the try is counted, and after `tries` of them the token is gone. Many
    /// who try at once are counted one by one.
    async fn try_code(
        &self,
        purpose: Purpose,
        holder: ActorId,
        hash: TokenHash,
        tries: u8,
        now: Millis,
    ) -> Result<CodeCheck>;

    /// Forgets tokens that ended before `now`; says how many.
    async fn forget_tokens(&self, now: Millis) -> Result<u64>;
}
