//! The connection of a page: opening a socket, noticing that it is gone, and opening another. What goes over it is the
//! business of [`Client`](super::client::Client).

use crate::protocol::ClientFrame;

use super::{
    act::{Act, Status},
    backoff,
    heartbeat::{Heartbeat, Pulse},
};

/// How long opening a socket may take.
const OPEN_MS: u64 = 10_000;
/// A connection that held this long was a good one: the next wait starts short again.
const STABLE_MS: u64 = 10_000;
/// How often to try while the browser says that it is offline (it can be wrong).
const OFFLINE_MS: u64 = 15_000;
/// After this many tries that never opened, ask over HTTP whether the session still holds.
const DOUBTS: u32 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not begun, or not wanted any more.
    Resting,
    Opening {
        deadline: u64,
    },
    Open {
        /// Since when everybody who listens has caught up.
        settled: Option<u64>,
    },
    Waiting {
        until: u64,
    },
}

/// A connection that is kept up.
#[derive(Debug)]
pub struct Connection {
    phase: Phase,
    online: bool,
    blocked: bool,
    failures: u32,
    heart: Heartbeat,
    jitter: fn() -> f64,
}

impl Connection {
    /// None yet.
    pub fn new(jitter: fn() -> f64) -> Self {
        Self { phase: Phase::Resting, online: true, blocked: false, failures: 0, heart: Heartbeat::new(0), jitter }
    }

    /// Whether frames can be sent.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open { .. })
    }

    /// Whether nobody wants a connection.
    pub fn is_resting(&self) -> bool {
        self.phase == Phase::Resting
    }

    /// How it is.
    pub fn status(&self) -> Status {
        match self.phase {
            Phase::Open { settled: Some(_) } => Status::Live,
            _ if !self.online => Status::Offline,
            _ if self.blocked => Status::Blocked,
            Phase::Waiting { until } => Status::Waiting(until),
            Phase::Resting | Phase::Opening { .. } | Phase::Open { settled: None } => Status::Connecting,
        }
    }

    /// Connects for the first time.
    pub fn start(&mut self, online: bool, now: u64) -> Act {
        self.online = online;
        self.open(now)
    }

    /// Connects.
    pub fn open(&mut self, now: u64) -> Act {
        self.phase = Phase::Opening { deadline: now + OPEN_MS };
        Act::Open
    }

    /// The socket is open. False if that comes too late.
    pub fn opened(&mut self, now: u64) -> bool {
        if !matches!(self.phase, Phase::Opening { .. }) {
            return false;
        }
        self.online = true;
        self.heart = Heartbeat::new(now);
        self.phase = Phase::Open { settled: None };
        true
    }

    /// A frame came.
    pub fn heard(&mut self, now: u64) {
        self.heart.heard(now);
    }

    /// Everybody who listens has caught up.
    pub fn settle(&mut self, now: u64) {
        if let Phase::Open { settled } = &mut self.phase {
            settled.get_or_insert(now);
            self.blocked = false;
        }
    }

    /// Whether HTTP works although no socket does.
    pub fn set_blocked(&mut self, blocked: bool) {
        self.blocked = blocked;
    }

    /// Nobody wants it any more.
    pub fn rest(&mut self) -> Act {
        self.phase = Phase::Resting;
        Act::Close
    }

    /// The socket is closed, or never opened.
    pub fn closed(&mut self, now: u64) -> Vec<Act> {
        let mut acts = Vec::new();
        match self.phase {
            Phase::Resting | Phase::Waiting { .. } => return acts,
            // What stands between may also take a socket, and cut it off.
            Phase::Opening { .. } | Phase::Open { settled: None } => {
                if self.online && self.failures >= DOUBTS - 1 && (self.failures + 1).is_multiple_of(DOUBTS) {
                    acts.push(Act::AskDoor);
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

    /// It does not work: another one, but not before that time.
    pub fn renew(&mut self, not_before: u64, now: u64) -> Vec<Act> {
        let mut acts = vec![Act::Close];
        acts.extend(self.closed(now));
        if let Phase::Waiting { until } = &mut self.phase {
            *until = not_before.max(*until);
        }
        acts
    }

    /// The server has closed it, and said when to come back.
    pub fn dismissed(&mut self, until: u64) -> Act {
        self.phase = Phase::Waiting { until };
        Act::Close
    }

    /// The browser says that there is no network.
    pub fn went_offline(&mut self, now: u64) -> Vec<Act> {
        self.online = false;
        if self.is_resting() { Vec::new() } else { vec![self.dismissed(now + OFFLINE_MS)] }
    }

    /// The browser says that there is a network again.
    pub fn came_online(&mut self, now: u64) -> Vec<Act> {
        self.online = true;
        self.failures = 0;
        self.woke(now)
    }

    /// The page was shown again, or the person pressed "Try now": look at the connection at once.
    pub fn woke(&mut self, now: u64) -> Vec<Act> {
        match self.phase {
            Phase::Waiting { .. } => vec![self.open(now)],
            Phase::Open { settled: Some(_) } => match self.heart.ask(now) {
                Pulse::Ask(n) => vec![Act::Send(ClientFrame::Ping { n })],
                Pulse::Fine | Pulse::Dead => Vec::new(),
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

    /// Looks at the clock.
    pub fn tick(&mut self, now: u64) -> Vec<Act> {
        match self.phase {
            Phase::Opening { deadline } if now >= deadline => {
                // That took so long already that HTTP is asked at once.
                let mut acts = self.renew(now, now);
                if self.online && !acts.contains(&Act::AskDoor) {
                    acts.push(Act::AskDoor);
                }
                acts
            }
            Phase::Waiting { until } if now >= until => vec![self.open(now)],
            Phase::Open { .. } => match self.heart.check(now) {
                Pulse::Ask(n) => vec![Act::Send(ClientFrame::Ping { n })],
                Pulse::Dead => self.renew(now, now),
                Pulse::Fine => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}
