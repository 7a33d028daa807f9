//! Accounts in MongoDB.

use anyhow::anyhow;
use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{self, Document, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        AccountChange, AccountId, AccountRecord, Accounts, ActorId, Adopted, Conflict, GuestId, Holders, MailRecord,
        MemberRecord, NewPassword, PasswordHash, Presence, Result, RoomId, RoomRecord, SessionId, StoreError,
        TokenRecord,
        members::{Joined, join_records},
    },
    Attempt, Failure, LONG_PATIENCE, Mongo, PATIENCE, binary, duplicate, indexes,
    members::{ActorKind, MemberDocument, actor_fields, by_id},
    transaction, uuid, within,
};
use crate::protocol::{Email, MessageBody, Millis, Nickname, Preferences};

#[derive(Serialize, Deserialize)]
pub(super) struct AccountDocument {
    #[serde(rename = "_id")]
    id: bson::Uuid,
    // Partial indexes ask whether the field exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claimed: Option<Email>,
    /// Counts the claims of an address, so that the last one is known.
    claim: i64,
    name: Nickname,
    password: Option<String>,
    preferences: Preferences,
    created_at: Millis,
    /// Counts what may not cross a deletion: see [`Mongo::hold_actor`].
    holds: i64,
}

#[async_trait]
impl Accounts for Mongo {
    async fn create_account(
        &self,
        account: &AccountRecord,
        token: Option<&TokenRecord>,
        mail: &MailRecord,
    ) -> Result<()> {
        within(PATIENCE, async {
            let made = transaction!(self, |session| self.try_create_account(session, account, token, mail));
            made.map_err(taken)
        })
        .await
    }

    async fn accounts_after(&self, after: Option<AccountId>, limit: usize) -> Result<Vec<AccountRecord>> {
        within(LONG_PATIENCE, async {
            let after = after.map_or_else(Document::new, |account| doc! { "_id": { "$gt": binary(account.0) } });
            let found = self.accounts.find(after).sort(doc! { "_id": 1 }).limit(super::limit(limit)).await?;
            Ok(found.map_ok(AccountRecord::from).try_collect().await?)
        })
        .await
    }

    async fn account(&self, id: AccountId) -> Result<AccountRecord> {
        within(PATIENCE, async {
            let account = self.accounts.find_one(by_account(id)).await?;
            account.map(Into::into).ok_or(StoreError::NotFound)
        })
        .await
    }

    async fn holders(&self, email: &Email) -> Result<Holders> {
        within(PATIENCE, async {
            let last_claim = [
                doc! { "$match": { "claimed": email.as_str() } },
                doc! { "$sort": { "claimed": -1, "claim": -1, "_id": -1 } },
                doc! { "$limit": 1 },
                doc! { "$replaceWith": { "claimed": "$$ROOT" } },
            ];
            let found = self.accounts.aggregate([
                doc! { "$match": { "email": email.as_str() } },
                doc! { "$replaceWith": { "proved": "$$ROOT" } },
                doc! { "$unionWith": { "coll": "accounts", "pipeline": last_claim.to_vec() } },
            ]);
            let mut found = found.with_type::<Holder>().await?;
            let mut holders = Holders::default();
            while let Some(Holder { proved, claimed }) = found.try_next().await? {
                holders.proved = holders.proved.or(proved.map(Into::into));
                holders.claimed = holders.claimed.or(claimed.map(Into::into));
            }
            Ok(holders)
        })
        .await
    }

    async fn change_account(
        &self,
        id: AccountId,
        change: &AccountChange,
        mail: Option<&MailRecord>,
    ) -> Result<AccountRecord> {
        within(PATIENCE, async {
            transaction!(self, |session| self.try_change_account(session, id, change, mail)).map_err(taken)
        })
        .await
    }

    async fn replace_password(&self, id: AccountId, new: &NewPassword) -> Result<Vec<SessionId>> {
        within(PATIENCE, async {
            transaction!(self, |session| self.try_replace_password(session, id, new)).map_err(taken)
        })
        .await
    }

