//! The story of a connection, told to a [`Session`] frame by frame.

use uuid::Uuid;

use crate::protocol::{
    ByeReason, ClientFrame, ClientId, Code, DraftState, Epoch, Event, EventKind, HistoryPage, MemberId, Message,
    MessageBody, Nickname, Person, Problem, ResetReason, Retention, Role, RoomCode, RoomType, RoomView, Seq,
    ServerFrame, Signal, Snapshot, You,
};

use super::session::{Act, Ending, Session, Status};

const ME: u64 = 1;
const ADA: u64 = 2;

fn code() -> RoomCode {
    "K7M2QX".parse().unwrap()
}

fn person(id: u64) -> Person {
    let name = if id == ADA { "Ada" } else { "Quiet Otter" };
    Person { id: MemberId::from_bits(id), name: Nickname::try_from(name).unwrap() }
}

fn body(text: &str) -> MessageBody {
    MessageBody::try_from(text).unwrap()
}

fn id(n: u128) -> ClientId {
    ClientId::new(Uuid::from_u128(n))
}

fn said(seq: Seq, author: u64, n: u128) -> Event {
    let message = Message { n: seq, id: id(n), author: person(author), body: body("Hello") };
    Event { seq, at: 0, kind: EventKind::Message(message) }
}

fn left(seq: Seq, member: u64) -> Event {
    Event { seq, at: 0, kind: EventKind::Left { member: person(member) } }
}

/// A room where this guest (1) and Ada (2) have joined.
fn snapshot() -> Snapshot {
    let joined = |seq, member| Event { seq, at: 0, kind: EventKind::Joined { member: person(member) } };
    Snapshot {
        room: RoomView {
            code: code(),
            room_type: RoomType::Group,
            name: None,
            retention: Retention::Ephemeral,
            owner: MemberId::from_bits(ADA),
            created_at: 0,
        },
        you: You {
            member_id: MemberId::from_bits(ME),
            nickname: person(ME).name,
            role: Role::Member,
            read: 0,
            muted: false,
        },
        epoch: Epoch::from_bits(7),
        head: 2,
        last_n: 0,
        members: vec![person(ME), person(ADA)],
        connected: Vec::new(),
        reads: Vec::new(),
        events: vec![joined(1, ADA), joined(2, ME)],
        has_more: false,
    }
}

fn subscribe(after: Seq) -> Act {
    Act::Send(ClientFrame::Subscribe { code: code(), epoch: Some(Epoch::from_bits(7)), after: Some(after) })
}

fn send(n: u128) -> Act {
    Act::Send(ClientFrame::Send { code: code(), id: id(n), body: "Hello".to_owned() })
}

fn resumed(events: Vec<Event>) -> ServerFrame {
    let head = events.last().map_or(2, |event| event.seq);
    ServerFrame::Resumed {
        code: code(),
        epoch: Epoch::from_bits(7),
        head,
        events,
        connected: Vec::new(),
        read: 0,
        reads: Vec::new(),
    }
}

fn event(event: Event) -> ServerFrame {
    ServerFrame::Event { code: code(), event }
}

fn refusal(refused: Code, n: Option<u128>, retry_after_ms: Option<u64>) -> ServerFrame {
    ServerFrame::Error { code: refused, detail: "No.".to_owned(), id: n.map(id), room: Some(code()), retry_after_ms }
}

fn resting() -> Session {
    Session::new(snapshot(), || 1.0)
}

fn live() -> Session {
    let mut session = resting();
    assert_eq!(session.start(true, 0), [Act::Open]);
    assert_eq!(session.opened(0), [subscribe(2)]);
    assert_eq!(session.received(resumed(Vec::new()), 0), []);
    assert_eq!(session.status(), Status::Live);
    session
}

#[test]
fn a_message_is_sent_at_once_when_live_and_shown_as_sent_by_its_ack_and_event() {
    let mut session = live();
    assert_eq!(session.say(id(10), body("Hello"), 5), [send(10)]);
    session.received(ServerFrame::Ack { code: code(), id: id(10), seq: 3, at: 9 }, 6);
    assert!(matches!(session.replica().outbox[0].state, DraftState::Sent(_)));
    session.received(event(said(3, ME, 10)), 7);
    assert!(session.replica().outbox.is_empty());
    assert!(session.take_news().is_empty());
}

#[test]
fn what_was_written_offline_is_sent_in_order_after_catching_up() {
    let mut session = live();
    assert_eq!(session.went_offline(1_000), [Act::Close]);
    assert_eq!(session.status(), Status::Offline);
    assert_eq!(session.say(id(10), body("Hello"), 2_000), []);
    assert_eq!(session.say(id(11), body("Hello"), 2_001), []);
    assert_eq!(session.came_online(3_000), [Act::Open]);
    assert_eq!(session.opened(3_100), [subscribe(2)]);
    assert_eq!(session.received(resumed(vec![said(3, ADA, 30)]), 3_200), [send(10), send(11)]);
}

