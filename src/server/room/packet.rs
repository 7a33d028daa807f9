//! Packets: messages between the nodes about a room.
//!
//! A packet is only a hint. A node that misses one finds the events in the log.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entry::Entry;
use crate::{
    protocol::{ByeReason, Epoch, MemberId},
    server::store::ReadCursor,
};

/// A packet from one node to the others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Packet {
    /// The sending node, which ignores its own packets.
    pub node: Uuid,
    pub news: News,
}

/// The content of a packet.
// Externally tagged: with any other tagging, serde would parse entries into its own buffer and lose their raw JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// A batch was appended to the log.
    Events {
        /// The epoch of the events' seqs.
        epoch: Epoch,
        events: Vec<Entry>,
    },
    /// A member started or stopped typing.
    Typing {
        member: MemberId,
        /// Whether the member is typing.
        on: bool,
    },
    /// The members connected to the sending node.
    Presence {
        /// All of them.
        connected: Vec<MemberId>,
        /// Whether the other nodes should send theirs, because the room has just come to life on the sending node.
        ask: bool,
    },
    /// Members have read further.
    Reads {
        /// The epoch of the cursors' seqs.
        epoch: Epoch,
        /// How far each of them has read.
        cursors: Vec<ReadCursor>,
    },
    /// Close a member's connections, because the person has another identity or other preferences. The clients connect
    /// again.
    HangUp {
        member: MemberId,
        /// The other member of the room that the person continues as, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        goes_on_as: Option<MemberId>,
        /// The reason for the clients. A packet of an older node has none.
        #[serde(default = "signed_in")]
        why: ByeReason,
    },
    /// Open the log anew: stored events were changed, or the room was deleted.
    Reread,
}

const fn signed_in() -> ByeReason {
    ByeReason::SignedIn
}

impl Packet {
    pub fn encode(&self) -> Bytes {
        serde_json::to_vec(self).expect("packets have string keys and no failing serializers").into()
    }

    /// Decodes a packet. `None` if it is of a version that this node does not know; its events are then read from the
    /// log.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
