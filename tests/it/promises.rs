//! The promises that the server makes about messages, each with a test that tries to break it. With real nodes, MongoDB
//! and Redis, which are killed and paused.

use std::time::{Duration, Instant};

use anonchat::protocol::{Code, EventKind, Replica, RoomType};

use crate::support::{
    Follower, Guest, Mongo, Node, Redis, Settings,
    client::{Heard, new_id},
    within,
};

/// A MongoDB, a Redis and two nodes that belong to one test.
struct Cluster {
    mongo: Mongo,
    redis: Redis,
    a: Node,
    b: Node,
}

impl Cluster {
    /// `None` on a machine without the servers (never in CI).
    async fn start() -> Option<Self> {
        let (mongo, redis) = (Mongo::start().await?, Redis::start().await?);
        let settings = || Settings::cluster(&mongo.uri(), "promises", &redis.url(), "promises");
        let (a, b) = (Node::start(&settings()).await, Node::start(&settings()).await);
        Some(Self { mongo, redis, a, b })
    }

    /// Ada on node a and Bob on node b, both members of one room and following it.
    async fn ada_and_bob(&self, preserve: bool) -> (Follower, Follower) {
        let (ada, bob) = (Guest::new(&self.a, "Ada"), Guest::new(&self.b, "Bob"));
        let code = ada.create(RoomType::Group, preserve).await.room.code;
        let mut ada = ada.follow(code).await;
        bob.join(code).await;
        let bob = bob.follow(code).await;
        ada.until("Bob is announced", |replica| replica.state.members.len() == 2).await;
        (ada, bob)
    }
}

fn texts(replica: &Replica) -> Vec<&str> {
    replica.events.iter().filter_map(|event| event.message().map(|message| message.body.as_str())).collect()
}

#[tokio::test]
async fn p1_what_was_acknowledged_survives_the_kill_of_an_embedded_node() {
    let mut node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, true).await.room.code;
    let mut follower = ada.follow(code).await;
    for i in 0..50 {
        follower.say(&format!("message {i}")).await;
    }
    follower.until_said("message 49").await;
    node.kill().await;
    node.restart().await;
    let history = ada.whole_history(code).await;
    assert_eq!(history, follower.replica.events, "the log is as its reader knew it, to the byte");
    follower.reconnect(&node).await;
    follower.say("and on it goes").await;
    assert_eq!(follower.resets, 0);
}

#[tokio::test]
async fn p1_what_was_acknowledged_survives_the_kill_of_mongo_and_redis_and_both_nodes() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let (mut ada, mut bob) = cluster.ada_and_bob(true).await;
    for i in 0..50 {
        ada.say(&format!("Ada {i}")).await;
        bob.say(&format!("Bob {i}")).await;
    }
    cluster.a.kill().await;
    cluster.mongo.kill().await;
    cluster.redis.kill().await;
    cluster.b.kill().await;
    cluster.mongo.restart().await;
    cluster.redis.restart().await;
    cluster.a.restart().await;
    cluster.b.restart().await;
    let history = bob.guest.whole_history(bob.code).await;
    let said = history.iter().filter(|event| event.message().is_some()).count();
    assert_eq!(said, 100);
    ada.reconnect(&cluster.b).await;
    bob.reconnect(&cluster.a).await;
    ada.say("still here").await;
    bob.until_said("still here").await;
    assert_eq!(bob.replica.events, bob.guest.whole_history(bob.code).await);
}

#[tokio::test]
async fn p2_one_id_gives_one_message_on_whichever_node_and_in_whatever_rush() {
    let Some(cluster) = Cluster::start().await else { return };
    for preserve in [true, false] {
        let (mut ada, _bob) = cluster.ada_and_bob(preserve).await;
        let id = new_id();
        let elsewhere = ada.guest.at(&cluster.b);
        let tries = (0..20).map(|i| {
            let guest = if i % 2 == 0 { ada.guest.clone() } else { elsewhere.clone() };
            let code = ada.code;
            async move { guest.try_say(code, id, "once").await.expect("a retry is answered").seq }
        });
        let seqs = futures_util::future::join_all(tries).await;
        assert!(seqs.windows(2).all(|pair| pair[0] == pair[1]), "{seqs:?}");
        let refused = elsewhere.try_say(ada.code, id, "twice").await.unwrap_err();
        assert_eq!(refused.problem.code, Code::IdReused);
        ada.say("done").await;
        ada.until_said("done").await;
        assert_eq!(texts(&ada.replica), ["once", "done"]);
        ada.guest.leave(ada.code).await;
    }
}

