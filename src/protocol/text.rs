//! Names and messages. There are two ways to make each type:
//!
//! - `stored` takes a text that was accepted before, and so does serde: stores, the bus, frames and snapshots are read
//!   with it. It never fails, so a stricter rule does not make a row or a frame unreadable.
//! - `TryFrom` is the check that needs no tables of Unicode, for the page and for constants. What a person sent is read by
//!   the server's `text` module, which has the tables and is stricter.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::limits::{MESSAGE_CHARS, NICKNAME_CHARS, ROOM_NAME_CHARS};

/// What a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// What somebody is called.
    Name,
    /// What a room is called.
    RoomName,
    /// What is said.
    Message,
}

/// As the subject of a sentence.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "A name",
            Self::RoomName => "A room’s name",
            Self::Message => "A message",
        })
    }
}

/// Why a text was refused, as a sentence that says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing visible was left after cleaning.
    #[error("{0} can’t be empty.")]
    Empty(Subject),
    /// Longer than the limit (in characters).
    #[error("{what} can have {limit} characters at most; this has {found}.")]
    TooLong {
        /// What was typed.
        what: Subject,
        /// The limit in characters.
        limit: usize,
        /// What was found, in characters.
        found: usize,
    },
}

/// Characters that would let a name rearrange or hide the text around it: bidirectional controls and zero-width marks
/// (Unicode TR 36, 3.1). The zero-width joiner stays, since emoji are built with it.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// Nothing a reader could see: only blanks, joiners and fillers.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || matches!(c, '\u{200D}' | '\u{3164}' | '\u{2800}' | '\u{00AD}'))
}

fn check(what: Subject, limit: usize, text: String) -> Result<String, InvalidText> {
    let found = text.chars().count();
    if is_blank(&text) {
        Err(InvalidText::Empty(what))
    } else if found > limit {
        Err(InvalidText::TooLong { what, limit, found })
    } else {
        Ok(text)
    }
}

/// One line: blanks are folded to single spaces, controls and deceptive marks are dropped.
fn one_line(text: &str) -> String {
    let visible: String = text.chars().filter(|c| c.is_whitespace() || !(c.is_control() || is_deceptive(*c))).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Many lines: line ends become `\n`, other controls but the tab are dropped, blank edges are cut.
fn many_lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
    kept.trim_end().trim_start_matches('\n').to_owned()
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $what:expr, $limit:expr, $clean:expr, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, example = $example)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// A text that was accepted before, by the rule of its day.
            pub fn stored(text: impl Into<String>) -> Self {
                Self(text.into())
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidText;

            fn try_from(text: &str) -> Result<Self, InvalidText> {
                check($what, $limit, $clean(text)).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidText;

            fn try_from(text: String) -> Result<Self, InvalidText> {
                Self::try_from(text.as_str())
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        /// What people type is kept out of logs: a stray `{:?}` prints its length only.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

text_type!(
    /// What a member is called in one room.
    Nickname, Subject::Name, NICKNAME_CHARS, one_line, "Quiet Otter"
);
text_type!(
    /// What a room is called; optional, the code always works.
    RoomName, Subject::RoomName, ROOM_NAME_CHARS, one_line, "Book club"
);
text_type!(
    /// The text of one message: up to 4,000 characters, many lines, any Unicode.
    MessageBody, Subject::Message, MESSAGE_CHARS, many_lines, "Hello, all."
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_one_clean_line() {
        assert_eq!(Nickname::try_from("  Ada \n\t Lovelace\u{202E}\0 ").unwrap().as_str(), "Ada Lovelace");
        assert_eq!(Nickname::try_from(" \u{200B}\u{200D} "), Err(InvalidText::Empty(Subject::Name)));
        assert!(matches!(Nickname::try_from("x".repeat(33)), Err(InvalidText::TooLong { found: 33, .. })));
    }

    #[test]
    fn a_message_keeps_its_lines_and_indents_and_emoji() {
        let body = MessageBody::try_from("\r\n  fn main() {\r\n\t👩‍👩‍👧‍👦\r\n  }\u{7}\n\n").unwrap();
        assert_eq!(body.as_str(), "  fn main() {\n\t👩‍👩‍👧‍👦\n  }");
    }

    #[test]
    fn a_message_of_the_limit_fits_and_one_more_does_not() {
        assert!(MessageBody::try_from("𝕏".repeat(MESSAGE_CHARS)).is_ok());
        assert!(MessageBody::try_from("𝕏".repeat(MESSAGE_CHARS + 1)).is_err());
    }

    #[test]
    fn what_was_accepted_by_another_rule_is_read_back_as_it_is() {
        for text in ["", "\u{200B}", "Ada\u{34F}", " \u{202E}Ada ", &"x".repeat(MESSAGE_CHARS + 1)] {
            let json = serde_json::to_string(text).unwrap();
            assert_eq!(serde_json::from_str(&json).ok(), Some(Nickname::stored(text)));
            assert_eq!(serde_json::from_str(&json).ok(), Some(RoomName::stored(text)));
            assert_eq!(serde_json::from_str(&json).ok(), Some(MessageBody::stored(text)));
            assert_eq!(MessageBody::stored(text).as_str(), text);
        }
    }

    proptest! {
        #[test]
        fn cleaning_twice_changes_nothing_more(text in "\\PC{0,60}|.{0,60}") {
            if let Ok(once) = MessageBody::try_from(text.as_str()) {
                prop_assert_eq!(MessageBody::try_from(once.as_str()), Ok(once.clone()));
            }
            if let Ok(once) = Nickname::try_from(text.as_str()) {
                prop_assert_eq!(Nickname::try_from(once.as_str()), Ok(once.clone()));
            }
        }
    }
}
