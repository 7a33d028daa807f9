//! Mails: the outbox. A mail is written in the same transaction as the change that causes it, and is deleted once a
//! mail server has accepted it, so no mail is lost. A lease keeps two nodes from sending the same mail.
//!
//! The outbox contains no secrets. The link or the code of a mail is derived from the mail's id and the server's key
//! when the mail is sent. The reasons are in `docs/decisions/0011-mail-outbox.md`.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AccountId, GuestId, Result};
use crate::protocol::{Email, Language, Millis, Nickname, RoomCode};

/// The id of a mail. It stays the same for every attempt and is also the `Message-ID`, by which a mail server can
/// recognise a mail that it has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailId(pub Uuid);

/// The kind of a mail, which decides its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Letter {
    /// A link that proves this address.
    Verify,
    /// Tells the reader that somebody, perhaps the reader, registered with this address, which has an account already.
    HasAccount,
    /// The code to log in.
    LogInCode,
    /// The code to confirm an action that cannot be undone.
    ConfirmCode,
    /// A link to set a new password.
    Reset,
    /// Reports that the password was changed.
    PasswordChanged,
    /// Reports that the address was changed to another. Sent to the address before.
    AddressChanged,
    /// A link for a guest, to come back to this room and register.
    KeepRoom {
        /// The code of the room.
        code: RoomCode,
    },
}

impl Letter {
    /// Returns whether a person waits for this mail in front of a form, during the few minutes that its code is valid.
    pub const fn is_urgent(&self) -> bool {
        matches!(self, Self::LogInCode | Self::ConfirmCode)
    }

    /// Returns how long the mail is of use: as long as the link or the code in it is valid, or a day if it has neither.
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
    /// The id of the mail.
    pub id: MailId,
    /// The account that the mail is about, if any. The mail is deleted with the account.
    pub account: Option<AccountId>,
    /// The guest that the mail is for, if any. The mail is deleted with the guest.
    pub guest: Option<GuestId>,
    /// The address of the recipient.
    pub to: Email,
    /// The name that the mail addresses the recipient by.
    pub name: Nickname,
    /// The language of the mail.
    pub language: Language,
    /// The kind of the mail.
    pub letter: Letter,
    /// The id of the server's key from which the secret in the mail is derived.
    pub key: String,
    /// When the mail was written.
    pub created_at: Millis,
    /// When the mail is to be sent. A lease moves this into the future.
    pub due_at: Millis,
    /// How many attempts to send the mail have begun.
    pub attempts: u32,
}

/// Storage of the outbox.
#[async_trait]
pub trait Mails {
    /// Puts a mail into the outbox when nothing else has to be written in the same transaction.
    async fn put_mail(&self, mail: &MailRecord) -> Result<()>;

    /// Leases up to `limit` mails that are due at `now`: urgent ones first, and oldest first among the urgent ones and
    /// among the others. The lease sets `due_at` to `until`, so that the mail is due again only then, and adds one to
    /// `attempts`. Of concurrent callers only one gets each mail.
    async fn lease_mails(&self, now: Millis, until: Millis, limit: usize) -> Result<Vec<MailRecord>>;

    /// Removes a mail from the outbox, because it was sent or can never be sent.
    async fn finish_mail(&self, mail: MailId) -> Result<()>;

    /// Returns how many mails are in the outbox.
    async fn count_mails(&self) -> Result<usize>;

    /// Makes a mail due again at `due_at`, because it could not be sent this time.
    async fn postpone_mail(&self, mail: MailId, due_at: Millis) -> Result<()>;
}
