//! Tests of the subscribers, over real connections whose clients read what has arrived.

use std::{io::ErrorKind, os::unix::net::UnixStream};

use tungstenite::{Error, WebSocket, protocol::Role};
use uuid::Uuid;

use super::{
    super::super::command::{Done, Reply},
    *,
};
use crate::{
    protocol::ClientId,
    server::{random, socket::Wire},
};

const MILLISECOND: Duration = Duration::from_millis(1);
const OPEN: Discretion = Discretion { shows_read: true, shows_typing: true };
const SECRET: Discretion = Discretion { shows_read: true, shows_typing: false };

/// The far end of a connection.
struct Client {
    connection: Connection,
    frames: WebSocket<UnixStream>,
}

impl Client {
    fn open() -> Self {
        let (near, far) = tokio::net::UnixStream::pair().unwrap();
        let frames = WebSocket::from_raw_socket(far.into_std().unwrap(), Role::Client, None);
        Self { connection: Connection::open(Wire::Pair(near)), frames }
    }

    fn id(&self) -> ConnectionId {
        self.connection.id()
    }

    /// The frames that have arrived since the last call.
    fn got(&mut self) -> Vec<String> {
        let mut got = Vec::new();
        loop {
            match self.frames.read() {
                Ok(frame) => got.push(frame.into_text().unwrap().to_string()),
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return got,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn member(bits: u64) -> MemberId {
    MemberId::from_bits(bits)
}

fn frame(text: &'static str) -> Frame {
    Frame::text(text)
}

fn send(subscribers: &mut Subscribers) {
    subscribers.send(Instant::now(), &mut Acks::default(), None);
}

/// Subscribers, each a member of their own with the ids 1, 2, …
fn subscribers(count: u64, now: Instant) -> (Subscribers, Vec<Client>) {
    let mut subscribers = Subscribers::new(now);
    let mut clients = Vec::new();
    for n in 1..=count {
        let client = Client::open();
        subscribers.add(client.connection.clone(), member(n), OPEN);
        clients.push(client);
    }
    (subscribers, clients)
}

#[tokio::test]
async fn frames_that_wait_are_sent_in_order_and_in_one_write() {
    let (mut subscribers, mut clients) = subscribers(2, Instant::now());
    for text in ["1", "2", "3"] {
        subscribers.queue(frame(text), Stopwatch::default());
    }
    subscribers.send(Instant::now(), &mut Acks::default(), Some(frame("signal")));
    for client in &mut clients {
        assert_eq!(client.got(), ["1", "2", "3", "signal"]);
        assert_eq!(client.connection.writes(), 1);
    }
    send(&mut subscribers);
    assert!(clients[0].got().is_empty(), "nothing is sent twice");
}

#[tokio::test]
async fn an_author_gets_the_ack_before_the_event_and_in_the_same_write() {
    let (mut subscribers, mut clients) = subscribers(2, Instant::now());
    let mut elsewhere = Client::open();
    let (code, id, mut acks) = (random::room_code(), ClientId::new(Uuid::nil()), Acks::default());
    for client in [&clients[0], &elsewhere] {
        let reply = Reply::Socket { connection: client.connection.clone(), code, id, accepted: Stopwatch::default() };
        acks.note(reply, Done { seq: 1, at: 0 });
    }
    subscribers.queue(frame("event"), Stopwatch::default());
    subscribers.send(Instant::now(), &mut acks, None);
    let got = clients[0].got();
    assert!(got[0].contains("ack"), "{got:?}");
    assert_eq!(got[1..], ["event"]);
    assert_eq!(clients[0].connection.writes(), 1);
    assert_eq!(clients[1].got(), ["event"]);
    assert!(elsewhere.got().is_empty());
    acks.send_rest();
    assert_eq!(elsewhere.got().len(), 1, "the author does not follow the room, and gets the ack alone");
}

#[tokio::test]
async fn who_came_while_frames_waited_is_sent_only_those_after_the_snapshot() {
    let (mut subscribers, mut clients) = subscribers(1, Instant::now());
    subscribers.start_at(40);
    subscribers.queue(frame("41"), Stopwatch::default());
    subscribers.queue(frame("42"), Stopwatch::default());
    let mut late = Client::open();
    subscribers.add(late.connection.clone(), member(9), OPEN);
    send(&mut subscribers);
    assert_eq!(clients[0].got(), ["41", "42"]);
    assert!(late.got().is_empty());
    subscribers.queue(frame("43"), Stopwatch::default());
    let mut later = Client::open();
    subscribers.add(later.connection.clone(), member(10), OPEN);
    subscribers.queue(frame("44"), Stopwatch::default());
    subscribers.send(Instant::now(), &mut Acks::default(), Some(frame("signal")));
    assert_eq!(late.got(), ["43", "44", "signal"]);
    assert_eq!(later.got(), ["44", "signal"]);
}

#[tokio::test]
async fn many_frames_are_sent_in_parts_that_each_know_their_place() {
    let (mut subscribers, mut clients) = subscribers(1, Instant::now());
    for _ in 0..FRAMES_TOGETHER {
        subscribers.queue(frame("early"), Stopwatch::default());
    }
    let mut late = Client::open();
    subscribers.add(late.connection.clone(), member(9), OPEN);
    subscribers.queue(frame("last"), Stopwatch::default());
    send(&mut subscribers);
    assert_eq!(clients[0].got().len(), FRAMES_TOGETHER + 1);
    assert_eq!(clients[0].connection.writes(), 2);
    assert_eq!(late.got(), ["last"]);
}

#[tokio::test]
async fn a_log_that_was_opened_anew_drops_the_frames_of_the_earlier_state() {
    let (mut subscribers, mut clients) = subscribers(1, Instant::now());
    subscribers.queue(frame("old"), Stopwatch::default());
    subscribers.start_at(0);
    send(&mut subscribers);
    assert!(clients[0].got().is_empty());
}

#[tokio::test]
async fn a_signal_follows_the_frames_that_wait_and_goes_to_some() {
    let (mut subscribers, mut clients) = subscribers(2, Instant::now());
    subscribers.queue(frame("joined"), Stopwatch::default());
    subscribers.signal(Instant::now(), &frame("typing"), |subscriber| subscriber.member != member(1));
    assert_eq!(clients[0].got(), ["joined"]);
    assert_eq!(clients[1].got(), ["joined", "typing"]);
}

#[tokio::test]
async fn among_many_a_joined_waits_for_at_most_a_tick() {
    let now = Instant::now();
    let (few, _clients) = subscribers(FEW as u64, now);
    assert!(!few.lets_joined_wait(now));
    let (mut many, _clients) = subscribers(FEW as u64 + 1, now);
    assert!(many.lets_joined_wait(now + TICK - MILLISECOND));
    assert!(!many.lets_joined_wait(now + TICK));
    many.queue(frame("joined"), Stopwatch::default());
    many.send(now + TICK, &mut Acks::default(), None);
    assert!(many.lets_joined_wait(now + TICK));
}

#[tokio::test]
async fn a_member_is_here_until_the_last_of_their_connections_goes() {
    let now = Instant::now();
    let (mut subscribers, clients) = subscribers(1, now);
    let second = Client::open();
    subscribers.add(second.connection.clone(), member(1), OPEN);
    subscribers.add(second.connection.clone(), member(1), SECRET);
    assert_eq!(subscribers.connections_of(member(1)), 2, "a connection that subscribes again counts once");
    assert_eq!(subscribers.ids_of(member(1)).len(), 2);
    let removed = |was_last| Some(Removed { member: member(1), was_last });
    assert_eq!(subscribers.remove(clients[0].id(), now), removed(false));
    assert_eq!(subscribers.members().collect::<Vec<_>>(), [member(1)]);
    assert_eq!(subscribers.remove(second.id(), now + IDLE_LIFE), removed(true));
    assert_eq!(subscribers.remove(second.id(), now), None);
    assert_eq!(subscribers.members().count(), 0);
    assert!(!subscribers.is_idle(now + 2 * IDLE_LIFE - MILLISECOND));
    assert!(subscribers.is_idle(now + 2 * IDLE_LIFE));
}

#[tokio::test]
async fn a_member_who_left_takes_all_connections_with_them() {
    let (mut subscribers, mut clients) = subscribers(2, Instant::now());
    let second = Client::open();
    subscribers.add(second.connection.clone(), member(1), OPEN);
    subscribers.remove_member(member(1), Instant::now());
    assert_eq!(subscribers.members().collect::<Vec<_>>(), [member(2)]);
    subscribers.queue(frame("event"), Stopwatch::default());
    send(&mut subscribers);
    assert!(clients[0].got().is_empty());
    assert_eq!(subscribers.take_all(Instant::now()).map(|one| one.member).collect::<Vec<_>>(), [member(2)]);
    assert!(subscribers.is_empty());
    assert_eq!(subscribers.connections_of(member(2)), 0);
}

#[tokio::test]
async fn a_room_is_idle_a_while_after_its_last_subscriber_however_that_one_went() {
    let start = Instant::now();
    let gone = start + 5 * IDLE_LIFE;
    let ways: [fn(&mut Subscribers, ConnectionId, Instant); 3] = [
        |subscribers, id, now| {
            subscribers.remove(id, now);
        },
        |subscribers, _, now| subscribers.remove_member(member(1), now),
        |subscribers, _, now| drop(subscribers.take_all(now)),
    ];
    for (way, go) in ways.into_iter().enumerate() {
        let (mut subscribers, clients) = subscribers(1, start);
        assert!(!subscribers.is_idle(gone), "{way}: somebody is there");
        go(&mut subscribers, clients[0].id(), gone);
        assert!(!subscribers.is_idle(gone + IDLE_LIFE - MILLISECOND), "{way}: not before its time");
        // Who is not there cannot go, and keeps no room alive.
        go(&mut subscribers, clients[0].id(), gone + IDLE_LIFE - MILLISECOND);
        assert!(subscribers.is_idle(gone + IDLE_LIFE), "{way}: and not after it");
    }
}

#[tokio::test]
async fn typing_is_sent_once_in_a_pause_and_its_last_state_always() {
    let now = Instant::now();
    let (mut subscribers, clients) = subscribers(1, now);
    let id = clients[0].id();
    let typing = |on| Some(Typing { member: member(1), on });
    assert_eq!(subscribers.note_typing(id, false, now), None, "nobody was sent that the member types");
    assert_eq!(subscribers.note_typing(id, true, now), typing(true));
    assert_eq!(subscribers.note_typing(id, false, now), typing(false));
    assert_eq!(subscribers.note_typing(id, true, now + TYPING_PAUSE - MILLISECOND), None);
    assert_eq!(subscribers.late_typing(), [id]);
    assert_eq!(subscribers.take_typing(id, now + TYPING_PAUSE - MILLISECOND), None);
    assert_eq!(subscribers.take_typing(id, now + TYPING_PAUSE), typing(true));
    assert!(subscribers.late_typing().is_empty());
}

#[tokio::test]
async fn the_typing_of_a_member_who_hides_it_is_not_sent() {
    let now = Instant::now();
    let (mut subscribers, client) = (Subscribers::new(now), Client::open());
    subscribers.add(client.connection.clone(), member(1), SECRET);
    assert_eq!(subscribers.note_typing(client.id(), true, now), None);
    assert!(subscribers.late_typing().is_empty());
}
