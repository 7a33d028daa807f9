//! Reads: how far the members of a live room have read, and which of that must still be sent or stored.
//!
//! Every node that has the room live has a cursor for each member. A cursor advances in two ways. A member's own
//! message moves it, which every node sees in the log. A member's report of having read arrives at one node, which
//! sends it to the others. Within an epoch a cursor never goes back.
//!
//! [`Reads`] does no I/O. Callers report what was read, and take what is due: marks for the connections here, cursors
//! for the other nodes, and cursors for the store. `live/read_cursors.rs` does the sending and storing.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
};

use crate::{
    protocol::{DepartedReader, Event, EventKind, MemberId, MemberView, ReadMark, Seq, limits::READ_MARK_MEMBERS},
    server::store::{AccountId, ActorId, MemberRecord, ReadCursor},
};

/// A place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub seq: Seq,
    /// The ordinal of the last message up to that seq.
    pub n: u64,
}

/// How far one member has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    seq: Seq,
    n: u64,
    /// The last seq up to which others may see that the member has read.
    shown: Seq,
    /// The "show my read position" setting of the member's newest connection to this node. `false` before the first
    /// one.
    shows: bool,
    /// The member's account. An account's lists of rooms are made from the store, so its cursor must be stored soon. A
    /// guest has no list, so a guest's cursor can wait.
    account: Option<AccountId>,
}

/// A member who has left, and the seq at which they did.
#[derive(Debug)]
struct Departed {
    left_at: Seq,
    reader: DepartedReader,
}

/// The cursors of all members, and which of them are still to be sent or stored.
#[derive(Debug, Default)]
pub struct Reads {
    readings: BTreeMap<MemberId, Reading>,
    /// The last members who showed how far they read and have left. What they have seen stays marked as seen.
    departed: VecDeque<Departed>,
    /// Members whose cursor moved on this node and may not be in the store.
    unkept: BTreeSet<MemberId>,
    /// Those members of `unkept` whose cursor goes into the next write to the store.
    due: BTreeSet<MemberId>,
    /// Members whose mark is not yet sent to the connections here.
    unsent: BTreeSet<MemberId>,
    /// Members whose cursor is not yet sent to the other nodes.
    unshared: BTreeSet<MemberId>,
    /// Whether a member has read further, here or elsewhere, since the last [`take_moved`](Self::take_moved).
    moved: bool,
}

impl Reading {
    fn at(place: Place) -> Self {
        Self { seq: place.seq, n: place.n, shown: 0, shows: false, account: None }
    }

    /// Moves the cursor forward. Returns whether it moved.
    fn advance(&mut self, to: Place) -> bool {
        let moves = to.seq > self.seq;
        if moves {
            self.seq = to.seq;
            self.n = self.n.max(to.n);
            self.shown = if self.shows { to.seq } else { self.shown };
        }
        moves
    }

    /// Merges what the store or another node knows. Each number becomes the larger one.
    fn merge(&mut self, seq: Seq, n: u64, shown: Seq) {
        self.seq = self.seq.max(seq);
        self.n = self.n.max(n);
        self.shown = self.shown.max(shown);
    }
}

impl Reads {
    /// Adds a member who is in the room by the log, when the room comes to life. A record that has read less far than
    /// `joined` is not up to date, so the cursor starts at `joined`. A record that has read beyond `head` is from
    /// before the log was lost, so the cursor starts at `head`.
    pub fn restore(&mut self, record: &MemberRecord, joined: Place, head: Place) {
        self.readings.insert(record.member, Reading::at(joined));
        self.merge_record(record, head);
    }

    /// Merges a record that was just read from the store, where another node may have stored more.
    pub fn merge_record(&mut self, record: &MemberRecord, head: Place) {
        let Some(reading) = self.readings.get_mut(&record.member) else { return };
        if record.read >= reading.seq {
            reading.merge(record.read.min(head.seq), record.read_n.min(head.n), 0);
        }
        reading.merge(0, 0, record.shown.min(head.seq));
        if let ActorId::Account(account) = record.actor {
            reading.account = Some(account);
            if self.unkept.contains(&record.member) {
                self.due.insert(record.member);
            }
        }
    }

