//! What a list of rooms shows of each: enough to choose one, without opening any.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{MessageBody, Millis, Nickname, Retention, RoomCode, RoomName, RoomType, Seq, limits::PREVIEW_CHARS};

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
    /// How it begins: one line of at most [`PREVIEW_CHARS`] characters.
    pub text: String,
}

impl Preview {
    /// How a message begins.
    pub fn line(body: &MessageBody) -> String {
        let line = body.as_str().split_whitespace().flat_map(|word| [" ", word]).skip(1);
        let mut line: String = line.flat_map(str::chars).take(PREVIEW_CHARS + 1).collect();
        if line.chars().count() > PREVIEW_CHARS {
            line.truncate(line.char_indices().nth(PREVIEW_CHARS - 1).map_or(0, |(at, _)| at));
            line.push('…');
        }
        line
    }
}

/// Somebody who came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Newcomer {
    /// The place of the notice in the log.
    pub seq: Seq,
    /// What they are called.
    pub name: Nickname,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        Preview::line(&MessageBody::try_from(text).unwrap())
    }

    #[test]
    fn a_preview_is_one_line_that_says_when_it_is_cut() {
        assert_eq!(line("  Hello,\n\n\tall.  "), "Hello, all.");
        let whole = "𝕏".repeat(PREVIEW_CHARS);
        assert_eq!(line(&whole), whole);
        let cut = line(&"𝕏".repeat(PREVIEW_CHARS + 1));
        assert_eq!((cut.chars().count(), cut.chars().last()), (PREVIEW_CHARS, Some('…')));
    }
}
