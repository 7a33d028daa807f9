//! Tests of the line before the first unread message, and of the marks below the reader's own messages.

use litemap::LiteMap;

use crate::protocol::{
    Epoch, MemberView, Replica, Role, RoomType, RoomView, Seq, Snapshot, You, limits::READ_MARK_MEMBERS,
};

use super::*;

/// A room with these members, one of whom is the reader, and with these events.
fn room(room_type: RoomType, members: impl Iterator<Item = u64>, events: Vec<EventKind>) -> Replica {
    let events = log(events.into_iter().map(|kind| (0, kind)).collect());
    Replica::new(Snapshot {
        room: RoomView {
            code: "K7M2QX".parse().unwrap(),
            room_type,
            name: None,
            retention: Retention::Ephemeral,
            peek: true,
            owner: MemberId::from_bits(ME),
            created_at: 0,
            kept_days: 0,
            edit_minutes: 15,
        },
        you: You {
            member_id: MemberId::from_bits(ME),
            nickname: person(ME).name,
            role: Role::Owner,
            read: 0,
            unread: 0,
            muted: false,
            notify: None,
            also: Vec::new(),
        },
        epoch: Epoch::from_bits(7),
        head: events.last().map_or(0, |event| event.seq),
        last_n: 0,
        members: members.map(member).collect(),
        connected: Vec::new(),
        reads: Vec::new(),
        departed: Vec::new(),
        events,
        has_more: false,
        leaves_after: None,
        expected: None,
        from: None,
        quotes: Vec::new(),
    })
}

fn member(id: u64) -> MemberView {
    let Person { id, name } = person(id);
    MemberView { id, name, since: 0 }
}

pub(super) fn group(events: Vec<EventKind>) -> Replica {
    room(RoomType::Group, 1..=7, events)
}

/// The rows of a room in which the other members have read up to these seqs.
fn rows_of(replica: &Replica, reads: &[(u64, Seq)], first_unread: Option<RowKey>) -> Vec<(RowKey, Row)> {
    let own_ids = SortedSet::from([MemberId::from_bits(ME)]);
    let reads: LiteMap<MemberId, Seq> = reads.iter().map(|(id, seq)| (MemberId::from_bits(*id), *seq)).collect();
    let texts = of(Language::English);
    let marks = Marks::find(replica, &own_ids, &reads, &[], &Marks::default(), texts);
    let context = RowContext {
        me: &person(ME),
        own_ids: &own_ids,
        companion: None,
        marks: &marks,
        first_unread,
        last_n: 0,
        is_lost_above: false,
        gap_after_lost_log: None,
        wanted_reactions: &[],
        name_of: &|_| None,
        quoted: &|_| None,
        offset: &|_| 0,
        texts,
    };
    rows(&replica.events, 0..replica.events.len(), replica.outbox.iter(), context)
}

/// The mark of each message, or `-` for none.
fn marks(replica: &Replica, reads: &[(u64, Seq)]) -> Vec<String> {
    let mark = |row| match row {
        Row::Message(message) => Some(message.mark.map_or_else(|| "-".to_owned(), |mark| strip_isolates(&mark.text))),
        Row::Day(_) | Row::Notice(_) | Row::Unread | Row::Hole(_) => None,
    };
    rows_of(replica, reads, None).into_iter().filter_map(|(_, row)| mark(row)).collect()
}

#[test]
fn the_last_own_message_is_sent_and_the_last_that_the_other_has_read_is_seen() {
    let events = vec![said(ME, 1), said(ADA, 2), said(ME, 3), said(ME, 4), said(ADA, 5)];
    let both = room(RoomType::P2p, [ME, ADA].into_iter(), events);
    assert_eq!(marks(&both, &[]), ["-", "-", "-", "Sent", "-"]);
    assert_eq!(marks(&both, &[(ADA, 2)]), ["Seen", "-", "-", "Sent", "-"]);
    assert_eq!(marks(&both, &[(ADA, 3)]), ["-", "-", "Seen", "Sent", "-"]);
    assert_eq!(marks(&both, &[(ADA, 5)]), ["-", "-", "-", "Seen", "-"]);
    assert_eq!(marks(&both, &[(ME, 5)]), ["-", "-", "-", "Sent", "-"], "one's own reading is no news");
}

