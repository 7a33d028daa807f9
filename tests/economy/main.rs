//! The cost of operations, counted exactly: statements of SQLite, commands of MongoDB and Redis, connections,
//! subscriptions.
//!
//! The tests compare what a node really sends with the expected list. A number here may become smaller. If a change
//! makes one larger, that should be intended.

#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "these tests use a part of it")]
mod support;

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use anonchat::{
    protocol::{
        ClientFrame, ClientId, Epoch, Event, EventKind, MemberId, Message, MessageBody, Nickname, Person, Retention,
        RoomCode, RoomType,
    },
    server::store::{
        AccountId, ActorId, Events as _, GuestId, GuestRecord, Guests as _, Joining, MemberRecord, Members as _, Owed,
        Presence, ReadCursor, RoomId, RoomRecord, Rooms as _, SessionId, Sessions as _, Store, TokenHash,
        mongo::Mongo as MongoStore, sqlite::Sqlite,
    },
};
use futures_util::{StreamExt, future::join_all, stream};
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    Guest, Mongo, Node, Redis, Settings,
    client::{Heard, new_id},
    poll_until,
    services::shared_mongo,
    within,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{TcpStream, tcp::OwnedReadHalf},
};
use tracing_subscriber::fmt::MakeWriter;
use uuid::Uuid;

/// A short form of a statement: its verb and its table.
fn short(statement: &str) -> String {
    let words: Vec<_> = statement.split_whitespace().map(|word| word.trim_matches(['(', ')', ','])).collect();
    let after = |word: &str| words.iter().position(|w| *w == word).and_then(|at| words.get(at + 1)).copied();
    let table = match words.first().copied() {
        Some("SELECT" | "DELETE") => after("FROM"),
        Some("INSERT") => after("INTO"),
        Some("UPDATE") => after("UPDATE"),
        _ => None,
    };
    let verb = words.first().copied().unwrap_or_default().to_lowercase();
    table.map_or_else(|| verb.clone(), |table| format!("{verb} {table}"))
}

/// The statements for storing one message.
const MESSAGE: [&str; 3] = ["begin", "insert events", "commit"];
/// The statement that finds the session of a request.
const SESSION: &str = "select guests";
/// The statement that finds a room and the asker's membership.
const MEMBERSHIP: &str = "select members";
/// The statement that finds the room that a guest is in, if any.
const WHEREABOUTS: &str = "select members";

/// A node with SQLite that logs every statement. The test reads the log to count them.
struct Watched {
    node: Node,
    settings: Settings,
    read: usize,
}

impl Watched {
    async fn start() -> Self {
        let settings = Settings::embedded()
            .with("LOG_FORMAT", "json")
            .with("ROOM_IDLE_SECONDS", "86400")
            // Pages then use the plain names of the site's files, so that this test needs no built site.
            .with("LEPTOS_HASH_FILES", "false")
            .logged("warn,anonchat::server::store=trace");
        let mut watched = Self { node: Node::start(&settings).await, settings, read: 0 };
        watched.until_begun().await;
        watched
    }

    /// Kills the node and starts it again, so that its memory is empty.
    async fn restart(&mut self) {
        self.node.kill().await;
        self.asked();
        self.node.restart().await;
        self.until_begun().await;
    }

    /// Waits until both cleanings that a node runs at its start are done.
    async fn until_begun(&mut self) {
        poll_until("the node has cleaned up", || async {
            let log = &self.settings.log()[self.read..];
            log.contains("DELETE FROM rooms") && log.contains("DELETE FROM guests")
        })
        .await;
        assert_eq!(self.barrier().await.last().map(String::as_str), Some("commit"));
    }

