//! Delivering events of the log: they are folded into the state, and sent to the subscribers in the order of the log.
//!
//! The events come from an append of this node, from a read of the log, or from a packet of another node.
//!
//! Not here: sending the frames themselves (`subscribers`).

use tokio::time::Instant;

use super::{
    super::{entry::Entry, judge::retention_after, log::LogError},
    Live,
    acks::Acks,
    subscribers::Subscriber,
};
use crate::{
    protocol::{Applied, Epoch, Event, EventKind, MemberView, Seq, ServerFrame},
    server::metrics::Stopwatch,
};

impl Live {
    /// Handles events that another node appended. If they are of another epoch, the log is read. `since` runs since
    /// this node has them.
    pub(super) fn deliver_remote(&mut self, epoch: Epoch, entries: Vec<Entry>, since: Stopwatch) {
        if epoch != self.folded.epoch {
            return self.log_state.fall_behind();
        }
        self.listing.heard(entries.iter().map(|entry| &entry.event));
        self.trust_record(entries.iter().map(|entry| &entry.event));
        self.deliver(entries, Acks::default(), since);
        self.retry_waiting();
    }

    /// Folds entries of the log into the state, and sends them to every subscriber. In a room with many subscribers, a
    /// `Joined` may wait for the next event or tick. `since` runs since this node has the entries.
    pub(super) fn deliver(&mut self, entries: Vec<Entry>, mut acks: Acks, since: Stopwatch) {
        let now = Instant::now();
        let mut can_wait = self.subscribers.lets_joined_wait(now);
        for entry in entries {
            let event = &entry.event;
            let leaver = self.folded.leaver(event);
            match self.folded.apply(event) {
                Applied::Duplicate => continue,
                Applied::Gap { .. } => {
                    self.log_state.fall_behind();
                    break;
                }
                Applied::Fresh => self.reads.fold(event, self.folded.state.last_n),
            }
            if let Some(retention) = retention_after(event) {
                self.engine.note_retention(self.record.id, retention);
            }
            match event.kind {
                EventKind::Message(_) => {}
                EventKind::Edited { .. } | EventKind::Deleted { .. } => self.listing.search_again(),
                _ if event.kind.is_touch() => {}
                _ => self.listing.members_changed(),
            }
            self.subscribers.queue(entry.frame(self.record.code), since);
            can_wait &= matches!(event.kind, EventKind::Joined { .. });
            let seq = event.seq;
            self.folded.keep(entry);
            if let Some(member) = leaver {
                // The event is the last one that the member gets.
                self.subscribers.send(now, &mut acks, None);
                self.remove_member(member, seq);
            }
        }
        if !can_wait {
            self.subscribers.send(now, &mut acks, None);
        }
        acks.send_rest();
    }

    /// Sends subscribers the frames that they have not been sent yet.
    pub(super) fn send_unsent(&mut self) {
        self.subscribers.send(Instant::now(), &mut Acks::default(), None);
    }

    /// Removes a member who left with the event at `left_at`, and their connections.
    fn remove_member(&mut self, member: MemberView, left_at: Seq) {
        let id = member.id;
        self.subscribers.remove_member(id, Instant::now());
        self.reads.leave(member, left_at);
        self.engine.member_left(self.record.id, id);
        self.presence.changed();
    }

    /// Notifies the subscribers that the room was deleted, and removes them.
    pub(super) fn notify_deleted(&mut self) {
        for Subscriber { connection, member, .. } in self.subscribers.take_all(Instant::now()) {
            connection.answer(&ServerFrame::error(LogError::Gone.problem(), None, Some(self.record.code)));
            self.engine.member_left(self.record.id, member);
        }
    }

    /// Copies what these events say of the owner and of peeking into `record`. The node that appended them has updated
    /// the record in the store.
    pub(super) fn trust_record<'a>(&mut self, events: impl Iterator<Item = &'a Event>) {
        for event in events {
            match &event.kind {
                EventKind::Owner { member, .. } => self.record.owner = member.id,
                EventKind::PeekChanged { peek, .. } => self.record.peek = *peek,
                _ => {}
            }
        }
    }
}
