//! The backlog: what the system did not take at once. Bounded, so that a slow reader harms only itself.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
};

use bytes::{Buf, Bytes};

use super::{Frame, Wire};

/// Frames of news that may wait for a reader.
pub(super) const NEWS_FRAMES: usize = 512;
/// Bytes of news that may wait for a reader, beyond the answers it asked for.
pub(super) const NEWS_BYTES: usize = 256 * 1024;
/// Bytes of answers that may wait: each was asked for, but nobody may ask without reading.
pub(super) const ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Pieces handed to the system in one call.
const PIECES: usize = 16;

/// Why something is sent. What somebody asked for does not make them slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    News,
    Answer,
}

/// What waits for a reader, in order.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: VecDeque<Piece>,
    news_frames: usize,
    news_bytes: usize,
    answer_bytes: usize,
}

#[derive(Debug)]
struct Piece {
    rest: Bytes,
    kind: Kind,
    frames: usize,
}

impl Backlog {
    /// Keeps a frame, of which `written` bytes have left already; gives `false`, and keeps nothing, if there is no room for
    /// it. What waits for nobody else always has room.
    pub fn keep(&mut self, frame: &Frame, written: usize, kind: Kind) -> bool {
        let rest = frame.bytes().slice(written..);
        let (bytes, limit) = match kind {
            Kind::News => (&mut self.news_bytes, NEWS_BYTES),
            Kind::Answer => (&mut self.answer_bytes, ANSWER_BYTES),
        };
        let fits = *bytes == 0 || *bytes + rest.len() <= limit;
        let counts = kind == Kind::Answer || self.news_frames == 0 || self.news_frames + frame.count() <= NEWS_FRAMES;
        if !fits || !counts {
            return false;
        }
        *bytes += rest.len();
        let frames = if kind == Kind::News { frame.count() } else { 0 };
        self.news_frames += frames;
        self.waiting.push_back(Piece { rest, kind, frames });
        true
    }

    /// Writes what waits until nothing does.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: usize) -> Frame {
        Frame::encoded(vec![b'x'; bytes])
    }

    #[test]
    fn news_has_room_up_to_a_number_of_frames() {
        let mut backlog = Backlog::default();
        for _ in 0..NEWS_FRAMES {
            assert!(backlog.keep(&frame(1), 0, Kind::News));
        }
        assert!(!backlog.keep(&frame(1), 0, Kind::News));
    }

    #[test]
    fn news_has_room_up_to_a_number_of_bytes_and_one_frame_always_has() {
        let mut backlog = Backlog::default();
        assert!(backlog.keep(&frame(2 * NEWS_BYTES), 0, Kind::News));
        assert!(!backlog.keep(&frame(1), 0, Kind::News));
        let mut backlog = Backlog::default();
        assert!(backlog.keep(&frame(NEWS_BYTES), 1, Kind::News), "what has left already does not count");
        assert!(backlog.keep(&frame(1), 0, Kind::News));
        assert!(!backlog.keep(&frame(1), 0, Kind::News));
    }

    #[test]
    fn what_a_reader_asked_for_does_not_make_it_slow() {
        let mut backlog = Backlog::default();
        for _ in 0..=NEWS_FRAMES {
            assert!(backlog.keep(&frame(1024), 0, Kind::Answer));
        }
        assert!(backlog.keep(&frame(NEWS_BYTES), 0, Kind::News));
        assert!(!backlog.keep(&frame(ANSWER_BYTES), 0, Kind::Answer), "nobody may ask without reading");
    }

    #[tokio::test]
    async fn room_is_given_back_as_the_reader_takes_what_waits() {
        let (near, far) = tokio::net::UnixStream::pair().unwrap();
        let (near, mut backlog) = (Wire::Pair(near), Backlog::default());
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
    }
}
