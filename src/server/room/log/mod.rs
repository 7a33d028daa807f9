//! A room's log, wherever it is stored: in the archive (the store) while the room is preserved, in the tail (the bus)
//! while it is ephemeral.
//!
//! Both work as sequencers in the same way: an append names the seqs for its events, and exactly one writer gets each
//! seq. The loser reads what it missed and judges its commands again. [`Log`] opens a log, appends to it and reads from
//! it. It also carries a log across a change of retention: preserve on seals the tail and continues in the archive, and
//! preserve off opens a tail that continues the archive.
//!
//! Each event has a seq, which counts up without gaps. Each message also has an ordinal `n`, so that unread messages
//! can be counted by a subtraction. An epoch is one life of a log: seqs can be compared only within an epoch. A lost
//! tail is continued in a new epoch.
//!
//! Not here: deciding which events are appended (`judge`), and the fold over them (`live/folded.rs`).

mod error;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::timeout;

pub use self::error::LogError;
use super::judge::retention_after;
use crate::{
    protocol::{Epoch, Event, EventKind, Person, Retention, Seq, limits},
    server::{
        bus::{Bus, Tail, TailAppended, reaction_bytes},
        clock, random,
        store::{Earlier, Head, Joining, MemberRecord, RoomId, RoomRecord, Stopped, Store},
    },
};

/// Events in one read of the archive while catching up.
const PAGE: usize = 500;
/// Bytes of message text that a resume may have. A client that missed more gets a snapshot.
pub const RESUME_BYTES: usize = 1024 * 1024;
/// Most events that one read of the archive asks for when it serves a resume.
const RESUME_PAGE: usize = 250;
/// Fewest events of such a read: about as many as fit into [`RESUME_BYTES`] if all are as long as a message can be.
const RESUME_LONGEST: usize = 64;
/// Events read from the archive when a preserved room comes to life.
const RECENT: usize = 200;
/// How long a preserved room waits for its tail, which may have older events and message ids. Without an answer it goes
/// on.
const TAIL_PATIENCE: Duration = Duration::from_millis(300);
/// How long a finished append to a tail waits until the member records have its events as well.
const SETTLE_PATIENCE: Duration = Duration::from_secs(1);
/// Passes of [`Log::open`] and [`Log::catch_up`] before they give up. A further pass is needed if the retention changed
/// in between, or, while catching up, after a full page.
const TRIES: usize = 8;

/// The last place in a log that a node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The epoch of the log.
    pub epoch: Epoch,
    /// The last known seq.
    pub head: Seq,
    /// The ordinal of the last message.
    pub n: u64,
    /// The retention of the events after the head, which says where they are appended.
    pub retention: Retention,
}

/// A log and its room, as read when the room comes to life on a node.
#[derive(Clone, Debug)]
pub struct Opened {
    pub record: RoomRecord,
    /// The end of the log.
    pub cursor: Cursor,
    /// The last events, oldest first.
    pub recent: Vec<Event>,
    /// The first seq from which on the recent events are archived.
    pub kept_from: Seq,
    pub has_archive: bool,
    /// Whether there may be a tail.
    pub has_tail: bool,
    /// The records of the members and of those who owe the log a notice. Read after the end of the log, so that nobody
    /// is missed.
    pub members: Vec<MemberRecord>,
}

/// The end of a log, without its room.
struct Found {
    cursor: Cursor,
    recent: Vec<Event>,
    kept_from: Seq,
    has_archive: bool,
    has_tail: bool,
}

/// The outcome of an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The number of events that are in the log: a prefix of those given.
    pub stored: usize,
    /// The reason why the rest is not in the log.
    pub stopped: Option<Stop>,
    /// Whether every event about a member matched the notice that the member's record owed, so that the two agree.
    pub settled: bool,
}

/// The reason why an append stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Another writer has the seq. Catch up and judge again.
    Behind,
    /// A message with the same author and id is in the log already.
    IdTaken(Earlier),
}

/// What a node had missed of a log.
#[derive(Clone, Debug)]
pub enum Caught {
    /// The missed events, in order and without holes.
    Up(Vec<Event>),
    /// The log does not continue from the cursor (its tail was lost, or dropped the next events). Open it anew.
    Lost,
}

#[derive(Clone)]
pub struct Log {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    room: RoomId,
}

type Result<T> = std::result::Result<T, LogError>;

impl Log {
    /// The log of a room.
    pub fn new(store: Arc<dyn Store>, bus: Arc<dyn Bus>, room: RoomId) -> Self {
        Self { store, bus, room }
    }

