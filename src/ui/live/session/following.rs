//! Following the room over a connection that comes and goes.

use crate::protocol::ClientFrame;

use super::{Act, ByHttp, Ending, Phase, Session};

/// How long the answer to `subscribe` may take.
const CATCH_UP_MS: u64 = 10_000;
/// How long if it took longer before: on a slow line, all that was missed may be on its way for long. Less than the silence
/// that means that the connection is dead.
const SLOW_CATCH_UP_MS: u64 = 25_000;
/// How often the room is asked for by HTTP while no socket can be opened.
const ASK_EVERY_MS: u64 = 3_000;
/// After so many answers that took too long, the room is asked for as it is, which is less than all that was missed.
const LONG_ANSWERS: u32 = 2;

impl Session {
    /// There is a connection: asks for what was missed.
    pub fn opened(&mut self, now: u64) -> Vec<Act> {
        if let Phase::Ended(_) = self.phase {
            return Vec::new();
        }
        self.outgoing.restart();
        self.by_http = ByHttp::Off;
        vec![self.subscribe(now)]
    }

    /// The connection is gone.
    pub fn lost(&mut self) {
        if !matches!(self.phase, Phase::Ended(_)) {
            self.phase = Phase::Apart;
        }
        if self.by_http == ByHttp::Off {
            // Nobody says any more who is there.
            self.replica.connected.clear();
            self.people_changed = true;
        }
    }

    /// The person is leaving: being gone is no reason to come back.
    pub fn expect_exit(&mut self) {
        self.leaving = true;
    }

    /// The person has left.
    pub fn stop(&mut self) {
        self.end(Ending::Exited);
    }

    /// The room is over for this page.
    pub fn end(&mut self, ending: Ending) {
        self.phase = Phase::Ended(ending);
    }

    pub(super) fn subscribe(&mut self, now: u64) -> Act {
        let patience = if self.long_answers == 0 { CATCH_UP_MS } else { SLOW_CATCH_UP_MS };
        self.phase = Phase::CatchingUp { deadline: now + patience };
        let (epoch, after) = self.replica.resume_point();
        let (epoch, after) = if self.from_scratch { (None, None) } else { (Some(epoch), Some(after)) };
        Act::Send(ClientFrame::Subscribe { code: self.code, epoch, after })
    }

    /// When to call [`Session::tick`] next.
    pub fn due(&self) -> Option<u64> {
        let phase = match self.phase {
            Phase::CatchingUp { deadline } => Some(deadline),
            Phase::Live => {
                let sending = [self.outgoing.held_until(), self.outgoing.overdue_at(), self.reading.due()];
                sending.into_iter().flatten().min()
            }
            Phase::Apart => match self.by_http {
                ByHttp::Off => None,
                ByHttp::Asking => self.outgoing.held_until(),
                ByHttp::Waiting { until } => [Some(until), self.outgoing.held_until()].into_iter().flatten().min(),
            },
            Phase::Ended(_) => None,
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
            Phase::CatchingUp { deadline } if now >= deadline => {
                self.long_answers += 1;
                self.from_scratch |= self.long_answers >= LONG_ANSWERS;
                acts.push(Act::Renew(now));
            }
            Phase::Live if self.outgoing.overdue_at().is_some_and(|at| now >= at) => acts.push(Act::Renew(now)),
            Phase::Live => acts.extend(self.flush(now)),
            Phase::Apart => {
                acts.extend(self.flush(now));
                if matches!(self.by_http, ByHttp::Waiting { until } if now >= until) {
                    self.by_http = ByHttp::Asking;
                    acts.push(Act::AskDoor);
                }
            }
            _ => {}
        }
        acts
    }

    /// HTTP works, and no socket does: from here messages go that way, one after the other so that they keep their order, and
    /// the room is asked for again and again.
    pub(super) fn go_by_http(&mut self, now: u64) {
        if self.by_http == ByHttp::Off {
            self.outgoing.restart();
        }
        self.by_http = ByHttp::Waiting { until: now + ASK_EVERY_MS };
    }

    /// HTTP does not work either.
    pub fn door_is_away(&mut self) {
        self.by_http = ByHttp::Off;
        if self.phase == Phase::Apart {
            self.lost();
        }
    }
}
