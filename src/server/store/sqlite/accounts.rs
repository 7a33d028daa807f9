//! Accounts in SQLite: implements [`Accounts`], where each method is described. Claims of one address are numbered by
//! the column `claim`, so that the first and the last of them are known.

use anyhow::anyhow;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::{
    super::{
        AccountChange, AccountId, AccountRecord, Accounts, ActorId, Adopted, Conflict, GuestId, Holders, MailRecord,
        MemberRecord, NewPassword, Presence, Registration, Result, RoomId, SessionId, StoreError, TokenRecord,
        members::{Joined, join_records},
    },
    Sqlite, Undo, guests, mails, members,
    rows::{self, find_account, found},
    sessions, tokens, violated,
};
use crate::protocol::{Email, EventKind, MemberId, MessageBody, Millis, Nickname};

#[async_trait]
impl Accounts for Sqlite {
    async fn accounts_after(&self, after: Option<AccountId>, limit: usize) -> Result<Vec<AccountRecord>> {
        self.read(move |db| {
            let mut query =
                db.prepare_cached("SELECT * FROM accounts WHERE ?1 IS NULL OR id > ?1 ORDER BY id LIMIT ?2")?;
            Ok(query.query_map(params![after, limit.cast_signed()], rows::account)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn register(&self, registration: &Registration<'_>) -> Result<Vec<Adopted>> {
        let Registration { account, token, mail, guests } = *registration;
        let (account, token, mail, guests) = (account.clone(), token.clone(), mail.cloned(), guests.to_vec());
        self.write(Undo::Savepoint, move |db| {
            insert(db, &account)?;
            tokens::put(db, &token, account.created_at)?;
            mail.iter().try_for_each(|mail| mails::insert(db, mail))?;
            guests.iter().map(|guest| adopt(db, *guest, account.id, account.created_at)).collect()
        })
        .await
    }

    async fn account(&self, id: AccountId) -> Result<AccountRecord> {
        self.look_up(|db| find_account(db, id))
    }

    async fn holders(&self, email: &Email) -> Result<Holders> {
        let email = email.clone();
        self.read(move |db| {
            let holder = |sql| db.prepare_cached(sql)?.query_row([&email], rows::account).optional();
            let proved = holder("SELECT * FROM accounts WHERE email = ?")?;
            let first = holder("SELECT * FROM accounts WHERE claimed = ? ORDER BY claim, id LIMIT 1")?;
            let last = holder("SELECT * FROM accounts WHERE claimed = ? ORDER BY claim DESC, id DESC LIMIT 1")?;
            Ok(Holders { proved, last: last.filter(|last| Some(last) != first.as_ref()), first })
        })
        .await
    }

    async fn change_account(
        &self,
        id: AccountId,
        change: &AccountChange,
        mail: Option<&MailRecord>,
    ) -> Result<AccountRecord> {
        let (change, mail) = (change.clone(), mail.cloned());
        self.write(Undo::Savepoint, move |db| {
            apply(db, id, &change)?;
            if let Some(mail) = &mail {
                mails::insert(db, mail)?;
            }
            find_account(db, id)
        })
        .await
    }

    async fn replace_password(&self, id: AccountId, new: &NewPassword) -> Result<Vec<SessionId>> {
        let new = new.clone();
        self.write(Undo::Savepoint, move |db| {
            if let Some(email) = new.proved {
                apply(db, id, &AccountChange::Proved(email))?;
            }
            let mut update = db.prepare_cached("UPDATE accounts SET password = ?2 WHERE id = ?1")?;
            found(update.execute(params![id, new.password])?)?;
            for mail in &new.mails {
                mails::insert(db, mail)?;
            }
            tokens::use_resets(db, id, new.followed)?;
            if let Some(token) = &new.token {
                tokens::put(db, token, Millis::MIN)?;
            }
            sessions::end(db, id, new.ending)
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
        let (change, token, mail) = (AccountChange::Claimed(email.clone(), at), token.clone(), mail.cloned());
        self.write(Undo::Savepoint, move |db| {
            apply(db, id, &change)?;
            tokens::put(db, &token, at)?;
            mail.iter().try_for_each(|mail| mails::insert(db, mail))?;
            find_account(db, id)
        })
        .await
    }

    async fn expire_claims(&self, before: Millis) -> Result<u64> {
        self.write(Undo::Nothing, move |db| {
            let mut end = db.prepare_cached(
                "UPDATE accounts SET claimed = NULL, claimed_at = NULL WHERE claimed_at IS NOT NULL AND claimed_at < ?",
            )?;
            Ok(end.execute([before])? as u64)
        })
        .await
    }

    async fn unreachable_accounts(&self, before: Millis, now: Millis, limit: usize) -> Result<Vec<AccountRecord>> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT * FROM accounts WHERE email IS NULL AND claimed IS NULL AND created_at < ?
                 AND NOT EXISTS (SELECT 1 FROM sessions WHERE account = accounts.id AND ends_at > ?)
                 ORDER BY created_at LIMIT ?",
            )?;
            let found = query.query_map(params![before, now, limit.cast_signed()], rows::account)?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn adopt_guest(&self, guest: GuestId, account: AccountId, at: Millis) -> Result<Adopted> {
        self.write(Undo::Savepoint, move |db| adopt(db, guest, account, at)).await
    }

    async fn anonymize_events(
        &self,
        id: AccountId,
        name: &Nickname,
        instead: Option<&MessageBody>,
    ) -> Result<Vec<RoomId>> {
        let records = self.read(move |db| members::of_actor(db, ActorId::Account(id))).await?;
        let mut changed = Vec::new();
        for record in records {
            let room = record.room;
            if let Some(instead) = instead {
                for member in record.ids() {
                    self.erase(room, member, instead).await?;
                }
            }
            let (name, instead) = (name.clone(), instead.cloned());
            let disowned = self.write(Undo::Savepoint, move |db| {
                record.ids().try_fold(false, |any, member| Ok(any | disown(db, room, member, &name, instead.as_ref())?))
            });
            if disowned.await? {
                changed.push(room);
            }
        }
        if let Err(error) = self.empty_log().await {
            tracing::warn!(%error, "events are disowned, and the log of SQLite was not emptied; it is in time");
        }
        Ok(changed)
    }

    async fn delete_account(&self, id: AccountId, name: &Nickname) -> Result<()> {
        let name = name.clone();
        self.write(Undo::Savepoint, move |db| delete(db, id, &name)).await?;
        if let Err(error) = self.empty_log().await {
            tracing::warn!(%error, "an account is deleted, and the log of SQLite was not emptied; it is in time");
        }
        Ok(())
    }
}

fn insert(db: &Connection, account: &AccountRecord) -> Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO accounts (id, email, claimed, claim, claimed_at, name, password, preferences, created_at)
         VALUES (?1, ?2, ?3, (SELECT ifnull(max(claim), 0) + 1 FROM accounts WHERE claimed = ?3), ?4, ?5, ?6, ?7, ?8)",
    )?;
    let inserted = insert.execute(params![
        account.id,
        account.email,
        account.claimed,
        account.claimed_at,
        account.name,
        account.password,
        account.preferences,
        account.created_at,
    ]);
    inserted.map(drop).map_err(taken)
}

fn apply(db: &Connection, id: AccountId, change: &AccountChange) -> Result<()> {
    let (sql, value): (_, &dyn ToSql) = match change {
        AccountChange::Proved(email) => {
            let mut unclaim =
                db.prepare_cached("UPDATE accounts SET claimed = NULL, claimed_at = NULL WHERE claimed = ?")?;
            unclaim.execute([email])?;
            ("UPDATE accounts SET email = ?2 WHERE id = ?1", email)
        }
        AccountChange::Claimed(email, at) => {
            let mut claim = db.prepare_cached(
                "UPDATE accounts SET claimed = ?2, claimed_at = ?3,
                 claim = (SELECT ifnull(max(claim), 0) + 1 FROM accounts WHERE claimed = ?2)
                 WHERE id = ?1 AND claimed IS NOT ?2",
            )?;
            claim.execute(params![id, email, at])?;
            return find_account(db, id).map(drop);
        }
        AccountChange::Unclaimed => {
            let mut unclaim =
                db.prepare_cached("UPDATE accounts SET claimed = NULL, claimed_at = NULL WHERE id = ?")?;
            return found(unclaim.execute([id])?);
        }
        AccountChange::Name(name) => ("UPDATE accounts SET name = ?2 WHERE id = ?1", name),
        AccountChange::Preferences(preferences) => ("UPDATE accounts SET preferences = ?2 WHERE id = ?1", preferences),
    };
    found(db.prepare_cached(sql)?.execute(params![id, value]).map_err(taken)?)
}

fn adopt(db: &Connection, guest: GuestId, account: AccountId, at: Millis) -> Result<Adopted> {
    find_account(db, account)?;
    if db.prepare_cached("DELETE FROM guests WHERE id = ?")?.execute([guest])? == 0 {
        return Ok(Adopted::Nothing);
    }
    guests::delete_what_is_of(db, guest)?;
    let mut adopted = Adopted::Nothing;
    for record in members::of_actor(db, ActorId::Guest(guest))? {
        let was_active = record.presence == Presence::Active;
        let became = take_over(db, record, account, at)?;
        if was_active {
            adopted = became;
        }
    }
    Ok(adopted)
}

/// Makes a guest's record the account's, or merges it with the record that the account has in that room
/// (`join_records`).
fn take_over(db: &Connection, mut record: MemberRecord, account: AccountId, at: Millis) -> Result<Adopted> {
    let own = match members::find_actor(db, record.room, ActorId::Account(account)) {
        Ok(own) => own,
        Err(StoreError::NotFound) => {
            record.actor = ActorId::Account(account);
            members::update(db, &record)?;
            return Ok(Adopted::Member(record));
        }
        Err(error) => return Err(error),
    };
    let owner = rows::find_room(db, record.room)?.owner;
    Ok(match join_records(record, own, owner, at) {
        Joined::AsGuest { own, before } => {
            // The two records swap their actors. The unique index on (actor, room) refuses two records of one person
            // even for a moment, so one of them is deleted first.
            members::delete(db, &before)?;
            members::update(db, &own)?;
            members::insert(db, &before)?;
            Adopted::Member(own)
        }
        Joined::AsAccount { own, guest } => {
            members::update(db, &own)?;
            members::update(db, &guest)?;
            rows::touch_room(db, guest.room, guest.changed_at)?;
            Adopted::Left(guest)
        }
    })
}

/// Replaces a member's name in all events of a room, and if `instead` is given the texts of the member's edits. Returns
/// whether there were such events.
fn disown(
    db: &Connection,
    room: RoomId,
    member: MemberId,
    name: &Nickname,
    instead: Option<&MessageBody>,
) -> Result<bool> {
    let mut messages = db.prepare_cached("UPDATE events SET name = ?3 WHERE room = ?1 AND author = ?2")?;
    let mut changed = messages.execute(params![room, member, name])? > 0;
    let mut query = db.prepare_cached("SELECT seq, kind FROM events WHERE room = ? AND kind IS NOT NULL")?;
    let mut update = db.prepare_cached("UPDATE events SET kind = ?3 WHERE room = ?1 AND seq = ?2")?;
    let others: Vec<(i64, EventKind)> =
        query.query_map([room], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    for (seq, mut kind) in others {
        if kind.detach_member(member, name, instead) {
            update.execute(params![room, seq, kind])?;
            changed = true;
        }
    }
    let mut deletions = db.prepare_cached(
        "UPDATE events SET extra = json_set(extra, '$.deleted.name', ?3)
         WHERE room = ?1 AND extra ->> '$.deleted.id' = ?2",
    )?;
    changed |= deletions.execute(params![room, member, name])? > 0;
    let mut mentions = db.prepare_cached(
        // The value of a subquery is text for SQLite, also if a function for JSON has made it.
        "UPDATE events SET extra = json_set(extra, '$.mentions', json((
             SELECT json_group_array(json(iif(value ->> 'id' = ?2, json_set(value, '$.name', ?3), value)))
             FROM json_each(extra, '$.mentions')
         )))
         WHERE room = ?1 AND EXISTS (SELECT 1 FROM json_each(extra, '$.mentions') WHERE value ->> 'id' = ?2)",
    )?;
    changed |= mentions.execute(params![room, member, name])? > 0;
    Ok(changed)
}

fn delete(db: &Connection, id: AccountId, name: &Nickname) -> Result<()> {
    found(db.prepare_cached("DELETE FROM accounts WHERE id = ?")?.execute([id])?)?;
    let mut active = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM members WHERE actor = ? AND actor_kind = 'account' AND presence = 'active')",
    )?;
    if active.query_row([id], |row| row.get(0))? {
        return Err(anyhow!("the account is in a room still").into());
    }
    let mut rename = db.prepare_cached("UPDATE members SET name = ?2 WHERE actor = ?1 AND actor_kind = 'account'")?;
    rename.execute(params![id, name])?;
    let mut rename = db.prepare_cached("UPDATE members SET name = ?3 WHERE room = ?1 AND member = ?2")?;
    for record in members::of_actor(db, ActorId::Account(id))? {
        for member in &record.also {
            rename.execute(params![record.room, member, name])?;
        }
    }
    db.prepare_cached("DELETE FROM sessions WHERE account = ?")?.execute([id])?;
    tokens::delete_of(db, ActorId::Account(id))?;
    db.prepare_cached("DELETE FROM mails WHERE account = ?")?.execute([id])?;
    Ok(())
}

/// Translates the unique index that refused an account: its address or its id is taken.
fn taken(error: rusqlite::Error) -> StoreError {
    match violated(&error) {
        Some("accounts.email") => Conflict::EmailTaken.into(),
        Some("accounts.id") => Conflict::Registered.into(),
        _ => error.into(),
    }
}
