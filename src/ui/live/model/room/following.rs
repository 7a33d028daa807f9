//! How a room is followed over a connection that comes and goes.
//!
//! With a socket, the room subscribes from the last event that it has, and is live once the answer arrived. Without
//! one, it waits. Where HTTP works but no socket can be opened, it polls the room and posts messages over HTTP.

use crate::protocol::ClientFrame;

use super::{
    super::{typing::Typing, unread::Unread},
    Act, ByHttp, Ending, LocalRoom, Phase,
};

/// How long the answer to `subscribe` may take.
const CATCH_UP_MS: u64 = 10_000;
/// How long the next answer may take after one was too late. On a slow line the missed events may need long to arrive.
/// Shorter than the 30 s of silence after which the connection counts as dead (`heartbeat`).
const SLOW_CATCH_UP_MS: u64 = 25_000;
/// How often the room is fetched over HTTP while no socket can be opened.
const FETCH_EVERY_MS: u64 = 3_000;
/// After this many answers that were too late, the room subscribes without a position. The server then sends a
/// snapshot, which is smaller than all missed events.
const LATE_ANSWERS_BEFORE_SNAPSHOT: u32 = 2;

impl LocalRoom {
    /// The socket is open: subscribes from the last event that this page has.
    pub fn opened(&mut self, now: u64) -> Vec<Act> {
        if let Phase::Ended(_) = self.phase {
            return Vec::new();
        }
        self.outgoing.restart();
        self.reactions.restart();
        self.by_http = ByHttp::Off;
        vec![self.subscribe(now)]
    }

    /// The connection is lost.
    pub fn lost(&mut self) {
        if !matches!(self.phase, Phase::Ended(_)) {
            self.phase = Phase::Apart;
        }
        if self.by_http == ByHttp::Off {
            // Without a connection nothing updates the presence of members, so it is cleared.
            self.replica.connected.clear();
            self.people_changed = true;
        }
    }

    /// The room is not in front any more: nobody types in it, and nobody reads it.
    pub fn leave(&mut self) -> Vec<Act> {
        self.read_position.set_looking(false);
        self.unread = Unread::default();
        self.was_left = true;
        self.has_looked = false;
        let acts = self.stop_typing();
        self.typing = Typing::default();
        acts
    }

    /// Stops following the room without ending it. [`LocalRoom::opened`] resumes it.
    pub fn unfollow(&mut self) {
        self.by_http = ByHttp::Off;
        self.lost();
    }

    /// Whether the room is subscribed to on the present connection.
    pub fn is_subscribed(&self) -> bool {
        matches!(self.phase, Phase::CatchingUp { .. } | Phase::Live)
    }

    /// Whether the room is subscribed to, or fetched over HTTP.
    pub fn is_followed(&self) -> bool {
        self.is_subscribed() || self.is_fetched()
    }

    /// Whether the room is fetched over HTTP.
    pub(super) fn is_fetched(&self) -> bool {
        self.phase == Phase::Apart && self.by_http != ByHttp::Off
    }

    /// Stops following the room.
    pub fn end(&mut self, ending: Ending) {
        self.phase = Phase::Ended(ending);
    }

    /// The `subscribe` frame for the position of the replica; without a position if `from_scratch` is set.
    pub(super) fn subscribe(&mut self, now: u64) -> Act {
        let patience = if self.late_answers == 0 { CATCH_UP_MS } else { SLOW_CATCH_UP_MS };
        self.phase = Phase::CatchingUp { deadline: now + patience };
        let (epoch, after) = self.replica.resume_point();
        let (epoch, after) = if self.from_scratch { (None, None) } else { (Some(epoch), Some(after)) };
        Act::Send(ClientFrame::Subscribe { code: self.code, epoch, after })
    }

    /// When to call [`LocalRoom::tick`] next.
    pub fn due(&self) -> Option<u64> {
        let phase = match self.phase {
            Phase::CatchingUp { deadline } => Some(deadline),
            Phase::Live => {
                let sending = [self.held_until(), self.overdue_at(), self.read_position.due()];
                sending.into_iter().flatten().min()
            }
            Phase::Apart => match self.by_http {
                ByHttp::Off => None,
                ByHttp::Fetching => self.held_until(),
                ByHttp::Waiting { until } => self.held_until().into_iter().chain([until]).min(),
            },
            Phase::Ended(_) => None,
        };
        phase.into_iter().chain(self.typing.due()).min()
    }

    /// Until when something waits that the server has refused for the moment.
    fn held_until(&self) -> Option<u64> {
        self.outgoing.held_until().into_iter().chain(self.reactions.held_until()).min()
    }

    /// When a missing answer means that the connection does not work.
    fn overdue_at(&self) -> Option<u64> {
        self.outgoing.overdue_at().into_iter().chain(self.reactions.overdue_at()).min()
    }

    /// Runs everything whose time has come.
    pub fn tick(&mut self, now: u64) -> Vec<Act> {
        let mut acts = Vec::new();
        if self.typing.check(now) {
            acts.extend(self.send_typing(false));
        }
        match self.phase {
            Phase::CatchingUp { deadline } if now >= deadline => {
                self.late_answers += 1;
                self.from_scratch |= self.late_answers >= LATE_ANSWERS_BEFORE_SNAPSHOT;
                acts.push(Act::Renew(now));
            }
            Phase::Live if self.overdue_at().is_some_and(|at| now >= at) => acts.push(Act::Renew(now)),
            Phase::Live => acts.extend(self.flush(now)),
            Phase::Apart => {
                acts.extend(self.flush(now));
                if matches!(self.by_http, ByHttp::Waiting { until } if now >= until) {
                    self.by_http = ByHttp::Fetching;
                    acts.push(Act::FetchRoom(Some(self.code)));
                }
            }
            _ => {}
        }
        acts
    }

    /// Switches to HTTP, because HTTP works and no socket can be opened. Messages are posted one at a time, so that
    /// they keep their order, and the room is fetched every 3 s.
    pub(super) fn go_by_http(&mut self, now: u64) {
        if self.by_http == ByHttp::Off {
            self.outgoing.restart();
            self.reactions.restart();
        }
        self.by_http = ByHttp::Waiting { until: now + FETCH_EVERY_MS };
    }

    /// HTTP does not work either: stops using it.
    pub fn http_fails(&mut self) {
        self.by_http = ByHttp::Off;
        if self.phase == Phase::Apart {
            self.lost();
        }
    }
}