#[test]
fn a_message_on_its_way_has_no_mark_and_takes_none_away() {
    let mut both = room(RoomType::P2p, [ME, ADA].into_iter(), vec![said(ME, 1)]);
    both.queue(ClientId::new(Uuid::from_u128(2)), MessageBody::try_from("Hello").unwrap());
    assert_eq!(marks(&both, &[]), ["Sent", "-"]);
    assert_eq!(marks(&both, &[(ADA, 1)]), ["Seen", "-"]);
}

#[test]
fn a_group_names_a_few_readers_and_counts_more_of_them() {
    let replica = group(vec![said(ME, 1), said(ME, 2)]);
    assert_eq!(marks(&replica, &[(ADA, 1)]), ["Seen by Ada", "Sent"]);
    assert_eq!(marks(&replica, &[(ADA, 2), (BOB, 1)]), ["-", "Seen by Ada"]);
    assert_eq!(marks(&replica, &[(ADA, 2), (BOB, 2), (4, 2)]), ["-", "Seen by Ada, Bob and Guest 4"]);
    let four = [(ADA, 2), (BOB, 2), (4, 2), (5, 2), (99, 2)];
    assert_eq!(marks(&replica, &four), ["-", "Seen by 4"], "99 has left");
    let (_, row) = rows_of(&replica, &four, None).pop().unwrap();
    assert!(matches!(row, Row::Message(row) if row.mark.as_ref().is_some_and(|mark| mark.has_list)));
}

#[test]
fn a_large_group_has_no_marks_but_sent() {
    let many = u64::try_from(READ_MARK_MEMBERS).unwrap();
    for (members, mark) in [(many, "Seen by Ada"), (many + 1, "Sent")] {
        assert_eq!(marks(&room(RoomType::Group, 1..=members, vec![said(ME, 1)]), &[(ADA, 1)]), [mark]);
    }
}

#[test]
fn a_mark_that_moves_changes_two_rows_of_ten_thousand() {
    let replica = group((1..=10_000).map(|n| said(ME, n)).collect());
    let before = rows_of(&replica, &[(ADA, 4_000)], None);
    let after = rows_of(&replica, &[(ADA, 9_000)], None);
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert_eq!((before.len(), after.len(), changed), (10_001, 10_001, 2));
}

#[test]
fn seqs_of_an_earlier_life_of_the_log_are_not_taken_for_those_of_now() {
    let mut replica = group(vec![said(ME, 1), said(ME, 2), said(ME, 3)]);
    replica.events.extend(log(vec![(1, joined(ADA)), (1, said(ADA, 4))]));
    assert_eq!(marks(&replica, &[(ADA, 2)]), ["-", "-", "-", "-"]);
}

#[test]
fn the_line_stands_before_the_first_unread_message_and_ends_a_group() {
    let replica = group(vec![said(ADA, 1), joined(BOB), said(ADA, 2), said(ADA, 3)]);
    let key = |n| Some(RowKey::Message(MemberId::from_bits(ADA), ClientId::new(Uuid::from_u128(n))));
    let shown = |first_unread| -> Vec<String> {
        let name = |row| match row {
            Row::Day(_) => "day".to_owned(),
            Row::Notice(sentence) => strip_isolates(&sentence),
            Row::Unread => "unread".to_owned(),
            Row::Hole(_) => "hole".to_owned(),
            Row::Message(message) => (if message.opens { "Ada" } else { "…" }).to_owned(),
        };
        rows_of(&replica, &[], first_unread).into_iter().map(|(_, row)| name(row)).collect()
    };
    assert_eq!(shown(None), ["day", "Ada", "Bob joined", "Ada", "…"]);
    assert_eq!(shown(key(1)), ["day", "unread", "Ada", "Bob joined", "Ada", "…"]);
    assert_eq!(shown(key(2)), ["day", "Ada", "Bob joined", "unread", "Ada", "…"]);
    assert_eq!(shown(key(3)), ["day", "Ada", "Bob joined", "Ada", "unread", "Ada"]);
}

