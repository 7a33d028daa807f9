//! Finds the members whose name is in a message. Lists show such a message by a mark. Whom a message mentions by id is
//! judged in `judge/calls.rs`.
//!
//! A name counts if it stands there as a whole word, with or without an `@` before it. Case, width and the form of
//! accents do not matter. A name within an address (a link, a mail address, a file name) does not count.

use std::{borrow::Cow, collections::HashMap};

use crate::{
    protocol::{MemberId, Nickname, links},
    server::text::{folded, is_mark},
};

/// The names of a room's members, prepared for the search in messages.
#[derive(Debug, Default)]
pub struct Names {
    /// The folded names by their first character, so that only a few have to be compared at each word.
    by_first: HashMap<char, Vec<(String, MemberId)>>,
}

impl Names {
    /// Prepares the names of these members.
    pub fn of<'a>(members: impl IntoIterator<Item = (MemberId, &'a str)>) -> Self {
        let mut names = Self::default();
        for (member, name) in members {
            let name = folded(name).into_owned();
            if let Some(first) = name.chars().next() {
                names.by_first.entry(first).or_default().push((name, member));
            }
        }
        names
    }

    /// Calls `found` for each member whose name is in the text, as often as it is there.
    pub fn find(&self, text: &str, mut found: impl FnMut(MemberId)) {
        let text = without_addresses(text);
        let text = folded(&text);
        let mut before = None;
        for (at, first) in text.char_indices() {
            if !before.is_some_and(|before| are_one_word(before, first)) {
                for (name, member) in self.by_first.get(&first).into_iter().flatten() {
                    if stands_at(&text[at..], name) {
                        found(*member);
                    }
                }
            }
            before = Some(first);
        }
    }
}

/// Whether a text mentions this name.
pub fn is_mentioned(name: &Nickname, text: &str) -> bool {
    let mut is_found = false;
    Names::of([(MemberId::from_bits(0), name.as_str())]).find(text, |_| is_found = true);
    is_found
}

/// The text that replaces an address. A newline cannot be part of a name, not even between two of its words.
const ADDRESS: &str = "\n";

/// The text with every link, mail address and address of another scheme replaced by [`ADDRESS`].
fn without_addresses(text: &str) -> Cow<'_, str> {
    if !text.contains(['@', '/']) && !text.contains("www.") && !text.contains("WWW.") {
        return Cow::Borrowed(text);
    }
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    for link in links(text) {
        rest.push_str(&without_schemes(&text[at..link.range.start]));
        rest.push_str(ADDRESS);
        at = link.range.end;
    }
    rest.push_str(&without_schemes(&text[at..]));
    Cow::Owned(rest)
}

/// Replaces each word that has `://` in it by [`ADDRESS`].
fn without_schemes(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    words.map(|word| word.find("://").map_or(word, |_| ADDRESS)).collect()
}

/// Whether the text begins with the name, and the word ends with it.
fn stands_at(text: &str, name: &str) -> bool {
    let Some(after) = text.strip_prefix(name).map(|rest| rest.chars().next()) else { return false };
    let last = name.chars().next_back();
    if after == Some('.') && !name.ends_with('.') && is_named_file(&text[name.len() + 1..]) {
        return false;
    }
    !last.zip(after).is_some_and(|(last, after)| are_one_word(last, after))
}