#[test]
fn a_message_whose_ack_was_lost_is_sent_again_with_the_same_id() {
    let mut session = live();
    session.say(id(10), body("Hello"), 5);
    session.closed(10);
    session.tick(1_000);
    session.opened(1_000);
    assert_eq!(session.received(resumed(Vec::new()), 1_001), [send(10)]);
}

#[test]
fn a_message_that_arrived_although_its_ack_was_lost_is_not_sent_again() {
    let mut session = live();
    session.say(id(10), body("Hello"), 5);
    session.closed(10);
    session.tick(1_000);
    session.opened(1_000);
    assert_eq!(session.received(resumed(vec![said(3, ME, 10)]), 1_001), []);
}

#[test]
fn a_passing_refusal_keeps_the_message_and_tries_again_in_time() {
    let mut session = live();
    session.say(id(10), body("Hello"), 0);
    session.received(refusal(Code::TooManyRequests, Some(10), Some(2_000)), 100);
    assert_eq!(session.replica().outbox[0].state, DraftState::Pending);
    assert_eq!(session.due(), Some(2_100));
    assert_eq!(session.tick(2_099), []);
    assert_eq!(session.tick(2_100), [send(10)]);
}

#[test]
fn a_final_refusal_fails_the_message_until_the_person_tries_again() {
    let mut session = live();
    session.say(id(10), body("Hello"), 0);
    session.received(refusal(Code::InvalidInput, Some(10), None), 100);
    assert!(matches!(session.replica().outbox[0].state, DraftState::Failed(_)));
    assert_eq!(session.retry(id(10), 200), [send(10)]);
}

#[test]
fn a_gap_is_resumed_once() {
    let mut session = live();
    assert_eq!(session.received(event(said(5, ADA, 30)), 0), [subscribe(2)]);
    assert_eq!(session.received(event(said(6, ADA, 31)), 0), []);
    session.received(resumed(vec![said(3, ADA, 28), said(4, ADA, 29)]), 0);
    assert_eq!(session.status(), Status::Live);
    assert_eq!(session.replica().state.head, 6);
    assert_eq!(session.take_news().len(), 4);
}

#[test]
fn a_reset_starts_again_from_the_snapshot_and_sends_what_was_pending() {
    let mut session = live();
    session.closed(0);
    session.say(id(10), body("Hello"), 1);
    session.tick(1_000);
    session.opened(1_000);
    session.received(ServerFrame::Reset { code: code(), reason: ResetReason::EpochChanged }, 1_001);
    let fresh = Snapshot { epoch: Epoch::from_bits(8), head: 0, events: Vec::new(), ..snapshot() };
    let frame = ServerFrame::Snapshot { code: code(), snapshot: Box::new(fresh) };
    assert_eq!(session.received(frame, 1_002), [send(10)]);
}

#[test]
fn a_dead_socket_is_asked_and_closed_and_opened_again() {
    let mut session = live();
    assert_eq!(session.due(), Some(20_000));
    assert_eq!(session.tick(20_000), [Act::Send(ClientFrame::Ping { n: 1 })]);
    assert_eq!(session.tick(30_000), [Act::Close]);
    assert_eq!(session.status(), Status::Waiting(30_300));
    assert_eq!(session.tick(30_300), [Act::Open]);
}

#[test]
fn a_page_that_is_shown_again_asks_at_once() {
    let mut session = live();
    assert_eq!(session.woke(500), [Act::Send(ClientFrame::Ping { n: 1 })]);
    session.received(ServerFrame::Pong { n: 1 }, 600);
    assert_eq!(session.due(), Some(20_600));
}

#[test]
fn waits_grow_until_a_connection_was_stable() {
    let mut session = live();
    session.closed(9_999);
    assert_eq!(session.status(), Status::Waiting(9_999 + 300));
    session.tick(10_299);
    session.closed(10_300);
    assert_eq!(session.status(), Status::Waiting(10_300 + 600));
    session.tick(10_900);
    session.opened(10_900);
    session.received(resumed(Vec::new()), 10_900);
    session.closed(20_900);
    assert_eq!(session.status(), Status::Waiting(20_900 + 300));
}

#[test]
fn a_goodbye_says_when_to_come_back() {
    let mut session = live();
    let bye = ServerFrame::Bye { reason: ByeReason::GoingAway, retry_after_ms: 700 };
    assert_eq!(session.received(bye, 1_000), [Act::Close]);
    assert_eq!(session.closed(1_001), []);
    assert_eq!(session.status(), Status::Waiting(1_700));
    assert_eq!(session.tick(1_700), [Act::Open]);
}

