//! The browser behind plain functions: time, chance, network, storage, sharing, elements.
//!
//! On the server the same functions exist and do nothing (`inert`), so that nothing else in `ui` needs to know which
//! side it is compiled for. Nothing here may be called during the first render, unless it says so: its answer would differ
//! between the two.

#[cfg(not(feature = "hydrate"))]
mod inert;
#[cfg(feature = "hydrate")]
mod real;

#[cfg(not(feature = "hydrate"))]
pub use inert::*;
#[cfg(feature = "hydrate")]
pub use real::*;

use std::cmp::Ordering;

use serde::de::DeserializeOwned;

use crate::protocol::{Code, Problem};

/// Sorts by what is worked out once of each.
fn sorted_by<T, K>(all: Vec<T>, key: impl Fn(&T) -> K, order: impl Fn(&K, &K) -> Ordering) -> Vec<T> {
    let mut keyed: Vec<(K, T)> = all.into_iter().map(|item| (key(&item), item)).collect();
    keyed.sort_by(|(one, _), (other, _)| order(one, other));
    keyed.into_iter().map(|(_, item)| item).collect()
}

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it did what was asked.
    pub is_ok: bool,
    /// Where it leads from here.
    pub redirect: Option<String>,
    /// Its body.
    pub text: String,
}

impl Answer {
    /// What is in it, or why it was refused.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Problem> {
        match serde_json::from_str(&self.text) {
            Ok(value) if self.is_ok => Ok(value),
            _ => Err(self.problem()),
        }
    }

    /// Why it was refused.
    pub fn problem(self) -> Problem {
        // What stands between the page and the server may answer in words of its own.
        serde_json::from_str(&self.text).unwrap_or_else(|_| {
            Problem::new(Code::Internal, "Something went wrong. Try again; nothing you typed was lost.")
        })
    }
}

/// A moment in the life of the page.
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "nothing ever happens on the server"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The device has a network again.
    Online,
    /// The device has no network.
    Offline,
    /// The page is on the screen again, perhaps after a long sleep.
    Shown,
    /// The page is no longer on the screen.
    Hidden,
    /// The reader has turned to the page, or away from it: [`is_attended`] may say something else now.
    Attended,
}

/// What happens to a socket.
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "nothing ever happens on the server"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketEvent {
    /// It can be written to.
    Opened,
    /// A text frame came.
    Text(String),
    /// It is closed, or could not be opened.
    Closed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_by_their_letters_and_not_by_their_accents() {
        let sorted = by_language(vec!["Zoe", "Ärmel", "ada", "Öl", "E\u{301}mile", "Adam"], |name| name);
        assert_eq!(sorted, ["ada", "Adam", "Ärmel", "E\u{301}mile", "Öl", "Zoe"]);
    }

    #[test]
    fn a_portrait_shows_the_first_letter_or_picture_whole() {
        for (name, first) in [
            ("Ada", "A"),
            ("🇩🇪 Berlin", "🇩🇪"),
            ("👩‍👩‍👧 Family", "👩‍👩‍👧"),
            ("E\u{301}tude", "E\u{301}"),
            ("❤️ Eve", "❤️"),
            ("1️⃣ Club", "1️⃣"),
            ("👍🏽", "👍🏽"),
            ("\u{1112}\u{1161}\u{11AB}국", "\u{1112}\u{1161}\u{11AB}"),
            ("", ""),
        ] {
            assert_eq!(first_letter(name), first, "{name}");
        }
    }
}
