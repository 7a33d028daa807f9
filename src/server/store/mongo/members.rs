//! Members in MongoDB: implements [`Members`], where each method is described.

use anyhow::anyhow;
use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{Document, doc},
    options::ReturnDocument,
};
use serde::Deserialize;

use super::{
    super::{
        AccountId, ActorId, Conflict, GuestId, Joining, MemberRecord, Members, Membership, Owed, Presence, ReadCursor,
        Result, RoomId, RoomRecord, StoreError, members::free_slot,
    },
    Attempt, Failure, Mongo, PATIENCE, binary,
    documents::{ActorKind, GuestDocument, MemberDocument, RoomDocument, actor_fields},
    duplicate, indexes, limit, rest, transaction, uuid, uuid_field, within,
};
use crate::protocol::{MemberId, Millis, Notify, RoomCode, RoomType, Seq};

/// A room, and a person's record in it.
#[derive(Deserialize)]
struct Inside {
    #[serde(flatten)]
    room: RoomDocument,
    member: MemberDocument,
}

#[async_trait]
impl Members for Mongo {
    async fn join_room(&self, joining: &Joining) -> Result<Membership> {
        within(PATIENCE, async {
            loop {
                match transaction!(self, |session| self.try_join_room(session, joining)) {
                    Ok(membership) => return Ok(membership),
                    Err(failure) => {
                        if let Some(answer) = self.explain(failure, joining.actor).await? {
                            return Err(answer);
                        }
                    }
                }
            }
        })
        .await
    }

    async fn leave_room(&self, room: RoomId, member: MemberId, notice: &Owed, at: Millis) -> Result<MemberRecord> {
        within(PATIENCE, async {
            let leave = |record: MemberRecord| record.leave(notice.clone(), at);
            Ok(transaction!(self, |session| self.try_leave_room(session, by_id(room, member), at, leave))?)
        })
        .await
    }

    async fn leave_absent(&self, room: RoomId, member: MemberId, at: Millis) -> Result<MemberRecord> {
        within(PATIENCE, async {
            let mut guest = by_id(room, member);
            guest.insert("actor_kind", ActorKind::Guest);
            let be_absent = |record: MemberRecord| record.be_absent(at);
            Ok(transaction!(self, |session| self.try_leave_room(session, guest.clone(), at, be_absent))?)
        })
        .await
    }

    async fn free_place(&self, room: RoomId, member: MemberId) -> Result<MemberRecord> {
        within(PATIENCE, async {
            let mut expected = by_id(room, member);
            expected.extend(doc! { "presence": "gone", "slot": { "$exists": true } });
            let freed =
                self.members.find_one_and_update(expected, free()).return_document(ReturnDocument::After).await?;
            freed.map(Into::into).ok_or(StoreError::NotFound)
        })
        .await
    }

    async fn holders_of_places(&self, room: RoomId) -> Result<Vec<MemberRecord>> {
        within(PATIENCE, async {
            let holding = doc! { "room": binary(room.0), "slot": { "$exists": true } };
            let found = self.members.find(holding).sort(doc! { "slot": 1 }).await?;
            Ok(found.map_ok(Into::into).try_collect().await?)
        })
        .await
    }

    async fn mark_read(&self, room: RoomId, cursors: &[ReadCursor]) -> Result<()> {
        if cursors.is_empty() {
            return Ok(());
        }
        let update = |cursor: &ReadCursor| {
            let ReadCursor { member, seq, n, shown } = cursor;
            let further = doc! {
                "read": seq.cast_signed(),
                "read_n": n.cast_signed(),
                "shown": shown.cast_signed(),
            };
            doc! { "q": by_id(room, *member), "u": { "$max": further } }
        };
        // The driver's own call for this needs MongoDB 8.
        let marks = doc! {
            "update": self.members.name(),
            "updates": cursors.iter().map(update).collect::<Vec<_>>(),
            "ordered": false,
            "writeConcern": { "w": "majority", "j": true },
        };
        within(PATIENCE, async {
            let answer = self.database.run_command(marks).await?;
            match ["writeErrors", "writeConcernError"].iter().find(|field| answer.contains_key(**field)) {
                None => Ok(()),
                Some(field) => Err(anyhow!("some cursors were not stored: {field}").into()),
            }
        })
        .await
    }

