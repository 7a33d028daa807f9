//! Operations on the log: starting the next one, and handling its result.
//!
//! [`LogState::next`](super::log_state::LogState::next) says which operation is next. An append judges the pending
//! commands first. After an append, acks and events are sent, and commands that lost the race for their seqs go back
//! into the queue.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    super::{
        command::{Command, Done, Reply, notice_command},
        entry::Entry,
        judge::{Judge, Verdict, repeated, retention_after},
        log::{Caught, LogError, Outcome, Stop},
        packet::{News, Packet},
        request::Request,
    },
    Live,
    acks::Acks,
    listing::is_account,
    log_state::Next,
    operation::{self, Batch, Finished},
};
use crate::{
    protocol::{Event, EventKind, Retention, RoomState},
    server::{
        bus::is_reacted,
        clock,
        metrics::{self, Stopwatch},
        store::{Owed, Presence},
    },
};

/// Events in one batch after which no more commands are added to it.
const BATCH_COMMANDS: usize = 256;

impl Live {
    /// Starts the next operation on the log, if none is under way and something is to be done.
    pub(super) fn start_next_operation(&mut self) {
        if self.log_state.is_busy() {
            return;
        }
        match self.log_state.next(Instant::now(), !self.pending.is_empty()) {
            Next::Open => {
                let operation = operation::open(self.log.clone(), self.folded.cursor());
                self.log_state.begin_read(operation);
            }
            Next::CatchUp => {
                let after_failure = self.log_state.problem().is_some();
                let operation = operation::catch_up(self.log.clone(), self.folded.cursor(), after_failure);
                self.log_state.begin_read(operation);
            }
            Next::Append => {
                self.start_append();
                if !self.log_state.is_busy() && self.log_state.is_doubted() {
                    // Nothing was appended and nothing is pending, so the doubt can be checked.
                    self.start_next_operation();
                }
            }
            Next::Wait => {}
        }
    }

    /// Judges the pending commands, and starts to append a batch of their events. Commands that need no event are
    /// answered at once.
    fn start_append(&mut self) {
        let mut batch = Batch { entries: Vec::new(), commands: Vec::new(), changed: Vec::new() };
        let editable = self.engine.timing().editable();
        let mut judge = Judge::new(&self.folded.state, &self.folded.window, editable, clock::now());
        let (mut already, mut reactions) = (Vec::new(), Vec::new());
        while batch.entries.len() < BATCH_COMMANDS {
            let Some((command, reply)) = self.pending.pop_front() else { break };
            match judge.judge(&command) {
                Verdict::Event(event) => {
                    batch.entries.push(Entry::of(event));
                    batch.commands.push(vec![(command, reply)]);
                    while let Some((event, command)) = judge.next_consequence() {
                        batch.entries.push(Entry::of(event));
                        batch.commands.push(vec![(command, Reply::None)]);
                    }
                }
                Verdict::Reaction => reactions.push((command, reply)),
                Verdict::Already(done) => already.push((command, reply, done)),
                Verdict::Refused(problem) => reply.send(Err(problem)),
                Verdict::NextBatch => {
                    self.pending.push_front((command, reply));
                    break;
                }
            }
        }
        match judge.reacted() {
            Some(event) => {
                batch.entries.push(Entry::of(event));
                batch.commands.push(reactions);
            }
            // They undo each other.
            None => already.extend(reactions.into_iter().map(|(command, reply)| (command, reply, judge.done()))),
        }
        for (command, reply, done) in already {
            self.settle(&command);
            reply.send(Ok(done));
        }
        if batch.entries.is_empty() {
            return;
        }
        batch.changed = self.folded.window.changed_by(batch.entries.iter().map(|entry| &entry.event));
        let (cursor, packet) = (self.folded.cursor(), self.packet_of(&batch.entries));
        let moved = self.folded.may_have_moved();
        self.log_state.begin_append(operation::append(self.log.clone(), cursor, batch, packet, moved));
    }