    /// Waits until the node runs no statements by itself.
    async fn until_quiet(&mut self) {
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(100));
        within("the node is quiet", async {
            while self.barrier().await != ["begin", "commit"] {
                pause.tick().await;
            }
        })
        .await;
    }

    /// Waits until all earlier statements are done. Returns the statements since the last call.
    async fn barrier(&mut self) -> Vec<String> {
        let before = self.settings.log().len();
        // `/readyz` runs an empty transaction, at most once a second.
        poll_until("the store is asked whether it is there", || async {
            let ready = reqwest::get(self.node.url("/readyz")).await.expect("the node answers");
            assert_eq!(ready.status(), 200);
            statements(&self.settings.log()[before..]).windows(2).any(|pair| pair == ["begin", "commit"])
        })
        .await;
        self.asked()
    }

    /// The statements since the last call, without those that the node runs by itself every few seconds.
    fn asked(&mut self) -> Vec<String> {
        let log = self.settings.log();
        let new = &log[self.read..];
        self.read = log.len();
        statements(new)
    }

    /// Asserts which statements the node has run since the last call. Their order does not matter, because some run
    /// concurrently.
    async fn expect(&mut self, what: &str, expected: &[&str]) {
        self.expect_of(what, expected, |_| true).await;
    }

    /// Asserts the statements for which `counts` is true. Waits until there are as many as expected, because some run a
    /// moment after the answer.
    async fn expect_of(&mut self, what: &str, expected: &[&str], counts: impl Fn(&str) -> bool) {
        let mut expected: Vec<_> = expected.iter().copied().filter(|statement| counts(statement)).collect();
        expected.sort_unstable();
        let read = || {
            let log = self.settings.log();
            let mut asked: Vec<_> = statements(&log[self.read..]).into_iter().filter(|s| counts(s)).collect();
            asked.sort();
            (asked, log.len())
        };
        poll_until("the store has been asked", || async { read().0.len() >= expected.len() }).await;
        let (asked, read) = read();
        assert_eq!(asked, expected, "{what}");
        self.read = read;
    }

    /// Opens a page.
    async fn open(&self, guest: &Guest, path: &str) {
        let page = guest.request(Method::GET, path).header("accept", "text/html").send().await.expect("a page comes");
        assert_eq!(page.status(), 200);
        let page = page.text().await.expect("a page has a text");
        assert!(page.contains("</html>"), "the page is whole");
    }
}

fn statements(log: &str) -> Vec<String> {
    const BY_ITSELF: [&str; 5] = [
        // A reader connection is opened when two statements run at the same time, and one may be a sweep's.
        "PRAGMA temp_store",
        "SELECT room FROM members WHERE owed",
        "SELECT room, member FROM members WHERE (room",
        "SELECT EXISTS (SELECT 1 FROM mails",
        "SELECT id FROM rooms WHERE visited_at",
    ];
    let statement = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("a line of the log is JSON");
        line["fields"]["statement"].as_str().map(str::to_owned)
    };
    let all = log.lines().filter_map(statement);
    all.filter(|statement| !BY_ITSELF.iter().any(|own| statement.starts_with(own))).map(|s| short(&s)).collect()
}

#[tokio::test]
async fn every_door_asks_sqlite_a_fixed_few_things() {
    let mut watched = Watched::start().await;
    let [ada, bob, eve] = ["Ada", "Bob", "Eve"].map(|name| Guest::new(&watched.node, name));
    for page in ["/", "/rooms/new", "/rooms/ABCDEF"] {
        watched.open(&ada, page).await;
        watched.expect(page, &[]).await;
    }

    let code = ada.create(RoomType::Group, true).await.room.code;
    let made = ["begin", "savepoint", "insert rooms", "insert guests", "insert members", "release", "commit"];
    let live = ["select rooms", "select events", "select events", "select members"];
    let joined = ["begin", "savepoint", "insert events", "update members", "release", "commit"];
    // The room comes to life with a member whose `joined` notice is still owed, and settles that once more. It may be a
    // part of the same transaction.
    let settled = ["update members"];
    let expected = [&made[..], &live, &joined, &settled].concat();
    watched.expect_of("a room is made", &expected, |statement| statement != "begin" && statement != "commit").await;
    watched.barrier().await;

    bob.join(code).await;
    let entered = ["insert events", "insert guests", "insert members"];
    let entered = [&["select rooms", "begin", "savepoint"], &entered[..], &["release", "commit"]].concat();
    watched.expect("a join", &entered).await;

    bob.join(code).await;
    let again = ["begin", "savepoint", "select members", "release", "commit"];
    watched.expect("a join of who is in", &[&[SESSION, WHEREABOUTS, "select rooms"], &again[..]].concat()).await;

    for page in ["/", "/rooms/new"] {
        watched.open(&ada, page).await;
        watched.expect(page, &[SESSION, WHEREABOUTS]).await;
    }
    watched.open(&ada, &format!("/rooms/{code}")).await;
    watched.expect("a room from inside", &[SESSION, MEMBERSHIP]).await;
    watched.open(&ada, "/rooms/ABCDEF").await;
    watched.expect("a room from outside", &[SESSION, MEMBERSHIP, WHEREABOUTS]).await;
    watched.open(&eve, &format!("/rooms/{code}")).await;
    watched.expect("a room, of somebody new", &[]).await;

    ada.ask::<Value>(Method::GET, &format!("/api/rooms/{code}"), ()).await.unwrap();
    watched.expect("REST: a room", &[SESSION, MEMBERSHIP]).await;
    ada.ask::<Value>(Method::GET, "/api/rooms/my-rooms", ()).await.unwrap();
    watched.expect("REST: my rooms", &[SESSION, WHEREABOUTS]).await;
    ada.history(code, None).await;
    watched.expect("REST: history", &[SESSION, MEMBERSHIP, "select events"]).await;
    ada.say(code, "by REST").await;
    watched.expect("REST: a message", &[&[SESSION, MEMBERSHIP], &MESSAGE[..]].concat()).await;

    let mut ada = ada.follow(code).await;
    watched.expect("a socket, and following a room", &[SESSION, MEMBERSHIP]).await;
    ada.say("by a socket").await;
    watched.expect("a message on a socket", &MESSAGE).await;

    bob.leave(code).await;
    let left = ["begin", "select members", "update rooms", "update members", "commit"];
    let leaving = [&[SESSION, MEMBERSHIP], &left[..], &joined].concat();
    watched.expect("leaving", &leaving).await;
    assert_eq!(watched.barrier().await, ["begin", "commit"], "and nothing came after");
}

