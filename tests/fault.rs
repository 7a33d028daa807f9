//! Faults: two nodes, twenty writers, five rooms and twenty thousand messages, while sockets and streams are cut, nodes
//! are killed and Redis is restarted.
//!
//! Each writer sends, reconnects and resumes like a browser. At the end all logs of a room are compared: no
//! acknowledged message may be lost, doubled or out of order.
//!
//! The schedule is seeded. A run prints its seed: set `FAULT_SEED` to that number to repeat it, and `FAULT_MESSAGES`
//! for a longer run.

#![expect(clippy::print_stdout, reason = "the seed and the figures are what a person wants of a run")]

#[allow(dead_code, unused_imports, reason = "this test uses a part of it")]
mod support;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anonchat::protocol::{Ack, ClientId, Code, Event, RoomCode, RoomType, Seq};
use rand::{Rng, SeedableRng, rngs::SmallRng, seq::IndexedRandom};
use support::{Follower, Guest, Mongo, Node, Redis, Settings, client::Heard, client::new_id};
use tokio::sync::watch;

const WRITERS: usize = 20;
const ROOMS: usize = 5;
/// How many rooms are preserved. The others exist only in Redis, which is configured to keep every write (`appendfsync
/// always`).
const PRESERVED: usize = 3;
/// How many unacknowledged messages a writer may have.
const PIPELINE: usize = 8;
/// One of so many messages is followed by a cut of the writer's socket.
const CUT_EVERY: u32 = 150;

/// A fault of the servers, which is due after a given number of acknowledged messages.
#[derive(Clone, Copy, Debug)]
enum Blow {
    KillA,
    KillB,
    KillBoth,
    DrainA,
    RestartRedis,
}

fn number<T: std::str::FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_doubled_or_out_of_order() {
    let (Some(mongo), Some(mut redis)) = (Mongo::start().await, Redis::start().await) else { return };
    let seed = number("FAULT_SEED").unwrap_or_else(rand::random::<u64>);
    let messages = number("FAULT_MESSAGES").unwrap_or(20_000_usize);
    println!("FAULT_SEED={seed}");
    let settings = || {
        Settings::cluster(&mongo.uri(), "fault", &redis.url(), "fault")
            .with("GUEST_GRACE_SECONDS", "600")
            .with("LOG", "error")
    };
    let (mut a, mut b) = (Node::start(&settings()).await, Node::start(&settings()).await);

    let mut followers = Vec::new();
    for room in 0..ROOMS {
        let owner = Guest::new(&a, &format!("Owner of {room}"));
        let code = owner.create(RoomType::Group, room < PRESERVED).await.room.code;
        followers.push(owner.follow(code).await);
        for i in 1..WRITERS / ROOMS {
            let guest = Guest::new(if i % 2 == 0 { &a } else { &b }, &format!("Writer {i} of {room}"));
            guest.join(code).await;
            // One of each room connects by streams, and posts to the node that it did not join at.
            let guest = if i == 1 { guest.by_stream(&a) } else { guest };
            followers.push(guest.follow(code).await);
        }
    }

    let started = Instant::now();
    let (progress, mut acked) = watch::channel(0usize);
    let progress = Arc::new(progress);
    let nodes = [a.address(), b.address()];
    let all_written = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for (i, follower) in followers.into_iter().enumerate() {
        let writer = Writer {
            follower,
            nodes,
            rng: SmallRng::seed_from_u64(seed ^ (i as u64 + 1)),
            acks: HashMap::new(),
            to_send: messages / WRITERS,
            cuts: 0,
            noted: 0,
        };
        writers.push(tokio::spawn(writer.run(Arc::clone(&progress), Arc::clone(&all_written))));
    }

    let mut rng = SmallRng::seed_from_u64(seed);
    let blows =
        [Blow::KillA, Blow::KillB, Blow::RestartRedis, Blow::DrainA, Blow::KillBoth, Blow::KillB, Blow::RestartRedis];
    for (i, blow) in blows.iter().enumerate() {
        let at = (messages * (i + 1)) / (blows.len() + 2) + rng.random_range(0..messages / 40 + 1);
        acked.wait_for(|count| *count >= at).await.expect("writers report");
        println!("{:>6} acknowledged after {:.1?}: {blow:?}", *acked.borrow(), started.elapsed());
        match blow {
            Blow::KillA => strike(&mut a).await,
            Blow::KillB => strike(&mut b).await,
            Blow::KillBoth => {
                a.kill().await;
                strike(&mut b).await;
                a.restart().await;
            }
            Blow::DrainA => {
                assert!(a.terminate().await, "a clean exit");
                a.restart().await;
            }
            Blow::RestartRedis => {
                redis.kill().await;
                redis.restart().await;
            }
        }
    }
    acked.wait_for(|count| *count >= messages / WRITERS * WRITERS).await.expect("writers report");
    let took = started.elapsed();
    all_written.store(true, Ordering::SeqCst);

    let mut rooms: BTreeMap<RoomCode, Vec<Writer>> = BTreeMap::new();
    for writer in writers {
        let writer = writer.await.expect("a writer comes to its end");
        rooms.entry(writer.follower.code).or_default().push(writer);
    }
    let cuts: usize = rooms.values().flatten().map(|writer| writer.cuts).sum();
    println!("{messages} messages, {cuts} cut sockets, {} messages/s", messages as u128 * 1_000 / took.as_millis());
    for writers in rooms.into_values() {
        compare(writers, &a).await;
    }
}

