//! Tests of the whole page without a browser: a [`Client`] with rooms, a list or both gets inputs one by one, and the
//! tests compare the acts that it returns.

mod changing;
mod connection;
mod http;
mod keeping;
mod list;
mod membership;
mod reacting;
mod reading;
mod rooms;
mod sending;
mod showing;

use uuid::Uuid;

use crate::protocol::{
    Ack, ByeReason, ClientFrame, ClientId, Code, Companion, Draft, DraftKind, DraftState, Emoji, Epoch, Event,
    EventKind, HistoryPage, MemberId, MemberView, Mentions, Message, MessageBody, Nickname, Notify, Person, Problem,
    ReactionChange, ReadMark, Replica, ResetReason, Retention, Role, RoomCode, RoomSummary, RoomType, RoomView, Seq,
    ServerFrame, Signal, Snapshot, Target, You,
};

use super::{
    act::{Act, Status, Way},
    client::Client,
    input::{Input, RoomInput},
    list::RoomList,
    room::{Chosen, Ending, Incident, LocalRoom},
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
    let message = Message::new(seq, id(n), person(author), body("Hello"));
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
            peek: true,
            owner: MemberId::from_bits(ADA),
            created_at: 0,
            kept_days: 0,
            edit_minutes: 15,
        },
        you: You {
            member_id: MemberId::from_bits(ME),
            nickname: person(ME).name,
            role: Role::Member,
            read: 2,
            unread: 0,
            muted: false,
            notify: None,
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
        from: None,
        quotes: Vec::new(),
    }
}

fn open() -> Act {
    Act::Open(Way::Socket)
}

fn open_stream() -> Act {
    Act::Open(Way::Stream)
}

fn subscribe(after: Seq) -> Act {
    Act::Send(ClientFrame::Subscribe { code: code(), epoch: Some(Epoch::from_bits(7)), after: Some(after) })
}

fn send(n: u128) -> Act {
    Act::Send(ClientFrame::Send {
        code: code(),
        id: id(n),
        body: "Hello".to_owned(),
        reply_to: None,
        mentions: Vec::new(),
        everyone: false,
    })
}

fn rejoin() -> Act {
    Act::Rejoin { code: code(), nickname: person(ME).name }
}

/// A check over HTTP that names no room.
fn check() -> Act {
    Act::FetchRoom(None)
}