    async fn claim_email(
        &self,
        id: AccountId,
        email: &Email,
        token: &TokenRecord,
        mail: &MailRecord,
    ) -> Result<AccountRecord> {
        within(PATIENCE, async {
            Ok(transaction!(self, |session| self.try_claim_email(session, id, email, token, mail))?)
        })
        .await
    }

    async fn adopt_guest(&self, guest: GuestId, account: AccountId, at: Millis) -> Result<Adopted> {
        within(PATIENCE, async { Ok(transaction!(self, |session| self.try_adopt_guest(session, guest, account, at))?) })
            .await
    }

    async fn disown_events(
        &self,
        id: AccountId,
        name: &Nickname,
        instead: Option<&MessageBody>,
    ) -> Result<Vec<RoomId>> {
        let places = within(PATIENCE, async {
            let records = doc! { "actor": binary(id.0), "actor_kind": ActorKind::Account };
            let found = self.members.find(records).await?;
            Ok(found.map_ok(MemberRecord::from).try_collect::<Vec<_>>().await?)
        });
        let mut changed = Vec::new();
        for record in places.await? {
            let disowned = within(PATIENCE, async {
                Ok(transaction!(self, |session| self.try_disown(session, &record, name, instead))?)
            });
            if disowned.await? {
                changed.push(record.room);
            }
        }
        Ok(changed)
    }

    async fn delete_account(&self, id: AccountId, name: &Nickname) -> Result<()> {
        within(PATIENCE, async { Ok(transaction!(self, |session| self.try_delete_account(session, id, name))?) }).await
    }
}

/// One who may log in by an address, as either.
#[derive(Deserialize)]
struct Holder {
    proved: Option<AccountDocument>,
    claimed: Option<AccountDocument>,
}

impl Mongo {
    async fn try_create_account(
        &self,
        session: &mut ClientSession,
        account: &AccountRecord,
        token: Option<&TokenRecord>,
        mail: &MailRecord,
    ) -> Attempt<()> {
        let claim = match &account.claimed {
            Some(email) => self.next_claim(session, email).await?,
            None => 0,
        };
        self.accounts.insert_one(AccountDocument::new(account.clone(), claim)).session(&mut *session).await?;
        if let Some(token) = token {
            self.keep_token(session, token).await?;
        }
        self.keep_mail(session, mail).await
    }

    async fn try_claim_email(
        &self,
        session: &mut ClientSession,
        id: AccountId,
        email: &Email,
        token: &TokenRecord,
        mail: &MailRecord,
    ) -> Attempt<AccountRecord> {
        let claim = AccountChange::Claimed(email.clone());
        let account = self.try_change_account(session, id, &claim, Some(mail)).await?;
        self.keep_token(session, token).await?;
        Ok(account)
    }

    async fn try_change_account(
        &self,
        session: &mut ClientSession,
        id: AccountId,
        change: &AccountChange,
        mail: Option<&MailRecord>,
    ) -> Attempt<AccountRecord> {
        let set = match change {
            AccountChange::Proved(email) => {
                let claims = doc! { "claimed": email.as_str() };
                let unclaim = doc! { "$unset": { "claimed": "" } };
                self.accounts.update_many(claims, unclaim).session(&mut *session).await?;
                doc! { "email": email.as_str() }
            }
            AccountChange::Claimed(email) => {
                doc! { "claimed": email.as_str(), "claim": self.next_claim(session, email).await? }
            }
            AccountChange::Name(name) => doc! { "name": name.as_str() },
            AccountChange::Preferences(preferences) => {
                doc! { "preferences": bson::serialize_to_bson(preferences).map_err(anyhow::Error::from).map_err(StoreError::from)? }
            }
        };
        let changed = self.accounts.find_one_and_update(by_account(id), doc! { "$set": set });
        let changed = changed.return_document(ReturnDocument::After).session(&mut *session).await?;
        let account = changed.ok_or(StoreError::NotFound)?;
        if let Some(mail) = mail {
            self.keep_mail(session, mail).await?;
        }
        Ok(account.into())
    }