#[tokio::test]
async fn p3_every_client_on_every_node_sees_one_gapless_order() {
    let Some(cluster) = Cluster::start().await else { return };
    for preserve in [true, false] {
        let (mut ada, mut bob) = cluster.ada_and_bob(preserve).await;
        for i in 0..200 {
            ada.send(new_id(), &format!("Ada {i}")).await.expect("sent");
            bob.send(new_id(), &format!("Bob {i}")).await.expect("sent");
        }
        let all = |replica: &Replica| replica.state.last_n == 400;
        ada.until("Ada has all", all).await;
        bob.until("Bob has all", all).await;
        let common = bob.replica.events.len().min(ada.replica.events.len());
        let last = |replica: &Replica| replica.events[replica.events.len() - common..].to_vec();
        assert_eq!(last(&ada.replica), last(&bob.replica));
        let seqs: Vec<u64> = ada.replica.events.iter().map(|event| event.seq).collect();
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "no holes");
        for name in ["Ada", "Bob"] {
            let own: Vec<&str> = texts(&ada.replica).into_iter().filter(|text| text.starts_with(name)).collect();
            let sent: Vec<String> = (0..200).map(|i| format!("{name} {i}")).collect();
            assert_eq!(own, sent, "one socket’s messages keep their order");
        }
        ada.guest.leave(ada.code).await;
        bob.guest.leave(bob.code).await;
    }
}

#[tokio::test]
async fn p4_resuming_gives_exactly_what_was_missed_on_either_node() {
    let Some(cluster) = Cluster::start().await else { return };
    for preserve in [true, false] {
        let (mut ada, mut bob) = cluster.ada_and_bob(preserve).await;
        for round in 0..6 {
            bob.socket = bob.guest.try_connect().await.expect("a socket that follows nothing");
            for i in 0..30 {
                ada.say(&format!("round {round} message {i}")).await;
            }
            bob.reconnect(if round % 2 == 0 { &cluster.a } else { &cluster.b }).await;
            bob.until_said(&format!("round {round} message 29")).await;
            ada.until_said(&format!("round {round} message 29")).await;
        }
        assert_eq!(bob.resets, 0);
        let known = bob.replica.events.len();
        assert_eq!(bob.replica.events, ada.replica.events[ada.replica.events.len() - known..]);
        ada.guest.leave(ada.code).await;
        bob.guest.leave(bob.code).await;
    }
}

#[tokio::test]
async fn p4_what_cannot_be_resumed_is_reset_and_says_so() {
    let mut node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, false).await.room.code;
    let mut follower = ada.follow(code).await;
    follower.say("before").await;
    follower.until_said("before").await;
    node.kill().await;
    node.restart().await;
    follower.reconnect(&node).await;
    let before = follower.replica.epoch;
    follower.until("the reset comes", |replica| replica.epoch != before).await;
    assert_eq!(follower.resets, 1);
    follower.say("after").await;
    follower.until_said("after").await;
    assert_eq!(texts(&follower.replica), ["before", "after"], "what was on the screen stays there");
}

#[tokio::test]
async fn p5_history_read_after_an_ack_has_the_message_on_either_node() {
    let Some(cluster) = Cluster::start().await else { return };
    for preserve in [true, false] {
        let (ada, bob) = cluster.ada_and_bob(preserve).await;
        for _ in 0..50 {
            let ack = ada.guest.say(ada.code, "now").await;
            for reader in [&ada.guest, &bob.guest] {
                let page = reader.history(ada.code, None).await;
                assert_eq!(page.events.first().map(|event| event.seq), Some(ack.seq));
            }
        }
        ada.guest.leave(ada.code).await;
        bob.guest.leave(bob.code).await;
    }
}

