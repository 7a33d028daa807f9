//! Writes times and days for readers. The results depend only on the arguments (milliseconds, offset from UTC, texts)
//! and never on the clock or locale of the machine, so server and browser write the same.
//!
//! The calendar is Howard Hinnant's `civil_from_days` (<https://howardhinnant.github.io/date_algorithms.html>).

use crate::{
    protocol::Millis,
    ui::texts::{Locale, Texts},
};

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;

/// The day of a time, counted from 1 January 1970, in a zone of `offset` minutes east of UTC.
pub fn day_of(at: Millis, offset: i64) -> i64 {
    (at + offset * MINUTE_MS).div_euclid(DAY_MS)
}

/// `09:05`, or `9:05 AM` with a 12-hour clock, in a zone of `offset` minutes east of UTC.
pub fn hour_and_minute(locale: Locale, at: Millis, offset: i64) -> String {
    let minutes = (at + offset * MINUTE_MS).rem_euclid(DAY_MS) / MINUTE_MS;
    let (hour, minute) = (minutes / 60, minutes % 60);
    if !locale.twelve_hours {
        return format!("{hour:02}:{minute:02}");
    }
    let time = format!("{}:{minute:02}", (hour + 11) % 12 + 1);
    let times = &locale.texts.times;
    if hour < 12 { times.before_noon(&time) } else { times.after_noon(&time) }
}

/// The time in UTC, for the `datetime` attribute.
pub fn rfc3339(at: Millis) -> String {
    let (year, month, day) = civil(at.div_euclid(DAY_MS));
    let seconds = at.rem_euclid(DAY_MS) / 1_000;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// The name of a day: "Today", "Yesterday", or the date. The year is left out if it is the current one. `today` is
/// `None` while the reader's time zone is unknown.
pub fn day_label(texts: &Texts, day: i64, today: Option<i64>) -> String {
    let times = &texts.times;
    match today.map(|today| today - day) {
        Some(0) => return times.today().to_owned(),
        Some(1) => return times.yesterday().to_owned(),
        _ => {}
    }
    let (year, month, date) = civil(day);
    // 1 January 1970 was a Thursday, and the list of weekdays starts with Monday.
    let weekday = times.weekdays(usize::try_from((day + 3).rem_euclid(7)).unwrap_or_default());
    let month = times.months(usize::try_from(month - 1).unwrap_or_default());
    match today {
        Some(today) if civil(today).0 == year => times.day(weekday, &date.to_string(), month),
        _ => times.day_of_year(weekday, &date.to_string(), month, &year.to_string()),
    }
}

/// The time of day if the time is today, else "Yesterday" or a short date. The year is left out if it is the current
/// one.
pub fn briefly(locale: Locale, at: Millis, offset: i64, today: Option<i64>) -> String {
    let day = day_of(at, offset);
    match today.map(|today| today - day) {
        Some(0) => hour_and_minute(locale, at, offset),
        Some(1) => locale.texts.times.yesterday().to_owned(),
        _ => short_date(locale.texts, day, today),
    }
}

/// A short date. The year is left out if it is the current one. `today` is `None` while the reader's time zone is
/// unknown.
pub fn short_date(texts: &Texts, day: i64, today: Option<i64>) -> String {
    let times = &texts.times;
    let (year, month, date) = civil(day);
    let month = times.months_short(usize::try_from(month - 1).unwrap_or_default());
    match today {
        Some(today) if civil(today).0 == year => times.date(&date.to_string(), month),
        _ => times.date_of_year(&date.to_string(), month, &year.to_string()),
    }
}

/// Year, month (1 to 12) and day of month, for a day counted from 1 January 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use crate::{
        protocol::{HourCycle, Language},
        ui::texts::of,
        visit::Appearance,
    };

    use super::*;

    /// 2024-02-29T23:30:05Z, a Thursday.
    const LEAP_DAY: Millis = 1_709_249_405_000;

    fn counting(hours: HourCycle) -> Locale {
        Locale::new(Appearance { hours, ..Appearance::default() })
    }

    #[test]
    fn times_are_read_at_an_offset() {
        let locale = counting(HourCycle::Auto);
        assert_eq!(hour_and_minute(locale, LEAP_DAY, 0), "23:30");
        assert_eq!(hour_and_minute(locale, LEAP_DAY, 60), "00:30");
        assert_eq!(hour_and_minute(locale, LEAP_DAY, -210), "20:00");
        assert_eq!(rfc3339(LEAP_DAY), "2024-02-29T23:30:05Z");
        assert_eq!(rfc3339(-1_000), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn who_counts_to_twelve_has_noon_and_midnight_at_twelve() {
        let locale = counting(HourCycle::Twelve);
        for (minutes, time) in
            [(0, "12:00 AM"), (65, "1:05 AM"), (719, "11:59 AM"), (720, "12:00 PM"), (785, "1:05 PM")]
        {
            assert_eq!(hour_and_minute(locale, minutes * MINUTE_MS, 0), time);
        }
    }

    #[test]
    fn the_time_of_day_is_said_of_today_and_the_date_of_other_days() {
        let locale = counting(HourCycle::Auto);
        let day = day_of(LEAP_DAY, 0);
        let on = |today| briefly(locale, LEAP_DAY, 0, today);
        assert_eq!(on(Some(day)), "23:30");
        assert_eq!(on(Some(day + 1)), "Yesterday");
        assert_eq!(on(Some(day + 2)), "29 Feb");
        assert_eq!(on(Some(day + 400)), "29 Feb 2024");
        assert_eq!(on(None), "29 Feb 2024");
        assert_eq!(briefly(locale, LEAP_DAY, 60, Some(day + 1)), "00:30");
    }

    #[test]
    fn days_are_named_as_people_do() {
        let english = of(Language::English);
        let day = day_of(LEAP_DAY, 0);
        assert_eq!(day_label(english, day, None), "Thursday 29 February 2024");
        assert_eq!(day_label(english, day, Some(day)), "Today");
        assert_eq!(day_label(english, day, Some(day + 1)), "Yesterday");
        assert_eq!(day_label(english, day, Some(day + 2)), "Thursday 29 February");
        assert_eq!(day_label(english, day, Some(day + 400)), "Thursday 29 February 2024");
        assert_eq!(day_label(english, day_of(LEAP_DAY, 60), None), "Friday 1 March 2024");
        assert_eq!(day_label(of(Language::German), day, None), "Donnerstag, 29. Februar 2024");
    }
}
