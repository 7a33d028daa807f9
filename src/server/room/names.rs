//! Names that tell a room's members apart: the second member called "Bob" becomes "Bob (2)".
//!
//! The judge writes that name into the `Joined` event. So everybody sees the same name for as long as the member is in
//! the room, whoever else joins or leaves. A message keeps the name that its author had at the time.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use crate::protocol::{Nickname, limits::NICKNAME_CHARS};

/// Names that the pages use themselves: for the reader, in each language, for a deleted account, and for the service.
const RESERVED: [&str; 4] = ["You", "Du", "Deleted account", "AnonChat"];

/// The name for a new member: the wanted one, with a number added if a member has it already.
pub fn told_apart<'a>(wanted: &Nickname, present: impl Iterator<Item = &'a Nickname>) -> Nickname {
    let text = wanted.as_str();
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    if RESERVED.iter().any(|name| are_same(name, text)) {
        taken.insert(1);
    }
    for name in present {
        if are_same(name.as_str(), text) {
            taken.insert(1);
        } else if let Some((stem, number)) = numbered(name.as_str())
            && are_same(stem, stem_of(text, number))
        {
            taken.insert(number);
        }
    }
    // The first free number. One more number than are taken always includes a free one.
    let free = (1..=taken.len() + 1).find(|number| !taken.contains(number)).unwrap_or(1);
    if free == 1 {
        return wanted.clone();
    }
    Nickname::try_from(format!("{} ({free})", stem_of(text, free))).unwrap_or_else(|_| wanted.clone())
}

/// The name without the number that was added to tell it apart.
pub fn without_number(name: &str) -> &str {
    numbered(name).map_or(name, |(stem, _)| stem)
}

/// Splits "Bob (2)" into "Bob" and 2.
fn numbered(name: &str) -> Option<(&str, usize)> {
    let (stem, number) = name.strip_suffix(')')?.rsplit_once(" (")?;
    let number = number.parse().ok().filter(|number| *number > 1)?;
    (!stem.is_empty()).then_some((stem, number))
}

/// The beginning of a name that leaves space for the number.
fn stem_of(name: &str, number: usize) -> &str {
    let room = NICKNAME_CHARS.saturating_sub(" ()".len() + number.to_string().len());
    let end = name.char_indices().nth(room).map_or(name.len(), |(at, _)| at);
    name[..end].trim_end()
}

/// Whether two names look the same: apart from case, Unicode form, kinds of blanks, and invisible characters.
fn are_same(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    let seen = |name: &str| -> Vec<String> {
        let visible: String = name.nfkc().filter(|c| !is_invisible(*c)).collect();
        visible.to_uppercase().to_lowercase().nfkc().collect::<String>().split_whitespace().map(str::to_owned).collect()
    };
    seen(one) == seen(other)
}

/// Characters that most fonts draw nothing for (Unicode's `Default_Ignorable_Code_Point`), and the blank Braille
/// pattern.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Nickname {
        Nickname::try_from(text).unwrap()
    }

    fn among(wanted: &str, present: &[&str]) -> String {
        let present: Vec<Nickname> = present.iter().map(|text| name(text)).collect();
        told_apart(&name(wanted), present.iter()).to_string()
    }

    #[test]
    fn of_several_who_are_called_the_same_each_has_another_name() {
        assert_eq!(among("Bob", &[]), "Bob");
        assert_eq!(among("Bob", &["Ada"]), "Bob");
        assert_eq!(among("Bob", &["Bob"]), "Bob (2)");
        assert_eq!(among("Bob", &["Bob (2)", "Bob"]), "Bob (3)");
        assert_eq!(among("Bob", &["Bob", "Bob (3)"]), "Bob (2)");
        assert_eq!(among("Bob", &["Bob (2)"]), "Bob", "the first has gone, and the second keeps the number");
        assert_eq!(among("Bob (2)", &["Bob", "Bob (2)"]), "Bob (2) (2)", "nobody takes a number that somebody has");
    }

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for (one, other) in [
            ("bob", "BOB"),
            ("Zoë", "zoe\u{308}"),
            ("Straße", "STRASSE"),
            ("Ａda", "ada"),
            ("Ada Lovelace", "ada\u{A0}lovelace"),
            ("Ada", "Ada\u{34F}"),
            ("Ada", "A\u{AD}da"),
        ] {
            assert!(among(one, &[other]).ends_with(" (2)"), "{one} {other}");
            assert!(among(other, &[one]).ends_with(" (2)"), "{other} {one}");
        }
        assert_eq!(among("Zoe", &["Zoë"]), "Zoe");
    }

    #[test]
    fn nobody_is_called_what_the_page_calls_the_reader() {
        for word in ["You", "you", "DU", "Deleted account"] {
            assert_eq!(among(word, &[]), format!("{word} (2)"));
        }
        assert_eq!(among("Your aunt", &[]), "Your aunt");
    }

    #[test]
    fn a_long_name_leaves_room_for_its_number() {
        let long = "x".repeat(NICKNAME_CHARS);
        let second = among(&long, &[&long]);
        assert_eq!(second, format!("{} (2)", "x".repeat(NICKNAME_CHARS - 4)));
        assert_eq!(among(&long, &[&long, &second]), format!("{} (3)", "x".repeat(NICKNAME_CHARS - 4)));
        assert_eq!(without_number(&second), "x".repeat(NICKNAME_CHARS - 4));
        assert_eq!(without_number("Bob (1)"), "Bob (1)");
    }
}
