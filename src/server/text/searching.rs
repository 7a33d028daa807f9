//! Searching: the terms by which an index finds a text, and where a text contains what was typed.
//!
//! Both stores index the same terms ([`terms`]), so both find the same. A term says no more than that a text may match.
//! Every text that an index finds is folded and compared with the [`SearchQuery`] ([`SearchQuery::find`]), which
//! decides, and says which characters to mark.
//!
//! A word is a run of letters, digits and marks. It is found from its beginning. Scripts that put no spaces between
//! words, and symbols, are indexed by pairs of neighbours, and the last character alone, so any part of them is found.
//! The reasons are in `docs/decisions/0039-search.md`.

use std::collections::HashSet;

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::protocol::{Problem, TextRange, is_invisible, limits};

/// The most terms of a text: more than a text of words has. A text of 4,000 characters in a script without spaces has
/// more, and is found by its beginning.
const MOST_TERMS: usize = 600;
/// The most characters of a term. A longer word is found by its beginning.
const TERM_CHARS: usize = 64;
/// The most ranges that are marked in a text.
const MOST_RANGES: usize = 50;
/// The marks around a phrase.
const QUOTATION_MARKS: [char; 4] = ['"', '\u{201C}', '\u{201D}', '\u{201E}'];
/// The version of the rules of this file. Raise it when [`terms`] returns something else for a text.
const RULES: u32 = 1;

/// The version of the terms: of the rules, and of the Unicode tables that they use. An index of another version is made
/// anew.
pub fn terms_version() -> String {
    let tables = [char::UNICODE_VERSION, unicode_normalization::UNICODE_VERSION];
    let (major, minor, update) = unicode_segmentation::UNICODE_VERSION;
    format!("{RULES} {tables:?} {major}.{minor}.{update}")
}

/// The terms of a text, each once. A term consists of ASCII letters and digits, and of characters beyond ASCII.
pub fn terms(text: &str) -> Vec<String> {
    let folded = Folded::of(text);
    let (mut terms, mut known) = (Vec::new(), HashSet::new());
    let all = runs(&folded.chars).flat_map(|(class, run)| match class {
        Class::Word => vec![term(run)],
        Class::Unspaced => run.windows(2).chain(run.last().map(std::slice::from_ref)).map(term).collect(),
        Class::Other => Vec::new(),
    });
    for term in all {
        if terms.len() == MOST_TERMS {
            break;
        }
        if known.insert(term.clone()) {
            terms.push(term);
        }
    }
    terms
}

/// A term that the texts to find have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchTerm {
    pub text: String,
    /// Whether the texts have a term that begins with it. Otherwise they have this term.
    pub is_prefix: bool,
}

/// What somebody searches for: parts that a text must contain, all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchQuery {
    parts: Vec<Vec<char>>,
}

impl SearchQuery {
    /// Reads what was typed: words, and phrases in quotation marks.
    ///
    /// Refuses what is too long, what has too many parts, and what has neither a letter nor a digit nor a symbol.
    pub fn read(typed: &str) -> Result<Self, Problem> {
        if typed.chars().count() > limits::SEARCH_CHARS {
            return Err(Problem::invalid("q", format!("Search for {} characters at most.", limits::SEARCH_CHARS)));
        }
        // The parts between quotation marks are phrases, also if the last mark is missing.
        let typed = typed.split(QUOTATION_MARKS).enumerate();
        let parts = typed.flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().collect::<Vec<_>>(),
            _ => vec![part.trim()],
        });
        let parts: Vec<_> = parts.map(|part| Folded::of(part).chars).filter(|part| !part.is_empty()).collect();
        if parts.len() > limits::SEARCH_WORDS {
            return Err(Problem::invalid("q", format!("Search for {} words at most.", limits::SEARCH_WORDS)));
        }
        let query = Self { parts };
        if query.terms().is_empty() {
            return Err(Problem::invalid("q", "Type a word to search for."));
        }
        Ok(query)
    }

    /// The terms of all texts that match. Texts that do not match may have them too.
    pub fn terms(&self) -> Vec<SearchTerm> {
        let mut terms: Vec<SearchTerm> = Vec::new();
        for part in &self.parts {
            let mut end = 0;
            for (class, run) in runs(part) {
                end += run.len();
                let is_last = end == part.len();
                let of_run = match (class, run.len()) {
                    (Class::Word, _) => vec![SearchTerm { text: term(run), is_prefix: is_last }],
                    (Class::Unspaced, 1) => vec![SearchTerm { text: term(run), is_prefix: true }],
                    (Class::Unspaced, _) => {
                        run.windows(2).map(|pair| SearchTerm { text: term(pair), is_prefix: false }).collect()
                    }
                    (Class::Other, _) => Vec::new(),
                };
                terms.extend(of_run);
            }
        }
        terms
    }

    /// The places in a text that match, in order. `None` if a part is missing.
    pub fn find(&self, text: &str) -> Option<Vec<TextRange>> {
        let Folded { chars, places } = Folded::of(text);
        let mut found = Vec::new();
        for part in &self.parts {
            let begins_word = class_of(part[0]) == Class::Word;
            let mut at_word = true;
            let before = found.len();
            for (at, window) in chars.windows(part.len()).enumerate() {
                if (at_word || !begins_word) && window == part {
                    found.push((places[at].0, places[at + part.len() - 1].1));
                }
                at_word = class_of(chars[at]) != Class::Word;
            }
            if found.len() == before {
                return None;
            }
        }
        found.sort_unstable();
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for (start, end) in found {
            match ranges.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => ranges.push((start, end)),
            }
        }
        let range = |(start, end)| TextRange { start, length: end - start };
        Some(ranges.into_iter().take(MOST_RANGES).map(range).collect())
    }
}

