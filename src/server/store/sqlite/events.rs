//! Events in SQLite: implements [`Events`], where each method is described. A message has columns of its own; any other
//! event is JSON in the column `kind`. What later events have made of a message is in its own row: its text, and the
//! rest as JSON in the column `extra`. The column `n` of every event has the ordinal of the last message up to there,
//! so that the last event alone gives the head of the archive.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    super::{Appended, Earlier, Events, Head, Joining, Result, RoomId, Stopped, members::coming_with},
    Sqlite, Undo, columns, members,
    rows::{self, found, seq},
    search, violated,
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
        let noted = events;
        let (events, entering) = (events.to_vec(), entering.to_vec());
        // A prefix of messages may stay if the job fails. Any other event must be undone together with its effect.
        let only_messages = events.iter().all(|event| event.message().is_some());
        let undo = if only_messages { Undo::Nothing } else { Undo::Savepoint };
        let erases = events.iter().any(|event| matches!(event.kind, EventKind::Deleted { .. }));
        let appended = self.write(undo, move |db| {
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
        });
        let appended = appended.await?;
        self.unindexed.note(room, &noted[..appended.stored]);
        if erases {
            self.wal.empty_soon();
        }
        Ok(appended)
    }

    async fn project(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<bool> {
        let events: Vec<_> = events.iter().filter(|event| event.message().is_none()).cloned().collect();
        if events.is_empty() {
            return Ok(true);
        }
        let erases = events.iter().any(|event| matches!(event.kind, EventKind::Deleted { .. }));
        let undo = if events.len() == 1 && !erases { Undo::Nothing } else { Undo::Savepoint };
        let settled = self.write(undo, move |db| {
            events.iter().try_fold(true, |settled, event| Ok(settled & apply(db, room, epoch, event)?))
        });
        let settled = settled.await?;
        if erases {
            self.wal.empty_soon();
        }
        Ok(settled)
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
                "SELECT seq, at, n, author, name, client_id, body, kind, extra FROM events
                 WHERE room = ? AND seq > ? ORDER BY seq LIMIT ?",
            )?;
            let events =
                query.query_map(params![room, after.cast_signed(), limit.cast_signed()], |row| rows::event(row, 0))?;
            Ok(events.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn events_at(&self, room: RoomId, seqs: &[Seq]) -> Result<Vec<Event>> {
        let seqs = columns::json(&seqs)?;
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT seq, at, n, author, name, client_id, body, kind, extra FROM events
                 WHERE room = ? AND seq IN (SELECT value FROM json_each(?))",
            )?;
            let events = query.query_map(params![room, seqs], |row| rows::event(row, 0))?;
            Ok(events.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn messages_by(&self, room: RoomId, author: MemberId, after: Seq, through: Seq) -> Result<Vec<Event>> {
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT seq, at, n, author, name, client_id, body, kind, extra FROM events
                 WHERE room = ? AND seq > ? AND seq <= ? AND author = ? AND body IS NOT NULL ORDER BY seq",
            )?;
            let events = query.query_map(params![room, after.cast_signed(), through.cast_signed(), author], |row| {
                rows::event(row, 0)
            })?;
            Ok(events.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn events_before(&self, room: RoomId, before: Option<Seq>, limit: usize) -> Result<Vec<Event>> {
        let before = before.map_or(i64::MAX, u64::cast_signed);
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT seq, at, n, author, name, client_id, body, kind, extra FROM events
                 WHERE room = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
            )?;
            let events = query.query_map(params![room, before, limit.cast_signed()], |row| rows::event(row, 0))?;
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
                "INSERT INTO events (room, seq, at, n, author, name, client_id, body, extra)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                rows::extra(message)?,
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
    let mut query = db.prepare_cached(
        "SELECT seq, at, n, author, name, client_id, body, kind, extra FROM events
         WHERE room = ? AND author = ? AND client_id = ?",
    )?;
    query.query_row(params![room, message.author.id, message.id.uuid().as_bytes()], |row| {
        let Event { seq, at, kind } = rows::event(row, 0)?;
        let same_body = matches!(kind, EventKind::Message(first) if first.was_sent_as(&message.body));
        Ok(Earlier { index, seq, at, same_body })
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
        EventKind::Edited { .. } | EventKind::Deleted { .. } | EventKind::Reacted { .. } => {
            event.kind.targets().try_for_each(|target| touch(db, room, target.seq, event)).map(|()| true)
        }
    }
}

/// Folds a touch into its message, and removes the texts that are void by it. Does nothing if the archive does not have
/// the message.
fn touch(db: &Connection, room: RoomId, seq: Seq, touch: &Event) -> Result<()> {
    let mut query = db.prepare_cached(
        "SELECT seq, at, n, author, name, client_id, body, kind, extra FROM events WHERE room = ? AND seq = ?",
    )?;
    let found = query.query_row(params![room, seq.cast_signed()], |row| rows::event(row, 0)).optional()?;
    let Some(Event { kind: EventKind::Message(mut message), .. }) = found else { return Ok(()) };
    let (edited, before) = (message.edited, message.body.clone());
    if !message.fold(seq, touch) {
        // The message was deleted before this touch, or the touch is in it already.
        return void(db, room, touch.seq);
    }
    let mut update = db.prepare_cached("UPDATE events SET body = ?3, extra = ?4 WHERE room = ?1 AND seq = ?2")?;
    update.execute(params![room, seq.cast_signed(), message.body, rows::extra(&message)?])?;
    if message.body != before {
        search::change(db, room, seq, before.as_str(), message.body.as_str())?;
    }
    if let Some(edit) = edited.filter(|edit| message.edited != Some(*edit)) {
        void(db, room, edit.seq)?;
    }
    if let EventKind::Deleted { n, .. } = &touch.kind {
        let mut gone = rows::find_room(db, room)?.gone;
        gone.add(*n);
        db.prepare_cached("UPDATE rooms SET gone = ? WHERE id = ?")?.execute(params![gone, room])?;
    }
    Ok(())
}

/// Removes the text of an `edited` event, and whom it mentions.
fn void(db: &Connection, room: RoomId, seq: Seq) -> Result<()> {
    let mut void = db.prepare_cached(
        "UPDATE events SET kind = json_remove(json_set(kind, '$.body', ''), '$.mentions', '$.everyone')
         WHERE room = ? AND seq = ? AND kind ->> 'kind' = 'edited'",
    )?;
    void.execute(params![room, seq.cast_signed()])?;
    Ok(())
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
