//! The large frames of a room, put together from entries that are encoded already. What they say is defined by
//! [`ServerFrame`](crate::protocol::ServerFrame), and tests compare.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Serialize, Serializer};

use super::entry::Entry;
use crate::protocol::{Epoch, MemberId, Nickname, ReadMark, RoomCode, RoomView, Seq, You};

/// `snapshot` and `resumed`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RoomFrame<'a> {
    /// A room from scratch.
    Snapshot {
        code: RoomCode,
        #[serde(flatten)]
        picture: Picture<'a>,
    },
    /// Exactly what was missed.
    Resumed {
        code: RoomCode,
        epoch: Epoch,
        head: Seq,
        events: &'a [&'a Entry],
        connected: &'a [MemberId],
        read: Seq,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        reads: &'a [ReadMark],
    },
}

/// What a [`Snapshot`](crate::protocol::Snapshot) is made of.
#[derive(Serialize)]
pub struct Picture<'a> {
    pub room: RoomView,
    pub you: You,
    pub epoch: Epoch,
    pub head: Seq,
    pub last_n: u64,
    pub members: Members<'a>,
    pub connected: Vec<MemberId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<ReadMark>,
    pub events: Vec<&'a Entry>,
    pub has_more: bool,
}

impl Picture<'_> {
    /// About how long its JSON is, so that it is written without moving.
    fn bytes(&self) -> usize {
        /// The room and the asker.
        const REST: usize = 512;
        /// A member, or a mark of one.
        const MEMBER: usize = 64;
        let members = self.members.0.len() + self.connected.len() + self.reads.len();
        let events: usize = self.events.iter().map(|entry| entry.bytes() + 1).sum();
        REST + members * MEMBER + events
    }
}

/// A [`Snapshot`](crate::protocol::Snapshot) as JSON, for a door that only hands it on.
#[derive(Clone, Debug)]
pub struct EncodedSnapshot(Bytes);

impl EncodedSnapshot {
    /// Encodes what there is to see.
    pub fn of(picture: &Picture<'_>) -> Self {
        let mut json = Vec::with_capacity(picture.bytes());
        serde_json::to_writer(&mut json, picture).expect("snapshots have string keys and no failing serializers");
        Self(json.into())
    }

    /// The JSON.
    pub fn into_json(self) -> Bytes {
        self.0
    }
}

/// Everyone in a room, as a list of persons.
pub struct Members<'a>(pub &'a BTreeMap<MemberId, Nickname>);

#[derive(Serialize)]
struct Member<'a> {
    id: &'a MemberId,
    name: &'a Nickname,
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(id, name)| Member { id, name }))
    }
}