/// The marks after `before` was shown and the readers in `departed` have left.
fn found(replica: &Replica, reads: &[(u64, Seq)], departed: &[Reader], before: &Marks) -> Marks {
    let own_ids = SortedSet::from([MemberId::from_bits(ME)]);
    let reads: LiteMap<MemberId, Seq> = reads.iter().map(|(id, seq)| (MemberId::from_bits(*id), *seq)).collect();
    Marks::find(replica, &own_ids, &reads, departed, before, of(Language::English))
}

/// The mark of each of the reader's messages with these ids, or `-` for none.
fn under(marks: &Marks, ids: std::ops::RangeInclusive<u128>) -> Vec<String> {
    let key = |n| RowKey::Message(MemberId::from_bits(ME), ClientId::new(Uuid::from_u128(n)));
    ids.map(|n| marks.of(key(n)).map_or_else(|| "-".to_owned(), |mark| strip_isolates(&mark.text))).collect()
}

fn changed(retention: Retention) -> EventKind {
    EventKind::RetentionChanged { retention, by: person(ME), n: 1 }
}

#[test]
fn who_came_later_has_not_seen_what_was_not_kept() {
    let mut replica = group(vec![said(ME, 1), said(ME, 2), joined(BOB), said(ME, 3)]);
    for (_, member) in &mut replica.state.members {
        member.since = 3;
    }
    assert_eq!(marks(&replica, &[(BOB, 3)]), ["-", "-", "Sent"], "joining reads up to it, and they saw none of it");
    assert_eq!(marks(&replica, &[(BOB, 4)]), ["-", "-", "Seen by Bob"]);
    replica.state.retention = Retention::Preserved;
    assert_eq!(
        marks(&replica, &[(BOB, 3)]),
        ["-", "Seen by Bob", "Sent"],
        "a group that keeps its log shows it to all"
    );
    replica.room.room_type = RoomType::P2p;
    assert_eq!(marks(&replica, &[(BOB, 3)]), ["-", "-", "Sent"], "and a room for two does not");
}

#[test]
fn what_was_kept_before_and_after_a_change_of_retention_is_told_apart() {
    use Retention::{Ephemeral, Preserved};
    let events = vec![said(ME, 1), changed(Preserved), said(ME, 2), changed(Ephemeral), said(ME, 3), joined(BOB)];
    let mut replica = group(events);
    for (_, member) in &mut replica.state.members {
        member.since = 6;
    }
    replica.state.retention = Ephemeral;
    assert_eq!(marks(&replica, &[(BOB, 6)]), ["-", "Seen by Bob", "Sent"]);
}

#[test]
fn what_was_seen_stays_seen() {
    let mut replica = group(vec![said(ME, 1), said(ME, 2)]);
    let before = found(&replica, &[(ADA, 2), (BOB, 2)], &[], &Marks::default());
    assert_eq!(under(&before, 1..=2), ["-", "Seen by Ada and Bob"]);
    let gone = [Reader { person: person(BOB), since: 0, read: 2 }];
    replica.state.members.remove(&MemberId::from_bits(BOB));
    assert_eq!(under(&found(&replica, &[(ADA, 2)], &gone, &Marks::default()), 1..=2), ["-", "Seen by Ada and Bob"]);
    let alone = found(&replica, &[], &[], &before);
    assert_eq!((under(&alone, 1..=2), alone.readers.len()), (vec!["-".to_owned(), "Seen by Ada and Bob".into()], 2));

    replica.events.extend(log(vec![(1, said(ME, 3))]));
    let anew = found(&replica, &[], &[], &alone);
    assert_eq!(under(&anew, 1..=3), ["-", "Seen by Ada and Bob", "Sent"], "the log has begun another life");
    let further = found(&replica, &[(ADA, 1)], &[], &anew);
    assert_eq!(under(&further, 1..=3), ["-", "-", "Seen by Ada"]);
}
