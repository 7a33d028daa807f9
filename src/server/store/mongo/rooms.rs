//! Rooms in MongoDB: implements [`Rooms`], where each method is described.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{self, Document, doc},
};
use serde::Deserialize;

use super::{
    super::{Gone, GuestRecord, Head, MemberRecord, Overview, Result, RoomId, RoomRecord, Rooms, StoreError},
    Attempt, Failure, LONG_PATIENCE, Mongo, PATIENCE, binary,
    documents::{EventDocument, GuestDocument, MemberDocument, RoomDocument},
    limit, search, transaction, uuid, uuid_field, within,
};
use crate::{
    protocol::{Event, EventKind, MemberId, Millis, Nickname, Person, RoomCode, Seq},
    server::clock,
};

/// What a list shows of a room. Each part comes from a `$lookup`, so it is a list: of at most two persons in `pair`, of
/// one element or none in the others.
#[derive(Deserialize)]
struct OverviewDocument {
    #[serde(rename = "_id")]
    id: bson::Uuid,
    head: Vec<HeadDocument>,
    at: Vec<TimeDocument>,
    n: Vec<OrdinalDocument>,
    message: Vec<EventDocument>,
    members: Vec<CountDocument>,
    pair: Vec<PersonDocument>,
    #[serde(default)]
    gone: Gone,
}

/// The last event of an archive.
#[derive(Deserialize)]
struct HeadDocument {
    seq: Seq,
}

/// The time of the last event of an archive that is no touch.
#[derive(Deserialize)]
struct TimeDocument {
    at: Millis,
}

/// The ordinal of the last message of an archive.
#[derive(Deserialize)]
struct OrdinalDocument {
    n: u64,
}

/// The number of active members.
#[derive(Deserialize)]
struct CountDocument {
    count: u32,
}

/// A member of a `p2p` room.
#[derive(Deserialize)]
struct PersonDocument {
    member: MemberId,
    name: Nickname,
}

#[async_trait]
impl Rooms for Mongo {
    async fn create_room(&self, room: &RoomRecord, owner: &MemberRecord, newcomer: Option<&GuestRecord>) -> Result<()> {
        within(PATIENCE, async {
            loop {
                let made = transaction!(self, |session| self.try_create_room(session, room, owner, newcomer));
                let Err(failure) = made else { return Ok(()) };
                if let Some(answer) = self.explain(failure, owner.actor).await? {
                    return Err(answer);
                }
            }
        })
        .await
    }

    async fn room(&self, id: RoomId) -> Result<RoomRecord> {
        within(PATIENCE, async {
            let room = self.rooms.find_one(doc! { "_id": binary(id.0) }).await?;
            room.map(Into::into).ok_or(StoreError::NotFound)
        })
        .await
    }

    async fn room_by_code(&self, code: RoomCode) -> Result<RoomRecord> {
        within(PATIENCE, async {
            let room = self.rooms.find_one(doc! { "code": code.as_str() }).await?;
            room.map(Into::into).ok_or(StoreError::NotFound)
        })
        .await
    }

    async fn overviews(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Overview)>> {
        within(PATIENCE, async {
            let part = |from: &str, part: &str, pipeline: Vec<Document>| {
                doc! { "$lookup": {
                    "from": from, "localField": "_id", "foreignField": "room", "pipeline": pipeline, "as": part,
                } }
            };
            // One seek in an index for each part, however long the archive is.
            let last = |of: Document, field: &str, project: Document| {
                let sort = doc! { "$sort": { "room": -1, field: -1 } };
                vec![doc! { "$match": of }, sort, doc! { "$limit": 1 }, doc! { "$project": project }]
            };
            let active = doc! { "$match": { "presence": "active" } };
            let of_two = doc! { "$match": { "presence": "active", "slot": { "$exists": true } } };
            let no_touch = doc! { "kind.kind": { "$nin": EventKind::TOUCHES.to_vec() } };
            let counted = doc! { "n": { "$exists": true } };
            let message = doc! { "n": { "$exists": true }, "client_id": { "$exists": true } };
            let ids: Vec<_> = rooms.iter().map(|room| binary(room.0)).collect();
            let found = self.rooms.aggregate([
                doc! { "$match": { "_id": { "$in": ids } } },
                doc! { "$project": { "_id": 1, "gone": 1 } },
                part("events", "head", last(doc! { "seq": { "$exists": true } }, "seq", doc! { "seq": 1 })),
                part("events", "at", last(no_touch, "seq", doc! { "at": 1 })),
                part("events", "n", last(counted, "n", doc! { "n": 1 })),
                part("events", "message", last(message, "n", doc! { "_id": 0 })),
                part("members", "members", vec![active, doc! { "$count": "count" }]),
                part("members", "pair", vec![of_two, doc! { "$sort": { "member": 1 } }]),
            ]);
            let found = found.with_type::<OverviewDocument>().await?;
            found.map_err(StoreError::from).and_then(async |overview| overview.try_into()).try_collect().await
        })
        .await
    }

