//! The large frames of a room, put together from entries that are encoded already. What they say is defined by
//! [`ServerFrame`](crate::protocol::ServerFrame), and tests compare.

use std::collections::BTreeMap;

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
        room: &'a RoomView,
        you: &'a You,
        epoch: Epoch,
        head: Seq,
        last_n: u64,
        members: Members<'a>,
        connected: &'a [MemberId],
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        reads: &'a [ReadMark],
        events: &'a [&'a Entry],
        has_more: bool,
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
