//! Times on the page, where the reader is: by what the server found and handed over, and by the browser's own clock once it
//! has taken over. Until one of the two has said where that is, times are in UTC and say so.

use leptos::prelude::*;

use crate::protocol::{LocalTime, Millis};

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
    /// The time as the server found it; `None` once the browser's own holds.
    given: StoredValue<Option<LocalTime>>,
    /// Today, counted from 1970; unknown means that times are in UTC.
    today: RwSignal<Option<i64>>,
    next: StoredValue<Option<Timer>>,
    shown: StoredValue<Option<Listener>>,
}

/// Gives all pages one clock, which shows the time as the server found it until the browser has looked.
pub fn provide_clock(local: Option<LocalTime>) {
    let clock = Clock {
        speech: use_speech(),
        today: RwSignal::new(local.as_ref().map(|local| local.today)),
        given: StoredValue::new(Some(local.unwrap_or_default())),
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
        let given = self.given.try_update_value(Option::take).flatten();
        let was_right =
            given.is_none_or(|given| given.offsets.iter().all(|(at, offset)| browser::local_offset(*at) == *offset));
        let today = browser::today();
        // Times that are right already are not written anew.
        if self.today.try_with_untracked(|known| !was_right || *known != today) == Some(true) {
            self.today.set(today);
        }
        browser::times_are_local();
        let wait = browser::until_tomorrow().min(LOOK_MS);
        self.next.try_set_value(Some(browser::after(wait, move || self.look())));
    }

    /// Minutes east of UTC, at that time.
    fn offset(self, at: Millis) -> i64 {
        self.given
            .with_value(|given| given.as_ref().map_or_else(|| browser::local_offset(at), |local| local.offset(at)))
    }

    /// What the server found.
    pub fn given(self) -> LocalTime {
        self.given.get_value().unwrap_or_default()
    }

    /// `09:05`, or as the reader counts hours.
    pub fn hour_and_minute(self, at: Millis) -> String {
        let is_known = self.is_known();
        said(timeline::hour_and_minute(self.speech, at, self.offset(at)), is_known)
    }

    /// The time of day, or the date of another day.
    pub fn briefly(self, at: Millis) -> String {
        let today = self.today.get();
        said(timeline::briefly(self.speech, at, self.offset(at), today), today.is_some())
    }

    /// Whether it is known where the reader is.
    fn is_known(self) -> bool {
        self.today.get().is_some()
    }

    /// "Today", or a date.
    pub fn day_label(self, day: i64) -> String {
        let today = self.today.get();
        said(timeline::day_label(self.speech.texts, day, today), today.is_some())
    }
}

/// A time that is not the reader's own says so.
fn said(time: String, is_known: bool) -> String {
    if is_known { time } else { time + " UTC" }
}
