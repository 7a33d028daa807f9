//! Guarded streams: a client's TCP connection while it speaks HTTP, with limits on how long it takes.
//!
//! The HTTP library has only one time limit, for the head of a request, and counts the pause between two requests as
//! part of that time. A [`Vigil`] has separate limits for the head and the pause. It also limits an answer, and the
//! time in which a client does not read. [`Guarded`] wraps the stream and reports its reads and writes to the vigil.
//! The server closes the connection when [`Vigil::expired`] returns.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, sleep},
};

/// Longest time for the head of a request. For the first request it starts when the connection is opened.
const HEAD: Duration = Duration::from_secs(10);
/// Longest time without a request. It is longer than the minute for which nginx keeps a connection to its upstream. So
/// it is the proxy that closes idle connections, and never while a request is on its way.
const IDLE: Duration = Duration::from_secs(75);
/// Longest time in which a client reads nothing of what it is sent.
const STALL: Duration = Duration::from_secs(30);
/// Longest time for one answer.
const ANSWER: Duration = Duration::from_mins(10);
/// How often a vigil checks the limits. A limit is exceeded by at most this.
const LOOK: Duration = Duration::from_secs(2);

/// A TCP connection that reports its reads and writes to a vigil.
#[derive(Debug)]
pub struct Guarded {
    stream: TcpStream,
    vigil: Vigil,
}

/// Measures how long a connection takes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Vigil(Arc<Mutex<Watched>>);

#[derive(Debug)]
struct Watched {
    phase: Phase,
    since: Instant,
    /// Since when the client has read nothing, while data waits for it.
    stalled: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The head of a request is expected or being read.
    Head,
    /// A request is being answered.
    Busy,
    /// A request is being answered by a stream of events.
    Stream,
    /// The connection is between two requests.
    Idle,
}

/// A request that is being answered. When this is dropped, the answer is finished.
#[derive(Debug)]
pub struct UnderWay(Vigil);

impl Vigil {
    /// The vigil of a connection that has just been opened.
    pub fn begin() -> Self {
        Self(Arc::new(Mutex::new(Watched { phase: Phase::Head, since: Instant::now(), stalled: None })))
    }

    /// Notes that a request has been read. Its answer lasts until the result is dropped.
    pub fn answer(&self) -> UnderWay {
        self.turn(Phase::Busy, Instant::now());
        UnderWay(self.clone())
    }

    /// Whether a request is being answered by a stream.
    pub fn is_stream(&self) -> bool {
        self.watched().phase == Phase::Stream
    }

    /// Waits until the connection has exceeded a limit.
    pub async fn expired(&self) {
        while self.deadline() > Instant::now() {
            sleep(LOOK).await;
        }
    }

    fn deadline(&self) -> Instant {
        let watched = self.watched();
        let limit = match watched.phase {
            Phase::Head => HEAD,
            Phase::Busy | Phase::Stream => ANSWER,
            Phase::Idle => IDLE,
        };
        let deadline = watched.since + limit;
        watched.stalled.map_or(deadline, |since| deadline.min(since + STALL))
    }

    fn turn(&self, phase: Phase, now: Instant) {
        let mut watched = self.watched();
        (watched.phase, watched.since) = (phase, now);
    }

    /// Notes that bytes were read. Between two requests, they begin the next head.
    fn read(&self) {
        let is_idle = self.watched().phase == Phase::Idle;
        if is_idle {
            self.turn(Phase::Head, Instant::now());
        }
    }

    /// Notes the result of a write. `Pending` means that the client does not read.
    fn wrote<T>(&self, written: &Poll<io::Result<T>>) {
        let mut watched = self.watched();
        if written.is_ready() {
            watched.stalled = None;
        } else {
            watched.stalled.get_or_insert_with(Instant::now);
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        // Every change leaves the value intact, so a panic elsewhere does no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// Notes that the answer is a stream. Its time counts from the beginning of the answer.
    pub fn begin_stream(&self) {
        self.0.watched().phase = Phase::Stream;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.turn(Phase::Idle, Instant::now());
    }
}

impl Guarded {
    /// A connection under this vigil.
    pub fn new(stream: TcpStream, vigil: Vigil) -> Self {
        Self { stream, vigil }
    }

    /// The connection itself, once it no longer speaks HTTP.
    pub fn into_inner(self) -> TcpStream {
        self.stream
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.vigil.read();
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.vigil.wrote(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.vigil.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time until the deadline, to the second.
    fn lasts(vigil: &Vigil) -> Duration {
        let left = vigil.deadline().duration_since(Instant::now()) + Duration::from_millis(500);
        Duration::from_secs(left.as_secs())
    }

    #[test]
    fn each_phase_of_a_connection_has_its_own_end() {
        let vigil = Vigil::begin();
        assert_eq!(lasts(&vigil), HEAD);
        vigil.read();
        assert_eq!(lasts(&vigil), HEAD, "a byte now and then makes it no longer");
        let under_way = vigil.answer();
        vigil.read();
        assert_eq!(lasts(&vigil), ANSWER);
        under_way.begin_stream();
        vigil.wrote(&Poll::Ready(Ok(1)));
        assert_eq!((lasts(&vigil), vigil.is_stream()), (ANSWER, true), "however long it says nothing");
        drop(under_way);
        assert_eq!(lasts(&vigil), IDLE);
        vigil.read();
        assert_eq!(lasts(&vigil), HEAD, "the head of another request");
    }

    #[test]
    fn a_client_that_takes_nothing_of_its_answer_has_less_time_than_a_slow_one() {
        let vigil = Vigil::begin();
        let _under_way = vigil.answer();
        vigil.wrote::<usize>(&Poll::Pending);
        assert_eq!(lasts(&vigil), STALL);
        let since = vigil.watched().stalled;
        vigil.wrote::<usize>(&Poll::Pending);
        assert_eq!(vigil.watched().stalled, since, "it counts from when it began");
        vigil.wrote(&Poll::Ready(Ok(1)));
        assert_eq!(lasts(&vigil), ANSWER);
    }

    #[tokio::test]
    async fn a_vigil_ends_when_the_time_is_over() {
        let vigil = Vigil::begin();
        vigil.turn(Phase::Head, Instant::now().checked_sub(HEAD).unwrap());
        vigil.expired().await;
    }
}
