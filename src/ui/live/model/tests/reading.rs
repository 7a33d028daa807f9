//! Tests of read positions: the reader's own, on all devices, and those of the others.

use super::*;
use crate::ui::timeline::RowKey;

fn read(seq: Seq) -> Act {
    Act::Send(ClientFrame::Read { code: code(), seq })
}

fn mark(member: u64, seq: Seq) -> ReadMark {
    ReadMark { member: MemberId::from_bits(member), seq }
}

fn heard(member: u64, seq: Seq) -> ServerFrame {
    ServerFrame::Signal { code: code(), signal: Signal::Read { marks: vec![mark(member, seq)] } }
}

fn of_ada(session: &LocalRoom) -> Option<Seq> {
    session.reads().get(&MemberId::from_bits(ADA)).copied()
}

/// A room with this many unread messages after the seq `read`. The snapshot has only `events`.
fn unread(read: Seq, unread: u64, events: Vec<Event>) -> LocalRoom {
    let before = snapshot();
    let has_more = events.first().is_some_and(|event| event.seq > 1);
    let head = events.last().map_or(0, |event| event.seq);
    let last_n = events.iter().rev().find_map(Event::ordinal).unwrap_or(0);
    LocalRoom::new(
        Snapshot { you: You { read, unread, ..before.you }, head, last_n, events, has_more, ..before },
        || 1.0,
    )
}

fn key(author: u64, n: u128) -> RowKey {
    RowKey::Message(MemberId::from_bits(author), id(n))
}

#[test]
fn what_comes_before_the_eyes_of_the_reader_is_told_as_read_once_a_second() {
    let mut page = live();
    assert_eq!(page.set_looking(true, 0), [], "all of it was read before");
    assert_eq!(page.received(event(said(3, ADA, 30)), 10), [read(3)]);
    assert_eq!(page.received(event(said(4, ADA, 40)), 20), []);
    assert_eq!(page.received(event(said(5, ADA, 50)), 30), []);
    assert_eq!(page.due(), Some(1_010));
    assert_eq!(page.tick(1_010), [read(5)]);
    assert_eq!(page.due(), Some(20_030));
}

#[test]
fn what_comes_while_nobody_looks_is_read_when_they_look_again() {
    let mut page = live();
    page.set_looking(true, 0);
    page.set_looking(false, 1);
    assert_eq!(page.received(event(said(3, ADA, 30)), 10), []);
    assert!(!page.room().has_read_all());
    assert_eq!(page.set_looking(true, 20), [read(3)]);
    assert!(page.room().has_read_all());
}

#[test]
fn what_came_while_the_reader_looked_elsewhere_begins_with_a_line() {
    let mut page = live();
    page.set_looking(true, 0);
    page.received(event(said(3, ADA, 30)), 1);
    assert_eq!(page.room().unread().first(), None, "the reader was there");
    page.set_looking(false, 2);
    page.received(event(said(4, ADA, 40)), 3);
    page.received(event(said(5, ADA, 50)), 4);
    page.set_looking(true, 5);
    assert_eq!(page.room().unread().first(), Some(key(ADA, 40)));
    page.set_looking(false, 6);
    page.set_looking(true, 7);
    assert_eq!(page.room().unread().first(), Some(key(ADA, 40)), "nothing came since");
    page.set_looking(false, 8);
    page.received(event(said(6, ADA, 60)), 9);
    page.set_looking(true, 10);
    assert_eq!(page.room().unread().first(), Some(key(ADA, 60)));
}

#[test]
fn what_is_read_while_the_connection_is_away_is_told_when_it_is_back() {
    let mut page = live();
    page.set_looking(true, 0);
    assert_eq!(page.received(event(said(3, ADA, 30)), 10), [read(3)]);
    page.closed(20);
    page.tick(1_000);
    page.opened(1_100);
    let frame = resumed_with(vec![said(4, ADA, 40)], 4, 2, Vec::new());
    assert_eq!(page.received(frame, 1_200), [read(4)], "what was told last did not arrive");
}

#[test]
fn who_says_something_has_read_up_to_it() {
    let mut page = live();
    page.received(event(said(3, ADA, 30)), 0);
    page.received(event(said(4, ME, 40)), 1);
    assert!(page.room().has_read_all());
    assert_eq!(page.set_looking(true, 2), []);
}

