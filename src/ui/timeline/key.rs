//! The keys of a timeline's rows. What the rows show is in `rows`.

use crate::protocol::{ClientId, MemberId, Message, Seq};

/// Identifies a row when the timeline changes. The same key means that the same element is kept.
///
/// The `u32` in a key counts the lives of the log. Seqs start again in a new life, after the tail of the log was lost,
/// so a seq alone is not unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    /// A day, by the seq of its first event on the page.
    Day(u32, Seq),
    /// A message. Its key stays the same when it moves from the outbox to the log. Message ids are unique per author
    /// only.
    Message(MemberId, ClientId),
    /// A notice, by the seq of its first event.
    Notice(u32, Seq),
    /// The line before the first unread message. A timeline has at most one.
    Unread,
    /// A hole, by the seq of the event below it. The hole above all events has seq 0.
    Hole(u32, Seq),
}

impl RowKey {
    /// The key of a message in the log.
    pub fn of(message: &Message) -> Self {
        Self::Message(message.author.id, message.id)
    }
}
