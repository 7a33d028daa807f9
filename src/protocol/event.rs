//! Events: the entries of a room's log, and the types they are made of.
//!
//! Everything that happens in a room and must not be lost is an [`Event`]. Each event contains the names it needs, so
//! that any page of history can be shown without the rest of the log. What may be lost (typing, presence) is a `Signal`
//! of the socket.

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeMap};
use utoipa::ToSchema;

use super::{
    ClientId, MemberId, MessageBody, Millis, Nickname, RoomName, Seq,
    open::{Open, Unread},
    reactions::{Emoji, Reaction},
};

/// How many members a room can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoomType {
    /// At most two members.
    P2p,
    /// Any number of members.
    Group,
}

/// Whether a room keeps its messages. On the wire this is the field `preserve`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum Retention {
    /// The log is not stored. A member sees the messages since they joined.
    Ephemeral,
    /// The log is stored from the moment this was turned on, and every member sees all of it.
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

/// A member, with the name they had when the event happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// The member's id within this room.
    pub id: MemberId,
    /// The member's name at that time.
    pub name: Nickname,
}

/// A message that a member sent, as it is now: with every later `edited`, `deleted` and `reacted` event folded in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// The number of the message among the room's messages: 1, 2, 3, … Unread counts are differences of these numbers.
    pub n: u64,
    /// The id that the client gave the message.
    pub id: ClientId,
    /// The member who sent it.
    pub author: Person,
    /// The text of the message. Empty if the message was deleted.
    pub body: MessageBody,
    /// The seq of the last event that is folded into the message. Left out if there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rev: Seq,
    /// The last change of the text. Left out if the text is the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Edit>,
    /// The member who deleted the message: its author, or the owner of the room. Left out if it was not deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Person>,
    /// The earlier message that this one replies to. Left out if it replies to none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Target>,
    /// The reactions to the message, in the order in which their emoji were first used. Left out if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// The members whom the message mentions, with their names of that time. Left out if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Person>,
    /// Whether the message mentions everyone in the room. Left out if it does not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
}

/// The last change of a message's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Edit {
    /// The seq of the `edited` event.
    pub seq: Seq,
    /// When the text was changed, in milliseconds since 1970 UTC.
    pub at: Millis,
    /// How often the text was changed.
    pub times: u32,
}

/// Members who put an emoji to a message, or took it away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReactionChange {
    /// The message.
    pub target: Target,
    /// The emoji.
    pub e: Emoji,
    /// Whether the members put the emoji to the message. If not, they took it away.
    pub on: bool,
    /// The members, in the order in which they did so.
    pub who: Vec<MemberId>,
}

/// An earlier message. The seq finds it. The id proves that it is the one that was meant, because a new epoch gives out
/// the same seqs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({ "seq": 5, "id": "0198c5d2-7f3a-7c1e-9a3b-5d6e7f809102" }))]
pub struct Target {
    /// The position of the message in the log.
    pub seq: Seq,
    /// The id of the message.
    pub id: ClientId,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "it is what serde passes, and large on wasm")]
fn is_zero(seq: &Seq) -> bool {
    *seq == 0
}

impl Message {
    /// A message as it is sent, which no later event has changed.
    pub const fn new(n: u64, id: ClientId, author: Person, body: MessageBody) -> Self {
        Self {
            n,
            id,
            author,
            body,
            rev: 0,
            edited: None,
            deleted: None,
            reply_to: None,
            reactions: Vec::new(),
            mentions: Vec::new(),
            everyone: false,
        }
    }
}

/// One entry of a room's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// The position of the event in the log.
    pub seq: Seq,
    /// When the server accepted the event, in milliseconds since 1970 UTC. For people to read: order comes from `seq`.
    pub at: Millis,
    /// The kind of the event, with the fields of that kind.
    pub kind: EventKind,
}

