//! The visitor's time zone, from a cookie that the page's script sets. Pages are rendered with local times where it is
//! known.

use axum::http::HeaderMap;
use axum_extra::extract::CookieJar;
use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};

use super::cookies::{self, Name};
use crate::{
    protocol::{LocalTime, Millis},
    server::{clock, config::Config},
};

/// Longer names are ignored. The longest real name has half as many bytes.
const NAME_BYTES: usize = 64;
/// Maximum number of offset changes in the result. Zones have about two a year.
const CHANGES: usize = 64;

/// The visitor's local time for times from `oldest` on. `None` if the cookie is missing or names no known zone.
pub fn local_time(config: &Config, headers: &HeaderMap, oldest: Millis) -> Option<LocalTime> {
    let jar = CookieJar::from_headers(headers);
    local_time_of(cookies::read(config, &jar, Name::Zone)?, oldest)
}

fn local_time_of(name: &str, oldest: Millis) -> Option<LocalTime> {
    let now = clock::now();
    Some(local_time_in(&zone(name)?, oldest.min(now), now))
}

fn zone(name: &str) -> Option<TimeZone> {
    let is_name = name.len() <= NAME_BYTES && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
    if !is_name {
        return None;
    }
    // The database that is compiled in, because the system's may be missing or outdated.
    TimeZoneDatabase::bundled().get(name).ok()
}

fn local_time_in(zone: &TimeZone, oldest: Millis, now: Millis) -> LocalTime {
    let moment = |at: Millis| Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    let minutes = |at: Timestamp| i64::from(zone.to_offset(at).seconds()).div_euclid(60);
    let end = moment(now);
    // The newest changes are collected first. Times before the oldest collected change use the offset at `oldest`.
    let mut offsets: Vec<(Millis, i64)> = zone
        .preceding(end)
        .take_while(|change| change.timestamp() > moment(oldest))
        .take(CHANGES)
        .map(|change| (change.timestamp().as_millisecond(), i64::from(change.offset().seconds()).div_euclid(60)))
        .collect();
    offsets.push((oldest, minutes(moment(oldest))));
    offsets.reverse();
    let today = (now + minutes(end) * 60_000).div_euclid(86_400_000);
    LocalTime { today, offsets }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summer_time_holds_in_summer() {
        let zone = zone("Europe/Berlin").unwrap();
        // 1 July and 1 December 2025, at noon UTC. Summer time ended on 26 October at one.
        let (july, october, december) = (1_751_371_200_000, 1_761_440_400_000, 1_764_590_400_000);
        let local = local_time_in(&zone, july, december);
        assert_eq!(local.offsets, [(july, 120), (october, 60)]);
        assert_eq!(local.today, 20_423);
        let in_december = local_time_in(&zone, december, december);
        assert_eq!(in_december.offsets, [(december, 60)]);
    }

    #[test]
    fn zones_with_half_hours_and_a_date_of_their_own_are_known() {
        let noon = 1_764_590_400_000;
        let of = |name: &str| local_time_in(&zone(name).unwrap(), noon, noon);
        assert_eq!((of("Asia/Kolkata").offset(noon), of("Asia/Kolkata").today), (330, 20_423));
        assert_eq!((of("Pacific/Kiritimati").offset(noon), of("Pacific/Kiritimati").today), (840, 20_424));
        assert_eq!((of("Etc/GMT+12").offset(noon), of("UTC").offset(noon)), (-720, 0));
    }

    #[test]
    fn a_cookie_that_names_no_zone_says_nothing() {
        assert!(local_time_of("Europe/Berlin", 0).is_some_and(|local| !local.offsets.is_empty()));
        let long = "A/".repeat(40);
        for hostile in ["", "Nowhere/Else", "../../etc/passwd", "Europe%2FBerlin%00", "<script>", "+02:00", &long] {
            assert_eq!(local_time_of(hostile, 0), None, "{hostile}");
        }
    }
}