async fn strike(node: &mut Node) {
    node.kill().await;
    node.restart().await;
}

/// Brings every follower of a room to the end of the log, and compares their timelines.
async fn compare(mut writers: Vec<Writer>, node: &Node) {
    let end = writers.iter().flat_map(|writer| writer.acks.values()).map(|ack| ack.seq).max().expect("acks");
    for writer in &mut writers {
        writer.follower.reconnect(node).await;
        writer.follower.until("everybody is at the end", |replica| replica.state.head >= end).await;
    }
    let preserved = bool::from(writers[0].follower.replica.state.retention);
    // The reference is the history for a preserved room, otherwise the longest timeline.
    let whole: Vec<Event> = if preserved {
        writers[0].follower.guest.whole_history(writers[0].follower.code).await
    } else {
        let longest = writers.iter().max_by_key(|writer| writer.follower.replica.events.len()).expect("writers");
        longest.follower.replica.events.clone()
    };
    let by_seq: BTreeMap<Seq, &Event> = whole.iter().map(|event| (event.seq, event)).collect();
    let mut gaps = 0;
    for pair in whole.windows(2) {
        gaps += usize::from(pair[1].seq != pair[0].seq + 1);
    }
    let mut places: HashMap<ClientId, Vec<Seq>> = HashMap::new();
    for event in &whole {
        if let Some(message) = event.message() {
            places.entry(message.id).or_default().push(event.seq);
        }
    }
    let duplicates = places.values().filter(|seqs| seqs.len() > 1).count();
    let acks = || writers.iter().flat_map(|writer| writer.acks.values());
    let lost = acks().filter(|ack| places.get(&ack.id).is_none_or(|seqs| !seqs.contains(&ack.seq))).count();
    let mut disagreements = 0;
    for writer in &writers {
        let own = &writer.follower.replica.events;
        for pair in own.windows(2) {
            gaps += usize::from(pair[1].seq != pair[0].seq + 1 && writer.follower.resets == 0);
            disagreements += usize::from(pair[1].seq <= pair[0].seq);
        }
        disagreements += own.iter().filter(|event| by_seq.get(&event.seq) != Some(event)).count();
    }
    let resets: usize = writers.iter().map(|writer| writer.follower.resets).sum();
    let kind = if preserved { "preserved" } else { "ephemeral" };
    println!("{kind} room: {} acks, {} events, {resets} resets", acks().count(), whole.len());
    assert_eq!((lost, duplicates, gaps, disagreements), (0, 0, 0, 0), "(acked lost, duplicates, gaps, disagreements)");
}

