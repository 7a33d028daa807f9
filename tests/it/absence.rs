//! Absence: a member without a connection is given up after a while. These tests check for whom that time runs and for
//! whom not.

use std::{sync::Arc, time::Duration};

use anonchat::{
    protocol::{ClientId, EventKind, MemberId, MessageBody, Nickname, Person, Retention, RoomType, ServerFrame},
    server::{
        bus::{Bus, LocalBus},
        clock, random,
        room::{Calls, Command, Discretion, Engine, Timing},
        socket::{Connection, Wire},
        store::{
            ActorId, Adopted, Gone, GuestId, GuestRecord, Joining, MemberRecord, Membership, Presence, RoomId,
            RoomRecord, Store, TokenHash, sqlite::Sqlite,
        },
    },
};
use futures_util::StreamExt;
use tokio::net::UnixStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use super::registration::register;

/// A live room whose owner follows it.
struct Room {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    engine: Engine,
    record: RoomRecord,
    owner: Reader,
    _folder: tempfile::TempDir,
}

struct Reader {
    member: MemberId,
    connection: Connection,
    frames: WebSocketStream<UnixStream>,
}

impl Room {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("test.sqlite")).unwrap());
        let (bus, news) = LocalBus::new();
        let bus: Arc<dyn Bus> = Arc::new(bus);
        let (guest_grace, guest_closed) = (Duration::from_secs(1), Duration::from_secs(1));
        let timing = Timing { guest_grace, guest_closed, room_kept_days: 90, edit_minutes: 15 };
        let engine = Engine::start(Arc::clone(&store), Arc::clone(&bus), news, drop, timing);
        let (id, at) = (RoomId(random::uuid()), clock::now());
        let person = Person { id: random::member_id(), name: name("Owner") };
        let owner = MemberRecord::new(id, person, ActorId::Guest(GuestId(random::uuid())), at);
        let record = RoomRecord {
            id,
            code: random::room_code(),
            room_type: RoomType::Group,
            name: None,
            retention: Retention::Ephemeral,
            peek: true,
            epoch: random::epoch(),
            owner: owner.member,
            created_at: at,
            touched_at: at,
            visited_at: at,
            gone: Gone::default(),
        };
        store.create_room(&record, &owner, None).await.unwrap();
        let owner = follow(&engine, &record, owner).await;
        Self { store, bus, engine, record, owner, _folder: folder }
    }

    async fn join(&self, actor: ActorId, newcomer: Option<GuestRecord>) -> MemberRecord {
        let joining = Joining {
            room: self.record.id,
            room_type: self.record.room_type,
            actor,
            member: random::member_id(),
            name: None,
            fallback_name: name("Quiet Otter"),
            newcomer,
            at: clock::now(),
        };
        let Membership::Entered(member) = self.store.join_room(&joining).await.unwrap() else { panic!("in twice") };
        member
    }

    /// A new guest with a session, following the room.
    async fn guest(&self) -> (GuestId, Reader) {
        let id = GuestId(random::uuid());
        let session = GuestRecord { id, token: TokenHash(random::token()), nickname: None, seen_at: clock::now() };
        let member = self.join(ActorId::Guest(id), Some(session)).await;
        (id, follow(&self.engine, &self.record, member).await)
    }

    async fn adopt(&self, guest: GuestId) -> MemberRecord {
        let account = register(&*self.store).await.id;
        match self.store.adopt_guest(guest, account, clock::now()).await.unwrap() {
            Adopted::Member(member) => member,
            other => panic!("{other:?}"),
        }
    }

    async fn presence(&self, reader: &Reader) -> Presence {
        self.store.member(self.record.id, reader.member).await.unwrap().presence
    }
}

async fn follow(engine: &Engine, room: &RoomRecord, member: MemberRecord) -> Reader {
    let (near, far) = UnixStream::pair().unwrap();
    let connection = Connection::open(Wire::Pair(near));
    let id = member.member;
    engine.subscribe(room.id, connection.clone(), room.code, member, Discretion::default(), None).await;
    let frames = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
    let mut reader = Reader { member: id, connection, frames };
    reader.until(|frame| matches!(frame, ServerFrame::Snapshot { .. })).await;
    reader
}

impl Reader {
    async fn until(&mut self, wanted: impl Fn(&ServerFrame) -> bool) {
        let wait = async {
            loop {
                let frame = self.frames.next().await.unwrap().unwrap().into_text().unwrap();
                if wanted(&serde_json::from_str(&frame).unwrap()) {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it is told in time");
    }
}

fn name(text: &str) -> Nickname {
    Nickname::try_from(text).unwrap()
}

#[tokio::test]
async fn an_account_without_a_connection_stays_and_so_does_a_guest_who_became_one() {
    let mut room = Room::new().await;
    let (bob_guest, bob) = room.guest().await;
    let (carl_guest, carl) = room.guest().await;
    let ada = room.join(ActorId::Account(register(&*room.store).await.id), None).await;
    let ada = follow(&room.engine, &room.record, ada).await;

    // Both guests become accounts, and all connections close. Bob stays away. Carl opens a page as the account, while
    // the time of the guest that he was is running.
    room.adopt(bob_guest).await;
    let carl_account = room.adopt(carl_guest).await;
    for reader in [&ada, &bob, &carl] {
        room.engine.disconnect(reader.connection.id()).await;
    }
    let mut carl = follow(&room.engine, &room.record, carl_account).await;
    let (_, clock) = room.guest().await;
    room.engine.disconnect(clock.connection.id()).await;

    // By now the time of each of them would be over.
    let clock_left = |frame: &ServerFrame| matches!(frame, ServerFrame::Event { event, .. } if matches!(&event.kind, EventKind::Left { member } if member.id == clock.member));
    room.owner.until(clock_left).await;
    for reader in [&ada, &bob, &carl] {
        assert_eq!(room.presence(reader).await, Presence::Active);
    }
    let leases = room.bus.claim_ended_leases(clock::now() + 60_000, clock::now() + 60_000, 10).await.unwrap();
    assert!(!leases.contains(&(room.record.id, ada.member)), "an account has none");

    let said = Command::Say {
        member: room.owner.member,
        id: ClientId::new(random::uuid()),
        body: MessageBody::try_from("Still here?").unwrap(),
        reply_to: None,
        calls: Calls::default(),
    };
    room.engine.command(room.record.id, said).await.unwrap();
    let message = |frame: &ServerFrame| matches!(frame, ServerFrame::Event { event, .. } if event.message().is_some());
    carl.until(message).await;
}
