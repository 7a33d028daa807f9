//! Summaries of rooms for lists: enough to choose a room without opening any.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{MemberId, Millis, Nickname, Notify, Retention, RoomCode, RoomName, RoomType, Seq};

/// A room, as the list of a member's rooms shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomSummary {
    /// The room code that people type to join.
    pub code: RoomCode,
    /// How many members the room can have.
    #[serde(rename = "type")]
    pub room_type: RoomType,
    /// The room's name, or null if it has none.
    pub name: Option<RoomName>,
    /// Whether the room keeps its messages.
    #[serde(rename = "preserve")]
    #[schema(value_type = bool)]
    pub retention: Retention,
    /// The number of members.
    pub members: u32,
    /// The other member of a room for two. Left out in a group, and while the reader is alone in the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Companion>,
    /// The seq of the last event in the log.
    pub head: Seq,
    /// When the last event happened, in milliseconds since 1970 UTC. Lists are sorted by it, newest first.
    pub at: Millis,
    /// The last message, if the reader may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Preview>,
    /// The last person who joined after the reader did, for a notification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newcomer: Option<Newcomer>,
    /// The number of messages that the reader has not read.
    pub unread: u64,
    /// Whether an unread message mentions the reader or everyone, or contains the reader's name.
    #[serde(default)]
    pub mentioned: bool,
    /// The seq of the last unread message that mentions the reader or everyone. Left out if there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mention: Seq,
    /// Whether the reader has muted this room: `notify` is `none`.
    #[serde(default)]
    pub muted: bool,
    /// Which messages of this room cause a notification for the reader. Left out if the reader's preferences say that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "it is what serde passes, and large on wasm")]
fn is_zero(seq: &Seq) -> bool {
    *seq == 0
}

impl RoomSummary {
    /// Sets which messages of this room cause a notification.
    pub fn set_notify(&mut self, notify: Option<Notify>) {
        (self.notify, self.muted) = (notify, notify == Some(Notify::None));
    }

    /// The unread messages that count outside the room: none if the room is muted, and if only mentions cause a
    /// notification, those of a room with a mention.
    pub fn waiting(&self) -> u64 {
        match self.notify {
            _ if self.muted => 0,
            Some(Notify::Mentions) if self.mention == 0 => 0,
            _ => self.unread,
        }
    }
}

/// The other member of a room for two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Companion {
    /// The member's id within this room. Earlier versions of the server leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MemberId>,
    /// The member's name in the room.
    pub name: Nickname,
    /// Whether the member has a connection at the moment.
    pub connected: bool,
}

/// The beginning of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// The position of the message in the log.
    pub seq: Seq,
    /// The name of the member who sent it.
    pub author: Nickname,
    /// Whether the reader sent it.
    pub mine: bool,
    /// The beginning of the text: one line of at most 140 characters ([`PREVIEW_CHARS`](super::limits::PREVIEW_CHARS)).
    pub text: String,
    /// Whether the message was deleted. Its text is then empty.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// A person who joined the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Newcomer {
    /// The position of their `joined` event in the log.
    pub seq: Seq,
    /// The member's name in the room.
    pub name: Nickname,
}
