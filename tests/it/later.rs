//! A node passes on what a later version of the server has written.

use std::{sync::Arc, time::Duration};

use anonchat::{
    protocol::{Event, Nickname, Person, Retention, RoomType, ServerFrame},
    server::{
        bus::{Bus, RedisBus, TailAppended},
        random,
        room::{Discretion, Engine, Timing},
        socket::{Connection, Wire},
        store::{ActorId, Gone, GuestId, MemberRecord, RoomId, RoomRecord, Store, sqlite::Sqlite},
    },
};
use futures_util::StreamExt;
use tokio::net::UnixStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};
use uuid::Uuid;

use crate::support::{services::shared_redis, within};

/// The kind of a later version, in a form that no writer of this version would choose.
const DANCED: &str = r#"{"danced":{"with":[{"z":1.50,"a":null}],"n":123456789012345678901234567890,"body":"\u2028"}}"#;

/// An ephemeral group of one guest.
pub fn new_room() -> (RoomRecord, MemberRecord) {
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

/// A node without its HTTP half: it shares the store and the Redis.
async fn node(store: &Arc<dyn Store>, redis: &str, prefix: &str) -> Engine {
    let (bus, news) = RedisBus::connect(redis, prefix).await.unwrap();
    let (guest_grace, guest_closed) = (Duration::from_hours(1), Duration::from_hours(1));
    let timing = Timing { guest_grace, guest_closed, room_kept_days: 90, edit_minutes: 15 };
    Engine::start(Arc::clone(store), Arc::new(bus), news, drop, timing)
}

struct Follower {
    _connection: Connection,
    frames: WebSocketStream<UnixStream>,
}

impl Follower {
    async fn of(node: &Engine, room: &RoomRecord, member: MemberRecord) -> Self {
        let (near, far) = UnixStream::pair().unwrap();
        let connection = Connection::open(Wire::Pair(near));
        node.subscribe(room.id, connection.clone(), room.code, member, Discretion::default(), None).await;
        let writing = connection.clone();
        tokio::spawn(async move { writing.keep_writing().await });
        let frames = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        Self { _connection: connection, frames }
    }

    /// The text of the next frame that is wanted.
    async fn until(&mut self, wanted: impl Fn(&ServerFrame) -> bool) -> String {
        within("the frame comes", async {
            loop {
                let text = self.frames.next().await.unwrap().unwrap().into_text().unwrap();
                if wanted(&serde_json::from_str(&text).unwrap()) {
                    return text.to_string();
                }
            }
        })
        .await
    }
}

#[tokio::test]
async fn an_event_of_a_later_version_goes_through_tail_packets_and_snapshots_byte_for_byte() {
    let Some(redis) = shared_redis() else { return };
    let prefix = format!("test_{}", Uuid::now_v7().simple());
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("test.sqlite")).unwrap());
    let (room, owner) = new_room();
    store.create_room(&room, &owner, None).await.unwrap();
    let one = node(&store, &redis, &prefix).await;
    let mut early = Follower::of(&one, &room, owner.clone()).await;
    early.until(|frame| matches!(frame, ServerFrame::Snapshot { .. })).await;

    // A node of a later version, which knows the kind.
    let (later, _news) = RedisBus::connect(&redis, &prefix).await.unwrap();
    let tail = later.tail(room.id, 0).await.unwrap().unwrap();
    let seq = tail.head + 1;
    let json = format!(r#"{{"seq":{seq},"at":7,"kind":{DANCED}}}"#);
    let event: Event = serde_json::from_str(&json).unwrap();
    let (sender, epoch) = (random::uuid(), tail.epoch.get());
    let packet = format!(r#"{{"node":"{sender}","news":{{"events":{{"epoch":{epoch},"events":[{json}]}}}}}}"#);
    let appended = later.append_tail(room.id, tail.epoch, &[event], &[], packet.into()).await.unwrap();
    assert_eq!(appended, TailAppended::Done);

    let is_it = |frame: &ServerFrame| matches!(frame, ServerFrame::Event { event, .. } if event.seq == seq);
    let shown = early.until(is_it).await;
    assert_eq!(shown, format!(r#"{{"event":{{"code":"{}","event":{json}}}}}"#, room.code));
    let two = node(&store, &redis, &prefix).await;
    for node in [&one, &two] {
        let mut late = Follower::of(node, &room, store.member(room.id, owner.member).await.unwrap()).await;
        let snapshot = late.until(|frame| matches!(frame, ServerFrame::Snapshot { .. })).await;
        assert!(snapshot.contains(&json), "{snapshot}");
        let ServerFrame::Snapshot { snapshot, .. } = serde_json::from_str(&snapshot).unwrap() else { return };
        assert_eq!((snapshot.head, snapshot.members.len()), (seq, 1));
    }
}
