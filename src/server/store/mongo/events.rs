//! Events in MongoDB: implements [`Events`], where each method is described.
//!
//! The unique index on (room, seq) decides which writer gets a seq, and gives every read its order. `_id` is left to
//! the driver. A composed `_id` would save an index, but then the collection could not be sharded by room, and client
//! ids could not be unique. Batches of messages only are sent by `appends.rs`. Batches with other events change records
//! too, and run in a transaction.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{self, Document, doc},
};

use super::{
    super::{
        Appended, Earlier, Events, Head, Joining, Result, RoomId, RoomRecord, Stopped, StoreError, members::coming_with,
    },
    Attempt, Failure, Mongo, PATIENCE, PAUSE,
    appends::{Guard, guard},
    binary,
    documents::{event_documents, kind_document},
    limit, rest, transaction, uuid_field, within,
};
use crate::protocol::{Epoch, Event, EventKind, MemberId, Message, RoomName, Seq};

#[async_trait]
impl Events for Mongo {
    async fn append_entering(
        &self,
        room: RoomId,
        epoch: Epoch,
        events: &[Event],
        entering: &[Joining],
    ) -> Result<Appended> {
        within(PATIENCE, async {
            let (mut batch, mut stopped, mut settled) = (events, None, true);
            let stored = loop {
                if batch.is_empty() {
                    break 0;
                }
                let only_messages = batch.iter().all(|event| event.message().is_some());
                let outcome = if only_messages {
                    self.appends.insert(event_documents(room, batch)?).await?
                } else {
                    match transaction!(self, |session| self.try_append(session, room, epoch, batch, entering)) {
                        Ok(all_settled) => {
                            settled = all_settled;
                            Ok(())
                        }
                        Err(Failure::Driver(error)) => Err(guard(&error).ok_or(error)?),
                        Err(Failure::Answer(answer)) => return Err(answer),
                    }
                };
                let Err((index, guard)) = outcome else { break batch.len() };
                stopped = Some((index, guard));
                if only_messages {
                    break index;
                }
                // The transaction stored nothing. The events before the one that stopped it are appended again.
                batch = &batch[..index];
            };
            let stopped = match stopped {
                Some((index, guard)) => Some(self.stopped(room, index, &events[index], guard).await?),
                None => None,
            };
            self.unindexed.note(room, &events[..stored]);
            Ok(Appended { stored, stopped, settled })
        })
        .await
    }