/// The kind of an event: an object with one key, the kind, whose value has the fields of that kind. Later versions
/// add kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "snake_case")]
pub enum EventKind {
    /// A person joined the room.
    Joined {
        /// The member who joined.
        member: Person,
    },
    /// A member left the room, by Exit or by being absent for too long.
    Left {
        /// The member who left.
        member: Person,
    },
    /// The owner removed a member.
    Removed {
        /// The member who was removed.
        member: Person,
        /// The owner who removed them.
        by: Person,
    },
    /// A member sent a message.
    Message(Message),
    /// The owner renamed the room, or took its name away.
    Renamed {
        /// The new name, or null if the room has none any more.
        name: Option<RoomName>,
        /// The owner who renamed the room.
        by: Person,
    },
    /// The room keeps its messages from here on, or stops keeping them. Earlier messages are not affected.
    RetentionChanged {
        /// Whether the room keeps its messages from here on.
        #[serde(rename = "preserve")]
        #[schema(value_type = bool)]
        retention: Retention,
        /// The owner who changed it.
        by: Person,
        /// The number of the last message before this event, so that counting continues in a log that starts here.
        n: u64,
    },
    /// From here on the room can be peeked into before joining, or no longer.
    PeekChanged {
        /// Whether people with the code see the room before they join.
        peek: bool,
        /// The owner who changed it.
        by: Person,
    },
    /// The room has another owner.
    Owner {
        /// The new owner.
        member: Person,
        /// The previous owner, if they gave the room away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Person>,
        /// How the room passed to the new owner.
        why: OwnerChange,
    },
    /// The author changed the text of a message.
    Edited {
        /// The message.
        target: Target,
        /// The author of the message.
        author: Person,
        /// The new text. Empty if a later event has replaced it again, or has deleted the message.
        body: MessageBody,
        /// The members whom the new text mentions. Left out if there are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mentions: Vec<Person>,
        /// Whether the new text mentions everyone in the room. Left out if it does not.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        everyone: bool,
    },
    /// A message was deleted.
    Deleted {
        /// The message.
        target: Target,
        /// The number of the message, which no longer counts as unread.
        n: u64,
        /// The author of the message, or the owner who deleted it.
        by: Person,
    },
    /// Members reacted to messages, or took their reactions away.
    Reacted {
        /// The changes of a moment, 1 to 64. What was undone within the moment is not among them.
        changes: Vec<ReactionChange>,
    },
    /// A kind that this version does not know, with its name and its content. It takes its position in the log and
    /// changes nothing else. The server passes it on as it came.
    #[serde(skip_serializing)]
    Other(Box<str>, Unread),
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self::Other(name, content) = self else { return Self::serialize(self, serializer) };
        let mut object = serializer.serialize_map(Some(1))?;
        object.serialize_entry(name, content)?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for EventKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(Open(deserializer))
    }
}

/// How a room passed to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OwnerChange {
    /// The previous owner left. Of the remaining members, the new owner has been in the room for longest.
    Inherited,
    /// The previous owner gave the room away.
    Given,
    /// A way that this version does not know.
    #[serde(other)]
    Other,
}

impl EventKind {
    /// The names of the kinds that this version knows.
    pub const KNOWN: [&str; 11] = [
        "message",
        "joined",
        "left",
        "removed",
        "renamed",
        "retention_changed",
        "peek_changed",
        "owner",
        "edited",
        "deleted",
        "reacted",
    ];

    /// The names of the kinds that change earlier messages, and are no rows of the timeline.
    pub const TOUCHES: [&str; 3] = ["edited", "deleted", "reacted"];

    /// The kind's name. `None` for a kind that this version does not know.
    pub fn known_name(&self) -> Option<&'static str> {
        match self {
            Self::Message(_) => Some("message"),
            Self::Joined { .. } => Some("joined"),
            Self::Left { .. } => Some("left"),
            Self::Removed { .. } => Some("removed"),
            Self::Renamed { .. } => Some("renamed"),
            Self::RetentionChanged { .. } => Some("retention_changed"),
            Self::PeekChanged { .. } => Some("peek_changed"),
            Self::Owner { .. } => Some("owner"),
            Self::Edited { .. } => Some("edited"),
            Self::Deleted { .. } => Some("deleted"),
            Self::Reacted { .. } => Some("reacted"),
            Self::Other(..) => None,
        }
    }
}

impl Event {
    /// The number of the last message up to here, if this event carries it.
    pub fn ordinal(&self) -> Option<u64> {
        match &self.kind {
            EventKind::Message(message) => Some(message.n),
            EventKind::RetentionChanged { n, .. } => Some(*n),
            _ => None,
        }
    }

    /// The number of the last message before this event, if the event carries it.
    pub fn ordinal_before(&self) -> Option<u64> {
        match &self.kind {
            EventKind::Message(message) => Some(message.n.saturating_sub(1)),
            EventKind::RetentionChanged { n, .. } => Some(*n),
            _ => None,
        }
    }

    /// The text that a member wrote in this event; empty if there is none.
    pub fn text(&self) -> &str {
        match &self.kind {
            EventKind::Message(Message { body, .. }) | EventKind::Edited { body, .. } => body.as_str(),
            _ => "",
        }
    }

    /// The message, if this event is one.
    pub fn message(&self) -> Option<&Message> {
        match &self.kind {
            EventKind::Message(message) => Some(message),
            _ => None,
        }
    }
}
