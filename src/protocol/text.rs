//! Nicknames, room names and messages. Each type has two constructors:
//!
//! - `stored` wraps a text that was accepted earlier, and so does serde. Stores, the bus, frames and snapshots are read
//!   this way. It never fails, so a stricter rule makes no old row or frame unreadable.
//! - `TryFrom` cleans and checks a text without tables of Unicode. Pages use it before sending, and constants are made
//!   with it.
//!
//! What a person sends is checked again by the server's `text` module, which has the tables and is stricter.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::limits::{MESSAGE_CHARS, NICKNAME_CHARS, ROOM_NAME_CHARS};

/// The kind of text that a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Subject)]
pub enum TextKind {
    /// A person's name.
    Name,
    /// A room's name.
    RoomName,
    /// The text of a message.
    Message,
    /// A text that this version does not know.
    #[serde(other)]
    Other,
}

/// Displays as the subject of an English sentence.
impl fmt::Display for TextKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "A name",
            Self::RoomName => "A room’s name",
            Self::Message => "A message",
            Self::Other => "A text",
        })
    }
}

/// Why a text was refused. The error text is a sentence that says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// No visible character was left after cleaning.
    #[error("{0} can’t be empty.")]
    Empty(TextKind),
    /// The text has more characters than allowed.
    #[error("{what} can have up to {limit} characters; this has {found}.")]
    TooLong {
        /// The kind of text.
        what: TextKind,
        /// The most characters that it may have.
        limit: usize,
        /// The characters that it has.
        found: usize,
    },
}

/// Characters that would let a name reorder or hide the text around it: bidirectional controls and zero-width marks
/// (Unicode TR 36, 3.1). The zero-width joiner is allowed, because emoji are composed with it.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// Whether a text has no visible character: only blanks, joiners and fillers.
fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || matches!(c, '\u{200D}' | '\u{3164}' | '\u{2800}' | '\u{00AD}'))
}

fn check(what: TextKind, limit: usize, text: String) -> Result<String, InvalidText> {
    let found = text.chars().count();
    if is_blank(&text) {
        Err(InvalidText::Empty(what))
    } else if found > limit {
        Err(InvalidText::TooLong { what, limit, found })
    } else {
        Ok(text)
    }
}

/// Cleans a text of one line: folds blanks to single spaces, and removes controls and deceptive characters.
fn one_line(text: &str) -> String {
    let visible: String = text.chars().filter(|c| c.is_whitespace() || !(c.is_control() || is_deceptive(*c))).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cleans a text of several lines: turns line ends into `\n`, removes controls except the tab, and cuts blanks at the
/// end and blank lines at the beginning.
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

            /// Wraps a text that was accepted earlier, by the rule of that time. Checks nothing.
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

        /// Prints the length only, so that nothing that people type reaches a log.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

text_type!(
    /// A member's name in one room, or the name of an account.
    Nickname, TextKind::Name, NICKNAME_CHARS, one_line, "Quiet Otter"
);
text_type!(
    /// A room's name. A room can have none and is always found by its code.
    RoomName, TextKind::RoomName, ROOM_NAME_CHARS, one_line, "Book club"
);
text_type!(
    /// The text of one message: up to 4,000 characters, several lines, any Unicode.
    MessageBody, TextKind::Message, MESSAGE_CHARS, many_lines, "Hello, all."
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_one_clean_line() {
        assert_eq!(Nickname::try_from("  Ada \n\t Lovelace\u{202E}\0 ").unwrap().as_str(), "Ada Lovelace");
        assert_eq!(Nickname::try_from(" \u{200B}\u{200D} "), Err(InvalidText::Empty(TextKind::Name)));
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
