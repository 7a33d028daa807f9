//! The HTTP and socket interface of one embedded node: refusals and their form, attacks by strangers, the OpenAPI
//! description, and secrets that must not leak into logs or files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anonchat::protocol::{
    ByeReason, ClientFrame, Code, ResetReason, RoomCode, RoomType, ServerFrame, Signal, Snapshot,
    limits::{self, FRAME_BYTES},
};
use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

use crate::support::{
    Guest, Node, Settings,
    client::{Heard, new_id},
    story, within,
};

/// An HTTP answer.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: header::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status and code of a refusal. Fails if the body is not a complete problem.
    #[track_caller]
    fn refused(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let body = self.json();
        let code = body["code"].as_str().unwrap_or_else(|| panic!("a code: {body}")).to_owned();
        assert_eq!(body["status"], self.status, "{body}");
        assert_eq!(body["type"], format!("urn:anonchat:problem:{code}"));
        assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
        assert_eq!(self.header("cache-control"), "no-store");
        (self.status, code)
    }
}

async fn ask(request: RequestBuilder) -> Answer {
    let answer = request.send().await.expect("the node answers");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, text: answer.text().await.expect("the answer has a body") }
}

fn post(guest: &Guest, path: &str, body: &Value) -> RequestBuilder {
    guest.request(Method::POST, path).json(body)
}

fn upgrade(guest: &Guest) -> RequestBuilder {
    guest
        .request(Method::GET, "/ws")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

/// Ada, who owns a group, and the room's code.
async fn ada_in_a_room(node: &Node) -> (Guest, RoomCode) {
    let ada = Guest::new(node, "Ada");
    let code = ada.create(RoomType::Group, false).await.room.code;
    (ada, code)
}

#[test]
fn every_code_has_its_status_and_title() {
    let table: BTreeMap<String, Value> = Code::ALL
        .iter()
        .map(|code| (json!(code).as_str().unwrap().to_owned(), json!([code.status(), code.title()])))
        .collect();
    insta::assert_json_snapshot!(table);
}

#[tokio::test]
async fn every_refusal_is_a_problem_with_its_code() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let (bob, eve, stranger) = (Guest::new(&node, "Bob"), Guest::new(&node, "Eve"), Guest::new(&node, "Stranger"));
    let joined = bob.join(code).await;
    let other = eve.create(RoomType::Group, false).await.room.code;
    let removed = Guest::new(&node, "Removed");
    let whom = removed.join(code).await.you.member_id;
    ask(post(&ada, "/api/rooms/kick", &json!({ "code": code, "member_id": whom }))).await;
    let left = Guest::new(&node, "Left");
    left.join(code).await;
    left.leave(code).await;
    let id = new_id();
    ada.try_say(code, id, "First").await.unwrap();
    let (create, join, messages) = ("/api/rooms/create", "/api/rooms/join", "/api/messages");
    let text = |guest: &Guest, path: &str, kind: &str, body: &str| {
        guest.request(Method::POST, path).header("content-type", kind).body(body.to_owned())
    };
    let message = |body: &str| json!({ "code": code, "id": id, "body": body });
    let requests = [
        ("unknown address", ada.request(Method::GET, "/api/nothing")),
        ("unknown address, to write", post(&ada, "/api/rooms/burn", &json!({}))),
        ("the bare prefix", ada.request(Method::GET, "/api")),
        ("the bare prefix with a slash", ada.request(Method::GET, "/api/")),
        ("an address that is no text", ada.request(Method::GET, "/api/rooms/%FF%FE")),
        ("an address that is no code", ada.request(Method::GET, "/api/rooms/nonsense")),
        ("unknown server function", post(&ada, "/api/ui/nothing", &json!({}))),
        ("wrong method", ada.request(Method::GET, create)),
        ("wrong method, known by another route", ada.request(Method::DELETE, "/api/rooms/my-rooms")),
        ("wrong method of a server function", ada.request(Method::GET, "/api/ui/join_room")),
        ("wrong method of the health check", ada.request(Method::POST, "/healthz")),
        ("wrong method of the manifest", ada.request(Method::DELETE, "/manifest.json")),
        ("no upgrade", ada.request(Method::GET, "/ws")),
        ("no upgrade, to write", ada.request(Method::POST, "/ws")),
        ("no session for a socket", upgrade(&stranger)),
        ("foreign page opens a socket", upgrade(&ada).header("origin", "https://evil.example")),
        ("foreign page writes", post(&ada, messages, &message("x")).header("origin", "https://evil.example")),
        ("no content type", ada.request(Method::POST, create).body("{}")),
        ("a form instead of JSON", text(&ada, join, "application/x-www-form-urlencoded", "code=ABCDEF")),
        ("no JSON", text(&ada, join, "application/json", "code=ABCDEF")),
        ("no body", text(&ada, join, "application/json", "")),
        ("JSON cut off", text(&ada, join, "application/json", "{\"code\": \"ABC")),
        (
            "not UTF-8",
            ada.request(Method::POST, join).header("content-type", "application/json").body(vec![0xff, 0xfe]),
        ),
        ("too large", text(&ada, join, "application/json", &" ".repeat(FRAME_BYTES + 1))),
        ("a field missing", post(&ada, join, &json!({ "nickname": "Ada" }))),
        ("a field of another kind", post(&ada, join, &json!({ "code": { "$ne": null } }))),
        ("a type that is none", post(&ada, create, &json!({ "type": "party" }))),
        ("no code", post(&ada, join, &json!({ "code": "ABCDEU" }))),
        ("nickname too long", post(&ada, join, &json!({ "code": code, "nickname": "n".repeat(33) }))),
        ("room name too long", post(&ada, create, &json!({ "type": "group", "name": "n".repeat(65) }))),
        ("message empty", post(&ada, messages, &message(""))),
        ("page too long", ada.request(Method::GET, &format!("/api/chats/history?code={code}&limit=51"))),
        ("page length no number", ada.request(Method::GET, &format!("/api/chats/history?code={code}&limit=abc"))),
        ("history without a code", ada.request(Method::GET, "/api/chats/history")),
        ("history with two codes", ada.request(Method::GET, &format!("/api/chats/history?code={code}&code={code}"))),
        ("no session", post(&stranger, messages, &message("x"))),
        ("not the owner", post(&bob, "/api/rooms/kick", &json!({ "code": code, "member_id": whom }))),
        ("not any more a member", post(&left, messages, &message("x"))),
        ("removed", post(&removed, join, &json!({ "code": code }))),
        ("remove somebody unknown", post(&ada, "/api/rooms/kick", &json!({ "code": code, "member_id": 0 }))),
        ("unknown room", post(&stranger, join, &json!({ "code": "ZZZZZZ" }))),
        ("room that one is not in", eve.request(Method::GET, &format!("/api/rooms/{code}"))),
        ("already in another room", post(&eve, join, &json!({ "code": code }))),
        ("id used before", post(&ada, messages, &message("Second"))),
    ];
    let mut table = BTreeMap::new();
    for (name, request) in requests {
        let answer = ask(request).await;
        answer.refused();
        let shown = answer.text.replace(&code.to_string(), "CODE").replace(&other.to_string(), "OTHER");
        let shown: Value = serde_json::from_str(&shown.replace(&other.spaced(), "OTHER")).unwrap();
        assert!(!shown.to_string().contains("anonchat::"), "no path of the source is told: {shown}");
        assert!(table.insert(name, shown).is_none());
    }
    insta::assert_json_snapshot!(table);
    assert_eq!(
        story(&bob.whole_history(code).await).last().unwrap(),
        "Ada: First",
        "nothing that was refused was done"
    );
    drop(joined);
}

