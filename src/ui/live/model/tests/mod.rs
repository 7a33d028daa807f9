//! Tests of the whole page without a browser: a [`Client`] with a room, a list or both gets frames one by one, and the
//! tests compare the acts that it returns.

mod reading;

use uuid::Uuid;

use crate::protocol::{
    Ack, ByeReason, ClientFrame, ClientId, Code, Companion, DraftState, Epoch, Event, EventKind, HistoryPage, MemberId,
    MemberView, Message, MessageBody, Nickname, Notify, Person, Problem, ReadMark, Replica, ResetReason, Retention,
    Role, RoomCode, RoomSummary, RoomType, RoomView, Seq, ServerFrame, Signal, Snapshot, You,
};

use super::{
    act::{Act, Status},
    client::Client,
    connection::Connection,
    list::RoomList,
    room::{Ending, Incident, Session},
};

const ME: u64 = 1;
const ADA: u64 = 2;

fn code() -> RoomCode {
    "K7M2QX".parse().unwrap()
}

fn person(id: u64) -> Person {
    let name = if id == ADA { "Ada" } else { "Quiet Otter" };
    Person { id: MemberId::from_bits(id), name: Nickname::try_from(name).unwrap() }
}

fn member(id: u64, since: Seq) -> MemberView {
    let Person { id, name } = person(id);
    MemberView { id, name, since }
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

/// The snapshot of a room in which this guest (1) and Ada (2) have joined.
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
            kept_days: 0,
        },
        you: You {
            member_id: MemberId::from_bits(ME),
            nickname: person(ME).name,
            role: Role::Member,
            read: 2,
            unread: 0,
            muted: false,
            also: Vec::new(),
        },
        epoch: Epoch::from_bits(7),
        head: 2,
        last_n: 0,
        members: vec![member(ME, 2), member(ADA, 1)],
        connected: Vec::new(),
        reads: Vec::new(),
        departed: Vec::new(),
        events: vec![joined(1, ADA), joined(2, ME)],
        has_more: false,
        leaves_after: None,
        expected: None,
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
    resumed_with(events, head, 2, Vec::new())
}

fn resumed_with(events: Vec<Event>, head: Seq, read: Seq, reads: Vec<ReadMark>) -> ServerFrame {
    let (epoch, member) = (Epoch::from_bits(7), Some(MemberId::from_bits(ME)));
    ServerFrame::Resumed { code: code(), epoch, head, events, connected: Vec::new(), member, read, reads }
}

fn event(event: Event) -> ServerFrame {
    ServerFrame::Event { code: code(), event }
}

fn refusal(refused: Code, n: Option<u128>, retry_after_ms: Option<u64>) -> ServerFrame {
    ServerFrame::Error {
        code: refused,
        detail: "No.".to_owned(),
        id: n.map(id),
        room: Some(code()),
        reason: None,
        retry_after_ms,
    }
}

/// The summary of a room without messages.
pub fn room_of(code: &str) -> RoomSummary {
    RoomSummary {
        code: code.parse().unwrap(),
        room_type: RoomType::Group,
        name: None,
        retention: Retention::Ephemeral,
        members: 2,
        other: None,
        head: 1,
        at: 0,
        last: None,
        newcomer: None,
        unread: 0,
        mentioned: false,
        muted: false,
    }
}

/// A page: its connection, and its room and list if it has them.
struct Page {
    connection: Connection,
    room: Option<Session>,
    list: Option<RoomList>,
}

impl Page {
    fn with(room: Option<Session>, list: Option<RoomList>) -> Self {
        Self { connection: Connection::new(|| 1.0), room, list }
    }