    /// Updates the member's record for a command whose event is in the log already. The record may still owe it.
    fn settle(&self, command: &Command) {
        let kind = match command.clone() {
            Command::Join { member } => EventKind::Joined { member },
            Command::Leave { member, removed_by: None } | Command::Become { member, .. } => EventKind::Left { member },
            Command::Leave { member, removed_by: Some(by) } => EventKind::Removed { member, by },
            _ => return,
        };
        let about = match &kind {
            EventKind::Joined { member } | EventKind::Left { member } | EventKind::Removed { member, .. } => member.id,
            _ => return,
        };
        let told = self.folded.window.last_about(about).filter(|event| matches!(event.kind, EventKind::Joined { .. }));
        let seq = told.map_or(self.folded.state.head, |event| event.seq);
        let (log, epoch) = (self.log.clone(), self.folded.epoch);
        self.engine.spawn(async move {
            log.settle(epoch, &[Event { seq, at: clock::now(), kind }]).await;
        });
    }

    fn packet_of(&self, entries: &[Entry]) -> Bytes {
        if !self.engine.is_shared() {
            return Bytes::new();
        }
        let news = News::Events { epoch: self.folded.epoch, events: entries.to_vec() };
        Packet { node: self.engine.node(), news }.encode()
    }

    /// Handles the result of an operation. Then everything that waited for it is handled again.
    pub(super) fn finish(&mut self, finished: Finished) {
        match finished {
            Finished::Appended(batch, Ok(outcome)) => self.appended(batch, outcome),
            Finished::Appended(batch, Err(error)) => {
                // The outcome is unknown. The client tries again with the same id, and the log is read before that.
                tracing::warn!(room = %self.record.id, %error, "append failed");
                self.log_state.failed(Instant::now(), error.problem());
                for (_, reply) in batch.commands.into_iter().flatten().chain(self.pending.drain(..)) {
                    reply.send(Err(error.problem()));
                }
            }
            Finished::CaughtUp(Ok(Caught::Up(events))) => {
                self.log_state.caught_up();
                self.waiting.count_log_read();
                self.listing.heard(events.iter());
                self.trust_record(events.iter());
                self.deliver(events.into_iter().map(Entry::of).collect(), Acks::default(), Stopwatch::start());
            }
            Finished::CaughtUp(Ok(Caught::Lost)) => self.log_state.lose(),
            Finished::Opened(Ok(opened)) => {
                self.log_state.opened();
                self.waiting.count_log_read();
                self.reopen(*opened);
            }
            Finished::CaughtUp(Err(error)) | Finished::Opened(Err(error)) => self.read_failed(&error),
        }
        self.retry_waiting();
        for (packet, received) in self.waiting.take_packets() {
            self.handle_packet(packet, received);
        }
    }

    /// Refuses everything that the log could not be read for. If the room was deleted, it ends.
    fn read_failed(&mut self, error: &LogError) {
        tracing::warn!(room = %self.record.id, %error, "log not read");
        self.log_state.failed(Instant::now(), error.problem());
        for (_, reply) in self.pending.drain(..) {
            reply.send(Err(error.problem()));
        }
        self.waiting.refuse_requests(&error.problem());
        if matches!(error, LogError::Gone) {
            self.notify_deleted();
            self.waiting.refuse_replays(&error.problem());
            self.log_state.drain();
            self.engine.retire(self.record.id);
        }
    }

