//! Connecting, noticing that the connection is gone, and connecting again.

use crate::protocol::ClientFrame;

use super::{
    super::{
        backoff,
        heartbeat::{Heartbeat, Pulse},
    },
    Act, Ending, Phase, Session,
};

/// How long opening a socket may take.
const OPEN_MS: u64 = 10_000;
/// How long the answer to `subscribe` may take.
const CATCH_UP_MS: u64 = 10_000;
/// A connection that held this long was a good one: the next wait starts short again.
const STABLE_MS: u64 = 10_000;
/// How often to try while the browser says that it is offline (it can be wrong).
const OFFLINE_MS: u64 = 15_000;
/// After this many tries that never opened, ask over HTTP whether the session still holds.
const DOUBTS: u32 = 2;

impl Session {
    /// Connects for the first time.
    pub fn start(&mut self, online: bool, now: u64) -> Vec<Act> {
        self.online = online;
        self.open(now)
    }

    /// Ends everything, for good.
    pub fn stop(&mut self) -> Vec<Act> {
        self.end(Ending::Exited)
    }

    /// The person is leaving: being gone is no reason to come back.
    pub fn expect_exit(&mut self) {
        self.leaving = true;
    }

    pub(super) fn open(&mut self, now: u64) -> Vec<Act> {
        self.phase = Phase::Opening { deadline: now + OPEN_MS };
        vec![Act::Open]
    }

    /// The socket is open.
    pub fn opened(&mut self, now: u64) -> Vec<Act> {
        if !matches!(self.phase, Phase::Opening { .. }) {
            return Vec::new();
        }
        self.online = true;
        self.heart = Heartbeat::new(now);
        self.outgoing.restart();
        vec![self.subscribe(now)]
    }

    pub(super) fn subscribe(&mut self, now: u64) -> Act {
        self.phase = Phase::CatchingUp { deadline: now + CATCH_UP_MS };
        let (epoch, after) = self.replica.resume_point();
        let (epoch, after) = if self.from_scratch { (None, None) } else { (Some(epoch), Some(after)) };
        Act::Send(ClientFrame::Subscribe { code: self.code, epoch, after })
    }

    /// The socket is closed, or never opened.
    pub fn closed(&mut self, now: u64) -> Vec<Act> {
        let mut acts = Vec::new();
        match self.phase {
            Phase::Resting | Phase::Waiting { .. } | Phase::Ended(_) => return acts,
            Phase::Opening { .. } => {
                if self.online && self.failures >= DOUBTS - 1 && (self.failures + 1).is_multiple_of(DOUBTS) {
                    acts.push(Act::AskDoor);
                }
            }
            Phase::Live { since } if now >= since + STABLE_MS => self.failures = 0,
            Phase::CatchingUp { .. } | Phase::Live { .. } => {}
        }
        self.failures = self.failures.saturating_add(1);
        let wait = if self.online { backoff::wait(self.failures, (self.jitter)()) } else { OFFLINE_MS };
        self.phase = Phase::Waiting { until: now + wait };
        acts
    }

    pub(super) fn give_up(&mut self, now: u64) -> Vec<Act> {
        let mut acts = vec![Act::Close];
        acts.extend(self.closed(now));
        acts
    }

    /// The browser says that there is no network.
    pub fn went_offline(&mut self, now: u64) -> Vec<Act> {
        self.online = false;
        match self.phase {
            Phase::Resting | Phase::Ended(_) => Vec::new(),
            _ => {
                self.phase = Phase::Waiting { until: now + OFFLINE_MS };
                vec![Act::Close]
            }
        }
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
            Phase::Waiting { .. } => self.open(now),
            Phase::Live { .. } => match self.heart.ask(now) {
                Pulse::Ask(n) => vec![Act::Send(ClientFrame::Ping { n })],
                Pulse::Fine | Pulse::Dead => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// When to call [`Session::tick`] next.
    pub fn due(&self) -> Option<u64> {
        let phase = match self.phase {
            Phase::Opening { deadline } => Some(deadline),
            Phase::CatchingUp { deadline } => Some(deadline.min(self.heart.due())),
            Phase::Live { .. } => [Some(self.heart.due()), self.outgoing.held_until(), self.outgoing.overdue_at()]
                .into_iter()
                .flatten()
                .min(),
            Phase::Waiting { until } => Some(until),
            Phase::Resting | Phase::Ended(_) => None,
        };
        phase.into_iter().chain(self.typing.due()).min()
    }

    /// Looks at the clock.
    pub fn tick(&mut self, now: u64) -> Vec<Act> {
        let mut acts = Vec::new();
        if self.typing.check(now) {
            acts.extend(self.tell_typing(false));
        }
        match self.phase {
            Phase::Opening { deadline } | Phase::CatchingUp { deadline } if now >= deadline => {
                acts.extend(self.give_up(now));
            }
            Phase::Waiting { until } if now >= until => acts.extend(self.open(now)),
            Phase::CatchingUp { .. } | Phase::Live { .. } => match self.heart.check(now) {
                Pulse::Ask(n) => acts.push(Act::Send(ClientFrame::Ping { n })),
                Pulse::Dead => acts.extend(self.give_up(now)),
                Pulse::Fine if self.outgoing.overdue_at().is_some_and(|at| now >= at) => acts.extend(self.give_up(now)),
                Pulse::Fine => acts.extend(self.flush(now)),
            },
            _ => {}
        }
        acts
    }
}