    fn client(&mut self) -> Client<'_> {
        Client { connection: &mut self.connection, room: self.room.as_mut(), list: self.list.as_mut() }
    }

    fn start(&mut self) -> Vec<Act> {
        self.client().start(true, 0)
    }

    fn opened(&mut self, now: u64) -> Vec<Act> {
        self.client().opened(now)
    }

    fn closed(&mut self, now: u64) -> Vec<Act> {
        self.client().closed(now)
    }

    fn received(&mut self, frame: ServerFrame, now: u64) -> Vec<Act> {
        self.client().received(frame, now)
    }

    fn tick(&mut self, now: u64) -> Vec<Act> {
        self.client().tick(now)
    }

    fn due(&mut self) -> Option<u64> {
        self.client().due()
    }

    fn status(&mut self) -> Status {
        self.client().status()
    }

    fn say(&mut self, n: u128, now: u64) -> Vec<Act> {
        self.client().in_room(now, |room| room.say(id(n), body("Hello"), now))
    }

    fn set_looking(&mut self, looking: bool, now: u64) -> Vec<Act> {
        self.client().in_room(now, |room| room.set_looking(looking, now))
    }

    fn rejoined(&mut self, outcome: Result<(), Problem>, now: u64) -> Vec<Act> {
        self.client().rejoined(outcome, now)
    }

    fn room(&mut self) -> &mut Session {
        self.room.as_mut().unwrap()
    }

    fn list(&mut self) -> &mut RoomList {
        self.list.as_mut().unwrap()
    }

    fn replica(&self) -> &Replica {
        self.room.as_ref().unwrap().replica()
    }

    fn ending(&self) -> Option<&Ending> {
        self.room.as_ref().unwrap().ending()
    }
}

fn resting() -> Page {
    Page::with(Some(Session::new(snapshot(), || 1.0)), None)
}

/// A page whose room is live.
fn live() -> Page {
    let mut page = resting();
    assert_eq!(page.start(), [Act::Open]);
    assert_eq!(page.opened(0), [subscribe(2)]);
    assert_eq!(page.received(resumed(Vec::new()), 0), []);
    assert_eq!(page.status(), Status::Live);
    page
}

fn watch() -> Act {
    Act::Send(ClientFrame::Watch)
}

fn rooms(codes: &[&str]) -> ServerFrame {
    ServerFrame::Rooms { rooms: codes.iter().map(|code| room_of(code)).collect() }
}

fn summary(code: &str, unread: u64) -> ServerFrame {
    ServerFrame::Summary { room: Box::new(RoomSummary { unread, ..room_of(code) }) }
}

/// A list of two rooms. `current` may be the first of them, if that is open.
fn listed(current: Option<RoomCode>) -> RoomList {
    RoomList::new(vec![room_of("K7M2QX"), room_of("AAA001")], current, Notify::All)
}

/// A page with only a list, which is live.
fn watching() -> Page {
    let mut page = Page::with(None, Some(listed(None)));
    assert_eq!(page.start(), [Act::Open]);
    assert_eq!(page.opened(0), [watch()]);
    assert_eq!(page.status(), Status::Connecting);
    assert_eq!(page.received(rooms(&["K7M2QX", "AAA001"]), 0), []);
    assert_eq!(page.status(), Status::Live);
    page
}

/// A page whose room and list are live.
fn both() -> Page {
    let mut page = Page::with(Some(Session::new(snapshot(), || 1.0)), Some(listed(Some(code()))));
    assert_eq!(page.start(), [Act::Open]);
    assert_eq!(page.opened(0), [subscribe(2), watch()]);
    page.received(rooms(&["K7M2QX", "AAA001"]), 0);
    page.received(resumed(Vec::new()), 0);
    page
}

#[test]
fn a_message_is_sent_at_once_when_live_and_shown_as_sent_by_its_ack_and_event() {
    let mut page = live();
    assert_eq!(page.say(10, 5), [send(10)]);
    page.received(ServerFrame::Ack { code: code(), id: id(10), seq: 3, at: 9 }, 6);
    assert!(matches!(page.replica().outbox[0].state, DraftState::Sent(_)));
    page.received(event(said(3, ME, 10)), 7);
    assert!(page.replica().outbox.is_empty());
    assert!(page.room().take_news().is_empty());
}

