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
    queue: mpsc::Sender<Frame>,
    waiting: Arc<AtomicUsize>,
    overrun: CancellationToken,
}

/// The socket's end of a connection: what to write, in order.
#[derive(Debug)]
pub struct Frames {
    queue: mpsc::Receiver<Frame>,
    waiting: Arc<AtomicUsize>,
    overrun: CancellationToken,
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
        let waiting = Arc::new(AtomicUsize::new(0));
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
        self.enqueue(frame, QUEUE_BYTES);
    }

    /// Queues the answer to something this connection asked for.
    pub fn answer(&self, frame: &ServerFrame) {
        self.enqueue(Frame::of(frame), ANSWER_BYTES);
    }

    fn enqueue(&self, frame: Frame, limit: usize) {
        let size = frame.0.len();
        let before = self.waiting.fetch_add(size, Ordering::Relaxed);
        let fits = before == 0 || before + size <= limit;
        if !fits || self.queue.try_send(frame).is_err() {
            self.overrun.cancel();
        }
    }
}

impl Frames {
    /// The next frame to write; `None` once every sender is gone.
    pub async fn next(&mut self) -> Option<Frame> {
        let frame = self.queue.recv().await?;
        self.waiting.fetch_sub(frame.0.len(), Ordering::Relaxed);
        Some(frame)
    }

    /// The next frame if one waits.
    pub fn try_next(&mut self) -> Option<Frame> {
        let frame = self.queue.try_recv().ok()?;
        self.waiting.fetch_sub(frame.0.len(), Ordering::Relaxed);
        Some(frame)
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
}
