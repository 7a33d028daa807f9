//! The cost of delivering a message, counted and not timed.
//!
//! A reader who keeps up costs one socket write for each message, and fewer writes when many messages come at once.
//! Delivery allocates nothing, however many readers there are.

#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

use std::{alloc::System, sync::Arc, time::Duration};

use anonchat::{
    protocol::{
        ClientId, Emoji, Event, EventKind, MemberId, MessageBody, Nickname, Person, Retention, RoomType, ServerFrame,
        Signal, Target, limits::READ_MARK_MEMBERS,
    },
    server::{
        bus::LocalBus,
        metrics::{self, Stopwatch},
        random,
        room::{Calls, Change, Command, Discretion, Engine, Reply, Timing, Touch},
        socket::{Connection, Wire},
        store::{ActorId, Gone, GuestId, Joining, MemberRecord, Membership, RoomId, RoomRecord, Store, sqlite::Sqlite},
    },
};
use futures_util::StreamExt;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::net::UnixStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A live room in which every member follows with a socket of their own.
struct Room {
    engine: Engine,
    store: Arc<dyn Store>,
    record: RoomRecord,
    id: RoomId,
    speaker: MemberId,
    readers: Vec<Reader>,
    _folder: tempfile::TempDir,
}

struct Reader {
    connection: Connection,
    frames: WebSocketStream<UnixStream>,
}

impl Room {
    /// A room in which all members have joined, follow and know of each other's presence, so that only messages cause
    /// writes.
    async fn of(size: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("test.sqlite")).unwrap());
        let (bus, news) = LocalBus::new();
        let (guest_grace, guest_closed) = (Duration::from_hours(1), Duration::from_hours(1));
        let timing = Timing { guest_grace, guest_closed, room_kept_days: 90, edit_minutes: 15 };
        let engine = Engine::start(Arc::clone(&store), Arc::new(bus), news, drop, timing);
        let (room, owner) = new_room();
        store.create_room(&room, &owner, None).await.unwrap();
        let mut room = Self {
            engine,
            store,
            id: room.id,
            record: room,
            speaker: owner.member,
            readers: Vec::new(),
            _folder: folder,
        };
        let mut members = vec![owner];
        for _ in 1..size {
            members.push(room.let_in().await);
        }
        for member in members {
            room.follow(member).await;
        }
        for reader in &mut room.readers {
            let all_are_here = |frame: &ServerFrame| matches!(frame, ServerFrame::Signal { signal: Signal::Presence { connected }, .. } if connected.len() == size);
            while !all_are_here(&reader.next().await) {}
        }
        room
    }

    /// Adds a member to the store, and leaves the `joined` event to be written.
    async fn let_in(&self) -> MemberRecord {
        let Membership::Entered(member) = self.store.join_room(&joining(&self.record)).await.unwrap() else {
            panic!("in twice")
        };
        member
    }

    async fn follow(&mut self, member: MemberRecord) {
        let (near, far) = UnixStream::pair().unwrap();
        let connection = Connection::open(Wire::Pair(near));
        self.engine.subscribe(self.id, connection.clone(), self.record.code, member, Discretion::default(), None).await;
        let frames = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        self.readers.push(Reader { connection, frames });
    }

    fn say(&self) -> Command {
        let body = MessageBody::try_from("Shall we meet at the station at half past six?").unwrap();
        Command::Say {
            member: self.speaker,
            id: ClientId::new(random::uuid()),
            body,
            reply_to: None,
            calls: Calls::default(),
        }
    }

    fn writes(&self) -> Vec<u64> {
        self.readers.iter().map(|reader| reader.connection.writes()).collect()
    }

    /// The fewest allocations among ten messages. Other work of the node can only add to them.
    async fn allocations(&self) -> usize {
        let mut fewest = usize::MAX;
        for _ in 0..10 {
            let said = self.say();
            let region = Region::new(ALLOCATOR);
            self.engine.command(self.id, said).await.unwrap();
            fewest = fewest.min(region.change().allocations);
        }
        fewest
    }
}

impl Reader {
    async fn next(&mut self) -> ServerFrame {
        let frame = self.frames.next().await.unwrap().unwrap().into_text().unwrap();
        serde_json::from_str(&frame).unwrap()
    }

