//! Operations on the log: starting the next one, and handling its result.
//!
//! [`Live::next_operation`] reads the log if the state may be behind it, and else judges the pending commands and
//! appends a batch. [`Live::finish`] takes the result: it folds new entries into the state, sends acks and frames, and
//! puts commands that lost the race for their seqs back into the queue.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::{
    super::{
        command::{Command, Done, Reply, notice_command},
        entry::Entry,
        judge::{Judge, Verdict, repeated, retention_after},
        log::{Caught, Cursor, LogError, Outcome, Stop},
        packet::{News, Packet},
        request::Request,
    },
    BATCH_COMMANDS, Batch, FEW_READERS, Failure, Finished, LOG_DEADLINE, Live, Subscriber, SyncState, TICK,
    listing::is_account,
    slow,
};
use crate::{
    protocol::{Applied, Event, EventKind, MemberView, Retention, Seq, ServerFrame},
    server::{
        clock,
        socket::{Connection, ConnectionId, Frame},
        store::{Joining, Owed, Presence},
    },
};

/// Frames joined into one write. Few enough for a reader that has a little backlog.
const FRAMES_TOGETHER: usize = 64;

impl Live {
    pub(super) fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch, head: self.state.head, n: self.state.last_n, retention: self.state.retention }
    }

    pub(super) fn fall_behind(&mut self) {
        self.sync_state = self.sync_state.max(SyncState::Behind);
    }

    pub(super) fn next_operation(&mut self) {
        let log = self.log.clone();
        // A client's doubt is checked between two appends, so that any number of doubts cannot hold up the appends.
        let must_check_log = self.must_check_log && (self.pending.is_empty() || !self.has_just_read);
        let wanted = self.sync_state != SyncState::Level || must_check_log;
        if wanted && self.failure.as_ref().is_none_or(|failure| failure.at.elapsed() >= TICK) {
            let cursor = self.cursor();
            (self.must_check_log, self.has_just_read) = (false, true);
            self.operation = Some(if self.sync_state == SyncState::Lost {
                Box::pin(async move {
                    Finished::Opened(
                        timeout(LOG_DEADLINE, log.open(Some(cursor)))
                            .await
                            .unwrap_or_else(|_| Err(slow()))
                            .map(Box::new),
                    )
                })
            } else {
                let after_failure = self.failure.is_some();
                Box::pin(async move {
                    Finished::CaughtUp(
                        timeout(LOG_DEADLINE, log.catch_up(cursor, after_failure))
                            .await
                            .unwrap_or_else(|_| Err(slow())),
                    )
                })
            });
        } else if !wanted && !self.pending.is_empty() {
            self.start_append();
            if self.operation.is_none() && self.must_check_log {
                // Nothing was appended and nothing is pending, so the doubt can be checked.
                self.next_operation();
            }
        }
    }

    pub(super) fn start_append(&mut self) {
        let mut batch = Batch { entries: Vec::new(), commands: Vec::new() };
        let mut judge = Judge::new(&self.state, &self.window, clock::now());
        let mut already = Vec::new();
        while batch.entries.len() < BATCH_COMMANDS {
            let Some((command, reply)) = self.pending.pop_front() else { break };
            match judge.judge(&command) {
                Verdict::Event(event) => {
                    batch.entries.push(Entry::of(event));
                    batch.commands.push((command, reply));
                    while let Some((event, command)) = judge.next_consequence() {
                        batch.entries.push(Entry::of(event));
                        batch.commands.push((command, Reply::None));
                    }
                }
                Verdict::Already(done) => already.push((command, reply, done)),
                Verdict::Refused(problem) => reply.send(Err(problem)),
                Verdict::NextBatch => {
                    self.pending.push_front((command, reply));
                    break;
                }
            }
        }
        for (command, reply, done) in already {
            self.settle(&command);
            reply.send(Ok(done));
        }
        if batch.entries.is_empty() {
            return;
        }
        self.has_just_read = false;
        let (log, cursor, packet) = (self.log.clone(), self.cursor(), self.packet_of(&batch.entries));
        let moved = match cursor.retention {
            Retention::Ephemeral => self.has_archive,
            Retention::Preserved => self.has_tail,
        };
        self.operation = Some(Box::pin(async move {
            let events: Vec<Event> = batch.entries.iter().map(|entry| entry.event.clone()).collect();
            let entering = batch.commands.iter().filter_map(|(command, _)| match command {
                Command::Enter { joining } => Some(Joining::clone(joining)),
                _ => None,
            });
            let entering: Vec<Joining> = entering.collect();
            let appended = timeout(LOG_DEADLINE, log.append(cursor, &events, &entering, packet, moved)).await;
            Finished::Appended(batch, appended.unwrap_or_else(|_| Err(slow())))
        }));
    }

    /// Updates the member's record for a command whose event is in the log already. The record may still owe it.
    pub(super) fn settle(&self, command: &Command) {
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
        let told = self.window.last_about(about).filter(|event| matches!(event.kind, EventKind::Joined { .. }));
        let seq = told.map_or(self.state.head, |event| event.seq);
        let (log, epoch) = (self.log.clone(), self.epoch);
        self.engine.spawn(async move {
            log.settle(epoch, &[Event { seq, at: clock::now(), kind }]).await;
        });
    }

    pub(super) fn packet_of(&self, entries: &[Entry]) -> Bytes {
        if !self.engine.is_shared() {
            return Bytes::new();
        }
        let news = News::Events { epoch: self.epoch, events: entries.to_vec() };
        Packet { node: self.engine.node(), news }.encode()
    }

    pub(super) fn finish(&mut self, finished: Finished) {
        match finished {
            Finished::Appended(batch, Ok(outcome)) => self.appended(batch, outcome),
            Finished::Appended(batch, Err(error)) => {
                // The outcome is unknown. The client tries again with the same id, and the log is read before that.
                tracing::warn!(room = %self.record.id, %error, "append failed");
                self.fall_behind();
                self.fail(&error);
                for (_, reply) in batch.commands.into_iter().chain(self.pending.drain(..)) {
                    reply.send(Err(error.problem()));
                }
            }
            Finished::CaughtUp(Ok(Caught::Up(events))) => {
                // Stays `Lost` if the archive was changed during the read.
                if self.sync_state == SyncState::Behind {
                    self.sync_state = SyncState::Level;
                }
                self.failure = None;
                self.count_log_read();
                self.listing.heard(events.iter());
                self.trust_owner(events.iter());
                self.deliver(events.into_iter().map(Entry::of).collect(), Acks::default());
            }
            Finished::CaughtUp(Ok(Caught::Lost)) => self.sync_state = SyncState::Lost,
            Finished::Opened(Ok(opened)) => {
                self.sync_state = SyncState::Level;
                self.failure = None;
                self.count_log_read();
                self.reopen(*opened);
            }
            Finished::CaughtUp(Err(error)) | Finished::Opened(Err(error)) => {
                tracing::warn!(room = %self.record.id, %error, "log not read");
                self.fall_behind();
                self.fail(&error);
                for (_, reply) in self.pending.drain(..) {
                    reply.send(Err(error.problem()));
                }
                for request in self.waiting.drain(..) {
                    request.refuse(&error.problem());
                }
                if matches!(error, LogError::Gone) {
                    self.notify_deleted();
                    for wish in self.replay_queue.drain(..) {
                        wish.refuse(error.problem());
                    }
                    self.draining = true;
                    self.engine.retire(self.record.id);
                }
            }
        }
        self.retry_waiting();
        let packets = std::mem::take(&mut self.packets);
        for packet in packets {
            self.handle_packet(packet);
        }
    }

    /// Notifies the subscribers that the room was deleted, and removes them.
    fn notify_deleted(&mut self) {
        self.here.clear();
        for (_, Subscriber { connection, member, .. }) in std::mem::take(&mut self.subscribers) {
            connection.answer(&ServerFrame::error(LogError::Gone.problem(), None, Some(self.record.code)));
            self.engine.member_left(self.record.id, member);
        }
    }

    fn fail(&mut self, error: &LogError) {
        self.failure = Some(Failure { at: Instant::now(), problem: error.problem() });
    }

    /// Handles a finished append: the events are durable, so they are sent. Each author gets the ack before the event,
    /// and events are sent in the order of the log.
    pub(super) fn appended(&mut self, batch: Batch, outcome: Outcome) {
        let Batch { mut entries, commands } = batch;
        let from_archive = self.state.retention == Retention::Preserved
            || entries.first().and_then(|first| retention_after(&first.event)) == Some(Retention::Preserved);
        entries.truncate(outcome.stored);
        if from_archive && outcome.stored > 0 && self.engine.is_shared() {
            self.engine.publish(self.record.id, self.packet_of(&entries));
        }
        if outcome.stored > 0 {
            self.listing.changed();
        }
        // If this node is the only one and the record owed this notice, only a later notice can change the record. With
        // several nodes, one that has not seen this event yet may judge the opposite command as `Already`. It then
        // updates the record, but not the log.
        let overtaken = !outcome.settled || self.engine.is_shared();
        if from_archive || outcome.settled {
            self.trust_owner(entries.iter().map(|entry| &entry.event));
        }
        let mut commands = commands.into_iter();
        let mut acks = Acks::default();
        for (Entry { event, .. }, (_, reply)) in entries.iter().zip(commands.by_ref()) {
            acks.note(reply, Done { seq: event.seq, at: event.at });
            self.reads.keep_for(event);
            if overtaken {
                self.compare_with_record(event);
            }
        }
        self.deliver(entries, acks);
        let mut rest: VecDeque<_> = commands.collect();
        match outcome.stopped {
            None => {}
            Some(Stop::Behind) => self.fall_behind(),
            Some(Stop::IdTaken(earlier)) => {
                if let Some((_, reply)) = rest.remove(earlier.index.saturating_sub(outcome.stored)) {
                    match repeated(earlier.seq, earlier.at, earlier.same_body) {
                        Verdict::Already(done) => reply.send(Ok(done)),
                        Verdict::Refused(problem) => reply.send(Err(problem)),
                        Verdict::Event(_) | Verdict::NextBatch => {}
                    }
                }
            }
        }
        while let Some(command) = rest.pop_back() {
            self.pending.push_front(command);
        }
    }

    /// Copies the owner from these events into `record`. The node that appended them has updated the record in the
    /// store.
    pub(super) fn trust_owner<'a>(&mut self, events: impl DoubleEndedIterator<Item = &'a Event>) {
        let owner = events.rev().find_map(|event| match &event.kind {
            EventKind::Owner { member, .. } => Some(member.id),
            _ => None,
        });
        self.record.owner = owner.unwrap_or(self.record.owner);
    }

    /// Updates the owner in the stored record of an ephemeral room if it differs from the log: the update after the
    /// append may have failed.
    pub(super) fn keep_owner(&self) {
        let owner = self.state.owner;
        if owner == self.record.owner || self.state.retention == Retention::Preserved {
            return;
        }
        let told = self.window.newest_first().find(|event| matches!(event.kind, EventKind::Owner { .. })).cloned();
        let (Some(event), Some(inbox)) = (told, self.engine.inbox(self.record.id)) else { return };
        let (log, epoch) = (self.log.clone(), self.epoch);
        self.engine.spawn(async move {
            if log.settle(epoch, &[event]).await {
                let _ = inbox.send(Request::OwnerKept(owner)).await;
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

    /// Folds entries of the log into the state, and sends them to every subscriber. In a room with many subscribers, a
    /// `Joined` may wait for the next event or tick.
    pub(super) fn deliver(&mut self, entries: Vec<Entry>, mut acks: Acks) {
        let mut can_wait = self.subscribers.len() > FEW_READERS && self.sent_at.elapsed() < TICK;
        for entry in entries {
            let leaving = match &entry.event.kind {
                EventKind::Left { member } | EventKind::Removed { member, .. } => {
                    self.state.members.get(&member.id).map(|there| there.view(member.id))
                }
                _ => None,
            };
            match self.state.apply(&entry.event) {
                Applied::Duplicate => continue,
                Applied::Gap { .. } => {
                    self.fall_behind();
                    break;
                }
                Applied::Fresh => self.reads.fold(&entry.event, self.state.last_n),
            }
            if let Some(retention) = retention_after(&entry.event) {
                self.engine.note_retention(self.record.id, retention);
                if retention == Retention::Preserved {
                    self.kept_from = entry.event.seq;
                }
            }
            match self.state.retention {
                Retention::Preserved => self.has_archive = true,
                Retention::Ephemeral => self.has_tail = true,
            }
            if !matches!(entry.event.kind, EventKind::Message(_)) {
                self.listing.members_changed();
            }
            self.unsent.push(entry.frame(self.record.code));
            can_wait &= matches!(entry.event.kind, EventKind::Joined { .. });
            if let EventKind::Joined { member } = &entry.event.kind
                && let Some(joined) = self.state.members.get(&member.id)
            {
                self.roster.add(member.id, joined, self.state.members.len());
            }
            let seq = entry.event.seq;
            self.window.push(entry);
            if let Some(member) = leaving {
                self.roster.forget();
                // The event is the last one that the member gets.
                self.show(&mut acks, None);
                self.remove_member(member, seq);
            }
        }
        if !can_wait {
            self.show(&mut acks, None);
        }
        acks.send_rest();
    }

    /// Sends subscribers the frames that they have not been sent yet.
    pub(super) fn send_unsent(&mut self) {
        self.show(&mut Acks::default(), None);
    }

    /// Sends subscribers the frames that they have not been sent yet, and then a signal. Each subscriber gets
    /// everything in one write, with the subscriber's own acks first.
    pub(super) fn show(&mut self, acks: &mut Acks, signal: Option<Frame>) {
        let mut sent = self.state.head - self.unsent.len() as Seq;
        let mut frames = std::mem::take(&mut self.unsent);
        frames.extend(signal);
        if frames.is_empty() {
            return;
        }
        self.sent_at = Instant::now();
        for frames in frames.chunks(FRAMES_TOGETHER) {
            let news = Frame::together(frames);
            for (id, subscriber) in &self.subscribers {
                // A subscriber who came while these frames waited has the events from the snapshot or resume.
                let known = usize::try_from(subscriber.knows.saturating_sub(sent)).unwrap_or(usize::MAX);
                let rest;
                let news = match frames.get(known..) {
                    Some(_) if known == 0 => &news,
                    Some(unknown @ [_, ..]) => {
                        rest = Frame::together(unknown);
                        &rest
                    }
                    _ => continue,
                };
                match acks.take(*id) {
                    Some(mut own) => {
                        own.push(news.clone());
                        subscriber.connection.push(&Frame::together(&own));
                    }
                    None => subscriber.connection.push(news),
                }
            }
            sent += frames.len() as Seq;
        }
    }

    /// Removes a member who left with the event at `left_at`, and their connections.
    fn remove_member(&mut self, member: MemberView, left_at: Seq) {
        let id = member.id;
        self.subscribers.retain(|_, subscriber| subscriber.member != id);
        self.here.remove(&id);
        self.reads.leave(member, left_at);
        self.engine.member_left(self.record.id, id);
        self.presence_changed = true;
    }
}

/// The acks of a batch by connection, to be sent together with its events.
#[derive(Default)]
pub(super) struct Acks(HashMap<ConnectionId, (Connection, Vec<Frame>)>);

impl Acks {
    /// Keeps the ack of a socket until the frames are sent. Any other reply is sent at once.
    fn note(&mut self, reply: Reply, done: Done) {
        match reply {
            Reply::Socket { connection, code, id } => {
                let Done { seq, at } = done;
                let ack = Frame::of(&ServerFrame::Ack { code, id, seq, at });
                self.0.entry(connection.id()).or_insert_with(|| (connection, Vec::new())).1.push(ack);
            }
            other => other.send(Ok(done)),
        }
    }

    fn take(&mut self, id: ConnectionId) -> Option<Vec<Frame>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.remove(&id).map(|(_, acks)| acks)
    }

    /// Sends the acks of connections that do not follow the room (any more).
    fn send_rest(self) {
        for (connection, acks) in self.0.into_values() {
            connection.answer_with(&Frame::together(&acks));
        }
    }
}