#[test]
fn who_was_away_too_long_comes_back_once_by_itself() {
    let mut session = live();
    session.closed(0);
    session.tick(90_000);
    session.opened(90_000);
    assert_eq!(session.received(resumed(vec![left(3, ME)]), 90_001), [Act::Close, Act::Rejoin]);
    assert_eq!(session.ending(), Some(&Ending::Returning));
    assert_eq!(session.rejoined(Ok(()), 90_100), [Act::Open]);
    let anew = Act::Send(ClientFrame::Subscribe { code: code(), epoch: None, after: None });
    assert_eq!(session.opened(90_200), [anew]);

    let mut session = live();
    session.received(refusal(Code::NotAMember, None, None), 0);
    session.rejoined(Err(Problem::room_unavailable()), 1);
    assert_eq!(session.ending(), Some(&Ending::Away(Some(Problem::room_unavailable()))));
    assert_eq!(session.rejoin(), [Act::Rejoin]);
}

#[test]
fn who_comes_back_to_a_room_that_keeps_nothing_still_sees_what_was_read_before() {
    let mut session = live();
    session.received(event(said(3, ADA, 30)), 0);
    session.closed(0);
    session.tick(90_000);
    session.opened(90_000);
    session.received(refusal(Code::NotAMember, None, None), 90_001);
    session.rejoined(Ok(()), 90_100);
    session.opened(90_200);
    let back = Event { seq: 9, at: 0, kind: EventKind::Joined { member: person(ME) } };
    let fresh = Snapshot { head: 9, events: vec![back], ..snapshot() };
    session.received(ServerFrame::Snapshot { code: code(), snapshot: Box::new(fresh) }, 90_300);
    let seqs: Vec<Seq> = session.replica().events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 9]);
    assert_eq!(session.status(), Status::Live);
}

#[test]
fn who_left_in_another_tab_is_not_pulled_back() {
    let mut session = live();
    assert_eq!(session.received(event(left(3, ME)), 0), [Act::Close]);
    assert_eq!(session.ending(), Some(&Ending::Left));
}

#[test]
fn who_was_removed_is_told_by_whom() {
    let removed = Event { seq: 3, at: 0, kind: EventKind::Removed { member: person(ME), by: person(ADA) } };
    let mut session = live();
    assert_eq!(session.received(event(removed), 0), [Act::Close]);
    assert_eq!(session.ending(), Some(&Ending::Removed { by: Some(person(ADA).name) }));
}

#[test]
fn a_socket_that_never_opens_makes_it_ask_at_the_door() {
    let mut session = resting();
    session.start(true, 0);
    assert_eq!(session.closed(10), []);
    session.tick(400);
    assert_eq!(session.closed(410), [Act::AskDoor]);
    assert_eq!(session.door_said(Some(snapshot()), 500), []);
    assert!(matches!(session.status(), Status::Waiting(_)));
    assert_eq!(session.door_said(None, 500), [Act::Close]);
    assert_eq!(session.ending(), Some(&Ending::Outside));
}

#[test]
fn typing_of_others_is_shown_by_name_and_ends_with_their_message() {
    let mut session = live();
    let typing = |member, on| ServerFrame::Signal {
        code: code(),
        signal: Signal::Typing { member: MemberId::from_bits(member), on },
    };
    session.received(typing(ADA, true), 0);
    session.received(typing(ME, true), 0);
    assert_eq!(session.typists().map(Nickname::as_str).collect::<Vec<_>>(), ["Ada"]);
    session.received(event(said(3, ADA, 30)), 1);
    assert_eq!(session.typists().count(), 0);
}

#[test]
fn a_very_long_timeline_forgets_its_oldest_events_and_history_brings_them_back() {
    let mut session = live();
    for seq in 3..=100 {
        session.received(event(said(seq, ADA, seq.into())), 0);
    }
    session.forget_old(10);
    let first_and_count =
        |session: &Session| (session.replica().events.first().map(|event| event.seq), session.replica().events.len());
    assert_eq!(first_and_count(&session), (Some(91), 10));
    assert!(session.replica().has_more);
    let older = (41..=90).rev().map(|seq| said(seq, ADA, seq.into())).collect();
    session.prepend(HistoryPage { events: older, has_more: true });
    assert_eq!(first_and_count(&session), (Some(41), 60));
    session.forget_old(100);
    assert_eq!(first_and_count(&session), (Some(41), 60), "nothing is forgotten for nothing");
}

#[test]
fn what_is_said_does_not_change_who_is_there() {
    let mut session = live();
    session.take_people_changed();
    session.received(event(said(3, ADA, 30)), 0);
    assert!(!session.take_people_changed());
    session.received(event(left(4, ADA)), 0);
    assert!(session.take_people_changed());
}
