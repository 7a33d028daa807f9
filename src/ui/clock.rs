//! Times on the page: in UTC as the server rendered them, in the reader's own time once the browser has taken over.

use leptos::prelude::*;

use crate::protocol::Millis;

use super::{
    browser::{self, Listener, Timer},
    effect::effect,
    texts::{Speech, use_speech},
    timeline,
};

/// A clock is looked at again after this long at the latest: a device that slept may have slept over midnight.
const LOOK_MS: u64 = 10 * 60_000;

/// How times are written now.
#[derive(Clone, Copy)]
pub struct Clock {
    speech: Speech,
    /// Today, counted from 1970; unknown means that times are in UTC.
    today: RwSignal<Option<i64>>,
    next: StoredValue<Option<Timer>>,
    shown: StoredValue<Option<Listener>>,
}

/// Gives all pages one clock.
pub fn provide_clock() {
    let clock = Clock {
        speech: use_speech(),
        today: RwSignal::new(None),
        next: StoredValue::new(None),
        shown: StoredValue::new(None),
    };
    provide_context(clock);
    effect(move || {
        clock.look();
        clock.shown.set_value(Some(browser::when_shown(move || clock.look())));
    });
}

/// The clock of the pages.
pub fn use_clock() -> Clock {
    expect_context()
}

impl Clock {
    /// Looks what day it is, and again when the next one begins.
    fn look(self) {
        let today = browser::today();
        if self.today.try_with_untracked(|known| *known != today) == Some(true) {
            self.today.set(today);
        }
        let wait = browser::until_tomorrow().min(LOOK_MS);
        self.next.try_set_value(Some(browser::after(wait, move || self.look())));
    }

    /// `09:05`, or as the reader counts hours.
    pub fn hour_and_minute(self, at: Millis) -> String {
        let offset = if self.today.get().is_some() { browser::local_offset(at) } else { 0 };
        timeline::hour_and_minute(self.speech, at, offset)
    }

    /// The time of day, or the date of another day.
    pub fn briefly(self, at: Millis) -> String {
        let today = self.today.get();
        let offset = if today.is_some() { browser::local_offset(at) } else { 0 };
        timeline::briefly(self.speech, at, offset, today)
    }

    /// Whether the browser has looked at its clock: until then every time is a guess.
    pub fn is_known(self) -> bool {
        self.today.get().is_some()
    }

    /// "Today", or a date.
    pub fn day_label(self, day: i64) -> String {
        timeline::day_label(self.speech.texts, day, self.today.get())
    }
}
