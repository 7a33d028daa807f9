//! The room as folded from its log: the state, the last events, and where the rest of the log is.
//!
//! `Folded` also answers what follows from these alone: whether a record's member is in the room by the log, since
//! when, and which events the member may see.
//!
//! Not here: reading the log (`operation`), and sending what was folded (`delivering`).

use litemap::LiteMap;

use serde_json::value::RawValue;

use super::super::{
    entry::Entry,
    frames::Roster,
    judge::retention_after,
    log::Cursor,
    reads::Place,
    sight::Sight,
    window::{Visible, Window},
};
use crate::{
    protocol::{
        Applied, Epoch, Event, EventKind, Member, MemberId, MemberView, Person, Retention, RoomState, RoomType, Seq,
    },
    server::{
        store::{Gone, MemberRecord, Owed, Presence, RoomRecord},
        text,
    },
};

/// The state, the last events, and what is known of the rest of the log.
pub struct Folded {
    /// The epoch of the log.
    pub epoch: Epoch,
    pub state: RoomState,
    pub window: Window,
    /// The deleted messages, as far as the room's record and the window know them.
    pub gone: Gone,
    /// The members as encoded JSON.
    roster: Roster,
    /// Every event of the window from this seq on is archived, so every member may see it.
    kept_from: Seq,
    /// Whether the archive may have events: the room is preserved, or was before.
    has_archive: bool,
    /// Whether the room may have a tail. The tail remembers the ids of messages from when the room was ephemeral.
    has_tail: bool,
}

impl Folded {
    /// The room at the end of a log whose events are not read yet, without members.
    pub fn at(cursor: Cursor, record: &RoomRecord) -> Self {
        Self {
            epoch: cursor.epoch,
            state: RoomState {
                head: cursor.head,
                last_n: cursor.n,
                name: record.name.clone(),
                retention: cursor.retention,
                peek: record.peek,
                owner: record.owner,
                members: LiteMap::new(),
            },
            window: Window::default(),
            gone: record.gone.clone(),
            roster: Roster::default(),
            kept_from: 0,
            has_archive: false,
            has_tail: false,
        }
    }

    /// Takes over the last events of the log, oldest first, and where the others are.
    pub fn restore(&mut self, recent: Vec<Event>, kept_from: Seq, has_archive: bool, has_tail: bool) {
        // After two quick renames in a tail, the record may have either name. The log says which was last. The same
        // applies to the owner, and to whether the room can be peeked into.
        let last_name = recent.iter().rev().find_map(|event| match &event.kind {
            EventKind::Renamed { name, .. } => Some(name.clone()),
            _ => None,
        });
        let last_owner = recent.iter().rev().find_map(|event| match &event.kind {
            EventKind::Owner { member, .. } => Some(member.id),
            _ => None,
        });
        let last_peek = recent.iter().rev().find_map(|event| match &event.kind {
            EventKind::PeekChanged { peek, .. } => Some(*peek),
            _ => None,
        });
        if let Some(name) = last_name {
            self.state.name = name;
        }
        self.state.owner = last_owner.unwrap_or(self.state.owner);
        self.state.peek = last_peek.unwrap_or(self.state.peek);
        for event in recent {
            self.note_deletion(&event);
            // Before the archive, the events are those of a tail.
            let is_of_tail = event.seq < kept_from;
            let entry = Entry::of(event);
            if is_of_tail { self.window.restore(entry) } else { self.window.push(entry) }
        }
        self.kept_from = kept_from;
        (self.has_archive, self.has_tail) = (has_archive, has_tail);
    }

    /// Adds a member who is in the room by the log. Returns the place of their `Joined`.
    pub fn restore_member(&mut self, record: &MemberRecord) -> Place {
        let since = self.joined_at(record).min(self.state.head);
        self.state.members.insert(record.member, Member { name: record.name.clone(), since });
        self.place_at(since)
    }

    /// Applies an event of the log to the state. If it is fresh, [`keep`](Self::keep) it next.
    pub fn apply(&mut self, event: &Event) -> Applied {
        let members = self.state.members.len();
        let applied = self.state.apply(event);
        if applied != Applied::Fresh {
            return applied;
        }
        if retention_after(event) == Some(Retention::Preserved) {
            self.kept_from = event.seq;
        }
        match self.state.retention {
            Retention::Preserved => self.has_archive = true,
            Retention::Ephemeral => self.has_tail = true,
        }
        match &event.kind {
            EventKind::Joined { member } => {
                if let Some(joined) = self.state.members.get(&member.id) {
                    self.roster.add(member.id, joined, self.state.members.len());
                }
            }
            _ if self.state.members.len() < members => self.roster.forget(),
            _ => {}
        }
        applied
    }