/// A check over HTTP of the room.
fn fetch() -> Act {
    Act::FetchRoom(Some(code()))
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

/// The snapshot of another room with the same members.
pub fn snapshot_of(code: RoomCode) -> Snapshot {
    let before = snapshot();
    Snapshot { room: RoomView { code, ..before.room }, ..before }
}

/// The answer to a `subscribe` from the end of that snapshot: nothing was missed.
pub fn nothing_missed_in(code: RoomCode) -> ServerFrame {
    resumed_in(code, Vec::new())
}

/// A message of Ada in a room.
pub fn said_in(code: RoomCode, seq: Seq) -> ServerFrame {
    ServerFrame::Event { code, event: said(seq, ADA, seq.into()) }
}

fn resumed_in(code: RoomCode, events: Vec<Event>) -> ServerFrame {
    match resumed(events) {
        ServerFrame::Resumed { epoch, head, events, connected, member, read, reads, .. } => {
            ServerFrame::Resumed { code, epoch, head, events, connected, member, read, reads }
        }
        frame => frame,
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
        mention: 0,
        muted: false,
        notify: None,
    }
}

/// A page, and what can happen to it.
struct Page {
    client: Client,
}

impl Page {
    fn with(room: Option<LocalRoom>, list: Option<RoomList>) -> Self {
        let mut page = Self { client: Client::new(|| 1.0) };
        if let Some(list) = list {
            page.client.set_list(list);
        }
        if let Some(room) = room {
            assert_eq!(page.open(room, 0), []);
        }
        page
    }

    /// Opens a room with its snapshot.
    fn open(&mut self, room: LocalRoom, now: u64) -> Vec<Act> {
        let code = room.code();
        self.client.add_room(room);
        self.client.step(Input::RoomShown(code), now)
    }

    fn start(&mut self) -> Vec<Act> {
        self.client.step(Input::Started { online: true }, 0)
    }

    fn opened(&mut self, now: u64) -> Vec<Act> {
        self.client.step(Input::Opened, now)
    }

    fn closed(&mut self, now: u64) -> Vec<Act> {
        self.client.step(Input::Closed, now)
    }

    fn went_offline(&mut self, now: u64) -> Vec<Act> {
        self.client.step(Input::WentOffline, now)
    }

    fn came_online(&mut self, now: u64) -> Vec<Act> {
        self.client.step(Input::CameOnline, now)
    }

    fn woke(&mut self, now: u64) -> Vec<Act> {
        self.client.step(Input::Woke, now)
    }

    fn received(&mut self, frame: ServerFrame, now: u64) -> Vec<Act> {
        self.client.step(Input::Received(Box::new(frame)), now)
    }

    fn tick(&mut self, now: u64) -> Vec<Act> {
        self.client.step(Input::TimePassed, now)
    }

    fn due(&mut self) -> Option<u64> {
        self.client.due()
    }

    fn status(&mut self) -> Status {
        self.client.status()
    }

    fn in_room(&mut self, input: RoomInput, now: u64) -> Vec<Act> {
        self.client.step(Input::InRoom(code(), input), now)
    }

    fn say(&mut self, n: u128, now: u64) -> Vec<Act> {
        self.in_room(
            RoomInput::Say { id: id(n), body: body("Hello"), mentions: Mentions::default(), reply_to: None },
            now,
        )
    }

    fn set_looking(&mut self, looking: bool, now: u64) -> Vec<Act> {
        self.in_room(RoomInput::Look(looking), now)
    }

    fn fetched(&mut self, answer: Result<Option<Box<Snapshot>>, Problem>, now: u64) -> Vec<Act> {
        self.client.step(Input::Fetched { code: Some(code()), answer }, now)
    }

    fn room_fetched(&mut self, snapshot: Snapshot, now: u64) -> Vec<Act> {
        self.fetched(Ok(Some(Box::new(snapshot))), now)
    }

    fn login_checked(&mut self, answer: Result<(), Problem>, now: u64) -> Vec<Act> {
        self.client.step(Input::Fetched { code: None, answer: answer.map(|()| None) }, now)
    }

    fn posted(&mut self, id: ClientId, outcome: Result<Ack, Problem>, now: u64) -> Vec<Act> {
        self.client.step(Input::Posted { code: code(), id, outcome }, now)
    }

    fn rejoined(&mut self, outcome: Result<(), Problem>, now: u64) -> Vec<Act> {
        self.client.step(Input::Rejoined { code: code(), outcome }, now)
    }

    fn room(&mut self) -> &mut LocalRoom {
        self.client.room_mut(code()).unwrap()
    }

    fn list(&mut self) -> &mut RoomList {
        self.client.list_mut().unwrap()
    }

    fn replica(&self) -> &Replica {
        self.client.room(code()).unwrap().replica()
    }

    fn ending(&self) -> Option<&Ending> {
        self.client.room(code()).unwrap().ending()
    }
}

fn resting() -> Page {
    Page::with(Some(LocalRoom::new(snapshot(), || 1.0)), None)
}

/// A page whose room is live.
fn live() -> Page {
    let mut page = resting();
    assert_eq!(page.start(), [open()]);
    assert_eq!(page.opened(0), [subscribe(2)]);
    assert_eq!(page.received(resumed(Vec::new()), 0), []);
    assert_eq!(page.status(), Status::Live);
    page
}

fn watch() -> Act {
    Act::Send(ClientFrame::Watch {})
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
    assert_eq!(page.start(), [open()]);
    assert_eq!(page.opened(0), [watch()]);
    assert_eq!(page.status(), Status::Connecting);
    assert_eq!(page.received(rooms(&["K7M2QX", "AAA001"]), 0), []);
    assert_eq!(page.status(), Status::Live);
    page
}

/// A page whose room and list are live.
fn both() -> Page {
    let mut page = Page::with(Some(LocalRoom::new(snapshot(), || 1.0)), Some(listed(Some(code()))));
    assert_eq!(page.start(), [open()]);
    assert_eq!(page.opened(0), [subscribe(2), watch()]);
    page.received(rooms(&["K7M2QX", "AAA001"]), 0);
    page.received(resumed(Vec::new()), 0);
    page
}