    async fn next_event(&mut self) -> Event {
        loop {
            if let ServerFrame::Event { event, .. } = self.next().await {
                return event;
            }
        }
    }

    async fn next_message(&mut self) -> u64 {
        loop {
            if let ServerFrame::Event { event, .. } = self.next().await
                && let EventKind::Message(message) = event.kind
            {
                return message.n;
            }
        }
    }
}

fn new_room() -> (RoomRecord, MemberRecord) {
    let (id, owner) = (RoomId(random::uuid()), random::member_id());
    let room = RoomRecord {
        id,
        code: random::room_code(),
        room_type: RoomType::Group,
        name: None,
        retention: Retention::Ephemeral,
        peek: true,
        epoch: random::epoch(),
        owner,
        created_at: 0,
        touched_at: 0,
        visited_at: i64::MAX,
        gone: Gone::default(),
    };
    let person = Person { id: owner, name: Nickname::try_from("Ada").unwrap() };
    let member = MemberRecord::new(id, person, ActorId::Guest(GuestId(random::uuid())), 0);
    (room, member)
}

fn joining(room: &RoomRecord) -> Joining {
    Joining {
        room: room.id,
        room_type: room.room_type,
        actor: ActorId::Guest(GuestId(random::uuid())),
        member: random::member_id(),
        name: None,
        fallback_name: Nickname::try_from("Quiet Otter").unwrap(),
        newcomer: None,
        at: 0,
    }
}

#[tokio::test]
async fn a_message_is_one_write_for_each_reader() {
    let mut room = Room::of(20).await;
    let before = room.writes();
    for n in 1..=5 {
        room.engine.command(room.id, room.say()).await.unwrap();
        for reader in &mut room.readers {
            assert_eq!(reader.next_message().await, n);
        }
    }
    let written: Vec<u64> = room.writes().iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(written, vec![5; 20]);
}

#[tokio::test]
async fn what_is_said_at_once_is_one_write_for_each_reader() {
    let mut room = Room::of(20).await;
    let before = room.writes();
    // The runtime has one thread, so the room's task runs only while this test waits. It finds all 50 messages at once.
    for _ in 0..50 {
        room.engine.submit(room.id, room.say(), Reply::None).await;
    }
    for reader in &mut room.readers {
        for n in 1..=50 {
            assert_eq!(reader.next_message().await, n);
        }
    }
    let written: Vec<u64> = room.writes().iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(written, vec![1; 20]);
}

#[tokio::test]
async fn a_thousand_who_react_at_once_are_a_few_events_and_writes_for_each_reader() {
    let mut room = Room::of(20).await;
    let mut crowd = Vec::new();
    for _ in 0..1_000 {
        let member = room.let_in().await;
        room.engine.submit(room.id, Command::Join { member: member.person() }, Reply::None).await;
        crowd.push(member.member);
    }
    let said = room.say();
    let Command::Say { id, .. } = said else { unreachable!() };
    let seq = room.engine.command(room.id, said).await.unwrap().seq;
    for reader in &mut room.readers {
        reader.next_message().await;
    }
    let before = room.writes();
    for member in crowd {
        let change = Change::React { e: Emoji::stored("👍"), on: true };
        let touch = Touch { member, also: Vec::new(), target: Target { seq, id }, change, found: None };
        room.engine.submit(room.id, Command::Touch(touch), Reply::None).await;
    }
    for reader in &mut room.readers {
        let (mut events, mut people) = (0, 0);
        while people < 1_000 {
            let EventKind::Reacted { changes } = reader.next_event().await.kind else { panic!("a reaction") };
            assert_eq!(changes.len(), 1, "of one message and emoji");
            (events, people) = (events + 1, people + changes[0].who.len());
        }
        assert!((1..=5).contains(&events) && people == 1_000, "{people} people in {events} events");
    }
    for (after, before) in room.writes().iter().zip(before) {
        assert!(after - before <= 5, "{} writes", after - before);
    }
}

