//! What a delivery costs: counted, not timed. One write for each reader while it keeps up, fewer when much is said at once,
//! and no allocation at all, however many there are.

#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

use std::{alloc::System, sync::Arc, time::Duration};

use anonchat::{
    protocol::{
        ClientId, EventKind, MemberId, MessageBody, Nickname, Retention, RoomType, ServerFrame, Signal,
        limits::READ_MARK_MEMBERS,
    },
    server::{
        bus::LocalBus,
        random,
        room::{Command, Discretion, Engine, Reply, Timing},
        socket::{Connection, Wire},
        store::{
            ActorId, GuestId, Joining, MemberRecord, Membership, Owed, Presence, RoomId, RoomRecord, Store,
            sqlite::Sqlite,
        },
    },
};
use futures_util::StreamExt;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::net::UnixStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A live room in which every member follows by a socket of their own.
struct Room {
    engine: Engine,
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
    /// Everyone is in, follows, and knows who else does: nothing is left to be told but what somebody says.
    async fn of(size: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("test.sqlite")).unwrap());
        let (bus, news) = LocalBus::new();
        let timing = Timing { guest_grace: Duration::from_hours(1) };
        let engine = Engine::start(Arc::clone(&store), Arc::new(bus), news, timing);
        let (room, owner) = new_room();
        store.create_room(&room, &owner, None).await.unwrap();
        let mut members = vec![owner.clone()];
        for _ in 1..size {
            let Membership::Entered(member) = store.join_room(&joining(&room)).await.unwrap() else {
                panic!("in twice")
            };
            members.push(member);
        }
        let mut readers = Vec::new();
        for member in members {
            let (near, far) = UnixStream::pair().unwrap();
            let connection = Connection::open(Wire::Pair(near));
            engine.subscribe(room.id, connection.clone(), room.code, member, Discretion::default(), None).await;
            readers
                .push(Reader { connection, frames: WebSocketStream::from_raw_socket(far, Role::Client, None).await });
        }
        for reader in &mut readers {
            let all_are_here = |frame: &ServerFrame| matches!(frame, ServerFrame::Signal { signal: Signal::Presence { connected }, .. } if connected.len() == size);
            while !all_are_here(&reader.next().await) {}
        }
        Self { engine, id: room.id, speaker: owner.member, readers, _folder: folder }
    }

    fn say(&self) -> Command {
        let body = MessageBody::try_from("Shall we meet at the station at half past six?").unwrap();
        Command::Say { member: self.speaker, id: ClientId::new(random::uuid()), body }
    }

    fn writes(&self) -> Vec<u64> {
        self.readers.iter().map(|reader| reader.connection.writes()).collect()
    }

    /// The fewest allocations that a message took; what the node does beside it can only add to them.
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
        epoch: random::epoch(),
        owner,
        created_at: 0,
        touched_at: 0,
    };
    let member = MemberRecord {
        room: id,
        member: owner,
        actor: ActorId::Guest(GuestId(random::uuid())),
        name: Nickname::try_from("Ada").unwrap(),
        presence: Presence::Active,
        slot: None,
        since: 0,
        owed: Some(Owed::Joined),
        changed_at: 0,
        read: 0,
        read_n: 0,
        shown: 0,
        muted: false,
    };
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
    // On this runtime of one thread the room’s task runs only when the test waits, so it finds all of them.
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
async fn a_sender_gets_the_ack_and_the_message_in_one_write() {
    let mut room = Room::of(2).await;
    let (before, connection) = (room.writes(), room.readers[0].connection.clone());
    let Command::Say { id, .. } = room.say() else { panic!("nothing is said") };
    let said = Command::Say { member: room.speaker, id, body: MessageBody::try_from("Here").unwrap() };
    let reply = Reply::Socket { connection, code: random::room_code(), id };
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
async fn a_delivery_allocates_nothing() {
    let (few, many) = (Room::of(2).await.allocations().await, Room::of(102).await.allocations().await);
    assert_eq!(few, many, "a hundred more readers");
}
