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
    /// The seq.
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
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        protocol::{ClientId, Message, MessageBody, Nickname, Person},
        server::store::{GuestId, Presence, RoomId},
    };

    const NOBODY: [u64; 0] = [];
    const HEAD: Place = Place { seq: 10, n: 6 };

    fn id(bits: u64) -> MemberId {
        MemberId::from_bits(bits)
    }

    fn person(bits: u64) -> Person {
        Person { id: id(bits), name: Nickname::try_from("Ada").unwrap() }
    }

    fn view(bits: u64) -> MemberView {
        MemberView { id: id(bits), name: person(bits).name, since: 2 }
    }

    fn record(bits: u64, actor: ActorId, read: Seq) -> MemberRecord {
        MemberRecord {
            room: RoomId(Uuid::nil()),
            member: id(bits),
            actor,
            name: person(bits).name,
            presence: Presence::Active,
            slot: None,
            since: 2,
            stay: 0,
            owed: None,
            changed_at: 0,
            read,
            read_n: read / 2,
            shown: read,
            muted: false,
            also: Vec::new(),
        }
    }

    fn guest(bits: u64, read: Seq) -> MemberRecord {
        record(bits, ActorId::Guest(GuestId(Uuid::from_u128(bits.into()))), read)
    }

    fn account(bits: u64, read: Seq) -> MemberRecord {
        record(bits, ActorId::Account(AccountId(Uuid::from_u128(bits.into()))), read)
    }

    fn reads_of(records: &[MemberRecord]) -> Reads {
        let mut reads = Reads::default();
        for record in records {
            reads.restore(record, Place { seq: 2, n: 0 }, HEAD);
        }
        reads
    }

    fn said(seq: Seq, n: u64, author: u64) -> Event {
        let (author, body) = (person(author), MessageBody::try_from("Hello").unwrap());
        let message = Message { n, id: ClientId::new(Uuid::nil()), author, body };
        Event { seq, at: 0, kind: EventKind::Message(message) }
    }

    fn at(reads: &Reads, bits: u64) -> (Seq, u64, Seq) {
        let cursor = reads.cursor(id(bits)).unwrap();
        (cursor.seq, cursor.n, cursor.shown)
    }

    fn due(reads: &mut Reads) -> Vec<u64> {
        reads.take_due().into_iter().map(|(cursor, _)| cursor.member.get()).collect()
    }

    #[test]
    fn a_record_that_knows_less_than_the_log_or_more_than_it_does_not_mislead() {
        let reads = reads_of(&[guest(1, 0), guest(2, 8), guest(3, 500)]);
        assert_eq!(at(&reads, 1), (2, 0, 0), "nothing is known yet: from the joining on");
        assert_eq!(at(&reads, 2), (8, 4, 8));
        assert_eq!(at(&reads, 3), (10, 6, 10), "from before the log was lost");
    }

    #[test]
    fn a_cursor_goes_forward_only() {
        let mut reads = reads_of(&[guest(1, 8)]);
        for (seq, n) in [(8, 9), (3, 9), (0, 0)] {
            assert!(!reads.is_news(id(1), seq));
            reads.read(id(1), Place { seq, n });
        }
        assert_eq!(at(&reads, 1), (8, 4, 8));
        assert!(reads.is_kept() && reads.is_all_sent());
        reads.read(id(1), Place { seq: 9, n: 5 });
        assert_eq!(at(&reads, 1), (9, 5, 8));
    }

    #[test]
    fn who_says_something_or_joins_has_read_up_to_it() {
        let mut reads = reads_of(&[guest(1, 4)]);
        reads.fold(&said(11, 7, 1), 6);
        assert_eq!(at(&reads, 1), (11, 7, 4));
        let joined = |seq| Event { seq, at: 0, kind: EventKind::Joined { member: person(2) } };
        reads.fold(&joined(12), 7);
        assert_eq!(at(&reads, 2), (12, 7, 0));
        reads.fold(&said(13, 8, 1), 7);
        reads.fold(&joined(14), 8);
        assert_eq!(at(&reads, 2), (12, 7, 0), "who is in already joins by no second notice");
        assert!(reads.is_all_sent(), "the events say it");
        reads.leave(view(2), 15);
        assert_eq!(reads.cursor(id(2)), None);
        assert_eq!(reads.departed_since(0), [], "they did not show it");
    }

    #[test]
    fn the_others_hear_of_who_shows_it_only() {
        let mut reads = reads_of(&[guest(1, 2), account(2, 2)]);
        reads.show(id(1), true);
        reads.show(id(2), false);
        for member in [id(1), id(2)] {
            reads.read(member, Place { seq: 5, n: 1 });
        }
        assert!(reads.take_moved() && !reads.take_moved());
        let (marks, cursors) = reads.take_unsent();
        assert_eq!(marks, [ReadMark { member: id(1), seq: 5 }]);
        assert_eq!(cursors, [ReadCursor { member: id(1), seq: 5, n: 1, shown: 5 }]);
        assert_eq!(reads.take_unsent(), (vec![], vec![]));
        reads.fold(&said(11, 7, 2), 6);
        assert!(!reads.take_moved());
        assert_eq!(at(&reads, 2), (11, 7, 2), "what was seen stays seen, and goes no further");
        assert_eq!(reads.marks_for(id(1), 11), [ReadMark { member: id(2), seq: 2 }]);
        reads.show(id(2), true);
        assert_eq!(reads.marks_for(id(1), 11), [ReadMark { member: id(2), seq: 11 }]);
        assert_eq!(reads.marks_for(id(2), 11), [ReadMark { member: id(1), seq: 5 }], "not one’s own");
    }

    #[test]
    fn what_another_node_tells_is_told_on_here_and_stored_there() {
        let mut reads = reads_of(&[account(1, 2), account(2, 2)]);
        let cursor = |bits, seq, shown| ReadCursor { member: id(bits), seq, n: seq / 2, shown };
        assert!(reads.merge_remote(cursor(1, 6, 6)));
        assert!(reads.merge_remote(cursor(2, 7, 0)), "hidden, but one’s own other devices hear of it");
        assert!(
            !reads.merge_remote(cursor(1, 6, 6))
                && !reads.merge_remote(cursor(1, 4, 4))
                && !reads.merge_remote(cursor(9, 9, 9))
        );
        assert_eq!(reads.take_unsent(), (vec![ReadMark { member: id(1), seq: 6 }], vec![]));
        assert!(reads.is_kept());
        assert_eq!((at(&reads, 1), at(&reads, 2)), ((6, 3, 6), (7, 3, 2)));
    }

    #[test]
    fn accounts_are_stored_soon_and_guests_when_they_part() {
        let mut reads = reads_of(&[guest(1, 2), account(2, 2)]);
        for member in [id(1), id(2)] {
            reads.read(member, Place { seq: 5, n: 1 });
        }
        assert_eq!(due(&mut reads), [2]);
        assert_eq!(due(&mut reads), NOBODY, "once is enough");
        reads.last_connection_closed(id(2));
        reads.last_connection_closed(id(1));
        assert_eq!(due(&mut reads), [1]);
        assert!(reads.is_kept());
        reads.read(id(1), Place { seq: 6, n: 2 });
        assert_eq!(due(&mut reads), NOBODY);
        reads.all_are_due();
        assert_eq!(due(&mut reads), [1], "whatever it is, when the room goes");
    }

    #[test]
    fn what_was_not_stored_is_tried_again_as_it_is_by_then() {
        let mut reads = reads_of(&[account(1, 2), account(2, 2)]);
        reads.read(id(1), Place { seq: 5, n: 1 });
        reads.read(id(2), Place { seq: 5, n: 1 });
        assert_eq!(due(&mut reads), [1, 2]);
        reads.read(id(1), Place { seq: 7, n: 3 });
        reads.leave(view(2), 8);
        reads.retry_store(&[id(1), id(2)]);
        let (cursor, owner) = reads.take_due().pop().unwrap();
        assert_eq!((cursor.seq, owner), (7, Some(AccountId(Uuid::from_u128(1)))));
        assert!(reads.is_kept(), "who left has nothing to keep");
    }

    #[test]
    fn a_newcomer_is_stored_once_it_is_known_that_they_have_an_account() {
        let mut reads = reads_of(&[]);
        let joined = Event { seq: 11, at: 0, kind: EventKind::Joined { member: person(1) } };
        reads.keep_for(&joined);
        reads.fold(&joined, 6);
        assert_eq!(due(&mut reads), NOBODY);
        reads.merge_record(&MemberRecord { read: 0, shown: 0, ..account(1, 0) }, Place { seq: 11, n: 6 });
        assert_eq!(due(&mut reads), [1]);
        reads.keep_for(&said(12, 7, 1));
        reads.fold(&said(12, 7, 1), 6);
        assert_eq!(reads.take_due()[0].0, ReadCursor { member: id(1), seq: 12, n: 7, shown: 0 });
    }

    #[test]
    fn who_has_left_has_still_read_what_they_had_read() {
        let mut reads = reads_of(&[guest(1, 2), guest(2, 2)]);
        reads.show(id(2), true);
        reads.read(id(2), Place { seq: 7, n: 3 });
        reads.leave(view(2), 12);
        let departed = [DepartedReader { member: view(2), seq: 7 }];
        assert_eq!(reads.departed_since(11), departed);
        assert_eq!(reads.departed_since(12), [], "nobody hears of those who had left before they came");
        for n in 0..READ_MARK_MEMBERS as u64 {
            reads.readings.insert(id(100 + n), Reading { shown: 1, ..Reading::at(Place { seq: 1, n: 1 }) });
            reads.leave(view(100 + n), 13 + n);
        }
        assert_eq!(reads.departed_since(0).len(), READ_MARK_MEMBERS);
        assert!(!reads.departed_since(0).contains(&departed[0]), "only the last are remembered");
    }

    #[test]
    fn reading_the_log_anew_in_its_epoch_forgets_nothing() {
        let mut reads = reads_of(&[guest(1, 2), guest(2, 2), account(3, 2)]);
        for member in [id(1), id(2), id(3)] {
            reads.show(member, true);
            reads.read(member, Place { seq: 9, n: 5 });
        }
        let mut anew = reads_of(&[guest(1, 2), account(3, 4)]);
        anew.go_on_from(reads);
        assert_eq!((at(&anew, 1), at(&anew, 3)), ((9, 5, 9), (9, 5, 9)));
        let (marks, cursors) = anew.take_unsent();
        assert_eq!((marks.len(), cursors.len()), (2, 2));
        assert_eq!(due(&mut anew), [3]);
        anew.all_are_due();
        assert_eq!(due(&mut anew), [1], "and nobody who has gone meanwhile");
    }
}