#[test]
fn what_was_written_offline_is_sent_in_order_after_catching_up() {
    let mut page = live();
    assert_eq!(page.client().went_offline(1_000), [Act::Close]);
    assert_eq!(page.status(), Status::Offline);
    assert_eq!(page.say(10, 2_000), []);
    assert_eq!(page.say(11, 2_001), []);
    assert_eq!(page.client().came_online(3_000), [Act::Open]);
    assert_eq!(page.opened(3_100), [subscribe(2)]);
    assert_eq!(page.received(resumed(vec![said(3, ADA, 30)]), 3_200), [send(10), send(11)]);
}

#[test]
fn a_message_whose_ack_was_lost_is_sent_again_with_the_same_id() {
    let mut page = live();
    page.say(10, 5);
    page.closed(10);
    page.tick(1_000);
    page.opened(1_000);
    assert_eq!(page.received(resumed(Vec::new()), 1_001), [send(10)]);
}

#[test]
fn a_message_that_arrived_although_its_ack_was_lost_is_not_sent_again() {
    let mut page = live();
    page.say(10, 5);
    page.closed(10);
    page.tick(1_000);
    page.opened(1_000);
    assert_eq!(page.received(resumed(vec![said(3, ME, 10)]), 1_001), []);
}

#[test]
fn a_passing_refusal_keeps_the_message_and_tries_again_in_time() {
    let mut page = live();
    page.say(10, 0);
    page.received(refusal(Code::TooManyRequests, Some(10), Some(2_000)), 100);
    assert_eq!(page.replica().outbox[0].state, DraftState::Pending);
    assert_eq!(page.due(), Some(2_100));
    assert_eq!(page.tick(2_099), []);
    assert_eq!(page.tick(2_100), [send(10)]);
}

#[test]
fn a_final_refusal_fails_the_message_until_the_person_tries_again() {
    let mut page = live();
    page.say(10, 0);
    page.received(refusal(Code::InvalidInput, Some(10), None), 100);
    assert!(matches!(page.replica().outbox[0].state, DraftState::Failed(_)));
    assert_eq!(page.client().in_room(200, |room| room.retry(id(10), 200)), [send(10)]);
}

#[test]
fn what_was_not_sent_is_never_sent_by_whoever_has_the_browser_next() {
    let as_bob = || You { member_id: MemberId::from_bits(3), ..snapshot().you };
    let written_apart = || {
        let mut page = live();
        page.closed(0);
        assert_eq!(page.say(10, 1), []);
        page
    };
    let connected = || {
        let mut page = written_apart();
        page.tick(1_000);
        page.opened(1_000);
        page
    };
    let mut page = connected();
    let mut frame = resumed(Vec::new());
    if let ServerFrame::Resumed { member, .. } = &mut frame {
        *member = Some(as_bob().member_id);
    }
    assert_eq!(page.received(frame, 1_001), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Outside));

    let mut page = connected();
    let fresh = Snapshot { you: as_bob(), ..snapshot() };
    let frame = ServerFrame::Snapshot { code: code(), snapshot: Box::new(fresh.clone()) };
    assert_eq!(page.received(frame, 1_001), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Outside));
    assert_eq!(page.replica().you.member_id, MemberId::from_bits(ME), "what comes is not theirs to see here");

    let mut page = written_apart();
    assert_eq!(page.client().room_fetched(Some(fresh), 500), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Outside));

    let mut page = connected();
    assert_eq!(page.received(refusal(Code::RoomUnavailable, None, None), 1_001), [Act::FetchRoom]);
}

#[test]
fn what_a_tab_kept_is_sent_once_and_what_was_refused_waits_for_the_person() {
    let mut page = resting();
    let refusal = Problem::invalid("body", "No.");
    page.room().restore(id(10), body("Hello"), None);
    page.room().restore(id(11), body("Hello"), Some(refusal.clone()));
    page.room().restore(id(12), body("Hello"), None);
    page.start();
    page.opened(0);
    assert_eq!(page.received(resumed(vec![said(3, ME, 12)]), 0), [send(10)]);
    assert_eq!(page.replica().outbox[1].state, DraftState::Failed(refusal));
    page.room().restore(id(12), body("Hello"), None);
    assert_eq!(page.replica().outbox.len(), 2, "what is in the log is not sent again");
    assert_eq!(page.client().in_room(1, |room| room.retry(id(11), 1)), [send(11)]);
}

