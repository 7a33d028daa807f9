//! The forms on the pages of preferences. Their names are sent in form fields and in the queries of the pages.

use serde::{Deserialize, Serialize};

macro_rules! forms {
    ($($(#[$doc:meta])* $form:ident = $name:literal,)*) => {
        /// A form on a page of preferences.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum PreferencesForm { $($(#[$doc])* #[serde(rename = $name)] $form,)* }

        impl PreferencesForm {
            /// The name of the form. Unique on its page.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$form => $name,)* }
            }
        }
    };
}

forms! {
    /// Appearance and language.
    Appearance = "appearance",
    /// Notifications, and what others see.
    Chatting = "chatting",
    /// The display name.
    Name = "name",
    /// The email address.
    Email = "email",
    /// The password.
    Password = "password",
    /// The browsers that are logged in.
    Devices = "devices",
    /// Deleting the account.
    Delete = "delete",
}
