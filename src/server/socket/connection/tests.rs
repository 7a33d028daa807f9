//! What a connection sends, keeps and drops, over a pair of sockets.

use std::{os::unix::net::UnixStream, time::Duration};

use tungstenite::{Message, WebSocket, protocol::Role};

use super::{super::backlogs::STALL, *};

/// A connection, and its client for reading.
fn open() -> (Connection, WebSocket<UnixStream>) {
    let (near, far) = tokio::net::UnixStream::pair().unwrap();
    let far = far.into_std().unwrap();
    far.set_nonblocking(false).unwrap();
    (Connection::open(Wire::Pair(near)), WebSocket::from_raw_socket(far, Role::Client, None))
}

fn pong(n: u64) -> ServerFrame {
    ServerFrame::Pong { n }
}

fn large(n: usize) -> Frame {
    Frame::text(format!("{n:8192}"))
}

fn number(message: Message) -> usize {
    message.into_text().unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn frames_leave_at_once_in_order_and_with_one_write_each() {
    let (connection, mut client) = open();
    connection.answer(&pong(1));
    connection.push(&Frame::together(&[Frame::of(&pong(2)), Frame::of(&pong(3))]));
    assert_eq!(connection.writes(), 2);
    for n in 1..=3 {
        let expected = serde_json::to_string(&pong(n)).unwrap();
        assert_eq!(client.read().unwrap(), Message::text(expected));
    }
}

#[tokio::test]
async fn what_the_system_does_not_take_waits_and_leaves_in_order() {
    let (connection, mut client) = open();
    let mut sent = 0;
    while connection.outgoing().backlog.is_none() {
        assert!(!connection.is_behind());
        connection.push(&large(sent));
        sent += 1;
    }
    assert!(connection.is_behind());
    for _ in 0..8 {
        connection.push(&large(sent));
        sent += 1;
    }
    let writer = connection.clone();
    let writing = tokio::spawn(async move { writer.keep_writing().await });
    let read = tokio::task::spawn_blocking(move || (0..sent).map(|_| number(client.read().unwrap())).collect());
    let read: Vec<usize> = read.await.unwrap();
    assert_eq!(read, (0..sent).collect::<Vec<_>>());
    connection.end(None);
    assert_eq!(writing.await.unwrap(), None);
}

#[tokio::test]
async fn a_reader_that_stands_still_is_cut_off_and_hears_nothing_that_follows_a_gap() {
    let (connection, mut client) = open();
    let mut sent = 0;
    while !connection.is_closed() {
        connection.push(&large(sent));
        sent += 1;
    }
    connection.push(&Frame::text("9999"));
    assert_eq!(connection.keep_writing().await, Some(ByeReason::TooSlow));
    connection.finish(Some(&Frame::text("7777")));
    let read = tokio::task::spawn_blocking(move || {
        let mut read = vec![number(client.read().unwrap())];
        while read.last() != Some(&7777) {
            read.push(number(client.read().unwrap()));
        }
        read
    });
    connection.flush().await.unwrap();
    let read = read.await.unwrap();
    let expected: Vec<usize> = (0..sent - 1).chain([7777]).collect();
    assert_eq!(read, expected);
}

/// A connection with a backlog, whose client does not read.
fn behind(backlogs: &Backlogs) -> (Connection, tokio::net::UnixStream) {
    let (near, far) = tokio::net::UnixStream::pair().unwrap();
    let connection = Connection::open_on(Wire::Pair(near), backlogs.clone());
    for n in 0.. {
        if connection.is_behind() {
            break;
        }
        connection.push(&large(n));
    }
    (connection, far)
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_closed_whatever_it_says() {
    let backlogs = Backlogs::default();
    let (connection, _far) = behind(&backlogs);
    let since = connection.0.stalled_since().unwrap();
    let moment = Duration::from_millis(1);
    backlogs.sweep((since + STALL).checked_sub(moment).unwrap());
    assert!(!connection.is_closed());
    connection.heard();
    backlogs.sweep(since + STALL);
    assert_eq!(connection.keep_writing().await, Some(ByeReason::TooSlow));
}

#[tokio::test]
async fn a_client_that_is_slow_and_reads_stays() {
    let backlogs = Backlogs::default();
    let (connection, far) = behind(&backlogs);
    let (writer, start) = (connection.clone(), connection.0.stalled_since().unwrap());
    let writing = tokio::spawn(async move { writer.keep_writing().await });
    while connection.is_behind() {
        far.readable().await.unwrap();
        let _ = far.try_read(&mut [0; 8_192]);
        tokio::task::yield_now().await;
    }
    assert_eq!(backlogs.bytes(), 0);
    backlogs.sweep(start + STALL);
    assert!(!connection.is_closed());
    // The connection is listed again with its next backlog.
    for n in 0.. {
        if connection.is_behind() {
            break;
        }
        connection.push(&large(n));
    }
    backlogs.sweep(Instant::now() + STALL);
    assert_eq!(writing.await.unwrap(), Some(ByeReason::TooSlow));
}

#[tokio::test]
async fn when_too_much_waits_on_a_node_who_stalled_longest_goes_first() {
    const LIMIT: usize = 64 * 1024;
    let backlogs = Backlogs::up_to(LIMIT);
    let clients: Vec<_> = (0..3).map(|_| behind(&backlogs)).collect();
    for (connection, _) in clients.iter().cycle().take_while(|_| backlogs.bytes() <= LIMIT) {
        connection.push(&large(0));
    }
    backlogs.full().await;
    backlogs.shed();
    let closed: Vec<bool> = clients.iter().map(|(connection, _)| connection.is_closed()).collect();
    assert_eq!(closed, [true, false, false]);
    backlogs.shed();
    assert!(!clients[1].0.is_closed(), "who goes already makes room");
}

#[tokio::test]
async fn a_client_that_is_behind_is_waited_for_before_it_is_answered_more() {
    let (connection, mut client) = open();
    let unanswered = connection.clone();
    let unanswered = tokio::spawn(async move { unanswered.caught_up(0).await });
    tokio::task::yield_now().await;
    assert!(!unanswered.is_finished());
    connection.answer(&pong(1));
    unanswered.await.unwrap();
    while !connection.is_behind() {
        connection.push(&large(0));
    }
    let (asking, writer) = (connection.clone(), connection.clone());
    let asking = tokio::spawn(async move { asking.caught_up(0).await });
    tokio::task::yield_now().await;
    assert!(!asking.is_finished());
    let writing = tokio::spawn(async move { writer.keep_writing().await });
    let reading = tokio::task::spawn_blocking(move || while client.read().is_ok() {});
    asking.await.unwrap();
    connection.end(None);
    writing.await.unwrap();
    drop(connection);
    reading.await.unwrap();
}