    /// Takes over what was known before the log was opened anew, in the same epoch.
    pub fn go_on_from(&mut self, before: Self) {
        for (member, earlier) in before.readings {
            if let Some(reading) = self.readings.get_mut(&member) {
                reading.merge(earlier.seq, earlier.n, earlier.shown);
                reading.shows = earlier.shows;
                reading.account = reading.account.or(earlier.account);
            }
        }
        let still_here = |members: BTreeSet<MemberId>| {
            members.into_iter().filter(|member| self.readings.contains_key(member)).collect()
        };
        (self.unkept, self.due) = (still_here(before.unkept), still_here(before.due));
        (self.unsent, self.unshared) = (still_here(before.unsent), still_here(before.unshared));
        self.moved = before.moved;
    }

    /// Folds the next event of the log. The author of a message has read up to it, and so has a member who joins. No
    /// mark is sent for that, since everybody sees the event itself.
    pub fn fold(&mut self, event: &Event, last_n: u64) {
        match &event.kind {
            EventKind::Message(message) => self.spoke(message.author.id, Place { seq: event.seq, n: message.n }),
            EventKind::Joined { member } => {
                let joined = Place { seq: event.seq, n: last_n };
                self.readings.entry(member.id).or_insert_with(|| Reading::at(joined));
            }
            _ => {}
        }
    }

    /// The member's own message is at this place, so they have read up to it.
    pub fn spoke(&mut self, member: MemberId, at: Place) {
        if let Some(reading) = self.readings.get_mut(&member) {
            reading.advance(at);
        }
    }

