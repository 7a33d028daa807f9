//! The macro that makes the table of texts: a struct for each group of entries, and in it a function for each entry.
//!
//! | entry | in a language's file | its function gives |
//! |---|---|---|
//! | `lead;` | `"Type six characters."` | the text |
//! | `room: (code);` | `"Room {code}"` | the text with its holes filled |
//! | `you_are_in: {room};` | `"You are in {room}."` | what stands before the hole, and what after it |
//! | `members: [count];` | `{"one": "1 member", "other": "{count} members"}` | the form for a number, filled; more holes may follow |
//! | `left: [count; names];` | `{"one": "{names} left", "other": "{names} left"}` | the same, where the number is only for choosing |
//! | `months: [12];` | `["January", …]` | one of so many |

/// What an entry must be in each language's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text with these holes.
    Text(&'static [&'static str]),
    /// A form for each kind of number.
    Forms {
        /// The hole of the number itself; a form for one number may spell it out.
        number: Option<&'static str>,
        /// The other holes.
        holes: &'static [&'static str],
    },
    /// So many texts.
    List(usize),
}

/// The entries of a table, by group.
pub type Table = &'static [(&'static str, &'static [(&'static str, Kind)])];

macro_rules! table {
    ($($(#[$doc:meta])* $group:ident: $Group:ident { $($name:ident $(: $kind:tt)?;)* })*) => {
        /// All texts in one language.
        pub struct Texts {
            // Only the table that goes to the browser is handed over.
            #[allow(dead_code)]
            list: &'static str,
            $($(#[$doc])* pub $group: $Group,)*
        }

        $(
            $(#[$doc])*
            pub struct $Group { $($name: table!(@type $($kind)?),)* }

            impl $Group { $(table!(@function $name $($kind)?);)* }
        )*

        impl Texts {
            /// Reads a list of texts: a line each, in the order of the table.
            pub fn read(language: Language, list: &'static str) -> Self {
                // Of use only where a text has forms.
                let _ = language;
                let mut lines = list.split('\n');
                Self { list, $($group: $Group { $($name: table!(@read lines language $($kind)?),)* },)* }
            }
        }

        /// Every entry, by group.
        pub const TABLE: $crate::ui::texts::table::Table =
            &[$((stringify!($group), &[$((stringify!($name), table!(@kind $($kind)?)),)*]),)*];
    };

    (@type) => { &'static str };
    (@type [$length:literal]) => { [&'static str; $length] };
    (@type [$($forms:tt)+]) => { Forms };
    (@type $holes:tt) => { &'static str };

    (@read $lines:ident $language:ident) => { next(&mut $lines) };
    (@read $lines:ident $language:ident [$length:literal]) => { std::array::from_fn(|_| next(&mut $lines)) };
    (@read $lines:ident $language:ident [$($forms:tt)+]) => { Forms::read($language, &mut $lines) };
    (@read $lines:ident $language:ident $holes:tt) => { next(&mut $lines) };

    (@kind) => { Kind::Text(&[]) };
    (@kind [$length:literal]) => { Kind::List($length) };
    (@kind [$count:ident $(, $hole:ident)*]) => {
        Kind::Forms { number: Some(stringify!($count)), holes: &[$(stringify!($hole)),*] }
    };
    (@kind [$count:ident; $($hole:ident),+]) => { Kind::Forms { number: None, holes: &[$(stringify!($hole)),+] } };
    (@kind ($($hole:ident),+)) => { Kind::Text(&[$(stringify!($hole)),+]) };
    (@kind {$hole:ident}) => { Kind::Text(&[stringify!($hole)]) };

    (@function $name:ident) => {
        pub fn $name(&self) -> &'static str {
            self.$name
        }
    };
    (@function $name:ident ($($hole:ident),+)) => {
        pub fn $name(&self, $($hole: &str),+) -> String {
            fill(self.$name, &[$((stringify!($hole), $hole)),+])
        }
    };
    (@function $name:ident {$hole:ident}) => {
        pub fn $name(&self) -> (&'static str, &'static str) {
            around(self.$name)
        }
    };
    (@function $name:ident [$length:literal]) => {
        pub fn $name(&self, at: usize) -> &'static str {
            self.$name.get(at).copied().unwrap_or_default()
        }
    };
    (@function $name:ident [$count:ident $(, $hole:ident)*]) => {
        pub fn $name(&self, $count: usize $(, $hole: &str)*) -> String {
            fill(self.$name.of($count), &[(stringify!($count), &$count.to_string()) $(, (stringify!($hole), $hole))*])
        }
    };
    (@function $name:ident [$count:ident; $($hole:ident),+]) => {
        pub fn $name(&self, $count: usize $(, $hole: &str)+) -> String {
            fill(self.$name.of($count), &[$((stringify!($hole), $hole)),+])
        }
    };
}

pub(super) use table;