    async fn take_back_reads(&self, room: RoomId, seq: Seq, n: u64) -> Result<()> {
        within(PATIENCE, async {
            let (seq, n) = (seq.cast_signed(), n.cast_signed());
            let beyond = doc! {
                "room": binary(room.0),
                "$or": [{ "read": { "$gt": seq } }, { "read_n": { "$gt": n } }],
            };
            let take_back = doc! { "$min": { "read": seq, "read_n": n, "shown": seq } };
            self.members.update_many(beyond, take_back).await?;
            Ok(())
        })
        .await
    }

    async fn set_notify(&self, room: RoomId, member: MemberId, notify: Option<Notify>) -> Result<()> {
        within(PATIENCE, async {
            // Nodes of an earlier version read `muted`.
            let muted = notify == Some(Notify::None);
            let change = doc! { "$set": { "notify": notify.map(Notify::as_str), "muted": muted } };
            let found = self.members.update_one(by_id(room, member), change).await?;
            if found.matched_count == 0 { Err(StoreError::NotFound) } else { Ok(()) }
        })
        .await
    }

    async fn membership(&self, code: RoomCode, actor: ActorId) -> Result<(RoomRecord, MemberRecord)> {
        within(PATIENCE, async {
            let (kind, actor) = actor_fields(actor);
            let found = self.rooms.aggregate([
                doc! { "$match": { "code": code.as_str() } },
                doc! { "$lookup": {
                    "from": "members",
                    "localField": "_id",
                    "foreignField": "room",
                    "pipeline": [{ "$match": { "actor": actor, "actor_kind": kind } }],
                    "as": "member",
                } },
                doc! { "$unwind": "$member" },
            ]);
            let found = found.with_type::<Inside>().await?.try_next().await?.ok_or(StoreError::NotFound)?;
            Ok((found.room.into(), found.member.into()))
        })
        .await
    }

    async fn member(&self, room: RoomId, member: MemberId) -> Result<MemberRecord> {
        within(PATIENCE, self.find_member(by_id(room, member))).await
    }

    async fn members(&self, room: RoomId) -> Result<Vec<MemberRecord>> {
        within(PATIENCE, async {
            let there = doc! {
                "room": binary(room.0),
                "$or": [{ "presence": "active" }, { "owed": { "$exists": true } }],
            };
            let found = self.members.find(there).sort(doc! { "room": 1, "member": 1 }).await?;
            Ok(found.map_ok(Into::into).try_collect().await?)
        })
        .await
    }

    async fn rooms_of_account(&self, account: AccountId) -> Result<Vec<(RoomRecord, MemberRecord)>> {
        within(PATIENCE, self.rooms_of(ActorId::Account(account))).await
    }

    async fn places_of_account(&self, account: AccountId) -> Result<Vec<(RoomRecord, MemberRecord)>> {
        within(PATIENCE, self.places(ActorId::Account(account), Document::new())).await
    }

    async fn room_of_guest(&self, guest: GuestId) -> Result<(RoomRecord, MemberRecord)> {
        within(PATIENCE, async { self.rooms_of(ActorId::Guest(guest)).await?.pop().ok_or(StoreError::NotFound) }).await
    }

    async fn rooms_owing_notices(&self, before: Millis, count: usize) -> Result<Vec<RoomId>> {
        within(PATIENCE, async {
            let owing = self.members.aggregate([
                doc! { "$match": { "owed": { "$exists": true }, "changed_at": { "$lt": before } } },
                doc! { "$group": { "_id": "$room", "first": { "$min": "$changed_at" } } },
                doc! { "$sort": { "first": 1 } },
                doc! { "$limit": limit(count) },
            ]);
            let found: Vec<_> = owing.await?.try_collect().await?;
            found.iter().map(|room| uuid_field(room, "_id").map(RoomId)).collect()
        })
        .await
    }