#[tokio::test]
async fn p8_a_store_that_is_down_gives_no_false_ack_but_an_answer_within_five_seconds() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let (mut ada, mut bob) = cluster.ada_and_bob(true).await;
    ada.say("before").await;
    bob.until_said("before").await;
    for stop in ["pause", "kill"] {
        if stop == "pause" {
            cluster.mongo.pause().await;
        } else {
            cluster.mongo.kill().await;
        }
        let id = new_id();
        ada.replica.queue(id, stop.try_into().unwrap());
        let asked = Instant::now();
        ada.send(id, stop).await.expect("the node is there");
        let heard = within("an answer", async {
            loop {
                match ada.hear().await {
                    Heard::Acked(ack) => panic!("a false ack: {ack:?}"),
                    Heard::Refused(code, about) if about == Some(id) => return code,
                    Heard::Cut => panic!("the socket was cut"),
                    _ => {}
                }
            }
        })
        .await;
        assert_eq!(heard, Code::StoreUnavailable);
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        if stop == "pause" {
            cluster.mongo.resume().await;
        } else {
            cluster.mongo.restart().await;
        }
        within("the retry is taken", async {
            let mut pause = tokio::time::interval(Duration::from_millis(200));
            while ada.replica.unsent().count() > 0 {
                pause.tick().await;
                ada.send(id, stop).await.expect("the node is there");
                while !matches!(ada.hear().await, Heard::Acked(_) | Heard::Refused(..)) {}
            }
        })
        .await;
        bob.until_said(stop).await;
    }
    assert_eq!(texts(&bob.replica), ["before", "pause", "kill"], "each once, in order");
}

#[tokio::test]
async fn p9_without_redis_preserved_rooms_go_on_and_ephemeral_rooms_refuse_clearly() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let (mut ada, mut bob) = cluster.ada_and_bob(true).await;
    let (mut eve, mut joe) = cluster.ada_and_bob(false).await;
    eve.say("kept").await;
    joe.until_said("kept").await;
    cluster.redis.kill().await;

    let asked = Instant::now();
    ada.say("through the store").await;
    bob.until_said("through the store").await;
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());

    let refused = eve.guest.try_say(eve.code, new_id(), "refused").await.unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.problem.code), (503, Code::BusUnavailable));

    cluster.redis.restart().await;
    let back = Instant::now();
    let id = new_id();
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    within("the ephemeral room goes on", async {
        while eve.guest.try_say(eve.code, id, "again").await.is_err() {
            pause.tick().await;
        }
    })
    .await;
    joe.until_said("again").await;
    eve.until_said("again").await;
    assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
    assert_eq!(texts(&joe.replica), ["kept", "again"]);
    assert_eq!(texts(&eve.replica), ["kept", "again"]);
}

#[tokio::test]
async fn p10_a_paused_node_heals_and_writes_nothing_stale() {
    let Some(cluster) = Cluster::start().await else { return };
    for preserve in [true, false] {
        let (mut ada, mut bob) = cluster.ada_and_bob(preserve).await;
        ada.say("before").await;
        bob.until_said("before").await;
        cluster.b.pause().await;
        let stale = new_id();
        bob.send(stale, "written by a node that slept").await.expect("the kernel takes it");
        for i in 0..20 {
            ada.say(&format!("meanwhile {i}")).await;
        }
        cluster.b.resume().await;
        bob.until_said("written by a node that slept").await;
        ada.until_said("written by a node that slept").await;
        let known = bob.replica.events.len();
        assert_eq!(bob.replica.events, ada.replica.events[ada.replica.events.len() - known..]);
        ada.guest.leave(ada.code).await;
        bob.guest.leave(bob.code).await;
    }
}

