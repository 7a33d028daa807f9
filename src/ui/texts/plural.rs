//! Which form of a text goes with a number, by language.

use crate::protocol::Language;

/// The kinds of numbers that a language tells apart, by the names that Unicode has for them
/// (<https://cldr.unicode.org/index/cldr-spec/plural-rules>).
pub const fn kinds(language: Language) -> &'static [&'static str] {
    match language {
        Language::English | Language::German => &["one", "other"],
    }
}

/// Of which of them a number is.
pub fn kind(language: Language, count: usize) -> usize {
    match language {
        Language::English | Language::German => usize::from(count != 1),
    }
}