#[tokio::test]
async fn a_field_of_another_kind_is_refused_everywhere_and_never_a_fault_of_the_server() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let kinds = [
        json!({ "$ne": null }),
        json!({ "$gt": "" }),
        json!(["a"]),
        json!([]),
        json!(7),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(true),
        json!({ "toString": "x" }),
    ];
    let doors = [
        (
            Method::POST,
            "/api/rooms/create",
            json!({ "type": "group", "name": "x", "nickname": "x" }),
            vec!["type", "name", "nickname"],
        ),
        (Method::POST, "/api/rooms/join", json!({ "code": code, "nickname": "x" }), vec!["code", "nickname"]),
        (Method::POST, "/api/rooms/leave", json!({ "code": code }), vec!["code"]),
        (Method::POST, "/api/rooms/kick", json!({ "code": code, "member_id": 1 }), vec!["code"]),
        (Method::POST, "/api/rooms/owner", json!({ "code": code, "member_id": 1 }), vec!["code"]),
        (Method::PUT, "/api/rooms/name", json!({ "code": code, "name": "x" }), vec!["code", "name"]),
        (Method::PUT, "/api/rooms/preserve", json!({ "code": code, "preserve": false }), vec!["code"]),
        (Method::PUT, "/api/rooms/mute", json!({ "code": code, "muted": true }), vec!["code"]),
        (
            Method::POST,
            "/api/messages",
            json!({ "code": code, "id": new_id(), "body": "x" }),
            vec!["code", "id", "body"],
        ),
    ];
    for (method, path, body, fields) in doors {
        for field in fields {
            for kind in &kinds {
                let mut body = body.clone();
                body[field] = kind.clone();
                let answer = ask(ada.request(method.clone(), path).json(&body)).await;
                let (status, code) = answer.refused();
                assert_eq!(status, 400, "{path} {body}");
                assert!(["invalid_input", "malformed"].contains(&&*code), "{path} {body}: {code}");
            }
        }
        for body in [json!(null), json!("x"), json!(1), json!([[]]), json!({})] {
            let answer = ask(ada.request(method.clone(), path).json(&body)).await;
            assert_eq!(answer.refused().0, 400, "{path} {body}");
        }
    }
    for (path, body) in [
        ("/api/rooms/kick", json!({ "code": code, "member_id": "1" })),
        ("/api/rooms/kick", json!({ "code": code, "member_id": -1 })),
        ("/api/rooms/owner", json!({ "code": code, "member_id": "1" })),
        ("/api/rooms/create", json!({ "type": "group", "preserve": "on" })),
        ("/api/rooms/create", json!({ "type": "group", "preserve": null })),
    ] {
        assert_eq!(ask(post(&ada, path, &body)).await.refused(), (400, "invalid_input".to_owned()), "{path} {body}");
    }
    assert_eq!(story(&ada.whole_history(code).await), ["Ada joined"], "nothing was done");
}

