//! Preferences of an account: appearance, language, notifications and what others may see.
//!
//! They are stored with the account and apply in every browser where it is logged in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Nickname, typed::TypedNickname};

// `$text` is a `tt`, not a `literal`: `ToSchema` does not look into the group that `literal` wraps around the text, and
// would describe the choice by its Rust name.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:tt,)* })*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub enum $name { $($(#[$case_doc])* #[serde(rename = $text)] $case,)* }

        impl $name {
            /// Every choice, in the order in which forms offer them.
            pub const ALL: &[Self] = &[$(Self::$case,)*];

            /// The name of the choice in JSON, forms and style sheets.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$case => $text,)* }
            }

            /// The choice with this name, if there is one.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.as_str() == name)
            }
        })*
    };
}

choices! {
    /// The colour scheme of the pages.
    Theme {
        /// The setting of the device.
        #[default] System = "system",
        /// Light.
        Light = "light",
        /// Dark.
        Dark = "dark",
    }
    /// The accent colour of the pages.
    Accent {
        /// Indigo, the colour of the product.
        #[default] Indigo = "indigo",
        /// Blue.
        Blue = "blue",
        /// Violet.
        Violet = "violet",
        /// Rose.
        Rose = "rose",
        /// Amber.
        Amber = "amber",
    }
    /// The size of texts.
    TextSize {
        /// Smaller than usual.
        Small = "small",
        /// The setting of the device.
        #[default] Medium = "medium",
        /// Larger than usual.
        Large = "large",
    }
    /// How hours are written.
    HourCycle {
        /// The convention of the language.
        #[default] Auto = "auto",
        /// From 1 to 12, with am and pm.
        Twelve = "12",
        /// From 0 to 23.
        TwentyFour = "24",
    }
    /// A language of the user interface. Every text exists in each of them.
    Language {
        /// English.
        #[default] English = "en",
        /// German.
        German = "de",
    }
    /// Which messages cause a notification.
    Notify {
        /// Every message.
        #[default] All = "all",
        /// Messages that mention the account, or everyone.
        Mentions = "mentions",
        /// No messages.
        None = "none",
    }
}

/// All preferences of an account. A field that is left out has its default value.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Preferences {
    /// The colour scheme of the pages.
    pub theme: Theme,
    /// The accent colour of the pages.
    pub accent: Accent,
    /// The size of texts.
    pub text_size: TextSize,
    /// How hours are written.
    pub hours: HourCycle,
    /// Whether messages show marks such as `**` as they were typed, instead of the formatting that they mean.
    pub show_marks: bool,
    /// The language of the pages. Null means the language that the browser asks for.
    pub language: Option<Language>,
    /// Which messages cause a notification.
    pub notify: Notify,
    /// Whether a notification makes a sound.
    pub sound: bool,
    /// Whether others see that the account is typing. Only if true does the account see that others type.
    pub show_typing: bool,
    /// Whether others see how far the account has read. Only if true does the account see how far others have read.
    pub show_read: bool,
    /// The nickname to suggest in new rooms. Null means the name of the account.
    #[schema(value_type = Option<TypedNickname>)]
    pub nickname: Option<Nickname>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            accent: Accent::default(),
            text_size: TextSize::default(),
            hours: HourCycle::default(),
            show_marks: false,
            language: None,
            notify: Notify::default(),
            sound: false,
            show_typing: true,
            show_read: true,
            nickname: None,
        }
    }
}
