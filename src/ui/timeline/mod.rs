//! Turns a log into what a timeline shows, as pure functions: rows, notices, marks, mentions, and times.
//!
//! Nothing here reads a clock or the browser, so server and browser compute the same. `live` calls these functions and
//! puts the rows into signals.
//!
//! A *life* of a log is an `Epoch`. After the server has lost the tail of a log, a new life begins and its seqs start
//! again, but the events of the earlier life stay on the page. So a seq identifies an event only within one life.

mod chips;
mod direction;
mod holes;
mod key;
mod marks;
mod mentions;
mod names;
mod notices;
mod rows;
#[cfg(test)]
mod tests;
mod time;

pub use chips::{Chip, reacted};
pub use direction::is_right_to_left;
pub use holes::{Absence, is_lost_above};
pub use key::RowKey;
pub use marks::{Mark, Marks, Reader};
pub use mentions::{Mentioned, split_at_mentions};
pub use names::{Part, isolate_name, parts, strip_isolates};
pub use notices::{ComingsAndGoings, sentence, typing_line};
pub use rows::{Delivery, MessageRow, QuoteLine, Row, RowContext, rows};
pub use time::{briefly, day_label, day_of, hour_and_minute, rfc3339, short_date};
