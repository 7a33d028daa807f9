//! The plural rules of the languages.

use crate::protocol::Language;

/// The plural categories of a language, by their names in Unicode's CLDR
/// (<https://cldr.unicode.org/index/cldr-spec/plural-rules>). A counted text has one form for each of them, in this
/// order.
pub const fn kinds(language: Language) -> &'static [&'static str] {
    match language {
        Language::English | Language::German => &["one", "other"],
    }
}

/// The index in [`kinds`] of the category that a number belongs to.
pub fn kind(language: Language, count: usize) -> usize {
    match language {
        Language::English | Language::German => usize::from(count != 1),
    }
}
