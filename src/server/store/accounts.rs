//! Accounts: people who come back.
//!
//! An address belongs to the account that proved it by a mail. Until then it is only claimed, and any number of accounts may
//! claim it: so whoever registers learns nothing about who else is here, and nobody can keep an address from its owner.

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Ending, GuestId, MailRecord, MemberRecord, Result, RoomId, SessionId, TokenHash, TokenRecord};
use crate::protocol::{Email, MessageBody, Millis, Nickname, Preferences};

/// An account. Never leaves the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub Uuid);

/// A password as it is kept: a PHC string of argon2id. It does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// Which.
    pub id: AccountId,
    /// The address they proved to read.
    pub email: Option<Email>,
    /// The address they say to read; proving it makes it `email`.
    pub claimed: Option<Email>,
    /// Since when they say so.
    pub claimed_at: Option<Millis>,
    /// What they are called.
    pub name: Nickname,
    /// Their password, if they have one.
    pub password: Option<PasswordHash>,
    /// What they chose.
    pub preferences: Preferences,
    /// When they registered.
    pub created_at: Millis,
}

/// What changes in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountChange {
    /// They proved to read this address: it is theirs, and whoever else claimed it claims it no longer.
    /// Conflict: [`EmailTaken`](super::Conflict::EmailTaken).
    Proved(Email),
    /// They say to read this address, as of then. Saying the same again changes nothing.
    Claimed(Email, Millis),
    /// They say no more to read another address.
    Unclaimed,
    /// They are called this now.
    Name(Nickname),
    /// They chose this.
    Preferences(Preferences),
}

/// Another password, and what has to come with it.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// The password; `None` if they have none from here on.
    pub password: Option<PasswordHash>,
    /// The address that is proved by it, as [`AccountChange::Proved`] says.
    pub proved: Option<Email>,
    /// The sessions that end with the old password.
    pub ending: Ending,
    /// The mails that tell of it.
    pub mails: Vec<MailRecord>,
    /// The link for a new password that was followed, and when. It must be good, and is used up with all others of the account,
    /// which are used up in any case.
    pub followed: Option<(TokenHash, Millis)>,
    /// A link for a new password that is good from here on.
    pub token: Option<TokenRecord>,
}

impl NewPassword {
    /// No password from here on, and no session that there was before.
    pub fn none() -> Self {
        Self { password: None, proved: None, ending: Ending::All, mails: Vec::new(), followed: None, token: None }
    }
}

/// The accounts that an address may log in to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// Who proved the address.
    pub proved: Option<AccountRecord>,
    /// Of those who claim it and have not proved it, who did so first.
    pub first: Option<AccountRecord>,
    /// Who did so last, if that is another.
    pub last: Option<AccountRecord>,
}

impl Holders {
    /// Whose mails to the address lead into an account: who proved it, else who claimed it first. So nobody who claims a
    /// stranger's address puts themselves before them.
    pub fn reached(self) -> Option<AccountRecord> {
        self.proved.or(self.first)
    }
}

/// An account that is to be made, and all that comes with it.
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    /// The account.
    pub account: &'a AccountRecord,
    /// The token that proves its address.
    pub token: &'a TokenRecord,
    /// The mail that carries the token, or one to somebody who has an account by that address; `None` if the mailbox has had
    /// enough.
    pub mail: Option<&'a MailRecord>,
    /// The guests that it was before.
    pub guests: &'a [GuestId],
}

/// What became of a guest's membership when the guest became an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// The guest was in no room.
    Nothing,
    /// The membership is the account's now.
    Member(MemberRecord),
    /// The account was in that room already: the guest's membership has ended, and owes its `Left`.
    Left(MemberRecord),
}

/// The accounts of a store.
#[async_trait]
pub trait Accounts {
    /// Makes an account with the token and the mail that prove its address: all or nothing.
    async fn create_account(
        &self,
        account: &AccountRecord,
        token: Option<&TokenRecord>,
        mail: Option<&MailRecord>,
    ) -> Result<()>;

    /// Up to `limit` accounts, in the order of their ids, after `after`.
    async fn accounts_after(&self, after: Option<AccountId>, limit: usize) -> Result<Vec<AccountRecord>>;

    /// Makes an account with all that comes with it, and gives it what the guests were (as [`adopt_guest`](Self::adopt_guest)
    /// does), in one transaction. Conflict: [`Registered`](super::Conflict::Registered).
    async fn register(&self, registration: &Registration<'_>) -> Result<Vec<Adopted>>;

    /// The account with this id.
    async fn account(&self, id: AccountId) -> Result<AccountRecord>;

    /// Who may log in by an address. One question to the store.
    async fn holders(&self, email: &Email) -> Result<Holders>;

    /// Changes an account, and puts the mail that tells of it into the outbox; both or neither. Gives the account as it is
    /// now.
    async fn change_account(
        &self,
        id: AccountId,
        change: &AccountChange,
        mail: Option<&MailRecord>,
    ) -> Result<AccountRecord>;

    /// Sets another password with all that comes with it, or nothing: whoever knew the old one is out at the same time. Gives
    /// the sessions that ended. `NotFound`: no such account, or the link that was followed is not good. Conflict:
    /// [`EmailTaken`](super::Conflict::EmailTaken).
    async fn replace_password(&self, id: AccountId, new: &NewPassword) -> Result<Vec<SessionId>>;

    /// Claims an address for an account as of `at`, with the token that proves it and the mail that carries it: all of it or
    /// nothing. Gives the account as it is now.
    async fn claim_email(
        &self,
        id: AccountId,
        (email, at): (&Email, Millis),
        token: &TokenRecord,
        mail: Option<&MailRecord>,
    ) -> Result<AccountRecord>;

    /// Ends claims that were made before `before` and never proved; says how many.
    async fn end_claims(&self, before: Millis) -> Result<u64>;

    /// Up to `limit` accounts that were made before `before`, that have no address and claim none, and no session at `now`:
    /// nobody can ever log in to them again.
    async fn unreachable_accounts(&self, before: Millis, now: Millis, limit: usize) -> Result<Vec<AccountRecord>>;

    /// Gives what a guest was to an account, and forgets the guest, in one transaction: every record of theirs in a room
    /// that the account has none in becomes the account's, member id and read state with it. Answers what became of the
    /// active one. Nothing happens if the guest is unknown.
    async fn adopt_guest(&self, guest: GuestId, account: AccountId, at: Millis) -> Result<Adopted>;

    /// Tells what an account said apart from it, wherever it is kept, in one transaction for each room: its name in every
    /// event of every room that it has a record in becomes `name`, and what its messages say becomes `instead`, if that is
    /// given. Gives the rooms. Can be done again.
    async fn disown_events(&self, id: AccountId, name: &Nickname, instead: Option<&MessageBody>)
    -> Result<Vec<RoomId>>;

    /// Deletes an account with its sessions, its tokens and the mails that were not sent yet, in one transaction; of its
    /// memberships, those that are active must have been left before, or nothing happens and it is an error. What its records
    /// say it was called becomes `name`.
    async fn delete_account(&self, id: AccountId, name: &Nickname) -> Result<()>;
}
