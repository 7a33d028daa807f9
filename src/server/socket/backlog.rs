//! The backlog of a connection: the bytes that the system's buffer did not take yet.
//!
//! News and answers have separate limits. The limits ensure that a slow reader harms only itself. Every byte also
//! counts in the [`Backlogs`] of the node.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    time::Instant,
};

use bytes::{Buf, Bytes};

use super::{Backlogs, Frame, Wire};
use crate::server::metrics;

/// Most frames of news in a backlog.
pub(super) const NEWS_FRAMES: usize = 512;
/// Most bytes of news in a backlog. Answers do not count here.
pub(super) const NEWS_BYTES: usize = 256 * 1024;
/// Most bytes of answers in a backlog, so that a client cannot send requests without reading. The largest answer has
/// about 1 MiB; the rest is for the acks of messages that the client sends meanwhile.
pub(super) const ANSWER_BYTES: usize = 1536 * 1024;
/// Most buffers in one system call.
const PIECES: usize = 16;

/// Whether a frame is news or an answer to a request of the client. Answers do not count against the limits for news,
/// so that a client's own requests do not make it a slow reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    News,
    Answer,
}

/// The bytes that wait for one client, in order.
#[derive(Debug)]
pub(super) struct Backlog {
    waiting: VecDeque<Piece>,
    news_frames: usize,
    news_bytes: usize,
    answer_bytes: usize,
    /// When the client last read something, or when the backlog began.
    moved_at: Instant,
    /// The backlogs of the whole node.
    all: Backlogs,
}

#[derive(Debug)]
struct Piece {
    rest: Bytes,
    kind: Kind,
    frames: usize,
}

impl Backlog {
    /// An empty backlog that counts among a node's.
    pub fn of(all: &Backlogs) -> Self {
        let (waiting, moved_at) = (VecDeque::new(), Instant::now());
        Self { waiting, news_frames: 0, news_bytes: 0, answer_bytes: 0, moved_at, all: all.clone() }
    }

    /// The bytes that wait.
    pub fn bytes(&self) -> usize {
        self.news_bytes + self.answer_bytes
    }

    /// Since when the client has read nothing.
    pub fn moved_at(&self) -> Instant {
        self.moved_at
    }

    /// Keeps a frame without its first `written` bytes, which are sent already. Returns `false`, and keeps nothing, if
    /// a limit would be exceeded. The first frame of its kind is always within the limits of this backlog, however
    /// large it is.
    pub fn keep(&mut self, frame: &Frame, written: usize, kind: Kind) -> bool {
        let rest = frame.bytes().slice(written..);
        let (bytes, limit) = match kind {
            Kind::News => (&mut self.news_bytes, NEWS_BYTES),
            Kind::Answer => (&mut self.answer_bytes, ANSWER_BYTES),
        };
        let fits = *bytes == 0 || *bytes + rest.len() <= limit;
        let counts = kind == Kind::Answer || self.news_frames == 0 || self.news_frames + frame.count() <= NEWS_FRAMES;
        if !fits || !counts || !self.all.add(rest.len()) {
            return false;
        }
        *bytes += rest.len();
        let frames = if kind == Kind::News { frame.count() } else { 0 };
        self.news_frames += frames;
        self.waiting.push_back(Piece { rest, kind, frames });
        true
    }

    /// Writes the bytes that wait until none are left.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if the system takes no more now, and whatever else the stream fails with.
    pub fn write_to(&mut self, wire: &Wire) -> io::Result<()> {
        while !self.waiting.is_empty() {
            let mut pieces = [IoSlice::new(&[]); PIECES];
            let mut count = 0;
            for (slot, piece) in pieces.iter_mut().zip(&self.waiting) {
                *slot = IoSlice::new(&piece.rest);
                count += 1;
            }
            let written = wire.try_write_vectored(&pieces[..count])?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.forget(written);
        }
        Ok(())
    }