    async fn try_replace_password(
        &self,
        session: &mut ClientSession,
        id: AccountId,
        new: &NewPassword,
    ) -> Attempt<Vec<SessionId>> {
        if let Some(email) = &new.proved {
            self.try_change_account(session, id, &AccountChange::Proved(email.clone()), None).await?;
        }
        let set = doc! { "$set": { "password": new.password.as_ref().map(|password| &password.0) } };
        if self.accounts.update_one(by_account(id), set).session(&mut *session).await?.matched_count == 0 {
            return Err(StoreError::NotFound.into());
        }
        for mail in &new.mails {
            self.keep_mail(session, mail).await?;
        }
        self.try_end_sessions(session, id, new.ending).await
    }

    /// The number of the next claim of an address. Two who claim it at once may get the same; then either is the last.
    async fn next_claim(&self, session: &mut ClientSession, email: &Email) -> Attempt<i64> {
        let last = self.accounts.find_one(doc! { "claimed": email.as_str() });
        let last = last.sort(doc! { "claimed": -1, "claim": -1, "_id": -1 }).session(session).await?;
        Ok(last.map_or(0, |account| account.claim) + 1)
    }

    async fn try_adopt_guest(
        &self,
        session: &mut ClientSession,
        guest: GuestId,
        account: AccountId,
        at: Millis,
    ) -> Attempt<Adopted> {
        self.hold_actor(session, ActorId::Account(account)).await?;
        let forgotten = self.guests.delete_one(doc! { "_id": binary(guest.0) }).session(&mut *session).await?;
        if forgotten.deleted_count == 0 {
            return Ok(Adopted::Nothing);
        }
        self.tokens.delete_many(doc! { "holder": binary(guest.0) }).session(&mut *session).await?;
        let guests = self.memberships(session, ActorId::Guest(guest)).await?;
        let own = self.memberships(session, ActorId::Account(account)).await?;
        let mut adopted = Adopted::Nothing;
        for record in guests {
            let was_active = record.presence == Presence::Active;
            let own = own.iter().find(|own| own.room == record.room).cloned();
            let became = self.take_over(session, record, own, account, at).await?;
            if was_active {
                adopted = became;
            }
        }
        Ok(adopted)
    }

    /// Makes a guest's record an account's, or joins it to its own in that room.
    async fn take_over(
        &self,
        session: &mut ClientSession,
        mut record: MemberRecord,
        own: Option<MemberRecord>,
        account: AccountId,
        at: Millis,
    ) -> Attempt<Adopted> {
        let Some(own) = own else {
            record.actor = ActorId::Account(account);
            self.keep_member(session, &record).await?;
            return Ok(Adopted::Member(record));
        };
        let room = self.rooms.find_one(doc! { "_id": binary(record.room.0) }).session(&mut *session).await?;
        let owner = RoomRecord::from(room.ok_or(StoreError::NotFound)?).owner;
        Ok(match join_records(record, own, owner, at) {
            Joined::AsGuest { own, before } => {
                // Their persons change places, and no two records may be of one person for a moment.
                self.members.delete_one(by_id(before.room, before.member)).session(&mut *session).await?;
                self.keep_member(session, &own).await?;
                self.members.insert_one(MemberDocument::from(before)).session(session).await?;
                Adopted::Member(own)
            }
            Joined::AsAccount { own, guest } => {
                self.keep_member(session, &own).await?;
                self.keep_member(session, &guest).await?;
                self.touch_room(session, guest.room, guest.changed_at).await?;
                Adopted::Left(guest)
            }
        })
    }

    async fn keep_member(&self, session: &mut ClientSession, record: &MemberRecord) -> Attempt<()> {
        let document = MemberDocument::from(record.clone());
        self.members.replace_one(by_id(record.room, record.member), document).session(session).await?;
        Ok(())
    }

    /// All records of somebody.
    async fn memberships(&self, session: &mut ClientSession, actor: ActorId) -> Attempt<Vec<MemberRecord>> {
        let (kind, actor) = actor_fields(actor);
        let mut found = self.members.find(doc! { "actor": actor, "actor_kind": kind }).session(&mut *session).await?;
        Ok(found.stream(session).map_ok(MemberRecord::from).try_collect().await?)
    }