#[tokio::test]
async fn p11_a_node_told_to_stop_finishes_says_goodbye_and_loses_nothing() {
    let Some(mut cluster) = Cluster::start().await else { return };
    for preserve in [true, false] {
        let (mut ada, mut bob) = cluster.ada_and_bob(preserve).await;
        for i in 0..300 {
            let id = new_id();
            ada.replica.queue(id, format!("message {i}").try_into().unwrap());
            ada.send(id, &format!("message {i}")).await.expect("sent");
        }
        let (stopped, ()) = tokio::join!(cluster.a.terminate(), async { while ada.hear().await != Heard::Cut {} });
        assert!(stopped, "a clean exit");
        ada.reconnect(&cluster.b).await;
        let all = |replica: &Replica| replica.state.last_n == 300 && replica.unsent().count() == 0;
        ada.until("Ada’s are all in", all).await;
        bob.until("Bob has all", |replica| replica.state.last_n == 300).await;
        let mut unique: Vec<&str> = texts(&bob.replica);
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), 300, "none lost, none doubled");
        assert_eq!(ada.resets + bob.resets, 0);
        cluster.a.restart().await;
        ada.guest.leave(ada.code).await;
        bob.guest.leave(bob.code).await;
    }
}

#[tokio::test]
async fn ten_who_join_a_one_to_one_room_at_once_on_two_nodes_are_two() {
    let Some(cluster) = Cluster::start().await else { return };
    for _ in 0..5 {
        let owner = Guest::new(&cluster.a, "Owner");
        let code = owner.create(RoomType::P2p, false).await.room.code;
        let joins = (0..10).map(|i| {
            let node = if i % 2 == 0 { &cluster.a } else { &cluster.b };
            let guest = Guest::new(node, &format!("Guest {i}"));
            async move { guest.try_join(code).await.is_ok() }
        });
        let entered = futures_util::future::join_all(joins).await.into_iter().filter(|entered| *entered).count();
        assert_eq!(entered, 1, "the owner and one more");
    }
}

#[tokio::test]
async fn one_guest_who_joins_two_rooms_at_once_on_two_nodes_is_in_one() {
    let Some(cluster) = Cluster::start().await else { return };
    for _ in 0..10 {
        let one = Guest::new(&cluster.a, "One").create(RoomType::Group, false).await.room.code;
        let two = Guest::new(&cluster.b, "Two").create(RoomType::Group, false).await.room.code;
        let ada = Guest::new(&cluster.a, "Ada");
        let home = ada.create(RoomType::Group, false).await.room.code;
        ada.leave(home).await;
        let elsewhere = ada.at(&cluster.b);
        let (first, second) = tokio::join!(ada.try_join(one), elsewhere.try_join(two));
        let refused = match (first, second) {
            (Ok(_), Err(refused)) => (refused, one),
            (Err(refused), Ok(_)) => (refused, two),
            other => panic!("not exactly one: {other:?}"),
        };
        assert_eq!((refused.0.problem.code, refused.0.problem.room), (Code::AlreadyInRoom, Some(refused.1)));
    }
}

#[tokio::test]
async fn preserve_flipped_on_and_off_while_people_write_on_both_nodes_loses_and_doubles_nothing() {
    let Some(cluster) = Cluster::start().await else { return };
    let (mut ada, mut bob) = cluster.ada_and_bob(false).await;
    for round in 0..6 {
        for i in 0..20 {
            ada.send(new_id(), &format!("Ada {round} {i}")).await.expect("sent");
            bob.send(new_id(), &format!("Bob {round} {i}")).await.expect("sent");
        }
        ada.guest.preserve(ada.code, round % 2 == 0).await.expect("the owner may");
    }
    let all = |replica: &Replica| {
        let changes = replica.events.iter().filter(|e| matches!(e.kind, EventKind::RetentionChanged { .. })).count();
        replica.state.last_n == 240 && changes == 6
    };
    ada.until("Ada has all", all).await;
    bob.until("Bob has all", all).await;
    let known = bob.replica.events.len();
    assert_eq!(bob.replica.events, ada.replica.events[ada.replica.events.len() - known..]);
    let mut unique = texts(&ada.replica);
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), 240);
    assert_eq!(ada.resets + bob.resets, 0);
}