    /// Adds an event that was applied to the window.
    pub fn keep(&mut self, entry: Entry) {
        self.note_deletion(&entry.event);
        self.window.push(entry);
    }

    fn note_deletion(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Deleted { n, .. } => self.gone.add(*n),
            EventKind::Message(message) if message.deleted.is_some() => self.gone.add(message.n),
            _ => {}
        }
    }

    /// The end of the log as far as it is folded.
    pub fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch, head: self.state.head, n: self.state.last_n, retention: self.state.retention }
    }

    /// The place of the head.
    pub fn head_place(&self) -> Place {
        Place { seq: self.state.head, n: self.state.last_n }
    }

    /// The place of a seq: the seq and the ordinal of the last message up to it.
    pub fn place_at(&self, seq: Seq) -> Place {
        Place { seq, n: self.window.ordinal_at(seq, self.state.head, self.state.last_n) }
    }

    /// Whether earlier messages may be stored elsewhere than the next ones, since the retention was changed.
    pub fn may_have_moved(&self) -> bool {
        match self.state.retention {
            Retention::Ephemeral => self.has_archive,
            Retention::Preserved => self.has_tail,
        }
    }

    /// Whether every member may see this event of the window, since it is archived or the room is ephemeral.
    pub fn is_for_all(&self, seq: Seq) -> bool {
        self.state.retention == Retention::Ephemeral || seq >= self.kept_from
    }

    /// The tail's epoch and head, if the tail can be dropped: all members have left, and nobody will ask for it.
    pub fn unneeded_tail(&self) -> Option<(Epoch, Seq)> {
        let unneeded = self.state.members.is_empty() && self.state.retention == Retention::Ephemeral;
        unneeded.then_some((self.epoch, self.state.head))
    }

    /// Whether a member is in the room by the state.
    pub fn has_member(&self, member: MemberId) -> bool {
        self.state.members.contains_key(&member)
    }

    /// The members, for a list in a room for two.
    pub fn people(&self) -> Vec<Person> {
        self.state.members.iter().map(|(id, member)| Person { id: *id, name: member.name.clone() }).collect()
    }

    /// The members, for a snapshot.
    pub fn members(&self) -> Vec<MemberView> {
        self.state.members.iter().map(|(id, member)| member.view(*id)).collect()
    }

    /// The members as a JSON list, in no particular order.
    pub fn encoded_members(&self) -> &RawValue {
        self.roster.of(&self.state.members)
    }

    /// The member that an event removes from the room, if it does. To be asked before the event is applied.
    pub fn leaver(&self, event: &Event) -> Option<MemberView> {
        match &event.kind {
            EventKind::Left { member } | EventKind::Removed { member, .. } => {
                self.state.members.get(&member.id).map(|there| there.view(member.id))
            }
            _ => None,
        }
    }

    /// Whether the log says of a member that they are in the room. If the window has no event about them, the record
    /// says it, and a notice that it owes is not in the log.
    pub fn log_has_member(&self, record: &MemberRecord) -> bool {
        match self.window.last_about(record.member).map(|event| &event.kind) {
            Some(kind) => matches!(kind, EventKind::Joined { .. }),
            None => match record.owed {
                None => record.presence == Presence::Active,
                Some(Owed::Joined) => false,
                Some(Owed::Left | Owed::Became(_) | Owed::Removed(_)) => record.since > 0,
            },
        }
    }

    /// The seq of the `Joined` that began the member's present time in the room.
    pub fn joined_at(&self, member: &MemberRecord) -> Seq {
        if member.since > 0 {
            return member.since;
        }
        match self.window.last_about(member.member) {
            // The record does not have the seq of its `Joined` yet. If the last event about the member says that they
            // left, they have come back and their `Joined` is not in the log: they see only what follows, not what was
            // said in their absence.
            Some(Event { seq, kind: EventKind::Joined { .. }, .. }) => *seq,
            _ => self.state.head + 1,
        }
    }

    /// The first kept seq that a member may see. In a room for two it is the start of their stay.
    pub fn history_of(&self, member: &MemberRecord, room_type: RoomType) -> Seq {
        match room_type {
            RoomType::Group => 0,
            RoomType::P2p if member.stay > 0 => member.stay,
            RoomType::P2p => self.joined_at(member),
        }
    }

    /// The part of the window that a member may see.
    pub fn sight_of(&self, member: &MemberRecord, room_type: RoomType) -> Sight {
        let joined = self.joined_at(member);
        let stay = if member.stay > 0 { member.stay } else { joined };
        let is_kept = self.state.retention == Retention::Preserved;
        let all_from =
            if is_kept { joined.min(self.kept_from.max(self.history_of(member, room_type))) } else { joined };
        Sight { member: member.member, stay, all_from }
    }

    /// The messages of the window that these entries reply to and that are not among them, as far as the member may see
    /// them.
    pub fn quotes(&self, entries: &[&Entry], member: &MemberRecord, room_type: RoomType) -> Vec<Event> {
        let first = entries.first().map_or(0, |entry| entry.event.seq);
        let targets = entries.iter().filter_map(|entry| Some(entry.event.message()?.reply_to?.seq));
        let mut seqs: Vec<Seq> = targets.filter(|seq| *seq < first).collect();
        if seqs.is_empty() {
            return Vec::new();
        }
        seqs.sort_unstable();
        seqs.dedup();
        let all_from = self.sight_of(member, room_type).all_from;
        let seen = seqs.into_iter().filter(|seq| *seq >= all_from);
        seen.filter_map(|seq| text::quote(self.window.get(seq)?)).collect()
    }

    /// The last entries that a member may see. `has_more` then covers the archive as well.
    pub fn recent(&self, member: &MemberRecord, room_type: RoomType) -> Visible<'_> {
        let recent = self.window.snapshot(self.sight_of(member, room_type));
        let first = recent.entries.first().map_or(self.state.head + 1, |entry| entry.event.seq);
        let is_archived = self.has_archive && first > self.history_of(member, room_type).max(1);
        Visible { has_more: recent.has_more || is_archived, ..recent }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        protocol::{ClientId, Message, MessageBody, Nickname, OwnerChange, RoomName},
        server::{
            random,
            store::{ActorId, GuestId, RoomId},
        },
    };

    fn person(bits: u64) -> Person {
        Person { id: MemberId::from_bits(bits), name: Nickname::try_from("Ada").unwrap() }
    }

    fn room(head: Seq, n: u64, retention: Retention) -> Folded {
        let epoch = random::epoch();
        let record = RoomRecord {
            id: RoomId(Uuid::nil()),
            code: random::room_code(),
            room_type: RoomType::Group,
            name: None,
            retention,
            peek: true,
            epoch,
            owner: person(1).id,
            created_at: 0,
            touched_at: 0,
            visited_at: 0,
            gone: Gone::default(),
        };
        Folded::at(Cursor { epoch, head, n, retention }, &record)
    }

    /// The record of an active member who owes nothing.
    fn record(bits: u64, since: Seq) -> MemberRecord {
        MemberRecord {
            since,
            owed: None,
            ..MemberRecord::new(RoomId(Uuid::nil()), person(bits), ActorId::Guest(GuestId(Uuid::nil())), 0)
        }
    }

    fn event(seq: Seq, kind: EventKind) -> Event {
        Event { seq, at: 0, kind }
    }

    fn joined(seq: Seq, bits: u64) -> Event {
        event(seq, EventKind::Joined { member: person(bits) })
    }

    fn left(seq: Seq, bits: u64) -> Event {
        event(seq, EventKind::Left { member: person(bits) })
    }

    fn said(seq: Seq, n: u64) -> Event {
        let (id, body) = (ClientId::new(Uuid::from_u128(n.into())), MessageBody::try_from("Hello").unwrap());
        event(seq, EventKind::Message(Message::new(n, id, person(1), body)))
    }

    fn changed(seq: Seq, retention: Retention) -> Event {
        event(seq, EventKind::RetentionChanged { retention, by: person(1), n: 0 })
    }

    fn fold(folded: &mut Folded, events: impl IntoIterator<Item = Event>) {
        for event in events {
            assert_eq!(folded.apply(&event), Applied::Fresh);
            folded.keep(Entry::of(event));
        }
    }

    #[test]
    fn what_the_record_repeats_is_as_the_log_says_if_it_still_has_it() {
        let name = Some(RoomName::try_from("Lunch").unwrap());
        let mut folded = room(3, 0, Retention::Ephemeral);
        folded.restore(vec![joined(3, 2)], Seq::MAX, false, true);
        assert_eq!((&folded.state.name, folded.state.owner, folded.state.peek), (&None, person(1).id, true));
        let mut folded = room(3, 0, Retention::Ephemeral);
        let by = person(1);
        let given = EventKind::Owner { member: person(2), by: None, why: OwnerChange::Inherited };
        let hidden = EventKind::PeekChanged { peek: false, by: by.clone() };
        let renamed = EventKind::Renamed { name: name.clone(), by };
        folded.restore(vec![event(1, hidden), event(2, renamed), event(3, given)], Seq::MAX, false, true);
        assert_eq!((folded.state.name, folded.state.owner, folded.state.peek), (name, person(2).id, false));
    }

    #[test]
    fn the_log_says_who_is_in_the_room_and_where_it_has_no_word_the_record() {
        let mut folded = room(9, 0, Retention::Ephemeral);
        folded.restore(vec![joined(7, 2), left(8, 3), joined(9, 4)], Seq::MAX, false, true);
        let owing = |bits, since, owed| MemberRecord { owed: Some(owed), ..record(bits, since) };
        let gone = MemberRecord { presence: Presence::Gone, ..record(5, 2) };
        for (record, expected) in [
            (owing(2, 7, Owed::Left), true),
            (owing(3, 8, Owed::Joined), false),
            (record(4, 0), true),
            (record(5, 2), true),
            (gone, false),
            (owing(5, 2, Owed::Joined), false),
            (owing(5, 2, Owed::Left), true),
            (owing(5, 0, Owed::Left), false),
        ] {
            assert_eq!(folded.log_has_member(&record), expected, "{record:?}");
        }
    }

    #[test]
    fn who_came_back_and_is_not_in_the_log_yet_sees_only_what_follows() {
        let mut folded = room(9, 0, Retention::Ephemeral);
        folded.restore(vec![joined(7, 2), joined(8, 3), left(9, 3)], Seq::MAX, false, true);
        assert_eq!(folded.joined_at(&record(2, 5)), 5, "the record knows");
        assert_eq!(folded.joined_at(&record(2, 0)), 7);
        assert_eq!(folded.joined_at(&record(3, 0)), 10);
        assert_eq!(folded.joined_at(&record(4, 0)), 10);
        assert_eq!(folded.restore_member(&record(4, 0)).seq, 9, "a member is not in the room from later than its end");
    }

    #[test]
    fn a_change_of_retention_leaves_messages_where_they_were() {
        let mut folded = room(0, 0, Retention::Ephemeral);
        fold(&mut folded, [joined(1, 1), said(2, 1)]);
        assert!(!folded.may_have_moved());
        assert!(folded.is_for_all(1), "nothing is kept from nobody");
        fold(&mut folded, [changed(3, Retention::Preserved), said(4, 2)]);
        assert!(folded.may_have_moved());
        assert!(!folded.is_for_all(2));
        assert!(folded.is_for_all(3));
        fold(&mut folded, [changed(5, Retention::Ephemeral)]);
        assert!(folded.may_have_moved());
    }

    #[test]
    fn a_newcomer_sees_what_was_kept_and_in_a_room_for_two_only_their_stay() {
        let mut folded = room(0, 0, Retention::Ephemeral);
        let events = [joined(1, 1), said(2, 1), changed(3, Retention::Preserved), said(4, 2), joined(5, 2)];
        fold(&mut folded, events);
        let seqs = |room_type, member: &MemberRecord| {
            let Visible { entries, has_more, .. } = folded.recent(member, room_type);
            (entries.iter().map(|entry| entry.event.seq).collect::<Vec<_>>(), has_more)
        };
        assert_eq!(seqs(RoomType::Group, &record(2, 5)), (vec![3, 4, 5], true));
        assert_eq!(seqs(RoomType::P2p, &record(2, 5)), (vec![5], false));
        let stayed = MemberRecord { stay: 1, ..record(1, 1) };
        assert_eq!(seqs(RoomType::P2p, &stayed), (vec![1, 2, 3, 4, 5], false));
    }

    #[test]
    fn what_was_applied_before_or_does_not_follow_changes_nothing() {
        let mut folded = room(4, 2, Retention::Preserved);
        assert_eq!(folded.apply(&changed(4, Retention::Ephemeral)), Applied::Duplicate);
        assert_eq!(folded.apply(&changed(6, Retention::Ephemeral)), Applied::Gap { expected: 5 });
        assert_eq!(folded.cursor(), Cursor { head: 4, n: 2, retention: Retention::Preserved, ..folded.cursor() });
        assert!(!folded.may_have_moved());
    }

    #[test]
    fn a_tail_is_unneeded_when_the_last_member_has_left() {
        let mut folded = room(0, 0, Retention::Ephemeral);
        fold(&mut folded, [joined(1, 1)]);
        assert_eq!(folded.unneeded_tail(), None);
        let leaving = left(2, 1);
        assert_eq!(folded.leaver(&leaving).map(|member| member.since), Some(1));
        fold(&mut folded, [leaving]);
        assert_eq!(folded.unneeded_tail(), Some((folded.epoch, 2)));
        fold(&mut folded, [changed(3, Retention::Preserved)]);
        assert_eq!(folded.unneeded_tail(), None);
    }
}