#[tokio::test]
async fn a_list_of_five_hundred_rooms_asks_as_little_as_a_list_of_one() {
    let mut watched = Watched::start().await;
    let who_asks = ["select sessions", "select accounts"];
    for rooms in [1, 500] {
        let (ada, _) = Guest::registered(&watched.node, "Ada").await;
        let makers = (0..rooms).map(|i| ada.create(RoomType::Group, i % 2 == 0));
        stream::iter(makers).buffer_unordered(32).collect::<Vec<_>>().await;
        // Which rooms the account is in, and the ends of the archives of those rooms whose digests are on the bus.
        // After a moment that is all of them.
        let live = [&["begin", "commit"], &who_asks[..], &["select members", "select rooms"]].concat();
        within("digests answer for the store", async {
            loop {
                watched.until_quiet().await;
                assert_eq!(ada.list().await.len(), rooms);
                let mut asked = watched.barrier().await;
                asked.sort();
                let mut expected = live.clone();
                expected.sort_unstable();
                if asked == expected {
                    return;
                }
            }
        })
        .await;

        watched.restart().await;
        // Which rooms the account is in, and all data of their summaries. Reading a list brings no room to life.
        let asked = [&who_asks[..], &["select members", "select members"]].concat();
        for time in ["first", "second"] {
            assert_eq!(ada.list().await.len(), rooms);
            watched.expect(&format!("a list of what is not live, the {time} time"), &asked).await;
        }
        watched.open(&ada, "/dashboard").await;
        watched.expect("the page of the list", &asked).await;
    }
}

#[tokio::test]
async fn a_hundred_messages_on_a_socket_are_a_hundred_inserts_and_nothing_else() {
    let mut watched = Watched::start().await;
    let ada = Guest::new(&watched.node, "Ada");
    let code = ada.create(RoomType::Group, true).await.room.code;
    let mut ada = ada.follow(code).await;
    ada.say("first").await;
    watched.barrier().await;

    for i in 0..100 {
        ada.socket.feed(&ClientFrame::Send { code, id: new_id(), body: i.to_string() }).await.unwrap();
    }
    ada.socket.flush().await.unwrap();
    within("all are acknowledged", async {
        let mut acked = 0;
        while acked < 100 {
            acked += usize::from(matches!(ada.hear().await, Heard::Acked(_)));
        }
    })
    .await;
    let asked = watched.asked();
    let count = |what: &str| asked.iter().filter(|statement| *statement == what).count();
    assert_eq!((count("insert events"), count("begin")), (100, count("commit")));
    assert_eq!(asked.len(), 100 + 2 * count("commit"), "{asked:?}");
}

#[tokio::test]
async fn what_guests_read_adds_no_statement_to_a_message() {
    let mut watched = Watched::start().await;
    let mut there = Vec::new();
    for preserve in [true, false] {
        let (ada, bob) = (Guest::new(&watched.node, "Ada"), Guest::new(&watched.node, "Bob"));
        let code = ada.create(RoomType::Group, preserve).await.room.code;
        bob.join(code).await;
        let (mut ada, mut bob) = (ada.follow(code).await, bob.follow(code).await);
        ada.say("first").await;
        watched.barrier().await;
        let mut last = 0;
        for i in 0..100 {
            last = ada.say(&i.to_string()).await.seq;
            bob.until_said(&i.to_string()).await;
            bob.mark_read(last).await;
        }
        let id = bob.id();
        ada.hear_until("Bob has read all of it", |ada| ada.marks.get(&id) == Some(&last)).await;
        let messages = if preserve { 100 } else { 0 };
        assert_eq!(watched.asked(), MESSAGE.repeat(messages), "preserve: {preserve}");
        // Keep the sockets open: when a guest disconnects, their read position is stored.
        there.push((ada, bob));
    }
}

