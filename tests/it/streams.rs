//! Streams: what a socket does, over Server-Sent Events and posts. Their promises, and what strangers and floods can do
//! to them.

use std::time::{Duration, Instant};

use anonchat::protocol::{ByeReason, ClientFrame, Code, Replica, ServerFrame, Signal, limits::FRAME_BYTES};
use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};

use super::wire::{ada_in_a_room, ask, bye, texts, two_in_a_room};
use crate::support::{
    Follower, Guest, Node, Settings,
    client::{Heard, Socket, Stream, new_id},
    on_both_stacks, within,
};

/// The stream under a follower.
fn stream(follower: &Follower) -> &Stream {
    let Socket::Stream(stream) = &follower.socket else { panic!("this is a WebSocket") };
    stream
}

/// The address of a follower's stream, for others.
fn address(follower: &Follower) -> String {
    stream(follower).address.clone()
}

#[tokio::test]
async fn a_stream_has_the_promises_of_a_socket_whichever_node_is_posted_to() {
    on_both_stacks(async |one, two| {
        for preserve in [true, false] {
            let (ada, bob) = (Guest::new(one, "Ada").by_stream(two), Guest::new(two, "Bob"));
            let code = ada.create(anonchat::protocol::RoomType::Group, preserve).await.room.code;
            bob.join(code).await;
            let (mut ada, mut bob) = (ada.follow(code).await, bob.follow(code).await);
            ada.say("first").await;
            bob.until_said("first").await;
            bob.say("second").await;
            ada.until_said("second").await;
            ada.socket.send(&ClientFrame::Typing { code, on: true }).await.unwrap();
            let me = ada.id();
            let typing = |signal: &Signal| matches!(signal, Signal::Typing { member, on: true } if *member == me);
            bob.hear_until("Ada types", |bob| bob.signals.iter().any(typing)).await;

            // One after the other, and many in one post.
            for i in 0..20 {
                ada.send(new_id(), &format!("alone {i}")).await.unwrap();
            }
            for i in 0..40 {
                let frame = ClientFrame::Send {
                    code,
                    id: new_id(),
                    body: format!("together {i}"),
                    reply_to: None,
                    mentions: Vec::new(),
                    everyone: false,
                };
                ada.socket.feed(&frame).await.unwrap();
            }
            ada.socket.flush().await.unwrap();
            let all = |replica: &Replica| replica.state.last_n == 62;
            bob.until("all is said", all).await;
            ada.until("all is said", all).await;
            let alone = (0..20).map(|i| format!("alone {i}"));
            let expected: Vec<String> = alone.chain((0..40).map(|i| format!("together {i}"))).collect();
            assert_eq!(texts(&bob.replica.events)[2..], expected, "in order");
            assert_eq!(bob.replica.events, ada.replica.events[ada.replica.events.len() - bob.replica.events.len()..]);

            // What the stream misses is resumed, and what had no answer is sent again and is one message.
            let id = new_id();
            ada.replica.queue(id, "sent twice".try_into().unwrap());
            ada.send(id, "sent twice").await.unwrap();
            bob.until_said("sent twice").await;
            bob.say("missed").await;
            ada.reconnect(one).await;
            ada.until_said("missed").await;
            ada.say("and on it goes").await;
            bob.until_said("and on it goes").await;
            assert_eq!(bob.replica.state.last_n, 65);
            assert_eq!((ada.resets, ada.replica.unsent().count()), (0, 0));
            ada.guest.leave(code).await;
            bob.guest.leave(code).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_is_for_the_pages_of_this_site_and_their_person_and_no_proxy_holds_it_back() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let ada = ada.by_stream(&node);
    let page = ada.follow(code).await;
    let own = address(&page);
    for cookie in ["", "anonchat=nonsense"] {
        let nobody = Guest::new(&node, "Nobody");
        let open = nobody.request(Method::GET, "/stream").header("cookie", cookie);
        assert_eq!(ask(open).await.refused(), (401, "no_session".to_owned()));
        let post = nobody.request(Method::POST, &format!("{own}?n=1")).header("cookie", cookie).json(&json!([]));
        assert_eq!(ask(post).await.refused(), (401, "no_session".to_owned()));
    }
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let foreign = (403, "foreign_origin".to_owned());
        assert_eq!(ask(ada.request(Method::GET, "/stream").header(name, value)).await.refused(), foreign);
        assert_eq!(ask(stream(&page).request(1, "[]").header(name, value)).await.refused(), foreign);
    }
    let open = ada.request(Method::GET, "/stream").header("accept-encoding", "br, gzip").send().await.unwrap();
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store, no-transform"),
        ("x-accel-buffering", "no"),
    ] {
        assert_eq!(open.headers()[name], value);
    }
    assert!(!open.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn nobody_else_posts_to_a_stream() {
    on_both_stacks(async |one, two| {
        let (ada, code) = ada_in_a_room(one).await;
        let eve = Guest::new(two, "Eve");
        eve.join(code).await;
        let mut page = ada.by_stream(two).follow(code).await;
        let own = address(&page);
        let forged = json!([{ "send": { "code": code, "id": new_id(), "body": "Forged" } }]);
        let post = async |node: &Node, address: &str| {
            let request = eve.at(node).request(Method::POST, &format!("{address}?n=1")).json(&forged);
            ask(request).await.status
        };
        let guessed = format!("{}{}", &own[..own.len() - 1], if own.ends_with('0') { "1" } else { "0" });
        let nowhere = format!("/stream/{:032x}.{:032x}", 1, 1);
        for address in [&*own, &guessed, &nowhere, "/stream/x", "/stream/x.y"] {
            assert_eq!(post(one, address).await, 404, "{address}");
        }
        // Another node knows only that the stream's node is there.
        let (there, elsewhere) = (post(two, &nowhere).await, post(two, &own).await);
        assert_eq!(there, 404);
        assert_eq!(elsewhere, if one.address() == two.address() { 404 } else { 204 });
        page.say("Mine").await;
        page.until_said("Mine").await;
        assert_eq!(texts(&page.replica.events), ["Mine"]);
    })
    .await;
}

#[tokio::test]
async fn a_post_that_cannot_be_read_is_refused_and_a_frame_is_answered() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let mut page = ada.by_stream(&node).follow(code).await;
    let many = format!("[{}0]", "0,".repeat(256));
    let large = format!("[\"{}\"]", "x".repeat(FRAME_BYTES));
    for (body, status) in [("", 400), ("[", 400), ("{}", 400), ("null", 400), (&*many, 413), (&*large, 413)] {
        let answer = ask(stream(&page).request(1, body)).await;
        assert_eq!(answer.refused().0, status, "{body:.20}");
    }
    let own = address(&page);
    let form = page.guest.request(Method::POST, &format!("{own}?n=1")).header("content-type", "text/plain").body("[]");
    assert_eq!(ask(form).await.refused(), (415, "unsupported_media_type".to_owned()));
    let unnumbered = page.guest.request(Method::POST, &own).json(&json!([]));
    assert_eq!(ask(unnumbered).await.refused().0, 400);
    assert_eq!(ask(page.guest.request(Method::GET, &own)).await.refused().0, 405);

    for frame in ["0", "null", "[]", "{}", "{\"dance\":{}}", "{\"ping\":{\"n\":-1}}"] {
        page.socket.send_text(frame).await.unwrap();
        within(frame, async {
            loop {
                match page.hear().await {
                    Heard::Refused(code, None) => return assert_eq!(code, Code::Malformed),
                    Heard::Cut => panic!("the stream was cut"),
                    _ => {}
                }
            }
        })
        .await;
    }
    page.say("Still here").await;
}

#[tokio::test]
async fn a_post_that_comes_twice_is_taken_once_and_one_that_is_missing_ends_the_stream() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let mut page = ada.by_stream(&node).follow(code).await;
    page.say("Hello").await;
    let again = stream(&page).request(1, &json!([{ "leave": { "code": code } }]).to_string());
    assert_eq!(ask(again).await.status, 204);
    page.say("Still here").await;
    let later = stream(&page).request(9, "[]");
    assert_eq!(ask(later).await.refused(), (404, "not_found".to_owned()));
    within("the stream ends", async { while page.hear().await != Heard::Cut {} }).await;
    page.reconnect(&node).await;
    page.say("And again").await;
}

#[tokio::test]
async fn a_session_that_ends_ends_its_stream_and_its_posts() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let code = ada.create(anonchat::protocol::RoomType::Group, false).await.room.code;
    let mut page = ada.by_stream(&node).follow(code).await;
    let late = stream(&page).request(1, "[]");
    ada.tell(Method::POST, "/api/auth/logout", json!({})).await.unwrap();
    assert_eq!(bye(&mut page.socket).await, Some(ByeReason::SignedOut));
    assert_eq!(ask(late).await.refused().0, 401);
}