/// A text without the differences that do not matter when searching. White space is one space.
struct Folded {
    chars: Vec<char>,
    /// For each folded character the place in the text that it stands for: the first character, and the one behind the
    /// last.
    places: Vec<(u32, u32)>,
}

impl Folded {
    fn of(text: &str) -> Self {
        let (mut chars, mut places): (Vec<char>, Vec<(u32, u32)>) = (Vec::new(), Vec::new());
        let mut start = 0;
        // Characters that a reader sees are folded whole, so no part of one is marked.
        for seen in text.graphemes(true) {
            let end = start + u32::try_from(seen.chars().count()).unwrap_or(u32::MAX);
            let mut add = |c: char| {
                let c = if c.is_whitespace() { ' ' } else { c };
                if c != ' ' || chars.last() != Some(&' ') {
                    chars.push(c);
                    places.push((start, end));
                }
            };
            if seen.is_ascii() {
                seen.chars().for_each(|c| add(c.to_ascii_lowercase()));
            } else {
                let plain = seen.nfkd().filter(|c| !is_left_out(*c));
                // Through upper case, so that `ß` becomes `ss`.
                let small = plain.flat_map(char::to_lowercase).flat_map(char::to_uppercase);
                small.flat_map(char::to_lowercase).filter(|c| !is_left_out(*c)).map(unified).nfc().for_each(add);
            }
            start = end;
        }
        Self { chars, places }
    }
}

/// Whether searching ignores a character: accents, the vowel signs of Arabic and Hebrew, and what is not seen. The
/// vowel signs of Indic scripts make other words, and stay.
fn is_left_out(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{610}'..='\u{61A}' | '\u{640}' | '\u{64B}'..='\u{65F}' | '\u{670}')
        || matches!(c, '\u{6D6}'..='\u{6DC}' | '\u{6DF}'..='\u{6E8}' | '\u{6EA}'..='\u{6ED}')
        || (matches!(c, '\u{591}'..='\u{5C7}') && is_combining_mark(c))
        || is_invisible(c)
}

/// The character that stands for this one and for others that are typed instead of it.
fn unified(c: char) -> char {
    match c {
        '\u{671}' => '\u{627}',
        '\u{649}' | '\u{6CC}' => '\u{64A}',
        '\u{629}' => '\u{647}',
        '\u{6A9}' => '\u{643}',
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{2010}'..='\u{2015}' => '-',
        _ => c,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// A part of a word.
    Word,
    /// A character of a script without spaces, or a symbol.
    Unspaced,
    /// Space or punctuation.
    Other,
}

fn class_of(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Word } else { Class::Other };
    }
    if is_unspaced(c) {
        Class::Unspaced
    } else if c.is_alphanumeric() || is_combining_mark(c) {
        Class::Word
    } else {
        Class::Other
    }
}

