//! A connection: sends frames to one client. Any task of the node may use it.
//!
//! A frame is written directly if no backlog exists; bytes that the system does not take go into the backlog. If the
//! backlog is full, the connection ends, because later frames must not arrive after a gap. The socket's task calls
//! [`keep_writing`](Connection::keep_writing) to empty the backlog, and learns there when the connection is to end.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Instant,
};

use tokio::sync::Notify;

use super::{
    Backlogs, Frame, Wire,
    backlog::{Backlog, Kind},
    backlogs::Watched,
};
use crate::{
    protocol::{ByeReason, ServerFrame},
    server::metrics,
};

/// Pings without an answer after which a client counts as gone.
const PINGS_UNANSWERED: u8 = 3;

/// The id of a connection, unique on its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

/// Sends frames to one client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connection(Arc<Inner>);

/// A connection that may be gone already.
#[derive(Debug)]
pub(super) struct WeakConnection(Weak<Inner>);

#[derive(Debug)]
struct Inner {
    id: ConnectionId,
    wire: Wire,
    /// Locked for one system call at most, and never across an await.
    outgoing: Mutex<Outgoing>,
    /// Signals the writing task: a backlog began, or the connection is to end.
    changed: Notify,
    /// Signals [`Connection::caught_up`]: an answer was sent, the backlog is empty, or the connection is to end.
    moved: Notify,
    /// The backlogs of the whole node.
    backlogs: Backlogs,
    /// Pings since the client last sent something.
    unanswered: AtomicU8,
}

/// The mutable part for sending. Small, since it is read for every frame that is sent.
#[derive(Debug)]
struct Outgoing {
    /// `None` if nothing waits.
    backlog: Option<Box<Backlog>>,
    state: State,
    /// Whether the connection is on the node's list of those with a backlog.
    is_watched: bool,
    /// See [`Connection::writes`].
    writes: u64,
    /// Total bytes of the answers so far.
    answered: u64,
}

impl Outgoing {
    /// Keeps the part of a frame that the system did not take. Returns `false`, and keeps nothing, if there is no space
    /// for it.
    fn keep(&mut self, frame: &Frame, written: usize, kind: Kind, all: &Backlogs) -> bool {
        self.backlog.get_or_insert_with(|| Box::new(Backlog::of(all))).keep(frame, written, kind)
    }

