//! The fold: what a room is after its log so far. Written once, run by the server, the server-side render and the browser.

use std::collections::BTreeMap;

use super::{Event, EventKind, MemberId, MemberView, Nickname, Retention, RoomName, Seq, Snapshot};

/// A room, as its log tells it. The timeline itself is not part of it: who shows events keeps them beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomState {
    /// The seq of the last event folded.
    pub head: Seq,
    /// The ordinal of the last message folded.
    pub last_n: u64,
    /// What the room is called.
    pub name: Option<RoomName>,
    /// Whether it keeps its log.
    pub retention: Retention,
    /// The member who owns it. They may have left, if nobody is there to inherit it.
    pub owner: MemberId,
    /// Who is in it.
    pub members: BTreeMap<MemberId, Member>,
}

/// Somebody who is in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What they are called.
    pub name: Nickname,
    /// The seq of the `Joined` that began their present time in the room. 0 if that is not known.
    pub since: Seq,
}

impl Member {
    /// How a snapshot lists them.
    pub fn view(&self, id: MemberId) -> MemberView {
        MemberView { id, name: self.name.clone(), since: self.since }
    }
}

/// What [`RoomState::apply`] made of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was the next one.
    Fresh,
    /// It had been applied before; nothing changed.
    Duplicate,
    /// Something is missing before it; nothing changed.
    Gap {
        /// The seq that has to come next.
        expected: Seq,
    },
}

impl RoomState {
    /// The state of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        Self {
            head: snapshot.head,
            last_n: snapshot.last_n,
            name: snapshot.room.name.clone(),
            retention: snapshot.room.retention,
            owner: snapshot.room.owner,
            members: snapshot.members.iter().map(|m| (m.id, Member { name: m.name.clone(), since: m.since })).collect(),
        }
    }

    /// Folds one event, if it is the next.
    ///
    /// Idempotent about membership: an event about somebody already there, or already gone, moves `head` and nothing else.
    pub fn apply(&mut self, event: &Event) -> Applied {
        if event.seq <= self.head {
            return Applied::Duplicate;
        }
        if event.seq != self.head + 1 {
            return Applied::Gap { expected: self.head + 1 };
        }
        self.head = event.seq;
        match &event.kind {
            EventKind::Joined { member } => {
                let joined = || Member { name: member.name.clone(), since: event.seq };
                self.members.entry(member.id).or_insert_with(joined);
            }
            EventKind::Left { member } | EventKind::Removed { member, .. } => {
                self.members.remove(&member.id);
            }
            EventKind::Message(_) | EventKind::Unknown => {}
            EventKind::Renamed { name, .. } => self.name.clone_from(name),
            EventKind::RetentionChanged { retention, .. } => self.retention = *retention,
            EventKind::Owner { member, .. } => self.owner = member.id,
        }
        self.last_n = event.ordinal().unwrap_or(self.last_n);
        Applied::Fresh
    }
}
