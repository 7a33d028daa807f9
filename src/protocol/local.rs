//! The reader's local time, for pages that write times.

use serde::{Deserialize, Serialize};

use super::Millis;

/// The reader's local time, as far as one page needs it.
///
/// The server computes it from the time zone that the browser named in a cookie. It sends it along with the page, so
/// that server and browser render the same text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalTime {
    /// The reader's current day, in days since 1 January 1970.
    pub today: i64,
    /// Offsets from UTC in minutes (east is positive), each with the time from which it holds. Oldest first. The first
    /// offset also holds for all times before its own.
    pub offsets: Vec<(Millis, i64)>,
}

impl LocalTime {
    /// The offset from UTC at that time, in minutes. East is positive.
    pub fn offset(&self, at: Millis) -> i64 {
        let begun = self.offsets.iter().rev().find(|(from, _)| *from <= at);
        begun.or(self.offsets.first()).map_or(0, |(_, offset)| *offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_holds_until_the_next_one() {
        let local = LocalTime { today: 0, offsets: vec![(100, 60), (200, 120)] };
        assert_eq!([0, 100, 199, 200, 900].map(|at| local.offset(at)), [60, 60, 60, 120, 120]);
        assert_eq!(LocalTime::default().offset(5), 0);
    }
}
