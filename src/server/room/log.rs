//! A room's log, wherever it is kept: the archive while the room is preserved, the tail while it is not. Both are
//! sequencers of the same kind: an append names the seqs it wants, and exactly one writer gets them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::timeout;

use super::judge::retention_after;
use crate::{
    protocol::{Code, Epoch, Event, EventKind, Person, Problem, Retention, Seq, limits},
    server::{
        bus::{Bus, BusError, Tail, TailAppended},
        clock, random,
        store::{Earlier, Head, Joining, MemberRecord, RoomId, RoomRecord, Stopped, Store, StoreError},
    },
};

/// Events read at once while catching up.
const PAGE: usize = 500;
/// Events read when a preserved room comes to life.
const RECENT: usize = 200;
/// How long the opening of a preserved room waits for what its tail may still have.
const TAIL_PATIENCE: Duration = Duration::from_millis(300);
/// Tries to find a log at rest between changes of retention; each further one means another change came in between.
const TRIES: usize = 8;

/// Where a node stands in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which life of the log.
    pub epoch: Epoch,
    /// The last seq known.
    pub head: Seq,
    /// The last message's ordinal.
    pub n: u64,
    /// What the log is kept in from here on.
    pub retention: Retention,
}

/// A log as found when its room comes to life on a node.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The room.
    pub record: RoomRecord,
    /// Where its log ends.
    pub cursor: Cursor,
    /// Its last events.
    pub recent: Vec<Event>,
    /// From which seq on the recent events are archived.
    pub kept_from: Seq,
    /// Whether anything is archived.
    pub has_archive: bool,
    /// Its members, and those who owe the log a notice; read after the log's end was, so that nobody is missed.
    pub members: Vec<MemberRecord>,
}

/// The end of a log.
struct Found {
    cursor: Cursor,
    recent: Vec<Event>,
    kept_from: Seq,
}

/// How far an append came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How many events are in the log now: a prefix of those given.
    pub stored: usize,
    /// Why the rest is not.
    pub stopped: Option<Stop>,
    /// Whether the records of those whom the events are about owed them, and so said the same.
    pub settled: bool,
}

/// Why an append stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody else was first: catch up and judge again.
    Behind,
    /// A message is in the log already.
    IdTaken(Earlier),
}

/// What a node had missed.
#[derive(Clone, Debug)]
pub enum Caught {
    /// These events, in order, without holes.
    Up(Vec<Event>),
    /// The log cannot be continued from the cursor (its tail was lost, or ran away): open it anew.
    Lost,
}

/// Why a log cannot be used now.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// There is no such room (any more).
    #[error("the room is gone")]
    Gone,
    /// The store failed.
    #[error("store: {0:#}")]
    Store(anyhow::Error),
    /// The bus failed.
    #[error("bus: {0:#}")]
    Bus(anyhow::Error),
}

impl From<StoreError> for LogError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::Gone,
            StoreError::Conflict(conflict) => Self::Store(anyhow::anyhow!("unexpected conflict: {conflict:?}")),
            StoreError::Other(cause) => Self::Store(cause),
        }
    }
}

impl From<BusError> for LogError {
    fn from(BusError(cause): BusError) -> Self {
        Self::Bus(cause)
    }
}

impl LogError {
    /// What clients are told.
    pub fn problem(&self) -> Problem {
        let passing = |code, detail| Problem { retry_after_ms: Some(1_000), ..Problem::new(code, detail) };
        match self {
            Self::Gone => Problem::room_unavailable(),
            Self::Store(_) => passing(
                Code::StoreUnavailable,
                "The server can’t reach its store right now. Nothing was lost; it is tried again.",
            ),
            Self::Bus(_) => passing(
                Code::BusUnavailable,
                "The servers can’t reach each other right now, and this room keeps nothing. It is tried again.",
            ),
        }
    }
}

