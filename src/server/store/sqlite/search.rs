//! The search index in SQLite: implements [`Search`], where each method is described.
//!
//! The index is an FTS5 table without content over the terms of each message. FTS5 splits them at the spaces again and
//! does nothing else with them: its tokenizer `ascii` takes every character beyond ASCII as a part of a word. The rowid
//! of a message is the number of its room and its seq, so that the messages of a room are one range.
//!
//! A table without content does not know what it has indexed. To remove a message, FTS5 is given the terms again, which
//! are computed from the text that was indexed. So the text and the index change in one transaction, and an index that
//! was made with other rules is made anew ([`ensure_version`]). With `secure-delete` the terms are removed from the
//! pages at once, and not at a later merge. That has no effect with the option `contentless_delete`.

use std::ops::Range;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    super::{Candidates, Result, RoomId, Search},
    Sqlite, Undo, columns,
    rows::seq,
};
use crate::{
    protocol::{MemberId, MessageBody, Seq},
    server::text::{self, SearchTerm},
};

/// A rowid has the seq in its lower bits. No log is longer.
const SEQ_BITS: u32 = 32;
/// Messages that one job removes from the index or erases, so that no other write waits noticeably.
const AT_ONCE: usize = 100;

#[async_trait]
impl Search for Sqlite {
    fn take_unindexed(&self) -> Vec<RoomId> {
        self.unindexed.take()
    }