    fn forget(&mut self, mut written: usize) {
        self.moved_at = Instant::now();
        self.all.subtract(written);
        while let Some(first) = self.waiting.front_mut().filter(|_| written > 0) {
            let gone = written.min(first.rest.len());
            first.rest.advance(gone);
            written -= gone;
            match first.kind {
                Kind::News => self.news_bytes -= gone,
                Kind::Answer => self.answer_bytes -= gone,
            }
            if first.rest.is_empty() {
                self.news_frames -= first.frames;
                self.waiting.pop_front();
            }
        }
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        self.all.subtract(self.bytes());
        metrics::count_cut(self.bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Backlog {
        Backlog::of(&Backlogs::default())
    }

    fn frame(bytes: usize) -> Frame {
        Frame::encoded(vec![b'x'; bytes])
    }

    #[test]
    fn news_has_room_up_to_a_number_of_frames() {
        let mut backlog = empty();
        for _ in 0..NEWS_FRAMES {
            assert!(backlog.keep(&frame(1), 0, Kind::News));
        }
        assert!(!backlog.keep(&frame(1), 0, Kind::News));
    }

    #[test]
    fn news_has_room_up_to_a_number_of_bytes_and_one_frame_always_has() {
        let mut backlog = empty();
        assert!(backlog.keep(&frame(2 * NEWS_BYTES), 0, Kind::News));
        assert!(!backlog.keep(&frame(1), 0, Kind::News));
        let mut backlog = empty();
        assert!(backlog.keep(&frame(NEWS_BYTES), 1, Kind::News), "what has left already does not count");
        assert!(backlog.keep(&frame(1), 0, Kind::News));
        assert!(!backlog.keep(&frame(1), 0, Kind::News));
    }

    #[test]
    fn what_a_reader_asked_for_does_not_make_it_slow() {
        let mut backlog = empty();
        for _ in 0..=NEWS_FRAMES {
            assert!(backlog.keep(&frame(1024), 0, Kind::Answer));
        }
        assert!(backlog.keep(&frame(NEWS_BYTES), 0, Kind::News));
        assert!(!backlog.keep(&frame(ANSWER_BYTES), 0, Kind::Answer), "nobody may ask without reading");
    }

    #[tokio::test]
    async fn room_is_given_back_as_the_reader_takes_what_waits() {
        let (near, far) = tokio::net::UnixStream::pair().unwrap();
        let (near, mut backlog) = (Wire::Pair(near), empty());
        for _ in 0..NEWS_FRAMES {
            assert!(backlog.keep(&frame(NEWS_BYTES / NEWS_FRAMES), 0, Kind::News));
        }
        while let Err(error) = backlog.write_to(&near) {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            far.readable().await.unwrap();
            while far.try_read(&mut [0; 4096]).is_ok() {}
            near.writable().await.unwrap();
        }
        assert_eq!((backlog.news_bytes, backlog.news_frames, backlog.answer_bytes), (0, 0, 0));
        assert_eq!(backlog.all.bytes(), 0);
    }

    #[test]
    fn what_waits_in_all_backlogs_of_a_node_is_counted_together() {
        let all = Backlogs::up_to(1_000);
        let (mut one, mut another) = (Backlog::of(&all), Backlog::of(&all));
        assert!(one.keep(&frame(600), 100, Kind::News));
        assert!(another.keep(&frame(500), 0, Kind::Answer));
        assert_eq!(all.bytes(), 1_000);
        assert!(another.keep(&frame(200), 0, Kind::Answer), "a little more has room until somebody has gone");
        assert!(!another.keep(&frame(200), 0, Kind::Answer));
        assert_eq!(all.bytes(), 1_200, "what was not kept does not count");
        drop(one);
        assert!(another.keep(&frame(200), 0, Kind::Answer));
        drop(another);
        assert_eq!(all.bytes(), 0);
    }
}
