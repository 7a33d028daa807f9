//! Packets: what nodes tell each other of a room. Only a hint: whoever misses one reads the log.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entry::Entry;
use crate::{
    protocol::{ByeReason, Epoch, MemberId},
    server::store::ReadCursor,
};

/// What one node tells the others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Packet {
    /// The node that speaks; it ignores its own words.
    pub node: Uuid,
    /// What it says.
    pub news: News,
}

/// What it says.
// Tagged from outside: any other way, serde would take entries apart to read them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// A batch entered the log.
    Events {
        /// The epoch of its seqs.
        epoch: Epoch,
        /// The batch, in order.
        events: Vec<Entry>,
    },
    /// Somebody started or stopped typing.
    Typing {
        /// Who.
        member: MemberId,
        /// Whether typing.
        on: bool,
    },
    /// Who is connected to the speaking node now.
    Presence {
        /// The whole list.
        connected: Vec<MemberId>,
        /// Whether the others should say theirs: the speaker is new to the room.
        ask: bool,
    },
    /// Members have read further.
    Reads {
        /// The epoch of the seqs.
        epoch: Epoch,
        /// How far.
        cursors: Vec<ReadCursor>,
    },
    /// A member goes on as somebody else, or shows other things: their connections are closed, and come back.
    HangUp {
        /// Who.
        member: MemberId,
        /// As which other member of the room they go on, if they do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        goes_on_as: Option<MemberId>,
        /// What their sockets are told. An older node does not say.
        #[serde(default = "signed_in")]
        why: ByeReason,
    },
    /// What the archive has was changed: read it anew.
    Reread,
}

const fn signed_in() -> ByeReason {
    ByeReason::SignedIn
}

impl Packet {
    /// Encodes a packet.
    pub fn encode(&self) -> Bytes {
        serde_json::to_vec(self).expect("packets have string keys and no failing serializers").into()
    }

    /// Reads a packet; `None` if it is of a version that this node does not know, which the log makes good.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
