//! Floods: limits on how much of a node one client can occupy. Clients with normal use must never reach such a limit.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anonchat::protocol::{ByeReason, ClientFrame, Code, RoomCode, RoomType, ServerFrame};
use futures_util::{StreamExt, future::join_all};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};

use crate::support::{
    Guest, Node, Settings,
    account::PASSWORD,
    client::{Heard, Socket},
    within,
};

fn limited() -> Settings {
    Settings::embedded().with("RATE_LIMITS", "on")
}

/// Sends raw bytes to a node. Returns what comes back until the node closes the connection or sends nothing more.
async fn answer_to(node: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(node).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(2), stream.read_to_end(&mut answer)).await;
    answer
}

/// The status of an answer in HTTP/1.
fn status(answer: &[u8]) -> Option<u16> {
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}

#[tokio::test]
async fn a_request_that_does_not_come_holds_no_connection() {
    let node = Node::start(&Settings::embedded()).await;
    let halves = [
        "",
        "GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
        "POST /api/rooms/join HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{",
        "POST /api/rooms/join HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ];
    let ended = halves.iter().cycle().take(40).map(|half| async {
        let mut stream = TcpStream::connect(node.address()).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        // A byte now and then does not extend the time limit.
        let mut answer = [0; 1024];
        loop {
            match timeout(Duration::from_secs(3), stream.read(&mut answer)).await {
                Ok(Ok(0) | Err(_)) => return,
                Ok(Ok(_)) => {}
                Err(_) if half.is_empty() => {}
                Err(_) => {
                    if stream.write_all(b"x").await.is_err() {
                        return;
                    }
                }
            }
        }
    });
    within("every connection is closed", join_all(ended)).await;
}

#[tokio::test]
async fn http_is_version_1_and_names_one_host() {
    let node = Node::start(&Settings::embedded()).await;
    let at = node.address();
    for (request, expected) in [
        (format!("GET /healthz HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"), 200),
        ("GET /healthz HTTP/1.0\r\n\r\n".to_owned(), 200),
        ("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(), 400),
        (format!("GET /healthz HTTP/1.1\r\nHost: {at}\r\nHost: {at}\r\nConnection: close\r\n\r\n"), 400),
        (format!("GET /healthz HTTP/1.1\r\nHost: {at}\r\nHost: evil.example\r\nConnection: close\r\n\r\n"), 400),
        ("GET /healthz HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n".to_owned(), 400),
    ] {
        let answer = answer_to(at, request.as_bytes()).await;
        assert_eq!(status(&answer), Some(expected), "{request}");
    }
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &settings].concat();
    let answer = answer_to(at, &preface).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "), "no HTTP/2 in clear: {answer:?}");
}

/// A socket whose TCP stream is accessible.
async fn raw_socket(guest: &Guest, node: &Node) -> WebSocketStream<TcpStream> {
    let tcp = TcpStream::connect(node.address()).await.unwrap();
    let mut request = format!("ws://{}/ws", node.address()).into_client_request().unwrap();
    request.headers_mut().insert("cookie", guest.cookie().unwrap());
    tokio_tungstenite::client_async(request, tcp).await.unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_empty_fragments_is_ended_and_harms_nobody() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, eve) = (Guest::new(&node, "Ada"), Guest::new(&node, "Eve"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    eve.create(RoomType::Group, false).await;
    let mut page = ada.follow(code).await;
    let floods: Vec<_> = join_all((0..4).map(|_| raw_socket(&eve, &node))).await;
    let floods = floods.into_iter().map(|mut socket| async move {
        // A text message that is not final, followed by empty fragments.
        let empty = [0x00, 0x80, 0, 0, 0, 0].repeat(10_000);
        let stream = socket.get_mut();
        stream.write_all(&[0x01, 0x80, 0, 0, 0, 0]).await.unwrap();
        while timeout(Duration::from_secs(1), stream.write_all(&empty)).await.is_ok_and(|sent| sent.is_ok()) {}
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    });
    let floods = tokio::spawn(join_all(floods));
    let mut worst = Duration::ZERO;
    for i in 0..20 {
        let start = Instant::now();
        page.say(&format!("{i}")).await;
        worst = worst.max(start.elapsed());
    }
    assert!(worst < Duration::from_secs(2), "a word of somebody else took {worst:?}");
    let codes = within("the floods are ended", floods).await.unwrap();
    assert!(codes.contains(&Some(CloseCode::Policy)), "{codes:?}");
}

#[tokio::test]
async fn of_too_many_sockets_of_a_guest_the_oldest_is_told_to_go() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    ada.create(RoomType::Group, false).await;
    let mut sockets: Vec<Socket> = Vec::new();
    for _ in 0..11 {
        let mut socket = ada.try_connect().await.unwrap();
        assert!(matches!(socket.next().await, Some(ServerFrame::Hello { .. })));
        sockets.push(socket);
    }
    let Some(ServerFrame::Bye { reason, retry_after_ms }) = within("a bye", sockets[0].next()).await else {
        panic!("the oldest is not told to go");
    };
    assert_eq!(reason, ByeReason::TooManySockets);
    assert!(retry_after_ms > 60_000, "so that two pages do not take turns");
    for socket in &mut sockets[1..] {
        socket.send(&ClientFrame::Ping { n: 7 }).await.unwrap();
        assert_eq!(within("a pong", socket.next()).await, Some(ServerFrame::Pong { n: 7 }));
    }
}

/// A preserved room with more text than one `resumed` may carry, and its only member.
async fn wordy_room(node: &Node) -> (Guest, RoomCode) {
    let ada = Guest::new(node, "Ada");
    let code = ada.create(RoomType::Group, true).await.room.code;
    let text = "🐌".repeat(3_990);
    for n in 0..5 {
        let guest = Guest::new(node, &format!("Guest {n}"));
        guest.join(code).await;
        for _ in 0..18 {
            guest.say(code, &text).await;
        }
    }
    (ada, code)
}

#[tokio::test]
async fn a_resume_has_a_mebibyte_and_ten_in_a_row_are_answered_at_once() {
    let node = Node::start(&limited()).await;
    let (ada, code) = wordy_room(&node).await;
    let snapshot = ada.join(code).await;
    let (epoch, head) = (snapshot.epoch, snapshot.head);
    let mut socket = ada.try_connect().await.unwrap();
    let start = Instant::now();
    for _ in 0..10 {
        socket.send(&ClientFrame::Subscribe { code, epoch: Some(epoch), after: Some(head - 60) }).await.unwrap();
    }
    let mut resumed = 0;
    within("all are answered", async {
        while resumed < 10 {
            match socket.next().await.unwrap() {
                ServerFrame::Resumed { events, .. } => {
                    assert_eq!(events.len(), 60);
                    resumed += 1;
                }
                ServerFrame::Reset { .. } => panic!("that much is resumed"),
                _ => {}
            }
        }
    })
    .await;
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    // A client that missed more than a `resumed` may carry gets a `reset`.
    let mut other = ada.try_connect().await.unwrap();
    other.send(&ClientFrame::Subscribe { code, epoch: Some(epoch), after: Some(head - 88) }).await.unwrap();
    within("a reset", async {
        loop {
            match other.next().await.unwrap() {
                ServerFrame::Reset { .. } => return,
                ServerFrame::Resumed { events, .. } => panic!("{} events", events.len()),
                _ => {}
            }
        }
    })
    .await;
}

#[tokio::test]
async fn cheap_questions_do_not_pull_answers_for_ever() {
    let node = Node::start(&limited()).await;
    let (ada, code) = wordy_room(&node).await;
    let snapshot = ada.join(code).await;
    let ask = ClientFrame::Subscribe { code, epoch: Some(snapshot.epoch), after: Some(snapshot.head - 60) };
    let mut socket = ada.try_connect().await.unwrap();
    for _ in 0..100 {
        socket.send(&ask).await.unwrap();
    }
    let (mut answers, time) = (0, Duration::from_secs(8));
    let _ = timeout(time, async {
        while let Some(frame) = socket.next().await {
            answers += u32::from(matches!(frame, ServerFrame::Resumed { .. }));
        }
    })
    .await;
    // The quota is 16 MiB at once and then a quarter of a MiB a second. A few more answers are under way when it is
    // used up.
    assert!((10..30).contains(&answers), "{answers} answers of a megabyte in {time:?}");
    let other = Guest::new(&node, "Bob");
    other.join(code).await;
    within("others are answered at once", other.follow(code)).await;
}

#[tokio::test]
async fn a_socket_has_the_list_of_rooms_once_in_five_seconds_and_is_told_when_to_ask() {
    let node = Node::start(&limited()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    ada.create(RoomType::Group, false).await;
    let mut socket = ada.try_connect().await.unwrap();
    for _ in 0..5 {
        socket.send(&ClientFrame::Watch {}).await.unwrap();
    }
    socket.send(&ClientFrame::Ping { n: 1 }).await.unwrap();
    let (mut lists, mut pauses) = (0, Vec::new());
    within("the answers to six questions", async {
        while lists == 0 || pauses.len() < 4 {
            match socket.next().await.unwrap() {
                ServerFrame::Rooms { .. } => lists += 1,
                ServerFrame::Error { retry_after_ms: Some(pause), code: Code::TooManyRequests, .. } => {
                    pauses.push(pause);
                }
                ServerFrame::Hello { .. } | ServerFrame::Pong { n: 1 } => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    assert_eq!(lists, 1);
    assert!(pauses.iter().all(|pause| (1..=5_000).contains(pause)), "{pauses:?}");
    // A second socket, such as another tab, gets the list at once.
    let mut other = ada.try_connect().await.unwrap();
    other.send(&ClientFrame::Watch {}).await.unwrap();
    within("the list", async { while !matches!(other.next().await.unwrap(), ServerFrame::Rooms { .. }) {} }).await;
}

fn get(guest: &Guest, path: &str) -> RequestBuilder {
    guest.request(Method::GET, path)
}

#[tokio::test]
async fn who_reads_too_much_is_told_when_to_come_back_and_others_read_on() {
    let node = Node::start(&limited()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    bob.join(code).await;
    let path = format!("/api/rooms/{code}");
    let mut read = 0;
    let refused = loop {
        let answer = get(&ada, &path).send().await.unwrap();
        if answer.status() != 200 {
            break answer;
        }
        read += 1;
        assert!(read < 1_000);
    };
    assert!(read >= 300, "{read}");
    assert_eq!(refused.status(), 429);
    let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "too_many_requests");
    let page = get(&ada, &format!("/rooms/{code}")).header("accept", "text/html").header("accept-language", "de");
    let page = page.send().await.unwrap();
    assert_eq!(page.status(), 429);
    assert!(page.headers().contains_key("retry-after"));
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let text = page.text().await.unwrap();
    assert!(text.contains("Sekunde") && text.contains("lang=\"de\""), "{text}");
    assert_eq!(get(&bob, &path).send().await.unwrap().status(), 200, "others read on");
    assert_ne!(get(&ada, "/offline.css").send().await.unwrap().status(), 429, "and the page has its style");
}

#[tokio::test]
async fn a_client_is_who_the_proxy_says_however_it_writes_that() {
    let node = Node::start(&limited().with("PROXY_HOPS", "1")).await;
    let code = Guest::new(&node, "Ada").create(RoomType::Group, false).await.room.code;
    let join = async |client: &str, code: &str| {
        let body = json!({ "code": code });
        let request = Guest::new(&node, "Eve").request(Method::POST, "/api/rooms/join").json(&body);
        request.header("x-forwarded-for", client).send().await.unwrap().status().as_u16()
    };
    let guessers = [
        ["203.0.113.7:1111", "203.0.113.7:2222", "\"203.0.113.7\"", "203.0.113.7"],
        ["[2001:db8::1]:443", "[2001:db8::1]", "2001:db8::1", "\"[2001:db8::1]:80\""],
        ["unknown", "unknown", "UNKNOWN", "unknown"],
        ["_hidden", "_hidden", "_hidden", "_hidden"],
    ];
    for spellings in guessers {
        let mut refused = 0;
        for (bits, spelling) in (0..16).zip(spellings.iter().cycle()) {
            refused += u32::from(join(spelling, &RoomCode::from_bits(bits).to_string()).await == 429);
        }
        assert!(refused >= 4, "one client, however it is written: {spellings:?}");
        assert_eq!(join(spellings[0], &code.to_string()).await, 429);
    }
    for other in ["198.51.100.9:2222", "[2001:db8:1::1]:443", "[2001:db8:2::1]", "_other", "127.0.0.1"] {
        assert_eq!(join(other, &code.to_string()).await, 200, "{other} has guessed nothing");
    }
}

#[tokio::test]
async fn pages_without_https_are_foreign_where_people_come_by_https() {
    let node = Node::start(&Settings::embedded().with("PUBLIC_URL", "https://chat.example.org")).await;
    let guest = Guest::new(&node, "Ada");
    let create = |origin: &str| {
        let request = guest.request(Method::POST, "/api/rooms/create").json(&json!({ "type": "group" }));
        request.header("origin", origin).header("host", "chat.example.org")
    };
    assert_eq!(create("http://chat.example.org").send().await.unwrap().status(), 403);
    let own = create("https://chat.example.org").send().await.unwrap();
    assert_eq!(
        (own.status().as_u16(), &own.headers()["strict-transport-security"]),
        (201, &"max-age=31536000".parse().unwrap())
    );
    let cookie = own.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let socket = |origin: &str, site: Option<&str>| {
        let request =
            get(&guest, "/ws").header("cookie", &cookie).header("origin", origin).header("host", "chat.example.org");
        let request = request.header("connection", "upgrade").header("upgrade", "websocket");
        let request =
            request.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        site.into_iter().fold(request, |request, site| request.header("sec-fetch-site", site))
    };
    let own = "https://chat.example.org";
    for (origin, site, expected) in [
        (own, None, 101),
        (own, Some("same-origin"), 101),
        (own, Some("cross-site"), 403),
        (own, Some("same-site"), 403),
        ("http://chat.example.org", None, 403),
        ("http://chat.example.org", Some("cross-site"), 403),
        ("https://chat.example.org:444", None, 403),
        ("https://chat.example.org.evil", None, 403),
        ("null", None, 403),
    ] {
        assert_eq!(socket(origin, site).send().await.unwrap().status(), expected, "{origin} {site:?}");
    }
    let plain = Node::start(&Settings::embedded()).await;
    let answer = get(&Guest::new(&plain, ""), "/").send().await.unwrap();
    assert!(!answer.headers().contains_key("strict-transport-security"));
}

/// A pupil at a school, whose whole class shares one client address: opens the page, joins, chats and reloads.
async fn pupil(node: &Node, n: usize, code: RoomCode) -> (Guest, RoomCode) {
    let pupil = Guest::new(node, &format!("Pupil {n}"));
    let open = async |path: &str| {
        let (status, text) = pupil.page(path).await;
        assert_eq!(status, 200, "{n} at {path}: {text}");
    };
    open("/").await;
    open(&format!("/rooms/{code}")).await;
    pupil.try_join(code).await.unwrap_or_else(|refused| panic!("{n} cannot join: {refused:?}"));
    for reload in 0..3 {
        open(&format!("/rooms/{code}")).await;
        let mut page = pupil.follow(code).await;
        for word in 0..2 {
            page.say(&format!("{n}: word {word} of visit {reload}")).await;
        }
        page.mark_read(page.replica.state.head).await;
        get(&pupil, "/pkg/anonchat.css").send().await.unwrap();
    }
    (pupil, code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_behind_one_address_who_behave_are_never_refused() {
    let node = Node::start(&limited()).await;
    let rooms = join_all((0..8).map(|n| {
        let teacher = Guest::new(&node, &format!("Teacher {n}"));
        async move { teacher.create(RoomType::Group, n % 2 == 0).await.room.code }
    }));
    let rooms = rooms.await;
    let pupils =
        futures_util::stream::iter(0..200).map(|n| pupil(&node, n, rooms[n % rooms.len()])).buffer_unordered(40);
    let pupils: Vec<(Guest, RoomCode)> = pupils.collect().await;
    // All of them follow the room at the same time.
    let mut pages = join_all(pupils.iter().map(|(pupil, code)| pupil.follow(*code))).await;
    pages[0].say("The bell rings").await;
    let first = pages[0].code;
    for page in pages.iter_mut().filter(|page| page.code == first) {
        page.until_said("The bell rings").await;
    }
    for page in &mut pages {
        page.socket.send(&ClientFrame::Ping { n: 1 }).await.unwrap();
        within("everybody is answered", async {
            loop {
                match page.hear().await {
                    Heard::Other => return,
                    Heard::Cut => panic!("a socket was cut"),
                    _ => {}
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_crowd_that_logs_in_is_served_or_told_to_wait_while_a_room_goes_on() {
    const WORDS: usize = 300;
    let node = Node::start(&Settings::embedded()).await;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let code = ada.create(RoomType::Group, false).await.room.code;
    let mut page = ada.follow(code).await;
    let mut chat = async |what: &str| {
        let mut took = Vec::with_capacity(WORDS);
        for i in 0..WORDS {
            let start = Instant::now();
            page.say(&format!("{what} {i}")).await;
            took.push(start.elapsed());
        }
        took.sort();
        took[WORDS * 99 / 100]
    };
    let quiet = chat("Alone").await;
    let crowd: Vec<Guest> = (0..200).map(|_| Guest::new(&node, "Ada")).collect();
    let logging_in = join_all(crowd.iter().map(|guest| async {
        let body = json!({ "email": email, "password": PASSWORD });
        let request = guest.request(Method::POST, "/api/auth/login").timeout(Duration::from_mins(1)).json(&body);
        request.send().await.unwrap().status().as_u16()
    }));
    let (statuses, busy) = tokio::join!(logging_in, chat("In a crowd"));
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses.iter().filter(|status| **status == 200).count() >= 100);
    eprintln!("p99 of a word: {quiet:?} alone, {busy:?} in a crowd");
    // The 200 connections of the crowd use the same machine as the room, which takes some time. A message that waited
    // for password hashing would take seconds.
    assert!(busy < Duration::from_millis(250), "a word took {busy:?}, and {quiet:?} before");
}
