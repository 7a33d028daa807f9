//! A connection's outgoing queue: bounded, so that a slow reader harms only itself.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::protocol::ServerFrame;

/// Frames that may wait for a reader.
const QUEUE_FRAMES: usize = 512;
/// Bytes that may wait for a reader, beyond the answers it asked for.
const QUEUE_BYTES: usize = 256 * 1024;
/// Bytes of answers that may wait: each was asked for, but nobody may ask without reading.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// An encoded frame: JSON text, encoded once and shared by all who get it.
#[derive(Clone, Debug)]
pub struct Frame(Bytes);

/// Which connection of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

/// The engine's end of a connection. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connection {
    id: ConnectionId,
    queue: mpsc::Sender<(Frame, Kind)>,
    waiting: Arc<Waiting>,
    overrun: CancellationToken,
}

/// The socket's end of a connection: what to write, in order.
#[derive(Debug)]
pub struct Frames {
    queue: mpsc::Receiver<(Frame, Kind)>,
    waiting: Arc<Waiting>,
    overrun: CancellationToken,
}

/// Why a frame is queued.
#[derive(Clone, Copy, Debug)]
enum Kind {
    News,
    Answer,
}

/// Bytes that wait in a queue, by kind: what somebody asked for does not make them slow.
#[derive(Debug, Default)]
struct Waiting {
    news: AtomicUsize,
    answers: AtomicUsize,
}

impl Waiting {
    fn of(&self, kind: Kind) -> &AtomicUsize {
        match kind {
            Kind::News => &self.news,
            Kind::Answer => &self.answers,
        }
    }
}

impl Frame {
    /// Encodes a frame.
    pub fn of(frame: &ServerFrame) -> Self {
        Self(serde_json::to_vec(frame).expect("frames have string keys and no failing serializers").into())
    }

    /// The JSON text.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Connection {
    /// Both ends of a new connection.
    pub fn open() -> (Self, Frames) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (sender, receiver) = mpsc::channel(QUEUE_FRAMES);
        let waiting = Arc::new(Waiting::default());
        let overrun = CancellationToken::new();
        let connection = Self {
            id: ConnectionId(NEXT.fetch_add(1, Ordering::Relaxed)),
            queue: sender,
            waiting: Arc::clone(&waiting),
            overrun: overrun.clone(),
        };
        (connection, Frames { queue: receiver, waiting, overrun })
    }

    /// Which one.
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// Whether the socket's end is gone.
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Queues news. If the reader is too slow for it, the connection is closed instead and resumes where it was.
    pub fn push(&self, frame: Frame) {
        self.enqueue(frame, Kind::News, QUEUE_BYTES);
    }

    /// Queues the answer to something this connection asked for.
    pub fn answer(&self, frame: &ServerFrame) {
        self.enqueue(Frame::of(frame), Kind::Answer, ANSWER_BYTES);
    }

    fn enqueue(&self, frame: Frame, kind: Kind, limit: usize) {
        let size = frame.0.len();
        let before = self.waiting.of(kind).fetch_add(size, Ordering::Relaxed);
        let fits = before == 0 || before + size <= limit;
        if !fits || self.queue.try_send((frame, kind)).is_err() {
            self.overrun.cancel();
        }
    }
}

impl Frames {
    /// The next frame to write; `None` once every sender is gone.
    pub async fn next(&mut self) -> Option<Frame> {
        let taken = self.queue.recv().await?;
        Some(self.count_out(taken))
    }

    /// The next frame if one waits.
    pub fn try_next(&mut self) -> Option<Frame> {
        let taken = self.queue.try_recv().ok()?;
        Some(self.count_out(taken))
    }

    fn count_out(&self, (frame, kind): (Frame, Kind)) -> Frame {
        self.waiting.of(kind).fetch_sub(frame.0.len(), Ordering::Relaxed);
        frame
    }

    /// Cancelled when the reader was too slow: something was not queued, so nothing after it may be.
    pub fn overrun(&self) -> CancellationToken {
        self.overrun.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pong(n: u64) -> ServerFrame {
        ServerFrame::Pong { n }
    }

    #[tokio::test]
    async fn frames_leave_in_order() {
        let (connection, mut frames) = Connection::open();
        connection.answer(&pong(1));
        connection.push(Frame::of(&pong(2)));
        assert_eq!(&frames.next().await.unwrap().into_bytes()[..], br#"{"type":"pong","n":1}"#);
        assert_eq!(&frames.try_next().unwrap().into_bytes()[..], br#"{"type":"pong","n":2}"#);
        assert!(frames.try_next().is_none());
    }

    #[tokio::test]
    async fn a_reader_that_stands_still_is_cut_off_at_the_frame_limit() {
        let (connection, frames) = Connection::open();
        for n in 0..QUEUE_FRAMES as u64 {
            connection.push(Frame::of(&pong(n)));
        }
        assert!(!frames.overrun().is_cancelled());
        connection.push(Frame::of(&pong(0)));
        assert!(frames.overrun().is_cancelled());
    }

    #[tokio::test]
    async fn a_reader_that_stands_still_is_cut_off_at_the_byte_limit() {
        let (connection, mut frames) = Connection::open();
        let large = Frame(vec![b'x'; QUEUE_BYTES].into());
        connection.push(large.clone());
        assert!(!frames.overrun().is_cancelled(), "one frame always fits an empty queue");
        frames.next().await.unwrap();
        connection.push(large);
        connection.push(Frame::of(&pong(0)));
        assert!(frames.overrun().is_cancelled());
    }

    #[tokio::test]
    async fn what_a_reader_asked_for_does_not_make_it_slow() {
        let (connection, frames) = Connection::open();
        connection.enqueue(Frame(vec![b'x'; 2 * QUEUE_BYTES].into()), Kind::Answer, ANSWER_BYTES);
        connection.push(Frame::of(&pong(0)));
        assert!(!frames.overrun().is_cancelled());
    }
}
