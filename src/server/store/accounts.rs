//! Accounts: persons who register with an email address, and so can come back from any browser.
//!
//! An address is first *claimed* and then *proved*. Registering claims it. Following the link in a mail proves it, and
//! from then on the address belongs to that account alone. Any number of accounts may claim the same address at once.
//! So registering does not reveal who else has an account here, and nobody can keep an address from its owner by
//! claiming it. `docs/decisions/0012-accounts-and-claims.md` has the details.
//!
//! What belongs together (an account, its token, its mail) is written by one method in one transaction. When a guest
//! registers, the account *adopts* the guest: it takes over the guest's memberships ([`Accounts::adopt_guest`]). Not
//! here: checking passwords and codes (`domain/`).

use async_trait::async_trait;

use super::{
    AccountId, AccountRecord, Ending, GuestId, MailRecord, MemberRecord, PasswordHash, Result, RoomId, SessionId,
    TokenHash, TokenRecord,
};
use crate::protocol::{Email, MessageBody, Millis, Nickname, Preferences};

/// One change of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountChange {
    /// The account has proved this address: sets `email`, and ends the claims of all accounts to this address.
    /// Conflict: [`EmailTaken`](super::Conflict::EmailTaken).
    Proved(Email),
    /// The account claims this address as of this time. Claiming the same address again changes nothing, the time
    /// included.
    Claimed(Email, Millis),
    /// The account ends its claim.
    Unclaimed,
    /// Sets the name.
    Name(Nickname),
    /// Sets the preferences.
    Preferences(Preferences),
}

/// A new password, and everything that is written in the same transaction.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// The hash of the new password; `None` removes the password.
    pub password: Option<PasswordHash>,
    /// The address that this change also proves, as [`AccountChange::Proved`] does.
    pub proved: Option<Email>,
    /// The sessions that end together with the old password.
    pub ending: Ending,
    /// The mails that report the change.
    pub mails: Vec<MailRecord>,
    /// The link for a new password that the person followed, and the time now. The link must be unused and not expired,
    /// or nothing is written. Whether it is given or not, all such links of the account are used up.
    pub followed: Option<(TokenHash, Millis)>,
    /// A link for a new password that is stored after the others are used up.
    pub token: Option<TokenRecord>,
}

impl NewPassword {
    /// Removes the password and ends all sessions of the account.
    pub fn none() -> Self {
        Self { password: None, proved: None, ending: Ending::All, mails: Vec::new(), followed: None, token: None }
    }
}

/// The accounts that may log in with an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// The account that has proved the address.
    pub proved: Option<AccountRecord>,
    /// The account that claimed the address first, of those that claim it now.
    pub first: Option<AccountRecord>,
    /// The account that claimed it last, unless that is `first`.
    pub last: Option<AccountRecord>,
}

impl Holders {
    /// Returns the account that a mail to this address may give access to: the one that proved it, else the one that
    /// claimed it first. So a stranger who claims the address later gets no precedence.
    pub fn reached(self) -> Option<AccountRecord> {
        self.proved.or(self.first)
    }
}

/// An account to create, and everything that is written in the same transaction.
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    /// The account.
    pub account: &'a AccountRecord,
    /// The token that proves the account's address.
    pub token: &'a TokenRecord,
    /// The mail with the token, or, if the address has an account already, a mail that says so. `None` if no more mails
    /// may be sent to this mailbox.
    pub mail: Option<&'a MailRecord>,
    /// The guest sessions that the account adopts.
    pub guests: &'a [GuestId],
}

/// What happened to the active membership of a guest whom an account adopted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// The guest was active in no room.
    Nothing,
    /// The membership belongs to the account. This is its record.
    Member(MemberRecord),
    /// The guest's membership ended, because the account is in that room itself or was removed from it. This is the
    /// guest's record, which owes the notice that the guest left.
    Left(MemberRecord),
}

/// Storage of accounts.
#[async_trait]
pub trait Accounts {
    /// Returns up to `limit` accounts with ids greater than `after`, ordered by id.
    async fn accounts_after(&self, after: Option<AccountId>, limit: usize) -> Result<Vec<AccountRecord>>;

    /// Creates an account with all that comes with it, and adopts its guests (as [`adopt_guest`](Self::adopt_guest)
    /// does), in one transaction: all of it is written, or nothing. Returns one [`Adopted`] for each guest. Conflicts:
    /// [`Registered`](super::Conflict::Registered), [`EmailTaken`](super::Conflict::EmailTaken).
    async fn register(&self, registration: &Registration<'_>) -> Result<Vec<Adopted>>;

    /// Returns the account with this id.
    async fn account(&self, id: AccountId) -> Result<AccountRecord>;

    /// Returns the accounts that may log in with an address, in one call to the store.
    async fn holders(&self, email: &Email) -> Result<Holders>;

    /// Changes an account, and puts the mail that reports the change into the outbox; both or neither. Returns the
    /// account after the change.
    async fn change_account(
        &self,
        id: AccountId,
        change: &AccountChange,
        mail: Option<&MailRecord>,
    ) -> Result<AccountRecord>;

    /// Sets another password with all that comes with it, or writes nothing. So a person who knew the old password
    /// loses access at the same moment. Returns the sessions that ended. `NotFound`: no such account, or the followed
    /// link is unknown, used or expired. Conflict: [`EmailTaken`](super::Conflict::EmailTaken).
    async fn replace_password(&self, id: AccountId, new: &NewPassword) -> Result<Vec<SessionId>>;

    /// Claims an address for an account as of `at`, with the token that proves it and the mail that carries the token.
    /// All of it is written, or nothing. Returns the account after the change.
    async fn claim_email(
        &self,
        id: AccountId,
        (email, at): (&Email, Millis),
        token: &TokenRecord,
        mail: Option<&MailRecord>,
    ) -> Result<AccountRecord>;

    /// Ends all claims that were made before `before` and are still not proved. Returns their number.
    async fn expire_claims(&self, before: Millis) -> Result<u64>;

    /// Returns up to `limit` accounts that nobody can ever log in to again: created before `before`, without a proved
    /// or claimed address, and without a session that is alive at `now`.
    async fn unreachable_accounts(&self, before: Millis, now: Millis, limit: usize) -> Result<Vec<AccountRecord>>;

    /// Turns a guest into an account, in one transaction: deletes the guest with its tokens and unsent mails, and gives
    /// its member records to the account, with member id and read position. In a room where the account has a record
    /// too, the two are merged (`join_records` in `members.rs`). Returns what happened to the guest's active
    /// membership. Nothing changes if the guest is unknown. `NotFound`: no such account.
    async fn adopt_guest(&self, guest: GuestId, account: AccountId, at: Millis) -> Result<Adopted>;

    /// Separates what an account wrote from the account, in one transaction for each room that it has a record in. Its
    /// name becomes `name` in every stored event, also of kinds that this version does not know. If `instead` is given,
    /// it replaces the texts that the account wrote. SQLite also empties its log, so that the old text is in no file.
    /// Returns the rooms that had such events. The call can be repeated.
    async fn anonymize_events(
        &self,
        id: AccountId,
        name: &Nickname,
        instead: Option<&MessageBody>,
    ) -> Result<Vec<RoomId>>;

    /// Deletes an account with its sessions, its tokens and its unsent mails, in one transaction. Its member records
    /// stay, and their name becomes `name`. The account must have left all rooms before: if a membership is active, the
    /// call fails and nothing is deleted.
    async fn delete_account(&self, id: AccountId, name: &Nickname) -> Result<()>;
}
