//! The search index in MongoDB: implements [`Search`], where each method is described.
//!
//! A document of `search` has the terms of one message. A document of `indexed` is the cursor of a room. Every
//! transaction that indexes messages of a room, or changes the text of one, writes the cursor. So two of them conflict
//! and one is run again. Otherwise one could add the terms of a text that the other has just deleted.
//!
//! A cursor names the version of the terms. A room whose cursor has another version is indexed anew.

use std::{cmp::Reverse, ops::Range};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{self, Document, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{Candidates, Result, RoomId, Search},
    Attempt, LONG_PATIENCE, Mongo, PATIENCE, binary, limit, transaction, uuid, within,
};
use crate::{
    protocol::{Event, MemberId, MessageBody, Seq},
    server::text::{self, SearchTerm},
};

/// Seqs of a room that one command searches.
const STRETCH: Seq = 25_000;
/// Documents that one command changes.
const AT_ONCE: usize = 1_000;
/// MongoDB uses signed integers. No log is that long.
const LAST_SEQ: Seq = i64::MAX.cast_unsigned();
/// Greater than every character.
const LAST_CHARACTER: char = '\u{10FFFF}';

#[derive(Serialize, Deserialize)]
pub(super) struct TermsDocument {
    #[serde(rename = "_id")]
    id: MessageKey,
    terms: Vec<String>,
}

impl TermsDocument {
    fn new(room: RoomId, seq: Seq, terms: Vec<String>) -> Self {
        Self { id: MessageKey { room: binary(room.0), seq }, terms }
    }
}

/// Where a message is.
#[derive(Serialize, Deserialize)]
struct MessageKey {
    room: bson::Uuid,
    seq: Seq,
}

/// How far a room is indexed.
#[derive(Serialize, Deserialize)]
pub(super) struct CursorDocument {
    /// The room.
    #[serde(rename = "_id")]
    id: bson::Uuid,
    seq: Seq,
    /// The version of the terms.
    version: String,
    /// Write counter, incremented in every transaction that must conflict with indexing.
    holds: i64,
}

/// The seq of an event.
#[derive(Deserialize)]
struct Place {
    seq: Seq,
}

/// The key of a found message.
#[derive(Deserialize)]
struct Found {
    #[serde(rename = "_id")]
    id: MessageKey,
}

#[async_trait]
impl Search for Mongo {
    fn take_unindexed(&self) -> Vec<RoomId> {
        self.unindexed.take()
    }

    async fn indexed(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Seq)>> {
        within(PATIENCE, async {
            let rooms: Vec<_> = rooms.iter().map(|room| binary(room.0)).collect();
            let current = doc! { "_id": { "$in": rooms }, "version": text::terms_version(), "seq": { "$gt": 0_i64 } };
            let found = self.indexed.find(current).await?;
            Ok(found.map_ok(|cursor| (RoomId(uuid(cursor.id)), cursor.seq)).try_collect().await?)
        })
        .await
    }

    async fn index_rooms(&self, rooms: &[RoomId], most: usize) -> Result<Vec<RoomId>> {
        within(LONG_PATIENCE, async {
            let (mut left, mut unfinished) = (most, Vec::new());
            for room in rooms {
                if left > 0 {
                    self.drop_outdated(*room).await?;
                    left -= transaction!(self, |session| self.try_index(session, *room, left))?;
                }
                if left == 0 {
                    unfinished.push(*room);
                }
            }
            Ok(unfinished)
        })
        .await
    }

    async fn candidates(
        &self,
        room: RoomId,
        terms: &[SearchTerm],
        seqs: Range<Seq>,
        most: usize,
    ) -> Result<Candidates> {
        within(PATIENCE, async {
            let cursor = self.indexed.find_one(doc! { "_id": binary(room.0) }).await?;
            let end = cursor.map_or(0, |cursor| cursor.seq + 1).min(seqs.end);
            let first = end.saturating_sub(STRETCH).max(seqs.start);
            let keys = self.search.clone_with_type::<Found>();
            let found = keys.find(matching(room, terms, first..end));
            let found = found.projection(doc! { "_id": 1 }).sort(doc! { "_id": -1 }).limit(limit(most)).await?;
            let found = found.map_ok(|found| found.id.seq).try_collect().await?;
            Ok(Candidates::new(found, first, most))
        })
        .await
    }
}

