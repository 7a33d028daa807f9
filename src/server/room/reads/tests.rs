//! Tests of the cursors of members: how they move, and what is then due to be sent or stored.

use uuid::Uuid;

use super::*;
use crate::{
    protocol::{ClientId, Message, MessageBody, Nickname, Person},
    server::store::{GuestId, RoomId},
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
        since: 2,
        owed: None,
        read,
        read_n: read / 2,
        shown: read,
        ..MemberRecord::new(RoomId(Uuid::nil()), person(bits), actor, 0)
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
    let message = Message::new(n, ClientId::new(Uuid::nil()), author, body);
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
