//! Guarded streams: the client's TCP connection while it speaks HTTP, with an eye on how long it takes.
//!
//! The HTTP library has one time limit, for the head of a request, and counts the pause between two requests as part of it.
//! A [`Vigil`] tells the two apart, and knows how long a client has not taken what it was sent.

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

/// How long the head of a request may take, and the first byte of the first one.
const HEAD: Duration = Duration::from_secs(10);
/// How long a connection may have nothing to do. Longer than the minute for which nginx keeps a connection to its upstream,
/// so that it is the proxy that closes, and never while a request is on its way.
const IDLE: Duration = Duration::from_secs(75);
/// How long a client may take nothing of what it is sent.
const STALL: Duration = Duration::from_secs(30);
/// How long one answer may take to leave.
const ANSWER: Duration = Duration::from_mins(10);
/// How often a vigil looks: a limit is exceeded by no more than this.
const LOOK: Duration = Duration::from_secs(2);

/// A TCP connection under a vigil.
#[derive(Debug)]
pub struct Guarded {
    stream: TcpStream,
    vigil: Vigil,
}

/// What is known of the time that a connection takes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Vigil(Arc<Mutex<Watched>>);

#[derive(Debug)]
struct Watched {
    phase: Phase,
    since: Instant,
    /// Since when the client has taken nothing of what waits for it.
    stalled: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The head of a request is awaited, or on its way.
    Head,
    /// A request is being answered.
    Busy,
    /// Between two requests.
    Idle,
}

/// A request that is being answered; it is, when this is dropped.
#[derive(Debug)]
pub struct UnderWay(Vigil);

impl Vigil {
    /// Of a connection that was opened just now.
    pub fn begin() -> Self {
        Self(Arc::new(Mutex::new(Watched { phase: Phase::Head, since: Instant::now(), stalled: None })))
    }

    /// A request has come and is answered from now on.
    pub fn answer(&self) -> UnderWay {
        self.turn(Phase::Busy, Instant::now());
        UnderWay(self.clone())
    }

    /// Waits until the connection has taken longer than it may.
    pub async fn expired(&self) {
        while self.deadline() > Instant::now() {
            sleep(LOOK).await;
        }
    }

    fn deadline(&self) -> Instant {
        let watched = self.watched();
        let limit = match watched.phase {
            Phase::Head => HEAD,
            Phase::Busy => ANSWER,
            Phase::Idle => IDLE,
        };
        let deadline = watched.since + limit;
        watched.stalled.map_or(deadline, |since| deadline.min(since + STALL))
    }

    fn turn(&self, phase: Phase, now: Instant) {
        let mut watched = self.watched();
        (watched.phase, watched.since) = (phase, now);
    }

    /// Bytes came.
    fn read(&self) {
        let is_idle = self.watched().phase == Phase::Idle;
        if is_idle {
            self.turn(Phase::Head, Instant::now());
        }
    }

    fn wrote<T>(&self, written: &Poll<io::Result<T>>) {
        let mut watched = self.watched();
        if written.is_ready() {
            watched.stalled = None;
        } else {
            watched.stalled.get_or_insert_with(Instant::now);
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        // Every change leaves it whole, so a panic elsewhere does no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// The connection, when it speaks HTTP no more.
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

    /// How long a connection may be as it is, to the second.
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
