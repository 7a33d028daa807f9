//! Times for people, from milliseconds and an offset; no clock and no locale, so that server and browser agree.
//!
//! The calendar is Howard Hinnant's `civil_from_days` (<https://howardhinnant.github.io/date_algorithms.html>).

use crate::protocol::Millis;

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The day of a time, counted from 1 January 1970, at `offset` minutes east of UTC.
pub fn day_of(at: Millis, offset: i64) -> i64 {
    (at + offset * MINUTE_MS).div_euclid(DAY_MS)
}

/// `09:05`, at `offset` minutes east of UTC.
pub fn hour_and_minute(at: Millis, offset: i64) -> String {
    let minutes = (at + offset * MINUTE_MS).rem_euclid(DAY_MS) / MINUTE_MS;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// The time for the `datetime` attribute, in UTC.
pub fn rfc3339(at: Millis) -> String {
    let (year, month, day) = civil(at.div_euclid(DAY_MS));
    let seconds = at.rem_euclid(DAY_MS) / 1_000;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// A day's name: "Today", "Yesterday", or the date, with the year if it is not this one. `today` is unknown until the
/// browser has looked at its clock.
pub fn day_label(day: i64, today: Option<i64>) -> String {
    match today.map(|today| today - day) {
        Some(0) => return "Today".to_owned(),
        Some(1) => return "Yesterday".to_owned(),
        _ => {}
    }
    let (year, month, date) = civil(day);
    // 1 January 1970 was a Thursday.
    let weekday = WEEKDAYS[usize::try_from((day + 3).rem_euclid(7)).unwrap_or_default()];
    let month = MONTHS[usize::try_from(month - 1).unwrap_or_default()];
    match today {
        Some(today) if civil(today).0 == year => format!("{weekday} {date} {month}"),
        _ => format!("{weekday} {date} {month} {year}"),
    }
}

/// Year, month (1 to 12) and day of a day counted from 1 January 1970.
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
    use super::*;

    /// 2024-02-29T23:30:05Z, a Thursday.
    const LEAP_DAY: Millis = 1_709_249_405_000;

    #[test]
    fn times_are_read_at_an_offset() {
        assert_eq!(hour_and_minute(LEAP_DAY, 0), "23:30");
        assert_eq!(hour_and_minute(LEAP_DAY, 60), "00:30");
        assert_eq!(hour_and_minute(LEAP_DAY, -210), "20:00");
        assert_eq!(rfc3339(LEAP_DAY), "2024-02-29T23:30:05Z");
        assert_eq!(rfc3339(-1_000), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn days_are_named_as_people_do() {
        let day = day_of(LEAP_DAY, 0);
        assert_eq!(day_label(day, None), "Thursday 29 February 2024");
        assert_eq!(day_label(day, Some(day)), "Today");
        assert_eq!(day_label(day, Some(day + 1)), "Yesterday");
        assert_eq!(day_label(day, Some(day + 2)), "Thursday 29 February");
        assert_eq!(day_label(day, Some(day + 400)), "Thursday 29 February 2024");
        assert_eq!(day_label(day_of(LEAP_DAY, 60), None), "Friday 1 March 2024");
    }
}