fn is_unspaced(c: char) -> bool {
    matches!(c,
        // Thai, Lao, Burmese, Hangul, Khmer, and other scripts of Southeast Asia.
        '\u{E01}'..='\u{E4E}' | '\u{E81}'..='\u{EDF}' | '\u{1000}'..='\u{1049}' | '\u{1050}'..='\u{109F}'
        | '\u{1100}'..='\u{11FF}' | '\u{1780}'..='\u{17D3}' | '\u{1950}'..='\u{19DF}' | '\u{1A20}'..='\u{1A9F}'
        // Arrows, mathematical and technical signs, pictures, currencies.
        | '\u{20A0}'..='\u{20BF}' | '\u{2190}'..='\u{2BFF}'
        // Han, kana, Bopomofo, Hangul, Yi.
        | '\u{2E80}'..='\u{2FDF}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3041}'..='\u{30FA}'
        | '\u{30FC}'..='\u{318F}' | '\u{31A0}'..='\u{31FF}' | '\u{3400}'..='\u{A4CF}' | '\u{A960}'..='\u{A97F}'
        | '\u{A9E0}'..='\u{A9FF}' | '\u{AA60}'..='\u{AA7F}' | '\u{AC00}'..='\u{D7FF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{1B000}'..='\u{1B2FF}' | '\u{1F000}'..='\u{1FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// The runs of characters of one class, in order.
fn runs(chars: &[char]) -> impl Iterator<Item = (Class, &[char])> {
    chars.chunk_by(|one, next| class_of(*one) == class_of(*next)).map(|run| (class_of(run[0]), run))
}

fn term(chars: &[char]) -> String {
    chars.iter().take(TERM_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query(typed: &str) -> SearchQuery {
        SearchQuery::read(typed).unwrap()
    }

    /// The marked parts of a text, or nothing if it is not found.
    fn marked(text: &str, typed: &str) -> Vec<String> {
        let ranges = query(typed).find(text).unwrap_or_default();
        let part = |range: TextRange| text.chars().skip(range.start as usize).take(range.length as usize).collect();
        ranges.into_iter().map(part).collect()
    }

    /// Whether an index finds a text that has these terms.
    fn is_candidate(text: &str, typed: &str) -> bool {
        let has = terms(text);
        query(typed).terms().iter().all(|wanted| {
            has.iter().any(|term| if wanted.is_prefix { term.starts_with(&wanted.text) } else { *term == wanted.text })
        })
    }

    #[test]
    fn texts_of_many_scripts_are_found_and_marked() {
        for (text, typed, expected) in [
            // Latin: case, accents, ligatures, width, beginnings of words.
            ("Die STRASSE nach Köln", "straße koln", &["STRASSE", "Köln"][..]),
            ("Die Straße nach Koeln", "strasse", &["Straße"]),
            ("Zoe\u{308} und Zoë", "zoe", &["Zoe\u{308}", "Zoë"]),
            ("eﬃcient ｗｉｄｅ ", "effic wide", &["eﬃc", "ｗｉｄｅ"]),
            ("İbrahim ISPARTA ısı", "ispar isi", &["ISPAR", "ısı"]),
            ("Hello, other yellow", "hel", &["Hel"]),
            ("ello", "hello", &[]),
            ("It’s don't", "it's don’t", &["It’s", "don't"]),
            ("C++ and C#", "c++", &["C++"]),
            ("C# only", "c++", &[]),
            ("see foo_bar-baz.txt", "foo_bar-baz", &["foo_bar-baz"]),
            ("see bar foo", "foo_bar", &[]),
            ("v1.25 is out", "1.2", &[]),
            ("v 1.25 is out", "1.2", &["1.2"]),
            // Vietnamese, Greek, Cyrillic.
            ("Tiếng Việt", "tieng viet", &["Tiếng", "Việt"]),
            ("ΑΔΆΣ και αδάς", "αδας", &["ΑΔΆΣ", "αδάς"]),
            ("Ёлка и ёж", "елка еж", &["Ёлка", "ёж"]),
            // Arabic and Persian, Hebrew.
            ("السَّلَامُ عليكم", "السلام", &["السَّلَامُ"]),
            ("إلى المدرسة", "الي المدرسه", &["إلى", "المدرسة"]),
            ("می\u{200C}خواهم", "ميخواهم", &["می\u{200C}خواهم"]),
            ("شָלוֹם שָׁלוֹם", "שלום", &["שָׁלוֹם"]),
            // Indic scripts keep their vowel signs.
            ("हिन्दी में लिखो", "हिन्दी", &["हिन्दी"]),
            ("हिन्दी में", "हन्दी", &[]),
            ("আমি বাংলায় গান গাই", "বাংলা", &["বাংলা"]),
            ("தமிழ் மொழி", "தமிழ்", &["தமிழ்"]),
            // Scripts without spaces.
            ("悬空寺在山西", "悬空", &["悬空"]),
            ("悬空寺在山西", "西", &["西"]),
            ("悬空寺在山西", "空山", &[]),
            ("明日は天気がいい", "天気", &["天気"]),
            ("ｶﾞﾗｽとガラス", "ガラス", &["ｶﾞﾗｽ", "ガラス"]),
            ("ラーメンを食べる", "ラーメン", &["ラーメン"]),
            ("안녕하세요", "녕하", &["녕하"]),
            ("\u{1112}\u{1161}\u{11AB}국", "한국", &["\u{1112}\u{1161}\u{11AB}국"]),
            ("สวัสดีครับ", "ครับ", &["ครับ"]),
            ("ສະບາຍດີ", "ບາຍ", &["ບາຍ"]),
            ("សួស្តី", "ស្តី", &["ស្តី"]),
            ("မင်္ဂလာပါ", "ဂလာ", &["င်္ဂလာ"]),
            ("iPhone手机壳", "iphone手", &["iPhone手"]),
            // Symbols and pictures.
            ("Party 🎉🎉 at 8", "🎉", &["🎉🎉"]),
            ("👍🏽 done", "👍", &["👍🏽"]),
            ("It is 5 €", "€", &["€"]),
            // Phrases: adjacent, over any white space.
            ("Hello big\n world", "\"hello big world\"", &["Hello big\n world"]),
            ("Hello world, big", "“hello big”", &[]),
            ("Hello world, big", "hello big", &["Hello", "big"]),
        ] {
            assert_eq!(marked(text, typed), expected, "{text}: {typed}");
            assert!(expected.is_empty() || is_candidate(text, typed), "{text}: {typed}: {:?}", terms(text));
        }
    }

    #[test]
    fn a_search_is_refused_that_finds_nothing_or_asks_too_much() {
        let refused = |typed: &str| SearchQuery::read(typed).unwrap_err().field;
        for typed in ["", "  ", "\"\"", "!?", "\u{200B}", "\"+", &"a".repeat(101), &"a ".repeat(9)] {
            assert_eq!(refused(typed).as_deref(), Some("q"), "{typed}");
        }
        assert_eq!(query(&"a".repeat(100)).terms().len(), 1);
        assert_eq!(query("a b c d e f g \"h i j\"").parts.len(), 8);
    }

    #[test]
    fn what_is_typed_is_no_syntax() {
        for typed in ["a OR b", "NEAR(a, 2)", "a*", "^a", "terms:a", "-a", "{a}:b", "a AND \"b", "\\", "'; --a"] {
            let Ok(query) = SearchQuery::read(typed) else { continue };
            for SearchTerm { text, .. } in query.terms() {
                assert!(text.chars().all(|c| !c.is_ascii() || c.is_ascii_lowercase() || c.is_ascii_digit()), "{text}");
            }
        }
    }

    #[test]
    fn a_text_has_a_bounded_number_of_terms() {
        let long: String = (0..4_000).filter_map(|at| char::from_u32(0x4E00 + at)).collect();
        assert_eq!(terms(&long).len(), MOST_TERMS);
        assert!(marked(&"a ".repeat(2_000), "a").len() == MOST_RANGES);
        let word = "x".repeat(4_000);
        assert_eq!(terms(&word), ["x".repeat(TERM_CHARS)]);
        assert!(is_candidate(&word, &"x".repeat(90)));
    }

    #[test]
    fn terms_have_no_character_that_an_index_splits_at() {
        for c in '\0'..=char::MAX {
            for term in terms(&c.to_string()) {
                assert!(term.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric()), "U+{:04X}", u32::from(c));
                assert!(!term.chars().any(char::is_whitespace), "U+{:04X}", u32::from(c));
            }
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            "[a-zA-Z0-9ßéİ.,'_-]{1,6}",
            "[ \n]{1,2}",
            "[\u{300}-\u{308}\u{64E}\u{200C}\u{200D}\u{FE0F}]",
            "[天気空山ガラーメン안녕ครับ🎉👍🏽]{1,4}",
            "[ابةىپ]{1,4}|[हिन्दी]{1,4}",
            "\\PC",
        ];
        proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn whatever_matches_is_found_by_its_terms(text in texts(), typed in texts()) {
            let Ok(query) = SearchQuery::read(&typed) else { return Ok(()) };
            if let Some(ranges) = query.find(&text) {
                prop_assert!(is_candidate(&text, &typed), "{text:?}: {typed:?}");
                let length = u32::try_from(text.chars().count()).unwrap();
                prop_assert!(ranges.iter().all(|range| range.length > 0 && range.start + range.length <= length));
                prop_assert!(ranges.windows(2).all(|pair| pair[0].start + pair[0].length < pair[1].start));
            }
        }

        #[test]
        fn a_part_of_a_text_finds_it(text in texts(), from in 0usize..20, length in 1usize..20) {
            // Cut between characters that a reader sees, and at the beginning of a word.
            let seen: Vec<&str> = text.graphemes(true).collect();
            let from = from.min(seen.len());
            let before = Folded::of(&seen[..from].concat()).chars;
            prop_assume!(before.last().is_none_or(|last| class_of(*last) != Class::Word));
            let part: String = seen[from..].iter().take(length).copied().collect();
            prop_assume!(!part.contains(QUOTATION_MARKS));
            let Ok(query) = SearchQuery::read(&format!("\"{part}\"")) else { return Ok(()) };
            prop_assert!(query.find(&text).is_some(), "{text:?}: {part:?}");
        }
    }
}
