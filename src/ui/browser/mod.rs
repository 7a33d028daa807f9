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

use serde::de::DeserializeOwned;

use crate::protocol::{Code, Problem};

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
