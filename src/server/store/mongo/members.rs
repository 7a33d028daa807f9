//! Members in MongoDB.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{self, Document, doc},
};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        ActorId, Conflict, GuestId, Joining, MemberRecord, Members, Membership, Owed, Presence, Result, RoomId,
        RoomRecord, StoreError, members::free_slot,
    },
    Attempt, Failure, Mongo, PATIENCE, binary, duplicate,
    guests::GuestDocument,
    indexes, limit, rest,
    rooms::RoomDocument,
    transaction, uuid, uuid_field, within,
};
use crate::protocol::{MemberId, Millis, Nickname, RoomCode, RoomType, Seq};

#[derive(Serialize, Deserialize)]
pub(super) struct MemberDocument {
    room: bson::Uuid,
    member: MemberId,
    actor_kind: ActorKind,
    actor: bson::Uuid,
    name: Nickname,
    presence: Presence,
    // Partial indexes ask whether the field exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slot: Option<u8>,
    since: Seq,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owed: Option<Owed>,
    changed_at: Millis,
}

/// A room, and somebody in it.
#[derive(Deserialize)]
struct Inside {
    #[serde(flatten)]
    room: RoomDocument,
    member: MemberDocument,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ActorKind {
    Guest,
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
            Ok(transaction!(self, |session| self.try_leave_room(session, room, member, notice, at))?)
        })
        .await
    }

    async fn membership(&self, code: RoomCode, actor: ActorId) -> Result<(RoomRecord, MemberRecord)> {
        within(PATIENCE, async {
            let ActorId::Guest(guest) = actor;
            let found = self.rooms.aggregate([
                doc! { "$match": { "code": code.as_str() } },
                doc! { "$lookup": {
                    "from": "members",
                    "localField": "_id",
                    "foreignField": "room",
                    "pipeline": [{ "$match": { "actor": binary(guest.0), "actor_kind": "guest" } }],
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

    async fn room_of_guest(&self, guest: GuestId) -> Result<(RoomRecord, MemberRecord)> {
        within(PATIENCE, async {
            let found = self.members.aggregate([
                doc! { "$match": { "actor": binary(guest.0), "presence": "active", "actor_kind": "guest" } },
                doc! { "$lookup": { "from": "rooms", "localField": "room", "foreignField": "_id", "as": "found" } },
                doc! { "$unwind": "$found" },
                doc! { "$replaceWith": { "$mergeObjects": ["$found", { "member": "$$ROOT" }] } },
            ]);
            let found = found.with_type::<Inside>().await?.try_next().await?.ok_or(StoreError::NotFound)?;
            Ok((found.room.into(), found.member.into()))
        })
        .await
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
        self.touch_room(session, joining.room, joining.at).await?;
        if let Some(guest) = &joining.newcomer {
            self.guests.insert_one(GuestDocument::from(guest)).session(&mut *session).await?;
        }
        let slot = match joining.room_type {
            RoomType::P2p => Some(free_slot(&self.taken_slots(session, joining.room).await?)),
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

    async fn try_leave_room(
        &self,
        session: &mut ClientSession,
        room: RoomId,
        member: MemberId,
        notice: &Owed,
        at: Millis,
    ) -> Attempt<MemberRecord> {
        let found = self.members.find_one(by_id(room, member)).session(&mut *session).await?;
        let active = found.map(MemberRecord::from).filter(|record| record.presence == Presence::Active);
        let record = active.ok_or(StoreError::NotFound)?.leave(notice.clone(), at);
        self.touch_room(session, room, at).await?;
        let document = MemberDocument::from(record.clone());
        self.members.replace_one(by_id(room, member), document).session(session).await?;
        Ok(record)
    }

    async fn taken_slots(&self, session: &mut ClientSession, room: RoomId) -> Attempt<Vec<u8>> {
        let active = doc! { "room": binary(room.0), "presence": "active" };
        let mut found = self.members.find(active).session(&mut *session).await?;
        let members: Vec<_> = found.stream(session).try_collect().await?;
        Ok(members.into_iter().filter_map(|member| member.slot).collect())
    }

    async fn find_member(&self, filter: Document) -> Result<MemberRecord> {
        self.members.find_one(filter).await?.map(Into::into).ok_or(StoreError::NotFound)
    }

    /// What stopped somebody from becoming a member; `None` if it is gone already, so that it is worth another try.
    pub(super) async fn explain(&self, failure: Failure, actor: ActorId) -> Result<Option<StoreError>> {
        let Failure::Driver(error) = &failure else { return Ok(Some(failure.into())) };
        let conflict = match duplicate(error) {
            Some((_, indexes::ROOMS_CODE)) => Conflict::CodeTaken,
            Some((_, indexes::MEMBERS_MEMBER)) => Conflict::MemberIdTaken,
            Some((_, indexes::MEMBERS_SLOT)) => Conflict::Full,
            Some((_, indexes::MEMBERS_GUEST)) => {
                let ActorId::Guest(guest) = actor;
                match self.room_of_guest(guest).await {
                    Ok((room, _)) => Conflict::Elsewhere(room.code),
                    // They left in the meantime, or the majority has not seen them come yet.
                    Err(StoreError::NotFound) => {
                        rest(&mut super::PAUSE.clone()).await;
                        return Ok(None);
                    }
                    Err(error) => return Err(error),
                }
            }
            _ => return Ok(Some(failure.into())),
        };
        Ok(Some(conflict.into()))
    }
}

fn by_id(room: RoomId, member: MemberId) -> Document {
    doc! { "room": binary(room.0), "member": member.get().cast_signed() }
}

fn by_actor(room: RoomId, actor: ActorId) -> Document {
    let ActorId::Guest(guest) = actor;
    doc! { "room": binary(room.0), "actor": binary(guest.0), "actor_kind": "guest" }
}

impl From<MemberRecord> for MemberDocument {
    fn from(record: MemberRecord) -> Self {
        let ActorId::Guest(guest) = record.actor;
        Self {
            room: binary(record.room.0),
            member: record.member,
            actor_kind: ActorKind::Guest,
            actor: binary(guest.0),
            name: record.name,
            presence: record.presence,
            slot: record.slot,
            since: record.since,
            owed: record.owed,
            changed_at: record.changed_at,
        }
    }
}

impl From<MemberDocument> for MemberRecord {
    fn from(document: MemberDocument) -> Self {
        let ActorKind::Guest = document.actor_kind;
        Self {
            room: RoomId(uuid(document.room)),
            member: document.member,
            actor: ActorId::Guest(GuestId(uuid(document.actor))),
            name: document.name,
            presence: document.presence,
            slot: document.slot,
            since: document.since,
            owed: document.owed,
            changed_at: document.changed_at,
        }
    }
}