    /// Finds the end of the log, and reads what a node needs to continue it. `known` is the node's cursor, if it had
    /// the log open.
    pub async fn open(&self, known: Option<Cursor>) -> Result<Opened> {
        for _ in 0..TRIES {
            let record = self.store.room(self.room).await?;
            let found = match record.retention {
                Retention::Preserved => self.open_archive(&record).await?,
                Retention::Ephemeral => self.open_tail(known).await?,
            };
            if let Some(Found { cursor, recent, kept_from, has_archive, has_tail }) = found {
                let members = self.store.members(self.room).await?;
                return Ok(Opened { record, cursor, recent, kept_from, has_archive, has_tail, members });
            }
        }
        Err(LogError::Store(anyhow::anyhow!("the room’s retention changed {TRIES} times while it was opened")))
    }

    async fn open_archive(&self, record: &RoomRecord) -> Result<Option<Found>> {
        let archived = self.store.head(self.room).await?;
        let mut recent = self.store.events_before(self.room, Some(archived.seq + 1), RECENT).await?;
        while recent.len() % RECENT == 0
            && recent.iter().filter(|event| !event.kind.is_touch()).count() < limits::HISTORY_PAGE
            && let Some(first) = recent.last().map(|event| event.seq)
        {
            // Many touches came after the last messages.
            let before = self.store.events_before(self.room, Some(first), RECENT).await?;
            if before.is_empty() {
                break;
            }
            recent.extend(before);
        }
        recent.reverse();
        if recent.last().and_then(retention_after) == Some(Retention::Ephemeral) {
            return Ok(None);
        }
        // Events from before preserve was turned on are not archived, but may still be in the tail. The ids of their
        // messages are known only there.
        let kept_from = recent.first().map_or(1, |event| event.seq);
        let tail = timeout(TAIL_PATIENCE, self.bus.tail(self.room, 0)).await;
        let has_tail = !matches!(tail, Ok(Ok(None)));
        if let Ok(Ok(Some(tail))) = tail
            && tail.epoch == record.epoch
            && tail.head + 1 == kept_from
        {
            recent.splice(0..0, tail.events);
        }
        let cursor = Cursor { epoch: record.epoch, head: archived.seq, n: archived.n, retention: Retention::Preserved };
        Ok(Some(Found { cursor, recent, kept_from, has_archive: archived.seq > 0, has_tail }))
    }

    async fn open_tail(&self, known: Option<Cursor>) -> Result<Option<Found>> {
        // If the tail was lost, the new one must not give out seqs up to a member's `since` again. Events with such
        // seqs would be hidden from the member, because they seem to come before the joining.
        let members = self.store.members(self.room).await?;
        // Read after the members, so that the archive has everything that their records reflect. `None`: another node
        // is turning preserve on. Only if the archive has ended since may `open_tail` replace a sealed tail.
        let Some(archived) = self.ended_archive().await? else { return Ok(None) };
        let head = members.iter().map(|member| member.since).max().unwrap_or(0).max(archived.seq);
        let tail = self.bus.open_tail(self.room, random::epoch(), head, archived.n, 0).await?;
        if known.is_some_and(|known| known.epoch == tail.epoch && tail.head < known.head) {
            // The tail is older than this node knows it, so its next seqs were given out before. This epoch cannot
            // continue.
            self.bus.drop_tail(self.room, tail.epoch, tail.head).await?;
            return Ok(None);
        }
        if let Some(by) = tail.sealed_by.clone() {
            self.finish_preserving(&tail, by).await?;
            return Ok(None);
        }
        if members.iter().any(|member| member.read > tail.head || member.read_n > tail.n) {
            // The records were read before the tail was. One that has read beyond the tail's end is about an earlier,
            // lost tail.
            self.store.take_back_reads(self.room, tail.head, tail.n).await?;
        }
        let cursor = Cursor { epoch: tail.epoch, head: tail.head, n: tail.n, retention: Retention::Ephemeral };
        let (recent, has_archive) = (tail.events, archived.seq > 0);
        Ok(Some(Found { cursor, recent, kept_from: Seq::MAX, has_archive, has_tail: true }))
    }

    /// The end of an ephemeral room's archive. `None` if another node is turning preserve on.
    async fn ended_archive(&self) -> Result<Option<Head>> {
        let archived = self.store.head(self.room).await?;
        if archived.seq > 0 {
            let last = self.store.events_before(self.room, None, 1).await?;
            if last.first().and_then(retention_after) != Some(Retention::Ephemeral) {
                return Ok(None);
            }
        }
        Ok(Some(archived))
    }