#[test]
fn nobody_is_said_to_be_there_while_nobody_can_say_so() {
    let mut page = both();
    let ada = MemberId::from_bits(ADA);
    page.received(ServerFrame::Signal { code: code(), signal: Signal::Presence { connected: vec![ada] } }, 1);
    let with_bob = |connected| {
        let name = Nickname::try_from("Bob").unwrap();
        let room = RoomSummary { other: Some(Companion { name, connected }), ..room_of("AAA001") };
        ServerFrame::Summary { room: Box::new(room) }
    };
    page.received(with_bob(true), 1);
    let is_there = |page: &mut Page| {
        let rooms = page.list().rooms();
        rooms.iter().filter_map(|room| room.other.as_ref()).any(|other| other.connected)
    };
    assert!(page.replica().connected.contains(&ada) && is_there(&mut page));
    page.room().take_people_changed();
    page.list().take_changed();
    page.client().went_offline(2);
    assert!(page.replica().connected.is_empty() && !is_there(&mut page));
    assert!(page.room().take_people_changed() && page.list().take_changed());
}

#[test]
fn a_gap_is_resumed_once() {
    let mut page = live();
    assert_eq!(page.received(event(said(5, ADA, 30)), 0), [subscribe(2)]);
    assert_eq!(page.received(event(said(6, ADA, 31)), 0), []);
    page.received(resumed(vec![said(3, ADA, 28), said(4, ADA, 29)]), 0);
    assert_eq!(page.status(), Status::Live);
    assert_eq!(page.replica().state.head, 6);
    assert_eq!(page.room().take_news().len(), 4);
}

#[test]
fn a_reset_starts_again_from_the_snapshot_and_sends_what_was_pending() {
    let mut page = live();
    page.closed(0);
    page.say(10, 1);
    page.tick(1_000);
    page.opened(1_000);
    page.received(ServerFrame::Reset { code: code(), reason: ResetReason::EpochChanged }, 1_001);
    let fresh = Snapshot { epoch: Epoch::from_bits(8), head: 0, events: Vec::new(), ..snapshot() };
    let frame = ServerFrame::Snapshot { code: code(), snapshot: Box::new(fresh) };
    assert_eq!(page.received(frame, 1_002), [send(10)]);
}

#[test]
fn a_dead_socket_is_asked_and_closed_and_opened_again() {
    let mut page = live();
    assert_eq!(page.due(), Some(20_000));
    assert_eq!(page.tick(20_000), [Act::Send(ClientFrame::Ping { n: 1 })]);
    assert_eq!(page.tick(30_000), [Act::Close]);
    assert_eq!(page.status(), Status::Waiting(30_300));
    assert_eq!(page.tick(30_300), [Act::Open]);
}

#[test]
fn a_page_that_is_shown_again_asks_at_once() {
    let mut page = live();
    assert_eq!(page.client().woke(500), [Act::Send(ClientFrame::Ping { n: 1 })]);
    page.received(ServerFrame::Pong { n: 1 }, 600);
    assert_eq!(page.due(), Some(20_600));
}

#[test]
fn waits_grow_until_a_connection_was_stable() {
    let mut page = live();
    page.closed(9_999);
    assert_eq!(page.status(), Status::Waiting(9_999 + 300));
    page.tick(10_299);
    page.closed(10_300);
    assert_eq!(page.status(), Status::Waiting(10_300 + 600));
    page.tick(10_900);
    page.opened(10_900);
    page.received(resumed(Vec::new()), 10_900);
    page.closed(20_900);
    assert_eq!(page.status(), Status::Waiting(20_900 + 300));
}

#[test]
fn a_goodbye_says_when_to_come_back() {
    let mut page = live();
    let bye = ServerFrame::Bye { reason: ByeReason::GoingAway, retry_after_ms: 700 };
    assert_eq!(page.received(bye, 1_000), [Act::Close]);
    assert_eq!(page.closed(1_001), []);
    assert_eq!(page.status(), Status::Waiting(1_700));
    assert_eq!(page.tick(1_700), [Act::Open]);
}

