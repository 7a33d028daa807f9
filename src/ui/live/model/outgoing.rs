//! Which messages are under way: at most 8 at a time, in order, and all held back for a while if the server asks for
//! it.
//!
//! The messages themselves are in the replica's outbox; this file has only their ids.

use litemap::LiteMap;

use crate::protocol::ClientId;

use super::backoff;

/// The maximum number of messages that are sent and not yet answered. A refusal for sending too fast then affects only
/// a few.
const WINDOW: usize = 8;
/// If a message has no answer for this long, the connection does not work.
const ANSWER_MS: u64 = 15_000;

/// The messages under way.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    /// The messages that are sent and not answered, with the times at which they were sent.
    in_flight: LiteMap<ClientId, u64>,
    /// Nothing is sent before this time.
    held_until: Option<u64>,
    /// Passing refusals in a row. They lengthen the wait.
    refusals: u32,
}

impl Outgoing {
    /// Forgets what was under way, because a new connection sends it again.
    pub fn restart(&mut self) {
        self.in_flight.clear();
        self.held_until = None;
    }

    /// Chooses the unsent messages to send at this moment, and records them as under way.
    pub fn take<'a>(&mut self, unsent: impl Iterator<Item = &'a ClientId>, now: u64) -> Vec<ClientId> {
        if self.held_until.is_some_and(|until| now < until) {
            return Vec::new();
        }
        self.held_until = None;
        let room = WINDOW.saturating_sub(self.in_flight.len());
        let chosen: Vec<ClientId> = unsent.filter(|id| !self.in_flight.contains_key(id)).take(room).copied().collect();
        for id in &chosen {
            self.in_flight.insert(*id, now);
        }
        chosen
    }

    /// The server gave a final answer: the message is in the log, or refused for good.
    pub fn settle(&mut self, id: ClientId) {
        self.in_flight.remove(&id);
        self.refusals = 0;
    }

    /// The server refused a message for the moment. All messages wait, so that their order is kept.
    pub fn hold(&mut self, id: ClientId, retry_after_ms: Option<u64>, jitter: f64, now: u64) {
        self.in_flight.remove(&id);
        self.refusals = self.refusals.saturating_add(1);
        let until = now + retry_after_ms.unwrap_or(0).max(backoff::wait(self.refusals, jitter));
        self.held_until = Some(self.held_until.map_or(until, |earlier| earlier.max(until)));
    }

    /// Whether this message is under way.
    pub fn has(&self, id: ClientId) -> bool {
        self.in_flight.contains_key(&id)
    }

    /// Whether no message is under way.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Until when all messages wait, if they do.
    pub fn held_until(&self) -> Option<u64> {
        self.held_until
    }

    /// When the oldest missing answer means that the connection does not work.
    pub fn overdue_at(&self) -> Option<u64> {
        self.in_flight.values().min().map(|sent| sent + ANSWER_MS)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ids(count: u128) -> Vec<ClientId> {
        (1..=count).map(|n| ClientId::new(Uuid::from_u128(n))).collect()
    }

    #[test]
    fn a_few_at_a_time_in_order_and_none_twice() {
        let ids = ids(10);
        let mut outgoing = Outgoing::default();
        assert_eq!(outgoing.take(ids.iter(), 0), ids[..8]);
        assert_eq!(outgoing.take(ids.iter(), 0), []);
        outgoing.settle(ids[0]);
        assert_eq!(outgoing.take(ids[1..].iter(), 0), ids[8..9]);
    }

    #[test]
    fn a_refusal_for_now_holds_all_until_its_time() {
        let ids = ids(3);
        let mut outgoing = Outgoing::default();
        outgoing.take(ids[..2].iter(), 0);
        outgoing.hold(ids[0], Some(2_000), 1.0, 0);
        assert_eq!(outgoing.take(ids.iter(), 1_999), []);
        assert_eq!(outgoing.take(ids.iter(), 2_000), [ids[0], ids[2]]);
    }

    #[test]
    fn without_a_time_the_wait_grows() {
        let id = ids(1)[0];
        let mut outgoing = Outgoing::default();
        outgoing.hold(id, None, 1.0, 0);
        assert_eq!(outgoing.held_until(), Some(300));
        outgoing.hold(id, None, 1.0, 300);
        assert_eq!(outgoing.held_until(), Some(900));
    }
}
