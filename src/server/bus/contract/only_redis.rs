//! Tests that need Redis: packets between nodes, keys and their expiry, and outages.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    process::Stdio,
};

use ::redis::{Client, aio::MultiplexedConnection, cmd};
use futures_util::FutureExt;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

use super::*;

/// The deadline for the failure of a call while Redis is away.
const FAILS_WITHIN: Duration = Duration::from_secs(3);

/// A node's bus, and the news that it delivers.
pub struct Node {
    pub bus: RedisBus,
    prefix: String,
    news: mpsc::Receiver<BusNews>,
}

impl Node {
    async fn connect(url: &str, prefix: &str) -> Self {
        let (bus, news) = RedisBus::connect(url, prefix).await.unwrap();
        Self { bus, prefix: prefix.to_owned(), news }
    }

    async fn hear(&mut self) -> BusNews {
        timeout(DEADLINE, self.news.recv()).await.expect("news come in time").expect("the bus lives")
    }

    async fn expect(&mut self, room: RoomId, packet: impl Into<Bytes>) {
        assert_eq!(self.hear().await, BusNews::Packet(room, packet.into()));
    }
}

async fn raw(url: &str) -> MultiplexedConnection {
    Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn keys(connection: &mut MultiplexedConnection, prefix: &str) -> Vec<String> {
    cmd("KEYS").arg(format!("{prefix}:*")).query_async(connection).await.unwrap()
}

/// Runs a test on two nodes of the Redis at `TEST_REDIS_URL`, and deletes its keys afterwards.
pub async fn with_two_nodes(story: impl AsyncFnOnce(&mut Node, &mut Node)) {
    let Ok(url) = std::env::var("TEST_REDIS_URL") else {
        assert!(std::env::var_os("CI").is_none(), "TEST_REDIS_URL has to name a Redis in CI");
        eprintln!("passed over: TEST_REDIS_URL names no Redis");
        return;
    };
    let prefix = format!("test-{}", Uuid::new_v4());
    let mut a = Node::connect(&url, &prefix).await;
    let mut b = Node::connect(&url, &prefix).await;
    let outcome = AssertUnwindSafe(story(&mut a, &mut b)).catch_unwind().await;

    let mut connection = raw(&url).await;
    for key in keys(&mut connection, &prefix).await {
        cmd("DEL").arg(key).exec_async(&mut connection).await.unwrap();
    }
    outcome.unwrap_or_else(|panic| resume_unwind(panic));
}

/// A Redis server for one test, which the test may stop and kill.
struct OwnRedis {
    port: u16,
    process: Child,
    folder: TempDir,
}

impl OwnRedis {
    /// Starts a server. `None` if there is no program to run, which is a failure in CI.
    async fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let folder = TempDir::new().unwrap();
        match Self::run(port, &folder).await {
            Ok(process) => Some(Self { port, process, folder }),
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "redis-server has to be there in CI: {error}");
                eprintln!("passed over: no redis-server: {error}");
                None
            }
        }
    }

    async fn run(port: u16, folder: &TempDir) -> std::io::Result<Child> {
        let chosen = std::env::var("ANONCHAT_REDIS_SERVER").ok().filter(|path| !path.is_empty());
        let mut process = Command::new(chosen.as_deref().unwrap_or("redis-server"))
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut log = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = log.next_line().await? {
                if line.contains("Ready to accept connections") {
                    // Goes on reading, since the server blocks when the pipe is full.
                    tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
                    return Ok(());
                }
            }
            Err(std::io::Error::other("redis-server ended before it was ready"))
        };
        timeout(DEADLINE, ready).await.expect("redis-server is ready in time")?;
        Ok(process)
    }

    async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    async fn start_again(&mut self) {
        self.process = Self::run(self.port, &self.folder).await.unwrap();
    }

    async fn signal(&self, signal: &str) {
        let process = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().await.unwrap().success());
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }
}

