//! Accounts in MongoDB: implements [`Accounts`], where each method is described.

use anyhow::anyhow;
use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{self, Document, doc},
    options::ReturnDocument,
};
use serde::Deserialize;

use super::{
    super::{
        AccountChange, AccountId, AccountRecord, Accounts, ActorId, Adopted, Conflict, GuestId, Holders, MailRecord,
        MemberRecord, NewPassword, Registration, Result, RoomId, SessionId, StoreError, TokenRecord, in_ascii,
    },
    Attempt, Failure, LONG_PATIENCE, Mongo, PATIENCE, binary,
    documents::{AccountDocument, ActorKind, EventDocument, by_account, kind_document},
    duplicate, indexes,
    members::by_id,
    transaction, uuid, within,
};
use crate::protocol::{Email, Event, EventKind, MessageBody, Millis, Nickname};

#[async_trait]
impl Accounts for Mongo {
    async fn accounts_after(&self, after: Option<AccountId>, limit: usize) -> Result<Vec<AccountRecord>> {
        within(LONG_PATIENCE, async {
            let after = after.map_or_else(Document::new, |account| doc! { "_id": { "$gt": binary(account.0) } });
            let found = self.accounts.find(after).sort(doc! { "_id": 1 }).limit(super::limit(limit)).await?;
            Ok(found.map_ok(AccountRecord::from).try_collect().await?)
        })
        .await
    }