    /// Handles a finished append: the events are durable, so they are sent. Each author gets the ack before the event,
    /// and events are sent in the order of the log.
    fn appended(&mut self, batch: Batch, outcome: Outcome) {
        let Batch { mut entries, commands, .. } = batch;
        let from_archive = self.folded.state.retention == Retention::Preserved
            || entries.first().and_then(|first| retention_after(&first.event)) == Some(Retention::Preserved);
        entries.truncate(outcome.stored);
        if from_archive && outcome.stored > 0 && self.engine.is_shared() {
            self.engine.publish(self.record.id, self.packet_of(&entries));
        }
        // Lists show no reactions, but compare the head of the digest with that of the archive.
        if entries.iter().any(|entry| entry.event.kind.is_touch() && !is_reacted(&entry.event)) {
            self.listing.log_changed();
        } else if outcome.stored > 0 {
            self.listing.changed();
        }
        // If this node is the only one and the record owed this notice, only a later notice can change the record. With
        // several nodes, one that has not seen this event yet may judge the opposite command as `Already`. It then
        // updates the record, but not the log.
        let overtaken = !outcome.settled || self.engine.is_shared();
        if from_archive || outcome.settled {
            self.trust_record(entries.iter().map(|entry| &entry.event));
        }
        let mut commands = commands.into_iter();
        let mut acks = Acks::default();
        for (Entry { event, .. }, commands) in entries.iter().zip(commands.by_ref()) {
            let first = commands.first().map_or_else(Stopwatch::default, |(_, reply)| reply.accepted());
            metrics::count_append(event, first);
            for (_, reply) in commands {
                acks.note(reply, Done { seq: event.seq, at: event.at });
            }
            self.reads.keep_for(event);
            if overtaken {
                self.compare_with_record(event);
            }
        }
        self.deliver(entries, acks, Stopwatch::start());
        let mut rest: VecDeque<_> = commands.flatten().collect();
        match outcome.stopped {
            None => {}
            Some(Stop::Behind) => self.log_state.fall_behind(),
            Some(Stop::IdTaken(earlier)) => {
                if let Some((_, reply)) = rest.remove(earlier.index.saturating_sub(outcome.stored)) {
                    match repeated(earlier.seq, earlier.at, earlier.same_body) {
                        Verdict::Already(done) => reply.send(Ok(done)),
                        Verdict::Refused(problem) => reply.send(Err(problem)),
                        Verdict::Event(_) | Verdict::Reaction | Verdict::NextBatch => {}
                    }
                }
            }
        }
        while let Some(command) = rest.pop_back() {
            self.pending.push_front(command);
        }
    }

    /// Updates the stored record of an ephemeral room if its owner, or whether it can be peeked into, differs from the
    /// log: the update after the append may have failed.
    pub(super) fn keep_record(&self) {
        let RoomState { owner, peek, retention, .. } = self.folded.state;
        let (has_owner, has_peek) = (owner == self.record.owner, peek == self.record.peek);
        if (has_owner && has_peek) || retention == Retention::Preserved {
            return;
        }
        let newest =
            |is_it: fn(&EventKind) -> bool| self.folded.window.newest_first().find(|event| is_it(&event.kind)).cloned();
        let owned = newest(|kind| matches!(kind, EventKind::Owner { .. })).filter(|_| !has_owner);
        let peeked = newest(|kind| matches!(kind, EventKind::PeekChanged { .. })).filter(|_| !has_peek);
        let told: Vec<Event> = owned.into_iter().chain(peeked).collect();
        let Some(inbox) = self.engine.inbox(self.record.id).filter(|_| !told.is_empty()) else { return };
        let (log, epoch) = (self.log.clone(), self.folded.epoch);
        self.engine.spawn(async move {
            if log.settle(epoch, &told).await {
                let _ = inbox.send(Request::RecordKept(told)).await;
            }
        });
    }

    /// Compares the member's record with an event about them, and appends the opposite notice if they differ. A notice
    /// may have been overtaken on its way into the log, for example if a member came back meanwhile. The record is
    /// right.
    fn compare_with_record(&self, event: &Event) {
        let (member, here) = match &event.kind {
            EventKind::Joined { member } => (member.id, true),
            EventKind::Left { member } | EventKind::Removed { member, .. } => (member.id, false),
            _ => return,
        };
        let (engine, room, is_listed) = (self.engine.clone(), self.record.id, self.listing.knows_of_account());
        self.engine.spawn(async move {
            let Ok(record) = engine.store().member(room, member).await else { return };
            if is_account(&record)
                && !is_listed
                && let Some(inbox) = engine.inbox(room)
            {
                let _ = inbox.send(Request::HasAccount).await;
            }
            let is_here = record.presence == Presence::Active;
            if is_here != here {
                let truth = if is_here { Owed::Joined } else { Owed::Left };
                engine.submit(room, notice_command(record.person(), &truth), Reply::None).await;
            }
        });
    }
}