    /// Writes the backlog until it is empty.
    fn write_to(&mut self, wire: &Wire) -> io::Result<()> {
        if let Some(backlog) = &mut self.backlog {
            backlog.write_to(wire)?;
            self.backlog = None;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Frames are sent.
    Open,
    /// Frames are dropped: one before them could not be kept, or the connection is to end.
    Ending(Option<ByeReason>),
}

impl Connection {
    /// A new connection over this wire, with backlogs of its own.
    pub fn open(wire: Wire) -> Self {
        Self::open_on(wire, Backlogs::default())
    }

    /// A new connection over this wire, with the backlogs of a node.
    pub fn open_on(wire: Wire, backlogs: Backlogs) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(Arc::new(Inner {
            id: ConnectionId(NEXT.fetch_add(1, Ordering::Relaxed)),
            wire,
            outgoing: Mutex::new(Outgoing {
                backlog: None,
                state: State::Open,
                is_watched: false,
                writes: 0,
                answered: 0,
            }),
            changed: Notify::new(),
            moved: Notify::new(),
            backlogs,
            unanswered: AtomicU8::new(0),
        }))
    }

    /// The id.
    pub fn id(&self) -> ConnectionId {
        self.0.id
    }

    /// Whether frames are dropped because the connection is to end.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Whether the client has not read all that was sent. A sender may then skip news that it can send later in a
    /// shorter form.
    pub fn is_behind(&self) -> bool {
        self.outgoing().backlog.is_some()
    }

    /// Waits until more than `before` bytes of answers were sent and the backlog is empty, or the connection is to end.
    pub async fn caught_up(&self, before: u64) {
        loop {
            let moved = self.0.moved.notified();
            {
                let outgoing = self.outgoing();
                let is_told = outgoing.answered > before && outgoing.backlog.is_none();
                if is_told || outgoing.state != State::Open {
                    return;
                }
            }
            moved.await;
        }
    }

    /// Total bytes of the answers so far.
    pub fn answered(&self) -> u64 {
        self.outgoing().answered
    }

    /// Sends news. If there is no space in the backlog, the connection is ended instead; the client resumes where it
    /// was.
    pub fn push(&self, frame: &Frame) {
        self.send(frame, Kind::News);
    }

    /// Sends the answer to a request of this connection.
    pub fn answer(&self, frame: &ServerFrame) {
        metrics::count_answer(frame);
        self.send(&Frame::of(frame), Kind::Answer);
    }

    /// Sends an answer that is encoded already.
    pub fn answer_with(&self, frame: &Frame) {
        self.send(frame, Kind::Answer);
    }

    /// Number of times that a frame was written directly, by one system call each. Frames that are joined into one
    /// count once, and those that go straight into the backlog do not count.
    pub fn writes(&self) -> u64 {
        self.outgoing().writes
    }

    /// Ends the connection: no more frames are sent. [`Self::flush`] still writes the backlog.
    pub fn end(&self, why: Option<ByeReason>) {
        self.0.end(why);
    }

    /// Writes the backlog as the client reads, until the connection is to end. Returns the reason. Only one task may
    /// call it.
    pub async fn keep_writing(&self) -> Option<ByeReason> {
        loop {
            let written = {
                let mut outgoing = self.outgoing();
                if let State::Ending(why) = outgoing.state {
                    return why;
                }
                outgoing.write_to(&self.0.wire)
            };
            match written {
                Ok(()) => {
                    self.0.moved.notify_waiters();
                    self.0.changed.notified().await;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::select! {
                    ready = self.0.wire.writable() => ready.ok()?,
                    () = self.0.changed.notified() => {}
                },
                Err(_) => return None,
            }
        }
    }

    /// Adds a last frame to the backlog and ends the connection.
    pub fn finish(&self, last: Option<&Frame>) {
        let mut outgoing = self.outgoing();
        outgoing.state = State::Ending(None);
        if let Some(frame) = last {
            outgoing.keep(frame, 0, Kind::Answer, &self.0.backlogs);
        }
    }

    /// Writes the backlog, however long the client takes to read it.
    ///
    /// # Errors
    ///
    /// If the stream failed.
    pub async fn flush(&self) -> io::Result<()> {
        loop {
            let written = self.outgoing().write_to(&self.0.wire);
            match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.0.wire.writable().await?,
                written => return written,
            }
        }
    }

    /// Sends a frame of the WebSocket itself (a pong or a close) in its turn, also while the connection ends.
    pub(super) fn control(&self, bytes: &[u8]) {
        let frame = Frame::encoded(bytes.to_vec());
        let mut outgoing = self.outgoing();
        if !self.write_or_keep(&mut outgoing, &frame, Kind::Answer) {
            outgoing.state = State::Ending(Some(ByeReason::TooSlow));
        }
    }

    /// Sends a ping. Ends the connection if too many earlier ones have no answer.
    pub(super) fn ping(&self, ping: &Frame) {
        if self.0.unanswered.fetch_add(1, Ordering::Relaxed) >= PINGS_UNANSWERED {
            return self.end(Some(ByeReason::Silent));
        }
        let mut outgoing = self.outgoing();
        // No ping on top of a backlog: the client has something to read already.
        if outgoing.state == State::Open && outgoing.backlog.is_none() {
            self.write_or_keep(&mut outgoing, ping, Kind::Answer);
        }
    }

    /// Notes that something came from the client.
    pub(super) fn heard(&self) {
        self.0.unanswered.store(0, Ordering::Relaxed);
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.0.wire
    }

    pub(super) fn downgrade(&self) -> WeakConnection {
        WeakConnection(Arc::downgrade(&self.0))
    }

    fn send(&self, frame: &Frame, kind: Kind) {
        let mut outgoing = self.outgoing();
        if outgoing.state != State::Open {
            return;
        }
        if kind == Kind::Answer {
            outgoing.answered += frame.bytes().len() as u64;
            self.0.moved.notify_waiters();
        }
        if !self.write_or_keep(&mut outgoing, frame, kind) {
            outgoing.state = State::Ending(Some(ByeReason::TooSlow));
            self.0.changed.notify_one();
            self.0.moved.notify_waiters();
        }
    }

    /// Writes a frame, or keeps what the system does not take. Returns `false` if there was no space for it.
    fn write_or_keep(&self, outgoing: &mut Outgoing, frame: &Frame, kind: Kind) -> bool {
        let is_first = outgoing.backlog.is_none();
        let mut written = 0;
        if is_first {
            outgoing.writes += 1;
            // An error counts as nothing written. The task that reads, or the one that writes the backlog, meets it
            // again.
            written = self.0.wire.send(frame.bytes()).unwrap_or(0);
            if written == frame.bytes().len() {
                return true;
            }
        }
        let kept = outgoing.keep(frame, written, kind, &self.0.backlogs);
        if !outgoing.is_watched {
            outgoing.is_watched = true;
            let inner: Weak<Inner> = Arc::downgrade(&self.0);
            self.0.backlogs.watch(inner);
        }
        if is_first {
            // A backlog began: wake the task that writes it.
            self.0.changed.notify_one();
        }
        kept
    }

    fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        self.0.outgoing()
    }
}

impl Inner {
    fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        // No code panics halfway through a change.
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched for Inner {
    fn waiting(&self) -> usize {
        self.outgoing().backlog.as_ref().map_or(0, |backlog| backlog.bytes())
    }

    fn stalled_since(&self) -> Option<Instant> {
        self.outgoing().backlog.as_ref().map(|backlog| backlog.moved_at())
    }

    fn stays_watched(&self) -> bool {
        let mut outgoing = self.outgoing();
        outgoing.is_watched = outgoing.backlog.is_some();
        outgoing.is_watched
    }

    fn is_closed(&self) -> bool {
        self.outgoing().state != State::Open
    }

    fn end(&self, why: Option<ByeReason>) {
        let mut outgoing = self.outgoing();
        if outgoing.state == State::Open {
            outgoing.state = State::Ending(why);
            self.changed.notify_one();
            self.moved.notify_waiters();
        }
    }
}

impl WeakConnection {
    pub fn upgrade(&self) -> Option<Connection> {
        self.0.upgrade().map(Connection)
    }
}

#[cfg(test)]
mod tests;