#[test]
fn who_was_away_too_long_comes_back_once_by_itself() {
    let mut page = live();
    page.closed(0);
    page.tick(90_000);
    page.opened(90_000);
    assert_eq!(page.received(resumed(vec![left(3, ME)]), 90_001), [Act::Close, Act::Rejoin]);
    assert_eq!(page.ending(), Some(&Ending::Returning));
    assert_eq!(page.rejoined(Ok(()), 90_100), [Act::Open]);
    let anew = Act::Send(ClientFrame::Subscribe { code: code(), epoch: None, after: None });
    assert_eq!(page.opened(90_200), [anew]);

    let mut page = live();
    page.received(refusal(Code::NotAMember, None, None), 0);
    page.rejoined(Err(Problem::room_unavailable()), 1);
    assert_eq!(page.ending(), Some(&Ending::Away(Some(Problem::room_unavailable()))));
    assert_eq!(page.client().in_room(2, Session::rejoin), [Act::Rejoin]);
}

#[test]
fn who_comes_back_to_a_room_that_keeps_nothing_still_sees_what_was_read_before() {
    let mut page = live();
    page.received(event(said(3, ADA, 30)), 0);
    page.closed(0);
    page.tick(90_000);
    page.opened(90_000);
    page.received(refusal(Code::NotAMember, None, None), 90_001);
    page.rejoined(Ok(()), 90_100);
    page.opened(90_200);
    let back = Event { seq: 9, at: 0, kind: EventKind::Joined { member: person(ME) } };
    let fresh = Snapshot { head: 9, events: vec![back], ..snapshot() };
    page.received(ServerFrame::Snapshot { code: code(), snapshot: Box::new(fresh) }, 90_300);
    let seqs: Vec<Seq> = page.replica().events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 9]);
    assert_eq!(page.status(), Status::Live);
}

#[test]
fn who_left_in_another_tab_is_not_pulled_back() {
    let mut page = live();
    assert_eq!(page.received(event(left(3, ME)), 0), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Left));
}

#[test]
fn an_account_that_left_while_this_device_slept_is_not_pulled_back() {
    let mut page = Page::with(Some(Session::new(snapshot(), || 1.0).of_account()), None);
    page.start();
    page.opened(10);
    assert_eq!(page.received(refusal(Code::NotAMember, None, None), 20), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Left));
    assert_eq!(page.client().in_room(30, Session::rejoin), [Act::Rejoin], "unless they want to");
}

#[test]
fn on_a_slow_line_an_answer_gets_more_time_and_then_less_is_asked_for() {
    let mut page = resting();
    page.start();
    let anew = Act::Send(ClientFrame::Subscribe { code: code(), epoch: None, after: None });
    for (at, asked, patience) in [
        (0, subscribe(2), 10_000),
        (50_000, subscribe(2), 25_000),
        (100_000, anew.clone(), 25_000),
        (150_000, anew, 25_000),
    ] {
        assert_eq!(page.opened(at), [asked]);
        assert!(!page.tick(at + patience - 1).contains(&Act::Close), "{at}");
        assert!(page.tick(at + patience).contains(&Act::Close), "{at}");
        assert_eq!(page.tick(at + 49_000), [Act::Open]);
    }
    page.opened(200_000);
    page.received(ServerFrame::Snapshot { code: code(), snapshot: Box::new(snapshot()) }, 220_000);
    assert_eq!(page.status(), Status::Live);
    page.closed(230_000);
    page.tick(260_000);
    assert_eq!(page.opened(260_000), [subscribe(2)], "what works is forgiven");
    assert!(page.tick(270_000).contains(&Act::Close));
}

#[test]
fn who_was_removed_is_told_by_whom() {
    let removed = Event { seq: 3, at: 0, kind: EventKind::Removed { member: person(ME), by: person(ADA) } };
    let mut page = live();
    assert_eq!(page.received(event(removed), 0), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Removed { by: Some(person(ADA).name) }));
}