/// Whether the text after a dot continues a file name or host name, as in `ada.txt` and `ada.example`.
fn is_named_file(after: &str) -> bool {
    after.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Whether two neighbouring characters belong to one word.
fn are_one_word(before: char, after: char) -> bool {
    const JOINER: char = '\u{200D}';
    let is_of_a_word = |c: char| (c.is_alphanumeric() || c == '_') && !is_unspaced(c);
    before == JOINER || changes_what_is_before(after) || (is_of_a_word(before) && is_of_a_word(after))
}

/// Whether the character changes the one before it into another letter or picture: accents, vowel signs, skin tones,
/// and the zero-width joiner that makes one picture of several.
fn changes_what_is_before(c: char) -> bool {
    is_mark(c) || matches!(c, '\u{200D}' | '\u{1F3FB}'..='\u{1F3FF}')
}

/// Letters of scripts that have no spaces around a name (Thai, Lao, Burmese, Khmer, Japanese, Chinese), or that append
/// suffixes to it (Korean).
fn is_unspaced(c: char) -> bool {
    matches!(
        c,
        '\u{E00}'..='\u{EFF}'
            | '\u{1000}'..='\u{109F}'
            | '\u{1780}'..='\u{17FF}'
            | '\u{3040}'..='\u{30FF}'
            | '\u{3400}'..='\u{9FFF}'
            | '\u{AC00}'..='\u{D7A3}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{3FFFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Nickname {
        Nickname::try_from(text).unwrap()
    }

    #[test]
    fn a_name_is_found_as_a_word_whatever_its_case() {
        for text in ["Ada", "ada?", "Hello, ADA!", "@Ada", "and @ada, too", "Ada’s idea", "(ada)", "\nAda\n", "x ada x"]
        {
            assert!(is_mentioned(&name("Ada"), text), "{text}");
        }
        for text in ["", "Adam", "Nevada", "_ada", "ada2", "Adä", "A da", "adA\u{301}"] {
            assert!(!is_mentioned(&name("Ada"), text), "{text}");
        }
    }

    #[test]
    fn names_of_several_words_and_signs_are_found_whole() {
        assert!(is_mentioned(&name("Quiet Otter"), "Is quiet otter there?"));
        assert!(!is_mentioned(&name("Quiet Otter"), "Quiet, Otter!"));
        assert!(!is_mentioned(&name("Quiet Otter"), "quiet otters"));
        assert!(is_mentioned(&name("C++"), "I like c++."));
        assert!(is_mentioned(&name("J. R."), "Ask j. r., please"));
        assert!(is_mentioned(&name("Ada L."), "ada l.!"));
    }

    #[test]
    fn names_of_every_script_are_found() {
        assert!(is_mentioned(&name("Zoë"), "ZOË!"));
        assert!(is_mentioned(&name("Ярослав"), "привет, ярослав"));
        assert!(!is_mentioned(&name("Яр"), "Ярослав"));
        assert!(is_mentioned(&name("小明"), "你好小明在吗"), "nobody puts spaces there");
        assert!(is_mentioned(&name("지우"), "지우님 안녕하세요"));
        assert!(is_mentioned(&name("🦊"), "where is 🦊"));
        assert!(!is_mentioned(&name("👩"), "👩\u{200D}👧"), "another picture");
        assert!(!is_mentioned(&name("👧"), "👩\u{200D}👧"));
        // The lower-case form of this name is longer than the upper-case form.
        assert!(is_mentioned(&name("İpek"), "selam İPEK"));
    }

    #[test]
    fn a_name_is_found_in_whatever_form_it_is_written() {
        for (called, text) in [
            ("Zoë", "zoe\u{308}, come"),
            ("Zoe\u{308}", "zoë, come"),
            ("Éva", "E\u{301}VA!"),
            ("한지우", "\u{1112}\u{1161}\u{11AB}지우"),
            ("Сергей", "СЕРГЕИ\u{306}"),
            ("İbrahim", "selam ibrahim"),
            ("Işık", "IŞIK nerede"),
            ("Straße", "STRASSE!"),
            ("Ａda", "hello ada"),
            ("Ada", "ＡＤＡ！"),
            ("ΑΔΆΣ", "ο Αδάς"),
        ] {
            assert!(is_mentioned(&Nickname::stored(called), text), "{called}: {text}");
        }
        assert!(!is_mentioned(&name("Zoe"), "zoe\u{308}"));
        assert!(!is_mentioned(&name("राम"), "रामा"));
    }

    #[test]
    fn a_name_within_an_address_calls_nobody() {
        for text in [
            "https://example.org/users/ada/",
            "write to ada@example.net",
            "https://ada.example.org",
            "https://example.org?u=ada",
            "https://example.org#ada",
            "www.example.org/ada",
            "WWW.example.org/ada",
            "bob@ada.example",
            "mailto:ada@example.org",
            "file:///home/ada/x",
            "ssh://ada@example",
            "ada.txt",
            "ada.example",
            "@ada@example.org",
            "„https://example.org/ada“",
        ] {
            assert!(!is_mentioned(&name("Ada"), text), "{text}");
        }
        for text in [
            "ada, see https://example.org",
            "see https://example.org/ada, ada",
            "https://example.org ada",
            "ada: ada@example.org",
            "Bob/Ada, come",
            "ask ada.",
            "ada... come",
        ] {
            assert!(is_mentioned(&name("Ada"), text), "{text}");
        }
        assert!(!is_mentioned(&name("Quiet Otter"), "Quiet https://example.org Otter"));
        assert!(is_mentioned(&name("J.R"), "ask j.r, please"));
    }

    #[test]
    fn everyone_who_is_named_is_found() {
        let people = ["Ada", "Adam", "Ada L.", "Bob"].map(name);
        let ids = (0..).map(MemberId::from_bits);
        let names = Names::of(ids.zip(people.iter().map(Nickname::as_str)));
        let mut found = Vec::new();
        names.find("ada l. and BOB, not adam’s bobsleigh; bob?", |member| found.push(member.get()));
        found.sort_unstable();
        assert_eq!(found, [0, 1, 2, 3, 3]);
    }
}
