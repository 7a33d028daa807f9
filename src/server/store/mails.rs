//! Mails: the outbox. A mail is written in the transaction of what causes it and leaves the outbox once a mail server took
//! it, so none is lost; a lease keeps two nodes from sending the same.
//!
//! No secret is in it: what a link or a code says is derived from the mail's id and the server's key when it is sent.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AccountId, GuestId, Result};
use crate::protocol::{Email, Language, Millis, Nickname, RoomCode};

/// A mail, for ever: also its `Message-ID`, by which a mail server can tell that it has it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailId(pub Uuid);

/// What a mail says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Letter {
    /// Follow the link to prove this address.
    Verify,
    /// Somebody, perhaps you, registered by this address, which has an account already.
    HasAccount,
    /// The code to log in.
    LogInCode,
    /// The code to confirm what cannot be undone.
    ConfirmCode,
    /// Follow the link to set a new password.
    Reset,
    /// The password was changed.
    PasswordChanged,
    /// The address was changed to another; sent to the one before.
    AddressChanged,
    /// Follow the link to keep this room and register.
    KeepRoom {
        /// Which room.
        code: RoomCode,
    },
}

impl Letter {
    /// Whether somebody waits for it in front of a form, for the few minutes that it is good.
    pub const fn is_urgent(&self) -> bool {
        matches!(self, Self::LogInCode | Self::ConfirmCode)
    }

    /// How long it is of use: as long as the link or the code in it is good, and a day if it has none.
    pub const fn life(&self) -> Duration {
        match self {
            Self::LogInCode | Self::ConfirmCode => Duration::from_mins(5),
            Self::Reset => Duration::from_mins(30),
            Self::Verify | Self::HasAccount | Self::PasswordChanged | Self::AddressChanged | Self::KeepRoom { .. } => {
                Duration::from_hours(24)
            }
        }
    }
}

/// A mail that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRecord {
    /// Which.
    pub id: MailId,
    /// Whose account it is about, if any; it goes with the account.
    pub account: Option<AccountId>,
    /// Which guest it is for, if any; it goes with the guest.
    pub guest: Option<GuestId>,
    /// Where to.
    pub to: Email,
    /// How to address the reader.
    pub name: Nickname,
    /// In which language.
    pub language: Language,
    /// What it says.
    pub letter: Letter,
    /// Which of the server's keys makes the secret in it.
    pub key: String,
    /// When it was written.
    pub created_at: Millis,
    /// When it is to be sent; a lease moves it into the future.
    pub due_at: Millis,
    /// How often sending it was begun.
    pub attempts: u32,
}

/// The outbox of a store.
#[async_trait]
pub trait Mails {
    /// Puts a mail into the outbox that nothing else has to be written with.
    async fn put_mail(&self, mail: &MailRecord) -> Result<()>;

    /// Up to `limit` mails that are due at `now`: urgent ones first, and of those and the others the oldest first. Each is leased until `until`: it is due again only then,
    /// and its attempts count one more. Of many who ask at once each mail goes to one.
    async fn lease_mails(&self, now: Millis, until: Millis, limit: usize) -> Result<Vec<MailRecord>>;

    /// A mail has been sent, or never can be. It leaves the outbox.
    async fn finish_mail(&self, mail: MailId) -> Result<()>;

    /// A mail could not be sent now; it is due again at `due_at`.
    async fn postpone_mail(&self, mail: MailId, due_at: Millis) -> Result<()>;
}