    /// Archives the event that turns preserve on, for a node that sealed the tail and died before it could.
    async fn finish_preserving(&self, tail: &Tail, by: Person) -> Result<()> {
        let kind = EventKind::RetentionChanged { retention: Retention::Preserved, by, n: tail.n };
        self.store.append(self.room, tail.epoch, &[Event { seq: tail.head + 1, at: clock::now(), kind }]).await?;
        Ok(())
    }

    /// Appends a batch that was judged at `cursor`. If it goes into the archive, the records of `entering` are written
    /// in the same transaction. If it goes into the tail, `packet` is published with it; for the archive the caller
    /// publishes. `changed` are the earlier events of the tail that the batch changes; the archive changes its own.
    ///
    /// A client may retry a message from before a change of retention, and only the place where the log was stored then
    /// knows the message's id. If `moved` is set, the messages are therefore looked for there as well: in the archive
    /// for a batch that goes into the tail, and the other way round.
    pub async fn append(
        &self,
        cursor: Cursor,
        events: &[Event],
        entering: &[Joining],
        changed: &[Event],
        packet: Bytes,
        moved: bool,
    ) -> Result<Outcome> {
        if moved && let Some(earlier) = self.earlier_elsewhere(cursor, events).await? {
            return Ok(stopped(Stop::IdTaken(earlier)));
        }
        let change = events.first().and_then(|event| Some((retention_after(event)?, event)));
        match (cursor.retention, change) {
            (Retention::Ephemeral, Some((Retention::Preserved, event))) => {
                let EventKind::RetentionChanged { by, .. } = &event.kind else { return Ok(behind()) };
                match self.bus.seal_tail(self.room, cursor.epoch, cursor.head, by).await? {
                    TailAppended::Done => self.archive(cursor.epoch, events, &[]).await,
                    // Another node may have sealed the tail at a later head than this node has read.
                    _ => Ok(behind()),
                }
            }
            (Retention::Ephemeral, _) => {
                if moved && events.iter().any(|event| matches!(event.kind, EventKind::Deleted { .. })) {
                    // A message that was archived before is deleted there first. If the tail then refuses the events,
                    // they are judged and appended again.
                    self.store.project(self.room, cursor.epoch, events).await?;
                }
                self.append_to_tail(cursor.epoch, events, changed, packet).await
            }
            (Retention::Preserved, Some((Retention::Ephemeral, event))) => {
                let outcome = self.archive(cursor.epoch, events, &[]).await?;
                if outcome.stored > 0 {
                    // If this fails, the next append finds no tail and opens one in a new epoch. Clients then get a
                    // reset, never a gap.
                    let opened = self.bus.open_tail(self.room, cursor.epoch, event.seq, cursor.n, event.seq).await;
                    if let Err(error) = opened {
                        tracing::warn!(room = %self.room, error = %error.0, "the tail was not opened with the change of retention");
                    }
                }
                Ok(outcome)
            }
            (Retention::Preserved, _) => self.archive(cursor.epoch, events, entering).await,
        }
    }

    /// The first message of a batch that was stored before the last change of retention. Nobody appends there
    /// meanwhile.
    async fn earlier_elsewhere(&self, cursor: Cursor, events: &[Event]) -> Result<Option<Earlier>> {
        if events.iter().all(|event| event.message().is_none()) {
            return Ok(None);
        }
        match cursor.retention {
            // Without the store the append fails and is tried again: a late message is better than a message stored
            // twice.
            Retention::Ephemeral => Ok(self.store.earlier(self.room, events).await?),
            Retention::Preserved => {
                // A preserved room goes on without the bus, so no answer counts as not found.
                let asked = timeout(TAIL_PATIENCE, self.bus.earlier(self.room, cursor.epoch, events)).await;
                Ok(asked.ok().and_then(std::result::Result::ok).flatten())
            }
        }
    }

    async fn archive(&self, epoch: Epoch, events: &[Event], entering: &[Joining]) -> Result<Outcome> {
        let appended = self.store.append_entering(self.room, epoch, events, entering).await?;
        let stopped = appended.stopped.map(|stopped| match stopped {
            Stopped::SeqTaken => Stop::Behind,
            Stopped::IdTaken(earlier) => Stop::IdTaken(earlier),
        });
        Ok(Outcome { stored: appended.stored, stopped, settled: appended.settled })
    }

    async fn append_to_tail(
        &self,
        epoch: Epoch,
        events: &[Event],
        changed: &[Event],
        packet: Bytes,
    ) -> Result<Outcome> {
        match self.bus.append_tail(self.room, epoch, events, changed, packet).await? {
            TailAppended::Done => {
                let settled = self.settle(epoch, events).await;
                Ok(Outcome { stored: events.len(), stopped: None, settled })
            }
            TailAppended::IdTaken(earlier) => Ok(stopped(Stop::IdTaken(earlier))),
            TailAppended::Stale | TailAppended::Sealed | TailAppended::Lost => Ok(behind()),
        }
    }

