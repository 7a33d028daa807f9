//! Reading typed text: the one place that decides what counts as blank, what a name may contain, which names are equal,
//! where a text is cut, and what is found in it.
//!
//! These are pure functions over Unicode tables. The WebAssembly client does not contain the tables: the page checks
//! input with what the browser knows, and the server decides here.
//!
//! Stored texts are not read here, but by the `stored` function of their type. Reading room codes and finding links
//! needs no tables, and is in `protocol`.

mod beginnings;
mod emoji;
mod folding;
mod names;
mod searching;
mod visible;

use crate::protocol::{InvalidText, MessageBody, Nickname, RoomName, TextKind, markdown};

pub use beginnings::{preview, quote};
pub use emoji::emoji;
pub use folding::folded;
pub use names::cleaned_name;
pub use searching::{SearchQuery, SearchTerm, terms, terms_version};
pub use visible::{is_blank, is_mark};

pub fn nickname(typed: &str) -> Result<Nickname, InvalidText> {
    named(TextKind::Name, &cleaned_name(typed))
}

pub fn room_name(typed: &str) -> Result<RoomName, InvalidText> {
    named(TextKind::RoomName, &cleaned_name(typed))
}

/// Reads a typed message. The text is stored as written, without controls and blank edges. A message of which nothing
/// is visible is refused, and so is one of marks around nothing.
pub fn message(typed: &str) -> Result<MessageBody, InvalidText> {
    let body = MessageBody::try_from(typed)?;
    if is_blank(&markdown::without_empty_marks(body.as_str())) {
        Err(InvalidText::Empty(TextKind::Message))
    } else {
        Ok(body)
    }
}

