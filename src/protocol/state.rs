//! The fold: computes the state of a room from its log.
//!
//! [`RoomState::apply`] takes one event after another. The server, the server-side render and the browser all run this
//! one implementation, so they agree on members, name, owner and retention.

use litemap::LiteMap;

use super::{Event, EventKind, MemberId, MemberView, Nickname, Retention, RoomName, Seq, Snapshot};

/// The state of a room after the events folded so far. It does not contain the events: a client that shows them stores
/// them beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomState {
    /// The seq of the last folded event.
    pub head: Seq,
    /// The number of the last folded message.
    pub last_n: u64,
    /// The room's name, if it has one.
    pub name: Option<RoomName>,
    /// Whether the room keeps its messages.
    pub retention: Retention,
    /// Whether people with the code see the room before they join.
    pub peek: bool,
    /// The owner's member id. Possibly a member who has left, if no member remained to inherit the room.
    pub owner: MemberId,
    /// The members who are in the room.
    pub members: LiteMap<MemberId, Member>,
}

/// A member who is in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The member's name in this room.
    pub name: Nickname,
    /// The seq of the `Joined` event that began the member's present stay. 0 if unknown.
    pub since: Seq,
}

impl Member {
    /// The member as a snapshot lists them.
    pub fn view(&self, id: MemberId) -> MemberView {
        MemberView { id, name: self.name.clone(), since: self.since }
    }
}

/// The result of [`RoomState::apply`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The event was the next one and has been applied.
    Fresh,
    /// The event had been applied before. Nothing changed.
    Duplicate,
    /// An event before it is missing. Nothing changed.
    Gap {
        /// The seq that must be applied next.
        expected: Seq,
    },
}

impl RoomState {
    /// The state that a snapshot describes.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut members = LiteMap::with_capacity(snapshot.members.len());
        for MemberView { id, name, since } in &snapshot.members {
            members.insert(*id, Member { name: name.clone(), since: *since });
        }
        Self {
            head: snapshot.head,
            last_n: snapshot.last_n,
            name: snapshot.room.name.clone(),
            retention: snapshot.room.retention,
            peek: snapshot.room.peek,
            owner: snapshot.room.owner,
            members,
        }
    }

    /// Applies one event, if it is the next one.
    ///
    /// Membership is idempotent: joining twice, or leaving when already gone, advances `head` and changes nothing else.
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
            EventKind::Message(_)
            | EventKind::Edited { .. }
            | EventKind::Deleted { .. }
            | EventKind::Reacted { .. }
            | EventKind::Other(..) => {}
            EventKind::Renamed { name, .. } => self.name.clone_from(name),
            EventKind::RetentionChanged { retention, .. } => self.retention = *retention,
            EventKind::PeekChanged { peek, .. } => self.peek = *peek,
            EventKind::Owner { member, .. } => self.owner = member.id,
        }
        self.last_n = event.ordinal().unwrap_or(self.last_n);
        Applied::Fresh
    }
}
