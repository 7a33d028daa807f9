//! Tokens in SQLite: implements [`Tokens`], where each method is described. The valid tokens of a holder for one
//! purpose are numbered by the column `slot`. A used token has a purpose that begins with `used_`, and no slot.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use super::{
    super::{AccountId, ActorId, CODE_AGAIN, CodeCheck, MailRecord, Purpose, Result, TokenHash, TokenRecord, Tokens},
    Sqlite, Undo, columns,
    columns::actor_columns,
    mails,
};
use crate::{protocol::Millis, server::clock};

#[async_trait]
impl Tokens for Sqlite {
    async fn put_token(&self, token: &TokenRecord, mail: Option<&MailRecord>, now: Millis) -> Result<bool> {
        let (token, mail) = (token.clone(), mail.cloned());
        self.write(Undo::Savepoint, move |db| {
            let is_kept = put(db, &token, now)?;
            if let Some(mail) = mail.as_ref().filter(|_| is_kept) {
                mails::insert(db, mail)?;
            }
            Ok(is_kept)
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

    async fn used_token(&self, purpose: Purpose, hash: TokenHash, now: Millis) -> Result<TokenRecord> {
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT * FROM tokens WHERE hash = ? AND purpose = ? AND ends_at > ?")?;
            Ok(query.query_row(params![hash, purpose.as_used(), now], |row| record(purpose, row))?)
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
                "SELECT hash, tries, purpose = ?2 FROM tokens
                 WHERE holder = ?1 AND purpose IN (?2, ?3) AND holder_kind = ?4 AND ends_at > ?5",
            )?;
            let of_holder = params![id, purpose.as_str(), purpose.as_used(), kind, now];
            let kept = query.query_map(of_holder, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let kept: Vec<(TokenHash, u8, bool)> = kept.collect::<rusqlite::Result<_>>()?;
            if kept.iter().any(|(used, _, is_good)| !is_good && *used == hash) {
                return Ok(CodeCheck::Again);
            }
            let Some((right, wrong, _)) = kept.into_iter().find(|(.., is_good)| *is_good) else {
                return Ok(CodeCheck::None);
            };
            if hash == right {
                let mut take = db.prepare_cached(
                    "UPDATE OR REPLACE tokens SET purpose = ?3, slot = NULL, ends_at = min(ends_at, ?4)
                     WHERE holder = ?1 AND purpose = ?2",
                )?;
                let known_until = now + clock::millis(CODE_AGAIN);
                take.execute(params![id, purpose.as_str(), purpose.as_used(), known_until])?;
                return Ok(CodeCheck::Right);
            }
            let left = tries.saturating_sub(wrong.saturating_add(1));
            let sql = match left {
                0 => "DELETE FROM tokens WHERE holder = ? AND purpose = ?",
                _ => "UPDATE tokens SET tries = tries + 1 WHERE holder = ? AND purpose = ?",
            };
            db.prepare_cached(sql)?.execute(params![id, purpose.as_str()])?;
            Ok(CodeCheck::Wrong(left))
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

/// Stores a token, in a free slot or in place of the holder's oldest token. Returns whether it was stored.
pub(super) fn put(db: &Connection, token: &TokenRecord, now: Millis) -> Result<bool> {
    let (kind, holder) = actor_columns(token.holder);
    let purpose = token.purpose.as_str();
    let mut query =
        db.prepare_cached("SELECT slot, ends_at FROM tokens WHERE holder = ? AND purpose = ? ORDER BY ends_at, slot")?;
    let kept = query.query_map(params![holder, purpose], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let kept: Vec<(u8, Millis)> = kept.collect::<rusqlite::Result<_>>()?;
    let free = (0..token.purpose.at_once()).find(|slot| kept.iter().all(|(taken, _)| taken != slot));
    let gives_way = |ends_at: Millis| token.purpose.gives_way() || ends_at <= now;
    let oldest = kept.first().filter(|(_, ends_at)| gives_way(*ends_at)).map(|(slot, _)| *slot);
    let Some(slot) = free.or(oldest) else { return Ok(false) };
    let mut put = db.prepare_cached(
        "INSERT OR REPLACE INTO tokens (purpose, holder_kind, holder, slot, hash, email, tries, ends_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    put.execute(params![purpose, kind, holder, slot, token.hash, token.email, token.tries, token.ends_at])?;
    Ok(true)
}

/// Uses up all links for a new password of an account. If `one` is given, it must be among them and not have expired,
/// or the answer is `NotFound`.
pub(super) fn use_resets(db: &Connection, account: AccountId, one: Option<(TokenHash, Millis)>) -> Result<()> {
    let (good, used) = (Purpose::Reset.as_str(), Purpose::Reset.as_used());
    if let Some((hash, now)) = one {
        let mut query = db.prepare_cached(
            "SELECT 1 FROM tokens WHERE hash = ? AND purpose = ? AND holder = ? AND holder_kind = 'account' AND ends_at > ?",
        )?;
        query.query_row(params![hash, good, account, now], |_| Ok(()))?;
    }
    let mut take =
        db.prepare_cached("UPDATE OR REPLACE tokens SET purpose = ?3, slot = NULL WHERE holder = ?1 AND purpose = ?2")?;
    take.execute(params![account, good, used])?;
    Ok(())
}

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
