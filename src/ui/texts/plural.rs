//! Which form of a text goes with a number, by language.

use std::str::Split;

use crate::protocol::Language;

use super::next;

/// The kinds of numbers that a language tells apart, by the names that Unicode has for them
/// (<https://cldr.unicode.org/index/cldr-spec/plural-rules>).
pub const fn kinds(language: Language) -> &'static [&'static str] {
    match language {
        Language::English | Language::German => &["one", "other"],
    }
}

/// Of which of them a number is.
fn kind(language: Language, count: usize) -> usize {
    match language {
        Language::English | Language::German => usize::from(count != 1),
    }
}

/// A text in all its forms.
pub struct Forms {
    language: Language,
    texts: Vec<&'static str>,
}

impl Forms {
    /// Takes them from a list of texts.
    pub fn read(language: Language, lines: &mut Split<'static, char>) -> Self {
        Self { language, texts: kinds(language).iter().map(|_| next(lines)).collect() }
    }

    /// The form for a number.
    pub fn of(&self, count: usize) -> &'static str {
        self.texts.get(kind(self.language, count)).copied().unwrap_or_default()
    }
}