#[tokio::test]
async fn what_accounts_read_is_stored_together_however_much_is_said() {
    let mut watched = Watched::start().await;
    for preserve in [true, false] {
        let (ada, _) = Guest::registered(&watched.node, "Ada").await;
        let (bob, _) = Guest::registered(&watched.node, "Bob").await;
        let code = ada.create(RoomType::Group, preserve).await.room.code;
        bob.join(code).await;
        let (mut ada, mut bob) = (ada.follow(code).await, bob.follow(code).await);
        ada.say("first").await;
        watched.barrier().await;
        let begun = Instant::now();
        let mut last = 0;
        for i in 0..200 {
            last = ada.say(&i.to_string()).await.seq;
            bob.until_said(&i.to_string()).await;
            bob.mark_read(last).await;
        }
        let id = bob.id();
        ada.hear_until("Bob has read all of it", |ada| ada.marks.get(&id) == Some(&last)).await;
        let asked = watched.asked();
        let count = |what: &str| asked.iter().filter(|statement| *statement == what).count();
        assert_eq!(count("insert events"), if preserve { 200 } else { 0 });
        // Two members each time, and at most four times a second.
        let times = usize::try_from(begun.elapsed().as_millis() / 250).unwrap() + 2;
        assert!((1..=2 * times).contains(&count("update members")), "in {:?}: {asked:?}", begun.elapsed());
    }
}

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
        epoch: Epoch::from_bits(1),
        owner: member,
        created_at: 1,
        touched_at: 1,
        visited_at: i64::MAX,
    };
    let owner = MemberRecord {
        room: id,
        member,
        actor: ActorId::Guest(owner),
        name: Nickname::try_from("Ada").unwrap(),
        presence: Presence::Active,
        slot: None,
        since: 0,
        stay: 0,
        owed: Some(Owed::Joined),
        changed_at: 1,
        read: 0,
        read_n: 0,
        shown: 0,
        muted: false,
        also: Vec::new(),
    };
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
        Event { seq, at: 1, kind: EventKind::Message(Message { n: seq, id, author: author.clone(), body }) }
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
    store.mute(room.id, owner.member, true).await.unwrap();
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

/// A plain TCP connection to Redis.
struct Plain {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: tokio::net::tcp::OwnedWriteHalf,
}

impl Plain {
    async fn connect(redis: &Redis) -> Self {
        let (read, write) = TcpStream::connect(redis.url().trim_start_matches("redis://")).await.unwrap().into_split();
        Self { lines: BufReader::new(read).lines(), write }
    }

    async fn send(&mut self, command: &str) {
        self.write.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> String {
        within("Redis says something", self.lines.next_line()).await.unwrap().expect("Redis stays")
    }

    /// All lines of an answer that is one text.
    async fn text(&mut self, command: &str) -> Vec<String> {
        self.send(command).await;
        self.send("PING").await;
        let mut lines = Vec::new();
        loop {
            match self.line().await {
                line if line == "+PONG" => return lines,
                line => lines.push(line),
            }
        }
    }
}

/// Records the commands that a Redis receives, with `MONITOR`.
struct Monitor {
    told: Plain,
    asking: Plain,
    marks: u32,
}

impl Monitor {
    async fn start(redis: &Redis) -> Self {
        let (mut told, asking) = (Plain::connect(redis).await, Plain::connect(redis).await);
        told.send("MONITOR").await;
        assert_eq!(told.line().await, "+OK");
        Self { told, asking, marks: 0 }
    }