#[test]
fn a_socket_that_never_opens_makes_it_ask_at_the_door() {
    let mut page = resting();
    page.start();
    assert_eq!(page.closed(10), []);
    page.tick(400);
    assert_eq!(page.closed(410), [Act::FetchRoom]);
    assert_eq!(page.client().room_fetched(Some(snapshot()), 500), []);
    assert_eq!(page.status(), Status::Blocked);
    assert_eq!(page.client().room_fetched(None, 500), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Outside));
}

/// A page that cannot open a socket, and knows that HTTP works.
fn blocked() -> Page {
    let mut page = resting();
    page.start();
    page.closed(0);
    page.tick(300);
    assert_eq!(page.closed(400), [Act::FetchRoom]);
    assert_eq!(page.client().room_fetched(Some(snapshot()), 500), []);
    assert_eq!(page.status(), Status::Blocked);
    page
}

fn post(n: u128) -> Act {
    Act::Post { id: id(n), body: body("Hello") }
}

fn ack(n: u128, seq: Seq) -> Ack {
    Ack { id: id(n), seq, at: 9 }
}

/// The snapshot of the room after these events, as HTTP returns it.
fn with(events: Vec<Event>) -> Snapshot {
    let before = snapshot();
    let head = events.last().map_or(before.head, |event| event.seq);
    let events = before.events.into_iter().chain(events).collect();
    Snapshot { head, events, ..snapshot() }
}

#[test]
fn where_no_socket_opens_messages_go_by_http_one_after_the_other() {
    let mut page = blocked();
    assert_eq!(page.say(10, 600), [post(10)]);
    assert_eq!(page.say(11, 700), [], "in order: the first has no answer yet");
    assert_eq!(page.client().posted(id(10), Ok(ack(10, 3)), 800), [post(11)]);
    assert_eq!(page.tick(800), [Act::FetchRoom], "what was said is shown at once");
    assert_eq!(page.client().room_fetched(Some(with(vec![said(3, ME, 10)])), 900), []);
    assert_eq!(page.replica().outbox.iter().map(|draft| draft.id).collect::<Vec<_>>(), [id(11)]);
    assert_eq!(page.client().posted(id(11), Ok(ack(11, 4)), 1_000), []);
    assert_eq!(page.client().room_fetched(Some(with(vec![said(3, ME, 10), said(4, ME, 11)])), 1_100), []);
    assert!(page.replica().outbox.is_empty());
    let ids: Vec<_> = page.replica().events.iter().filter_map(Event::message).map(|message| message.id).collect();
    assert_eq!(ids, [id(10), id(11)], "nothing twice");
}

#[test]
fn where_no_socket_opens_the_room_is_asked_for_every_few_seconds() {
    let mut page = blocked();
    assert!(page.tick(3_499).iter().all(|act| *act != Act::FetchRoom));
    assert!(page.tick(3_500).contains(&Act::FetchRoom));
    assert!(!page.tick(10_000).contains(&Act::FetchRoom), "there is no answer to the first yet");
    let news = vec![said(3, ADA, 30)];
    page.client().room_fetched(Some(Snapshot { connected: vec![MemberId::from_bits(ADA)], ..with(news) }), 10_100);
    assert_eq!(page.room().take_news().len(), 1);
    page.closed(10_200);
    assert!(!page.replica().connected.is_empty(), "HTTP says who is there");
    page.client().room_fetched(Some(snapshot()), 10_300);
    assert_eq!(page.replica().state.head, 3, "an answer that was overtaken takes nothing back");
    page.client().http_fails();
    assert!(page.replica().connected.is_empty());
    assert_ne!(page.status(), Status::Blocked);
    assert_eq!(page.say(10, 10_400), [], "nothing is sent into the void");
}

#[test]
fn a_refusal_by_http_is_one_like_any_other() {
    let mut page = blocked();
    page.say(10, 600);
    assert_eq!(page.client().posted(id(10), Err(Problem::unreachable()), 700), []);
    assert_eq!(page.replica().outbox[0].state, DraftState::Pending);
    assert!(page.tick(1_000).contains(&post(10)));
    page.client().posted(id(10), Err(Problem::invalid("body", "No.")), 1_100);
    assert!(matches!(page.replica().outbox[0].state, DraftState::Failed(_)));
}