/// The filter for messages that have these terms.
///
/// MongoDB may take either index: that of the keys, newest first, for terms that many messages have, or that of the
/// terms. It tries both for a moment. It can use the index of the terms for one term only. That is the longest one, as
/// the likely rarest. The others are in a `$nor`, which uses no index.
fn matching(room: RoomId, terms: &[SearchTerm], seqs: Range<Seq>) -> Document {
    let mut matching = between(room, seqs.start, seqs.end);
    matching.insert("_id.room", binary(room.0));
    matching.insert("_id.seq", doc! { "$gte": seqs.start.cast_signed(), "$lt": seqs.end.cast_signed() });
    let mut terms: Vec<&SearchTerm> = terms.iter().collect();
    terms.sort_by_key(|term| Reverse(term.text.len()));
    if let Some((longest, others)) = terms.split_first() {
        matching.insert("terms", has(longest));
        let lacks: Vec<_> = others.iter().map(|term| doc! { "terms": { "$not": has(term) } }).collect();
        if !lacks.is_empty() {
            matching.insert("$nor", lacks);
        }
    }
    matching
}

/// The condition that an array has a term. `$elemMatch`, so that one element is within both bounds.
fn has(SearchTerm { text, is_prefix }: &SearchTerm) -> Document {
    if *is_prefix {
        doc! { "$elemMatch": { "$gte": text, "$lt": format!("{text}{LAST_CHARACTER}") } }
    } else {
        doc! { "$eq": text }
    }
}

/// The filter for the messages of a room from `first` on and before `end`, which are a range of the index of keys.
pub(super) fn between(room: RoomId, first: Seq, end: Seq) -> Document {
    doc! { "_id": { "$gte": key(room, first), "$lt": key(room, end.min(LAST_SEQ)) } }
}

/// The key of a message. The order of its fields is that of the stored documents.
fn key(room: RoomId, seq: Seq) -> Document {
    doc! { "room": binary(room.0), "seq": seq.cast_signed() }
}

impl Mongo {
    /// Removes what was indexed of a room with other terms.
    async fn drop_outdated(&self, room: RoomId) -> Result<()> {
        let version = text::terms_version();
        let outdated = doc! { "_id": binary(room.0), "version": { "$ne": &version } };
        if self.indexed.find_one(outdated.clone()).await?.is_some() {
            self.search.delete_many(between(room, 0, Seq::MAX)).await?;
            let anew = doc! { "$set": { "seq": 0_i64, "version": version }, "$inc": { "holds": 1_i64 } };
            self.indexed.update_one(outdated, anew).await?;
        }
        Ok(())
    }

    /// Indexes up to `most` further events of a room. Returns their number.
    async fn try_index(&self, session: &mut ClientSession, room: RoomId, most: usize) -> Attempt<usize> {
        let id = doc! { "_id": binary(room.0) };
        let cursor = self.indexed.find_one(id.clone()).session(&mut *session).await?;
        if cursor.is_none() {
            // Conflicts with deleting the room.
            let touch = doc! { "$inc": { "touches": 1_i64 } };
            if self.rooms.update_one(id, touch).session(&mut *session).await?.matched_count == 0 {
                return Ok(0);
            }
        }
        let after = cursor.map_or(0, |cursor| cursor.seq);
        let further = doc! { "room": binary(room.0), "seq": { "$gt": after.cast_signed() } };
        let mut found = self
            .events
            .find(further)
            .sort(doc! { "room": 1, "seq": 1 })
            .limit(limit(most))
            .session(&mut *session)
            .await?;
        let (mut count, mut last, mut documents) = (0, after, Vec::new());
        while let Some(event) = found.next(&mut *session).await.transpose()? {
            let event = Event::try_from(event)?;
            let terms = event.message().map(|message| text::terms(message.body.as_str())).unwrap_or_default();
            if !terms.is_empty() {
                documents.push(TermsDocument::new(room, event.seq, terms));
            }
            (count, last) = (count + 1, event.seq);
        }
        if !documents.is_empty() {
            self.search.insert_many(documents).session(&mut *session).await?;
        }
        if count > 0 {
            self.hold_index(session, room, doc! { "seq": last.cast_signed() }).await?;
        }
        Ok(count)
    }