    async fn visit_room(&self, room: RoomId, at: Millis) -> Result<()> {
        within(PATIENCE, async {
            self.rooms.update_one(doc! { "_id": binary(room.0) }, doc! { "$max": { "visited_at": at } }).await?;
            Ok(())
        })
        .await
    }

    async fn unvisited_rooms(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>> {
        within(LONG_PATIENCE, async {
            let unknown = doc! { "visited_at": { "$exists": false } };
            self.rooms.update_many(unknown, doc! { "$max": { "visited_at": clock::now() } }).await?;
            let found = self.rooms.aggregate([
                doc! { "$match": { "visited_at": { "$lt": before } } },
                doc! { "$sort": { "visited_at": 1 } },
                doc! { "$lookup": {
                    "from": "members",
                    "localField": "_id",
                    "foreignField": "room",
                    "pipeline": [{ "$match": of_an_account() }, { "$limit": 1 }, { "$project": { "_id": 1 } }],
                    "as": "accounts",
                } },
                doc! { "$match": { "$or": [{ "preserve": false }, { "accounts": [] }] } },
                doc! { "$limit": super::limit(limit) },
                doc! { "$project": { "_id": 1 } },
            ]);
            let found: Vec<_> = found.await?.try_collect().await?;
            found.iter().map(|room| uuid_field(room, "_id").map(RoomId)).collect()
        })
        .await
    }

    async fn end_room(&self, room: RoomId, unvisited_since: Option<Millis>, most: usize) -> Result<bool> {
        within(LONG_PATIENCE, async {
            // If at most `most` events are left, one transaction can delete them.
            let of_room = doc! { "room": binary(room.0) };
            let beyond =
                self.events.find_one(of_room.clone()).sort(doc! { "room": 1, "seq": 1 }).skip(most as u64).await?;
            let Some(beyond) = beyond else {
                return match transaction!(self, |session| self.try_end_room(session, room, unvisited_since)) {
                    Ok(()) => Ok(true),
                    Err(failure) => Err(failure.into()),
                };
            };
            if !self.may_end(room, unvisited_since).await? {
                return Err(StoreError::NotFound);
            }
            let oldest = doc! { "room": binary(room.0), "seq": { "$lt": beyond.seq.cast_signed() } };
            self.events.delete_many(oldest).await?;
            // What is indexed of them at this moment goes with the room.
            self.search.delete_many(search::between(room, 0, beyond.seq)).await?;
            Ok(false)
        })
        .await
    }

    async fn existing_rooms(&self, rooms: &[RoomId]) -> Result<Vec<RoomId>> {
        within(PATIENCE, async {
            let ids: Vec<_> = rooms.iter().map(|room| binary(room.0)).collect();
            let found =
                self.rooms.aggregate([doc! { "$match": { "_id": { "$in": ids } } }, doc! { "$project": { "_id": 1 } }]);
            let found: Vec<_> = found.await?.try_collect().await?;
            found.iter().map(|room| uuid_field(room, "_id").map(RoomId)).collect()
        })
        .await
    }

    async fn rooms_after(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<RoomRecord>> {
        within(LONG_PATIENCE, async {
            let after = after.map_or_else(Document::new, |room| doc! { "_id": { "$gt": binary(room.0) } });
            let found = self.rooms.find(after).sort(doc! { "_id": 1 }).limit(super::limit(limit)).await?;
            Ok(found.map_ok(RoomRecord::from).try_collect().await?)
        })
        .await
    }

    async fn archive_size(&self, room: RoomId) -> Result<(u64, u64)> {
        within(LONG_PATIENCE, async {
            let body = doc! { "$strLenBytes": { "$ifNull": ["$kind.body", ""] } };
            let sizes = self.events.aggregate([
                doc! { "$match": { "room": binary(room.0) } },
                doc! { "$group": { "_id": null, "events": { "$sum": 1_i64 }, "bytes": { "$sum": body } } },
            ]);
            let sizes: Vec<Document> = sizes.await?.try_collect().await?;
            let number = |field| {
                sizes.first().map_or(0, |sizes| {
                    let wide = sizes.get_i64(field).ok();
                    wide.or_else(|| sizes.get_i32(field).ok().map(i64::from)).unwrap_or(0).cast_unsigned()
                })
            };
            Ok((number("events"), number("bytes")))
        })
        .await
    }

    async fn delete_abandoned_rooms(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>> {
        within(LONG_PATIENCE, async {
            let mut deleted = Vec::new();
            for room in self.abandoned_rooms(before, limit).await? {
                match transaction!(self, |session| self.try_delete_room(session, room, before)) {
                    Ok(()) => deleted.push(room),
                    // Somebody joined, or another node deleted the room.
                    Err(Failure::Answer(StoreError::NotFound)) => {}
                    Err(failure) => return Err(failure.into()),
                }
            }
            Ok(deleted)
        })
        .await
    }
}

impl Mongo {
    async fn try_create_room(
        &self,
        session: &mut ClientSession,
        room: &RoomRecord,
        owner: &MemberRecord,
        newcomer: Option<&GuestRecord>,
    ) -> Attempt<()> {
        self.hold_actor(session, owner.actor).await?;
        self.rooms.insert_one(RoomDocument::from(room.clone())).session(&mut *session).await?;
        if let Some(guest) = newcomer {
            self.guests.insert_one(GuestDocument::from(guest)).session(&mut *session).await?;
        }
        self.members.insert_one(MemberDocument::from(owner.clone())).session(session).await?;
        Ok(())
    }

    async fn abandoned_rooms(&self, before: Millis, count: usize) -> Result<Vec<RoomId>> {
        let abandoned = self.rooms.aggregate([
            doc! { "$match": { "preserve": false, "touched_at": { "$lt": before } } },
            doc! { "$sort": { "touched_at": 1 } },
            doc! { "$lookup": {
                "from": "members",
                "localField": "_id",
                "foreignField": "room",
                "pipeline": [{ "$match": { "presence": "active" } }, { "$limit": 1 }, { "$project": { "_id": 1 } }],
                "as": "active",
            } },
            doc! { "$match": { "active": [] } },
            doc! { "$limit": limit(count) },
            doc! { "$project": { "_id": 1 } },
        ]);
        let found: Vec<_> = abandoned.await?.try_collect().await?;
        found.iter().map(|room| uuid_field(room, "_id").map(RoomId)).collect()
    }

    /// Returns whether the room exists and, with `unvisited_since`, is still one that nobody visits.
    async fn may_end(&self, id: RoomId, unvisited_since: Option<Millis>) -> Result<bool> {
        let room = self.rooms.find_one(doc! { "_id": binary(id.0) }).await?;
        let (Some(room), Some(before)) = (&room, unvisited_since) else { return Ok(room.is_some()) };
        let mut of_room = of_an_account();
        of_room.insert("room", binary(id.0));
        let has_account = bool::from(room.retention) && self.members.find_one(of_room).await?.is_some();
        Ok(room.visited_at.is_some_and(|at| at < before) && !has_account)
    }

    /// Deletes what is left of a room. A concurrent join also writes the room, so one of the two transactions is run
    /// again.
    async fn try_end_room(
        &self,
        session: &mut ClientSession,
        id: RoomId,
        unvisited_since: Option<Millis>,
    ) -> Attempt<()> {
        let room = binary(id.0);
        let mut wanted = doc! { "_id": room };
        if let Some(before) = unvisited_since {
            wanted.insert("visited_at", doc! { "$lt": before });
        }
        let deleted = self.rooms.find_one_and_delete(wanted).session(&mut *session).await?;
        let deleted = deleted.ok_or(StoreError::NotFound)?;
        if unvisited_since.is_some() && bool::from(deleted.retention) {
            let mut of_room = of_an_account();
            of_room.insert("room", room);
            if self.members.find_one(of_room).session(&mut *session).await?.is_some() {
                return Err(StoreError::NotFound.into());
            }
        }
        self.members.delete_many(doc! { "room": room }).session(&mut *session).await?;
        self.events.delete_many(doc! { "room": room }).session(&mut *session).await?;
        self.forget_terms(session, id).await
    }

    /// Deletes a room if it is still abandoned. A concurrent join also writes the room, so one of the two transactions
    /// is run again.
    async fn try_delete_room(&self, session: &mut ClientSession, id: RoomId, before: Millis) -> Attempt<()> {
        let room = binary(id.0);
        let abandoned = doc! { "_id": room, "preserve": false, "touched_at": { "$lt": before } };
        let deleted = self.rooms.delete_one(abandoned).session(&mut *session).await?.deleted_count;
        let active = self.members.find_one(doc! { "room": room, "presence": "active" }).session(&mut *session).await?;
        if deleted == 0 || active.is_some() {
            return Err(StoreError::NotFound.into());
        }
        self.members.delete_many(doc! { "room": room }).session(&mut *session).await?;
        self.events.delete_many(doc! { "room": room }).session(&mut *session).await?;
        self.forget_terms(session, id).await
    }
}

/// The filter for an active member that is an account.
fn of_an_account() -> Document {
    doc! { "presence": "active", "actor_kind": "account" }
}

impl TryFrom<OverviewDocument> for (RoomId, Overview) {
    type Error = StoreError;

    fn try_from(mut found: OverviewDocument) -> Result<Self> {
        let overview = Overview {
            head: Head {
                seq: found.head.pop().map_or(0, |HeadDocument { seq }| seq),
                n: found.n.pop().map_or(0, |OrdinalDocument { n }| n),
            },
            at: found.at.pop().map_or(0, |TimeDocument { at }| at),
            message: found.message.pop().map(Event::try_from).transpose()?,
            members: found.members.pop().map_or(0, |CountDocument { count }| count),
            pair: found.pair.into_iter().map(|PersonDocument { member, name }| Person { id: member, name }).collect(),
            gone: found.gone,
        };
        Ok((RoomId(uuid(found.id)), overview))
    }
}
