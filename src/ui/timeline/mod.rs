//! Turns a log into what a timeline shows, as pure functions: rows, notices, marks, links, and times.
//!
//! Nothing here reads a clock or the browser, so server and browser compute the same. `live` calls these functions and
//! puts the rows into signals.

mod direction;
mod holes;
mod links;
mod marks;
mod names;
mod notices;
mod rows;
#[cfg(test)]
mod tests;
mod time;

pub use direction::is_right_to_left;
pub use holes::{Absence, is_lost_above};
pub use links::{Piece, pieces};
pub use marks::{Mark, Marks, Reader};
pub use names::{Part, isolated, parts, plain};
pub use notices::{sentence, typing_line};
pub use rows::{Delivery, MessageRow, Row, RowKey, View, rows};
pub use time::{briefly, day_label, day_of, hour_and_minute, rfc3339};