/// A client that keeps writing through all faults.
struct Writer {
    follower: Follower,
    nodes: [std::net::SocketAddr; 2],
    rng: SmallRng,
    acks: HashMap<ClientId, Ack>,
    to_send: usize,
    cuts: usize,
    /// Its own messages in the log are counted as acknowledged up to this seq.
    noted: Seq,
}

impl Writer {
    /// Sends all messages, then keeps reading until every writer is done.
    async fn run(mut self, progress: Arc<watch::Sender<usize>>, all_written: Arc<AtomicBool>) -> Self {
        let mut sent = 0;
        while self.acks.len() < self.to_send || !all_written.load(Ordering::SeqCst) {
            while sent < self.to_send && self.follower.replica.unsent().count() < PIPELINE {
                let (id, text) = (new_id(), format!("message {sent}"));
                self.follower.replica.queue(id, text.as_str().try_into().expect("a message"));
                sent += 1;
                let cut = self.rng.random_ratio(1, CUT_EVERY);
                if self.follower.send(id, &text).await.is_none() || cut {
                    self.cuts += 1;
                    self.connect_again().await;
                }
            }
            let Ok(heard) = tokio::time::timeout(Duration::from_millis(500), self.follower.hear()).await else {
                // No frame for 500 ms: sends again what was refused or lost, as a browser would after a while.
                self.send_again().await;
                continue;
            };
            match heard {
                Heard::Acked(ack) => self.note(ack, &progress),
                Heard::News => self.note_own(&progress),
                Heard::Cut | Heard::Refused(_, None) => self.connect_again().await,
                Heard::Refused(
                    Code::StoreUnavailable | Code::BusUnavailable | Code::Overloaded | Code::NotAMember,
                    Some(_),
                )
                | Heard::Other => {}
                Heard::Refused(code, Some(id)) => panic!("{id} was refused for good: {code:?}"),
            }
        }
        self
    }

    fn note(&mut self, ack: Ack, progress: &watch::Sender<usize>) {
        match self.acks.insert(ack.id, ack) {
            Some(before) => assert_eq!(before.seq, ack.seq, "a retry is answered with the original seq"),
            None => progress.send_modify(|count| *count += 1),
        }
    }

    /// The event of an own message counts as its ack, because the ack may have been lost with a cut socket.
    fn note_own(&mut self, progress: &watch::Sender<usize>) {
        let events = &self.follower.replica.events;
        let own = self.follower.replica.you.member_id;
        let new: Vec<Ack> = events
            .iter()
            .rev()
            .take_while(|event| event.seq > self.noted)
            .filter_map(|event| Some((event, event.message().filter(|message| message.author.id == own)?)))
            .map(|(event, message)| Ack { id: message.id, seq: event.seq, at: event.at })
            .collect();
        self.noted = events.last().map_or(0, |event| event.seq);
        for ack in new {
            self.note(ack, progress);
        }
    }

    async fn send_again(&mut self) {
        let unsent: Vec<_> = self.follower.replica.unsent().cloned().collect();
        for draft in unsent {
            if self.follower.send(draft.id, draft.body.as_str()).await.is_none() {
                return self.connect_again().await;
            }
        }
    }

    /// Connects to a random node, with a jittered pause between attempts, as the browser does.
    async fn connect_again(&mut self) {
        loop {
            let node = *self.nodes.choose(&mut self.rng).expect("two nodes");
            self.follower.guest = self.follower.guest.at_address(node);
            if self.follower.try_reconnect().await {
                return;
            }
            let pause = Duration::from_millis(self.rng.random_range(20..200));
            tokio::time::sleep(pause).await;
        }
    }
}
