//! Floor 1: durable storage. One trait for each kind of record ([`Rooms`], [`Members`], [`Events`], …), and two drivers
//! with the same file names: `sqlite/` (embedded, the default, one process) and `mongo/` (many nodes).
//!
//! The files of this folder define the traits and their record types, and document what each method guarantees: what is
//! atomic, and which errors it returns. [`Store`] combines all traits. Invariants, such as one room per code, are
//! guarded by unique indexes in the database and not by code, since a check in code races with other writers: see
//! [`Conflict`]. Both drivers pass the same test suite, `contract/`. The reasons are in
//! `docs/decisions/0003-two-stores.md`.
//!
//! Not here: who may do what (`domain/`), and the order of events (`room/`).

// The docs of a trait and its records are what both drivers have to guarantee.
#![warn(missing_docs)]

mod accounts;
mod addresses;
#[cfg(test)]
mod contract;
mod events;
mod guests;
mod kinds;
mod mails;
mod members;
#[allow(missing_docs, reason = "the traits say what a driver does")]
pub mod mongo;
mod records;
mod rooms;
mod search;
mod sessions;
#[allow(missing_docs, reason = "the traits say what a driver does")]
pub mod sqlite;
mod tokens;

use std::{fmt, panic::Location};

use async_trait::async_trait;
use uuid::Uuid;

pub use accounts::{AccountChange, Accounts, Adopted, Holders, NewPassword, Registration};
pub use addresses::{in_ascii, readable};
pub use events::{Appended, Earlier, Events, Head, Stopped};
pub use guests::{GuestRecord, Guests, TokenHash};
pub use kinds::event_of_tail;
pub use mails::{Letter, MailId, MailRecord, Mails};
pub use members::{Joining, MemberRecord, Members, Membership, Owed, Presence, ReadCursor};
pub use records::{AccountRecord, Gone, PasswordHash, RoomRecord};
pub use rooms::{Overview, Rooms};
pub use search::{Candidates, Search};
pub use sessions::{Ending, Rotation, SessionId, SessionRecord, Sessions};
pub use tokens::{CODE_AGAIN, CodeCheck, Purpose, TokenRecord, Tokens};

use super::metrics;
use crate::protocol::RoomCode;

/// The id of a room. It names the same room for ever, while the room's code may name another room later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub Uuid);

/// The id of a guest session. Never sent outside the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuestId(pub Uuid);

/// The id of an account. Sent outside the server only inside signed tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub Uuid);

/// The person who acts, the same in all rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorId {
    /// A person without an account, identified by the guest session.
    Guest(GuestId),
    /// A person with an account.
    Account(AccountId),
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a call to the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No record matches the request.
    #[error("not found")]
    NotFound,
    /// A rule refused the write; nothing was written.
    #[error("conflict: {0:?}")]
    Conflict(Conflict),
    /// The store cannot be reached, or failed. Whether something was written is unknown.
    #[error("the store failed")]
    Other(#[from] anyhow::Error),
}

/// The rule that refused a write. Most rules are unique indexes, whose errors the drivers translate into these
/// variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Unique (code): the code names another room.
    CodeTaken,
    /// Unique (guest) among active members: the guest is active in another room. The value is that room's code.
    Elsewhere(RoomCode),
    /// Unique (room, slot), in `p2p` rooms: both places are taken, or kept for an absent guest.
    Full,
    /// Unique (room, member): another member of the room has this id. Draw another id and try again.
    MemberIdTaken,
    /// The owner removed this person, who cannot come back.
    Removed,
    /// The member who asks for a removal does not own the room.
    NotOwner,
    /// Unique (account): an account with this id exists.
    Registered,
    /// Unique (email): another account has proved this address.
    EmailTaken,
}

impl From<Conflict> for StoreError {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

/// Counts a call that failed, for the metrics. Refusals are no failures.
fn count_failure<T>(caller: &Location<'_>, result: Result<T>) -> Result<T> {
    if let Err(StoreError::Other(_)) = &result {
        metrics::count_store_error(caller);
    }
    result
}

/// The result of a call to the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// All traits of the store together, as [`App`](crate::server) holds it.
#[async_trait]
pub trait Store:
    Rooms + Members + Events + Search + Guests + Accounts + Sessions + Tokens + Mails + Send + Sync + 'static
{
    /// Returns whether other processes can change the data: `true` for MongoDB, `false` for SQLite.
    fn is_shared(&self) -> bool;

    /// Checks that the store answers and accepts writes; for `/readyz`.
    async fn ping(&self) -> Result<()>;

    /// Finishes the calls that are under way and closes the store. No method may be called afterwards.
    async fn close(&self);
}
