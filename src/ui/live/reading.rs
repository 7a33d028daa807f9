//! How far the reader has read, and when to send that to the server.
//!
//! Everything counts as read while the reader looks at the end of the timeline. A `read` frame is sent at most once a
//! second, and the last position is always sent in the end.

use crate::protocol::Seq;

/// The minimum time between two `read` frames.
const TELL_EVERY_MS: u64 = 1_000;

/// How far the reader has read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Whether the reader looks at the end of the timeline.
    looking: bool,
    /// The last seq that was read.
    read: Seq,
    /// The last seq that the server knows to be read.
    told: Seq,
    /// When the next `read` frame may be sent.
    free_at: u64,
}

impl Reading {
    /// Starts at the seq that the server has stored as read. Nothing more counts as read until [`Reading::look`].
    pub fn new(read: Seq) -> Self {
        Self { read, told: read, ..Self::default() }
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
    pub fn look(&mut self, looking: bool) {
        self.looking = looking;
    }

    /// Records that the server knows this seq to be read: from another device, or because the reader posted a message
    /// there.
    pub fn hear(&mut self, read: Seq) {
        self.read = self.read.max(read);
        self.told = self.told.max(read);
    }

    /// Takes over the position that the server sends on a new connection. What was sent last may have been lost with
    /// the old connection, so anything beyond `read` is sent again.
    pub fn resume(&mut self, read: Seq) {
        self.read = self.read.max(read);
        self.told = read;
    }

    /// Takes over the position in a new epoch of the log, in which the old seqs mean nothing.
    pub fn restart(&mut self, read: Seq) {
        self.read = read;
        self.told = read;
    }

    /// Returns the seq to send to the server at this moment, if any. `head` is the last seq of the timeline.
    pub fn tell(&mut self, head: Seq, now: u64) -> Option<Seq> {
        if self.looking {
            self.read = self.read.max(head);
        }
        if self.read <= self.told || now < self.free_at {
            return None;
        }
        self.told = self.read;
        self.free_at = now + TELL_EVERY_MS;
        Some(self.read)
    }

    /// When [`Reading::tell`] has something to send. `None` if the server knows everything.
    pub fn due(&self) -> Option<u64> {
        (self.read > self.told).then_some(self.free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looking(read: Seq) -> Reading {
        let mut reading = Reading::new(read);
        reading.look(true);
        reading
    }

    #[test]
    fn nothing_is_read_before_somebody_looks() {
        let mut reading = Reading::new(3);
        assert_eq!(reading.tell(9, 0), None);
        assert_eq!((reading.read(), reading.due()), (3, None));
        reading.look(true);
        assert_eq!(reading.tell(9, 0), Some(9));
    }

    #[test]
    fn it_is_told_once_a_second_at_most_and_the_last_always() {
        let mut reading = looking(0);
        assert_eq!(reading.tell(1, 0), Some(1));
        assert_eq!(reading.tell(2, 1), None);
        assert_eq!(reading.tell(3, 999), None);
        assert_eq!(reading.due(), Some(1_000));
        reading.look(false);
        assert_eq!(reading.tell(4, 1_000), Some(3), "what was read before they looked away");
        assert_eq!(reading.tell(4, 5_000), None);
        assert_eq!(reading.due(), None);
    }

    #[test]
    fn what_was_read_elsewhere_is_not_told_again_and_nothing_goes_back() {
        let mut reading = looking(5);
        reading.hear(8);
        assert_eq!((reading.read(), reading.tell(8, 0)), (8, None));
        reading.hear(6);
        assert_eq!(reading.read(), 8);
        assert_eq!(reading.tell(7, 0), None);
    }

    #[test]
    fn what_was_lost_with_a_connection_is_told_on_the_next() {
        let mut reading = looking(0);
        assert_eq!(reading.tell(7, 0), Some(7));
        reading.resume(4);
        assert_eq!(reading.tell(7, 2_000), Some(7));
        reading.resume(7);
        assert_eq!(reading.tell(7, 4_000), None);
    }

    #[test]
    fn another_life_of_the_log_is_read_from_its_start() {
        let mut reading = looking(500);
        reading.restart(0);
        assert_eq!(reading.tell(2, 0), Some(2));
    }
}
