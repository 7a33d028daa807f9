//! REST bodies about searching.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Event, MemberId, RoomCode, Seq};

/// Query of `GET /api/search`.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// What to search for: up to eight words, and phrases in quotation marks. A message matches if it has all of them.
    /// Case and accents do not matter. A word is found from its beginning; in scripts without spaces, any part.
    #[serde(default)]
    #[param(max_length = 100, example = "lunch \"at noon\"")]
    pub q: String,
    /// The code of the room. If left out, the rooms with the newest messages are searched, up to 20 of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<RoomCode>)]
    pub code: Option<String>,
    /// Returns only messages of this member. Needs `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<MemberId>,
    /// Returns only messages with a smaller seq than this. Needs `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Seq>,
    /// The most messages to return, 1 to 20. 20 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 20)]
    pub limit: Option<usize>,
}

/// The messages that a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchPage {
    /// The messages, newest first, as they are now.
    pub hits: Vec<SearchHit>,
    /// Whether there may be more: because the page is full, or because the search took too long.
    pub more: bool,
    /// The seq from which on the room is searched. To go on, search before it. Left out for several rooms, and if there
    /// is nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned_to: Option<Seq>,
}

/// A message that a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchHit {
    /// The code of the room.
    pub code: RoomCode,
    /// The message.
    pub event: Event,
    /// The parts of its text that match, in order and apart from each other: the first 50 of them.
    pub marks: Vec<TextRange>,
}

/// A part of a text, counted in characters (Unicode scalar values).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TextRange {
    /// The index of the first character.
    pub start: u32,
    /// The number of characters.
    pub length: u32,
}