    async fn project(&self, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<bool> {
        within(PATIENCE, async {
            if events.iter().all(|event| event.message().is_some()) {
                return Ok(true);
            }
            Ok(transaction!(self, |session| self.apply(session, room, epoch, events, &[]))?)
        })
        .await
    }

    async fn earlier(&self, room: RoomId, events: &[Event]) -> Result<Option<Earlier>> {
        let messages = || events.iter().filter_map(Event::message);
        if messages().next().is_none() {
            return Ok(None);
        }
        let authors: Vec<_> = messages().map(|message| message.author.id.get().cast_signed()).collect();
        let ids: Vec<_> = messages().map(|message| binary(message.id.uuid())).collect();
        // MongoDB uses the partial index only if the query says that the field exists.
        let ids = doc! { "$in": ids, "$exists": true };
        let any = doc! { "room": binary(room.0), "author": { "$in": authors }, "client_id": ids };
        within(PATIENCE, async {
            let found = self.events.find(any).await?.map_err(StoreError::from);
            let found: Vec<Event> = found.and_then(async |event| event.try_into()).try_collect().await?;
            Ok(events.iter().enumerate().find_map(|(index, event)| {
                let again = event.message()?;
                let is_it = |first: &Message| (first.author.id, first.id) == (again.author.id, again.id);
                let first = found.iter().find(|event| event.message().is_some_and(is_it))?;
                Some(earlier(index, first, event))
            }))
        })
        .await
    }

    async fn head(&self, room: RoomId) -> Result<Head> {
        Ok(self.heads(&[room]).await?.first().map(|(_, head)| *head).unwrap_or_default())
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Head)>> {
        within(PATIENCE, async {
            // Two seeks in an index for each room, however long its archive is.
            let last = |field: &str| {
                doc! { "$lookup": {
                    "from": "events",
                    "localField": "_id",
                    "foreignField": "room",
                    "pipeline": [
                        { "$match": { field: { "$exists": true } } },
                        { "$sort": { "room": -1, field: -1 } },
                        { "$limit": 1 },
                        { "$project": { "_id": 0, field: 1 } },
                    ],
                    "as": field,
                } }
            };
            let rooms: Vec<_> = rooms.iter().map(|room| binary(room.0)).collect();
            let heads = self.rooms.aggregate([
                doc! { "$match": { "_id": { "$in": rooms } } },
                doc! { "$project": { "_id": 1 } },
                last("seq"),
                last("n"),
                doc! { "$match": { "seq": { "$ne": [] } } },
                doc! { "$project": { "seq": { "$first": "$seq.seq" }, "n": { "$first": "$n.n" } } },
            ]);
            let heads: Vec<_> = heads.await?.try_collect().await?;
            heads
                .iter()
                .map(|head| {
                    let number = |field| head.get_i64(field).unwrap_or(0).cast_unsigned();
                    Ok((RoomId(uuid_field(head, "_id")?), Head { seq: number("seq"), n: number("n") }))
                })
                .collect()
        })
        .await
    }

    async fn events_after(&self, room: RoomId, after: Seq, count: usize) -> Result<Vec<Event>> {
        within(PATIENCE, async {
            let after = doc! { "room": binary(room.0), "seq": { "$gt": after.cast_signed() } };
            let found = self.events.find(after).sort(doc! { "room": 1, "seq": 1 }).limit(limit(count)).await?;
            found.map_err(StoreError::from).and_then(async |event| event.try_into()).try_collect().await
        })
        .await
    }

    async fn events_at(&self, room: RoomId, seqs: &[Seq]) -> Result<Vec<Event>> {
        within(PATIENCE, async {
            let seqs: Vec<i64> = seqs.iter().map(|seq| seq.cast_signed()).collect();
            let found = self.events.find(doc! { "room": binary(room.0), "seq": { "$in": seqs } }).await?;
            found.map_err(StoreError::from).and_then(async |event| event.try_into()).try_collect().await
        })
        .await
    }

    async fn messages_by(&self, room: RoomId, author: MemberId, after: Seq, through: Seq) -> Result<Vec<Event>> {
        within(PATIENCE, async {
            let theirs = doc! {
                "room": binary(room.0),
                "seq": { "$gt": after.cast_signed(), "$lte": through.cast_signed() },
                "author": author.get().cast_signed(),
                "client_id": { "$exists": true },
            };
            let found = self.events.find(theirs).sort(doc! { "room": 1, "seq": 1 }).await?;
            found.map_err(StoreError::from).and_then(async |event| event.try_into()).try_collect().await
        })
        .await
    }

    async fn events_before(&self, room: RoomId, before: Option<Seq>, count: usize) -> Result<Vec<Event>> {
        within(PATIENCE, async {
            let before = before.map_or(i64::MAX, u64::cast_signed);
            let before = doc! { "room": binary(room.0), "seq": { "$lt": before } };
            let found = self.events.find(before).sort(doc! { "room": -1, "seq": -1 }).limit(limit(count)).await?;
            found.map_err(StoreError::from).and_then(async |event| event.try_into()).try_collect().await
        })
        .await
    }
}

impl Mongo {
    async fn try_append(
        &self,
        session: &mut ClientSession,
        room: RoomId,
        epoch: Epoch,
        events: &[Event],
        entering: &[Joining],
    ) -> Attempt<bool> {
        self.events.insert_many(event_documents(room, events)?).session(&mut *session).await?;
        self.apply(session, room, epoch, events, entering).await
    }

    /// Applies the effects of events on the records. Returns `false` if one is about a member whose record did not owe
    /// it.
    async fn apply(
        &self,
        session: &mut ClientSession,
        room: RoomId,
        epoch: Epoch,
        events: &[Event],
        entering: &[Joining],
    ) -> Attempt<bool> {
        let mut settled = true;
        for event in events {
            if let Some((joining, record)) = coming_with(entering, event) {
                self.admit(session, joining, record).await?;
                continue;
            }
            match &event.kind {
                EventKind::Joined { member } => {
                    // The name is the one by which the member is told apart from the others.
                    let change = doc! { "since": event.seq.cast_signed(), "name": member.name.as_str() };
                    settled &= self.settle(session, room, member.id, "joined", doc! { "$set": change }).await?;
                }
                EventKind::Left { member } => settled &= self.settle(session, room, member.id, "left", doc! {}).await?,
                EventKind::Removed { member, .. } => {
                    settled &= self.settle(session, room, member.id, "removed", doc! {}).await?;
                }
                EventKind::Message(_) | EventKind::Other(..) => {}
                EventKind::Renamed { name, .. } => {
                    let name = name.as_ref().map(RoomName::as_str);
                    self.change_room(session, room, doc! { "name": name }).await?;
                }
                EventKind::RetentionChanged { retention, .. } => {
                    let change = doc! { "preserve": bool::from(*retention), "epoch": epoch.get().cast_signed() };
                    self.change_room(session, room, change).await?;
                }
                EventKind::PeekChanged { peek, .. } => {
                    self.change_room(session, room, doc! { "peek": *peek }).await?;
                }
                EventKind::Owner { member, .. } => {
                    let owner = doc! { "owner": member.id.get().cast_signed() };
                    self.change_room(session, room, owner).await?;
                }
                EventKind::Edited { .. } | EventKind::Deleted { .. } | EventKind::Reacted { .. } => {
                    for target in event.kind.targets() {
                        self.touch(session, room, target.seq, event).await?;
                    }
                }
            }
        }
        Ok(settled)
    }