    async fn active_guests(&self, after: Option<(RoomId, MemberId)>, count: usize) -> Result<Vec<(RoomId, MemberId)>> {
        within(PATIENCE, async {
            let mut active = doc! { "presence": "active", "actor_kind": "guest" };
            if let Some((room, member)) = after {
                let room = binary(room.0);
                let later = [
                    doc! { "room": { "$gt": room } },
                    doc! { "room": room, "member": { "$gt": member.get().cast_signed() } },
                ];
                active.insert("$or", later.to_vec());
            }
            let found = self.members.find(active).sort(doc! { "room": 1, "member": 1 }).limit(limit(count)).await?;
            Ok(found.map_ok(|guest| (RoomId(uuid(guest.room)), guest.member)).try_collect().await?)
        })
        .await
    }
}

impl Mongo {
    async fn try_join_room(&self, session: &mut ClientSession, joining: &Joining) -> Attempt<Membership> {
        let earlier = match &joining.newcomer {
            Some(_) => None,
            None => self.members.find_one(by_actor(joining.room, joining.actor)).session(&mut *session).await?,
        };
        let earlier = match earlier.map(MemberRecord::from) {
            Some(record) if record.presence == Presence::Active => return Ok(Membership::Already(record)),
            Some(record) if record.presence == Presence::Removed => {
                return Err(StoreError::from(Conflict::Removed).into());
            }
            earlier => earlier,
        };
        self.hold_actor(session, joining.actor).await?;
        self.touch_room(session, joining.room, joining.at).await?;
        if let Some(guest) = &joining.newcomer {
            self.guests.insert_one(GuestDocument::from(guest)).session(&mut *session).await?;
        }
        let slot = match joining.room_type {
            RoomType::P2p => Some(free_slot(earlier.as_ref(), &self.taken_slots(session, joining.room).await?)),
            RoomType::Group => None,
        };
        let is_new = earlier.is_none();
        let record = joining.clone().enter(earlier, slot);
        let document = MemberDocument::from(record.clone());
        if is_new {
            self.members.insert_one(document).session(session).await?;
        } else {
            self.members.replace_one(by_id(record.room, record.member), document).session(session).await?;
        }
        Ok(Membership::Entered(record))
    }

    /// Stores the record of a person who is new in a group and joins with an event.
    pub(super) async fn admit(
        &self,
        session: &mut ClientSession,
        joining: &Joining,
        record: MemberRecord,
    ) -> Attempt<()> {
        if let Some(guest) = &joining.newcomer {
            self.guests.insert_one(GuestDocument::from(guest)).session(&mut *session).await?;
        }
        self.members.insert_one(MemberDocument::from(record)).session(session).await?;
        Ok(())
    }

    /// Ends the membership that the filter `member` finds, if it is active. `leave` makes the new record from the old
    /// one.
    pub(super) async fn try_leave_room(
        &self,
        session: &mut ClientSession,
        member: Document,
        at: Millis,
        leave: impl Fn(MemberRecord) -> MemberRecord,
    ) -> Attempt<MemberRecord> {
        let found = self.members.find_one(member).session(&mut *session).await?;
        let active = found.map(MemberRecord::from).filter(|record| record.presence == Presence::Active);
        let record = leave(active.ok_or(StoreError::NotFound)?);
        self.touch_room(session, record.room, at).await?;
        if let Some(Owed::Removed(by)) = &record.owed {
            let owned = doc! { "_id": binary(record.room.0), "owner": by.id.get().cast_signed() };
            if self.rooms.find_one(owned).session(&mut *session).await?.is_none() {
                return Err(StoreError::from(Conflict::NotOwner).into());
            }
        }
        let document = MemberDocument::from(record.clone());
        self.members.replace_one(by_id(record.room, record.member), document).session(session).await?;
        Ok(record)
    }

