//! Tokens: the secrets in mails, which prove that a person reads the mailbox. A token is the secret of a link, or a
//! short code that the person types. Only hashes are stored; the hash of a code is keyed.
//!
//! A holder may have several valid links at once, so that nobody can invalidate another person's link by requesting a
//! new one. A new code replaces the previous one. A used code, and a used link for a new password, is remembered for a
//! while as used, so that pressing a button twice is no failure.

use std::time::Duration;

use async_trait::async_trait;

use super::{ActorId, MailRecord, Result, TokenHash};
use crate::protocol::{Email, Millis};

/// How long a used code is recognised ([`CodeCheck::Again`]).
pub const CODE_AGAIN: Duration = Duration::from_mins(1);

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A link to prove an address, the first one or another.
    Verify,
    /// A link to set a new password without the old one.
    Reset,
    /// A code to log in.
    LogIn,
    /// A code to confirm an action that cannot be undone.
    Confirm,
    /// A link for a guest, to come back to a room and register.
    KeepRoom,
}

impl Purpose {
    /// Returns the purpose's name in the store.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::LogIn => "log_in",
            Self::Confirm => "confirm",
            Self::KeepRoom => "keep_room",
        }
    }

    /// Returns the purpose's name in the store for used tokens.
    pub(super) const fn as_used(self) -> &'static str {
        match self {
            Self::Verify => "used_verify",
            Self::Reset => "used_reset",
            Self::LogIn => "used_log_in",
            Self::Confirm => "used_confirm",
            Self::KeepRoom => "used_keep_room",
        }
    }

    /// Returns how many tokens of this purpose one holder may have at once.
    pub const fn at_once(self) -> u8 {
        match self {
            Self::Verify | Self::Reset | Self::KeepRoom => 5,
            Self::LogIn | Self::Confirm => 1,
        }
    }

    /// Returns whether a new token replaces the oldest one if the holder has [as many](Self::at_once) already. Not for
    /// `Reset`, which strangers can request for somebody else: then the owner's mailbox has that many valid links
    /// anyway.
    pub const fn gives_way(self) -> bool {
        !matches!(self, Self::Reset)
    }
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// What the token is for.
    pub purpose: Purpose,
    /// The guest or account that the token belongs to.
    pub holder: ActorId,
    /// The hash of the link's or the code's secret.
    pub hash: TokenHash,
    /// The address that the token was sent to.
    pub email: Email,
    /// How many wrong codes were tried.
    pub tries: u8,
    /// When the token expires.
    pub ends_at: Millis,
}

/// The outcome of trying a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeCheck {
    /// The code is right, and is used up by this call.
    Right,
    /// The code is right, and the same holder used it a moment ago (see [`CODE_AGAIN`]).
    Again,
    /// The code is wrong. This many tries are left; with none left the token is deleted.
    Wrong(u8),
    /// The holder has no code for this purpose, or it has expired.
    None,
}

/// Storage of tokens.
#[async_trait]
pub trait Tokens {
    /// Stores a token, and puts its mail, if any, into the outbox: both or neither. Stores neither and returns `false`
    /// if the holder has [as many](Purpose::at_once) tokens that are valid at `now`, and none [gives
    /// way](Purpose::gives_way).
    async fn put_token(&self, token: &TokenRecord, mail: Option<&MailRecord>, now: Millis) -> Result<bool>;

    /// Returns the token with this hash, if it has not expired at `now`. Does not use it up.
    async fn token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord>;

    /// Returns the used token with this hash, if it would not have expired at `now`.
    async fn used_token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord>;

    /// Deletes and returns the token with this hash, if it has not expired at `now`. Of concurrent callers one gets it.
    async fn take_token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord>;

    /// Tries a code. A right code is used up, and recognised again for [`CODE_AGAIN`]. A wrong code counts as one try,
    /// and after `tries` of them the token is deleted. Concurrent tries are counted one by one.
    async fn try_code(
        &self,
        purpose: Purpose,
        holder: ActorId,
        hash: TokenHash,
        tries: u8,
        now: Millis,
    ) -> Result<CodeCheck>;

    /// Deletes tokens that expired before `now`. Returns their number.
    async fn forget_tokens(&self, now: Millis) -> Result<u64>;
}
