//! Events: what happens in a room and must not be lost.
//!
//! An event carries the names it needs, so that any page of history reads correctly without the rest of the log.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ClientId, MemberId, MessageBody, Millis, Nickname, RoomName, Seq, reading::EventFields};

/// How many a room holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoomType {
    /// Two at most.
    P2p,
    /// Any number.
    Group,
}

/// Whether a room keeps what is said. On the wire this is the field `preserve`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum Retention {
    /// Nothing is kept; a member sees what was said since joining.
    Ephemeral,
    /// Everything from here on is kept, and every member sees it.
    Preserved,
}

impl From<bool> for Retention {
    fn from(preserve: bool) -> Self {
        if preserve { Self::Preserved } else { Self::Ephemeral }
    }
}

impl From<Retention> for bool {
    fn from(retention: Retention) -> Self {
        retention == Retention::Preserved
    }
}

/// A member, with the name of that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// Who, within this room.
    pub id: MemberId,
    /// What they were called.
    pub name: Nickname,
}

/// What one member said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// The message's ordinal among the room's messages: 1, 2, 3, …; unread counts are differences of it.
    pub n: u64,
    /// The client's id for it.
    pub id: ClientId,
    /// Who said it.
    pub author: Person,
    /// What was said.
    pub body: MessageBody,
}

/// One entry of a room's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "EventFields")]
pub struct Event {
    /// Its place in the log.
    pub seq: Seq,
    /// When the server took it, for people to read.
    pub at: Millis,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", try_from = "EventFields")]
pub enum EventKind {
    /// Somebody came in.
    Joined {
        /// Who.
        member: Person,
    },
    /// Somebody left, by Exit or by staying away too long.
    Left {
        /// Who.
        member: Person,
    },
    /// The owner removed somebody.
    Removed {
        /// Who.
        member: Person,
        /// The owner.
        by: Person,
    },
    /// Somebody said something.
    Message(Message),
    /// The room has another name, or none.
    Renamed {
        /// The new name.
        name: Option<RoomName>,
        /// The owner.
        by: Person,
    },
    /// From here on the room keeps its log, or no longer does. Never retroactive.
    RetentionChanged {
        /// What holds from here on.
        #[serde(rename = "preserve")]
        #[schema(value_type = bool)]
        retention: Retention,
        /// The owner.
        by: Person,
        /// The ordinal of the last message before it, so that counting goes on wherever the log is kept.
        n: u64,
    },
    /// The room has another owner.
    Owner {
        /// The owner from here on.
        member: Person,
        /// The owner before, if they gave the room away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Person>,
        /// How the room came to them.
        why: OwnerChange,
    },
    /// A kind that this build does not know: only its place in the log counts.
    Unknown,
}

/// How a room came to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnerChange {
    /// The owner before left. Of the members who stayed, this one has been in the room for longest.
    Inherited,
    /// The owner gave it away.
    Given,
}

impl EventKind {
    /// Gives a member another name wherever it is told. Says whether it was told anywhere.
    pub fn rename(&mut self, member: MemberId, name: &Nickname) -> bool {
        let people: [Option<&mut Person>; 2] = match self {
            Self::Joined { member } | Self::Left { member } => [Some(member), None],
            Self::Removed { member, by } => [Some(member), Some(by)],
            Self::Message(message) => [Some(&mut message.author), None],
            Self::Renamed { by, .. } | Self::RetentionChanged { by, .. } => [Some(by), None],
            Self::Owner { member, by, .. } => [Some(member), by.as_mut()],
            Self::Unknown => [None, None],
        };
        let mut told = false;
        for person in people.into_iter().flatten().filter(|person| person.id == member) {
            person.name.clone_from(name);
            told = true;
        }
        told
    }
}

impl Event {
    /// Tells an event apart from a member: their name becomes `name`, and what they said becomes `instead`, if that is given.
    /// Says whether it is about them.
    pub fn disown(&mut self, member: MemberId, name: &Nickname, instead: Option<&MessageBody>) -> bool {
        let told = self.kind.rename(member, name);
        if let (EventKind::Message(message), Some(instead), true) = (&mut self.kind, instead, told) {
            message.body.clone_from(instead);
        }
        told
    }

    /// The ordinal of the last message up to here, if this event says it.
    pub fn ordinal(&self) -> Option<u64> {
        match &self.kind {
            EventKind::Message(message) => Some(message.n),
            EventKind::RetentionChanged { n, .. } => Some(*n),
            _ => None,
        }
    }

    /// The message, if that is what this event is.
    pub fn message(&self) -> Option<&Message> {
        match &self.kind {
            EventKind::Message(message) => Some(message),
            _ => None,
        }
    }
}
