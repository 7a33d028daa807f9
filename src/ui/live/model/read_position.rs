//! How far the reader has read, and when to send that to the server.
//!
//! Everything counts as read while the reader looks at the end of the timeline. A `read` frame is sent at most once a
//! second, and the last position is always sent in the end.

use crate::protocol::Seq;

/// The minimum time between two `read` frames.
const SEND_EVERY_MS: u64 = 1_000;

/// How far the reader has read.
#[derive(Clone, Debug, Default)]
pub struct ReadPosition {
    /// Whether the reader looks at the end of the timeline.
    looking: bool,
    /// The last seq that was read.
    read: Seq,
    /// The last seq that the server knows to be read.
    sent: Seq,
    /// When the next `read` frame may be sent.
    free_at: u64,
}

impl ReadPosition {
    /// Starts at the seq that the server has stored as read. Nothing more counts as read until
    /// [`ReadPosition::set_looking`].
    pub fn new(read: Seq) -> Self {
        Self { read, sent: read, ..Self::default() }
    }

    /// The last seq that was read, on this device or another.
    pub fn read(&self) -> Seq {
        self.read
    }

    /// Whether the reader looks at the end of the timeline.
    pub fn is_looking(&self) -> bool {
        self.looking
    }

    /// Sets whether the reader looks at the end of the timeline.
    pub fn set_looking(&mut self, looking: bool) {
        self.looking = looking;
    }

    /// Records that the server knows this seq to be read: from another device, or because the reader posted a message
    /// there.
    pub fn confirm(&mut self, read: Seq) {
        self.read = self.read.max(read);
        self.sent = self.sent.max(read);
    }

    /// Takes over the position that the server sends on a new connection. What was sent last may have been lost with
    /// the old connection, so anything beyond `read` is sent again.
    pub fn resume(&mut self, read: Seq) {
        self.read = self.read.max(read);
        self.sent = read;
    }

    /// Takes over the position in a new epoch of the log, in which the old seqs mean nothing.
    pub fn restart(&mut self, read: Seq) {
        self.read = read;
        self.sent = read;
    }

    /// Returns the seq to send to the server at this moment, if any. `head` is the last seq of the timeline.
    pub fn take_unsent(&mut self, head: Seq, now: u64) -> Option<Seq> {
        if self.looking {
            self.read = self.read.max(head);
        }
        if self.read <= self.sent || now < self.free_at {
            return None;
        }
        self.sent = self.read;
        self.free_at = now + SEND_EVERY_MS;
        Some(self.read)
    }

    /// When [`ReadPosition::take_unsent`] has something to send. `None` if the server knows everything.
    pub fn due(&self) -> Option<u64> {
        (self.read > self.sent).then_some(self.free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looking(read: Seq) -> ReadPosition {
        let mut position = ReadPosition::new(read);
        position.set_looking(true);
        position
    }

    #[test]
    fn nothing_is_read_before_somebody_looks() {
        let mut position = ReadPosition::new(3);
        assert_eq!(position.take_unsent(9, 0), None);
        assert_eq!((position.read(), position.due()), (3, None));
        position.set_looking(true);
        assert_eq!(position.take_unsent(9, 0), Some(9));
    }

    #[test]
    fn it_is_told_once_a_second_at_most_and_the_last_always() {
        let mut position = looking(0);
        assert_eq!(position.take_unsent(1, 0), Some(1));
        assert_eq!(position.take_unsent(2, 1), None);
        assert_eq!(position.take_unsent(3, 999), None);
        assert_eq!(position.due(), Some(1_000));
        position.set_looking(false);
        assert_eq!(position.take_unsent(4, 1_000), Some(3), "what was read before they looked away");
        assert_eq!(position.take_unsent(4, 5_000), None);
        assert_eq!(position.due(), None);
    }

    #[test]
    fn what_was_read_elsewhere_is_not_told_again_and_nothing_goes_back() {
        let mut position = looking(5);
        position.confirm(8);
        assert_eq!((position.read(), position.take_unsent(8, 0)), (8, None));
        position.confirm(6);
        assert_eq!(position.read(), 8);
        assert_eq!(position.take_unsent(7, 0), None);
    }

    #[test]
    fn what_was_lost_with_a_connection_is_told_on_the_next() {
        let mut position = looking(0);
        assert_eq!(position.take_unsent(7, 0), Some(7));
        position.resume(4);
        assert_eq!(position.take_unsent(7, 2_000), Some(7));
        position.resume(7);
        assert_eq!(position.take_unsent(7, 4_000), None);
    }

    #[test]
    fn another_life_of_the_log_is_read_from_its_start() {
        let mut position = looking(500);
        position.restart(0);
        assert_eq!(position.take_unsent(2, 0), Some(2));
    }
}
