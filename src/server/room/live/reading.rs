//! How far members have read: heard from their connections, told to whoever may know, and stored behind.
//!
//! Nothing of it stands in the way of a message. What moves is told together, at most once a second, and stored together, at
//! most four times a second; only the other connections of the same member hear of it at once.

use std::pin::Pin;

use tokio::time::{Instant, sleep_until, timeout};

use super::{
    super::{packet::News, reads::Place},
    Discretion, LOG_DEADLINE, Live, READS_KEPT_PAUSE, READS_TOLD_PAUSE,
};
use crate::{
    protocol::{DepartedReader, Epoch, MemberId, ReadMark, Seq, Signal, limits},
    server::{socket::ConnectionId, store::ReadCursor},
};

/// Cursors on their way into the store, and the pause after it. Gives those that did not arrive.
pub(super) type Keeping = Pin<Box<dyn Future<Output = Vec<MemberId>> + Send>>;

impl Live {
    pub(super) fn place_at(&self, seq: Seq) -> Place {
        Place { seq, n: self.window.ordinal_at(seq, self.state.head, self.state.last_n) }
    }

    pub(super) fn head_place(&self) -> Place {
        Place { seq: self.state.head, n: self.state.last_n }
    }

    /// Somebody says on a connection that they have read up to there. What goes back, or beyond the head, changes nothing.
    pub(super) fn read(&mut self, id: ConnectionId, seq: Seq) {
        let Some(member) = self.subscribers.get(&id).map(|subscriber| subscriber.member) else { return };
        if seq > self.state.head || !self.reads.is_news(member, seq) {
            return;
        }
        self.reads.read(member, self.place_at(seq));
        self.tell_own(member, seq, Some(id));
        if self.others.values().any(|(_, connected)| connected.contains(&member)) {
            self.share_reads(self.reads.cursor(member).into_iter().collect());
            self.reads.is_shared(member);
        }
    }

    /// Another node tells how far members have read.
    pub(super) fn hear_reads(&mut self, epoch: Epoch, cursors: Vec<ReadCursor>) {
        if epoch != self.epoch {
            return;
        }
        for cursor in cursors {
            if self.reads.hear(cursor) {
                self.tell_own(cursor.member, cursor.seq, None);
            }
        }
    }

    /// These members have a connection to another node now: what was read here before that was known, it may have missed.
    pub(super) fn share_reads_of(&self, arrived: &[MemberId]) {
        let both = arrived.iter().filter(|member| self.here.contains_key(member));
        self.share_reads(both.filter_map(|member| self.reads.cursor(*member)).collect());
    }

    fn share_reads(&self, cursors: Vec<ReadCursor>) {
        if !cursors.is_empty() {
            self.tell(News::Reads { epoch: self.epoch, cursors });
        }
    }

    /// Tells the other connections of a member here, whatever the size of the room and whatever they show to others.
    fn tell_own(&mut self, member: MemberId, seq: Seq, except: Option<ConnectionId>) {
        let connections = self.here.get(&member).copied().unwrap_or(0);
        if connections > usize::from(except.is_some()) {
            let signal = Signal::Read { marks: vec![ReadMark { member, seq }] };
            self.signal(signal, |subscriber| subscriber.member == member && Some(subscriber.connection.id()) != except);
        }
    }

    /// Tells those who show what they read what others have read who show it too, unless that was told a moment ago: then it
    /// waits for the tick. Large rooms are silent.
    pub(super) fn tell_reads(&mut self) {
        if self.reads.is_told() || self.reads_told_at.is_some_and(|at| at.elapsed() < READS_TOLD_PAUSE) {
            return;
        }
        if !self.tells_reads() {
            return self.reads.silence();
        }
        let (marks, cursors) = self.reads.take_untold();
        self.reads_told_at = Some(Instant::now());
        self.share_reads(cursors);
        // Nobody is told of themselves alone.
        let alone = match marks.as_slice() {
            [mark] => Some(mark.member),
            _ => None,
        };
        self.signal(Signal::Read { marks }, |subscriber| {
            subscriber.discretion.shows_read && Some(subscriber.member) != alone
        });
    }

    fn tells_reads(&self) -> bool {
        self.state.members.len() <= limits::READ_MARK_MEMBERS
    }

    /// What a member is told of the others when they come.
    pub(super) fn reads_for(&self, member: MemberId, discretion: Discretion) -> Vec<ReadMark> {
        if self.tells_reads() && discretion.shows_read {
            self.reads.marks_for(member, self.state.head)
        } else {
            Vec::new()
        }
    }

    /// How far those had read who have left while a member was in the room.
    pub(super) fn departed_for(&self, member: MemberId, discretion: Discretion) -> Vec<DepartedReader> {
        match self.state.members.get(&member) {
            Some(asker) if self.tells_reads() && discretion.shows_read => self.reads.departed_since(asker.since),
            _ => Vec::new(),
        }
    }

    /// How far a member has read.
    pub(super) fn read_of(&self, member: MemberId) -> Seq {
        self.reads.cursor(member).map_or(0, |cursor| cursor.seq.min(self.state.head))
    }

    /// How many messages a member has not read.
    pub(super) fn unread_of(&self, member: MemberId) -> u64 {
        self.reads.cursor(member).map_or(0, |cursor| self.state.last_n.saturating_sub(cursor.n))
    }

    /// What moved is told and stored, unless that was done a moment ago: then it waits.
    pub(super) fn follow_up_reads(&mut self) {
        if self.reads.take_moved() {
            self.tell_reads();
            self.keep_reads();
        }
    }

    /// Starts to store what is due. One write at a time, and a pause: what moves meanwhile goes with the next.
    pub(super) fn keep_reads(&mut self) {
        if self.keeping.is_some() {
            return;
        }
        let due = self.reads.take_due();
        if due.is_empty() {
            return;
        }
        let next = Instant::now() + READS_KEPT_PAUSE;
        let (engine, room) = (self.engine.clone(), self.record.id);
        self.keeping = Some(Box::pin(async move {
            let cursors: Vec<ReadCursor> = due.iter().map(|(cursor, _)| *cursor).collect();
            let stored = timeout(LOG_DEADLINE, engine.store().mark_read(room, &cursors)).await;
            let is_stored = matches!(stored, Ok(Ok(())));
            if is_stored {
                for account in due.iter().filter_map(|(_, account)| *account) {
                    engine.own_state_changed(account);
                }
            } else {
                tracing::debug!(%room, "how far members have read was not stored; it is tried again");
            }
            sleep_until(next).await;
            if is_stored { Vec::new() } else { cursors.iter().map(|cursor| cursor.member).collect() }
        }));
    }

    /// The task ends: what is left is stored, or it is said that it was not.
    pub(super) async fn keep_last_reads(&mut self) {
        let mut failed = match self.keeping.take() {
            Some(keeping) => keeping.await,
            None => Vec::new(),
        };
        if failed.is_empty() {
            self.reads.all_are_due();
            self.keep_reads();
            if let Some(keeping) = self.keeping.take() {
                failed = keeping.await;
            }
        }
        if !failed.is_empty() {
            tracing::warn!(room = %self.record.id, "how far members have read was not stored, and is lost");
        }
    }
}