/// One room's log.
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

    /// Finds where the log ends, and what it needs to be continued. `known` is where this node stood before, if it did.
    pub async fn open(&self, known: Option<Cursor>) -> Result<Opened> {
        for _ in 0..TRIES {
            let record = self.store.room(self.room).await?;
            let archived = self.store.head(self.room).await?;
            let found = match record.retention {
                Retention::Preserved => self.open_archive(&record, archived).await?,
                Retention::Ephemeral => self.open_tail(archived, known).await?,
            };
            if let Some(Found { cursor, recent, kept_from }) = found {
                let members = self.store.members(self.room).await?;
                return Ok(Opened { record, cursor, recent, kept_from, has_archive: archived.seq > 0, members });
            }
        }
        Err(LogError::Store(anyhow::anyhow!("the room’s retention changed {TRIES} times while it was opened")))
    }

    async fn open_archive(&self, record: &RoomRecord, archived: Head) -> Result<Option<Found>> {
        let mut recent = self.store.events_before(self.room, Some(archived.seq + 1), RECENT).await?;
        recent.reverse();
        if recent.last().and_then(retention_after) == Some(Retention::Ephemeral) {
            return Ok(None);
        }
        // Not archived, but still in the tail: what was said before preserve was turned on. Its ids are known there only.
        let kept_from = recent.first().map_or(1, |event| event.seq);
        let tail = timeout(TAIL_PATIENCE, self.bus.tail(self.room, 0)).await;
        if let Ok(Ok(Some(tail))) = tail
            && tail.epoch == record.epoch
            && tail.head + 1 == kept_from
        {
            recent.splice(0..0, tail.events);
        }
        let cursor = Cursor { epoch: record.epoch, head: archived.seq, n: archived.n, retention: Retention::Preserved };
        Ok(Some(Found { cursor, recent, kept_from }))
    }

    async fn open_tail(&self, archived: Head, known: Option<Cursor>) -> Result<Option<Found>> {
        // If the tail was lost, its successor must not give out seqs again that lie before a member's joining: their record
        // would hide what is said there from them.
        let members = self.store.members(self.room).await?;
        let head = members.iter().map(|member| member.since).max().unwrap_or(0).max(archived.seq);
        let tail = self.bus.open_tail(self.room, random::epoch(), head, archived.n, 0).await?;
        if known.is_some_and(|known| known.epoch == tail.epoch && tail.head < known.head) {
            // It came back older than it was, so its next seqs were given out before: it cannot go on in this epoch.
            self.bus.drop_tail(self.room, tail.epoch, tail.head).await?;
            return Ok(None);
        }
        if let Some(by) = tail.sealed_by.clone() {
            self.finish_preserving(&tail, by).await?;
            return Ok(None);
        }
        if members.iter().any(|member| member.read > tail.head || member.read_n > tail.n) {
            // These records were read before the tail was: it is another than the one that they are about.
            self.store.take_back_reads(self.room, tail.head, tail.n).await?;
        }
        let cursor = Cursor { epoch: tail.epoch, head: tail.head, n: tail.n, retention: Retention::Ephemeral };
        Ok(Some(Found { cursor, recent: tail.events, kept_from: Seq::MAX }))
    }

    /// Archives the event that a sealed tail announces, for a node that died between the two.
    async fn finish_preserving(&self, tail: &Tail, by: Person) -> Result<()> {
        let kind = EventKind::RetentionChanged { retention: Retention::Preserved, by, n: tail.n };
        self.store.append(self.room, tail.epoch, &[Event { seq: tail.head + 1, at: clock::now(), kind }]).await?;
        Ok(())
    }

    /// Appends a batch that was judged at `cursor`, and people come in with it, if it goes into the archive. In the tail,
    /// `packet` goes out with it; for the archive the caller publishes.
    pub async fn append(
        &self,
        cursor: Cursor,
        events: &[Event],
        entering: &[Joining],
        packet: Bytes,
    ) -> Result<Outcome> {
        let change = events.first().and_then(|event| Some((retention_after(event)?, event)));
        match (cursor.retention, change) {
            (Retention::Ephemeral, Some((Retention::Preserved, event))) => {
                let EventKind::RetentionChanged { by, .. } = &event.kind else { return Ok(behind()) };
                match self.bus.seal_tail(self.room, cursor.epoch, cursor.head, by).await? {
                    TailAppended::Done | TailAppended::Sealed => self.archive(cursor.epoch, events, &[]).await,
                    _ => Ok(behind()),
                }
            }
            (Retention::Ephemeral, _) => self.append_to_tail(cursor.epoch, events, packet).await,
            (Retention::Preserved, Some((Retention::Ephemeral, event))) => {
                let outcome = self.archive(cursor.epoch, events, &[]).await?;
                if outcome.stored > 0 {
                    // If this fails, the next append finds no tail and opens one in a new epoch: a reset, never a gap.
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

    async fn archive(&self, epoch: Epoch, events: &[Event], entering: &[Joining]) -> Result<Outcome> {
        let appended = self.store.append_entering(self.room, epoch, events, entering).await?;
        let stopped = appended.stopped.map(|stopped| match stopped {
            Stopped::SeqTaken => Stop::Behind,
            Stopped::IdTaken(earlier) => Stop::IdTaken(earlier),
        });
        Ok(Outcome { stored: appended.stored, stopped, settled: appended.settled })
    }

    async fn append_to_tail(&self, epoch: Epoch, events: &[Event], packet: Bytes) -> Result<Outcome> {
        match self.bus.append_tail(self.room, epoch, events, packet).await? {
            TailAppended::Done => {
                let settled = self.settle(epoch, events).await;
                Ok(Outcome { stored: events.len(), stopped: None, settled })
            }
            TailAppended::IdTaken(earlier) => Ok(stopped(Stop::IdTaken(earlier))),
            TailAppended::Stale | TailAppended::Sealed | TailAppended::Lost => Ok(behind()),
        }
    }

    /// Notes in the records what the log has been told; says whether they owed it. If that fails, the records go on owing
    /// it, and whoever sweeps them next finds it in the log.
    pub async fn settle(&self, epoch: Epoch, events: &[Event]) -> bool {
        let with_effect: Vec<Event> = events.iter().filter(|event| event.message().is_none()).cloned().collect();
        if with_effect.is_empty() {
            return true;
        }
        self.store.project(self.room, epoch, &with_effect).await.unwrap_or_else(|error| {
            tracing::warn!(room = %self.room, %error, "records not settled yet");
            false
        })
    }

    /// Reads what was missed since `cursor`.
    ///
    /// After a failure an append may still be on its way: the store is asked behind it, so that it is seen here or not at all.
    pub async fn catch_up(&self, cursor: Cursor, after_failure: bool) -> Result<Caught> {
        if after_failure {
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
        // So far behind that reading the end is quicker, and clients are told.
        Ok(Caught::Lost)
    }

    /// The archive's events after `after`, as many as a resume may need and one more.
    pub async fn archived_after(&self, after: Seq) -> Result<Vec<Event>> {
        Ok(self.store.events_after(self.room, after, limits::RESUME_EVENTS + 1).await?)
    }

    /// The tail's events after the cursor, or the archive's if the room was preserved meanwhile; `None` if neither goes on
    /// from there.
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
