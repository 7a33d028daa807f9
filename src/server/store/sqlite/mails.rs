//! Mails in SQLite: implements [`Mails`], where each method is described.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use super::{
    super::{MailId, MailRecord, Mails, Result},
    Sqlite, Undo,
};
use crate::protocol::Millis;

#[async_trait]
impl Mails for Sqlite {
    async fn put_mail(&self, mail: &MailRecord) -> Result<()> {
        let mail = mail.clone();
        self.write(Undo::Nothing, move |db| insert(db, &mail)).await
    }

    async fn lease_mails(&self, now: Millis, until: Millis, limit: usize) -> Result<Vec<MailRecord>> {
        // Called every few seconds, and mostly without a mail being due. So a read-only connection checks first, and
        // the writer thread is asked only if a mail is due.
        let due = self.read(move |db| {
            let mut query = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM mails WHERE due_at <= ?)")?;
            Ok(query.query_row([now], |row| row.get::<_, bool>(0))?)
        });
        if !due.await? {
            return Ok(Vec::new());
        }
        self.write(Undo::Savepoint, move |db| {
            let mut query = db.prepare_cached(
                "SELECT * FROM mails WHERE due_at <= ?
                 ORDER BY letter ->> '$.kind' NOT IN ('log_in_code', 'confirm_code'), due_at, id LIMIT ?",
            )?;
            let due = query.query_map(params![now, limit.cast_signed()], record)?;
            let mut mails = due.collect::<rusqlite::Result<Vec<_>>>()?;
            let mut lease = db.prepare_cached("UPDATE mails SET due_at = ?2, attempts = ?3 WHERE id = ?1")?;
            for mail in &mut mails {
                mail.due_at = until;
                mail.attempts += 1;
                lease.execute(params![mail.id, mail.due_at, mail.attempts])?;
            }
            Ok(mails)
        })
        .await
    }

    async fn finish_mail(&self, mail: MailId) -> Result<()> {
        self.write(Undo::Nothing, move |db| {
            db.prepare_cached("DELETE FROM mails WHERE id = ?")?.execute([mail])?;
            Ok(())
        })
        .await
    }

    async fn count_mails(&self) -> Result<usize> {
        self.read(|db| {
            let mut query = db.prepare_cached("SELECT count(*) FROM mails")?;
            let count: i64 = query.query_row([], |row| row.get(0))?;
            Ok(usize::try_from(count).unwrap_or_default())
        })
        .await
    }

    async fn postpone_mail(&self, mail: MailId, due_at: Millis) -> Result<()> {
        self.write(Undo::Nothing, move |db| {
            db.prepare_cached("UPDATE mails SET due_at = ?2 WHERE id = ?1")?.execute(params![mail, due_at])?;
            Ok(())
        })
        .await
    }
}

pub(super) fn insert(db: &Connection, mail: &MailRecord) -> Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO mails (id, account, guest, address, name, language, letter, key, created_at, due_at, attempts)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    insert.execute(params![
        mail.id,
        mail.account,
        mail.guest,
        mail.to,
        mail.name,
        mail.language,
        mail.letter,
        mail.key,
        mail.created_at,
        mail.due_at,
        mail.attempts,
    ])?;
    Ok(())
}

fn record(row: &Row<'_>) -> rusqlite::Result<MailRecord> {
    Ok(MailRecord {
        id: row.get("id")?,
        account: row.get("account")?,
        guest: row.get("guest")?,
        to: row.get("address")?,
        name: row.get("name")?,
        language: row.get("language")?,
        letter: row.get("letter")?,
        key: row.get("key")?,
        created_at: row.get("created_at")?,
        due_at: row.get("due_at")?,
        attempts: row.get("attempts")?,
    })
}
