//! The content of a page of preferences, and which pages there are.

use crate::protocol::{
    LocalTime, Millis, OwnMessages, Preferences, PreferencesForm, Problem, Profile, SessionView, addresses,
};

/// All data of a page of preferences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreferencesVisit {
    pub page: PreferencesPage,
    /// The account, as it is stored.
    pub profile: Profile,
    /// The values of the forms: the stored ones, or those of a form that was sent and refused.
    pub preferences: Preferences,
    /// The account's sessions, on the page that lists them.
    pub sessions: Vec<SessionView>,
    /// When the page was requested.
    pub now: Millis,
    /// The reader's local time, if the browser has named its time zone.
    pub local: Option<LocalTime>,
    /// The form that was sent just before and succeeded.
    pub done: Option<PreferencesForm>,
    /// The form that a confirmation code was mailed for. The page shows a field for the code in it.
    pub asked: Option<PreferencesForm>,
    /// The fields of a form that was sent and did not succeed. Never contains a password.
    pub typed: Typed,
    /// The URL that a form was sent to, and why it was refused.
    pub refused: Option<(String, Problem)>,
}

/// What was typed into the forms on a page of preferences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The form that was sent, where the URL it was sent to does not tell.
    pub form: Option<PreferencesForm>,
    /// The typed display name.
    pub name: String,
    /// The typed new email address.
    pub email: String,
    /// The typed nickname for new rooms. `Some("")` is a field that was left empty.
    pub nickname: Option<String>,
    /// The choice of what happens to the account's messages.
    pub messages: OwnMessages,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreferencesPage {
    /// Appearance and language.
    Appearance,
    /// Notifications, and what others see.
    Chatting,
    /// Name, email address and password.
    Account,
    /// The browsers that are logged in.
    Devices,
    /// Downloading one's data, and deleting the account.
    Data,
}

impl PreferencesPage {
    /// Every page, in the order of the navigation.
    pub const ALL: &[Self] = &[Self::Appearance, Self::Chatting, Self::Account, Self::Devices, Self::Data];

    /// The page that has a form.
    pub const fn of(form: PreferencesForm) -> Self {
        match form {
            PreferencesForm::Appearance => Self::Appearance,
            PreferencesForm::Chatting => Self::Chatting,
            PreferencesForm::Name | PreferencesForm::Email | PreferencesForm::Password => Self::Account,
            PreferencesForm::Devices => Self::Devices,
            PreferencesForm::Delete => Self::Data,
        }
    }

    /// The URL path of the page.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Appearance => addresses::PREFERENCES,
            Self::Chatting => addresses::PREFERENCES_CHATTING,
            Self::Account => addresses::PREFERENCES_ACCOUNT,
            Self::Devices => addresses::PREFERENCES_DEVICES,
            Self::Data => addresses::PREFERENCES_DATA,
        }
    }
}
