//! The large frames of a room, `snapshot` and `resumed`, put together from parts that are encoded already.
//!
//! Their format is that of [`ServerFrame`](crate::protocol::ServerFrame); tests compare the two.

use std::{borrow::Cow, cell::OnceCell};

use litemap::LiteMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::entry::Entry;
use crate::protocol::{
    DepartedReader, Epoch, Event, Member, MemberId, Nickname, ReadMark, RoomCode, RoomView, Seq, You,
};

/// A `snapshot` or `resumed` frame.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomFrame<'a> {
    /// The whole room, for a client that starts from nothing.
    Snapshot { code: RoomCode, snapshot: &'a SnapshotParts<'a> },
    /// The events that a client missed.
    Resumed {
        code: RoomCode,
        epoch: Epoch,
        head: Seq,
        events: &'a [Cow<'a, Entry>],
        connected: &'a [MemberId],
        member: MemberId,
        read: Seq,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        reads: &'a [ReadMark],
    },
}

/// The parts of a [`Snapshot`](crate::protocol::Snapshot), with the members and events as encoded JSON.
#[derive(Serialize)]
pub struct SnapshotParts<'a> {
    pub room: RoomView,
    pub you: You,
    pub epoch: Epoch,
    pub head: Seq,
    pub last_n: u64,
    pub members: &'a RawValue,
    pub connected: Vec<MemberId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<ReadMark>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub departed: Vec<DepartedReader>,
    pub events: Vec<Cow<'a, Entry>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Seq>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quotes: Vec<Event>,
    pub has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaves_after: Option<u64>,
}

impl SnapshotParts<'_> {
    /// Approximate length of the JSON, so that the buffer is allocated once and never moved.
    fn bytes(&self) -> usize {
        /// Bytes for the room and the asker.
        const REST: usize = 512;
        /// Bytes for the id of a member, or for a read mark.
        const MARK: usize = 48;
        let marks = self.connected.len() + self.reads.len();
        let events: usize = self.events.iter().map(|entry| entry.bytes() + 1).sum();
        REST + self.members.get().len() + marks * MARK + events
    }
}

/// A [`Snapshot`](crate::protocol::Snapshot) as JSON, for a caller that only passes it on.
#[derive(Clone, Debug)]
pub struct EncodedSnapshot(Bytes);

impl EncodedSnapshot {
    /// Encodes a snapshot from its parts.
    pub fn of(parts: &SnapshotParts<'_>) -> Self {
        let mut json = Vec::with_capacity(parts.bytes());
        serde_json::to_writer(&mut json, parts).expect("snapshots have string keys and no failing serializers");
        Self(json.into())
    }

    pub fn into_json(self) -> Bytes {
        self.0
    }
}

/// All members of a room as a JSON list, in no particular order. The list is encoded once and then extended for each
/// newcomer. Otherwise the snapshots of a crowd that joins would encode every member for every member.
///
/// Holds the number of members and the list; empty until the list is needed.
#[derive(Debug, Default)]
pub struct Roster(OnceCell<(usize, Box<RawValue>)>);

/// A [`MemberView`](crate::protocol::MemberView), borrowed.
#[derive(Serialize)]
struct Listed<'a> {
    id: MemberId,
    name: &'a Nickname,
    since: Seq,
}

impl<'a> Listed<'a> {
    fn of(id: MemberId, Member { name, since }: &'a Member) -> Self {
        Self { id, name, since: *since }
    }
}

impl Roster {
    /// The list of these members, encoded if it is not yet.
    pub fn of(&self, members: &LiteMap<MemberId, Member>) -> &RawValue {
        let (_, list) = self.0.get_or_init(|| {
            let everyone: Vec<Listed<'_>> = members.iter().map(|(id, member)| Listed::of(*id, member)).collect();
            (everyone.len(), encoded(&everyone))
        });
        list
    }

    /// Adds a newcomer to the list. `members` is the number of members with them; if it is not one more than the list
    /// has, the list is dropped and encoded anew when it is needed.
    pub fn add(&mut self, id: MemberId, newcomer: &Member, members: usize) {
        let Some((before, list)) = self.0.take().filter(|(before, _)| before + 1 == members) else { return };
        let mut list = String::from(Box::<str>::from(list));
        list.pop();
        if before > 0 {
            list.push(',');
        }
        list.push_str(encoded(&Listed::of(id, newcomer)).get());
        list.push(']');
        if let Ok(list) = RawValue::from_string(list) {
            self.0 = OnceCell::from((members, list));
        }
    }

    /// Drops the list, because a member left or has another name.
    pub fn forget(&mut self) {
        self.0.take();
    }
}

fn encoded<T: Serialize>(value: &T) -> Box<RawValue> {
    to_raw_value(value).expect("people have string keys and no failing serializers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::MemberView;

    fn member(name: &str, since: Seq) -> Member {
        Member { name: Nickname::try_from(name).unwrap(), since }
    }

    #[test]
    fn the_list_is_always_that_of_the_members() {
        let (mut roster, mut members) = (Roster::default(), LiteMap::new());
        let check = |roster: &Roster, members: &LiteMap<MemberId, Member>| {
            let listed: Vec<MemberView> = serde_json::from_str(roster.of(members).get()).unwrap();
            assert_eq!(listed.len(), members.len());
            let listed = listed.into_iter().map(|MemberView { id, name, since }| (id, Member { name, since }));
            assert_eq!(&listed.collect::<LiteMap<_, _>>(), members);
        };
        check(&roster, &members);
        for (bits, name) in [(7, "Ada"), (3, "\"Bob\" \\ ö"), (5, "Cyd"), (3, "\"Bob\" \\ ö")] {
            let (id, newcomer) = (MemberId::from_bits(bits), member(name, bits + 2));
            members.insert(id, newcomer.clone());
            roster.add(id, &newcomer, members.len());
            check(&roster, &members);
        }
        members.remove(&MemberId::from_bits(5));
        roster.forget();
        check(&roster, &members);
    }
}
