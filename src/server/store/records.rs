//! The records that the traits of several nouns return: an account (with its session), and a room (with a membership).
//! A record that the trait of one noun returns is in the file of that trait.

use std::fmt;

use serde::{Deserialize, Serialize};

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

/// The ordinals of the deleted messages of a room, which do not count as unread: the newest [`GONE`] of them, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gone(Vec<u64>);

/// The most ordinals in [`Gone`]. Beyond them a number of unread messages may be too high, never too low.
const GONE: usize = 256;

impl Gone {
    /// Adds a deleted message.
    pub fn add(&mut self, n: u64) {
        if let Err(at) = self.0.binary_search(&n) {
            self.0.insert(at, n);
            if self.0.len() > GONE {
                self.0.remove(0);
            }
        }
    }

    /// Adds the deleted messages that are known elsewhere.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|n| self.add(*n));
    }

    /// Returns how many of the messages after the ordinal `n` are deleted.
    pub fn after(&self, n: u64) -> u64 {
        (self.0.len() - self.0.partition_point(|gone| *gone <= n)) as u64
    }

    /// Returns whether a message is deleted.
    pub fn contains(&self, n: u64) -> bool {
        self.0.binary_search(&n).is_ok()
    }

    /// Returns whether no message is deleted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
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
    /// The deleted messages of the archive.
    pub gone: Gone,
}
