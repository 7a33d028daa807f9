//! The statements and commands of a store for a batch of messages, with SQLite and with MongoDB.

use std::sync::{Arc, Mutex};

use anonchat::{
    protocol::{
        ClientId, Epoch, Event, EventKind, MemberId, Message, MessageBody, Nickname, Notify, Person, Retention,
        RoomCode, RoomType,
    },
    server::store::{
        AccountId, ActorId, Events as _, Gone, GuestId, GuestRecord, Guests as _, Joining, MemberRecord, Members as _,
        ReadCursor, RoomId, RoomRecord, Rooms as _, SessionId, Sessions as _, Store, TokenHash,
        mongo::Mongo as MongoStore, sqlite::Sqlite,
    },
};
use futures_util::future::join_all;
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;
use uuid::Uuid;

use super::doors::statements;
use crate::support::services::shared_mongo;

/// The log of a subscriber that belongs to this test.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<u8>>>);

impl<'a> MakeWriter<'a> for Told {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl std::io::Write for Told {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Told {
    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        let filter = tracing_subscriber::EnvFilter::new("anonchat::server::store=trace");
        tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(self.clone()).finish()
    }

    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }

    /// The commands of MongoDB in the log: name and collection.
    fn commands(&self) -> Vec<String> {
        let command = |line: &str| {
            let line: Value = serde_json::from_str(line).unwrap();
            let field = |name: &str| line["fields"][name].as_str().unwrap_or_default().to_owned();
            format!("{} {}", field("command"), field("collection")).trim().to_owned()
        };
        self.take().lines().map(command).collect()
    }
}

fn room_for(owner: GuestId, retention: Retention) -> (RoomRecord, MemberRecord) {
    let (id, member) = (RoomId(Uuid::now_v7()), MemberId::from_bits(1));
    let room = RoomRecord {
        id,
        code: RoomCode::from_bits(rand::random()),
        room_type: RoomType::Group,
        name: None,
        retention,
        peek: true,
        epoch: Epoch::from_bits(1),
        owner: member,
        created_at: 1,
        touched_at: 1,
        visited_at: i64::MAX,
        gone: Gone::default(),
    };
    let person = Person { id: member, name: Nickname::try_from("Ada").unwrap() };
    let owner = MemberRecord::new(id, person, ActorId::Guest(owner), 1);
    (room, owner)
}

/// As many sessions as a busy node has sockets for.
const SESSIONS: usize = 10_000;

fn sessions() -> Vec<SessionId> {
    (0..SESSIONS).map(|_| SessionId(Uuid::now_v7())).collect()
}

fn newcomer() -> GuestRecord {
    let id = GuestId(Uuid::now_v7());
    GuestRecord { id, token: TokenHash(rand::random()), nickname: None, seen_at: 1 }
}

fn messages(author: &Person, seqs: std::ops::RangeInclusive<u64>) -> Vec<Event> {
    let said = |seq| {
        let (id, body) = (ClientId::new(Uuid::now_v7()), MessageBody::try_from("Hello").unwrap());
        Event { seq, at: 1, kind: EventKind::Message(Message::new(seq, id, author.clone(), body)) }
    };
    seqs.map(said).collect()
}

#[tokio::test]
async fn a_batch_is_one_transaction_of_sqlite_with_one_statement_for_each_message() {
    let told = Told::default();
    // A global subscriber, because the writer of the store is another thread.
    tracing::subscriber::set_global_default(told.subscriber()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("anonchat.db")).unwrap();
    let (room, owner) = room_for(GuestId(Uuid::now_v7()), Retention::Preserved);
    store.create_room(&room, &owner, None).await.unwrap();
    told.take();
    for (events, inserts) in [(messages(&owner.person(), 1..=1), 1), (messages(&owner.person(), 2..=101), 100)] {
        let appended = store.append(room.id, room.epoch, &events).await.unwrap();
        assert_eq!(appended.stored, inserts);
        let expected = [&["begin"], &vec!["insert events"; inserts][..], &["commit"]].concat();
        assert_eq!(statements(&told.take()), expected);
    }
    let ended = store.ended_sessions(&sessions(), 1).await.unwrap();
    assert_eq!(ended.len(), SESSIONS);
    assert_eq!(statements(&told.take()), ["with"], "one statement, however many sessions a node holds");
    store.close().await;
}

