//! Small identifiers: positions in a log, times, members, epochs and message ids.
//!
//! Numbers fit into 53 bits, so that JavaScript and every other JSON reader gets them exactly. The other ids are UUIDs.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The position of an event in its room's log: 1, 2, 3, … without holes. 0 means "no event yet".
pub type Seq = u64;

/// Milliseconds since 1970-01-01 UTC. For people to read only: order comes from [`Seq`], never from clocks.
pub type Millis = i64;

const JSON_SAFE_BITS: u64 = (1 << 53) - 1;

/// The id of a member within one room. Clients see no other id of a person, and the same person has another id in every
/// room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(example = 1_618_033_988)]
pub struct MemberId(u64);

/// One life of a room's log. The epoch changes when the tail of an ephemeral room is lost, and sequence numbers are
/// comparable within one epoch only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Epoch(u64);

/// An id that the client makes for a message or a new room (best a UUIDv7). However often an author sends one id, it
/// makes at most one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(example = "0198c5d2-7f3a-7c1e-9a3b-5d6e7f809102")]
pub struct ClientId(Uuid);

macro_rules! json_safe {
    ($name:ident) => {
        impl $name {
            /// Makes the id from the low 53 bits, so that every JSON reader keeps the number exact.
            pub const fn from_bits(bits: u64) -> Self {
                Self(bits & JSON_SAFE_BITS)
            }

            /// The number, as it is in JSON and in the stores.
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

json_safe!(MemberId);
json_safe!(Epoch);

impl ClientId {
    /// Wraps an id that the client made. The server accepts any UUID.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
