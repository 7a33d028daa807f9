//! Events in SQLite: implements [`Events`], where each method is described. A message has columns of its own; any other
//! event is JSON in the column `kind`. The column `n` of every event has the ordinal of the last message up to there,
//! so that the last event alone gives the head of the archive.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    super::{Appended, Earlier, Events, Head, Joining, Result, RoomId, Stopped, members::coming_with},
    Sqlite, Undo, columns, members,
    rows::{found, seq},
    violated,
};
use crate::protocol::{Epoch, Event, EventKind, MemberId, Message, Person, Seq};

#[async_trait]
impl Events for Sqlite {
    async fn append_entering(
        &self,
        room: RoomId,
        epoch: Epoch,
        events: &[Event],
        entering: &[Joining],
    ) -> Result<Appended> {
        let (events, entering) = (events.to_vec(), entering.to_vec());
        // A prefix of messages may stay if the job fails. Any other event must be undone together with its effect.
        let only_messages = events.iter().all(|event| event.message().is_some());
        let undo = if only_messages { Undo::Nothing } else { Undo::Savepoint };
        self.write(undo, move |db| {
            let mut settled = true;
            for (index, event) in events.iter().enumerate() {
                // A statement that a unique index refuses changes nothing, and the events inserted before it stay.
                if let Some(stopped) = insert(db, room, index, event)? {
                    return Ok(Appended { stored: index, stopped: Some(stopped), settled });
                }
                match coming_with(&entering, event) {
                    Some((joining, record)) => members::admit(db, joining, &record)?,
                    None => settled &= apply(db, room, epoch, event)?,
                }
            }
            Ok(Appended { stored: events.len(), stopped: None, settled })
        })
        .await
    }

