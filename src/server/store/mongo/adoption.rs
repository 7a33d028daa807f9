//! How an account adopts a guest in MongoDB: [`adopt_guest`](super::super::Accounts::adopt_guest) inside a transaction.
//! The rules of merging two records are in `store/members.rs`.

use mongodb::{ClientSession, bson::doc};

use super::{
    super::{
        AccountId, ActorId, Adopted, GuestId, MemberRecord, Presence, RoomRecord, StoreError,
        members::{Joined, join_records},
    },
    Attempt, Mongo, binary,
    documents::MemberDocument,
    members::by_id,
};
use crate::protocol::Millis;

impl Mongo {
    /// Turns a guest into an account.
    pub(super) async fn try_adopt_guest(
        &self,
        session: &mut ClientSession,
        guest: GuestId,
        account: AccountId,
        at: Millis,
    ) -> Attempt<Adopted> {
        self.hold_actor(session, ActorId::Account(account)).await?;
        let forgotten = self.guests.delete_one(doc! { "_id": binary(guest.0) }).session(&mut *session).await?;
        if forgotten.deleted_count == 0 {
            return Ok(Adopted::Nothing);
        }
        self.delete_what_is_of(session, guest).await?;
        let guests = self.memberships(session, ActorId::Guest(guest)).await?;
        let own = self.memberships(session, ActorId::Account(account)).await?;
        let mut adopted = Adopted::Nothing;
        for record in guests {
            let was_active = record.presence == Presence::Active;
            let own = own.iter().find(|own| own.room == record.room).cloned();
            let became = self.take_over(session, record, own, account, at).await?;
            if was_active {
                adopted = became;
            }
        }
        Ok(adopted)
    }

    /// Makes a guest's record the account's, or merges it with `own`, the record that the account has in that room
    /// (`join_records`).
    async fn take_over(
        &self,
        session: &mut ClientSession,
        mut record: MemberRecord,
        own: Option<MemberRecord>,
        account: AccountId,
        at: Millis,
    ) -> Attempt<Adopted> {
        let Some(own) = own else {
            record.actor = ActorId::Account(account);
            self.keep_member(session, &record).await?;
            return Ok(Adopted::Member(record));
        };
        let room = self.rooms.find_one(doc! { "_id": binary(record.room.0) }).session(&mut *session).await?;
        let owner = RoomRecord::from(room.ok_or(StoreError::NotFound)?).owner;
        Ok(match join_records(record, own, owner, at) {
            Joined::AsGuest { own, before } => {
                // The two records swap their actors. The unique index on (actor, room) refuses two records of one
                // person even for a moment, so one of them is deleted first.
                self.members.delete_one(by_id(before.room, before.member)).session(&mut *session).await?;
                self.keep_member(session, &own).await?;
                self.members.insert_one(MemberDocument::from(before)).session(session).await?;
                Adopted::Member(own)
            }
            Joined::AsAccount { own, guest } => {
                self.keep_member(session, &own).await?;
                self.keep_member(session, &guest).await?;
                self.touch_room(session, guest.room, guest.changed_at).await?;
                Adopted::Left(guest)
            }
        })
    }

    async fn keep_member(&self, session: &mut ClientSession, record: &MemberRecord) -> Attempt<()> {
        let document = MemberDocument::from(record.clone());
        self.members.replace_one(by_id(record.room, record.member), document).session(session).await?;
        Ok(())
    }
}
