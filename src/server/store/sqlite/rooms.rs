//! Rooms in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use super::{
    super::{Conflict, GuestRecord, Head, MemberRecord, Overview, Result, RoomId, RoomRecord, Rooms},
    Sqlite, Undo, accounts, columns,
    events::seq,
    guests, members, violated,
};
use crate::protocol::{Event, EventKind, Message, Millis, Person, RoomCode};

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
        self.look_up(|db| find(db, id))
    }

    async fn room_by_code(&self, code: RoomCode) -> Result<RoomRecord> {
        self.look_up(|db| Ok(db.prepare_cached("SELECT * FROM rooms WHERE code = ?")?.query_row([code], record)?))
    }

    async fn overviews(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Overview)>> {
        let rooms = columns::rooms(rooms);
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT rooms.id, head.seq, head.n, head.at, last.seq, last.at, last.n, last.author, last.name,
                    last.client_id, last.body,
                    (SELECT count(*) FROM members WHERE room = rooms.id AND presence = 'active'),
                    (SELECT json_group_array(json_object('id', member, 'name', name) ORDER BY member) FROM members
                     WHERE room = rooms.id AND presence = 'active' AND slot IS NOT NULL)
                 FROM rooms
                 LEFT JOIN events AS head ON head.room = rooms.id
                    AND head.seq = (SELECT max(seq) FROM events WHERE room = rooms.id)
                 LEFT JOIN events AS last ON last.room = rooms.id
                    AND last.seq = (SELECT seq FROM events WHERE room = rooms.id AND body IS NOT NULL
                                    ORDER BY seq DESC LIMIT 1)
                 WHERE rooms.id IN (SELECT unhex(value) FROM json_each(?))",
            )?;
            Ok(query.query_map([rooms], |row| Ok((row.get(0)?, overview(row)?)))?.collect::<rusqlite::Result<_>>()?)
        })
        .await
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

/// Notes that somebody joined or left; [`NotFound`](super::StoreError::NotFound) if there is no such room.
pub(super) fn touch(db: &Connection, id: RoomId, at: Millis) -> Result<()> {
    let mut touch = db.prepare_cached("UPDATE rooms SET touched_at = max(touched_at, ?2) WHERE id = ?1")?;
    found(touch.execute(params![id, at])?)
}

/// Says [`NotFound`](super::StoreError::NotFound) if no row was changed.
pub(super) fn found(changed: usize) -> Result<()> {
    if changed == 0 { Err(super::StoreError::NotFound) } else { Ok(()) }
}

/// An overview from the columns of `overviews`, after the room's id.
fn overview(row: &Row<'_>) -> rusqlite::Result<Overview> {
    let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.unwrap_or(0).cast_unsigned());
    let message = || {
        let author = Person { id: row.get(7)?, name: row.get(8)? };
        let message = Message { n: seq(row, 6)?, id: row.get(9)?, author, body: row.get(10)? };
        Ok::<_, rusqlite::Error>(Event { seq: seq(row, 4)?, at: row.get(5)?, kind: EventKind::Message(message) })
    };
    let has_message = row.get::<_, Option<i64>>(4)?.is_some();
    Ok(Overview {
        head: Head { seq: number(1)?, n: number(2)? },
        at: row.get::<_, Option<Millis>>(3)?.unwrap_or(0),
        message: has_message.then(message).transpose()?,
        members: row.get(11)?,
        pair: columns::from_json(row.get_ref(12)?)?,
    })
}

fn record(row: &Row<'_>) -> rusqlite::Result<RoomRecord> {
    named(row, "name")
}

/// A room whose name stands in another column, beside somebody's.
pub(super) fn named(row: &Row<'_>, name: &str) -> rusqlite::Result<RoomRecord> {
    Ok(RoomRecord {
        id: row.get("id")?,
        code: row.get("code")?,
        room_type: row.get("type")?,
        name: row.get(name)?,
        retention: row.get("preserve")?,
        epoch: row.get("epoch")?,
        owner: row.get("owner")?,
        created_at: row.get("created_at")?,
        touched_at: row.get("touched_at")?,
    })
}