#[tokio::test]
async fn of_too_many_streams_of_a_person_the_oldest_is_told_to_go() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, _) = ada_in_a_room(&node).await;
    let (ada, by_socket) = (ada.by_stream(&node), ada);
    let mut socket = by_socket.try_connect().await.unwrap();
    let mut streams: Vec<Socket> = Vec::new();
    for _ in 0..5 {
        streams.push(ada.try_connect().await.unwrap());
    }
    assert_eq!(bye(&mut streams[0]).await, Some(ByeReason::TooManySockets));
    for other in streams[1..].iter_mut().chain([&mut socket]) {
        other.send(&ClientFrame::Ping { n: 7 }).await.unwrap();
        within("a pong", async { while other.next().await.unwrap() != (ServerFrame::Pong { n: 7 }) {} }).await;
    }
}

#[tokio::test]
async fn a_flood_of_posts_is_refused_and_harms_nobody() {
    let node = Node::start(&Settings::embedded().with("RATE_LIMITS", "on")).await;
    let (mut ada, bob) = two_in_a_room(&node, false).await;
    let eve = bob.guest.by_stream(&node).follow(bob.code).await;
    let posts = (0..600).map(|_| async { ask(stream(&eve).request(1, "[0,0,0,0,0,0,0,0]")).await.status });
    let flood = futures_util::future::join_all(posts);
    let (statuses, took) = tokio::join!(flood, async {
        let start = Instant::now();
        ada.say("Hello").await;
        start.elapsed()
    });
    assert!(statuses.iter().all(|status| [204, 429].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
    assert!(took < Duration::from_secs(5), "a word of somebody else took {took:?}");
}

#[tokio::test]
async fn a_reader_of_a_stream_that_stands_still_is_cut_off_while_the_others_get_everything() {
    let node = Node::start(&Settings::embedded()).await;
    let (mut ada, mut bob) = two_in_a_room(&node, false).await;
    let eve = Guest::new(&node, "Eve");
    let eve_id = eve.join(ada.code).await.you.member_id;
    let still = TcpSocket::new_v4().unwrap();
    still.set_recv_buffer_size(4 * 1024).unwrap();
    let mut still = still.connect(node.address()).await.unwrap();
    let cookie = eve.cookie().unwrap();
    let head =
        format!("GET /stream HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\r\n", node.address(), cookie.to_str().unwrap());
    still.write_all(head.as_bytes()).await.unwrap();
    // Eve reads the address of the stream, subscribes, and reads nothing more.
    let mut read = String::new();
    within("the address comes", async {
        while !read.contains("data:/stream/") || !read.ends_with("\n\n\r\n") {
            read.push(char::from(still.read_u8().await.unwrap()));
        }
    })
    .await;
    let address = read.lines().find_map(|line| line.strip_prefix("data:")).unwrap();
    let subscribe = json!([{ "subscribe": { "code": ada.code } }]);
    let posted = eve.request(Method::POST, &format!("{address}?n=0")).json(&subscribe);
    assert_eq!(ask(posted).await.status, 204);
    ada.until("Eve is here", |replica| replica.connected.contains(&eve_id)).await;

    let text = "🐌".repeat(3_900);
    let speak = async {
        for i in 0..500 {
            ada.say(&format!("{i} {text}")).await;
        }
        ada.until("Eve is cut off", |replica| !replica.connected.contains(&eve_id)).await;
        ada.say("The end").await;
    };
    tokio::join!(speak, bob.until_said("The end"));
    assert_eq!((bob.replica.state.last_n, bob.resets), (501, 0));
}

#[tokio::test]
async fn a_node_told_to_stop_says_goodbye_on_its_streams_and_waits_for_none_of_them() {
    let mut node = Node::start(&Settings::embedded().with("SHUTDOWN_SECONDS", "60")).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let mut page = ada.by_stream(&node).follow(code).await;
    page.say("Hello").await;
    let start = Instant::now();
    let (stopped, reason) = tokio::join!(node.terminate(), bye(&mut page.socket));
    assert!(stopped, "a clean exit");
    assert_eq!(reason, Some(ByeReason::GoingAway));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(page.socket.next().await, None, "the goodbye is the last frame");
}