    async fn project(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<bool> {
        let events: Vec<_> = events.iter().filter(|event| event.message().is_none()).cloned().collect();
        if events.is_empty() {
            return Ok(true);
        }
        let undo = if events.len() == 1 { Undo::Nothing } else { Undo::Savepoint };
        self.write(undo, move |db| {
            events.iter().try_fold(true, |settled, event| Ok(settled & apply(db, room, epoch, event)?))
        })
        .await
    }

    async fn earlier(&self, room: RoomId, events: &[Event]) -> Result<Option<Earlier>> {
        let events = events.to_vec();
        self.read(move |db| {
            for (index, message) in events.iter().map(Event::message).enumerate() {
                let Some(message) = message else { continue };
                if let Some(earlier) = earlier(db, room, index, message).optional()? {
                    return Ok(Some(earlier));
                }
            }
            Ok(None)
        })
        .await
    }

    async fn head(&self, room: RoomId) -> Result<Head> {
        self.read(move |db| head(db, room)).await
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Head)>> {
        let rooms = columns::rooms(rooms);
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT rooms.id, seq, n FROM rooms JOIN events ON events.room = rooms.id
                    AND seq = (SELECT max(seq) FROM events WHERE room = rooms.id)
                 WHERE rooms.id IN (SELECT unhex(value) FROM json_each(?))",
            )?;
            let heads =
                query.query_map([rooms], |row| Ok((row.get(0)?, Head { seq: seq(row, 1)?, n: seq(row, 2)? })))?;
            Ok(heads.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn events_after(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<Event>> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT seq, at, n, author, name, client_id, body, kind FROM events
                 WHERE room = ? AND seq > ? ORDER BY seq LIMIT ?",
            )?;
            let events = query.query_map(params![room, after.cast_signed(), limit.cast_signed()], event)?;
            Ok(events.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn messages_by(&self, room: RoomId, author: MemberId, after: Seq, through: Seq) -> Result<Vec<Event>> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT seq, at, n, author, name, client_id, body, kind FROM events
                 WHERE room = ? AND seq > ? AND seq <= ? AND author = ? AND body IS NOT NULL ORDER BY seq",
            )?;
            let events = query.query_map(params![room, after.cast_signed(), through.cast_signed(), author], event)?;
            Ok(events.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn events_before(&self, room: RoomId, before: Option<Seq>, limit: usize) -> Result<Vec<Event>> {
        let before = before.map_or(i64::MAX, u64::cast_signed);
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT seq, at, n, author, name, client_id, body, kind FROM events
                 WHERE room = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            )?;
            let events = query.query_map(params![room, before, limit.cast_signed()], event)?;
            Ok(events.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

/// Inserts one event. Returns which unique index refused it, if one did.
fn insert(db: &Connection, room: RoomId, index: usize, event: &Event) -> Result<Option<Stopped>> {
    let inserted = match &event.kind {
        EventKind::Message(message) => {
            let mut insert = db.prepare_cached(
                "INSERT INTO events (room, seq, at, n, author, name, client_id, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )?;
            insert.execute(params![
                room,
                event.seq.cast_signed(),
                event.at,
                message.n.cast_signed(),
                message.author.id,
                message.author.name,
                message.id.uuid().as_bytes(),
                message.body,
            ])
        }
        kind => {
            // If an archive continues after an ephemeral time, its first event carries `n` itself. Otherwise `n` is
            // that of the event before.
            let mut insert = db.prepare_cached(
                "INSERT INTO events (room, seq, at, n, kind) VALUES (
                    ?1, ?2, ?3, coalesce(?4, (SELECT n FROM events WHERE room = ?1 AND seq = ?2 - 1), 0), ?5
                )",
            )?;
            let n = event.ordinal().map(u64::cast_signed);
            insert.execute(params![room, event.seq.cast_signed(), event.at, n, kind])
        }
    };
    let Err(error) = inserted else { return Ok(None) };
    match (violated(&error), event.message()) {
        (Some("events.room, events.seq"), _) => Ok(Some(Stopped::SeqTaken)),
        (Some("events.client_id, events.author, events.room"), Some(message)) => {
            Ok(Some(Stopped::IdTaken(earlier(db, room, index, message)?)))
        }
        _ => Err(error.into()),
    }
}

fn earlier(db: &Connection, room: RoomId, index: usize, message: &Message) -> rusqlite::Result<Earlier> {
    let mut query =
        db.prepare_cached("SELECT seq, at, body FROM events WHERE room = ? AND author = ? AND client_id = ?")?;
    query.query_row(params![room, message.author.id, message.id.uuid().as_bytes()], |row| {
        let same_body = row.get_ref(2)?.as_str()? == message.body.as_str();
        Ok(Earlier { index, seq: seq(row, 0)?, at: row.get(1)?, same_body })
    })
}

/// Applies the effect of an event on the records. Returns `false` if the event is about a member whose record did not
/// owe it.
fn apply(db: &Connection, room: RoomId, epoch: Epoch, event: &Event) -> Result<bool> {
    match &event.kind {
        EventKind::Joined { member } => settle(db, room, member, "joined", Some(event.seq)),
        EventKind::Left { member } => settle(db, room, member, "left", None),
        EventKind::Removed { member, .. } => settle(db, room, member, "removed", None),
        EventKind::Message(_) | EventKind::Other(..) => Ok(true),
        EventKind::Renamed { name, .. } => {
            let mut rename = db.prepare_cached("UPDATE rooms SET name = ? WHERE id = ?")?;
            found(rename.execute(params![name, room])?).map(|()| true)
        }
        EventKind::RetentionChanged { retention, .. } => {
            let mut change = db.prepare_cached("UPDATE rooms SET preserve = ?, epoch = ? WHERE id = ?")?;
            found(change.execute(params![retention, epoch, room])?).map(|()| true)
        }
        EventKind::PeekChanged { peek, .. } => {
            let mut change = db.prepare_cached("UPDATE rooms SET peek = ? WHERE id = ?")?;
            found(change.execute(params![peek, room])?).map(|()| true)
        }
        EventKind::Owner { member, .. } => {
            let mut change = db.prepare_cached("UPDATE rooms SET owner = ? WHERE id = ?")?;
            found(change.execute(params![member.id, room])?).map(|()| true)
        }
    }
}

/// Clears `owed`, since the log has the notice. A `Joined` also sets its seq, and the name by which the member is told
/// apart from the others. A record that owes another notice, or none, stays as it is. Returns whether the record owed
/// this notice.
fn settle(db: &Connection, room: RoomId, member: &Person, owed: &str, since: Option<Seq>) -> Result<bool> {
    let mut settle = db.prepare_cached(
        "UPDATE members SET owed = NULL, since = ifnull(?1, since), name = iif(?1 IS NULL, name, ?2)
         WHERE room = ?3 AND member = ?4 AND owed ->> 'kind' = ?5",
    )?;
    Ok(settle.execute(params![since.map(u64::cast_signed), member.name, room, member.id, owed])? > 0)
}

fn head(db: &Connection, room: RoomId) -> Result<Head> {
    let mut query = db.prepare_cached("SELECT seq, n FROM events WHERE room = ? ORDER BY seq DESC LIMIT 1")?;
    let head = query.query_row([room], |row| Ok(Head { seq: seq(row, 0)?, n: seq(row, 1)? }));
    Ok(head.optional()?.unwrap_or_default())
}

/// Reads an event from the columns `seq, at, n, author, name, client_id, body, kind`.
fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let kind = match row.get(7)? {
        Some(kind) => kind,
        None => EventKind::Message(Message {
            n: seq(row, 2)?,
            id: row.get(5)?,
            author: Person { id: row.get(3)?, name: row.get(4)? },
            body: row.get(6)?,
        }),
    };
    Ok(Event { seq: seq(row, 0)?, at: row.get(1)?, kind })
}
