//! Guests in MongoDB: implements [`Guests`], where each method is described. A TTL index also deletes guests, so the
//! places of deleted guests are freed by looking for records without a guest.

use async_trait::async_trait;
use futures_util::TryStreamExt;
use mongodb::{
    ClientSession,
    bson::{self, doc},
    options::Hint,
};

use super::{
    super::{GuestId, GuestRecord, Guests, MemberRecord, Result, StoreError, TokenHash},
    Attempt, Mongo, PATIENCE, binary,
    documents::{ActorKind, MemberDocument, actor_fields, token_binary},
    indexes::MEMBERS_PLACE,
    members::{by_id, free},
    transaction, uuid, within,
};
use crate::protocol::{Millis, Nickname};

#[async_trait]
impl Guests for Mongo {
    async fn guest_by_token(&self, token: TokenHash, alive_since: Millis) -> Result<GuestRecord> {
        within(PATIENCE, async {
            let alive = doc! {
                "token": token_binary(token),
                "seen_at": { "$gte": bson::DateTime::from_millis(alive_since) },
            };
            let guest = self.guests.find_one(alive).await?.ok_or(StoreError::NotFound)?;
            let (id, seen_at) = (GuestId(uuid(guest.id)), guest.seen_at.timestamp_millis());
            Ok(GuestRecord { id, token, nickname: guest.nickname, seen_at })
        })
        .await
    }

    async fn touch_guest(&self, guest: GuestId, nickname: Option<&Nickname>, at: Millis) -> Result<()> {
        within(PATIENCE, async {
            let mut touch = doc! { "$max": { "seen_at": bson::DateTime::from_millis(at) } };
            if let Some(nickname) = nickname {
                touch.insert("$set", doc! { "nickname": nickname.as_str() });
            }
            self.guests.update_one(doc! { "_id": binary(guest.0) }, touch).await?;
            Ok(())
        })
        .await
    }

    async fn forget_guest(&self, guest: GuestId) -> Result<()> {
        within(PATIENCE, async { Ok(transaction!(self, |session| self.try_forget_guest(session, guest))?) }).await
    }

    async fn forget_guests(&self, before: Millis) -> Result<u64> {
        within(PATIENCE, async {
            let unseen = doc! { "seen_at": { "$lt": bson::DateTime::from_millis(before) } };
            let forgotten = self.guests.delete_many(unseen).await?.deleted_count;
            let of_nobody = self.members.aggregate([
                doc! { "$match": { "slot": { "$exists": true }, "presence": "gone", "actor_kind": ActorKind::Guest } },
                doc! { "$lookup": { "from": "guests", "localField": "actor", "foreignField": "_id", "as": "guest" } },
                doc! { "$match": { "guest": [] } },
            ]);
            let mut of_nobody =
                of_nobody.with_type::<MemberDocument>().hint(Hint::Name(MEMBERS_PLACE.to_owned())).await?;
            while let Some(record) = of_nobody.try_next().await? {
                let MemberRecord { room, member, actor, .. } = record.into();
                let (kind, actor) = actor_fields(actor);
                let mut kept = by_id(room, member);
                kept.extend(doc! { "actor": actor, "actor_kind": kind, "presence": "gone" });
                self.members.update_one(kept, free()).await?;
            }
            Ok(forgotten)
        })
        .await
    }
}

impl Mongo {
    async fn try_forget_guest(&self, session: &mut ClientSession, guest: GuestId) -> Attempt<()> {
        self.guests.delete_one(doc! { "_id": binary(guest.0) }).session(&mut *session).await?;
        let kept = doc! { "actor": binary(guest.0), "actor_kind": ActorKind::Guest, "presence": "gone" };
        self.members.update_many(kept, free()).session(&mut *session).await?;
        self.delete_what_is_of(session, guest).await
    }

    /// Deletes a guest's tokens and unsent mails.
    pub(super) async fn delete_what_is_of(&self, session: &mut ClientSession, guest: GuestId) -> Attempt<()> {
        let guest = binary(guest.0);
        self.tokens.delete_many(doc! { "holder": guest }).session(&mut *session).await?;
        self.mails.delete_many(doc! { "guest": guest }).session(session).await?;
        Ok(())
    }
}