    /// Applies events to the room's and the members' records. Returns whether every event about a member matched the
    /// notice that their record owed. If the store fails, the records still owe the notice; the next sweep submits it
    /// again, and the judge finds it in the log.
    pub async fn settle(&self, epoch: Epoch, events: &[Event]) -> bool {
        let has_effect = |event: &&Event| event.message().is_none() && !event.kind.is_touch();
        let with_effect: Vec<Event> = events.iter().filter(has_effect).cloned().collect();
        if with_effect.is_empty() {
            return true;
        }
        let projected = timeout(SETTLE_PATIENCE, self.store.project(self.room, epoch, &with_effect)).await;
        let projected =
            projected.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {SETTLE_PATIENCE:?}").into()));
        projected.unwrap_or_else(|error| {
            tracing::warn!(room = %self.room, %error, "records not settled yet");
            false
        })
    }

    /// Reads the events after `cursor`.
    ///
    /// After a failure, an append to the archive may still be under way. The `ping` waits behind it, so that the
    /// following read sees the append, or the append never takes effect. A tail does not need the store.
    pub async fn catch_up(&self, cursor: Cursor, after_failure: bool) -> Result<Caught> {
        if after_failure && cursor.retention == Retention::Preserved {
            self.store.ping().await?;
        }
        let mut at = cursor;
        let mut missed = Vec::new();
        for _ in 0..TRIES {
            let found = match at.retention {
                Retention::Preserved => self.store.events_after(self.room, at.head, PAGE).await?,
                Retention::Ephemeral => match self.tail_after(at).await? {
                    Some(events) => events,
                    None => return Ok(Caught::Lost),
                },
            };
            let mut changed = false;
            let full_page = found.len() == PAGE;
            for event in found {
                if event.seq != at.head + 1 {
                    return Ok(Caught::Lost);
                }
                at.head = event.seq;
                if let Some(retention) = retention_after(&event) {
                    changed = retention != at.retention;
                    at.retention = retention;
                }
                missed.push(event);
            }
            if !changed && !full_page {
                return Ok(Caught::Up(missed));
            }
        }
        // So far behind that reading only the end is quicker. Clients are reset.
        Ok(Caught::Lost)
    }

    /// The archive's event with this seq.
    pub async fn archived(&self, seq: Seq) -> Result<Option<Event>> {
        let events = self.store.events_before(self.room, Some(seq.saturating_add(1)), 1).await?;
        Ok(events.into_iter().find(|event| event.seq == seq))
    }

    /// The archive's events after `after`, as many as a resume may have.
    pub async fn archived_after(&self, after: Seq) -> Result<Vec<Event>> {
        let (mut events, mut bytes) = (Vec::new(), 0);
        while events.len() < limits::RESUME_EVENTS {
            let last = events.last().map_or(after, |event: &Event| event.seq);
            // As many events as fit if their average length stays the same. The first page assumes the longest
            // messages.
            let fits = (RESUME_BYTES - bytes) * events.len() / bytes.max(1);
            let limit = fits.clamp(RESUME_LONGEST, RESUME_PAGE);
            let page = self.store.events_after(self.room, last, limit).await?;
            let is_last = page.len() < limit;
            for event in page {
                bytes += event.text().len() + reaction_bytes(&event);
                if bytes > RESUME_BYTES {
                    return Ok(events);
                }
                events.push(event);
            }
            if is_last {
                break;
            }
        }
        Ok(events)
    }

    /// The tail's events after the cursor, or the archive's if the room was preserved meanwhile. `None` if neither
    /// continues from the cursor.
    async fn tail_after(&self, at: Cursor) -> Result<Option<Vec<Event>>> {
        if let Some(tail) = self.bus.tail(self.room, at.head).await? {
            let continues =
                tail.epoch == at.epoch && tail.events.first().map_or(tail.head, |event| event.seq - 1) == at.head;
            match tail.sealed_by {
                None if continues => return Ok(Some(tail.events)),
                Some(_) if continues && tail.head > at.head => return Ok(Some(tail.events)),
                Some(ref by) if continues => self.finish_preserving(&tail, by.clone()).await?,
                _ => {}
            }
        }
        let archived = self.store.events_after(self.room, at.head, PAGE).await?;
        Ok((!archived.is_empty()).then_some(archived))
    }
}

fn behind() -> Outcome {
    stopped(Stop::Behind)
}

fn stopped(why: Stop) -> Outcome {
    Outcome { stored: 0, stopped: Some(why), settled: true }
}

#[cfg(test)]
mod tests;