#[test]
fn a_socket_that_opens_at_last_takes_over_and_nothing_is_lost_or_doubled() {
    let mut page = blocked();
    page.say(10, 600);
    page.say(11, 600);
    page.client().woke(700);
    assert_eq!(page.opened(800), [subscribe(2)]);
    assert_eq!(page.received(resumed(vec![said(3, ME, 10)]), 900), [send(11)]);
    assert_eq!(page.status(), Status::Live);
    assert_eq!(page.client().posted(id(10), Ok(ack(10, 3)), 1_000), [], "the late answer of the slower way");
    assert!(!page.tick(20_000).contains(&Act::FetchRoom));
    assert_eq!(page.replica().outbox.len(), 1);
}

#[test]
fn a_socket_that_is_cut_off_before_it_says_anything_is_none() {
    let mut page = resting();
    page.start();
    page.opened(0);
    assert_eq!(page.closed(10), []);
    page.tick(400);
    page.opened(410);
    assert_eq!(page.closed(420), [Act::FetchRoom]);
    let mut page = resting();
    page.start();
    assert!(page.tick(10_000).contains(&Act::FetchRoom), "neither is one that never answers");
}

#[test]
fn what_happens_to_the_room_and_what_is_refused_is_told_but_not_who_comes_and_goes() {
    let mut page = live();
    let by = person(ADA);
    let kinds = [
        EventKind::RetentionChanged { retention: Retention::Preserved, by: by.clone(), n: 0 },
        EventKind::Renamed { name: None, by: by.clone() },
        EventKind::Joined { member: person(3) },
        EventKind::Removed { member: person(3), by: by.clone() },
        EventKind::Joined { member: person(4) },
        EventKind::Left { member: person(4) },
        EventKind::Removed { member: person(ME), by },
    ];
    let refusal_of_ten = refusal(Code::InvalidInput, Some(10), None);
    page.say(10, 0);
    page.received(refusal_of_ten, 1);
    for (kind, seq) in kinds.clone().into_iter().zip(3..) {
        page.received(event(Event { seq, at: 0, kind }), 2);
    }
    let incidents = page.room().take_incidents();
    assert!(matches!(&incidents[0], Incident::Refused(problem) if problem.code == Code::InvalidInput));
    let told = [0, 1, 3].map(|at: usize| Incident::Event(kinds[at].clone()));
    assert_eq!(incidents[1..], told);
    assert_eq!(page.room().take_incidents(), []);
}

#[test]
fn typing_of_others_is_shown_by_name_and_ends_with_their_message() {
    let mut page = live();
    let typing = |member, on| ServerFrame::Signal {
        code: code(),
        signal: Signal::Typing { member: MemberId::from_bits(member), on },
    };
    page.received(typing(ADA, true), 0);
    page.received(typing(ME, true), 0);
    assert_eq!(page.room().typists().map(Nickname::as_str).collect::<Vec<_>>(), ["Ada"]);
    page.received(event(said(3, ADA, 30)), 1);
    assert_eq!(page.room().typists().count(), 0);
}

#[test]
fn a_very_long_timeline_forgets_its_oldest_events_and_history_brings_them_back() {
    let mut page = live();
    for seq in 3..=100 {
        page.received(event(said(seq, ADA, seq.into())), 0);
    }
    page.room().forget_old(10);
    let first_and_count =
        |page: &Page| (page.replica().events.first().map(|event| event.seq), page.replica().events.len());
    assert_eq!(first_and_count(&page), (Some(91), 10));
    assert!(page.replica().has_more);
    let older = (41..=90).rev().map(|seq| said(seq, ADA, seq.into())).collect();
    let top = page.replica().top();
    assert!(page.room().prepend(top, HistoryPage { events: older, has_more: true }));
    assert_eq!(first_and_count(&page), (Some(41), 60));
    page.room().forget_old(100);
    assert_eq!(first_and_count(&page), (Some(41), 60), "nothing is forgotten for nothing");
}

