//! The macro that makes the table of texts: a struct for each group of entries, and a function of it for each entry.
//!
//! | entry | in a language's file | its function gives |
//! |---|---|---|
//! | `lead;` | `"Type six characters."` | the text |
//! | `room: (code);` | `"Room {code}"` | the text with its holes filled |
//! | `you_are_in: {room};` | `"You are in {room}."` | what stands before the hole, and what after it |
//! | `members: [count];` | `{"one": "1 member", "other": "{count} members"}` | the form for a number, filled; more holes may follow |
//! | `left: [count; names];` | `{"one": "{names} left", "other": "{names} left"}` | the same, where the number is only for choosing |
//! | `months: [12];` | `["January", …]` | one of so many |

use crate::protocol::Language;

use super::plural::kind;

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

/// Where an entry stands in a list of the texts. Known when the code is compiled, so that no browser looks for it.
pub const fn place(table: Table, group: &str, name: &str) -> usize {
    let mut at = 0;
    let mut groups = table;
    while let [(of, entries), more @ ..] = groups {
        let mut entries = *entries;
        while let [(entry, _), more @ ..] = entries {
            if same(of, group) && same(entry, name) {
                return at;
            }
            at += 1;
            entries = more;
        }
        groups = more;
    }
    panic!("the macro asks for entries of its own table")
}

const fn same(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    while let ([first, rest @ ..], [second, others @ ..]) = (one, other) {
        if *first != *second {
            return false;
        }
        (one, other) = (rest, others);
    }
    one.is_empty() && other.is_empty()
}

/// All texts of a table, in one language and in the order of the table.
pub struct Book {
    language: Language,
    lines: Vec<&'static str>,
}

impl Book {
    /// Reads a list: a line for each entry, and in it the texts of the entry, with tabs between them.
    pub fn read(language: Language, list: &'static str) -> &'static Self {
        Box::leak(Box::new(Self { language, lines: list.split('\n').collect() }))
    }

    /// An entry. One place for hundreds of calls: written out at each, it would weigh more than the texts.
    #[inline(never)]
    pub fn line(&self, at: usize) -> &'static str {
        self.lines.get(at).copied().unwrap_or_default()
    }

    /// One of the texts of an entry.
    pub fn one_of(&self, at: usize, nth: usize) -> &'static str {
        self.line(at).split('\t').nth(nth).unwrap_or_default()
    }

    /// The form of an entry for a number.
    pub fn form(&self, at: usize, count: usize) -> &'static str {
        self.one_of(at, kind(self.language, count))
    }
}

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
            pub struct $Group(&'static Book);

            impl $Group { $(table!(@function $group $name $($kind)?);)* }
        )*

        impl Texts {
            /// Reads a list of texts: a line each, in the order of the table.
            pub fn read(language: Language, list: &'static str) -> Self {
                let book = Book::read(language, list);
                Self { list, $($group: $Group(book),)* }
            }
        }

        /// Every entry, by group.
        pub const TABLE: $crate::ui::texts::table::Table =
            &[$((stringify!($group), &[$((stringify!($name), table!(@kind $($kind)?)),)*]),)*];
    };

    (@kind) => { Kind::Text(&[]) };
    (@kind [$length:literal]) => { Kind::List($length) };
    (@kind [$count:ident $(, $hole:ident)*]) => {
        Kind::Forms { number: Some(stringify!($count)), holes: &[$(stringify!($hole)),*] }
    };
    (@kind [$count:ident; $($hole:ident),+]) => { Kind::Forms { number: None, holes: &[$(stringify!($hole)),+] } };
    (@kind ($($hole:ident),+)) => { Kind::Text(&[$(stringify!($hole)),+]) };
    (@kind {$hole:ident}) => { Kind::Text(&[stringify!($hole)]) };

    (@at $group:ident $name:ident) => { const { place(TABLE, stringify!($group), stringify!($name)) } };

    (@function $group:ident $name:ident) => {
        pub fn $name(&self) -> &'static str {
            self.0.line(table!(@at $group $name))
        }
    };
    (@function $group:ident $name:ident ($($hole:ident),+)) => {
        pub fn $name(&self, $($hole: &str),+) -> String {
            fill(self.0.line(table!(@at $group $name)), &[$((stringify!($hole), $hole)),+])
        }
    };
    (@function $group:ident $name:ident {$hole:ident}) => {
        pub fn $name(&self) -> (&'static str, &'static str) {
            around(self.0.line(table!(@at $group $name)))
        }
    };
    (@function $group:ident $name:ident [$length:literal]) => {
        pub fn $name(&self, at: usize) -> &'static str {
            self.0.one_of(table!(@at $group $name), at)
        }
    };
    (@function $group:ident $name:ident [$count:ident $(, $hole:ident)*]) => {
        pub fn $name(&self, $count: usize $(, $hole: &str)*) -> String {
            let text = self.0.form(table!(@at $group $name), $count);
            fill(text, &[(stringify!($count), &$count.to_string()) $(, (stringify!($hole), $hole))*])
        }
    };
    (@function $group:ident $name:ident [$count:ident; $($hole:ident),+]) => {
        pub fn $name(&self, $count: usize $(, $hole: &str)+) -> String {
            fill(self.0.form(table!(@at $group $name), $count), &[$((stringify!($hole), $hole)),+])
        }
    };
}

pub(super) use table;
