//! The macro `table!`, which declares a table of texts: a struct for each group, with a function for each entry.
//!
//! The way in which an entry is declared decides what a language's file must contain and what the function returns:
//!
//! | entry | in a language's file | the function returns |
//! |---|---|---|
//! | `lead;` | `"Type six characters."` | the text |
//! | `room: (code);` | `"Room {code}"` | the text with its holes filled |
//! | `you_are_in: {room};` | `"You are in {room}."` | the part before the hole, and the part after it |
//! | `members: [count];` | `{"one": "1 member", "other": "{count} members"}` | the plural form, filled |
//! | `left: [count; names];` | `{"one": "{names} left", "other": "{names} left"}` | the plural form, filled |
//! | `months: [12];` | `["January", …]` | the text with this index |
//!
//! More holes may follow: `[count, name]`. After `count;` the number only chooses the form and is no hole.

use crate::protocol::Language;

use super::plural::kind;

/// What an entry must be in each language's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text with exactly these holes.
    Text(&'static [&'static str]),
    /// A text for each plural category of the language.
    Forms {
        /// The hole of the number, if it is shown. Forms other than "other" may spell the number out instead.
        number: Option<&'static str>,
        /// The other holes of every form.
        holes: &'static [&'static str],
    },
    /// A list of this many texts.
    List(usize),
}

/// The entries of a table with their kinds, by group.
pub type Table = &'static [(&'static str, &'static [(&'static str, Kind)])];

/// The index of an entry in the list of texts. It is computed at compile time, so the browser searches for nothing.
pub const fn entry_index(table: Table, group: &str, name: &str) -> usize {
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

/// All texts of a table in one language, in the order of the table. An entry is a line.
pub struct TextList {
    language: Language,
    lines: Vec<&'static str>,
}

impl TextList {
    /// Parses a list: one line for each entry, with tabs between the texts of an entry.
    pub fn read(language: Language, list: &'static str) -> &'static Self {
        Box::leak(Box::new(Self { language, lines: list.split('\n').collect() }))
    }

    /// The line of an entry. Not inlined: there are hundreds of calls, and the copies would be larger than the texts.
    #[inline(never)]
    pub fn line(&self, at: usize) -> &'static str {
        self.lines.get(at).copied().unwrap_or_default()
    }

    /// The text of an entry with this index, for lists and plural forms.
    pub fn one_of(&self, at: usize, nth: usize) -> &'static str {
        self.line(at).split('\t').nth(nth).unwrap_or_default()
    }

    /// The plural form of an entry for this number.
    pub fn form(&self, at: usize, count: usize) -> &'static str {
        self.one_of(at, kind(self.language, count))
    }
}

macro_rules! table {
    ($($(#[$doc:meta])* $group:ident: $Group:ident { $($name:ident $(: $kind:tt)?;)* })*) => {
        /// All texts of this table in one language.
        pub struct Texts {
            // The list is serialised into the document for one of the two tables only. The other table never reads it.
            #[allow(dead_code)]
            list: &'static str,
            $($(#[$doc])* pub $group: $Group,)*
        }

        $(
            $(#[$doc])*
            pub struct $Group(&'static TextList);

            impl $Group { $(table!(@function $group $name $($kind)?);)* }
        )*

        impl Texts {
            /// Parses a list of texts: one line for each entry, in the order of the table.
            pub fn read(language: Language, list: &'static str) -> Self {
                let texts = TextList::read(language, list);
                Self { list, $($group: $Group(texts),)* }
            }
        }

        /// Every entry with its kind, by group.
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

    (@at $group:ident $name:ident) => { const { entry_index(TABLE, stringify!($group), stringify!($name)) } };

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