    /// Notes that the cursor moved by an event is to be stored by this node, which appended the event.
    pub fn keep_for(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Message(message) => self.keep(message.author.id),
            EventKind::Joined { member } => self.keep(member.id),
            _ => {}
        }
    }

    fn keep(&mut self, member: MemberId) {
        self.unkept.insert(member);
        if self.readings.get(&member).is_some_and(|reading| reading.account.is_some()) {
            self.due.insert(member);
        }
    }

    /// Whether `seq` is further than the member has read.
    pub fn is_news(&self, member: MemberId, seq: Seq) -> bool {
        self.readings.get(&member).is_some_and(|reading| seq > reading.seq)
    }

    /// Notes that a member has read up to `to`, on a connection of this node.
    pub fn read(&mut self, member: MemberId, to: Place) {
        let Some(reading) = self.readings.get_mut(&member) else { return };
        if reading.advance(to) {
            if reading.shows {
                self.unsent.insert(member);
                self.unshared.insert(member);
            }
            self.moved = true;
            self.keep(member);
        }
    }

    /// Merges a cursor that another node sent. Returns whether it is further than this node knew.
    pub fn merge_remote(&mut self, cursor: ReadCursor) -> bool {
        let Some(reading) = self.readings.get_mut(&cursor.member) else { return false };
        let before = *reading;
        reading.merge(cursor.seq, cursor.n, cursor.shown);
        if reading.shown > before.shown {
            self.unsent.insert(cursor.member);
            self.moved = true;
        }
        reading.seq > before.seq
    }

    /// Notes whether a member shows how far they read, by the setting of the connection that has just subscribed.
    pub fn show(&mut self, member: MemberId, shows: bool) {
        let Some(reading) = self.readings.get_mut(&member) else { return };
        reading.shows = shows;
        if shows && reading.shown < reading.seq {
            reading.shown = reading.seq;
            self.keep(member);
        }
    }

    /// Notes that a member has no connection to this node left, so that their cursor is stored now.
    pub fn last_connection_closed(&mut self, member: MemberId) {
        if self.unkept.contains(&member) {
            self.due.insert(member);
        }
    }

    /// Merges the cursor of `from` into that of `to`, because the person continues as that member.
    pub fn hand_over(&mut self, from: MemberId, to: MemberId) {
        let Some(Reading { seq, n, shown, .. }) = self.readings.get(&from).copied() else { return };
        let Some(heir) = self.readings.get_mut(&to) else { return };
        heir.merge(seq, n, shown);
        self.moved = true;
        self.keep(to);
    }

    /// Removes a member who left with the event at `left_at`.
    pub fn leave(&mut self, member: MemberView, left_at: Seq) {
        for set in [&mut self.unkept, &mut self.due, &mut self.unsent, &mut self.unshared] {
            set.remove(&member.id);
        }
        if let Some(reading) = self.readings.remove(&member.id).filter(|reading| reading.shown > 0) {
            self.departed.push_back(Departed { left_at, reader: DepartedReader { member, seq: reading.shown } });
            let old = self.departed.len().saturating_sub(READ_MARK_MEMBERS);
            self.departed.drain(..old);
        }
    }

    /// How far a member has read.
    pub fn cursor(&self, member: MemberId) -> Option<ReadCursor> {
        let Reading { seq, n, shown, .. } = *self.readings.get(&member)?;
        Some(ReadCursor { member, seq, n, shown })
    }

    /// How far the other members have read, as far as they show it.
    pub fn marks_for(&self, member: MemberId, head: Seq) -> Vec<ReadMark> {
        let others = self.readings.iter().filter(|(id, reading)| **id != member && reading.shown > 0);
        others.map(|(id, reading)| ReadMark { member: *id, seq: reading.shown.min(head) }).collect()
    }

    /// The last read positions of the members who left after `seq`.
    pub fn departed_since(&self, seq: Seq) -> Vec<DepartedReader> {
        self.departed.iter().filter(|departed| departed.left_at > seq).map(|departed| departed.reader.clone()).collect()
    }

    /// Whether a member has read further since the last call. Their own messages do not count.
    pub fn take_moved(&mut self) -> bool {
        mem::take(&mut self.moved)
    }

    /// Whether every mark is sent to the connections here.
    pub fn is_all_sent(&self) -> bool {
        self.unsent.is_empty()
    }

    /// The marks for the connections here and the cursors for the other nodes. Afterwards they count as sent.
    pub fn take_unsent(&mut self) -> (Vec<ReadMark>, Vec<ReadCursor>) {
        let (unsent, unshared) = (mem::take(&mut self.unsent), mem::take(&mut self.unshared));
        let mark = |cursor: ReadCursor| ReadMark { member: cursor.member, seq: cursor.shown };
        let marks = unsent.into_iter().filter_map(|member| self.cursor(member)).map(mark).collect();
        (marks, unshared.into_iter().filter_map(|member| self.cursor(member)).collect())
    }

    /// Notes that the other nodes have this member's cursor.
    pub fn is_shared(&mut self, member: MemberId) {
        self.unshared.remove(&member);
    }

    /// Drops all marks and cursors that are to be sent.
    pub fn discard_unsent(&mut self) {
        self.unsent.clear();
        self.unshared.clear();
    }

    /// Makes everything that may not be in the store due for the next write.
    pub fn all_are_due(&mut self) {
        self.due.clone_from(&self.unkept);
    }

    /// The cursors to store, each with the member's account. Afterwards they count as stored.
    pub fn take_due(&mut self) -> Vec<(ReadCursor, Option<AccountId>)> {
        let due = mem::take(&mut self.due);
        self.unkept.retain(|member| !due.contains(member));
        let owner = |member: MemberId| self.readings.get(&member).and_then(|reading| reading.account);
        due.into_iter().filter_map(|member| Some((self.cursor(member)?, owner(member)))).collect()
    }

    /// Makes the cursors of these members due again, because their write failed.
    pub fn retry_store(&mut self, members: &[MemberId]) {
        let still_here = members.iter().filter(|member| self.readings.contains_key(member));
        let still_here: Vec<MemberId> = still_here.copied().collect();
        self.unkept.extend(&still_here);
        self.due.extend(&still_here);
    }

    /// Whether everything is in the store.
    pub fn is_kept(&self) -> bool {
        self.unkept.is_empty()
    }
}

#[cfg(test)]
mod tests;
