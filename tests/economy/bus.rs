//! The commands that nodes send to Redis, their connections and their subscriptions.

use anonchat::protocol::RoomType;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{TcpStream, tcp::OwnedReadHalf},
};

use crate::support::{Guest, Mongo, Node, Redis, Settings, within};

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
    let history = async || -> Value {
        ada.ask(Method::GET, "/api/chats/history", json!({ "code": code, "limit": 5 })).await.unwrap()
    };
    // The first call loads the script.
    history().await;
    let mut monitor = Monitor::start(&redis).await;
    let page = history().await;
    assert_eq!(page["events"].as_array().unwrap().len(), 5);
    assert_eq!((&page["events"][0]["kind"]["message"]["body"], &page["has_more"]), (&json!("19"), &json!(true)));
    assert_eq!(monitor.asked().await, ["evalsha"]);
}