    async fn register(&self, registration: &Registration<'_>) -> Result<Vec<Adopted>> {
        within(PATIENCE, async {
            transaction!(self, |session| self.try_register(session, registration)).map_err(taken)
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
            let claim = |end: &str, order: i32| {
                let pipeline = vec![
                    doc! { "$match": { "claimed": email.as_str() } },
                    doc! { "$sort": { "claimed": order, "claim": order, "_id": order } },
                    doc! { "$limit": 1 },
                    doc! { "$replaceWith": { end: "$$ROOT" } },
                ];
                doc! { "$unionWith": { "coll": "accounts", "pipeline": pipeline } }
            };
            let found = self.accounts.aggregate([
                doc! { "$match": { "email": email.as_str() } },
                doc! { "$replaceWith": { "proved": "$$ROOT" } },
                claim("first", 1),
                claim("last", -1),
            ]);
            let mut found = found.with_type::<Holder>().await?;
            let mut holders = Holders::default();
            while let Some(Holder { proved, first, last }) = found.try_next().await? {
                holders.proved = holders.proved.or(proved.map(Into::into));
                holders.first = holders.first.or(first.map(Into::into));
                holders.last = holders.last.or(last.map(Into::into));
            }
            let first = holders.first.as_ref().map(|account| account.id);
            holders.last = holders.last.filter(|last| Some(last.id) != first);
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
        (email, at): (&Email, Millis),
        token: &TokenRecord,
        mail: Option<&MailRecord>,
    ) -> Result<AccountRecord> {
        let claim = AccountChange::Claimed(email.clone(), at);
        within(PATIENCE, async {
            Ok(transaction!(self, |session| self.try_claim_email(session, id, &claim, token, mail))?)
        })
        .await
    }

    async fn expire_claims(&self, before: Millis) -> Result<u64> {
        within(PATIENCE, async {
            let old = doc! { "claimed_at": { "$lt": before } };
            let unclaim = doc! { "$unset": { "claimed": "", "claimed_at": "" } };
            Ok(self.accounts.update_many(old, unclaim).await?.modified_count)
        })
        .await
    }

    async fn unreachable_accounts(&self, before: Millis, now: Millis, limit: usize) -> Result<Vec<AccountRecord>> {
        within(LONG_PATIENCE, async {
            let alive = doc! { "ends_at": { "$gt": bson::DateTime::from_millis(now) } };
            let found = self.accounts.aggregate([
                doc! { "$match": { "email": null, "claimed": null, "created_at": { "$lt": before } } },
                doc! { "$lookup": {
                    "from": "sessions", "localField": "_id", "foreignField": "account",
                    "pipeline": [{ "$match": alive }, { "$limit": 1 }], "as": "sessions",
                } },
                doc! { "$match": { "sessions": { "$size": 0 } } },
                doc! { "$sort": { "created_at": 1, "_id": 1 } },
                doc! { "$limit": super::limit(limit) },
            ]);
            let found = found.with_type::<AccountDocument>().await?;
            Ok(found.map_ok(AccountRecord::from).try_collect().await?)
        })
        .await
    }

    async fn adopt_guest(&self, guest: GuestId, account: AccountId, at: Millis) -> Result<Adopted> {
        within(PATIENCE, async { Ok(transaction!(self, |session| self.try_adopt_guest(session, guest, account, at))?) })
            .await
    }

    async fn anonymize_events(
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

/// One account that may log in with an address. One of the fields is set and says why.
#[derive(Deserialize)]
struct Holder {
    proved: Option<AccountDocument>,
    first: Option<AccountDocument>,
    last: Option<AccountDocument>,
}

impl Mongo {
    async fn try_register(
        &self,
        session: &mut ClientSession,
        registration: &Registration<'_>,
    ) -> Attempt<Vec<Adopted>> {
        let Registration { account, token, mail, guests } = *registration;
        let claim = match &account.claimed {
            Some(email) => self.next_claim(session, email).await?,
            None => 0,
        };
        self.accounts.insert_one(AccountDocument::new(account.clone(), claim)).session(&mut *session).await?;
        self.keep_token(session, token, account.created_at).await?;
        if let Some(mail) = mail {
            self.keep_mail(session, mail).await?;
        }
        let mut adopted = Vec::new();
        for guest in guests {
            adopted.push(self.try_adopt_guest(session, *guest, account.id, account.created_at).await?);
        }
        Ok(adopted)
    }

    async fn try_claim_email(
        &self,
        session: &mut ClientSession,
        id: AccountId,
        claim: &AccountChange,
        token: &TokenRecord,
        mail: Option<&MailRecord>,
    ) -> Attempt<AccountRecord> {
        let account = self.try_change_account(session, id, claim, mail).await?;
        self.keep_token(session, token, Millis::MIN).await?;
        Ok(account)
    }

    async fn try_change_account(
        &self,
        session: &mut ClientSession,
        id: AccountId,
        change: &AccountChange,
        mail: Option<&MailRecord>,
    ) -> Attempt<AccountRecord> {
        let update = match change {
            AccountChange::Proved(email) => {
                let claims = doc! { "claimed": email.as_str() };
                let unclaim = doc! { "$unset": { "claimed": "", "claimed_at": "" } };
                self.accounts.update_many(claims, unclaim).session(&mut *session).await?;
                doc! { "$set": { "email": email.as_str() } }
            }
            AccountChange::Claimed(email, at) => {
                let before = self.accounts.find_one(by_account(id)).session(&mut *session).await?;
                if before.ok_or(StoreError::NotFound)?.claimed.as_ref() == Some(email) {
                    doc! { "$set": { "claimed": email.as_str() } }
                } else {
                    let claim = self.next_claim(session, email).await?;
                    doc! { "$set": { "claimed": email.as_str(), "claim": claim, "claimed_at": at } }
                }
            }
            AccountChange::Unclaimed => doc! { "$unset": { "claimed": "", "claimed_at": "" } },
            AccountChange::Name(name) => doc! { "$set": { "name": name.as_str() } },
            AccountChange::Preferences(preferences) => {
                let chosen =
                    bson::serialize_to_bson(preferences).map_err(anyhow::Error::from).map_err(StoreError::from)?;
                doc! { "$set": { "preferences": chosen } }
            }
        };
        let changed = self.accounts.find_one_and_update(by_account(id), update);
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
        self.use_resets(session, id, new.followed).await?;
        if let Some(token) = &new.token {
            self.keep_token(session, token, Millis::MIN).await?;
        }
        self.try_end_sessions(session, id, new.ending).await
    }

    /// Updates accounts of older versions: sets a missing `claimed_at`, and converts hosts of addresses to ASCII. If
    /// two accounts proved one address in two spellings, the older account keeps it and the other one claims it, so
    /// that both can still log in with their passwords. Runs at each start, since a node of another version may have
    /// added such accounts.
    pub(in crate::server::store) async fn bring_up_to_date(&self, now: Millis) -> Result<()> {
        let undated = doc! { "claimed": { "$exists": true }, "claimed_at": { "$exists": false } };
        self.accounts.update_many(undated, doc! { "$set": { "claimed_at": now } }).await?;
        let beyond = doc! { "$regex": "[^\\x00-\\x7f]" };
        let proved = self.accounts.find(doc! { "email": beyond.clone() }).sort(doc! { "created_at": 1, "_id": 1 });
        for account in proved.await?.try_collect::<Vec<_>>().await? {
            let Some(email) = account.email.as_ref().and_then(spelled) else { continue };
            let id = AccountId(uuid(account.id));
            let set = doc! { "$set": { "email": email.as_str() } };
            let Some(other) = self.accounts.find_one(doc! { "email": email.as_str() }).await? else {
                self.accounts.update_one(by_account(id), set).await?;
                continue;
            };
            let (keeps, yields) = if other.created_at > account.created_at {
                (id, AccountId(uuid(other.id)))
            } else {
                (AccountId(uuid(other.id)), id)
            };
            let claim = self.accounts.find_one(doc! { "claimed": email.as_str() }).sort(doc! { "claim": -1 }).await?;
            let claim = claim.map_or(0, |account| account.claim) + 1;
            let claims = doc! {
                "$set": { "claimed": email.as_str(), "claimed_at": now, "claim": claim },
                "$unset": { "email": "" },
            };
            self.accounts.update_one(by_account(yields), claims).await?;
            self.accounts.update_one(by_account(keeps), set).await?;
        }
        let claiming = self.accounts.find(doc! { "claimed": beyond }).sort(doc! { "claim": 1, "_id": 1 });
        for account in claiming.await?.try_collect::<Vec<_>>().await? {
            let Some(email) = account.claimed.as_ref().and_then(spelled) else { continue };
            let change = AccountChange::Claimed(email, account.claimed_at.unwrap_or(now));
            self.change_account(AccountId(uuid(account.id)), &change, None).await?;
        }
        Ok(())
    }

    /// Returns the number of the next claim of an address. Two concurrent claims may get the same number; then either
    /// of them may count as the last.
    async fn next_claim(&self, session: &mut ClientSession, email: &Email) -> Attempt<i64> {
        let last = self.accounts.find_one(doc! { "claimed": email.as_str() });
        let last = last.sort(doc! { "claimed": -1, "claim": -1, "_id": -1 }).session(session).await?;
        Ok(last.map_or(0, |account| account.claim) + 1)
    }

    /// Replaces a person's name, and if `instead` is given the texts that the person wrote, in all events of a room.
    /// Returns whether there were such events.
    async fn try_disown(
        &self,
        session: &mut ClientSession,
        record: &MemberRecord,
        name: &Nickname,
        instead: Option<&MessageBody>,
    ) -> Attempt<bool> {
        let room = binary(record.room.0);
        let members = || doc! { "$in": record.ids().map(|id| id.get().cast_signed()).collect::<Vec<_>>() };
        let author = doc! { "$set": { "kind.author.name": name.as_str() } };
        let text = instead.map_or_else(
            || author.clone(),
            |instead| {
                doc! {
                    "$set": { "kind.author.name": name.as_str(), "kind.body": instead.as_str() },
                    "$unset": { "kind.mentions": "", "kind.everyone": "" },
                }
            },
        );
        let named = |field: &str| doc! { "$set": { field: name.as_str() } };
        // The body of a deleted message, and of an edit that is void, is empty and stays so.
        let changes = [
            (doc! { "room": room, "author": members(), "kind.body": { "$ne": "" } }, text.clone()),
            (doc! { "room": room, "author": members(), "kind.body": "" }, author.clone()),
            (
                doc! { "room": room, "kind.kind": "edited", "kind.author.id": members(), "kind.body": { "$ne": "" } },
                text,
            ),
            (doc! { "room": room, "kind.kind": "edited", "kind.author.id": members(), "kind.body": "" }, author),
            (doc! { "room": room, "kind.deleted.id": members() }, named("kind.deleted.name")),
            (doc! { "room": room, "kind.member.id": members() }, named("kind.member.name")),
            (doc! { "room": room, "kind.by.id": members() }, named("kind.by.name")),
        ];
        if let Some(instead) = instead {
            self.erase_terms(session, record.room, record.ids(), instead).await?;
        }
        let mut any = false;
        for (of_member, change) in changes {
            let update = self.events.update_many(of_member, change);
            any |= update.session(&mut *session).await?.matched_count > 0;
        }
        let mentioned = doc! { "room": room, "kind.mentions.id": members() };
        let update = self.events.update_many(mentioned, named("kind.mentions.$[mentioned].name"));
        let update = update.array_filters([doc! { "mentioned.id": members() }]);
        any |= update.session(&mut *session).await?.matched_count > 0;
        // A kind of a later version may contain the person anywhere, so its events are read.
        let later = doc! { "room": room, "kind.kind": { "$nin": EventKind::KNOWN.to_vec() } };
        let mut later = self.events.find(later).session(&mut *session).await?;
        let later: Vec<EventDocument> = later.stream(&mut *session).try_collect().await?;
        for document in later {
            let Event { seq, mut kind, .. } = document.try_into()?;
            if record.ids().fold(false, |told, member| told | kind.detach_member(member, name, instead)) {
                let event = doc! { "room": room, "seq": seq.cast_signed() };
                let change = doc! { "$set": { "kind": kind_document(&kind)? } };
                self.events.update_one(event, change).session(&mut *session).await?;
                any = true;
            }
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
}

/// Returns an address with its host in ASCII, if that is another spelling.
fn spelled(email: &Email) -> Option<Email> {
    let ascii = in_ascii(email.as_str()).filter(|ascii| ascii != email.as_str())?;
    Email::try_from(ascii).ok()
}

/// Translates the unique index that refused an account: its address or its id is taken.
fn taken(failure: Failure) -> StoreError {
    match &failure {
        Failure::Driver(error) if matches!(duplicate(error), Some((_, indexes::ACCOUNTS_EMAIL))) => {
            Conflict::EmailTaken.into()
        }
        Failure::Driver(error) if matches!(duplicate(error), Some((_, indexes::ID))) => Conflict::Registered.into(),
        _ => failure.into(),
    }
}
