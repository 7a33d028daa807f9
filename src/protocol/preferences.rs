//! What people with an account may choose; kept with the account, and applied wherever they log in.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Nickname, typed::TypedNickname};

// `$text` is a `tt`: `ToSchema` does not see through the group that `literal` would put around it, and would describe the
// choice by its Rust name.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:tt,)* })*) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub enum $name { $($(#[$case_doc])* #[serde(rename = $text)] $case,)* }

        impl $name {
            /// Every choice, in the order to offer them.
            pub const ALL: &[Self] = &[$(Self::$case,)*];

            /// Its name on the wire and in style sheets.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$case => $text,)* }
            }

            /// The choice of this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.as_str() == name)
            }
        })*
    };
}

choices! {
    /// Light or dark.
    Theme {
        /// As the device is set.
        #[default] System = "system",
        /// Light.
        Light = "light",
        /// Dark.
        Dark = "dark",
    }
    /// The one accent colour.
    Accent {
        /// The product's own.
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
    /// How large texts are.
    TextSize {
        /// Smaller than usual.
        Small = "small",
        /// As the device is set.
        #[default] Medium = "medium",
        /// Larger than usual.
        Large = "large",
    }
    /// How hours are counted.
    HourCycle {
        /// As the language has it.
        #[default] Auto = "auto",
        /// 1 to 12, with am and pm.
        Twelve = "12",
        /// 0 to 23.
        TwentyFour = "24",
    }
    /// A language that every text exists in.
    Language {
        /// English.
        #[default] English = "en",
        /// German.
        German = "de",
    }
    /// What is worth a notification.
    Notify {
        /// Every message.
        #[default] All = "all",
        /// Messages with one's own name.
        Mentions = "mentions",
        /// Nothing.
        None = "none",
    }
}

/// All preferences of an account. A field that is missing has its default, so that older clients change nothing they do
/// not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Preferences {
    /// Light or dark.
    pub theme: Theme,
    /// The accent colour.
    pub accent: Accent,
    /// How large texts are.
    pub text_size: TextSize,
    /// How hours are counted.
    pub hours: HourCycle,
    /// The language; `None` takes what the browser asks for.
    pub language: Option<Language>,
    /// What is worth a notification.
    pub notify: Notify,
    /// Whether a notification makes a sound.
    pub sound: bool,
    /// Whether others see that one types, and one sees it of them.
    pub show_typing: bool,
    /// Whether others see what one has read, and one sees it of them.
    pub show_read: bool,
    /// The name to offer in new rooms; `None` takes the account's.
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
            language: None,
            notify: Notify::default(),
            sound: false,
            show_typing: true,
            show_read: true,
            nickname: None,
        }
    }
}
