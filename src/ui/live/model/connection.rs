//! The connection of a page: opens a socket, notices that it is lost, and opens another one after a wait. Where no
//! socket can be opened, it opens a stream, which also counts as a socket in the names here.
//!
//! The phases are `Resting`, `Opening`, `Open` and `Waiting`. A wait grows with each failure ([`backoff`]), and a
//! heartbeat finds sockets that are dead without being closed. The frames themselves are passed on by
//! [`Client`](super::client::Client).

use crate::protocol::ClientFrame;

use super::{
    act::{Act, Status, Way},
    backoff,
    heartbeat::{Heartbeat, Verdict},
};

/// How long opening a socket or a stream may take.
const OPEN_MS: u64 = 10_000;
/// How long opening a socket may take where none could be opened before. Meanwhile a page that had a stream waits.
const PROBE_MS: u64 = 5_000;
/// After a connection that was settled for this long, the count of failures starts again, so that the next wait is
/// short.
const STABLE_MS: u64 = 10_000;
/// How often to try while the browser reports that it is offline. The report can be wrong.
const OFFLINE_MS: u64 = 15_000;
/// After every this many failures in a row, if the last connection never settled, [`Act::FetchRoom`] checks over HTTP
/// whether the person is still logged in or a member.
const FAILURES_BEFORE_HTTP_CHECK: u32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not started yet, or no listener needs a connection any more.
    Resting,
    Opening {
        /// When opening the socket counts as failed.
        deadline: u64,
    },
    /// The socket is open.
    Open {
        /// When the listeners had caught up: the room, or without a room the list. `None` until then.
        settled: Option<u64>,
    },
    Waiting {
        /// When the next socket is opened.
        until: u64,
    },
}

/// A connection that is reopened whenever it is lost.
#[derive(Debug)]
pub struct Connection {
    phase: Phase,
    /// The present way, or the last one.
    way: Way,
    /// Whether the browser reports a network.
    online: bool,
    /// Whether HTTP works although nothing can be opened in the present way. Each opening then takes the other way.
    blocked: bool,
    /// Failures in a row.
    failures: u32,
    heart: Heartbeat,
    /// A source of random numbers from 0 to 1, for waits.
    jitter: fn() -> f64,
}

impl Connection {
    /// A connection that is not started yet.
    pub fn new(jitter: fn() -> f64) -> Self {
        let (phase, heart) = (Phase::Resting, Heartbeat::new(0));
        Self { phase, way: Way::Socket, online: true, blocked: false, failures: 0, heart, jitter }
    }