#[tokio::test]
async fn mongo_is_asked_one_command_for_a_batch_of_messages_and_for_each_look() {
    let Some(uri) = shared_mongo() else { return };
    let told = Told::default();
    let _told_here = tracing::subscriber::set_default(told.subscriber());
    let name = format!("economy_{}", Uuid::new_v4().simple());
    let store = MongoStore::connect(&uri, &name).await.unwrap();
    let (ada, bob) = (newcomer(), newcomer());
    let (room, owner) = room_for(ada.id, Retention::Preserved);
    let person = owner.person();
    told.take();

    store.create_room(&room, &owner, Some(&ada)).await.unwrap();
    assert_eq!(told.commands(), ["insert rooms", "insert guests", "insert members", "commitTransaction"]);
    for batch in [messages(&person, 1..=1), messages(&person, 2..=101)] {
        store.append(room.id, room.epoch, &batch).await.unwrap();
        assert_eq!(told.commands(), ["insert events"]);
    }
    let cursor = |bits, seq| ReadCursor { member: MemberId::from_bits(bits), seq, n: seq, shown: seq };
    store.mark_read(room.id, &(1..=200).map(|bits| cursor(bits, 101)).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(told.commands(), ["update members"]);
    store.set_notify(room.id, owner.member, Some(Notify::None)).await.unwrap();
    assert_eq!(told.commands(), ["update members"]);
    let others: Vec<_> = (0..20).map(|_| room_for(GuestId(Uuid::now_v7()), Retention::Preserved)).collect();
    for (other, owner) in &others {
        store.create_room(other, owner, None).await.unwrap();
    }
    told.take();
    let batches: Vec<_> = others.iter().map(|(_, owner)| messages(&owner.person(), 1..=3)).collect();
    let at_once = others.iter().zip(&batches).map(|((other, _), batch)| store.append(other.id, other.epoch, batch));
    assert!(join_all(at_once).await.into_iter().all(|appended| appended.unwrap().stored == 3));
    assert_eq!(told.commands(), ["insert events"], "rooms that append at the same time share a command");

    let joined = Event { seq: 102, at: 1, kind: EventKind::Joined { member: person } };
    store.append(room.id, room.epoch, &[joined]).await.unwrap();
    assert_eq!(told.commands(), ["insert events", "update members", "commitTransaction"]);

    let joining = Joining {
        room: room.id,
        room_type: room.room_type,
        actor: ActorId::Guest(bob.id),
        member: MemberId::from_bits(2),
        name: None,
        fallback_name: Nickname::try_from("Bob").unwrap(),
        newcomer: Some(bob.clone()),
        at: 2,
    };
    store.join_room(&joining).await.unwrap();
    assert_eq!(told.commands(), ["update rooms", "insert guests", "insert members", "commitTransaction"]);

    let eve = newcomer();
    let coming = Joining {
        actor: ActorId::Guest(eve.id),
        member: MemberId::from_bits(3),
        newcomer: Some(eve),
        ..joining.clone()
    };
    let joined = Event { seq: 103, at: 1, kind: EventKind::Joined { member: coming.person() } };
    store.append_entering(room.id, room.epoch, &[joined], &[coming]).await.unwrap();
    let expected = ["insert events", "insert guests", "insert members", "commitTransaction"];
    assert_eq!(told.commands(), expected);

    store.guest_by_token(bob.token, 0).await.unwrap();
    assert_eq!(told.commands(), ["find guests"]);
    store.membership(room.code, joining.actor).await.unwrap();
    assert_eq!(told.commands(), ["aggregate rooms"]);
    store.room_of_guest(bob.id).await.unwrap();
    assert_eq!(told.commands(), ["aggregate members"]);
    store.room_by_code(room.code).await.unwrap();
    assert_eq!(told.commands(), ["find rooms"]);
    store.events_before(room.id, None, 50).await.unwrap();
    assert_eq!(told.commands(), ["find events"]);
    store.heads(&[room.id, RoomId(Uuid::now_v7())]).await.unwrap();
    assert_eq!(told.commands(), ["aggregate rooms"]);
    store.overviews(&[room.id, RoomId(Uuid::now_v7())]).await.unwrap();
    assert_eq!(told.commands(), ["aggregate rooms"]);
    store.rooms_of_account(AccountId(Uuid::now_v7())).await.unwrap();
    assert_eq!(told.commands(), ["aggregate members"]);
    store.places_of_account(AccountId(Uuid::now_v7())).await.unwrap();
    assert_eq!(told.commands(), ["aggregate members"]);

    // One number tells that all sessions are alive. Only if it is too small does the node ask which are not.
    assert_eq!(store.ended_sessions(&[], 1).await.unwrap(), []);
    assert_eq!(told.commands(), ["aggregate sessions"]);
    assert_eq!(store.ended_sessions(&sessions(), 1).await.unwrap().len(), SESSIONS);
    assert_eq!(told.commands(), ["aggregate sessions", "find sessions"]);

    let client = mongodb::Client::with_uri_str(&uri).await.unwrap();
    client.database(&name).drop().await.unwrap();
}
