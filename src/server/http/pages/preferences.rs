//! The content of the pages of preferences.

use serde::Deserialize;

use super::request::PageRequest;
use crate::{
    protocol::{
        Accent, Email, HourCycle, Language, Notify, OwnMessages, Preferences, PreferencesForm, Problem, TextSize, Theme,
    },
    server::{
        clock,
        domain::{profiles, sessions},
        store::readable,
    },
    visit::{PreferencesPage, PreferencesVisit, Typed},
};

/// The content of a page, or the problem to show instead, for example that the visitor is not logged in.
pub async fn load(request: &PageRequest, page: PreferencesPage) -> Result<PreferencesVisit, Problem> {
    let visitor = request.visitor()?;
    let mut profile = profiles::me(visitor)?;
    for address in [&mut profile.email, &mut profile.pending_email].into_iter().flatten() {
        // The user reads the host name in its own letters. When the form sends it back, it is converted to ASCII again.
        if let Ok(shown) = Email::try_from(readable(address.as_str())) {
            *address = shown;
        }
    }
    let sessions = match page {
        PreferencesPage::Devices => sessions::list(request.app(), visitor).await?,
        _ => Vec::new(),
    };
    let fields: Fields = request.query().unwrap_or_default();
    let refused = request.refused();
    let preferences = match refused {
        Some(_) => fields.over(&profile.preferences),
        None => profile.preferences.clone(),
    };
    let Fields { done, asked, form, name, email, nickname, messages, .. } = fields;
    let typed = Typed { form, name, email, nickname, messages };
    let oldest = sessions.iter().map(|session| session.created_at).min();
    let local = request.local_time(oldest);
    let now = clock::now();
    Ok(PreferencesVisit { page, profile, preferences, sessions, now, local, done, asked, typed, refused })
}

/// The query of a page of preferences: the outcome of the last form, and what was typed into a refused form.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    done: Option<PreferencesForm>,
    asked: Option<PreferencesForm>,
    form: Option<PreferencesForm>,
    name: String,
    email: String,
    nickname: Option<String>,
    messages: OwnMessages,
    theme: Option<Theme>,
    accent: Option<Accent>,
    text_size: Option<TextSize>,
    hours: Option<HourCycle>,
    show_marks: Option<bool>,
    language: Option<String>,
    notify: Option<Notify>,
    sound: Option<bool>,
    show_typing: Option<bool>,
    show_read: Option<bool>,
}

impl Fields {
    /// The preferences with the values of a refused form in place of the stored ones.
    fn over(&self, kept: &Preferences) -> Preferences {
        let language = match self.language.as_deref() {
            Some(tag) => Language::named(tag),
            None => kept.language,
        };
        Preferences {
            theme: self.theme.unwrap_or(kept.theme),
            accent: self.accent.unwrap_or(kept.accent),
            text_size: self.text_size.unwrap_or(kept.text_size),
            hours: self.hours.unwrap_or(kept.hours),
            show_marks: self.show_marks.unwrap_or(kept.show_marks),
            language,
            notify: self.notify.unwrap_or(kept.notify),
            sound: self.sound.unwrap_or(kept.sound),
            show_typing: self.show_typing.unwrap_or(kept.show_typing),
            show_read: self.show_read.unwrap_or(kept.show_read),
            nickname: kept.nickname.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::Query;

    use super::*;

    #[test]
    fn what_was_sent_stands_over_what_is_kept_and_nothing_else_does() {
        let kept = Preferences { accent: Accent::Rose, language: Some(Language::German), ..Preferences::default() };
        let uri = "/preferences?theme=dark&sound=true&language=&hours=12".parse().unwrap();
        let Query(fields) = Query::<Fields>::try_from_uri(&uri).unwrap();
        let wanted =
            Preferences { theme: Theme::Dark, hours: HourCycle::Twelve, sound: true, language: None, ..kept.clone() };
        assert_eq!(fields.over(&kept), wanted);
        assert_eq!(Fields::default().over(&kept), kept);
    }
}