    /// Whether frames can be sent.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open { .. })
    }

    /// Whether no listener needs a connection.
    pub fn is_resting(&self) -> bool {
        self.phase == Phase::Resting
    }

    /// The state of the connection, as the page shows it.
    pub fn status(&self) -> Status {
        match self.phase {
            Phase::Open { settled: Some(_) } if self.way == Way::Socket => Status::Live,
            Phase::Open { settled: Some(_) } => Status::Blocked,
            _ if !self.online => Status::Offline,
            _ if self.blocked => Status::Blocked,
            Phase::Waiting { until } => Status::Waiting(until),
            Phase::Resting | Phase::Opening { .. } | Phase::Open { .. } => Status::Connecting,
        }
    }

    /// Connects for the first time.
    pub fn start(&mut self, online: bool, now: u64) -> Act {
        self.online = online;
        self.open(now)
    }

    /// Opens a socket, or a stream.
    pub fn open(&mut self, now: u64) -> Act {
        if self.blocked {
            self.way = self.way.other();
        }
        let patience = if self.blocked && self.way == Way::Socket { PROBE_MS } else { OPEN_MS };
        self.phase = Phase::Opening { deadline: now + patience };
        Act::Open(self.way)
    }

    /// The socket is open. Returns false if the connection does not wait for one any more.
    pub fn opened(&mut self, now: u64) -> bool {
        if !matches!(self.phase, Phase::Opening { .. }) {
            return false;
        }
        self.online = true;
        self.heart = Heartbeat::new(now);
        self.phase = Phase::Open { settled: None };
        true
    }

    /// Records that a frame arrived.
    pub fn heard(&mut self, now: u64) {
        self.heart.heard(now);
    }

    /// The listeners have caught up, so the connection counts as good.
    pub fn settle(&mut self, now: u64) {
        if let Phase::Open { settled } = &mut self.phase {
            settled.get_or_insert(now);
            self.blocked = false;
        }
    }

    /// Sets whether HTTP works although nothing can be opened in the present way.
    pub fn set_blocked(&mut self, blocked: bool) {
        self.blocked = blocked;
    }

    /// Closes the socket, because no listener needs it any more.
    pub fn rest(&mut self) -> Act {
        self.phase = Phase::Resting;
        Act::Close
    }

    /// The socket was closed, or could not be opened. Starts the wait before the next one.
    pub fn closed(&mut self, now: u64) -> Vec<Act> {
        let mut acts = Vec::new();
        match self.phase {
            Phase::Resting | Phase::Waiting { .. } => return acts,
            // A proxy may accept a socket and cut it off at once. So a connection that never settled counts as never
            // opened.
            Phase::Opening { .. } | Phase::Open { settled: None } => {
                if self.online
                    && self.failures >= FAILURES_BEFORE_HTTP_CHECK - 1
                    && (self.failures + 1).is_multiple_of(FAILURES_BEFORE_HTTP_CHECK)
                {
                    acts.push(Act::FetchRoom(None));
                }
            }
            Phase::Open { settled: Some(since) } if now >= since + STABLE_MS => self.failures = 0,
            Phase::Open { settled: Some(_) } => {}
        }
        self.failures = self.failures.saturating_add(1);
        let wait = if self.online { backoff::wait(self.failures, (self.jitter)()) } else { OFFLINE_MS };
        self.phase = Phase::Waiting { until: now + wait };
        acts
    }

    /// Replaces the socket, which does not work, by a new one after the usual wait, but not before `not_before`.
    pub fn renew(&mut self, not_before: u64, now: u64) -> Vec<Act> {
        let mut acts = vec![Act::Close];
        acts.extend(self.closed(now));
        if let Phase::Waiting { until } = &mut self.phase {
            *until = not_before.max(*until);
        }
        acts
    }

    /// Closes the socket and waits until `until`: the time that the server named in `bye`, or the next try while
    /// offline.
    pub fn dismissed(&mut self, until: u64) -> Act {
        self.phase = Phase::Waiting { until };
        Act::Close
    }

    /// The server has ended a stream because its time was over. Connects again at `until`, and tries a socket first.
    pub fn renewed(&mut self, until: u64) -> Act {
        self.failures = 0;
        self.blocked = self.way == Way::Stream;
        self.dismissed(until)
    }

    /// The browser reports that there is no network.
    pub fn went_offline(&mut self, now: u64) -> Vec<Act> {
        self.online = false;
        if self.is_resting() { Vec::new() } else { vec![self.dismissed(now + OFFLINE_MS)] }
    }

    /// The browser reports that the network is back. It may be another one, so a page that had a stream tries a socket
    /// first.
    pub fn came_online(&mut self, now: u64) -> Vec<Act> {
        self.online = true;
        self.failures = 0;
        if matches!(self.phase, Phase::Waiting { .. }) && (self.blocked || self.way == Way::Stream) {
            (self.blocked, self.way) = (true, Way::Stream);
        }
        self.woke(now)
    }

    /// The page became visible again, or the person pressed "Try now": ends a wait at once, or sends a ping on an open
    /// socket.
    pub fn woke(&mut self, now: u64) -> Vec<Act> {
        match self.phase {
            Phase::Waiting { .. } => vec![self.open(now)],
            Phase::Open { settled: Some(_) } => match self.heart.ask(now) {
                Verdict::Ask(n) => vec![Act::Send(ClientFrame::Ping { n })],
                Verdict::Fine | Verdict::Dead => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// When to call [`Connection::tick`] next.
    pub fn due(&self) -> Option<u64> {
        match self.phase {
            Phase::Opening { deadline } => Some(deadline),
            Phase::Open { .. } => Some(self.heart.due()),
            Phase::Waiting { until } => Some(until),
            Phase::Resting => None,
        }
    }

    /// Runs what is due: the end of opening, the end of a wait, or the heartbeat.
    pub fn tick(&mut self, now: u64) -> Vec<Act> {
        match self.phase {
            Phase::Opening { deadline } if now >= deadline => {
                // Opening took 10 s already, so HTTP is checked at once and not only after the next failure.
                let mut acts = self.renew(now, now);
                if self.online && !acts.contains(&Act::FetchRoom(None)) {
                    acts.push(Act::FetchRoom(None));
                }
                acts
            }
            Phase::Waiting { until } if now >= until => vec![self.open(now)],
            Phase::Open { .. } => match self.heart.check(now) {
                Verdict::Ask(n) => vec![Act::Send(ClientFrame::Ping { n })],
                Verdict::Dead => self.renew(now, now),
                Verdict::Fine => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}