#[tokio::test]
async fn a_form_of_the_page_that_cannot_be_read_is_the_clients_fault() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let code = code.to_string();
    let forms = [
        ("join_room", vec![]),
        ("join_room", vec![("code[$ne]", "")]),
        ("join_room", vec![("code[]", &*code)]),
        ("join_room", vec![("code", "nonsense")]),
        ("create_room", vec![("room_type", "party")]),
        ("create_room", vec![("room_type[$ne]", "group")]),
        ("leave_room", vec![("code", "nonsense")]),
        ("kick_member", vec![("code", &*code), ("member_id", "nonsense")]),
        ("give_room", vec![("code", &*code), ("member_id", "nonsense")]),
        ("rename_room", vec![("code", "nonsense"), ("name", "x")]),
        ("preserve_room", vec![("code", &*code), ("preserve", "nonsense")]),
        ("choose_language", vec![("language", "xx")]),
    ];
    let mut wrong = Vec::new();
    for (name, form) in forms {
        let answer = ask(ada.request(Method::POST, &format!("/api/ui/{name}")).form(&form)).await;
        if !(400..500).contains(&answer.status) {
            wrong.push(format!("{name} {form:?}: {} {}", answer.status, answer.text));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn pages_of_other_sites_can_do_nothing() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let id = new_id();
    let body = json!({ "code": code, "id": id, "body": "Forged" });
    let form = [("code", code.to_string())];
    let same = format!("http://{}", node.address());
    let foreign = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1"),
        ("origin", &*format!("{same}.evil.example")),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for (name, value) in foreign {
        for request in [
            post(&ada, "/api/messages", &body),
            ada.request(Method::PUT, "/api/rooms/preserve").json(&json!({ "code": code, "preserve": true })),
            ada.request(Method::POST, "/api/ui/leave_room").form(&form),
            ada.request(Method::POST, "/api/ui/create_room").form(&[("room_type", "group")]),
        ] {
            let refused = ask(request.header(name, value)).await.refused();
            assert_eq!(refused, (403, "foreign_origin".to_owned()), "{name}: {value}");
        }
        if name == "origin" {
            let refused = ask(upgrade(&ada).header(name, value)).await.refused();
            assert_eq!(refused, (403, "foreign_origin".to_owned()), "a socket with {name}: {value}");
        }
    }
    assert_eq!(story(&ada.whole_history(code).await), ["Ada joined"]);
    let own = post(&ada, "/api/messages", &body).header("origin", &same).header("sec-fetch-site", "same-origin");
    assert_eq!(ask(own).await.status, 200, "the site’s own pages can");
    assert_eq!(ask(upgrade(&ada).header("origin", &same)).await.status, 101);
    let own = ada.request(Method::POST, "/api/ui/leave_room").form(&form).header("origin", &same);
    assert!(ask(own).await.status < 400);
    assert_eq!(ask(ada.request(Method::GET, &format!("/api/rooms/{code}"))).await.status, 403, "that left the room");
}

#[tokio::test]
async fn behind_a_proxy_the_public_address_is_the_sites_own() {
    let node = Node::start(&Settings::embedded().with("PUBLIC_URL", "https://chat.example.org/")).await;
    let create = json!({ "type": "group" });
    let guest = Guest::new(&node, "Ada");
    let own = ask(post(&guest, "/api/rooms/create", &create).header("origin", "https://chat.example.org")).await;
    assert_eq!(own.status, 201);
    let cookie = own.header("set-cookie").split(';').next().unwrap().to_owned();
    let socket = |origin: &str| upgrade(&guest).header("cookie", &cookie).header("origin", origin);
    assert_eq!(ask(socket("https://chat.example.org")).await.status, 101);
    assert_eq!(ask(socket("http://chat.example.org")).await.refused().0, 403);
    let foreign = post(&guest, "/api/rooms/create", &create).header("origin", "https://example.org");
    assert_eq!(ask(foreign).await.refused(), (403, "foreign_origin".to_owned()));
}

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
    let long = format!("{{\"type\":\"ping\",\"n\":1,\"x\":\"{}\"", "x".repeat(FRAME_BYTES - 40));
    let frames = [
        Message::text(""),
        Message::text("hello"),
        Message::text("null"),
        Message::text("[]"),
        Message::text("{}"),
        Message::text(r#"{"type":"dance"}"#),
        Message::text(r#"{"type":"ping"}"#),
        Message::text(r#"{"type":"ping","n":-1}"#),
        Message::text(r#"{"type":"subscribe","code":"nonsense"}"#),
        Message::text(r#"{"type":"subscribe","code":{"$ne":null}}"#),
        Message::text(r#"{"type":["send"],"code":"ABCDEF"}"#),
        Message::text(deep),
        Message::text(long),
        Message::binary(vec![0, 159, 146, 150]),
        Message::binary(br#"{"type":"ping","n":1}"#.to_vec()),
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
        Message::text(r#"{"type":"ping","n":1}"#),
        Message::text("garbage"),
        Message::text(format!(r#"{{"type":"typing","code":"{code}","on":true}}"#)),
        Message::text(format!(r#"{{"type":"typing","code":"{code}","on":false}}"#)),
        Message::text(format!(r#"{{"type":"subscribe","code":"{code}"}}"#)),
        Message::text(r#"{"type":"subscribe","code":"ZZZZZZ"}"#),
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
    let subscribe = json!({ "type": "subscribe", "code": code }).to_string();
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

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let stranger = Guest::new(&node, "Stranger");
    let requests = [
        ada.request(Method::GET, "/healthz"),
        ada.request(Method::GET, "/readyz"),
        ada.request(Method::GET, "/manifest.json"),
        ada.request(Method::GET, "/shell.json"),
        ada.request(Method::GET, "/robots.txt"),
        ada.request(Method::GET, "/pkg/nothing.js"),
        ada.request(Method::GET, "/icons/nothing.png"),
        ada.request(Method::GET, "/api/openapi.json"),
        ada.request(Method::GET, "/api/rooms/my-rooms"),
        ada.request(Method::GET, &format!("/api/rooms/{code}")),
        ada.request(Method::GET, "/api/nothing"),
        ada.request(Method::GET, "/api/rooms/create"),
        ada.request(Method::OPTIONS, "/api/rooms/create").header("origin", "https://evil.example"),
        post(&ada, "/api/rooms/join", &json!({ "code": "nonsense" })),
        post(&ada, "/api/rooms/join", &json!({ "code": code })).header("origin", "https://evil.example"),
        post(&ada, "/api/rooms/join", &json!({ "code": " ".repeat(FRAME_BYTES) })),
        ada.request(Method::POST, "/api/ui/join_room").form(&[("x", "y")]),
        upgrade(&stranger),
        upgrade(&ada),
    ];
    let mut seen = BTreeSet::new();
    for request in requests {
        let path = request.try_clone().unwrap().build().unwrap().url().path().to_owned();
        let answer = ask(request).await;
        let headers = [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ];
        for (name, value) in headers {
            assert_eq!(answer.header(name), value, "{name} of {path}, {}", answer.status);
        }
        assert!(answer.header("permissions-policy").contains("camera=()"), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy:?}"
        );
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        let caching = match &*path {
            "/shell.json" | "/manifest.json" => "no-cache",
            "/robots.txt" if answer.status == 200 => "public, max-age=86400",
            _ => "no-store",
        };
        assert_eq!(answer.header("cache-control"), caching, "{path}, {}", answer.status);
        seen.insert(answer.status);
    }
    assert_eq!(seen, BTreeSet::from([101, 200, 400, 401, 403, 404, 405, 413]));
}

#[tokio::test]
async fn pages_that_show_what_people_said_are_not_kept_by_a_browser() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let (eve, _) = Guest::registered(&node, "Eve").await;
    let own = eve.create(RoomType::Group, false).await.room.code;
    let stranger = Guest::new(&node, "");
    let room = format!("/rooms/{code}");
    for (guest, path, caching) in [
        (&ada, &*room, "no-store"),
        (&eve, &format!("/rooms/{own}"), "no-store"),
        (&eve, "/dashboard", "no-store"),
        (&eve, "/preferences", "no-store"),
        (&stranger, &*room, "private, no-cache"),
        (&stranger, "/", "private, no-cache"),
        (&stranger, "/auth/login", "private, no-cache"),
    ] {
        let page = ask(guest.request(Method::GET, path).header("accept", "text/html")).await;
        assert_eq!((page.status, page.header("cache-control")), (200, caching), "{path}");
    }
}

#[tokio::test]
async fn the_session_cookie_is_for_the_server_only() {
    let create = json!({ "type": "group" });
    let attributes = async |settings: Settings| {
        let node = Node::start(&settings).await;
        let ada = Guest::new(&node, "Ada");
        let made = ask(post(&ada, "/api/rooms/create", &create)).await;
        let code: Snapshot = serde_json::from_value(made.json()).unwrap();
        let again = ask(post(&ada, "/api/rooms/join", &json!({ "code": code.room.code }))).await;
        let cookie = made.header("set-cookie").to_owned();
        if !cookie.contains("Secure") {
            assert_eq!(again.header("set-cookie"), "", "who has a session keeps it");
        }
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        assert_eq!(value.len(), 43, "256 bits");
        let attributes: BTreeSet<String> = attributes.split("; ").map(str::to_owned).collect();
        (name.to_owned(), attributes.into_iter().collect::<Vec<_>>().join("; "))
    };
    let plain = attributes(Settings::embedded()).await;
    assert_eq!(plain, ("anonchat".to_owned(), "HttpOnly; Max-Age=2592000; Path=/; SameSite=Lax".to_owned()));
    let secure = attributes(Settings::embedded().with("PUBLIC_URL", "https://chat.example.org")).await;
    assert_eq!(
        secure,
        ("__Host-anonchat".to_owned(), "HttpOnly; Max-Age=2592000; Path=/; SameSite=Lax; Secure".to_owned())
    );
}

#[tokio::test]
async fn a_form_of_the_page_makes_the_same_session() {
    let node = Node::start(&Settings::embedded()).await;
    let (_ada, code) = ada_in_a_room(&node).await;
    let bob = Guest::new(&node, "Bob");
    let form = [("code", code.spaced().to_lowercase()), ("nickname", "Bob".to_owned())];
    let request = bob.request(Method::POST, "/api/ui/join_room").header("accept", "application/json").form(&form);
    let answer = ask(request).await;
    assert!(answer.status < 400, "{answer:?}");
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("anonchat=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(bob.rooms().await, [code]);
    let inside: Snapshot = bob.ask(Method::GET, &format!("/api/rooms/{code}"), ()).await.unwrap();
    assert_eq!(inside.you.nickname.as_str(), "Bob");
}

#[tokio::test]
async fn a_page_is_in_the_language_that_was_chosen_else_in_the_one_asked_for() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let language = async |asked_for: &str| {
        let page = ask(ada.request(Method::GET, "/no/such/page").header("accept-language", asked_for)).await;
        let (_, rest) = page.text.split_once("<html lang=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    assert_eq!(language("de-DE,de;q=0.9,en;q=0.8").await, "de");
    assert_eq!(language("en,de;q=0.5").await, "en");
    assert_eq!(language("tlh").await, "en");

    let form = ada.request(Method::POST, "/api/ui/choose_language").header("referer", "http://any/rooms/new?x=1");
    let answer = ask(form.header("accept", "application/json").form(&[("language", "de")])).await;
    assert!(answer.status < 400, "{answer:?}");
    assert_eq!(answer.header("location"), "/rooms/new");
    assert_eq!(answer.header("set-cookie"), "anonchat-language=de; HttpOnly; SameSite=Lax; Path=/; Max-Age=31536000");
    assert_eq!(language("en").await, "de");
}

#[tokio::test]
async fn a_page_looks_and_speaks_as_the_account_prefers() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let wanted = serde_json::json!({ "theme": "dark", "accent": "rose", "text_size": "large", "hours": "12" });
    let _: anonchat::protocol::Profile = ada.ask(Method::PUT, "/api/users/preferences", wanted).await.unwrap();
    let root = async |path: &str| {
        let page = ask(ada.request(Method::GET, path).header("accept-language", "en")).await;
        let (_, rest) = page.text.split_once("<html ").unwrap();
        rest.split('>').next().unwrap().to_owned()
    };
    for path in ["/", "/rooms/new", "/no/such/page", "/auth/login"] {
        let root = root(path).await;
        for wanted in
            ["en\"", "data-theme=\"dark\"", "data-accent=\"rose\"", "data-text-size=\"large\"", "data-hours=\"12\""]
        {
            assert!(root.contains(wanted), "{path}: {root}");
        }
    }

    let form = ada.request(Method::POST, "/api/ui/choose_language").header("accept", "application/json");
    assert!(ask(form.form(&[("language", "de")])).await.status < 400);
    let profile: anonchat::protocol::Profile = ada.ask(Method::GET, "/api/users/me", ()).await.unwrap();
    assert_eq!(profile.preferences.language, Some(anonchat::protocol::Language::German), "it is kept with the account");
    assert!(root("/").await.contains("lang=\"de\""));
}

/// The wait of a refusal with `too_many_requests`, which must be the same in its header and its body.
#[track_caller]
fn too_many(answer: &Answer) -> Duration {
    assert_eq!(answer.refused(), (429, "too_many_requests".to_owned()));
    let pause = answer.json()["retry_after_ms"].as_u64().unwrap();
    assert!(pause > 0);
    assert_eq!(answer.header("retry-after"), pause.div_ceil(1_000).to_string());
    Duration::from_millis(pause)
}

fn limited() -> Settings {
    Settings::embedded().with("RATE_LIMITS", "on").with("PROXY_HOPS", "1")
}

#[tokio::test]
async fn making_rooms_has_a_limit_per_client() {
    let node = Node::start(&limited()).await;
    let create = async |client: &str| {
        let guest = Guest::new(&node, "Ada");
        ask(post(&guest, "/api/rooms/create", &json!({ "type": "group" })).header("x-forwarded-for", client)).await
    };
    for _ in 0..20 {
        assert_eq!(create("203.0.113.1").await.status, 201);
    }
    let refused = create("203.0.113.1").await;
    assert!(too_many(&refused) <= Duration::from_secs(30));
    assert_eq!(refused.header("set-cookie"), "", "who is refused gets no session");
    too_many(&create("198.51.100.9, 203.0.113.1").await);
    assert_eq!(create("203.0.113.2").await.status, 201, "others go on");
    for i in 0..20 {
        assert_eq!(create(&format!("2001:db8:1:2::{i:x}")).await.status, 201);
    }
    too_many(&create("2001:db8:1:2:ffff::1").await);
    assert_eq!(create("2001:db8:1:3::1").await.status, 201, "the next household");
}

#[tokio::test]
async fn joining_has_a_limit_per_client() {
    let node = Node::start(&limited()).await;
    let (_ada, code) = ada_in_a_room(&node).await;
    let bob = Guest::new(&node, "Bob");
    let join = || post(&bob, "/api/rooms/join", &json!({ "code": code })).header("x-forwarded-for", "203.0.113.1");
    let mut taken = 0;
    let refused = loop {
        let answer = ask(join()).await;
        if answer.status != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken < 500);
    };
    assert!(taken >= 300, "a school behind one address fits: {taken}");
    assert!(too_many(&refused) <= Duration::from_secs(1));
}

#[tokio::test]
async fn who_guesses_codes_has_to_wait_even_with_a_right_one() {
    let node = Node::start(&limited()).await;
    let (_ada, code) = ada_in_a_room(&node).await;
    let guesser = Guest::new(&node, "Eve");
    let join = async |guest: &Guest, client: &str, code: &str| {
        ask(post(guest, "/api/rooms/join", &json!({ "code": code })).header("x-forwarded-for", client)).await
    };
    let mut misses = 0;
    let refused = loop {
        let answer = join(&guesser, "203.0.113.1", "ZZZZZZ").await;
        if answer.status == 429 {
            break answer;
        }
        assert_eq!(answer.refused(), (404, "room_unavailable".to_owned()));
        misses += 1;
        assert!(misses < 20);
    };
    assert!((10..=11).contains(&misses), "{misses}");
    let pause = too_many(&refused);
    too_many(&join(&guesser, "203.0.113.1", &code.to_string()).await);
    too_many(&join(&Guest::new(&node, "Eve again"), "203.0.113.1", &code.to_string()).await);
    assert_eq!(join(&Guest::new(&node, "Bob"), "203.0.113.2", &code.to_string()).await.status, 200, "others go on");
    let start = Instant::now();
    within("the right code works again", async {
        while join(&guesser, "203.0.113.1", &code.to_string()).await.status != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(start.elapsed() <= pause + Duration::from_secs(2), "asking meanwhile does not make it longer");
}

#[tokio::test]
async fn who_guesses_many_codes_at_once_gets_no_further() {
    let node = Node::start(&limited()).await;
    let (_ada, code) = ada_in_a_room(&node).await;
    let guesser = Guest::new(&node, "Eve");
    let join = async |code: String| {
        let request = post(&guesser, "/api/rooms/join", &json!({ "code": code }));
        ask(request.header("x-forwarded-for", "203.0.113.1")).await.status
    };
    let tried = (0..60).map(|i| format!("ZZZZ{}Z", i % 10));
    let answers = futures_util::future::join_all(tried.map(join)).await;
    let told = answers.iter().filter(|status| **status != 429).count();
    assert!((10..=11).contains(&told), "{answers:?}");
    assert_eq!(join(code.to_string()).await, 429);
}

#[tokio::test]
async fn changing_passwords_has_a_limit_before_there_is_any_work() {
    let node = Node::start(&limited()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let change = json!({ "new_password": "short", "password": "wrong" });
    let ask = async |client: &str| {
        ask(ada.request(Method::PUT, "/api/users/password").json(&change).header("x-forwarded-for", client)).await
    };
    for _ in 0..30 {
        assert_eq!(ask("203.0.113.1").await.refused(), (400, "invalid_input".to_owned()));
    }
    too_many(&ask("203.0.113.1").await);
    assert_eq!(ask("203.0.113.2").await.refused(), (400, "invalid_input".to_owned()), "others go on");
}

#[tokio::test]
async fn speaking_has_a_limit_per_person() {
    let node = Node::start(&limited()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let bob = Guest::new(&node, "Bob");
    bob.join(code).await;
    let mut page = ada.follow(code).await;
    let say = |guest: &Guest| post(guest, "/api/messages", &json!({ "code": code, "id": new_id(), "body": "x" }));
    let mut taken = 0;
    let refused = loop {
        let answer = ask(say(&ada)).await;
        if answer.status != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken < 60);
    };
    assert!(taken >= 20, "{taken}");
    assert!(too_many(&refused) <= Duration::from_millis(200));
    assert_eq!(ask(say(&bob)).await.status, 200, "others go on");
    // A refusal slows down reading from the socket. So messages that were sent after a refused one are not stored
    // before it is sent again.
    let (ids, start) = ([(); 10].map(|()| new_id()), Instant::now());
    for id in ids {
        page.send(id, "x").await.unwrap();
    }
    let acked = within("all is acked", async {
        let mut acked = Vec::new();
        while acked.len() < ids.len() {
            match page.socket.next().await.expect("the socket is open") {
                ServerFrame::Ack { id, seq, .. } => acked.push((seq, id)),
                ServerFrame::Error { code, .. } => panic!("{code:?}"),
                _ => {}
            }
        }
        acked
    });
    let acked = acked.await;
    assert!(acked.is_sorted(), "in the order in which it was said");
    assert!(acked.iter().map(|(_, id)| *id).eq(ids));
    assert!(start.elapsed() >= Duration::from_secs(1), "as fast as anybody may");
}

#[tokio::test]
async fn health_is_told_to_whoever_asks() {
    let node = Node::start(&Settings::embedded()).await;
    let anyone = Guest::new(&node, "");
    let alive = ask(anyone.request(Method::GET, "/healthz")).await;
    assert_eq!((alive.status, &*alive.text), (200, "ok"));
    let ready = ask(anyone.request(Method::GET, "/readyz")).await;
    assert_eq!((ready.status, ready.json()), (200, json!({ "store": "ok", "bus": "ok", "stopping": false })));
    let manifest = ask(anyone.request(Method::GET, "/manifest.json")).await;
    assert_eq!((manifest.status, manifest.header("content-type")), (200, "application/manifest+json"));
    assert_eq!(manifest.json()["name"], "AnonChat");
}

/// Every `$ref` in a description.
fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn resolved<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.map_or(schema, |pointer| description.pointer(pointer).expect("references lead somewhere"))
}

/// Whether a schema shows what values a field can have, by an example or by a list of choices.
fn is_shown(description: &Value, schema: &Value) -> bool {
    let schema = resolved(description, schema);
    let choices = ["oneOf", "anyOf"].iter().flat_map(|of| schema[of].as_array().into_iter().flatten());
    ["example", "examples", "enum"].iter().any(|key| schema.get(key).is_some())
        || schema["type"] == "boolean"
        || choices.into_iter().any(|choice| is_shown(description, choice))
}

#[tokio::test]
async fn the_description_of_the_api_is_whole() {
    let node = Node::start(&Settings::embedded()).await;
    let anyone = Guest::new(&node, "");
    let description = ask(anyone.request(Method::GET, "/api/openapi.json")).await.json();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1."), "{}", description["openapi"]);
    assert!(description["info"]["title"].is_string() && description["info"]["version"].is_string());
    for reference in references(&description) {
        let pointer = reference.strip_prefix('#').expect("references stay inside");
        assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut listed = Vec::new();
    let mut names = BTreeSet::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "one name each");
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.keys().all(|status| ["200", "201", "204", "4XX", "5XX"].contains(&&**status)),
                "{responses:?}"
            );
            for failure in ["4XX", "5XX"] {
                assert!(
                    responses[failure]["content"]["application/problem+json"]["schema"].is_object(),
                    "{method} {path}"
                );
            }
            for (status, response) in responses {
                assert!(
                    response["description"].is_string(),
                    "{method} {path} {status}: OpenAPI asks for a description"
                );
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let place = parameter["in"].as_str().unwrap();
                assert!(["path", "query"].contains(&place), "{method} {path}");
                assert_eq!(path.contains(&format!("{{{}}}", parameter["name"].as_str().unwrap())), place == "path");
            }
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            for (field, of) in resolved(&description, schema)["properties"].as_object().into_iter().flatten() {
                assert!(is_shown(&description, of), "{method} {path}: {field} has no example");
            }
            listed.push(format!("{} {path}", method.to_uppercase()));
            // The described operation exists.
            let method: Method = method.to_uppercase().parse().unwrap();
            let answer = ask(anyone.request(method, &path.replace("{code}", "ABCDEF"))).await;
            let code = (!answer.text.is_empty()).then(|| answer.json()["code"].as_str().map(str::to_owned)).flatten();
            assert!(!matches!(code.as_deref(), Some("not_found" | "method_not_allowed")), "{path}");
        }
    }
    insta::assert_json_snapshot!(listed);
}

#[tokio::test]
async fn the_description_of_the_api_has_the_limits_that_the_server_has() {
    let node = Node::start(&Settings::embedded()).await;
    let anyone = Guest::new(&node, "");
    let description = ask(anyone.request(Method::GET, "/api/openapi.json")).await.json();
    let schemas = &description["components"]["schemas"];
    let lengths = |name: &str| (schemas[name]["minLength"].as_u64(), schemas[name]["maxLength"].as_u64());
    let most = |chars: usize| Some(chars as u64);
    let (shortest, longest) = limits::PASSWORD_CHARS.into_inner();
    for (name, expected) in [
        ("TypedNickname", (Some(1), most(limits::NICKNAME_CHARS))),
        ("TypedRoomName", (None, most(limits::ROOM_NAME_CHARS))),
        ("TypedMessage", (Some(1), most(limits::MESSAGE_CHARS))),
        ("TypedPassword", (most(shortest), most(longest))),
        ("TypedEmail", (None, Some(254))),
    ] {
        assert_eq!(lengths(name), expected, "{name}");
    }
    for (name, pattern) in
        [("RoomCode", "^[0-9A-HJKMNP-TV-Z]{6}$"), ("MailedCode", "^[0-9]{8}$"), ("MailedToken", "^[A-Za-z0-9_-]{43}$")]
    {
        assert_eq!(schemas[name]["pattern"], pattern, "{name}");
    }
    let page = &description["paths"]["/api/chats/history"]["get"]["parameters"];
    let limit = page.as_array().unwrap().iter().find(|parameter| parameter["name"] == "limit").unwrap();
    assert_eq!((&limit["schema"]["minimum"], &limit["schema"]["maximum"]), (&json!(1), &json!(limits::HISTORY_PAGE)));
    // Every text in a request has a limit, except a password that is only rated.
    let mut unbounded = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            for (field, of) in resolved(&description, schema)["properties"].as_object().into_iter().flatten() {
                if !is_bounded(&description, of) {
                    unbounded.push(format!("{method} {path} {field}"));
                }
            }
        }
    }
    // A token that is none is ignored at a login, so any text will do.
    let any = [
        ("login", "keep"),
        ("login-code", "keep"),
        ("password-strength", "email"),
        ("password-strength", "name"),
        ("password-strength", "password"),
    ];
    let any: Vec<String> = any.iter().map(|(path, field)| format!("post /api/auth/{path} {field}")).collect();
    assert_eq!(unbounded, any);
}

/// Whether a schema bounds its text, if it is a text.
fn is_bounded(description: &Value, schema: &Value) -> bool {
    let schema = resolved(description, schema);
    let mut choices = ["oneOf", "anyOf"].iter().flat_map(|of| schema[of].as_array().into_iter().flatten());
    let is_text =
        schema["type"] == "string" || schema["type"].as_array().is_some_and(|all| all.contains(&json!("string")));
    let has_form = ["maxLength", "pattern", "format", "enum"].iter().any(|key| schema.get(key).is_some());
    (!is_text || has_form) && choices.all(|choice| is_bounded(description, choice))
}

#[tokio::test]
async fn logs_have_no_words_codes_names_tokens_or_addresses() {
    const CLIENT: &str = "203.0.113.77";
    let settings = limited().logged("trace").with("GUEST_GRACE_SECONDS", "1");
    let mut node = Node::start(&settings).await;
    let mut secrets: Vec<(&str, String)> = vec![
        ("message text", "Xylophon".into()),
        ("a nickname", "Quetzal".into()),
        ("a room’s name", "Wolpertinger".into()),
        ("a wrong code", "ZQZQZQ".into()),
        ("a client’s address", CLIENT.into()),
    ];
    let via = |request: RequestBuilder| request.header("x-forwarded-for", CLIENT);
    for preserve in [false, true] {
        let (ada, bob) = (Guest::new(&node, "Quetzal Ada"), Guest::new(&node, "Quetzal Bob"));
        let asked = json!({ "type": "group", "preserve": preserve, "name": "Wolpertinger", "nickname": ada.name() });
        let made = ask(via(post(&ada, "/api/rooms/create", &asked))).await;
        let code = serde_json::from_value::<Snapshot>(made.json()).unwrap().room.code;
        let joined = ask(via(post(&bob, "/api/rooms/join", &json!({ "code": code, "nickname": bob.name() })))).await;
        let whom = joined.json()["you"]["member_id"].clone();
        let (mut page, mut other) = (ada.follow(code).await, bob.follow(code).await);
        page.say("Xylophon by socket").await;
        other.socket.send(&ClientFrame::Typing { code, on: true }).await.unwrap();
        ada.say(code, "Xylophon by REST").await;
        page.socket.send_text("Xylophon").await.unwrap();
        page.socket.send_text(r#"{"type":"Xylophon"}"#).await.unwrap();
        let _ = page.send(new_id(), &"Xylophon".repeat(1_000)).await;
        let id = new_id();
        for text in ["Xylophon", "Xylophon again"] {
            let _ = ada.try_say(code, id, text).await;
        }
        for (path, body) in [
            ("/api/messages", format!("{{\"code\":\"{code}\",\"body\":\"Xylophon\"}}")),
            ("/api/messages", "Xylophon".to_owned()),
            ("/api/rooms/join", "{\"code\":\"ZQZQZQ\"}".to_owned()),
            ("/api/rooms/leave", "{\"code\":\"ZQZQZQ\"}".to_owned()),
        ] {
            let request = bob.request(Method::POST, path).header("content-type", "application/json").body(body);
            ask(via(request)).await;
        }
        for path in ["/api/rooms/ZQZQZQ", "/api/chats/history?code=ZQZQZQ", "/api/Xylophon", "/pkg/Xylophon"] {
            ask(via(bob.request(Method::GET, path))).await;
        }
        for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
            let body = json!({ "code": code, "id": new_id(), "body": "Xylophon" });
            ask(via(post(&ada, "/api/messages", &body).header(name, value))).await;
        }
        for path in [format!("/rooms/{code}"), "/rooms/ZQZQZQ?x=Xylophon".to_owned(), "/rooms/Xylophon".to_owned()] {
            ask(via(ada.request(Method::GET, &path))).await;
        }
        ask(ada.request(Method::PUT, "/api/rooms/name").json(&json!({ "code": code, "name": "Wolpertinger II" })))
            .await;
        ada.preserve(code, !preserve).await.unwrap();
        ada.whole_history(code).await;
        ask(post(&ada, "/api/rooms/kick", &json!({ "code": code, "member_id": whom }))).await;
        page.until("Bob is removed", |replica| replica.state.members.len() == 1).await;
        // An absent guest, and a socket that stays open to the end.
        let eve = Guest::new(&node, "Quetzal Eve");
        eve.join(code).await;
        drop(eve.follow(code).await);
        page.until("Eve came and left", |replica| story(&replica.events).iter().any(|line| line == "Quetzal Eve left"))
            .await;
        for guest in [&ada, &bob, &eve] {
            let cookie = guest.cookie().unwrap().to_str().unwrap().split_once('=').unwrap().1.to_owned();
            assert_eq!(cookie.len(), 43);
            secrets.push(("a token", cookie));
        }
        secrets.push(("a code", code.to_string()));
        secrets.push(("a code", code.to_string().to_lowercase()));
        secrets.push(("a code", code.spaced()));
    }
    assert!(node.terminate().await);
    let log = settings.log();
    assert!(log.lines().any(|line| line.contains("TRACE")), "the log has its finest lines");
    for (what, secret) in secrets {
        if let Some(line) = log.lines().find(|line| line.contains(&secret)) {
            panic!("{what} ({secret}) is in the log: {line}");
        }
    }
    // The log may contain the address that the node itself listens on.
    let own = node.address().to_string();
    if let Some(line) = log.lines().find(|line| line.replace(&own, "").contains("127.0.0.1")) {
        panic!("a peer’s address is in the log: {line}");
    }
}

/// The files below a folder that contain a text.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if fs::read(&path).unwrap().windows(text.len()).any(|window| window == text.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn what_is_said_in_a_room_that_keeps_nothing_is_never_on_the_disk() {
    const SECRET: &str = "Xylophon-5f1c";
    const KEPT: &str = "Wolpertinger-77ab";
    let settings = Settings::embedded().logged("debug");
    let mut node = Node::start(&settings).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let bob = Guest::new(&node, "Bob");
    bob.join(code).await;
    let (mut page, mut other) = (ada.follow(code).await, bob.follow(code).await);
    for i in 0..200 {
        page.say(&format!("{SECRET} {i}")).await;
    }
    bob.say(code, SECRET).await;
    other.until("all is said", |replica| replica.state.last_n == 201).await;
    // A preserved time follows, which does not apply to earlier messages, and then an ephemeral one again.
    ada.preserve(code, true).await.unwrap();
    ada.say(code, KEPT).await;
    ada.preserve(code, false).await.unwrap();
    ada.say(code, SECRET).await;
    let folder = settings.data_dir();
    let nowhere = Vec::<String>::new();
    assert_eq!(files_with(&folder, SECRET), nowhere);
    assert!(!files_with(&folder, KEPT).is_empty(), "what was kept is there, so this test can see");
    node.kill().await;
    assert_eq!(files_with(&folder, SECRET), nowhere, "after a power cut");
    node.restart().await;
    page.reconnect(&node).await;
    page.say(SECRET).await;
    assert!(node.terminate().await);
    assert_eq!(files_with(&folder, SECRET), nowhere, "after a regular stop");
    assert!(!settings.log().contains(SECRET));
}

#[tokio::test]
async fn a_signal_is_no_event() {
    // Typing and presence leave no trace in the log, which a newcomer or a reload reads.
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let mut page = ada.follow(code).await;
    page.socket.send(&ClientFrame::Typing { code, on: true }).await.unwrap();
    let me = page.replica.you.member_id;
    within("presence is shown", async {
        while !page.signals.contains(&Signal::Presence { connected: vec![me] }) {
            assert_ne!(page.hear().await, Heard::Cut);
        }
    })
    .await;
    assert_eq!(page.replica.state.head, 1);
}

#[tokio::test]
async fn the_servers_files_are_its_owners_alone_whatever_was_there() {
    use std::os::unix::fs::PermissionsExt;

    let settings = Settings::embedded();
    let folder = settings.data_dir();
    let widen = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    fs::create_dir(&folder).unwrap();
    widen(&folder, 0o755);
    // With an SMTP server set, the folder contains only the store and the secret. The node connects to the server only
    // when it has a mail.
    let with_smtp = settings.clone().with("SMTP_URL", "smtp://127.0.0.1:1");
    for settings in [with_smtp, settings.clone(), settings] {
        let mut node = Node::start(&settings).await;
        let (ada, code) = ada_in_a_room(&node).await;
        ada.preserve(code, true).await.unwrap();
        ada.say(code, "kept").await;
        Guest::registered(&node, "Ada").await;
        let mut seen = 0;
        let mut waiting = vec![folder.clone()];
        while let Some(path) = waiting.pop() {
            // A mail file is renamed into place once it is complete, so a listed file may be gone.
            let Ok(found) = fs::metadata(&path) else { continue };
            let wanted = if found.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(found.permissions().mode() & 0o777, wanted, "{}", path.display());
            seen += 1;
            if path.is_dir() {
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        assert!(seen >= 6, "the folder, the database, its log, its index, its lock, and the secret");
        assert!(node.terminate().await);
        // The permissions that an older version created.
        widen(&folder, 0o755);
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            widen(&path, if path.is_dir() { 0o755 } else { 0o644 });
        }
    }
}

#[tokio::test]
async fn a_start_says_what_is_dangerous_about_its_settings() {
    let settings = Settings::embedded().logged("warn").with("PUBLIC_URL", "http://chat.example.org");
    let mut node = Node::start(&settings).await;
    assert!(node.terminate().await);
    assert!(settings.log().contains("RATE_LIMITS=off"), "{}", settings.log());
}