fn named<'a, T: TryFrom<&'a str, Error = InvalidText>>(what: TextKind, name: &'a str) -> Result<T, InvalidText> {
    if is_blank(name) { Err(InvalidText::Empty(what)) } else { T::try_from(name) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::{Language, friendly_name, is_invisible};

    const NOTHING: &[&str] = include!("../../../tests/data/nothing_visible.rs");

    #[test]
    fn what_shows_nothing_is_no_name_and_no_message() {
        for typed in NOTHING {
            let shown = typed.escape_unicode();
            assert_eq!(nickname(typed), Err(InvalidText::Empty(TextKind::Name)), "{shown}");
            assert_eq!(room_name(typed), Err(InvalidText::Empty(TextKind::RoomName)), "{shown}");
            assert_eq!(message(typed), Err(InvalidText::Empty(TextKind::Message)), "{shown}");
        }
    }

    #[test]
    fn what_shows_something_is_said_as_it_was_written() {
        for typed in [
            "a",
            "\u{200B}a",
            ".",
            "…",
            "👍🏽",
            "👩‍👩‍👧‍👦",
            "1\u{FE0F}\u{20E3}",
            "می\u{200C}خواهم",
            "e\u{301}",
            "\u{E000}",
            "\u{1F3F4}\u{E0067}\u{E0062}\u{E007F}",
            "ㅋㅋ",
            "\u{2801}",
        ] {
            assert_eq!(message(typed).unwrap().as_str(), typed, "{}", typed.escape_unicode());
        }
    }

    #[test]
    fn nothing_that_is_not_seen_makes_another_name() {
        // U+0600 is a sign in front of numbers, which is visible.
        for hidden in NOTHING.iter().filter(|hidden| **hidden != "\u{600}") {
            for typed in [format!("Ada{hidden}"), format!("{hidden}Ada"), format!(" {hidden} Ada {hidden}")] {
                let name = nickname(&typed).unwrap();
                // A combining accent after a letter is visible as well.
                let plain: String = name.as_str().chars().filter(|c| !is_mark(*c)).collect();
                assert!(["Ada", "Adá", "Adạ"].contains(&&*plain), "{}", typed.escape_unicode());
            }
        }
        assert_eq!(nickname("A\u{200B}d\u{AD}a\u{2060}").unwrap().as_str(), "Ada");
        assert_eq!(nickname("Ada\u{3164}Lovelace").unwrap().as_str(), "Ada Lovelace");
        assert_eq!(nickname("Ada\u{2800}\u{A0} L.").unwrap().as_str(), "Ada L.");
    }

    #[test]
    fn a_name_has_one_form() {
        assert_eq!(nickname("Zoe\u{308}").unwrap().as_str(), "Zoë");
        assert_eq!(nickname("\u{1112}\u{1161}\u{11AB}").unwrap().as_str(), "한");
        assert_eq!(room_name("e\u{34F}\u{301}tude").unwrap().as_str(), "étude");
    }

    #[test]
    fn what_scripts_and_pictures_need_stays_in_a_name() {
        for name in [
            "👩‍👩‍👧‍👦",
            "👩🏽‍🚀 Ada",
            "🏳️‍🌈",
            "🏴‍☠️",
            "❤️ Eve",
            "👁️‍🗨️",
            "1️⃣ Club",
            "🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F} Mary",
            "🇩🇪 Berlin",
            "می\u{200C}خواهم",
            "علی\u{200C}رضا",
            "क्\u{200D}ष",
            "क्\u{200C}ष",
            "ශ්\u{200D}රී",
            "র\u{200D}্যাম",
            "ന\u{D4D}\u{200D}",
            "ھ\u{200D} ئازاد",
            "ฟ้า",
            "น้ำ",
            "བསྒྲུབས",
            "שָׁלוֹם",
            "مُحَمَّد",
            "Nguyễn",
            "ကွှိုံ့",
            "ខ្ញុំ",
            "ᠮᠣᠩᠭᠣᠯ",
        ] {
            assert_eq!(nickname(name).map(String::from), Ok(name.to_owned()), "{}", name.escape_unicode());
        }
    }

    #[test]
    fn what_they_do_not_need_goes() {
        for (typed, name) in [
            ("Ada\u{200D}", "Ada"),
            ("A\u{200C}da", "Ada"),
            ("🦊\u{FE0F}", "🦊"),
            ("1\u{FE0F}", "1"),
            ("🦊\u{200D}", "🦊"),
            ("👩\u{200D}\u{200D}👧", "👩\u{200D}👧"),
            ("🏴\u{E0067}\u{E0062}", "🏴"),
            ("🦊\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}", "🦊"),
            ("葛\u{E0100}", "葛"),
            ("علی\u{200C}", "علی"),
            ("مح\u{200D}مد", "محمد"),
            ("क\u{200C}", "क"),
            ("Ада\u{180E}", "Ада"),
        ] {
            assert_eq!(nickname(typed).unwrap().as_str(), name, "{}", typed.escape_unicode());
        }
    }

    #[test]
    fn a_generated_name_reads_as_itself() {
        for &language in Language::ALL {
            for pick in 0..48 * 48 {
                let name = friendly_name(language, pick);
                assert_eq!(nickname(name.as_str()), Ok(name));
            }
        }
    }

    #[test]
    fn only_some_marks_stand_on_one_letter() {
        let heaped = format!("a{}", "\u{301}\u{302}\u{303}\u{304}".repeat(7));
        assert_eq!(nickname(&heaped).unwrap().as_str(), "á\u{302}\u{303}\u{304}\u{301}");
        assert_eq!(nickname(&format!("ก{}", "\u{E47}".repeat(20))).unwrap().as_str(), "ก\u{E47}");
        assert_eq!(nickname("\u{301}Ada \u{301}L.").unwrap().as_str(), "Ada L.");
    }

    #[test]
    fn a_name_is_measured_as_it_is_kept() {
        assert!(nickname(&format!("{}{}", "x".repeat(32), "\u{200B}".repeat(50))).is_ok());
        assert!(matches!(nickname(&"x".repeat(33)), Err(InvalidText::TooLong { found: 33, .. })));
        assert!(nickname(&"e\u{301}".repeat(32)).is_ok());
    }

    /// The client has hand-written ranges where the server has tables. They must agree.
    #[test]
    fn the_page_knows_what_is_not_seen() {
        for c in '\0'..=char::MAX {
            let has_no_ink = visible::is_stand_in(c) || visible::is_noncharacter(c);
            let is_hidden = visible::is_hidden(c) && !c.is_control() && !has_no_ink;
            assert_eq!(is_invisible(c), is_hidden, "U+{:04X}", u32::from(c));
        }
    }

    /// Nothing of a script is drawn with less marks than it has. Emoji that need no variation selector are large alone.
    #[test]
    fn the_page_knows_what_is_stacked_and_what_is_an_emoji() {
        use icu_properties::props::{BinaryProperty as _, EmojiModifier, EmojiPresentation};
        for c in '\0'..=char::MAX {
            let number = u32::from(c);
            assert!(!markdown::is_stacking(c) || visible::is_stacking_mark(c), "U+{number:04X}");
            let is_emoji = EmojiPresentation::for_char(c) && !EmojiModifier::for_char(c);
            assert!(!is_emoji || markdown::is_few_emoji(&c.to_string()), "U+{number:04X}");
            assert!(!(c.is_ascii() || c.is_alphabetic()) || !markdown::is_few_emoji(&c.to_string()), "U+{number:04X}");
        }
    }

    /// Texts that consist mostly of difficult characters.
    fn hard() -> impl Strategy<Value = String> {
        let one = prop_oneof![
            "[a-zé ]",
            proptest::sample::select(NOTHING).prop_map(str::to_owned),
            "[\u{200C}\u{200D}\u{FE0F}\u{94D}\u{E47}\u{300}-\u{323}\u{1100}-\u{11FF}\u{E0061}\u{E007F}🏴🦊👩ںعك]",
            "\\PC",
            ".",
        ];
        proptest::collection::vec(one, 0..24).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn a_name_that_was_read_reads_as_itself(typed in hard()) {
            if let Ok(once) = nickname(&typed) {
                prop_assert_eq!(nickname(once.as_str()), Ok(once.clone()));
                prop_assert_eq!(Nickname::try_from(once.as_str()), Ok(once), "the page’s check agrees");
            }
        }

        #[test]
        fn a_message_that_was_read_reads_as_itself(typed in hard()) {
            if let Ok(once) = message(&typed) {
                prop_assert_eq!(message(once.as_str()), Ok(once));
            }
        }
    }
}
