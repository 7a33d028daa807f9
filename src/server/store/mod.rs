//! Floor 1: durable truth. Traits by noun, and two drivers with the same file names: `sqlite/` (embedded, the default) and
//! `mongo/` (many nodes).
//!
//! What must always hold is guarded by unique indexes, not by code: see [`Conflict`]. Every driver passes the one suite in
//! `contract/`. Not here: who may do what (`domain/`), and the order of events (`room/`).

mod accounts;
mod addresses;
#[cfg(test)]
mod contract;
mod events;
mod guests;
mod mails;
mod members;
pub mod mongo;
mod rooms;
mod sessions;
pub mod sqlite;
mod tokens;

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

pub use accounts::{
    AccountChange, AccountId, AccountRecord, Accounts, Adopted, Holders, NewPassword, PasswordHash, Registration,
};
pub use addresses::{in_ascii, readable};
pub use events::{Appended, Earlier, Events, Head, Stopped};
pub use guests::{GuestRecord, Guests, TokenHash};
pub use mails::{Letter, MailId, MailRecord, Mails};
pub use members::{Joining, MemberRecord, Members, Membership, Owed, Presence, ReadCursor};
pub use rooms::{Overview, RoomRecord, Rooms};
pub use sessions::{Ending, Rotation, SessionId, SessionRecord, Sessions};
pub use tokens::{CODE_AGAIN, CodeCheck, Purpose, TokenRecord, Tokens};

use crate::protocol::RoomCode;

/// A room, for ever; its code may name another room later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub Uuid);

/// A guest session. Never leaves the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuestId(pub Uuid);

/// Who acts, across rooms. Never leaves the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorId {
    /// Somebody without an account.
    Guest(GuestId),
    /// Somebody with one.
    Account(AccountId),
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a store answers when it does not answer with what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such record.
    #[error("not found")]
    NotFound,
    /// A guard held; nothing was written.
    #[error("conflict: {0:?}")]
    Conflict(Conflict),
    /// The store cannot be reached, or failed. Whether something was written is unknown.
    #[error("the store failed")]
    Other(#[from] anyhow::Error),
}

/// Which guard held. Drivers translate the names of their indexes into these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// unique (code) where active: the code names another active room.
    CodeTaken,
    /// unique (guest) where active: the guest is active in another room, whose code this is.
    Elsewhere(RoomCode),
    /// unique (room, slot) where active and p2p: both places are taken.
    Full,
    /// unique (room, member): another member has this id; draw again.
    MemberIdTaken,
    /// The owner removed this person, who cannot come back.
    Removed,
    /// The member who would remove somebody does not own the room.
    NotOwner,
    /// unique (account): an account has this id.
    Registered,
    /// unique (email): another account proved to read this address.
    EmailTaken,
}

impl From<Conflict> for StoreError {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

/// A store's answer.
pub type Result<T> = std::result::Result<T, StoreError>;

/// All nouns together, as [`App`](crate::server) holds it.
#[async_trait]
pub trait Store:
    Rooms + Members + Events + Guests + Accounts + Sessions + Tokens + Mails + Send + Sync + 'static
{
    /// Whether other processes can change it.
    fn is_shared(&self) -> bool;

    /// Whether the store answers and takes writes; for `/readyz`.
    async fn ping(&self) -> Result<()>;

    /// Finishes what is under way and closes; nothing is called afterwards.
    async fn close(&self);
}