    /// Folds a touch into its message, and removes the texts that are void by it. Does nothing if the archive does not
    /// have the message.
    async fn touch(&self, session: &mut ClientSession, room: RoomId, seq: Seq, touch: &Event) -> Attempt<()> {
        let by_seq = |seq: Seq| doc! { "room": binary(room.0), "seq": seq.cast_signed() };
        let found = self.events.find_one(by_seq(seq)).session(&mut *session).await?;
        let Some(mut event) = found.map(Event::try_from).transpose()? else { return Ok(()) };
        let edited = event.message().and_then(|message| message.edited);
        let before = event.text().to_owned();
        let voided = if event.fold(touch) {
            let change = doc! { "$set": { "kind": kind_document(&event.kind)? } };
            self.events.update_one(by_seq(seq), change).session(&mut *session).await?;
            if event.text() != before {
                self.change_terms(session, room, seq, event.text()).await?;
            }
            edited.filter(|edit| event.message().and_then(|now| now.edited) != Some(*edit)).map(|edit| edit.seq)
        } else {
            // The message was deleted before this edit.
            Some(touch.seq)
        };
        if let Some(seq) = voided {
            let mut edit = by_seq(seq);
            edit.insert("kind.kind", "edited");
            let void = doc! { "$set": { "kind.body": "" }, "$unset": { "kind.mentions": "", "kind.everyone": "" } };
            self.events.update_one(edit, void).session(&mut *session).await?;
        }
        if let EventKind::Deleted { n, .. } = &touch.kind {
            let by_id = doc! { "_id": binary(room.0) };
            let found = self.rooms.find_one(by_id.clone()).session(&mut *session).await?;
            let mut gone = RoomRecord::from(found.ok_or(StoreError::NotFound)?).gone;
            gone.add(*n);
            let gone = bson::serialize_to_bson(&gone).map_err(anyhow::Error::from).map_err(StoreError::from)?;
            self.rooms.update_one(by_id, doc! { "$set": { "gone": gone } }).session(session).await?;
        }
        Ok(())
    }

    /// Clears `owed`, since the log has the notice. A record that owes another notice, or none, stays as it is. Returns
    /// whether the record owed this notice.
    async fn settle(
        &self,
        session: &mut ClientSession,
        room: RoomId,
        member: MemberId,
        owed: &str,
        mut change: Document,
    ) -> Attempt<bool> {
        let owing = doc! { "room": binary(room.0), "member": member.get().cast_signed(), "owed.kind": owed };
        change.insert("$unset", doc! { "owed": "" });
        Ok(self.members.update_one(owing, change).session(session).await?.matched_count > 0)
    }

    async fn change_room(&self, session: &mut ClientSession, room: RoomId, change: Document) -> Attempt<()> {
        let room = doc! { "_id": binary(room.0) };
        let changed = self.rooms.update_one(room, doc! { "$set": change }).session(session).await?;
        if changed.matched_count == 0 { Err(StoreError::NotFound.into()) } else { Ok(()) }
    }

    /// Returns why an append stopped at an event.
    ///
    /// Returns only once a read finds the event that was there first. A transaction may conflict with that event before
    /// the majority has it, and a caller that gets `SeqTaken` must be able to read the event that took the seq.
    async fn stopped(&self, room: RoomId, index: usize, event: &Event, guard: Guard) -> Result<Stopped> {
        let mut first = doc! { "room": binary(room.0) };
        match (guard, event.message()) {
            (Guard::ClientId, Some(message)) => {
                first.insert("author", message.author.id.get().cast_signed());
                first.insert("client_id", binary(message.id.uuid()));
            }
            _ => _ = first.insert("seq", event.seq.cast_signed()),
        }
        let mut pause = PAUSE;
        let first = loop {
            if let Some(found) = self.events.find_one(first.clone()).await? {
                break Event::try_from(found)?;
            }
            rest(&mut pause).await;
        };
        Ok(match guard {
            Guard::Seq => Stopped::SeqTaken,
            Guard::ClientId => Stopped::IdTaken(earlier(index, &first, event)),
        })
    }
}

/// Compares an event with the stored event that has the same id. `index` is the index of the new event.
fn earlier(index: usize, first: &Event, again: &Event) -> Earlier {
    let same_body = first.message().zip(again.message()).is_some_and(|(first, again)| first.was_sent_as(&again.body));
    Earlier { index, seq: first.seq, at: first.at, same_body }
}
