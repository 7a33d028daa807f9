//! Rooms in SQLite: implements [`Rooms`], where each method is described.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use super::{
    super::{Conflict, Gone, GuestRecord, Head, MemberRecord, Overview, Result, RoomId, RoomRecord, Rooms},
    Sqlite, Undo, columns, guests, members,
    rows::{self, seq},
    search, violated,
};
use crate::protocol::{EventKind, Millis, RoomCode};

#[async_trait]
impl Rooms for Sqlite {
    async fn create_room(&self, room: &RoomRecord, owner: &MemberRecord, newcomer: Option<&GuestRecord>) -> Result<()> {
        let (room, owner, newcomer) = (room.clone(), owner.clone(), newcomer.cloned());
        self.write(Undo::Savepoint, move |db| {
            rows::expect_actor(db, owner.actor)?;
            insert(db, &room)?;
            if let Some(guest) = &newcomer {
                guests::insert(db, guest)?;
            }
            members::insert(db, &owner)
        })
        .await
    }

    async fn room(&self, id: RoomId) -> Result<RoomRecord> {
        self.look_up(|db| rows::find_room(db, id))
    }

    async fn room_by_code(&self, code: RoomCode) -> Result<RoomRecord> {
        self.look_up(|db| {
            Ok(db
                .prepare_cached("SELECT * FROM rooms WHERE code = ?")?
                .query_row([code], |row| rows::room(row, "name"))?)
        })
    }

