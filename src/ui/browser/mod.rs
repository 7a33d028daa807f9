//! All access to the browser, as plain functions: time, random numbers, network, storage, sharing, elements.
//!
//! There are two implementations with the same names. `real` calls the Web APIs. `inert` is compiled into the server
//! and does nothing, so the rest of `ui` need not know which side it is compiled for. Do not call these functions
//! during the first render, because server and browser would return different values and hydration would fail. A
//! function that may be called there says so.

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

use crate::protocol::{Code, Problem, sorted::sort_by};

/// Sorts by a key that is computed once for each item.
pub fn sorted_by<T, K>(all: Vec<T>, key: impl Fn(&T) -> K, order: impl Fn(&K, &K) -> Ordering) -> Vec<T> {
    let mut keyed: Vec<(K, T)> = all.into_iter().map(|item| (key(&item), item)).collect();
    sort_by(&mut keyed, |(one, _), (other, _)| order(one, other));
    keyed.into_iter().map(|(_, item)| item).collect()
}

/// The answer of the server to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the status is a success (2xx).
    pub is_ok: bool,
    /// The address to go to next, if the server function redirects.
    pub redirect: Option<String>,
    pub text: String,
}

impl Answer {
    /// Parses the body as JSON. Returns the problem if the request was refused or the body does not parse.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Problem> {
        match serde_json::from_str(&self.text) {
            Ok(value) if self.is_ok => Ok(value),
            _ => Err(self.problem()),
        }
    }

    /// The reason of a refusal, parsed from the body.
    pub fn problem(self) -> Problem {
        // A proxy between page and server may answer with a body that is no `Problem`.
        serde_json::from_str(&self.text).unwrap_or_else(|_| {
            Problem::new(Code::Internal, "Something went wrong. Nothing you typed was lost. Try again.")
        })
    }
}

/// A change of the page's visibility, focus or network.
#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "nothing ever happens on the server"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageEvent {
    /// The device has a network again.
    Online,
    /// The device has no network.
    Offline,
    /// The page is visible again, perhaps after the device slept for a long time.
    Shown,
    Hidden,
    /// The reader may have turned to the page or away from it. Call [`is_likely_read`] for the new value.
    AttentionChanged,
}

#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "nothing ever happens on the server"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketEvent {
    /// The socket or the stream is open, and frames can be sent.
    Opened,
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