#[tokio::test]
async fn p2_a_retry_from_before_preserve_was_turned_off_is_no_second_message() {
    let mut node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, true).await.room.code;
    let id = new_id();
    let first = ada.try_say(code, id, "once").await.unwrap();
    ada.preserve(code, false).await.unwrap();
    node.kill().await;
    node.restart().await;
    ada.say(code, "after it").await;
    assert_eq!(ada.try_say(code, id, "once").await.unwrap(), first);
    let other = ada.try_say(code, id, "twice").await.unwrap_err();
    assert_eq!(other.problem.code, Code::IdReused);
    let said = |event: &anonchat::protocol::Event| event.message().is_some_and(|message| message.id == id);
    assert_eq!(ada.whole_history(code).await.iter().filter(|event| said(event)).count(), 1);
}

#[tokio::test]
async fn p2_a_retry_from_before_preserve_was_turned_on_is_no_second_message() {
    let Some(cluster) = Cluster::start().await else { return };
    let ada = Guest::new(&cluster.a, "Ada");
    let code = ada.create(RoomType::Group, false).await.room.code;
    let id = new_id();
    let first = ada.try_say(code, id, "once").await.unwrap();
    ada.preserve(code, true).await.unwrap();
    // More messages than a node reads when a room comes to life.
    for i in 0..201 {
        ada.say(code, &format!("{i}")).await;
    }
    assert_eq!(ada.at(&cluster.b).try_say(code, id, "once").await.unwrap(), first);
}

#[tokio::test]
async fn p9_a_redis_that_stalls_longer_than_the_grace_puts_nobody_out_who_stayed_connected() {
    let (Some(mongo), Some(redis)) = (Mongo::start().await, Redis::start().await) else { return };
    let settings = || Settings::cluster(&mongo.uri(), "stall", &redis.url(), "stall").with("GUEST_GRACE_SECONDS", "1");
    let (a, b) = (Node::start(&settings()).await, Node::start(&settings()).await);
    let (ada, bob) = (Guest::new(&a, "Ada"), Guest::new(&b, "Bob"));
    let code = ada.create(RoomType::Group, true).await.room.code;
    let mut ada = ada.follow(code).await;
    bob.join(code).await;
    let mut bob = bob.follow(code).await;
    redis.pause().await;
    listen_for(&mut ada, Duration::from_secs(4)).await;
    redis.resume().await;
    listen_for(&mut ada, Duration::from_secs(8)).await;
    bob.say("still here").await;
    ada.until_said("still here").await;
    let left = |event: &anonchat::protocol::Event| matches!(event.kind, EventKind::Left { .. });
    assert!(!ada.replica.events.iter().any(left));
}

/// Receives frames for this long, whatever they are.
async fn listen_for(follower: &mut Follower, time: Duration) {
    let _ = tokio::time::timeout(time, async { while follower.hear().await != Heard::Cut {} }).await;
}

#[tokio::test]
async fn p4_a_redis_that_comes_back_with_an_older_tail_is_a_reset_and_no_silent_gap() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let (mut ada, mut bob) = cluster.ada_and_bob(false).await;
    ada.say("one").await;
    bob.until_said("one").await;
    cluster.redis.kill().await;
    let older = cluster.redis.remember();
    cluster.redis.restart().await;
    let id = new_id();
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    within("the room goes on", async {
        while ada.guest.try_say(ada.code, id, "two").await.is_err() {
            pause.tick().await;
        }
    })
    .await;
    bob.until_said("two").await;
    ada.until_said("two").await;
    cluster.redis.kill().await;
    cluster.redis.forget_since(&older);
    cluster.redis.restart().await;
    let (epoch, id) = (bob.replica.epoch, new_id());
    within("the room goes on", async {
        while ada.guest.try_say(ada.code, id, "three").await.is_err() {
            pause.tick().await;
        }
    })
    .await;
    for follower in [&mut ada, &mut bob] {
        follower.until_said("three").await;
        assert_ne!(follower.replica.epoch, epoch);
        assert!(follower.resets > 0);
        assert_eq!(texts(&follower.replica), ["one", "two", "three"], "what was on the screen stays there");
    }
}
