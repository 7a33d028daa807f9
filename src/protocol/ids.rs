//! Small identifiers. All fit a JSON number that a browser reads exactly (53 bits), or are UUIDs.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// An event's place in its room's log: 1, 2, 3, … without holes. 0 means "nothing yet".
pub type Seq = u64;

/// Milliseconds since 1970 UTC. For people to read: clocks never decide order.
pub type Millis = i64;

const JSON_SAFE_BITS: u64 = (1 << 53) - 1;

/// An actor inside one room. The only id of a person that leaves the server, and useless in any other room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(example = 1_618_033_988)]
pub struct MemberId(u64);

/// Changes when a room's tail was lost: a [`Seq`] means the same only within one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Epoch(u64);

/// A message's id, made by the client (a UUIDv7). One id gives at most one message, however often it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(example = "0198c5d2-7f3a-7c1e-9a3b-5d6e7f809102")]
pub struct ClientId(Uuid);

macro_rules! json_safe {
    ($name:ident) => {
        impl $name {
            /// Takes the low 53 bits, so that every JSON reader keeps the number exact.
            pub const fn from_bits(bits: u64) -> Self {
                Self(bits & JSON_SAFE_BITS)
            }

            /// The number on the wire and in the stores.
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
    /// Wraps an id that the caller made; the server accepts any UUID.
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// The UUID itself.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
