//! Events in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use super::{
    super::{Appended, Earlier, Events, Head, Result, RoomId, Stopped},
    Sqlite, rooms, violated,
};
use crate::protocol::{Epoch, Event, EventKind, MemberId, Message, Seq};

#[async_trait]
impl Events for Sqlite {
    async fn append(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<Appended> {
        let events = events.to_vec();
        self.write(move |db| {
            for (index, event) in events.iter().enumerate() {
                // A statement that an index stops changes nothing, and what was inserted before it stays.
                if let Some(stopped) = insert(db, room, index, event)? {
                    return Ok(Appended { stored: index, stopped: Some(stopped) });
                }
                apply(db, room, epoch, event)?;
            }
            Ok(Appended { stored: events.len(), stopped: None })
        })
        .await
    }

    async fn project(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<()> {
        let events: Vec<_> = events.iter().filter(|event| event.message().is_none()).cloned().collect();
        if events.is_empty() {
            return Ok(());
        }
        self.write(move |db| events.iter().try_for_each(|event| apply(db, room, epoch, event))).await
    }

    async fn head(&self, room: RoomId) -> Result<Head> {
        self.read(move |db| head(db, room)).await
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Head)>> {
        let rooms = rooms.to_vec();
        self.read(move |db| {
            let heads = rooms.into_iter().map(|room| Ok((room, head(db, room)?)));
            heads.filter(|head| !matches!(head, Ok((_, Head { seq: 0, .. })))).collect()
        })
        .await
    }

    async fn events_after(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<Event>> {
        self.read(move |db| {
            let mut query =
                db.prepare_cached("SELECT seq, at, kind FROM events WHERE room = ? AND seq > ? ORDER BY seq LIMIT ?")?;
            let events = query.query_map(params![room, after.cast_signed(), limit.cast_signed()], event)?;
            Ok(events.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn events_before(&self, room: RoomId, before: Option<Seq>, limit: usize) -> Result<Vec<Event>> {
        let before = before.map_or(i64::MAX, u64::cast_signed);
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT seq, at, kind FROM events WHERE room = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            )?;
            let events = query.query_map(params![room, before, limit.cast_signed()], event)?;
            Ok(events.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

/// Inserts one event; says which index stopped it, if one did.
fn insert(db: &Connection, room: RoomId, index: usize, event: &Event) -> Result<Option<Stopped>> {
    let message = event.message();
    let mut insert = db.prepare_cached(
        "INSERT INTO events (room, seq, at, kind, author, client_id, n) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?;
    let inserted = insert.execute(params![
        room,
        event.seq.cast_signed(),
        event.at,
        event.kind,
        message.map(|message| message.author.id),
        message.map(|message| message.id),
        event.ordinal().map(u64::cast_signed),
    ]);
    let Err(error) = inserted else { return Ok(None) };
    match (violated(&error), message) {
        (Some("events.room, events.seq"), _) => Ok(Some(Stopped::SeqTaken)),
        (Some("events.room, events.author, events.client_id"), Some(message)) => {
            Ok(Some(Stopped::IdTaken(earlier(db, room, index, message)?)))
        }
        _ => Err(error.into()),
    }
}

fn earlier(db: &Connection, room: RoomId, index: usize, message: &Message) -> Result<Earlier> {
    let mut query =
        db.prepare_cached("SELECT seq, at, kind FROM events WHERE room = ? AND author = ? AND client_id = ?")?;
    let earlier = query.query_row(params![room, message.author.id, message.id], event)?;
    let same_body = earlier.message().is_some_and(|earlier| earlier.body == message.body);
    Ok(Earlier { index, seq: earlier.seq, at: earlier.at, same_body })
}

/// What an event changes in the records.
fn apply(db: &Connection, room: RoomId, epoch: Epoch, event: &Event) -> Result<()> {
    match &event.kind {
        EventKind::Joined { member } => settle(db, room, member.id, "joined", Some(event.seq)),
        EventKind::Left { member } => settle(db, room, member.id, "left", None),
        EventKind::Removed { member, .. } => settle(db, room, member.id, "removed", None),
        EventKind::Message(_) => Ok(()),
        EventKind::Renamed { name, .. } => {
            let mut rename = db.prepare_cached("UPDATE rooms SET name = ? WHERE id = ?")?;
            rooms::found(rename.execute(params![name, room])?)
        }
        EventKind::RetentionChanged { retention, .. } => {
            let mut change = db.prepare_cached("UPDATE rooms SET preserve = ?, epoch = ? WHERE id = ?")?;
            rooms::found(change.execute(params![retention, epoch, room])?)
        }
    }
}

/// The log has been told; a record that owes something else, or nothing, stays as it is.
fn settle(db: &Connection, room: RoomId, member: MemberId, owed: &str, since: Option<Seq>) -> Result<()> {
    let mut settle = db.prepare_cached(
        "UPDATE members SET owed = NULL, since = ifnull(?, since)
         WHERE room = ? AND member = ? AND owed ->> 'kind' = ?",
    )?;
    settle.execute(params![since.map(u64::cast_signed), room, member, owed])?;
    Ok(())
}

fn head(db: &Connection, room: RoomId) -> Result<Head> {
    let mut query = db.prepare_cached(
        "SELECT (SELECT max(seq) FROM events WHERE room = ?1),
                (SELECT max(n) FROM events WHERE room = ?1 AND n IS NOT NULL)",
    )?;
    let head = query.query_row([room], |row| {
        let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.unwrap_or(0).cast_unsigned());
        Ok(Head { seq: number(0)?, n: number(1)? })
    })?;
    Ok(head)
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event { seq: row.get::<_, i64>("seq")?.cast_unsigned(), at: row.get("at")?, kind: row.get("kind")? })
}
