//! Sessions in SQLite: implements [`Sessions`], where each method is described.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use super::{
    super::{
        AccountId, AccountRecord, ActorId, Ending, Result, Rotation, SessionId, SessionRecord, Sessions, TokenHash,
    },
    Sqlite, Undo, columns,
    rows::{self, found},
};
use crate::protocol::Millis;

#[async_trait]
impl Sessions for Sqlite {
    async fn begin_session(&self, session: &SessionRecord) -> Result<()> {
        let session = session.clone();
        self.write(Undo::Nothing, move |db| {
            rows::expect_actor(db, ActorId::Account(session.account))?;
            let mut insert = db.prepare_cached(
                "INSERT INTO sessions
                 (id, account, refresh, previous, previous_at, arrived, device, created_at, used_at, ends_at)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?;
            let (previous, previous_at) = session.previous.unzip();
            insert.execute(params![
                session.id,
                session.account,
                session.refresh,
                previous,
                previous_at,
                session.arrived,
                session.device,
                session.created_at,
                session.used_at,
                session.ends_at,
            ])?;
            Ok(())
        })
        .await
    }

    async fn session(&self, id: SessionId, now: Millis) -> Result<(SessionRecord, AccountRecord)> {
        self.look_up(|db| {
            let mut query = db.prepare_cached("SELECT * FROM sessions WHERE id = ? AND ends_at > ?")?;
            let session = query.query_row(params![id, now], record)?;
            let account = rows::find_account(db, session.account)?;
            Ok((session, account))
        })
    }

    async fn rotate_session(&self, id: SessionId, rotation: &Rotation) -> Result<()> {
        let Rotation { from, to, at, since, ends_at } = *rotation;
        self.write(Undo::Nothing, move |db| {
            let mut rotate = db.prepare_cached(
                "UPDATE sessions SET refresh = ?3, previous = ?2, previous_at = ?4, used_at = max(used_at, ?4),
                 arrived = 0, ends_at = ?6 WHERE id = ?1 AND ends_at > ?4
                 AND (refresh = ?2 OR (previous = ?2 AND previous_at <= ?5 AND arrived = 0))",
            )?;
            found(rotate.execute(params![id, from, to, at, since, ends_at])?)
        })
        .await
    }

    async fn note_refresh_received(&self, id: SessionId, refresh: TokenHash) -> Result<()> {
        self.write(Undo::Nothing, move |db| {
            let mut note = db.prepare_cached("UPDATE sessions SET arrived = 1 WHERE id = ? AND refresh = ?")?;
            note.execute(params![id, refresh])?;
            Ok(())
        })
        .await
    }

    async fn touch_session(&self, id: SessionId, at: Millis) -> Result<()> {
        self.write(Undo::Nothing, move |db| {
            let mut touch = db.prepare_cached("UPDATE sessions SET used_at = max(used_at, ?2) WHERE id = ?1")?;
            touch.execute(params![id, at])?;
            Ok(())
        })
        .await
    }

    async fn sessions(&self, account: AccountId, now: Millis) -> Result<Vec<SessionRecord>> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT * FROM sessions WHERE account = ? AND ends_at > ? ORDER BY used_at DESC, id DESC",
            )?;
            Ok(query.query_map(params![account, now], record)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn end_sessions(&self, account: AccountId, which: Ending) -> Result<Vec<SessionId>> {
        self.write(Undo::Nothing, move |db| end(db, account, which)).await
    }

    async fn ended_sessions(&self, sessions: &[SessionId], now: Millis) -> Result<Vec<SessionId>> {
        let sessions = columns::ids(sessions.iter().map(|session| session.0));
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "WITH asked (id) AS (SELECT unhex(value) FROM json_each(?1))
                 SELECT id FROM asked
                 WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = asked.id AND ends_at > ?2)",
            )?;
            Ok(query.query_map(params![sessions, now], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn forget_sessions(&self, now: Millis) -> Result<u64> {
        self.write(Undo::Nothing, move |db| {
            let forgotten = db.prepare_cached("DELETE FROM sessions WHERE ends_at < ?")?.execute([now])?;
            Ok(forgotten as u64)
        })
        .await
    }
}

/// Ends sessions of an account. Returns which ones.
pub(super) fn end(db: &Connection, account: AccountId, which: Ending) -> Result<Vec<SessionId>> {
    let (sql, id) = match which {
        Ending::One(id) => ("DELETE FROM sessions WHERE account = ? AND id IS ? RETURNING id", Some(id)),
        Ending::Others(id) => ("DELETE FROM sessions WHERE account = ? AND id IS NOT ? RETURNING id", Some(id)),
        Ending::All => ("DELETE FROM sessions WHERE account = ? AND id IS NOT ? RETURNING id", None),
    };
    let mut delete = db.prepare_cached(sql)?;
    let ended = delete.query_map(params![account, id], |row| row.get(0))?;
    Ok(ended.collect::<rusqlite::Result<_>>()?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    let previous: Option<TokenHash> = row.get("previous")?;
    Ok(SessionRecord {
        id: row.get("id")?,
        account: row.get("account")?,
        refresh: row.get("refresh")?,
        previous: previous.zip(row.get("previous_at")?),
        arrived: row.get("arrived")?,
        device: row.get("device")?,
        created_at: row.get("created_at")?,
        used_at: row.get("used_at")?,
        ends_at: row.get("ends_at")?,
    })
}