#[tokio::test]
async fn a_sender_gets_the_ack_and_the_message_in_one_write() {
    let mut room = Room::of(2).await;
    let (before, connection) = (room.writes(), room.readers[0].connection.clone());
    let Command::Say { id, .. } = room.say() else { panic!("nothing is said") };
    let said = Command::Say {
        member: room.speaker,
        id,
        body: MessageBody::try_from("Here").unwrap(),
        reply_to: None,
        calls: Calls::default(),
    };
    let reply = Reply::Socket { connection, code: random::room_code(), id, accepted: Stopwatch::start() };
    room.engine.submit(room.id, said, reply).await;
    assert!(matches!(room.readers[0].next().await, ServerFrame::Ack { id: acked, .. } if acked == id));
    assert_eq!(room.readers[0].next_message().await, 1);
    assert_eq!(room.writes()[0], before[0] + 1);
}

#[tokio::test]
async fn what_many_read_at_once_is_one_write_for_each_reader() {
    let mut room = Room::of(20).await;
    let said = room.engine.command(room.id, room.say()).await.unwrap().seq;
    for reader in &mut room.readers {
        assert_eq!(reader.next_message().await, 1);
    }
    let before = room.writes();
    for reader in &room.readers {
        room.engine.read(room.id, reader.connection.id(), said).await;
    }
    for reader in &mut room.readers {
        let ServerFrame::Signal { signal: Signal::Read { marks }, .. } = reader.next().await else {
            panic!("something else is told")
        };
        assert_eq!(marks.len(), 19, "all but who said it");
        assert!(marks.iter().all(|mark| mark.seq == said));
    }
    let written: Vec<u64> = room.writes().iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(written, vec![1; 20]);
}

#[tokio::test]
async fn reading_in_a_large_room_is_no_write_at_all() {
    let mut room = Room::of(READ_MARK_MEMBERS + 1).await;
    let before = room.writes();
    for n in 1..=5 {
        let said = room.engine.command(room.id, room.say()).await.unwrap().seq;
        for reader in &mut room.readers {
            assert_eq!(reader.next_message().await, n);
            room.engine.read(room.id, reader.connection.id(), said).await;
        }
    }
    let written: Vec<u64> = room.writes().iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(written, vec![5; READ_MARK_MEMBERS + 1]);
}

#[tokio::test]
async fn a_crowd_that_comes_one_by_one_is_shown_in_a_write_or_two_and_to_each_from_where_they_came() {
    let mut room = Room::of(20).await;
    let before = room.writes();
    let head = room.engine.command(room.id, room.say()).await.unwrap().seq;
    for _ in 0..10 {
        let member = room.let_in().await;
        room.engine.command(room.id, Command::Join { member: member.person() }).await.unwrap();
        room.follow(member).await;
    }
    let last = room.engine.command(room.id, room.say()).await.unwrap().seq;
    assert_eq!(last, head + 11);
    for (i, reader) in room.readers.iter_mut().enumerate() {
        // The members who joined also receive the events of those who joined after them.
        let first = if i < 20 { head } else { head + 2 + (i - 20) as u64 };
        if i >= 20 {
            let ServerFrame::Snapshot { snapshot, .. } = reader.next().await else { panic!("no snapshot") };
            assert_eq!(snapshot.head + 1, first);
        }
        for seq in first..=last {
            assert_eq!(reader.next_event().await.seq, seq);
        }
    }
    for (after, before) in room.writes().iter().zip(before) {
        // At most three writes: the message before, a tick that may come at any time, and the message after.
        assert!(after - before <= 3, "{} writes", after - before);
    }
}

#[tokio::test]
async fn who_comes_is_shown_within_a_moment_though_nothing_else_happens() {
    let mut room = Room::of(20).await;
    let member = room.let_in().await;
    let seq = room.engine.command(room.id, Command::Join { member: member.person() }).await.unwrap().seq;
    for reader in &mut room.readers {
        let shown = tokio::time::timeout(Duration::from_secs(5), reader.next_event()).await;
        assert_eq!(shown.expect("they are shown").seq, seq);
    }
}

#[tokio::test]
async fn a_delivery_allocates_nothing() {
    let (few, many) = (Room::of(2).await.allocations().await, Room::of(102).await.allocations().await);
    assert_eq!(few, many, "a hundred more readers");
    // Recording begins here for the whole process. The other tests of this program do not depend on it.
    metrics::start();
    let recorded = Room::of(102).await.allocations().await;
    assert_eq!(recorded, many, "with metrics");
}
