//! Tokens in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    super::{ActorId, CodeCheck, MailRecord, Purpose, Result, TokenHash, TokenRecord, Tokens},
    Sqlite, Undo, columns,
    columns::actor_columns,
    mails,
};
use crate::protocol::Millis;

#[async_trait]
impl Tokens for Sqlite {
    async fn put_token(&self, token: &TokenRecord, mail: Option<&MailRecord>) -> Result<()> {
        let (token, mail) = (token.clone(), mail.cloned());
        self.write(Undo::Savepoint, move |db| {
            put(db, &token)?;
            if let Some(mail) = &mail {
                mails::insert(db, mail)?;
            }
            Ok(())
        })
        .await
    }

    async fn token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord> {
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT * FROM tokens WHERE hash = ? AND purpose = ? AND ends_at > ?")?;
            Ok(query.query_row(params![hash, purpose.as_str(), now], |row| record(purpose, row))?)
        })
        .await
    }

    async fn take_token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord> {
        self.write(Undo::Nothing, move |db| {
            let mut take =
                db.prepare_cached("DELETE FROM tokens WHERE hash = ? AND purpose = ? AND ends_at > ? RETURNING *")?;
            Ok(take.query_row(params![hash, purpose.as_str(), now], |row| record(purpose, row))?)
        })
        .await
    }

    async fn try_code(
        &self,
        purpose: Purpose,
        holder: ActorId,
        hash: TokenHash,
        tries: u8,
        now: Millis,
    ) -> Result<CodeCheck> {
        self.write(Undo::Nothing, move |db| {
            let (kind, id) = actor_columns(holder);
            let mut query = db.prepare_cached(
                "SELECT hash, tries FROM tokens WHERE holder = ? AND purpose = ? AND holder_kind = ? AND ends_at > ?",
            )?;
            let kept: Option<(TokenHash, u8)> = query
                .query_row(params![id, purpose.as_str(), kind, now], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((right, wrong)) = kept else { return Ok(CodeCheck::None) };
            let left = tries.saturating_sub(wrong.saturating_add(1));
            if hash == right || left == 0 {
                let mut delete = db.prepare_cached("DELETE FROM tokens WHERE holder = ? AND purpose = ?")?;
                delete.execute(params![id, purpose.as_str()])?;
            } else {
                let mut count =
                    db.prepare_cached("UPDATE tokens SET tries = tries + 1 WHERE holder = ? AND purpose = ?")?;
                count.execute(params![id, purpose.as_str()])?;
            }
            Ok(if hash == right { CodeCheck::Right } else { CodeCheck::Wrong(left) })
        })
        .await
    }

    async fn forget_tokens(&self, now: Millis) -> Result<u64> {
        self.write(Undo::Nothing, move |db| {
            let forgotten = db.prepare_cached("DELETE FROM tokens WHERE ends_at < ?")?.execute([now])?;
            Ok(forgotten as u64)
        })
        .await
    }
}

/// Keeps a token in place of an older one.
pub(super) fn put(db: &Connection, token: &TokenRecord) -> Result<()> {
    let (kind, holder) = actor_columns(token.holder);
    let mut put = db.prepare_cached(
        "INSERT INTO tokens (purpose, holder_kind, holder, hash, email, tries, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (holder, purpose) DO UPDATE SET hash = excluded.hash, email = excluded.email,
         tries = excluded.tries, ends_at = excluded.ends_at",
    )?;
    put.execute(params![token.purpose.as_str(), kind, holder, token.hash, token.email, token.tries, token.ends_at])?;
    Ok(())
}

/// Deletes all tokens of somebody.
pub(super) fn delete_of(db: &Connection, holder: ActorId) -> Result<()> {
    let (_, holder) = actor_columns(holder);
    db.prepare_cached("DELETE FROM tokens WHERE holder = ?")?.execute([holder])?;
    Ok(())
}

fn record(purpose: Purpose, row: &Row<'_>) -> rusqlite::Result<TokenRecord> {
    Ok(TokenRecord {
        purpose,
        holder: columns::actor(row.get_ref("holder_kind")?.as_str()?, row.get("holder")?)?,
        hash: row.get("hash")?,
        email: row.get("email")?,
        tries: row.get("tries")?,
        ends_at: row.get("ends_at")?,
    })
}
