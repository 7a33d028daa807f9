//! Rooms in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use super::{
    super::{Conflict, GuestRecord, MemberRecord, Result, RoomId, RoomRecord, Rooms},
    Sqlite, Undo, accounts, guests, members, violated,
};
use crate::protocol::{Millis, RoomCode};

#[async_trait]
impl Rooms for Sqlite {
    async fn create_room(&self, room: &RoomRecord, owner: &MemberRecord, newcomer: Option<&GuestRecord>) -> Result<()> {
        let (room, owner, newcomer) = (room.clone(), owner.clone(), newcomer.cloned());
        self.write(Undo::Savepoint, move |db| {
            accounts::expect(db, owner.actor)?;
            insert(db, &room)?;
            if let Some(guest) = &newcomer {
                guests::insert(db, guest)?;
            }
            members::insert(db, &owner)
        })
        .await
    }

    async fn room(&self, id: RoomId) -> Result<RoomRecord> {
        self.read(move |db| find(db, id)).await
    }

    async fn room_by_code(&self, code: RoomCode) -> Result<RoomRecord> {
        self.read(move |db| find_code(db, code)).await
    }

    async fn delete_abandoned_rooms(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>> {
        let deleted = self
            .write(Undo::Nothing, move |db| {
                // Members and events go with their room: ON DELETE CASCADE.
                let mut delete = db.prepare_cached(
                    "DELETE FROM rooms WHERE id IN (
                        SELECT id FROM rooms WHERE preserve = 0 AND touched_at < ?1
                        AND NOT EXISTS (SELECT 1 FROM members WHERE room = rooms.id AND presence = 'active')
                        ORDER BY touched_at LIMIT ?2
                    ) RETURNING id",
                )?;
                let ids = delete.query_map(params![before, limit.cast_signed()], |row| row.get(0))?;
                Ok(ids.collect::<rusqlite::Result<Vec<RoomId>>>()?)
            })
            .await?;
        if !deleted.is_empty() {
            self.empty_log().await?;
        }
        Ok(deleted)
    }
}

fn insert(db: &Connection, room: &RoomRecord) -> Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO rooms (id, code, type, name, preserve, epoch, owner, created_at, touched_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let inserted = insert.execute(params![
        room.id,
        room.code,
        room.room_type,
        room.name,
        room.retention,
        room.epoch,
        room.owner,
        room.created_at,
        room.touched_at,
    ]);
    match inserted {
        Err(error) if violated(&error) == Some("rooms.code") => Err(Conflict::CodeTaken.into()),
        other => other.map(drop).map_err(Into::into),
    }
}

/// The room with this id.
pub(super) fn find(db: &Connection, id: RoomId) -> Result<RoomRecord> {
    Ok(db.prepare_cached("SELECT * FROM rooms WHERE id = ?")?.query_row([id], record)?)
}

/// The room with this code.
pub(super) fn find_code(db: &Connection, code: RoomCode) -> Result<RoomRecord> {
    Ok(db.prepare_cached("SELECT * FROM rooms WHERE code = ?")?.query_row([code], record)?)
}

/// Notes that somebody joined or left; [`NotFound`](super::StoreError::NotFound) if there is no such room.
pub(super) fn touch(db: &Connection, id: RoomId, at: Millis) -> Result<()> {
    let mut touch = db.prepare_cached("UPDATE rooms SET touched_at = max(touched_at, ?2) WHERE id = ?1")?;
    found(touch.execute(params![id, at])?)
}

/// Says [`NotFound`](super::StoreError::NotFound) if no row was changed.
pub(super) fn found(changed: usize) -> Result<()> {
    if changed == 0 { Err(super::StoreError::NotFound) } else { Ok(()) }
}

fn record(row: &Row<'_>) -> rusqlite::Result<RoomRecord> {
    Ok(RoomRecord {
        id: row.get("id")?,
        code: row.get("code")?,
        room_type: row.get("type")?,
        name: row.get("name")?,
        retention: row.get("preserve")?,
        epoch: row.get("epoch")?,
        owner: row.get("owner")?,
        created_at: row.get("created_at")?,
        touched_at: row.get("touched_at")?,
    })
}