#[test]
fn what_is_said_does_not_change_who_is_there() {
    let mut page = live();
    page.room().take_people_changed();
    page.received(event(said(3, ADA, 30)), 0);
    assert!(!page.room().take_people_changed());
    page.received(event(left(4, ADA)), 0);
    assert!(page.room().take_people_changed());
}

#[test]
fn a_room_and_the_list_go_over_one_connection() {
    let mut page = both();
    assert_eq!(page.status(), Status::Live);
    page.received(event(said(3, ADA, 30)), 1);
    page.received(summary("AAA001", 1), 1);
    assert_eq!(page.replica().state.head, 3);
    assert_eq!(page.list().unread(), 1);
    assert_eq!(page.closed(2), []);
    assert_eq!(page.tick(302), [Act::Open]);
    assert_eq!(page.opened(400), [subscribe(3), watch()]);
    assert_eq!(page.status(), Status::Connecting);
}

#[test]
fn a_list_is_followed_without_a_room() {
    let mut page = watching();
    page.received(summary("AAA001", 2), 1);
    assert_eq!(page.list().unread(), 2);
    assert_eq!(page.client().woke(500), [Act::Send(ClientFrame::Ping { n: 1 })]);
    assert_eq!(page.client().went_offline(1_000), [Act::Close]);
    assert_eq!(page.status(), Status::Offline);
    assert_eq!(page.client().came_online(2_000), [Act::Open]);
    assert_eq!(page.opened(2_100), [watch()]);
}

#[test]
fn the_list_goes_on_when_the_room_is_over() {
    let removed = Event { seq: 3, at: 0, kind: EventKind::Removed { member: person(ME), by: person(ADA) } };
    let mut page = both();
    assert_eq!(page.received(event(removed), 0), []);
    assert_eq!(page.status(), Status::Ended);
    page.received(summary("AAA001", 1), 1);
    assert_eq!(page.list().unread(), 1);
    assert_eq!(page.closed(2), []);
    assert_eq!(page.tick(302), [Act::Open]);
    assert_eq!(page.opened(400), [watch()]);
}

#[test]
fn who_joins_again_beside_the_list_keeps_the_connection() {
    let mut page = both();
    assert_eq!(page.received(refusal(Code::NotAMember, None, None), 0), [Act::Rejoin]);
    let anew = Act::Send(ClientFrame::Subscribe { code: code(), epoch: None, after: None });
    assert_eq!(page.rejoined(Ok(()), 100), [anew]);
    assert_eq!(page.status(), Status::Connecting);
}

#[test]
fn a_session_that_ends_is_the_end_of_both() {
    let mut page = both();
    let bye = ServerFrame::Bye { reason: ByeReason::SignedOut, retry_after_ms: 0 };
    assert_eq!(page.received(bye, 0), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Outside));
    assert!(page.list().is_logged_out());
    assert_eq!((page.closed(1), page.due()), (Vec::new(), None));

    let mut page = watching();
    page.closed(0);
    page.tick(300);
    assert_eq!(page.closed(400), [Act::FetchRoom]);
    assert_eq!(page.client().access_ended(500), [Act::Close]);
    assert!(page.list().is_logged_out());
}

#[test]
fn a_server_that_has_no_list_now_is_asked_again_and_the_room_does_not_suffer() {
    let mut page = Page::with(Some(Session::new(snapshot(), || 1.0)), Some(listed(Some(code()))));
    page.start();
    page.opened(0);
    page.received(resumed(Vec::new()), 0);
    let busy = ServerFrame::Error {
        code: Code::Overloaded,
        detail: "No.".to_owned(),
        id: None,
        room: None,
        reason: None,
        retry_after_ms: Some(1_000),
    };
    assert_eq!(page.received(busy, 10), []);
    assert_eq!(page.status(), Status::Live);
    assert_eq!(page.due(), Some(1_010));
    assert_eq!(page.tick(1_010), [watch()]);
}

#[test]
fn a_list_that_a_tick_takes_a_note_from_has_changed() {
    let mut page = watching();
    page.received(summary("AAA001", 1), 0);
    page.list().take_changed();
    page.tick(5_999);
    assert!(!page.list().take_changed());
    page.tick(6_000);
    assert!(page.list().take_changed());
}
