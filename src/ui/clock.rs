//! Writes times in the reader's time zone.
//!
//! The server determines the zone from a cookie and puts the offsets that the page needs into the document
//! (`LocalTime`). The first render uses those offsets, so that server and browser agree. After hydration the browser's
//! own clock is used. While neither is known, times are in UTC and end with "UTC".

use leptos::prelude::*;

use crate::protocol::{LocalTime, Millis};

use super::{
    browser::{self, Listener, Timer},
    effect::effect,
    long_lived::LongLived,
    texts::{Locale, use_locale},
    timeline,
};

/// The clock is read again after this time at the latest, since a timer until midnight does not run while a device
/// sleeps.
const READ_AGAIN_MS: u64 = 10 * 60_000;

/// The reader's time zone and today's date, and the texts to write them with.
#[derive(Clone, Copy)]
pub struct Clock {
    locale: Locale,
    /// The offsets from the server. `None` as soon as the browser's own clock is used.
    server_time: StoredValue<Option<LocalTime>>,
    /// Today, counted in days from 1 January 1970. `None` means that the time zone is unknown and times are in UTC.
    today: LongLived<RwSignal<Option<i64>>>,
    next: StoredValue<Option<Timer>>,
    shown: StoredValue<Option<Listener>>,
}

/// Provides one clock to all components. It uses the time from the server until hydration, and then the browser's.
pub fn provide_clock(local: Option<LocalTime>) {
    let clock = Clock {
        locale: use_locale(),
        today: LongLived::new(local.as_ref().map(|local| local.today)),
        server_time: StoredValue::new(Some(local.unwrap_or_default())),
        next: StoredValue::new(None),
        shown: StoredValue::new(None),
    };
    provide_context(clock);
    effect(move || {
        clock.read_browser_clock();
        clock.shown.set_value(Some(browser::when_shown(move || clock.read_browser_clock())));
    });
}

pub fn use_clock() -> Clock {
    expect_context()
}

impl Clock {
    /// Reads the browser's date and offsets, and schedules the next reading for midnight or after [`READ_AGAIN_MS`].
    fn read_browser_clock(self) {
        let server_time = self.server_time.try_update_value(Option::take).flatten();
        let was_right = server_time
            .is_none_or(|local| local.offsets.iter().all(|(at, offset)| browser::local_offset(*at) == *offset));
        let today = browser::today();
        // If the server's offsets and date are right, the signal is not set, and no time on the page is rendered again.
        if self.today.try_with_untracked(|known| !was_right || *known != today) == Some(true) {
            self.today.set(today);
        }
        browser::times_are_local();
        let wait = browser::until_tomorrow().min(READ_AGAIN_MS);
        self.next.try_set_value(Some(browser::after(wait, move || self.read_browser_clock())));
    }

    /// Minutes east of UTC at that time.
    fn offset(self, at: Millis) -> i64 {
        self.server_time
            .with_value(|local| local.as_ref().map_or_else(|| browser::local_offset(at), |local| local.offset(at)))
    }

    /// The offsets and date from the server. Empty, which means UTC, as soon as the browser's own clock is used.
    pub fn server_time(self) -> LocalTime {
        self.server_time.get_value().unwrap_or_default()
    }

    /// `09:05`, or `9:05 AM` for a reader with a 12-hour clock.
    pub fn hour_and_minute(self, at: Millis) -> String {
        let is_known = self.is_known();
        with_zone_suffix(timeline::hour_and_minute(self.locale, at, self.offset(at)), is_known)
    }

    /// The time of day if it was today, otherwise "Yesterday" or the date.
    pub fn briefly(self, at: Millis) -> String {
        let today = self.today.get();
        with_zone_suffix(timeline::briefly(self.locale, at, self.offset(at), today), today.is_some())
    }

    /// Whether the reader's time zone is known.
    fn is_known(self) -> bool {
        self.today.get().is_some()
    }

    /// "Today", "Yesterday", or the date. `day` is counted from 1 January 1970.
    pub fn day_label(self, day: i64) -> String {
        let today = self.today.get();
        with_zone_suffix(timeline::day_label(self.locale.texts, day, today), today.is_some())
    }
}

/// Appends "UTC" to a time that is not in the reader's time zone.
fn with_zone_suffix(time: String, is_known: bool) -> String {
    if is_known { time } else { time + " UTC" }
}
