//! Sockets: who may open one, frames that cannot be read, floods of frames, and readers that stand still.

use std::time::{Duration, Instant};

use anonchat::protocol::{ByeReason, ClientFrame, Code, ResetReason, RoomCode, ServerFrame, limits::FRAME_BYTES};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::wire::{ada_in_a_room, ask, upgrade};
use crate::support::{Guest, Node, Settings, client::Heard, within};

#[tokio::test]
async fn a_socket_needs_a_session() {
    let node = Node::start(&Settings::embedded()).await;
    let stranger = Guest::new(&node, "Stranger");
    for cookie in [
        "",
        "anonchat=",
        "anonchat=nonsense",
        "anonchat=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "anonchat=%00",
        "a=b; anonchat; =; ;;",
    ] {
        let refused = ask(upgrade(&stranger).header("cookie", cookie)).await.refused();
        assert_eq!(refused, (401, "no_session".to_owned()), "{cookie:?}");
    }
}

#[tokio::test]
async fn a_frame_that_cannot_be_read_is_answered_and_the_socket_lives_on() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let mut page = ada.follow(code).await;
    let deep = "[".repeat(10_000);
    let long = format!("{{\"ping\":{{\"n\":1,\"x\":\"{}\"", "x".repeat(FRAME_BYTES - 40));
    let frames = [
        Message::text(""),
        Message::text("hello"),
        Message::text("null"),
        Message::text("[]"),
        Message::text("{}"),
        Message::text(r#"{"dance":{}}"#),
        Message::text(r#"{"ping":{}}"#),
        Message::text(r#"{"ping":{"n":-1}}"#),
        Message::text(r#"{"subscribe":{"code":"nonsense"}}"#),
        Message::text(r#"{"subscribe":{"code":{"$ne":null}}}"#),
        Message::text(r#"{"type":"send","code":"ABCDEF"}"#),
        Message::text(deep),
        Message::text(long),
        Message::binary(vec![0, 159, 146, 150]),
        Message::binary(br#"{"ping":{"n":1}}"#.to_vec()),
    ];
    for frame in frames {
        let shown = format!("{:.60}", frame.to_string());
        page.socket.send_message(frame).await.unwrap();
        within(&format!("{shown} is answered"), async {
            loop {
                match page.hear().await {
                    Heard::Refused(code, None) => return assert_eq!(code, Code::Malformed, "{shown}"),
                    Heard::Cut => panic!("the socket was cut"),
                    _ => {}
                }
            }
        })
        .await;
    }
    page.socket.send_message(Message::Ping(vec![1].into())).await.unwrap();
    page.say("Still here").await;
}

#[tokio::test]
async fn a_frame_that_is_too_large_ends_its_socket_only() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let mut page = ada.follow(code).await;
    let mut other = ada.follow(code).await;
    for large in [Message::text("x".repeat(FRAME_BYTES + 1)), Message::binary(vec![0; 4 * FRAME_BYTES])] {
        let _ = page.socket.send_message(large).await;
        within("the socket is closed", async { while page.hear().await != Heard::Cut {} }).await;
        page.reconnect(&node).await;
    }
    other.say("Still here").await;
    page.until_said("Still here").await;
}

/// A socket with a chosen receive buffer, for tests that misuse it.
async fn raw_socket(guest: &Guest, node: &Node, receive_buffer: u32) -> WebSocketStream<TcpStream> {
    let tcp = TcpSocket::new_v4().unwrap();
    tcp.set_recv_buffer_size(receive_buffer).unwrap();
    let tcp = tcp.connect(node.address()).await.unwrap();
    let mut request = format!("ws://{}/ws", node.address()).into_client_request().unwrap();
    request.headers_mut().insert("cookie", guest.cookie().unwrap());
    tokio_tungstenite::client_async(request, tcp).await.unwrap().0
}

/// Sends 100,000 frames of all kinds. Stops if the node closes the connection, which it may.
async fn flood(socket: WebSocketStream<TcpStream>, code: RoomCode, reads: bool) {
    let frames = [
        Message::text(r#"{"ping":{"n":1}}"#),
        Message::text("garbage"),
        Message::text(format!(r#"{{"typing":{{"code":"{code}","on":true}}}}"#)),
        Message::text(format!(r#"{{"typing":{{"code":"{code}","on":false}}}}"#)),
        Message::text(format!(r#"{{"subscribe":{{"code":"{code}"}}}}"#)),
        Message::text(r#"{"subscribe":{"code":"ZZZZZZ"}}"#),
    ];
    let (mut sink, mut stream) = socket.split();
    let reading = async {
        if reads {
            while stream.next().await.is_some_and(|frame| frame.is_ok()) {}
        } else {
            std::future::pending::<()>().await;
        }
    };
    let writing = async {
        for i in 0..100_000 {
            if sink.send(frames[i % frames.len()].clone()).await.is_err() {
                return;
            }
        }
    };
    tokio::select! { () = reading => {}, () = writing => {} }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_frames_does_not_harm_others() {
    for (limits, reads) in [("off", false), ("off", true), ("on", false)] {
        let node = Node::start(&Settings::embedded().with("RATE_LIMITS", limits)).await;
        let (ada, code) = ada_in_a_room(&node).await;
        let (bob, eve) = (Guest::new(&node, "Bob"), Guest::new(&node, "Eve"));
        bob.join(code).await;
        eve.join(code).await;
        let (mut ada, mut bob) = (ada.follow(code).await, bob.follow(code).await);
        let flood = tokio::spawn(flood(raw_socket(&eve, &node, 64 * 1024).await, code, reads));
        for i in 0..10 {
            let start = Instant::now();
            ada.say(&format!("Ada {i}")).await;
            bob.until_said(&format!("Ada {i}")).await;
            bob.say(&format!("Bob {i}")).await;
            ada.until_said(&format!("Bob {i}")).await;
            assert!(start.elapsed() < Duration::from_secs(5), "a word and its answer took {:?}", start.elapsed());
        }
        flood.abort();
    }
}

#[tokio::test]
async fn a_reader_that_stands_still_is_cut_off_and_resumes_while_the_others_get_everything() {
    const COUNT: usize = 500;
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let (bob, eve) = (Guest::new(&node, "Bob"), Guest::new(&node, "Eve"));
    bob.join(code).await;
    eve.join(code).await;
    let (mut ada, mut bob) = (ada.follow(code).await, bob.follow(code).await);
    // Eve's socket has a small receive buffer, subscribes, and is never read.
    let mut still = raw_socket(&eve, &node, 4 * 1024).await;
    let subscribe = json!({ "subscribe": { "code": code } }).to_string();
    still.send(Message::text(subscribe)).await.unwrap();
    let eve_id = eve.join(code).await.you.member_id;
    ada.until("Eve is here", |replica| replica.connected.contains(&eve_id)).await;

    let text = "🐌".repeat(3_900);
    let speak = async {
        for i in 0..COUNT {
            ada.say(&format!("{i} {text}")).await;
        }
        ada.until("Eve is cut off", |replica| !replica.connected.contains(&eve_id)).await;
        ada.say("The end").await;
    };
    let listen = bob.until_said("The end");
    tokio::join!(speak, listen);
    assert_eq!(bob.replica.state.last_n, COUNT as u64 + 1);
    assert_eq!(bob.resets, 0);

    // Eve reads all frames that were sent to her up to the end of the connection, and then resumes.
    let mut head = 0;
    let mut epoch = None;
    let mut bye = None;
    within("the old socket ends", async {
        while let Some(Ok(Message::Text(frame))) = still.next().await {
            match serde_json::from_str(&frame).unwrap() {
                ServerFrame::Snapshot { snapshot, .. } => (head, epoch) = (snapshot.head, Some(snapshot.epoch)),
                ServerFrame::Event { event, .. } => {
                    assert_eq!(event.seq, head + 1, "no gap before the end");
                    head = event.seq;
                }
                ServerFrame::Bye { reason, .. } => bye = Some(reason),
                _ => {}
            }
        }
    })
    .await;
    assert!(bye.is_none_or(|reason| reason == ByeReason::TooSlow));
    let mut again = eve.try_connect().await.unwrap();
    again.send(&ClientFrame::Subscribe { code, epoch, after: Some(head) }).await.unwrap();
    within("Eve has the rest", async {
        loop {
            match again.next().await.unwrap() {
                ServerFrame::Resumed { events, head: end, .. } => {
                    assert!(events.iter().map(|event| event.seq).eq(head + 1..=end));
                    return;
                }
                ServerFrame::Reset { reason, .. } => {
                    return assert_eq!(reason, ResetReason::TooFarBehind, "or is told that it is too much");
                }
                ServerFrame::Error { detail, .. } => panic!("{detail}"),
                _ => {}
            }
        }
    })
    .await;
}

#[tokio::test]
async fn who_says_that_there_is_more_than_there_is_begins_anew_and_holds_up_nobody() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let mut ada = ada.follow(code).await;
    let eve = Guest::new(&node, "Eve");
    let epoch = Some(eve.join(code).await.epoch);
    let mut liar = eve.try_connect().await.unwrap();
    for _ in 0..50 {
        liar.send(&ClientFrame::Subscribe { code, epoch, after: Some(1 << 53) }).await.unwrap();
    }
    ada.say("Hello").await;
    within("each is answered", async {
        let mut resets = 0;
        while resets < 50 {
            match liar.next().await.unwrap() {
                ServerFrame::Reset { reason, .. } => {
                    assert_eq!(reason, ResetReason::TooFarBehind);
                    resets += 1;
                }
                ServerFrame::Error { detail, .. } => panic!("{detail}"),
                _ => {}
            }
        }
    })
    .await;
}
