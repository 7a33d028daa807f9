//! The write counters of accounts and rooms. A transaction that depends on such a document increments its counter, and
//! so conflicts with every other transaction that writes it.

use mongodb::{ClientSession, bson::doc};

use super::{
    super::{ActorId, RoomId, StoreError},
    Attempt, Mongo, binary,
    documents::by_account,
};
use crate::protocol::Millis;

impl Mongo {
    /// Returns [`NotFound`](StoreError::NotFound) for an account that does not exist. Otherwise increments the
    /// account's `holds`, so that a concurrent deletion of the account conflicts with this transaction. So a deleted
    /// account cannot join a room or begin a session.
    pub(super) async fn hold_actor(&self, session: &mut ClientSession, actor: ActorId) -> Attempt<()> {
        let ActorId::Account(account) = actor else { return Ok(()) };
        let hold = doc! { "$inc": { "holds": 1_i64 } };
        let found = self.accounts.update_one(by_account(account), hold).session(session).await?;
        if found.matched_count == 0 { Err(StoreError::NotFound.into()) } else { Ok(()) }
    }

    /// Stores that somebody joined or left. Increments `touches`, so that any other concurrent write to the room
    /// conflicts with this transaction.
    pub(super) async fn touch_room(&self, session: &mut ClientSession, id: RoomId, at: Millis) -> Attempt<()> {
        let touch = doc! { "$max": { "touched_at": at }, "$inc": { "touches": 1_i64 } };
        let touched = self.rooms.update_one(doc! { "_id": binary(id.0) }, touch).session(session).await?;
        if touched.matched_count == 0 { Err(StoreError::NotFound.into()) } else { Ok(()) }
    }
}
