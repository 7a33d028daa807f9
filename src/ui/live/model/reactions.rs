//! The reactions that this person wants and that the log does not have yet.
//!
//! They are shown as if they were done. A draft names the state that is wanted, so it is sent again on a new
//! connection, and the last one about an emoji replaces those before. One is under way at a time, so that they stay in
//! order. They are stored neither in the tab nor on the device: a reaction that is lost with its page is not worth a
//! notice, and one that is sent hours later may surprise.

use crate::protocol::{Ack, ClientId, Draft, DraftKind, DraftState, Mentions, MessageBody, Problem, Seq, Target};

use super::outgoing::Outgoing;

/// The reactions that are wanted.
#[derive(Clone, Debug, Default)]
pub struct Reactions {
    drafts: Vec<Draft>,
    outgoing: Outgoing,
}

impl Reactions {
    /// What is wanted, oldest first.
    pub fn wanted(&self) -> &[Draft] {
        &self.drafts
    }

    /// Wants an emoji to be at a message, or not to be there.
    pub fn want(&mut self, id: ClientId, target: Target, emoji: &str, on: bool) {
        self.drafts.retain(|draft| draft.kind.target() != Some(target) || draft.body.as_str() != emoji);
        let (kind, body) = (DraftKind::React { target, on }, MessageBody::stored(emoji));
        self.drafts.push(Draft { id, kind, body, mentions: Mentions::default(), state: DraftState::Pending });
    }

    /// Whether the server has still to answer, or to be asked.
    pub fn are_unsent(&self) -> bool {
        self.drafts.iter().any(|draft| draft.state == DraftState::Pending)
    }

    /// The next draft to send, if none is under way. It is under way from then on.
    pub fn next(&mut self, now: u64) -> Option<&Draft> {
        if !self.outgoing.is_idle() {
            return None;
        }
        let first = self.drafts.iter().position(|draft| draft.state == DraftState::Pending)?;
        let chosen = self.outgoing.take([&self.drafts[first].id].into_iter(), now);
        (!chosen.is_empty()).then(|| &self.drafts[first])
    }

    /// Whether this is the draft under way, so that an answer with this id is for it.
    pub fn has(&self, id: ClientId) -> bool {
        self.outgoing.has(id)
    }

    /// Whether no draft is under way.
    pub fn is_idle(&self) -> bool {
        self.outgoing.is_idle()
    }

    /// The server has done what the draft wants. It is shown until the timeline has the event, whose log ends at
    /// `head` here.
    pub fn acknowledge(&mut self, ack: Ack, head: Seq) {
        self.outgoing.settle(ack.id);
        if let Some(draft) = self.drafts.iter_mut().find(|draft| draft.id == ack.id) {
            draft.state = DraftState::Sent(ack);
        }
        self.follow(head);
    }

    /// The timeline has all events up to `head`.
    pub fn follow(&mut self, head: Seq) {
        self.drafts.retain(|draft| !matches!(draft.state, DraftState::Sent(ack) if ack.seq <= head));
    }

    /// The server refuses a draft for the moment. It is sent again later.
    pub fn hold(&mut self, id: ClientId, problem: &Problem, jitter: f64, now: u64) {
        self.outgoing.hold(id, problem.retry_after_ms, jitter, now);
    }

    /// The server refuses a draft. It is taken back.
    pub fn refuse(&mut self, id: ClientId) {
        self.outgoing.settle(id);
        self.drafts.retain(|draft| draft.id != id);
    }

    /// Another log has begun, in which the messages are others.
    pub fn clear(&mut self) {
        self.drafts.clear();
    }

    /// Forgets what was under way, because a new connection sends it again.
    pub fn restart(&mut self) {
        self.outgoing.restart();
    }

    /// Until when drafts wait, if they do.
    pub fn held_until(&self) -> Option<u64> {
        self.outgoing.held_until().filter(|_| self.are_unsent())
    }

    /// When a missing answer means that the connection does not work.
    pub fn overdue_at(&self) -> Option<u64> {
        self.outgoing.overdue_at()
    }
}
