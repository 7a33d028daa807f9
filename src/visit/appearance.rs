//! The appearance and the language of a page. The server decides both for each request, before it renders.

use crate::protocol::{Accent, HourCycle, Language, Preferences, TextSize, Theme};

/// The appearance and the language of a page for one person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appearance {
    /// The language of all texts.
    pub language: Language,
    /// Light or dark.
    pub theme: Theme,
    pub accent: Accent,
    pub text_size: TextSize,
    /// Whether hours are written as 1 to 12 or 0 to 23.
    pub hours: HourCycle,
    /// Whether messages show their marks instead of formatting.
    pub show_marks: bool,
}

impl Appearance {
    /// The appearance for a person without preferences, in a language that they chose or that the browser asked for.
    pub fn plain(language: Language) -> Self {
        Self { language, ..Self::default() }
    }

    /// The appearance for a person with preferences. `asked_for` is the language if the preferences name none.
    pub fn preferred(preferences: &Preferences, asked_for: Language) -> Self {
        Self {
            language: preferences.language.unwrap_or(asked_for),
            theme: preferences.theme,
            accent: preferences.accent,
            text_size: preferences.text_size,
            hours: preferences.hours,
            show_marks: preferences.show_marks,
        }
    }

    /// Whether hours are written as 1 to 12, and not as 0 to 23.
    pub fn has_twelve_hours(self) -> bool {
        match (self.hours, self.language) {
            (HourCycle::Twelve, _) => true,
            (HourCycle::TwentyFour, _) | (HourCycle::Auto, Language::English | Language::German) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_come_before_what_the_browser_asks_for() {
        let mut preferences = Preferences { theme: Theme::Dark, hours: HourCycle::Twelve, ..Preferences::default() };
        let appearance = Appearance::preferred(&preferences, Language::German);
        assert_eq!(
            (appearance.language, appearance.theme, appearance.has_twelve_hours()),
            (Language::German, Theme::Dark, true)
        );
        preferences.language = Some(Language::English);
        assert_eq!(Appearance::preferred(&preferences, Language::German).language, Language::English);
        assert!(!Appearance::plain(Language::English).has_twelve_hours());
    }
}