async fn assert_fails_soon<T>(call: impl Future<Output = Result<T>>) {
    let begun = Instant::now();
    assert!(call.await.is_err());
    assert!(begun.elapsed() < FAILS_WITHIN, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn redis_packets_reach_who_follows_in_order_and_nobody_else() {
    with_two_nodes(async |a, b| {
        let (followed, other) = (room(), room());
        b.bus.follow(followed).await.unwrap();
        for i in 0..300_u16 {
            a.bus.publish(other, Bytes::from_static(b"not for b")).await.unwrap();
            a.bus.publish(followed, i.to_be_bytes().to_vec().into()).await.unwrap();
        }
        for i in 0..300_u16 {
            b.expect(followed, i.to_be_bytes().to_vec()).await;
        }

        b.bus.unfollow(followed).await.unwrap();
        // The changes of subscriptions are sent in order: once this one is active, the other has ended.
        b.bus.follow(other).await.unwrap();
        a.bus.publish(followed, Bytes::from_static(b"too late")).await.unwrap();
        a.bus.publish(other, Bytes::from_static(b"now for b")).await.unwrap();
        b.expect(other, "now for b").await;
        assert!(a.news.try_recv().is_err());
    })
    .await;
}

#[tokio::test]
async fn redis_returns_own_packets_to_a_node_that_follows() {
    with_two_nodes(async |a, _| {
        let room = room();
        a.bus.follow(room).await.unwrap();
        a.bus.publish(room, Bytes::from_static(b"mine")).await.unwrap();
        a.expect(room, "mine").await;
    })
    .await;
}

#[tokio::test]
async fn redis_posts_reach_their_node_in_order_and_nobody_else() {
    with_two_nodes(async |a, b| {
        eventually("b takes posts", async || a.bus.post(b.bus.node(), Bytes::new()).await.unwrap()).await;
        eventually("a takes posts", async || b.bus.post(a.bus.node(), Bytes::new()).await.unwrap()).await;
        for i in 0..300_u16 {
            assert!(a.bus.post(b.bus.node(), i.to_be_bytes().to_vec().into()).await.unwrap());
        }
        assert_eq!(b.hear().await, BusNews::Post(Bytes::new()));
        for i in 0..300_u16 {
            assert_eq!(b.hear().await, BusNews::Post(i.to_be_bytes().to_vec().into()));
        }
        assert_eq!(a.hear().await, BusNews::Post(Bytes::new()));
        assert!(a.news.try_recv().is_err());
    })
    .await;
}

#[tokio::test]
async fn redis_publishes_one_packet_for_each_append_that_was_done_in_the_order_of_the_log() {
    with_two_nodes(async |a, b| {
        let room = room();
        b.bus.follow(room).await.unwrap();
        a.bus.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
        for head in [2, 4, 6] {
            let batch = [joined(head - 1), joined(head)];
            for expected in [TailAppended::Done, TailAppended::Stale] {
                let packet = Bytes::from(head.to_string());
                assert_eq!(a.bus.append_tail(room, epoch(1), &batch, &[], packet).await.unwrap(), expected);
            }
        }
        a.bus.publish(room, Bytes::from_static(b"end")).await.unwrap();
        for packet in ["2", "4", "6", "end"] {
            b.expect(room, packet).await;
        }
    })
    .await;
}

#[tokio::test]
async fn redis_follows_very_many_rooms_at_once() {
    with_two_nodes(async |a, b| {
        let rooms: Vec<_> = (0..2_500).map(|_| room()).collect();
        for done in join_all(rooms.iter().map(|room| b.bus.follow(*room))).await {
            done.unwrap();
        }
        for room in rooms.iter().step_by(100) {
            a.bus.publish(*room, Bytes::from_static(b"hello")).await.unwrap();
            b.expect(*room, "hello").await;
        }
    })
    .await;
}

#[tokio::test]
async fn redis_news_that_find_the_queue_full_are_dropped_and_missed_follows() {
    with_two_nodes(async |a, b| {
        let (room, other) = (room(), room());
        b.bus.follow(room).await.unwrap();
        let capacity = b.news.max_capacity();
        for _ in 0..=capacity / 500 {
            for sent in join_all((0..500).map(|_| a.bus.publish(room, Bytes::from_static(b"flood")))).await {
                sent.unwrap();
            }
        }
        // Redis answers after all the packets, so each of them is queued or dropped by now.
        b.bus.follow(other).await.unwrap();
        assert_eq!(b.news.len(), capacity);

        for _ in 0..capacity {
            b.expect(room, "flood").await;
        }
        assert_eq!(b.hear().await, BusNews::Missed);
        a.bus.publish(room, Bytes::from_static(b"after")).await.unwrap();
        b.expect(room, "after").await;
    })
    .await;
}

#[tokio::test]
async fn redis_keeps_every_key_of_a_room_in_one_slot_and_no_longer_than_its_life() {
    with_two_nodes(async |a, b| {
        let room = room();
        a.bus.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
        append(&b.bus, room, epoch(1), &[joined(1), said(2, 1, 1, "Secret")]).await;
        b.bus.put_digest(room, &digests::digest(epoch(1), 2, Retention::Ephemeral)).await.unwrap();
        b.bus.bump_version(AccountId(Uuid::new_v4())).await.unwrap();
        b.bus.throttle("somebody", Quota { burst: 2, per: DEADLINE }).await.unwrap();
        b.bus.claim_job("tidy", DEADLINE).await.unwrap();

        let mut connection = raw(&std::env::var("TEST_REDIS_URL").unwrap()).await;
        let prefix = a.prefix.clone();
        let keys = keys(&mut connection, &prefix).await;
        assert_eq!(keys.iter().filter(|key| key.starts_with(&format!("{prefix}:{{{room}}}:"))).count(), 5);
        assert_eq!(keys.len(), 8);
        for key in keys {
            let life: i64 = cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
            assert!(life > 0 && u128::try_from(life).unwrap() <= TAIL_LIFE.as_millis(), "{key} lives {life} ms");
        }
    })
    .await;
}

#[tokio::test]
async fn redis_ends_the_digest_of_an_ephemeral_room_with_its_tail_however_late_it_is_written() {
    with_two_nodes(async |a, b| {
        let (room, prefix) = (room(), a.prefix.clone());
        let mut connection = raw(&std::env::var("TEST_REDIS_URL").unwrap()).await;
        a.bus.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
        append(&a.bus, room, epoch(1), &[said(1, 1, 1, "Secret")]).await;
        for part in ["tail", "meta", "ids", "idq"] {
            let key = format!("{prefix}:{{{room}}}:{part}");
            cmd("PEXPIRE").arg(key).arg(5_000).exec_async(&mut connection).await.unwrap();
        }
        b.bus.put_digest(room, &digests::digest(epoch(1), 1, Retention::Ephemeral)).await.unwrap();
        let key = format!("{prefix}:{{{room}}}:digest");
        let life: i64 = cmd("PTTL").arg(key).query_async(&mut connection).await.unwrap();
        assert!((1..=5_000).contains(&life), "{life}");
    })
    .await;
}

#[tokio::test]
async fn redis_passes_over_a_digest_of_another_version() {
    with_two_nodes(async |a, _| {
        let (known, other) = (room(), room());
        let mut connection = raw(&std::env::var("TEST_REDIS_URL").unwrap()).await;
        a.bus.put_digest(known, &digests::digest(epoch(1), 1, Retention::Preserved)).await.unwrap();
        let key = format!("{}:{{{other}}}:digest", a.prefix);
        cmd("HSET").arg(key).arg(&["epoch", "1", "head", "1", "json", "{}"]).exec_async(&mut connection).await.unwrap();
        let digests = a.bus.digests(&[other, known]).await.unwrap();
        assert_eq!(digests.iter().map(|(room, _)| *room).collect::<Vec<_>>(), [known]);
    })
    .await;
}

#[tokio::test]
async fn redis_that_was_killed_is_an_error_soon_and_afterwards_everything_works_again() {
    let Some(mut server) = OwnRedis::start().await else { return };
    let mut a = Node::connect(&server.url(), "test").await;
    let mut b = Node::connect(&server.url(), "test").await;
    let (before, during, dropped) = (room(), room(), room());
    for room in [before, dropped] {
        b.bus.follow(room).await.unwrap();
    }
    a.bus.open_tail(before, epoch(1), 0, 0, 0).await.unwrap();
    append(&a.bus, before, epoch(1), &[joined(1)]).await;
    b.expect(before, "news").await;

    server.kill().await;
    assert_fails_soon(a.bus.ping()).await;
    assert_fails_soon(a.bus.tail(before, 0)).await;
    assert_fails_soon(a.bus.append_tail(before, epoch(1), &[joined(2)], &[], Bytes::new())).await;
    assert_fails_soon(b.bus.follow(during)).await;
    b.bus.unfollow(dropped).await.unwrap();

    server.start_again().await;
    let returned = Instant::now();
    assert_eq!(b.hear().await, BusNews::Missed);
    eventually("the other node is back", async || a.bus.ping().await.is_ok()).await;
    assert!(returned.elapsed() < Duration::from_secs(2), "{:?}", returned.elapsed());

    // Scripts and data are gone with the server. Scripts are loaded again, and tails are lost.
    assert_eq!(a.bus.tail(before, 0).await.unwrap(), None);
    assert_eq!(append(&a.bus, before, epoch(1), &[joined(2)]).await, TailAppended::Lost);
    eventually("the other node takes posts", async || a.bus.post(b.bus.node(), Bytes::new()).await.unwrap()).await;
    assert_eq!(b.hear().await, BusNews::Post(Bytes::new()));
    for room in [dropped, before, during] {
        a.bus.publish(room, Bytes::from_static(b"again")).await.unwrap();
    }
    b.expect(before, "again").await;
    b.expect(during, "again").await;
    assert_eq!(a.hear().await, BusNews::Missed);
    server.kill().await;
}

#[tokio::test]
async fn redis_that_hangs_is_an_error_soon_and_is_used_again_when_it_goes_on() {
    let Some(mut server) = OwnRedis::start().await else { return };
    let mut node = Node::connect(&server.url(), "test").await;
    let room = room();
    node.bus.follow(room).await.unwrap();

    server.signal("-STOP").await;
    assert_fails_soon(node.bus.publish(room, Bytes::from_static(b"lost?"))).await;
    assert_fails_soon(node.bus.ping()).await;
    server.signal("-CONT").await;

    // The connection was never closed, but the node replaced it. So packets count as missed.
    while node.hear().await != BusNews::Missed {}
    node.bus.publish(room, Bytes::from_static(b"again")).await.unwrap();
    while node.hear().await != BusNews::Packet(room, Bytes::from_static(b"again")) {}
    server.kill().await;
}

#[tokio::test]
async fn redis_that_cannot_be_reached_or_read_says_what_to_do_and_never_the_password() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for url in [format!("redis://:hunter2@{closed}/"), "rediss:/hunter2".into(), "hunter2@nowhere".into()] {
        let error = RedisBus::connect(&url, "test").await.err().expect("nothing is there");
        assert!(format!("{error:#}").contains("REDIS_URL"), "{error:#}");
        assert!(!format!("{error:#}{error:?}").contains("hunter2"), "{error:?}");
    }
}
