//! What a list of rooms shows of each: enough to choose one, without opening any.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Millis, Nickname, Retention, RoomCode, RoomName, RoomType, Seq};

/// A room in the list of somebody who is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomSummary {
    /// What to type to get in.
    pub code: RoomCode,
    /// How many it holds.
    #[serde(rename = "type")]
    pub room_type: RoomType,
    /// What it is called.
    pub name: Option<RoomName>,
    /// Whether it keeps its log.
    #[serde(rename = "preserve")]
    #[schema(value_type = bool)]
    pub retention: Retention,
    /// How many are in it.
    pub members: u32,
    /// Who else is in a room for two, and whether they have a connection now. `None` in a group, and as long as the reader is
    /// alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<Companion>,
    /// The last seq.
    pub head: Seq,
    /// When something last happened in it: the list has the newest first.
    pub at: Millis,
    /// The last message, if the reader may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Preview>,
    /// Who came in last since the reader did, for a notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newcomer: Option<Newcomer>,
    /// Messages that the reader has not read.
    pub unread: u64,
    /// Whether one of them has the reader's name in it.
    #[serde(default)]
    pub mentioned: bool,
    /// Whether the reader wants no notices of it.
    #[serde(default)]
    pub muted: bool,
}

/// The other one in a room for two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Companion {
    /// What they are called.
    pub name: Nickname,
    /// Whether they have a connection now.
    pub connected: bool,
}

/// The beginning of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// Its place in the log.
    pub seq: Seq,
    /// Who said it.
    pub author: Nickname,
    /// Whether that was the reader.
    pub mine: bool,
    /// How it begins: one line of at most [`PREVIEW_CHARS`](super::limits::PREVIEW_CHARS) characters.
    pub text: String,
}

/// Somebody who came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Newcomer {
    /// The place of the notice in the log.
    pub seq: Seq,
    /// What they are called.
    pub name: Nickname,
}