#[test]
fn what_was_read_on_another_device_is_read_here_and_not_told_again() {
    let mut page = live();
    page.received(event(said(3, ADA, 30)), 0);
    page.received(heard(ME, 3), 1);
    assert!(page.room().has_read_all());
    assert_eq!(page.set_looking(true, 2), []);
    page.received(event(said(4, ADA, 40)), 3);
    page.set_looking(false, 4);
    page.received(event(said(5, ADA, 50)), 5);
    page.received(heard(ME, 4), 6);
    assert!(!page.room().has_read_all());
}

#[test]
fn the_marks_of_others_go_forward_and_are_taken_anew_with_each_connection() {
    let mut page = live();
    page.room().take_changed();
    page.received(heard(ADA, 2), 0);
    assert!(page.room().take_changed());
    page.received(heard(ADA, 1), 1);
    assert_eq!(of_ada(page.room()), Some(2));
    page.closed(10);
    page.tick(1_000);
    page.opened(1_100);
    page.received(resumed_with(vec![said(3, ADA, 30)], 3, 2, vec![mark(ADA, 3)]), 1_200);
    assert_eq!(of_ada(page.room()), Some(3));
    let anew = Snapshot { reads: Vec::new(), ..snapshot() };
    page.received(ServerFrame::Snapshot { code: code(), snapshot: Box::new(anew) }, 1_300);
    assert_eq!(of_ada(page.room()), None, "they hide it now");
}

#[test]
fn who_answers_has_read_what_they_answer_to_if_they_show_what_they_read() {
    let mut page = live();
    page.received(event(said(3, ADA, 30)), 0);
    assert_eq!(of_ada(page.room()), None, "nothing says that she shows it");
    page.received(heard(ADA, 2), 1);
    page.received(event(said(4, ADA, 40)), 2);
    assert_eq!(of_ada(page.room()), Some(4));
    page.received(event(left(5, ADA)), 2);
    page.received(event(Event { seq: 6, at: 0, kind: EventKind::Joined { member: person(ADA) } }), 2);
    assert_eq!(of_ada(page.room()), Some(6), "who comes back, too");
    page.received(resumed_with(Vec::new(), 6, 2, vec![mark(ADA, 2)]), 3);
    assert_eq!(of_ada(page.room()), Some(6), "a node that did not see her say it knows less");
    let before = snapshot();
    let answered = Snapshot { reads: vec![mark(ADA, 2)], events: vec![said(3, ADA, 30)], head: 3, ..before };
    assert_eq!(of_ada(&LocalRoom::new(answered, || 1.0)), Some(3));
}

#[test]
fn in_another_life_of_the_log_reading_starts_again() {
    let mut page = live();
    page.set_looking(true, 0);
    for seq in 3..50 {
        page.received(event(said(seq, ADA, seq.into())), 0);
    }
    page.tick(1_000);
    page.closed(2_000);
    page.tick(3_000);
    page.opened(3_000);
    let before = snapshot();
    let fresh = Snapshot {
        epoch: Epoch::from_bits(8),
        head: 1,
        events: vec![said(1, ADA, 100)],
        you: You { read: 49, ..before.you },
        ..before
    };
    page.received(ServerFrame::Snapshot { code: code(), snapshot: Box::new(fresh) }, 3_100);
    assert_eq!(page.received(event(said(2, ADA, 101)), 5_000), [read(2)]);
}

#[test]
fn the_unread_messages_begin_with_the_first_of_somebody_else() {
    let events =
        || vec![said(1, ADA, 10), said(2, ME, 20), said(3, ME, 30), left(4, ADA), said(5, ADA, 50), said(6, ADA, 60)];
    let mut session = unread(2, 3, events());
    assert_eq!((session.unread().first(), session.unread().count()), (Some(key(ADA, 50)), 3));
    assert_eq!(session.unread().index(session.replica()), Some(4));
    session.set_looking(true, 0);
    assert_eq!(session.unread().first(), Some(key(ADA, 50)), "the place stays while they are read");
    session.say(id(70), body("Hello"), Mentions::default(), None, 0);
    assert_eq!((session.unread().first(), session.unread().count()), (None, 0));
    assert_eq!(unread(6, 0, events()).unread().first(), None);
}

