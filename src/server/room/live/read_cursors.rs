//! How far members have read: reported by connections, sent to the members and nodes concerned, and stored in the
//! background.
//!
//! None of this delays a message. Read marks are collected and sent at most once a second. Cursors are collected and
//! stored at most four times a second. Only the other connections of the same member get a mark at once.

use std::{pin::Pin, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};

use super::{
    super::{packet::News, request::Discretion},
    Live,
    pace::LOG_DEADLINE,
};
use crate::{
    protocol::{DepartedReader, Epoch, MemberId, ReadMark, Seq, Signal, limits},
    server::{socket::ConnectionId, store::ReadCursor},
};

/// Pause between two times that a room sends how far its members have read.
const SENT_PAUSE: Duration = Duration::from_secs(1);
/// Pause between two writes of read cursors to the store. Lists of rooms are made from the stored cursors, and must
/// show within a second what was read on another device. The rest of that second is for the pauses of the list keepers.
const STORED_PAUSE: Duration = Duration::from_millis(250);

/// A write of cursors to the store, and the pause after it. Returns the members whose cursors were not stored.
pub(super) type Keeping = Pin<Box<dyn Future<Output = Vec<MemberId>> + Send>>;

impl Live {
    /// Handles a connection's report that its member has read up to `seq`. A seq that is not news, or beyond the head,
    /// is ignored.
    pub(super) fn read(&mut self, id: ConnectionId, seq: Seq) {
        let Some(member) = self.subscribers.get(id).map(|subscriber| subscriber.member) else { return };
        if seq > self.folded.state.head || !self.reads.is_news(member, seq) {
            return;
        }
        self.reads.read(member, self.folded.place_at(seq));
        self.signal_own_connections(member, seq, Some(id));
        if self.presence.is_elsewhere(member) {
            self.share_reads(self.reads.cursor(member).into_iter().collect());
            self.reads.is_shared(member);
        }
    }

    /// Merges the cursors that another node sent.
    pub(super) fn merge_remote_reads(&mut self, epoch: Epoch, cursors: Vec<ReadCursor>) {
        if epoch != self.folded.epoch {
            return;
        }
        for cursor in cursors {
            if self.reads.merge_remote(cursor) {
                self.signal_own_connections(cursor.member, cursor.seq, None);
            }
        }
    }

    /// Sends the other nodes the cursors of members who have just connected to one of them. That node may have missed
    /// what these members read here before.
    pub(super) fn share_reads_of(&self, arrived: &[MemberId]) {
        let both = arrived.iter().filter(|member| self.subscribers.connections_of(**member) > 0);
        self.share_reads(both.filter_map(|member| self.reads.cursor(*member)).collect());
    }

    fn share_reads(&self, cursors: Vec<ReadCursor>) {
        if !cursors.is_empty() {
            self.publish(News::Reads { epoch: self.folded.epoch, cursors });
        }
    }

    /// Sends a mark to the other connections of the member here, whatever the room's size and the member's preferences.
    fn signal_own_connections(&mut self, member: MemberId, seq: Seq, except: Option<ConnectionId>) {
        let connections = self.subscribers.connections_of(member);
        if connections > usize::from(except.is_some()) {
            let signal = Signal::Read { marks: vec![ReadMark { member, seq }] };
            self.signal(signal, |subscriber| subscriber.member == member && Some(subscriber.connection.id()) != except);
        }
    }

    /// Sends new read marks to the connections whose members show theirs. If marks were sent less than a pause ago, the
    /// new ones wait for the tick. In a large room no marks are sent.
    pub(super) fn signal_reads(&mut self) {
        if self.reads.is_all_sent() || self.reads_sent_at.is_some_and(|at| at.elapsed() < SENT_PAUSE) {
            return;
        }
        if !self.sends_read_marks() {
            return self.reads.discard_unsent();
        }
        let (marks, cursors) = self.reads.take_unsent();
        self.reads_sent_at = Some(Instant::now());
        self.share_reads(cursors);
        // If only one member has read further, that member gets no mark.
        let alone = match marks.as_slice() {
            [mark] => Some(mark.member),
            _ => None,
        };
        self.signal(Signal::Read { marks }, |subscriber| {
            subscriber.discretion.shows_read && Some(subscriber.member) != alone
        });
    }

    /// Whether the room is small enough to send read marks.
    fn sends_read_marks(&self) -> bool {
        self.folded.state.members.len() <= limits::READ_MARK_MEMBERS
    }

    /// The read marks of the others, for a member who subscribes.
    pub(super) fn reads_for(&self, member: MemberId, discretion: Discretion) -> Vec<ReadMark> {
        if self.sends_read_marks() && discretion.shows_read {
            self.reads.marks_for(member, self.folded.state.head)
        } else {
            Vec::new()
        }
    }

    /// The last read positions of the members who left while this member was in the room.
    pub(super) fn departed_for(&self, member: MemberId, discretion: Discretion) -> Vec<DepartedReader> {
        match self.folded.state.members.get(&member) {
            Some(asker) if self.sends_read_marks() && discretion.shows_read => self.reads.departed_since(asker.since),
            _ => Vec::new(),
        }
    }

    /// The seq up to which a member has read.
    pub(super) fn read_of(&self, member: MemberId) -> Seq {
        self.reads.cursor(member).map_or(0, |cursor| cursor.seq.min(self.folded.state.head))
    }

    /// The number of messages that a member has not read.
    pub(super) fn unread_of(&self, member: MemberId) -> u64 {
        let unread = |n| self.folded.state.last_n.saturating_sub(n).saturating_sub(self.folded.gone.after(n));
        self.reads.cursor(member).map_or(0, |cursor| unread(cursor.n))
    }

    /// Sends and stores cursors that have moved. If that was done less than a pause ago, they wait.
    pub(super) fn follow_up_reads(&mut self) {
        if self.reads.take_moved() {
            self.signal_reads();
            self.keep_reads();
        }
    }

    /// Starts to store the due cursors. One write runs at a time, with a pause after it; cursors that move meanwhile go
    /// into the next one.
    pub(super) fn keep_reads(&mut self) {
        if self.keeping.is_some() {
            return;
        }
        let due = self.reads.take_due();
        if due.is_empty() {
            return;
        }
        let next = Instant::now() + STORED_PAUSE;
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

    /// Stores the remaining cursors when the task ends, and logs a warning if that fails.
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
