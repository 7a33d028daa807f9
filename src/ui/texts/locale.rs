//! The language, the texts and the clock of the page that is rendered, and whether its messages show their marks. All
//! of it reaches the components in the context, and the browser in the document. Which language a visitor gets is
//! decided on the server.

use leptos::prelude::*;

use crate::{
    protocol::{Language, Problem},
    visit::Appearance,
};

use super::{
    Texts, auth,
    files::{of, of_auth},
};

/// Language, texts and clock of a page.
#[derive(Clone, Copy)]
pub struct Locale {
    /// The texts in this language.
    pub texts: &'static Texts,
    /// The language.
    pub language: Language,
    /// Whether times are written with a 12-hour clock.
    pub twelve_hours: bool,
    /// Whether messages show their marks instead of formatting.
    pub show_marks: bool,
}

impl Locale {
    /// The locale for the appearance that the server has determined.
    pub fn new(appearance: Appearance) -> Self {
        Self {
            texts: of(appearance.language),
            language: appearance.language,
            twelve_hours: appearance.has_twelve_hours(),
            show_marks: appearance.show_marks,
        }
    }

    /// Serialises this into the document: the language, the clock, how messages are shown, and the list of texts,
    /// separated by line breaks.
    fn serialise(self) -> String {
        let hours = if self.twelve_hours { "12" } else { "24" };
        let marks = if self.show_marks { "marks" } else { "" };
        format!("{}\n{hours}\n{marks}\n{}", self.language.as_str(), self.texts.list)
    }

    /// Parses what [`serialise`](Self::serialise) wrote. The memory is leaked on purpose, because the texts are used as
    /// long as the document exists.
    fn parse(handed: String) -> Self {
        let mut parts = handed.leak().splitn(4, '\n');
        let mut part = || parts.next().unwrap_or_default();
        let tag = part();
        let language = Language::ALL.iter().copied().find(|language| language.as_str() == tag).unwrap_or_default();
        let twelve_hours = part() == "12";
        let show_marks = part() == "marks";
        Self { texts: Box::leak(Box::new(Texts::read(language, part()))), language, twelve_hours, show_marks }
    }
}

/// Provides the locale to all components. The server has it in the context, and the browser reads it from the document.
pub fn provide_locale() {
    let chosen = use_context::<Locale>();
    let handed = SharedValue::new_str(|| chosen.map(Locale::serialise).unwrap_or_default()).into_inner();
    if chosen.is_none() {
        provide_context(Locale::parse(handed));
    }
}

/// Returns language, texts and clock of the page.
pub fn use_locale() -> Locale {
    expect_context()
}

/// Returns the texts of the page.
pub fn use_texts() -> &'static Texts {
    use_locale().texts
}

/// Returns the texts of the account pages, in the language of the page.
pub fn use_auth_texts() -> &'static auth::Auth {
    &of_auth(use_locale().language).auth
}

/// Returns the texts of the preferences pages, in the language of the page.
pub fn use_preferences_texts() -> &'static auth::Preferences {
    &of_auth(use_locale().language).preferences
}

/// The text of a problem on these pages. It is always a text of ours, and never the problem's own sentence: a form sent
/// without scripts comes back with its problem in the address, and anybody could write a link with any sentence in it.
pub fn account_problem(problem: &Problem) -> String {
    of_auth(use_locale().language).account_problems.of(problem).unwrap_or_else(|| use_texts().problem(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_over_is_what_was_chosen() {
        for language in Language::ALL {
            let plain = Appearance::plain(*language);
            let hours = crate::protocol::HourCycle::Twelve;
            let chosen = Locale::new(Appearance { hours, show_marks: true, ..plain });
            let taken = Locale::parse(chosen.serialise());
            assert_eq!((taken.language, taken.twelve_hours, taken.show_marks), (*language, true, true));
            assert!(!Locale::parse(Locale::new(plain).serialise()).show_marks);
            assert_eq!(taken.texts.list, chosen.texts.list);
            assert_eq!(taken.texts.times.months(11), chosen.texts.times.months(11));
            assert_eq!(taken.texts.problems.unreachable(), chosen.texts.problems.unreachable());
        }
    }
}