#[test]
fn unread_messages_that_begin_further_up_are_found_when_history_comes() {
    let mut session = unread(40, 60, (91..=100).map(|seq| said(seq, ADA, seq.into())).collect());
    assert!(session.unread().is_further_up());
    assert_eq!(session.unread().first(), None, "the first that is here is not the first of all");
    let page = |seqs: std::ops::RangeInclusive<Seq>, has_more| {
        let events = seqs.rev().map(|seq| said(seq, ADA, seq.into())).collect();
        HistoryPage { events, has_more, quotes: Vec::new() }
    };
    assert!(session.prepend(session.replica().top(), page(61..=90, true)));
    assert!(session.unread().is_further_up());
    assert!(session.prepend(session.replica().top(), page(31..=60, true)));
    assert!(!session.unread().is_further_up());
    assert_eq!(session.unread().first(), Some(key(ADA, 41)));
    assert_eq!(session.unread().index(session.replica()), Some(10));
}

#[test]
fn who_came_after_the_last_one_that_was_read_is_no_reason_to_look_further_up() {
    let numbered = |seq: Seq| {
        let mut event = said(seq, ADA, seq.into());
        if let EventKind::Message(message) = &mut event.kind {
            message.n = seq - 2;
        }
        event
    };
    let session = unread(1, 3, (3..=5).map(numbered).collect());
    assert_eq!(session.unread().first(), Some(key(ADA, 3)), "the first message of all; before it two have joined");
}

#[test]
fn what_a_room_no_longer_has_is_not_looked_for() {
    let mut session = unread(40, 60, (91..=100).map(|seq| said(seq, ADA, seq.into())).collect());
    assert!(session.prepend(
        session.replica().top(),
        HistoryPage { events: vec![said(90, ADA, 90)], has_more: false, quotes: Vec::new() }
    ));
    assert_eq!(session.unread().first(), Some(key(ADA, 90)), "the oldest that there is");
}

fn touch(seq: Seq, of: &Event, change: Option<&str>) -> Event {
    let message = of.message().unwrap();
    let target = Target { seq: of.seq, id: message.id };
    let author = message.author.clone();
    let kind = match change {
        Some(text) => EventKind::Edited { target, author, body: body(text), mentions: Vec::new(), everyone: false },
        None => EventKind::Deleted { target, n: message.n, by: author },
    };
    Event { seq, at: 0, kind }
}

#[test]
fn a_touch_is_shown_and_is_neither_news_nor_read() {
    let mut page = live();
    let first = said(3, ADA, 30);
    page.received(event(first.clone()), 0);
    page.room().take_news();
    assert_eq!(page.set_looking(true, 0), [read(3)]);
    page.room().take_changed();
    for (seq, change, text) in [(4, Some("Changed"), "Changed"), (5, None, "")] {
        assert_eq!(page.received(event(touch(seq, &first, change)), 2_000 * seq), [], "nobody reads a touch");
        assert!(page.room().take_changed());
        assert_eq!(page.room().replica().events.last().unwrap().text(), text);
    }
    assert!(page.room().has_read_all());
    assert_eq!((page.room().take_news(), page.room().take_incidents()), (Vec::new(), Vec::new()));
    assert_eq!(page.room().replica().events.len(), 3, "two have joined, and one message");
    assert_eq!(page.received(event(said(6, ADA, 60)), 20_000), [read(6)]);
}

#[test]
fn what_is_unread_begins_with_a_message_that_is_there() {
    let deleted = |n: u64| {
        let mut event = said(n, ADA, n.into());
        event.fold(&touch(90, &event.clone(), None));
        event
    };
    let there = |n: u64| said(n, ADA, n.into());
    // Each row: what is read, the number of unread messages, the events that are loaded, and the first unread one.
    let rows: [(Seq, u64, Vec<Event>, Option<u64>); 7] = [
        (2, 2, vec![there(2), deleted(3), there(4), there(5)], Some(4)),
        (2, 1, vec![there(2), there(3), deleted(4), deleted(5)], Some(3)),
        (2, 0, vec![there(2), deleted(3), deleted(4)], None),
        // Messages 3 and 4 are deleted, and not all of them are loaded.
        (2, 2, vec![there(5), there(6)], Some(5)),
        (2, 2, vec![deleted(4), there(5), there(6)], Some(5)),
        // Message 4 is deleted, and message 3, which is not loaded, is there.
        (2, 3, vec![there(5), there(6)], None),
        (2, 3, vec![deleted(4), there(5), there(6)], None),
    ];
    for (read, count, events, first) in rows {
        let seqs: Vec<Seq> = events.iter().map(|event| event.seq).collect();
        let room = unread(read, count, events);
        assert_eq!(room.unread().first(), first.map(|n| key(ADA, n.into())), "{seqs:?}");
        assert_eq!(room.unread().count(), usize::try_from(count).unwrap());
    }
}
