//! The log's side of a live room: one operation at a time, and what comes of it.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::{
    super::{
        Command, Done, Frame, Reply,
        judge::{Judge, Verdict, repeated, retention_after},
        log::{Caught, Cursor, LogError, Outcome, Stop},
        packet::{News, Packet},
    },
    BATCH_COMMANDS, Batch, Finished, LOG_DEADLINE, Live, Standing, TICK, announcement, slow,
};
use crate::{
    protocol::{Applied, Event, EventKind, Retention, ServerFrame},
    server::{
        clock,
        store::{Owed, Presence},
    },
};

impl Live {
    pub(super) fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch, head: self.state.head, n: self.state.last_n, retention: self.state.retention }
    }

    pub(super) fn fall_behind(&mut self) {
        self.standing = self.standing.max(Standing::Behind);
    }

    pub(super) fn next_operation(&mut self) {
        let log = self.log.clone();
        let wanted = self.standing != Standing::Level;
        if wanted && self.failed_at.is_none_or(|at| at.elapsed() >= TICK) {
            let cursor = self.cursor();
            self.operation = Some(if self.standing == Standing::Lost {
                Box::pin(async move {
                    Finished::Opened(
                        timeout(LOG_DEADLINE, log.open(Some(cursor)))
                            .await
                            .unwrap_or_else(|_| Err(slow()))
                            .map(Box::new),
                    )
                })
            } else {
                let after_failure = self.failed_at.is_some();
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
        }
    }

    pub(super) fn start_append(&mut self) {
        let mut batch = Batch { events: Vec::new(), commands: Vec::new() };
        let mut judge = Judge::new(&self.state, &self.window, clock::now());
        let mut already = Vec::new();
        while batch.events.len() < BATCH_COMMANDS {
            let Some((command, reply)) = self.pending.pop_front() else { break };
            match judge.judge(&command) {
                Verdict::Event(event) => {
                    batch.events.push(event);
                    batch.commands.push((command, reply));
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
        if batch.events.is_empty() {
            return;
        }
        let (log, cursor, packet) = (self.log.clone(), self.cursor(), self.packet_of(&batch.events));
        self.operation = Some(Box::pin(async move {
            let appended = timeout(LOG_DEADLINE, log.append(cursor, &batch.events, packet)).await;
            Finished::Appended(batch, appended.unwrap_or_else(|_| Err(slow())))
        }));
    }

    /// The log says already what a membership command wants it to: the record may not know.
    pub(super) fn settle(&self, command: &Command) {
        let kind = match command.clone() {
            Command::Join { member } => EventKind::Joined { member },
            Command::Leave { member, removed_by: None } => EventKind::Left { member },
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
        self.engine.spawn(async move { log.settle(epoch, &[Event { seq, at: clock::now(), kind }]).await });
    }

    pub(super) fn packet_of(&self, events: &[Event]) -> Bytes {
        if !self.engine.is_shared() {
            return Bytes::new();
        }
        let news = News::Events { epoch: self.epoch, events: events.to_vec() };
        Packet { node: self.engine.node(), news }.encode()
    }

    pub(super) fn finish(&mut self, finished: Finished) {
        match finished {
            Finished::Appended(batch, Ok(outcome)) => self.appended(batch, outcome),
            Finished::Appended(batch, Err(error)) => {
                // The outcome is unknown: the client tries again with the same id, and the log is read before that.
                tracing::warn!(room = %self.record.id, %error, "append failed");
                self.fall_behind();
                self.failed_at = Some(Instant::now());
                for (_, reply) in batch.commands.into_iter().chain(self.pending.drain(..)) {
                    reply.send(Err(error.problem()));
                }
            }
            Finished::CaughtUp(Ok(Caught::Up(events))) => {
                self.standing = Standing::Level;
                self.failed_at = None;
                for event in events {
                    self.deliver(event);
                }
            }
            Finished::CaughtUp(Ok(Caught::Lost)) => self.standing = Standing::Lost,
            Finished::Opened(Ok(opened)) => {
                self.standing = Standing::Level;
                self.failed_at = None;
                self.reopen(*opened);
            }
            Finished::CaughtUp(Err(error)) | Finished::Opened(Err(error)) => {
                tracing::warn!(room = %self.record.id, %error, "log not read");
                self.failed_at = Some(Instant::now());
                for (_, reply) in self.pending.drain(..) {
                    reply.send(Err(error.problem()));
                }
                for request in self.waiting.drain(..) {
                    request.refuse(&error.problem());
                }
                if matches!(error, LogError::Gone) {
                    self.draining = true;
                    self.engine.retire(self.record.id);
                }
            }
        }
        self.hear_the_waiting();
        let packets = std::mem::take(&mut self.packets);
        for packet in packets {
            self.hear(packet);
        }
    }

    /// Persisted: now tell. First the ack, then the event to everyone, in the order of the log.
    pub(super) fn appended(&mut self, batch: Batch, outcome: Outcome) {
        let from_archive = self.state.retention == Retention::Preserved
            || batch.events.first().and_then(retention_after) == Some(Retention::Preserved);
        if from_archive && outcome.stored > 0 && self.engine.is_shared() {
            self.engine.publish(self.record.id, self.packet_of(&batch.events[..outcome.stored]));
        }
        let mut commands = batch.commands.into_iter();
        for (event, (_, reply)) in batch.events.into_iter().take(outcome.stored).zip(commands.by_ref()) {
            reply.send(Ok(Done { seq: event.seq, at: event.at }));
            self.compare_with_record(&event);
            self.deliver(event);
        }
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

    /// A notice may have been overtaken on its way into the log: somebody announced as gone is back, or the other way round.
    /// The record is the truth; if the log just said something else, it is told again.
    fn compare_with_record(&self, event: &Event) {
        let (member, here) = match &event.kind {
            EventKind::Joined { member } => (member.id, true),
            EventKind::Left { member } | EventKind::Removed { member, .. } => (member.id, false),
            _ => return,
        };
        let (engine, room) = (self.engine.clone(), self.record.id);
        self.engine.spawn(async move {
            let Ok(record) = engine.store().member(room, member).await else { return };
            let is_here = record.presence == Presence::Active;
            if is_here != here {
                let truth = if is_here { Owed::Joined } else { Owed::Left };
                engine.submit(room, announcement(record.person(), &truth), Reply::None).await;
            }
        });
    }

    /// Folds an event that is in the log, and shows it to every local connection.
    pub(super) fn deliver(&mut self, event: Event) {
        match self.state.apply(&event) {
            Applied::Duplicate => return,
            Applied::Gap { .. } => {
                self.fall_behind();
                return;
            }
            Applied::Fresh => {}
        }
        if retention_after(&event) == Some(Retention::Preserved) {
            self.kept_from = event.seq;
        }
        self.has_archive |= self.state.retention == Retention::Preserved;
        let gone = match &event.kind {
            EventKind::Left { member } | EventKind::Removed { member, .. } => Some(member.id),
            _ => None,
        };
        self.window.push(event.clone());
        let frame = Frame::of(&ServerFrame::Event { code: self.record.code, event });
        for subscriber in self.subscribers.values() {
            subscriber.connection.push(frame.clone());
        }
        if let Some(member) = gone {
            self.subscribers.retain(|_, subscriber| subscriber.member != member);
            self.engine.gone(self.record.id, member);
            self.presence_changed = true;
        }
    }
}