    /// Tells what a member said apart from who they were. Says whether there was anything.
    async fn try_disown(
        &self,
        session: &mut ClientSession,
        record: &MemberRecord,
        name: &Nickname,
        instead: Option<&MessageBody>,
    ) -> Attempt<bool> {
        let room = binary(record.room.0);
        let members = || doc! { "$in": record.ids().map(|id| id.get().cast_signed()).collect::<Vec<_>>() };
        let mut message = doc! { "kind.author.name": name.as_str() };
        if let Some(instead) = instead {
            message.insert("kind.body", instead.as_str());
        }
        let changes = [
            (doc! { "room": room, "author": members() }, message),
            (doc! { "room": room, "kind.member.id": members() }, doc! { "kind.member.name": name.as_str() }),
            (doc! { "room": room, "kind.by.id": members() }, doc! { "kind.by.name": name.as_str() }),
        ];
        let mut any = false;
        for (of_member, change) in changes {
            let update = self.events.update_many(of_member, doc! { "$set": change });
            any |= update.session(&mut *session).await?.matched_count > 0;
        }
        Ok(any)
    }

    async fn try_delete_account(&self, session: &mut ClientSession, id: AccountId, name: &Nickname) -> Attempt<()> {
        if self.accounts.delete_one(by_account(id)).session(&mut *session).await?.deleted_count == 0 {
            return Err(StoreError::NotFound.into());
        }
        let records = doc! { "actor": binary(id.0), "actor_kind": ActorKind::Account };
        let mut active = records.clone();
        active.insert("presence", "active");
        if self.members.find_one(active).session(&mut *session).await?.is_some() {
            return Err(StoreError::from(anyhow!("the account is in a room still")).into());
        }
        let rename = doc! { "$set": { "name": name.as_str() } };
        for record in self.memberships(session, ActorId::Account(id)).await? {
            for member in &record.also {
                self.members.update_one(by_id(record.room, *member), rename.clone()).session(&mut *session).await?;
            }
        }
        self.members.update_many(records, rename).session(&mut *session).await?;
        let of_account = doc! { "account": binary(id.0) };
        self.sessions.delete_many(of_account.clone()).session(&mut *session).await?;
        self.tokens.delete_many(doc! { "holder": binary(id.0) }).session(&mut *session).await?;
        self.mails.delete_many(of_account).session(session).await?;
        Ok(())
    }

    /// Says [`NotFound`](StoreError::NotFound) of an account that is not there. Whoever deletes it at the same time conflicts
    /// with this transaction, so that nobody comes in who was deleted.
    pub(super) async fn hold_actor(&self, session: &mut ClientSession, actor: ActorId) -> Attempt<()> {
        let ActorId::Account(account) = actor else { return Ok(()) };
        let hold = doc! { "$inc": { "holds": 1_i64 } };
        let found = self.accounts.update_one(by_account(account), hold).session(session).await?;
        if found.matched_count == 0 { Err(StoreError::NotFound.into()) } else { Ok(()) }
    }
}

fn by_account(id: AccountId) -> Document {
    doc! { "_id": binary(id.0) }
}

/// The conflict, if another account has the address.
fn taken(failure: Failure) -> StoreError {
    match &failure {
        Failure::Driver(error) if matches!(duplicate(error), Some((_, indexes::ACCOUNTS_EMAIL))) => {
            Conflict::EmailTaken.into()
        }
        _ => failure.into(),
    }
}

impl AccountDocument {
    fn new(account: AccountRecord, claim: i64) -> Self {
        Self {
            id: binary(account.id.0),
            email: account.email,
            claimed: account.claimed,
            claim,
            name: account.name,
            password: account.password.map(|password| password.0),
            preferences: account.preferences,
            created_at: account.created_at,
            holds: 0,
        }
    }
}

impl From<AccountDocument> for AccountRecord {
    fn from(document: AccountDocument) -> Self {
        Self {
            id: AccountId(uuid(document.id)),
            email: document.email,
            claimed: document.claimed,
            name: document.name,
            password: document.password.map(PasswordHash),
            preferences: document.preferences,
            created_at: document.created_at,
        }
    }
}