    async fn indexed(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Seq)>> {
        let rooms = columns::rooms(rooms);
        self.read(move |db| {
            let mut query = db.prepare_cached(
                "SELECT room, indexed FROM search_rooms
                 WHERE indexed > 0 AND room IN (SELECT unhex(value) FROM json_each(?))",
            )?;
            Ok(query.query_map([rooms], |row| Ok((row.get(0)?, seq(row, 1)?)))?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn index_rooms(&self, rooms: &[RoomId], most: usize) -> Result<Vec<RoomId>> {
        let rooms = rooms.to_vec();
        self.write(Undo::Savepoint, move |db| index(db, &rooms, most)).await
    }

    async fn candidates(
        &self,
        room: RoomId,
        terms: &[SearchTerm],
        seqs: Range<Seq>,
        limit: usize,
    ) -> Result<Candidates> {
        let wanted = match_expression(terms);
        self.read(move |db| {
            let Some(place) = place(db, room)? else { return Ok(Candidates::new(Vec::new(), seqs.start, limit)) };
            let mut query = db.prepare_cached(
                "SELECT rowid - ?1 FROM search WHERE search MATCH ?2 AND rowid >= ?3 AND rowid < ?4
                 ORDER BY rowid DESC LIMIT ?5",
            )?;
            let (first, end) = (place.rowid(seqs.start), place.rowid(seqs.end.min(place.indexed + 1)));
            let found =
                query.query_map(params![place.rowid(0), wanted, first, end, limit.cast_signed()], |row| seq(row, 0))?;
            Ok(Candidates::new(found.collect::<rusqlite::Result<_>>()?, seqs.start, limit))
        })
        .await
    }
}

impl Sqlite {
    /// Replaces the texts of a member, some at a time.
    pub(super) async fn erase(&self, room: RoomId, author: MemberId, instead: &MessageBody) -> Result<()> {
        let mut after = Some(0);
        while let Some(from) = after {
            let instead = instead.clone();
            let erased = self.write(Undo::Savepoint, move |db| erase(db, room, author, &instead, from, AT_ONCE));
            after = erased.await?;
        }
        Ok(())
    }
}

/// A room in the index.
#[derive(Clone, Copy)]
struct Place {
    /// The number of the room in the index.
    no: i64,
    /// The seq up to which the room's archive is indexed.
    indexed: Seq,
}

impl Place {
    fn rowid(self, seq: Seq) -> i64 {
        (self.no << SEQ_BITS) + seq.min((1 << SEQ_BITS) - 1).cast_signed()
    }
}

/// Makes the index empty if it was made with other terms. The worker then fills it again.
pub(super) fn ensure_version(db: &mut Connection) -> rusqlite::Result<()> {
    let version = text::terms_version();
    let transaction = db.transaction()?;
    let found: Option<String> =
        transaction.query_row("SELECT version FROM search_version", [], |row| row.get(0)).optional()?;
    if found.as_deref() != Some(&version) {
        transaction.execute_batch(
            "INSERT INTO search (search) VALUES ('delete-all'); DELETE FROM search_rooms; DELETE FROM search_version;",
        )?;
        transaction.execute("INSERT INTO search_version (version) VALUES (?)", [version])?;
    }
    transaction.commit()
}

/// The terms as an expression of FTS5: each quoted, so that nothing in them is an operator.
fn match_expression(terms: &[SearchTerm]) -> String {
    let quoted = terms.iter().map(|SearchTerm { text, is_prefix }| {
        let star = if *is_prefix { " *" } else { "" };
        format!("\"{text}\"{star}")
    });
    quoted.collect::<Vec<_>>().join(" AND ")
}

fn place(db: &Connection, room: RoomId) -> Result<Option<Place>> {
    let mut query = db.prepare_cached("SELECT no, indexed FROM search_rooms WHERE room = ?")?;
    Ok(query.query_row([room], |row| Ok(Place { no: row.get(0)?, indexed: seq(row, 1)? })).optional()?)
}

/// Indexes further events. FTS5 writes fastest if rowids only grow, so rooms are taken in the order of their numbers.
fn index(db: &Connection, rooms: &[RoomId], most: usize) -> Result<Vec<RoomId>> {
    let mut places = Vec::with_capacity(rooms.len());
    for room in rooms {
        let mut insert = db.prepare_cached(
            "INSERT INTO search_rooms (room, indexed) SELECT id, 0 FROM rooms WHERE id = ? ON CONFLICT (room) DO NOTHING",
        )?;
        insert.execute([room])?;
        places.extend(place(db, *room)?.map(|place| (place, *room)));
    }
    places.sort_unstable_by_key(|(place, _)| place.no);
    let (mut left, mut unfinished) = (most, Vec::new());
    for (place, room) in places {
        let mut query = db.prepare_cached(
            "SELECT seq, ifnull(body, '') FROM events WHERE room = ? AND seq > ? ORDER BY seq LIMIT ?",
        )?;
        let mut found = query.query(params![room, place.indexed.cast_signed(), left.cast_signed()])?;
        let (mut count, mut last) = (0, None);
        while let Some(row) = found.next()? {
            let at = seq(row, 0)?;
            add(db, place.rowid(at), row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
            (count, last) = (count + 1, Some(at));
        }
        if let Some(last) = last {
            let mut update = db.prepare_cached("UPDATE search_rooms SET indexed = ? WHERE no = ?")?;
            update.execute(params![last.cast_signed(), place.no])?;
        }
        left -= count;
        if left == 0 {
            unfinished.push(room);
        }
    }
    Ok(unfinished)
}

/// Replaces the text of a message in the index. Call it in the transaction that replaces it in the archive.
pub(super) fn change(db: &Connection, room: RoomId, seq: Seq, before: &str, after: &str) -> Result<()> {
    if let Some(place) = place(db, room)?.filter(|place| seq <= place.indexed) {
        remove(db, place.rowid(seq), before)?;
        add(db, place.rowid(seq), after)?;
    }
    Ok(())
}

/// Removes the first `most` events of a room from the index. Call it in the transaction that deletes them.
pub(super) fn forget(db: &Connection, room: RoomId, most: usize) -> Result<()> {
    let Some(place) = place(db, room)? else { return Ok(()) };
    let mut query =
        db.prepare_cached("SELECT seq, ifnull(body, '') FROM events WHERE room = ? ORDER BY seq LIMIT ?")?;
    let mut found = query.query(params![room, most.min(isize::MAX.cast_unsigned()).cast_signed()])?;
    while let Some(row) = found.next()? {
        let at = seq(row, 0)?;
        if at > place.indexed {
            break;
        }
        remove(db, place.rowid(at), row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
    }
    Ok(())
}

/// Removes the newest indexed messages of a room from the index. Returns whether it has more of them.
pub(super) fn forget_newest(db: &Connection, room: RoomId) -> Result<bool> {
    let Some(place) = place(db, room)? else { return Ok(false) };
    let mut query = db.prepare_cached(
        "SELECT seq, ifnull(body, '') FROM events WHERE room = ? AND seq <= ? ORDER BY seq DESC LIMIT ?",
    )?;
    let mut found = query.query(params![room, place.indexed.cast_signed(), AT_ONCE.cast_signed()])?;
    let (mut count, mut left) = (0, 0);
    while let Some(row) = found.next()? {
        let at = seq(row, 0)?;
        remove(db, place.rowid(at), row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
        (count, left) = (count + 1, at - 1);
    }
    let indexed = if count == AT_ONCE { left } else { 0 };
    let mut update = db.prepare_cached("UPDATE search_rooms SET indexed = ? WHERE no = ?")?;
    update.execute(params![indexed.cast_signed(), place.no])?;
    Ok(indexed > 0)
}

/// Replaces the texts of up to `most` messages of a member after the seq `after`, in the archive and in the index.
/// Returns the last seq if there may be more.
fn erase(
    db: &Connection,
    room: RoomId,
    author: MemberId,
    instead: &MessageBody,
    after: Seq,
    most: usize,
) -> Result<Option<Seq>> {
    let texts: Vec<(Seq, String)> = {
        let mut query = db.prepare_cached(
            // The body of a deleted message is empty, and stays so.
            "SELECT seq, body FROM events WHERE room = ? AND author = ? AND seq > ? AND body NOT IN ('', ?)
             ORDER BY seq LIMIT ?",
        )?;
        let wanted = params![room, author, after.cast_signed(), instead, most.cast_signed()];
        query.query_map(wanted, |row| Ok((seq(row, 0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?
    };
    // With a text goes whom it mentions.
    let mut update = db.prepare_cached(
        "UPDATE events SET body = ?3, extra = json_remove(extra, '$.mentions', '$.everyone')
         WHERE room = ?1 AND seq = ?2",
    )?;
    for (seq, before) in &texts {
        update.execute(params![room, seq.cast_signed(), instead])?;
        change(db, room, *seq, before, instead.as_str())?;
    }
    Ok(texts.last().filter(|_| texts.len() == most).map(|(seq, _)| *seq))
}

fn add(db: &Connection, rowid: i64, text: &str) -> Result<()> {
    let terms = text::terms(text);
    if !terms.is_empty() {
        let mut insert = db.prepare_cached("INSERT INTO search (rowid, terms) VALUES (?, ?)")?;
        insert.execute(params![rowid, terms.join(" ")])?;
    }
    Ok(())
}

fn remove(db: &Connection, rowid: i64, text: &str) -> Result<()> {
    let terms = text::terms(text);
    if !terms.is_empty() {
        let mut delete = db.prepare_cached("INSERT INTO search (search, rowid, terms) VALUES ('delete', ?, ?)")?;
        delete.execute(params![rowid, terms.join(" ")])?;
    }
    Ok(())
}