    /// Returns the rooms that a person is active in, with the records.
    async fn rooms_of(&self, actor: ActorId) -> Result<Vec<(RoomRecord, MemberRecord)>> {
        self.places(actor, doc! { "presence": "active" }).await
    }

    /// Returns the rooms that a person has a record in, with the records. `such` is a further filter on the records.
    async fn places(&self, actor: ActorId, such: Document) -> Result<Vec<(RoomRecord, MemberRecord)>> {
        let (kind, actor) = actor_fields(actor);
        let mut records = doc! { "actor": actor, "actor_kind": kind };
        records.extend(such);
        let found = self.members.aggregate([
            doc! { "$match": records },
            doc! { "$sort": { "room": 1 } },
            doc! { "$lookup": { "from": "rooms", "localField": "room", "foreignField": "_id", "as": "found" } },
            doc! { "$unwind": "$found" },
            doc! { "$replaceWith": { "$mergeObjects": ["$found", { "member": "$$ROOT" }] } },
        ]);
        let found = found.with_type::<Inside>().await?;
        Ok(found.map_ok(|inside| (inside.room.into(), inside.member.into())).try_collect().await?)
    }

    async fn taken_slots(&self, session: &mut ClientSession, room: RoomId) -> Attempt<Vec<u8>> {
        let holding = doc! { "room": binary(room.0), "slot": { "$exists": true } };
        let mut found = self.members.find(holding).session(&mut *session).await?;
        let members: Vec<_> = found.stream(session).try_collect().await?;
        Ok(members.into_iter().filter_map(|member| member.slot).collect())
    }

    async fn find_member(&self, filter: Document) -> Result<MemberRecord> {
        self.members.find_one(filter).await?.map(Into::into).ok_or(StoreError::NotFound)
    }

    /// Translates what stopped a person from becoming a member. `None` if the obstacle is gone already, so that a retry
    /// may succeed.
    pub(super) async fn explain(&self, failure: Failure, actor: ActorId) -> Result<Option<StoreError>> {
        let Failure::Driver(error) = &failure else { return Ok(Some(failure.into())) };
        let conflict = match duplicate(error) {
            Some((_, indexes::ROOMS_CODE)) => Conflict::CodeTaken,
            Some((_, indexes::MEMBERS_MEMBER)) => Conflict::MemberIdTaken,
            Some((_, indexes::MEMBERS_PLACE | indexes::MEMBERS_SLOT)) => Conflict::Full,
            Some((_, indexes::MEMBERS_GUEST)) => {
                let Some((room, _)) = self.rooms_of(actor).await?.pop() else {
                    // The guest left in the meantime, or the majority does not have the guest's record yet.
                    rest(&mut super::PAUSE.clone()).await;
                    return Ok(None);
                };
                Conflict::Elsewhere(room.code)
            }
            _ => return Ok(Some(failure.into())),
        };
        Ok(Some(conflict.into()))
    }

    /// Returns a person's records in all rooms.
    pub(super) async fn memberships(&self, session: &mut ClientSession, actor: ActorId) -> Attempt<Vec<MemberRecord>> {
        let (kind, actor) = actor_fields(actor);
        let mut found = self.members.find(doc! { "actor": actor, "actor_kind": kind }).session(&mut *session).await?;
        Ok(found.stream(session).map_ok(MemberRecord::from).try_collect().await?)
    }
}

/// The filter for the record of a member id.
pub(super) fn by_id(room: RoomId, member: MemberId) -> Document {
    doc! { "room": binary(room.0), "member": member.get().cast_signed() }
}

/// The update that frees a place, and ends the stay of the member for whom it was kept.
pub(super) fn free() -> Document {
    doc! { "$unset": { "slot": "" }, "$set": { "stay": 0_i64 } }
}

fn by_actor(room: RoomId, actor: ActorId) -> Document {
    let (kind, actor) = actor_fields(actor);
    doc! { "room": binary(room.0), "actor": actor, "actor_kind": kind }
}
