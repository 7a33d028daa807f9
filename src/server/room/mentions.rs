//! Mentions: whose name a message has in it, as a word. Case does not matter, nor whether there is an `@` before it.

use std::collections::HashMap;

use crate::protocol::{MemberId, Nickname};

/// The names of a room, to be looked for in what is said there.
#[derive(Debug, Default)]
pub struct Names {
    /// By their first character: at each word only a few have to be compared.
    by_first: HashMap<char, Vec<(String, MemberId)>>,
}

impl Names {
    /// The names of these members.
    pub fn of<'a>(members: impl IntoIterator<Item = (MemberId, &'a str)>) -> Self {
        let mut names = Self::default();
        for (member, name) in members {
            let name = name.to_lowercase();
            if let Some(first) = name.chars().next() {
                names.by_first.entry(first).or_default().push((name, member));
            }
        }
        names
    }

    /// Tells each member whose name is in a text; one more than once, if the name is.
    pub fn find(&self, text: &str, mut found: impl FnMut(MemberId)) {
        let text = text.to_lowercase();
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

/// Whether a text has this name in it.
pub fn is_mentioned(name: &Nickname, text: &str) -> bool {
    let mut is_found = false;
    Names::of([(MemberId::from_bits(0), name.as_str())]).find(text, |_| is_found = true);
    is_found
}

/// Whether a text begins with a name and then the word is over.
fn stands_at(text: &str, name: &str) -> bool {
    let Some(after) = text.strip_prefix(name).map(|rest| rest.chars().next()) else { return false };
    let last = name.chars().next_back();
    !last.zip(after).is_some_and(|(last, after)| are_one_word(last, after))
}

/// Whether what stands between two characters is no end of a word.
fn are_one_word(before: char, after: char) -> bool {
    const JOINER: char = '\u{200D}';
    let is_of_a_word = |c: char| (c.is_alphanumeric() || c == '_') && !is_unspaced(c);
    before == JOINER || changes_what_is_before(after) || (is_of_a_word(before) && is_of_a_word(after))
}

/// Accents, and what makes one picture of several: without it, it is another letter or picture.
fn changes_what_is_before(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{200D}' | '\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}')
}

/// Letters of scripts that put no spaces around a name (Thai, Lao, Burmese, Khmer, Japanese, Chinese), or that put what
/// follows it right behind it (Korean).
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
        // Lower case is longer than upper case there.
        assert!(is_mentioned(&name("İpek"), "selam İPEK"));
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