    /// Replaces the text of a message in the index. Call it in the transaction that replaces it in the archive.
    pub(super) async fn change_terms(
        &self,
        session: &mut ClientSession,
        room: RoomId,
        seq: Seq,
        after: &str,
    ) -> Attempt<()> {
        let indexed = self.hold_index(session, room, doc! {}).await?;
        let (id, terms) = (doc! { "_id": key(room, seq) }, text::terms(after));
        if terms.is_empty() {
            self.search.delete_one(id).session(session).await?;
        } else if seq <= indexed {
            let terms = doc! { "$set": { "terms": terms } };
            self.search.update_one(id, terms).upsert(true).session(session).await?;
        }
        Ok(())
    }

    /// Replaces the texts of some members in the index. Call it in the transaction that replaces them in the archive,
    /// and before.
    pub(super) async fn erase_terms(
        &self,
        session: &mut ClientSession,
        room: RoomId,
        authors: impl Iterator<Item = MemberId>,
        instead: &MessageBody,
    ) -> Attempt<()> {
        let authors: Vec<i64> = authors.map(|author| author.get().cast_signed()).collect();
        let theirs = doc! {
            "room": binary(room.0),
            "author": { "$in": authors },
            "client_id": { "$exists": true },
            "kind.body": { "$ne": "" },
        };
        let places = self.events.clone_with_type::<Place>();
        let found = places.find(theirs).projection(doc! { "_id": 0, "seq": 1 });
        let mut found = found.session(&mut *session).await?;
        let found: Vec<Place> = found.stream(&mut *session).try_collect().await?;
        if found.is_empty() {
            return Ok(());
        }
        let indexed = self.hold_index(session, room, doc! {}).await?;
        let seqs: Vec<Seq> = found.into_iter().map(|place| place.seq).filter(|seq| *seq <= indexed).collect();
        let terms = text::terms(instead.as_str());
        for seqs in seqs.chunks(AT_ONCE) {
            let keys: Vec<_> = seqs.iter().map(|seq| key(room, *seq)).collect();
            self.search.delete_many(doc! { "_id": { "$in": keys } }).session(&mut *session).await?;
            if !terms.is_empty() {
                let erased = seqs.iter().map(|seq| TermsDocument::new(room, *seq, terms.clone()));
                self.search.insert_many(erased).session(&mut *session).await?;
            }
        }
        Ok(())
    }

    /// Removes a room from the index. Call it in the transaction that deletes the room.
    pub(super) async fn forget_terms(&self, session: &mut ClientSession, room: RoomId) -> Attempt<()> {
        self.indexed.delete_one(doc! { "_id": binary(room.0) }).session(&mut *session).await?;
        self.search.delete_many(between(room, 0, Seq::MAX)).session(session).await?;
        Ok(())
    }

    /// Writes the cursor of a room, so that the transaction conflicts with others that change the room's index. Returns
    /// the seq up to which the room is indexed.
    async fn hold_index(&self, session: &mut ClientSession, room: RoomId, set: Document) -> Attempt<Seq> {
        let mut change = doc! { "$inc": { "holds": 1_i64 } };
        let mut first = doc! { "version": text::terms_version() };
        if set.is_empty() {
            first.insert("seq", 0_i64);
        } else {
            change.insert("$set", set);
        }
        change.insert("$setOnInsert", first);
        let held = self.indexed.find_one_and_update(doc! { "_id": binary(room.0) }, change);
        let held = held.upsert(true).return_document(ReturnDocument::After).session(session).await?;
        Ok(held.map_or(0, |cursor| cursor.seq))
    }
}
