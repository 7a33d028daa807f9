//! Guests in SQLite: implements [`Guests`], where each method is described.

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::{
    super::{ActorId, GuestId, GuestRecord, Guests, Result, TokenHash},
    Sqlite, Undo, tokens,
};
use crate::protocol::{Millis, Nickname};

#[async_trait]
impl Guests for Sqlite {
    async fn guest_by_token(&self, token: TokenHash, alive_since: Millis) -> Result<GuestRecord> {
        self.look_up(|db| {
            let mut query = db.prepare_cached("SELECT * FROM guests WHERE token = ? AND seen_at >= ?")?;
            let guest = query.query_row(params![token, alive_since], |row| {
                Ok(GuestRecord {
                    id: row.get("id")?,
                    token: row.get("token")?,
                    nickname: row.get("nickname")?,
                    seen_at: row.get("seen_at")?,
                })
            })?;
            Ok(guest)
        })
    }

    async fn touch_guest(&self, guest: GuestId, nickname: Option<&Nickname>, at: Millis) -> Result<()> {
        let nickname = nickname.cloned();
        self.write(Undo::Nothing, move |db| {
            let mut touch = db.prepare_cached(
                "UPDATE guests SET seen_at = max(seen_at, ?), nickname = ifnull(?, nickname) WHERE id = ?",
            )?;
            touch.execute(params![at, nickname, guest])?;
            Ok(())
        })
        .await
    }

    async fn forget_guest(&self, guest: GuestId) -> Result<()> {
        self.write(Undo::Savepoint, move |db| {
            db.prepare_cached("DELETE FROM guests WHERE id = ?")?.execute([guest])?;
            let free = "UPDATE members SET slot = NULL, stay = 0 WHERE actor = ? AND actor_kind = 'guest'
                        AND presence = 'gone'";
            db.prepare_cached(free)?.execute([guest])?;
            delete_what_is_of(db, guest)
        })
        .await
    }

    async fn forget_guests(&self, before: Millis) -> Result<u64> {
        self.write(Undo::Nothing, move |db| {
            let forgotten = db.prepare_cached("DELETE FROM guests WHERE seen_at < ?")?.execute([before])?;
            let free = "UPDATE members SET slot = NULL, stay = 0 WHERE slot IS NOT NULL AND presence = 'gone'
                        AND actor_kind = 'guest' AND NOT EXISTS (SELECT 1 FROM guests WHERE id = actor)";
            db.prepare_cached(free)?.execute([])?;
            Ok(forgotten as u64)
        })
        .await
    }
}

/// Deletes a guest's tokens and unsent mails.
pub(super) fn delete_what_is_of(db: &Connection, guest: GuestId) -> Result<()> {
    tokens::delete_of(db, ActorId::Guest(guest))?;
    db.prepare_cached("DELETE FROM mails WHERE guest = ?")?.execute([guest])?;
    Ok(())
}

pub(super) fn insert(db: &Connection, guest: &GuestRecord) -> Result<()> {
    let mut insert = db.prepare_cached("INSERT INTO guests (id, token, nickname, seen_at) VALUES (?, ?, ?, ?)")?;
    insert.execute(params![guest.id, guest.token, guest.nickname, guest.seen_at])?;
    Ok(())
}
