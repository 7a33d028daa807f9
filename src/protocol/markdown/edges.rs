//! The edges of words: where a mark can begin or end a style.
//!
//! A mark has an outer neighbour and an inner one. The lists are short on purpose. Smileys are made of the same
//! characters (`^_^`, `(・_・)`, `*_*`), so a mark beside any other character is no mark.

use crate::protocol::{invisible::is_invisible, links::is_spaceless};

/// What may stand before an opening mark, besides blanks, other marks and letters of scripts without spaces.
const BEFORE: &str = "([{\"'„“‘‚«‹¿¡—–「『（【《";
/// What may stand after a closing mark.
const AFTER: &str = ")]}\"'.,:;!?-/”’»›…—–」』）】》、。，：；！？";
/// The punctuation that may be the first of a styled text.
const FIRST: &str = "\"'([{<$#@+-&%`";

/// A run of the characters of a mark, with what stands around it.
pub(super) struct Run {
    pub(super) mark: char,
    pub(super) length: usize,
    pub(super) before: Option<char>,
    pub(super) after: Option<char>,
    /// Whether the neighbour is the first or last of a run of two or more, such as the `**` in `_**a**_`.
    pub(super) is_double_before: bool,
    pub(super) is_double_after: bool,
}

impl Run {
    pub(super) fn can_open(&self) -> bool {
        let Some(first) = self.after.filter(|c| is_visible(*c)) else { return false };
        let is_inner = match first {
            _ if self.mark == '|' => true,
            '*' | '_' | '~' | '|' => self.length > 1 || self.is_double_after,
            c => !c.is_ascii() || c.is_ascii_alphanumeric() || FIRST.contains(c),
        };
        is_inner && self.is_edge(self.before, BEFORE)
    }

    pub(super) fn can_close(&self) -> bool {
        let Some(last) = self.before.filter(|c| is_visible(*c)) else { return false };
        let is_inner = match last {
            _ if self.mark == '|' => true,
            '*' | '_' | '~' | '|' => self.length > 1 || self.is_double_before,
            c => !matches!(c, '\\' | '(' | '[' | '{'),
        };
        is_inner && self.is_edge(self.after, AFTER)
    }

    fn is_edge(&self, outer: Option<char>, among: &str) -> bool {
        outer.is_none_or(|c| {
            !is_visible(c)
                || matches!(c, '*' | '_' | '~' | '|')
                || among.contains(c)
                // Not beside `_`: `ー` is a letter, and `(ー_ー)` is a smiley.
                || (self.mark != '_' && is_spaceless(c) && c.is_alphanumeric())
        })
    }
}

pub(super) fn is_visible(c: char) -> bool {
    !c.is_whitespace() && !is_invisible(c)
}

/// Whether a character is enough for a styled text: no punctuation of ASCII. `*_*` and `**??**` stay as they are typed.
pub(super) fn is_content(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { is_visible(c) }
}

/// Whether a backtick after this character is an apostrophe, as in ``don`t``.
pub(super) fn is_within_word(before: Option<char>) -> bool {
    before.is_some_and(|c| c.is_alphanumeric() && !is_spaceless(c))
}
