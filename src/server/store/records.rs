//! The records that the traits of several nouns return: an account (with its session), and a room (with a membership).
//! A record that the trait of one noun returns is in the file of that trait.

use std::fmt;

use super::{AccountId, RoomId};
use crate::protocol::{Email, Epoch, MemberId, Millis, Nickname, Preferences, Retention, RoomCode, RoomName, RoomType};

/// A password as it is stored: a PHC string of argon2id. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// The id of the account.
    pub id: AccountId,
    /// The address that the account has proved. Unique among accounts.
    pub email: Option<Email>,
    /// The address that the account claims. Proving it makes it `email`.
    pub claimed: Option<Email>,
    /// When the account claimed the address.
    pub claimed_at: Option<Millis>,
    /// The account's name.
    pub name: Nickname,
    /// The hash of the password, if the account has one.
    pub password: Option<PasswordHash>,
    /// The person's settings.
    pub preferences: Preferences,
    /// When the account was created.
    pub created_at: Millis,
}

/// One room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomRecord {
    /// The id of the room.
    pub id: RoomId,
    /// The code that people type.
    pub code: RoomCode,
    /// The type of the room, which decides how many members it can have.
    pub room_type: RoomType,
    /// The name of the room, if it has one.
    pub name: Option<RoomName>,
    /// Whether the room keeps its log.
    pub retention: Retention,
    /// Whether people with the code see the room before they join, as of the last projected event about that.
    pub peek: bool,
    /// The epoch of a preserved room, or the first epoch of an ephemeral one (whose tail on the bus has the current
    /// epoch).
    pub epoch: Epoch,
    /// The member who owns the room, as of the last projected event about the owner. The owner may have left.
    pub owner: MemberId,
    /// When the room was created.
    pub created_at: Millis,
    /// When somebody last joined or left.
    pub touched_at: Millis,
    /// When somebody was last here; exact to a day, since not every visit writes it.
    pub visited_at: Millis,
}