    /// The commands about rooms since the last call, in order: the name, and for a packet its content. Left out are the
    /// commands that every node sends once a second, and presence, which is sent repeatedly.
    async fn asked(&mut self) -> Vec<String> {
        self.marks += 1;
        let mark = format!("mark-{}", self.marks);
        self.asking.text(&format!("ECHO {mark}")).await;
        let mut asked = Vec::new();
        loop {
            let line = self.told.line().await;
            if line.contains(&mark) {
                return asked;
            }
            let Some((source, command)) = line.split_once("] ") else { continue };
            let name = command.split('"').nth(1).unwrap_or_default().to_uppercase();
            let of_a_script = source.ends_with(" lua");
            let about_a_room = command.contains(":{");
            match name.as_str() {
                "PUBLISH" if command.contains(r#"\"news\":\"presence\""#) => {}
                "PUBLISH" if of_a_script => asked.push("publish in it".to_owned()),
                _ if of_a_script || !about_a_room => {}
                // The periodic comparison of heads.
                "HMGET" => {}
                _ => asked.push(name.to_lowercase()),
            }
        }
    }
}

#[tokio::test]
async fn a_batch_is_one_publish_and_a_node_has_few_connections_and_follows_live_rooms_only() {
    let (Some(mongo), Some(redis)) = (Mongo::start().await, Redis::start().await) else { return };
    let settings = || Settings::cluster(&mongo.uri(), "economy", &redis.url(), "economy");
    let (a, b) = (Node::start(&settings()).await, Node::start(&settings()).await);
    let mut plain = Plain::connect(&redis).await;
    let clients = plain.text("CLIENT LIST").await;
    let of_nodes = clients.iter().filter(|line| line.starts_with("id=") && !line.contains("cmd=client")).count();
    assert!((1..=8).contains(&of_nodes), "4 for each node at most: {clients:?}");

    let mut monitor = Monitor::start(&redis).await;
    let (ada, bob) = (Guest::new(&a, "Ada"), Guest::new(&b, "Bob"));
    let ephemeral = ada.create(RoomType::Group, false).await.room.code;
    let channels = plain.text("PUBSUB CHANNELS *").await;
    assert_eq!(channels.iter().filter(|line| line.ends_with(":news")).count(), 1);
    let channel = channels.iter().find(|line| line.ends_with(":news")).unwrap().clone();
    let followed_by = async |plain: &mut Plain| plain.text(&format!("PUBSUB NUMSUB {channel}")).await.pop().unwrap();
    assert_eq!(followed_by(&mut plain).await, ":1", "the node without members does not listen");
    bob.join(ephemeral).await;
    assert_eq!(followed_by(&mut plain).await, ":2");

    let (mut ada_there, mut bob_there) = (ada.follow(ephemeral).await, bob.follow(ephemeral).await);
    ada_there.say("settle").await;
    bob_there.until_said("settle").await;
    monitor.asked().await;
    ada_there.say("not kept").await;
    bob_there.until_said("not kept").await;
    assert_eq!(monitor.asked().await, ["evalsha", "publish in it"]);

    ada.preserve(ephemeral, true).await.unwrap();
    ada_there.say("settle again").await;
    bob_there.until_said("settle again").await;
    monitor.asked().await;
    ada_there.say("kept").await;
    bob_there.until_said("kept").await;
    // The tail remembers earlier messages, so one round trip asks for it. The command for its ids is filtered out.
    assert_eq!(monitor.asked().await, ["hget", "publish"]);

    // A read position is published to the other node and costs no other command.
    let seq = bob_there.replica.state.head;
    bob_there.mark_read(seq).await;
    let id = bob_there.id();
    ada_there.hear_until("Bob has read it", |ada| ada.marks.get(&id) == Some(&seq)).await;
    assert_eq!(monitor.asked().await, ["publish"]);

    // Without a connected member, no node subscribes. The preserved room stays in the store.
    drop((ada_there, bob_there));
    ada.leave(ephemeral).await;
    bob.leave(ephemeral).await;
    let mut asking = Plain::connect(&redis).await;
    let mut pause = tokio::time::interval(std::time::Duration::from_millis(100));
    within("the room is live nowhere", async {
        while followed_by(&mut asking).await != ":0" {
            pause.tick().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_of_history_costs_a_page_also_where_nothing_is_kept() {
    let (Some(mongo), Some(redis)) = (Mongo::start().await, Redis::start().await) else { return };
    let node = Node::start(&Settings::cluster(&mongo.uri(), "pages", &redis.url(), "pages")).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, false).await.room.code;
    let mut there = ada.follow(code).await;
    for i in 0..20 {
        there.say(&i.to_string()).await;
    }
    let mut monitor = Monitor::start(&redis).await;
    let page: Value = ada.ask(Method::GET, "/api/chats/history", json!({ "code": code, "limit": 5 })).await.unwrap();
    assert_eq!(page["events"].as_array().unwrap().len(), 5);
    assert_eq!((&page["events"][0]["body"], &page["has_more"]), (&json!("19"), &json!(true)));
    assert_eq!(monitor.asked().await, ["xrevrange"]);
}
