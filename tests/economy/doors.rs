//! The statements that a node with SQLite runs for each request, page, socket and message.

use std::time::Instant;

use anonchat::protocol::{ClientFrame, RoomType};
use futures_util::{StreamExt, stream};
use reqwest::Method;
use serde_json::Value;

use crate::support::{
    Guest, Node, Settings,
    client::{Heard, new_id},
    poll_until, within,
};

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
            .with("SEARCH_DELAY_SECONDS", "86400")
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
            log.contains("'active') ORDER BY touched_at") && log.contains("DELETE FROM guests")
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

/// The statements in a log, without those that a node runs by itself every few seconds.
pub fn statements(log: &str) -> Vec<String> {
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
        ada.socket
            .feed(&ClientFrame::Send {
                code,
                id: new_id(),
                body: i.to_string(),
                reply_to: None,
                mentions: Vec::new(),
                everyone: false,
            })
            .await
            .unwrap();
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