    async fn overviews(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Overview)>> {
        let rooms = columns::rooms(rooms);
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT rooms.id, head.seq, head.n, last.seq, last.at, last.n, last.author, last.name,
                    last.client_id, last.body, last.kind, last.extra,
                    (SELECT count(*) FROM members WHERE room = rooms.id AND presence = 'active'),
                    (SELECT json_group_array(json_object('id', member, 'name', name) ORDER BY member) FROM members
                     WHERE room = rooms.id AND presence = 'active' AND slot IS NOT NULL),
                    rooms.gone,
                    (SELECT at FROM events WHERE room = rooms.id
                        AND ifnull(kind ->> '$.kind', '') NOT IN (SELECT value FROM json_each(?2)) ORDER BY seq DESC LIMIT 1)
                 FROM rooms
                 LEFT JOIN events AS head ON head.room = rooms.id
                    AND head.seq = (SELECT max(seq) FROM events WHERE room = rooms.id)
                 LEFT JOIN events AS last ON last.room = rooms.id
                    AND last.seq = (SELECT seq FROM events WHERE room = rooms.id AND body IS NOT NULL
                                    ORDER BY seq DESC LIMIT 1)
                 WHERE rooms.id IN (SELECT unhex(value) FROM json_each(?1))",
            )?;
            let found = params![rooms, columns::json(&EventKind::TOUCHES)?];
            Ok(query.query_map(found, |row| Ok((row.get(0)?, overview(row)?)))?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn visit_room(&self, room: RoomId, at: Millis) -> Result<()> {
        self.write(Undo::Nothing, move |db| {
            let mut visit = db.prepare_cached("UPDATE rooms SET visited_at = max(visited_at, ?2) WHERE id = ?1")?;
            visit.execute(params![room, at])?;
            Ok(())
        })
        .await
    }

    async fn unvisited_rooms(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>> {
        self.read(move |db| {
            let mut query = db.prepare_cached(&format!(
                "SELECT id FROM rooms WHERE visited_at < ?1 AND {OF_NO_ACCOUNT} ORDER BY visited_at LIMIT ?2"
            ))?;
            let ids = query.query_map(params![before, limit.cast_signed()], |row| row.get(0))?;
            Ok(ids.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn end_room(&self, room: RoomId, unvisited_since: Option<Millis>, most: usize) -> Result<bool> {
        let is_gone = self
            .write(Undo::Savepoint, move |db| {
                let before = unvisited_since.unwrap_or(Millis::MAX);
                let condition = if unvisited_since.is_some() { OF_NO_ACCOUNT } else { "true" };
                let mut check = db.prepare_cached(&format!(
                    "SELECT 1 FROM rooms WHERE id = ?1 AND visited_at < ?2 AND {condition}"
                ))?;
                if !check.exists(params![room, before])? {
                    return Err(super::StoreError::NotFound);
                }
                search::forget(db, room, most)?;
                let mut delete = db.prepare_cached(
                    "DELETE FROM events WHERE room = ?1
                     AND seq IN (SELECT seq FROM events WHERE room = ?1 ORDER BY seq LIMIT ?2)",
                )?;
                if delete.execute(params![room, most.cast_signed()])? >= most {
                    return Ok(false);
                }
                // Members are deleted with their room: ON DELETE CASCADE.
                db.prepare_cached("DELETE FROM rooms WHERE id = ?")?.execute([room])?;
                Ok(true)
            })
            .await?;
        if is_gone {
            self.empty_log().await?;
        }
        Ok(is_gone)
    }

    async fn existing_rooms(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>> {
        let rooms = columns::rooms(rooms);
        self.read(move |db| {
            let mut query =
                db.prepare_cached("SELECT id FROM rooms WHERE id IN (SELECT unhex(value) FROM json_each(?))")?;
            Ok(query.query_map([rooms], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn rooms_after(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<RoomRecord>> {
        self.read(move |db| {
            let mut query =
                db.prepare_cached("SELECT * FROM rooms WHERE ?1 IS NULL OR id > ?1 ORDER BY id LIMIT ?2")?;
            Ok(query
                .query_map(params![after, limit.cast_signed()], |row| rows::room(row, "name"))?
                .collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn archive_size(&self, room: RoomId) -> Result<(u64, u64)> {
        self.read(move |db| {
            let mut query =
                db.prepare_cached("SELECT count(*), ifnull(sum(octet_length(body)), 0) FROM events WHERE room = ?")?;
            Ok(query.query_row([room], |row| Ok((seq(row, 0)?, seq(row, 1)?)))?)
        })
        .await
    }

    async fn delete_abandoned_rooms(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>> {
        self.forget_abandoned(before, limit).await?;
        let deleted = self
            .write(Undo::Savepoint, move |db| {
                let mut query =
                    db.prepare_cached(&format!("SELECT id FROM rooms WHERE {ABANDONED} ORDER BY touched_at LIMIT ?2"))?;
                let ids = query.query_map(params![before, limit.cast_signed()], |row| row.get(0))?;
                let ids = ids.collect::<rusqlite::Result<Vec<RoomId>>>()?;
                // Members and events are deleted with their room: ON DELETE CASCADE.
                let mut delete = db.prepare_cached("DELETE FROM rooms WHERE id = ?")?;
                for id in &ids {
                    search::forget(db, *id, usize::MAX)?;
                    delete.execute([id])?;
                }
                Ok(ids)
            })
            .await?;
        if !deleted.is_empty() {
            self.empty_log().await?;
        }
        Ok(deleted)
    }
}

impl Sqlite {
    /// Removes from the search index what it has of the abandoned rooms, some at a time so that no other write waits
    /// noticeably. If somebody joins such a room meanwhile, it is indexed again.
    async fn forget_abandoned(&self, before: Millis, limit: usize) -> Result<()> {
        let rooms = self.read(move |db| {
            let mut query = db.prepare_cached(&format!(
                "SELECT id FROM rooms WHERE {ABANDONED} AND id IN (SELECT room FROM search_rooms WHERE indexed > 0)
                 ORDER BY touched_at LIMIT ?2"
            ))?;
            let rooms = query.query_map(params![before, limit.cast_signed()], |row| row.get(0))?;
            Ok(rooms.collect::<rusqlite::Result<Vec<RoomId>>>()?)
        });
        for room in rooms.await? {
            while self.write(Undo::Savepoint, move |db| search::forget_newest(db, room)).await? {}
        }
        Ok(())
    }
}

/// The condition under which a room is abandoned. `?1` is the time before which somebody last joined or left.
const ABANDONED: &str = "preserve = 0 AND touched_at < ?1
    AND NOT EXISTS (SELECT 1 FROM members WHERE room = rooms.id AND presence = 'active')";

/// The condition under which a room that nobody visits may end. A preserved room with an active account stays.
const OF_NO_ACCOUNT: &str = "(preserve = 0 OR NOT EXISTS (
    SELECT 1 FROM members WHERE room = rooms.id AND presence = 'active' AND actor_kind = 'account'))";

fn insert(db: &Connection, room: &RoomRecord) -> Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO rooms
            (id, code, type, name, preserve, peek, epoch, owner, created_at, touched_at, visited_at, gone)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let inserted = insert.execute(params![
        room.id,
        room.code,
        room.room_type,
        room.name,
        room.retention,
        room.peek,
        room.epoch,
        room.owner,
        room.created_at,
        room.touched_at,
        room.visited_at,
        (!room.gone.is_empty()).then_some(&room.gone),
    ]);
    match inserted {
        Err(error) if violated(&error) == Some("rooms.code") => Err(Conflict::CodeTaken.into()),
        other => other.map(drop).map_err(Into::into),
    }
}

/// Reads an overview from the columns that `overviews` selects after the room's id.
fn overview(row: &Row<'_>) -> rusqlite::Result<Overview> {
    let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.unwrap_or(0).cast_unsigned());
    let has_message = row.get::<_, Option<i64>>(3)?.is_some();
    Ok(Overview {
        head: Head { seq: number(1)?, n: number(2)? },
        at: row.get::<_, Option<Millis>>(15)?.unwrap_or(0),
        message: has_message.then(|| rows::event(row, 3)).transpose()?,
        members: row.get(12)?,
        pair: columns::from_json(row.get_ref(13)?)?,
        gone: row.get::<_, Option<Gone>>(14)?.unwrap_or_default(),
    })
}
