//! The time where the reader is.

use serde::{Deserialize, Serialize};

use super::Millis;

/// The time where the reader is, as far as one page needs it. The server finds it by the time zone that the browser has named
/// and hands it over, so that both render the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalTime {
    /// Today there, counted from 1 January 1970.
    pub today: i64,
    /// Minutes east of UTC from each of these times on, oldest first; the first holds before its time, too.
    pub offsets: Vec<(Millis, i64)>,
}

impl LocalTime {
    /// Minutes east of UTC, there, at that time.
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
