//! Tokens: what a mail carries to prove that somebody reads it. Kept as a keyed hash only.
//!
//! Of links a holder has several at once, so that nobody makes somebody else's worthless by asking for another; a newer code
//! voids the older. A code or a link for a new password that was used is remembered for a while, so that pressing a button
//! twice is no failure.

use std::time::Duration;

use async_trait::async_trait;

use super::{ActorId, MailRecord, Result, TokenHash};
use crate::protocol::{Email, Millis};

/// How long a code that was used is known again.
pub const CODE_AGAIN: Duration = Duration::from_mins(1);

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To prove an address: the first, or another.
    Verify,
    /// To set a new password without the old one.
    Reset,
    /// To log in: a code.
    LogIn,
    /// To confirm what cannot be undone: a code.
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

    /// Its name in the store once it was used.
    pub(super) const fn as_used(self) -> &'static str {
        match self {
            Self::Verify => "used_verify",
            Self::Reset => "used_reset",
            Self::LogIn => "used_log_in",
            Self::Confirm => "used_confirm",
            Self::KeepRoom => "used_keep_room",
        }
    }

    /// How many are good at once for one holder.
    pub const fn at_once(self) -> u8 {
        match self {
            Self::Verify | Self::Reset | Self::KeepRoom => 5,
            Self::LogIn | Self::Confirm => 1,
        }
    }

    /// Whether the oldest gives way to one more. Where strangers can ask, it does not: then there are that many good ones in
    /// the owner's mailbox.
    pub const fn gives_way(self) -> bool {
        !matches!(self, Self::Reset)
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
    /// It was right a moment ago, for the same holder.
    Again,
    /// It is wrong; this many tries are left. With none left it is gone.
    Wrong(u8),
    /// There is none, or it has ended.
    None,
}

/// The tokens of a store.
#[async_trait]
pub trait Tokens {
    /// Keeps a token, and puts its mail, if it has one, into the outbox: both or neither. Neither, and `false`, if the holder
    /// has [as many](Purpose::at_once) that are good at `now`, and none [gives way](Purpose::gives_way).
    async fn put_token(&self, token: &TokenRecord, mail: Option<&MailRecord>, now: Millis) -> Result<bool>;

    /// The token with this hash, if it has not ended by `now`; it stays.
    async fn token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord>;

    /// The token with this hash that was used, if it would not have ended by `now`.
    async fn used_token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord>;

    /// Takes the token with this hash, if it has not ended by `now`. Of many who try at once one gets it.
    async fn take_token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord>;

    /// Tries a code: if it is right it is used, and known again for [`CODE_AGAIN`]; else the try is counted, and after `tries` of them the token is gone. Many
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
