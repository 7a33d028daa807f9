//! Clients: [`Guest`] speaks REST with a cookie jar, [`Socket`] sends and receives frames, and [`Follower`] is a socket
//! that follows one room with the replica of the browser.
//!
//! Methods named `try_…` return a refusal. The others fail the test if they are refused.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anonchat::protocol::{
    Ack, ClientFrame, ClientId, Code, CreateRoom, DeleteMessage, EditMessage, HistoryPage, JoinRoom, MemberId,
    MessageBody, Problem, ReactToMessage, ReadMark, Replica, RoomCode, RoomType, SendMessage, Seq, ServerFrame, Signal,
    Snapshot, Target, Touched,
};
use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, StatusCode, cookie::CookieStore, header::HeaderValue};
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};
use uuid::Uuid;

use super::{Node, within};

/// One person: a REST client with a cookie jar. Starts as a guest, and becomes an account by `register` or `log_in` (in
/// `account`). Clones share the cookie jar.
#[derive(Clone)]
pub struct Guest {
    name: String,
    http: reqwest::Client,
    cookies: std::sync::Arc<reqwest::cookie::Jar>,
    address: SocketAddr,
    /// The node to post to, if this person connects by streams.
    posts_to: Option<SocketAddr>,
}

/// A request that was refused.
#[derive(Debug)]
pub struct Refused {
    /// The HTTP status.
    pub status: StatusCode,
    /// The problem in the body.
    pub problem: Problem,
}

impl Guest {
    /// A person with an empty cookie jar.
    pub fn new(node: &Node, name: &str) -> Self {
        let cookies = std::sync::Arc::new(reqwest::cookie::Jar::default());
        let http = reqwest::Client::builder()
            .cookie_provider(std::sync::Arc::clone(&cookies))
            .timeout(Duration::from_secs(10))
            .build()
            .expect("a client");
        Self { name: name.to_owned(), http, cookies, address: node.address(), posts_to: None }
    }

    /// The same person with the same cookies at another node. Cookies do not depend on the port.
    #[must_use]
    pub fn at(&self, node: &Node) -> Self {
        self.at_address(node.address())
    }

    /// The same person with the same cookies at another address.
    #[must_use]
    pub fn at_address(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// The same person, who connects by streams and not by sockets, and posts to this node.
    #[must_use]
    pub fn by_stream(&self, posts_to: &Node) -> Self {
        Self { posts_to: Some(posts_to.address()), ..self.clone() }
    }

    /// The nickname that requests of this person send.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cookies of the jar, as one `Cookie` header.
    pub fn cookie(&self) -> Option<HeaderValue> {
        self.cookies.cookies(&format!("http://{}/", self.address).parse().expect("a URL"))
    }

    /// Stores the cookies of an answer that another HTTP client received.
    pub fn keep_cookies(&self, answer: &reqwest::Response) {
        let mut cookies = answer.headers().get_all("set-cookie").iter();
        self.cookies.set_cookies(&mut cookies, answer.url());
    }

    /// A request with this person's cookies, which the caller can change and send.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    /// Sends a request and parses the answer. `body` is the query of a `GET`, otherwise the JSON body.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: impl Serialize,
    ) -> Result<T, Refused> {
        let request = self.request(method.clone(), path);
        let request = if method == Method::GET { request.query(&body) } else { request.json(&body) };
        let answer = request.send().await.expect("the node answers");
        let status = answer.status();
        let text = answer.text().await.expect("the answer has a body");
        if status.is_success() {
            let text = if text.is_empty() { "null" } else { &text };
            return Ok(serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")));
        }
        let problem = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status}, {error}: {text}"));
        Err(Refused { status, problem })
    }

    /// Makes a room and joins it.
    pub async fn create(&self, room_type: RoomType, preserve: bool) -> Snapshot {
        let body = CreateRoom { room_type, name: None, preserve, nickname: Some(self.name.clone()), id: None };
        self.ask(Method::POST, "/api/rooms/create", body).await.expect("a room is made")
    }

    /// Joins a room, and returns the refusal if there is one.
    pub async fn try_join(&self, code: RoomCode) -> Result<Snapshot, Refused> {
        let body = JoinRoom { code: code.to_string(), nickname: Some(self.name.clone()) };
        self.ask(Method::POST, "/api/rooms/join", body).await
    }

    /// Joins a room.
    pub async fn join(&self, code: RoomCode) -> Snapshot {
        self.try_join(code).await.expect("the room is joined")
    }

    /// Leaves a room.
    pub async fn leave(&self, code: RoomCode) {
        let body = serde_json::json!({ "code": code });
        self.ask::<()>(Method::POST, "/api/rooms/leave", body).await.expect("the room is left");
    }

    /// Sets whether a room keeps its messages.
    pub async fn preserve(&self, code: RoomCode, preserve: bool) -> Result<(), Refused> {
        let body = serde_json::json!({ "code": code, "preserve": preserve });
        self.ask(Method::PUT, "/api/rooms/preserve", body).await
    }

    /// Sends a message by REST, and returns the refusal if there is one.
    pub async fn try_say(&self, code: RoomCode, id: ClientId, body: &str) -> Result<Ack, Refused> {
        let body = SendMessage {
            code: code.to_string(),
            id,
            body: body.to_owned(),
            reply_to: None,
            mentions: Vec::new(),
            everyone: false,
            member_id: None,
        };
        self.ask(Method::POST, "/api/messages", body).await
    }

    /// Sends a message by REST.
    pub async fn say(&self, code: RoomCode, body: &str) -> Ack {
        self.try_say(code, new_id(), body).await.expect("the message is taken")
    }

    /// Changes the text of a message by REST.
    pub async fn edit(&self, code: RoomCode, target: Target, body: &str) -> Result<Touched, Refused> {
        let edit = EditMessage {
            code: code.to_string(),
            id: target.id,
            body: body.to_owned(),
            after: None,
            mentions: Vec::new(),
            everyone: false,
        };
        self.ask(Method::PATCH, &format!("/api/messages/{}", target.seq), edit).await
    }

    /// Deletes a message by REST.
    pub async fn delete(&self, code: RoomCode, target: Target) -> Result<Touched, Refused> {
        let delete = DeleteMessage { code: code.to_string(), id: target.id };
        self.ask(Method::DELETE, &format!("/api/messages/{}", target.seq), delete).await
    }

    /// Puts an emoji to a message by REST, or takes it away.
    pub async fn react(&self, code: RoomCode, target: Target, e: &str, on: bool) -> Result<Touched, Refused> {
        let reaction = ReactToMessage { code: code.to_string(), id: target.id, e: e.to_owned() };
        let method = if on { Method::PUT } else { Method::DELETE };
        self.ask(method, &format!("/api/messages/{}/reactions", target.seq), reaction).await
    }

    /// One page of history.
    pub async fn history(&self, code: RoomCode, before: Option<u64>) -> HistoryPage {
        let mut query = vec![("code", code.to_string())];
        query.extend(before.map(|before| ("before", before.to_string())));
        self.ask(Method::GET, "/api/chats/history", query).await.expect("history is read")
    }

    /// All pages of history, oldest event first.
    pub async fn whole_history(&self, code: RoomCode) -> Vec<anonchat::protocol::Event> {
        let mut all = Vec::new();
        loop {
            let page = self.history(code, all.last().map(|event: &anonchat::protocol::Event| event.seq)).await;
            all.extend(page.events);
            if !page.has_more {
                all.reverse();
                return all;
            }
        }
    }

    /// Opens a socket, or a stream. `None` if the node cannot be reached or refuses.
    pub async fn try_connect(&self) -> Option<Socket> {
        if self.posts_to.is_some() {
            return Stream::open(self).await.map(Socket::Stream);
        }
        let mut request = format!("ws://{}/ws", self.address).into_client_request().expect("a request");
        if let Some(cookies) = self.cookie() {
            request.headers_mut().insert("cookie", cookies);
        }
        let (stream, _) = tokio_tungstenite::connect_async(request).await.ok()?;
        Some(Socket::WebSocket(stream))
    }

    /// Opens a socket, subscribes to a room from scratch, and waits for the snapshot.
    pub async fn follow(&self, code: RoomCode) -> Follower {
        let mut socket = self.try_connect().await.expect("the socket opens");
        socket.send(&ClientFrame::Subscribe { code, epoch: None, after: None }).await.expect("the frame is sent");
        let snapshot = within("a snapshot comes", async {
            loop {
                match socket.next().await.expect("the socket is open") {
                    ServerFrame::Snapshot { snapshot, .. } => return *snapshot,
                    ServerFrame::Error { code, detail, .. } => panic!("{code:?}: {detail}"),
                    _ => {}
                }
            }
        })
        .await;
        let (read, marks) = (snapshot.you.read, by_member(&snapshot.reads));
        let (guest, replica, signals) = (self.clone(), Replica::new(snapshot), Vec::new());
        Follower { guest, code, socket, replica, resets: 0, answers: 1, signals, read, marks }
    }
}

/// An open socket, or a stream that does the same.
pub enum Socket {
    /// A WebSocket.
    WebSocket(WebSocketStream<MaybeTlsStream<TcpStream>>),
    /// Server-Sent Events and posts.
    Stream(Stream),
}

impl Socket {
    /// Sends a frame. `None` if the socket is dead.
    pub async fn send(&mut self, frame: &ClientFrame) -> Option<()> {
        let text = serde_json::to_string(frame).expect("frames are JSON");
        self.send_text(&text).await
    }

    /// Sends a text message that need not be a frame.
    pub async fn send_text(&mut self, text: &str) -> Option<()> {
        self.send_message(Message::text(text)).await
    }

    /// Sends any WebSocket message; over a stream, only text.
    pub async fn send_message(&mut self, message: Message) -> Option<()> {
        match self {
            Self::WebSocket(socket) => socket.send(message).await.ok(),
            Self::Stream(stream) => stream.post(&format!("[{message}]")).await,
        }
    }

    /// Queues a frame until the next [`flush`](Self::flush), so that many frames go out in one write.
    pub async fn feed(&mut self, frame: &ClientFrame) -> Option<()> {
        let text = serde_json::to_string(frame).expect("frames are JSON");
        match self {
            Self::WebSocket(socket) => socket.feed(Message::text(text)).await.ok(),
            Self::Stream(stream) => {
                stream.queued.push(text);
                Some(())
            }
        }
    }

    /// Sends all queued frames.
    pub async fn flush(&mut self) -> Option<()> {
        match self {
            Self::WebSocket(socket) => socket.flush().await.ok(),
            Self::Stream(stream) => {
                let queued = std::mem::take(&mut stream.queued).join(",");
                stream.post(&format!("[{queued}]")).await
            }
        }
    }

    /// Receives the next frame. `None` if the socket is dead.
    pub async fn next(&mut self) -> Option<ServerFrame> {
        loop {
            let text = match self {
                Self::Stream(stream) => stream.next().await?,
                Self::WebSocket(socket) => match socket.next().await?.ok()? {
                    Message::Text(text) => text.to_string(),
                    Message::Close(_) => return None,
                    _ => continue,
                },
            };
            return Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")));
        }
    }
}

/// How long a stream may last in a test.
const STREAM_LIFE: Duration = Duration::from_hours(1);

/// An open stream of Server-Sent Events.
pub struct Stream {
    guest: Guest,
    response: reqwest::Response,
    /// What arrived and was not taken yet.
    read: Vec<u8>,
    /// The path to post to.
    pub address: String,
    /// The number of the next post.
    pub n: u64,
    queued: Vec<String>,
}

impl Stream {
    /// Opens a stream, and waits for its address.
    async fn open(guest: &Guest) -> Option<Self> {
        let response = guest.request(Method::GET, "/stream").timeout(STREAM_LIFE).send().await.ok()?;
        let response = response.error_for_status().ok()?;
        let (guest, address) = (guest.clone(), String::new());
        let mut stream = Self { guest, response, read: Vec::new(), address, n: 0, queued: Vec::new() };
        match stream.event().await? {
            (name, address) if name == "address" => stream.address = address,
            (name, _) => panic!("{name} comes before the address"),
        }
        Some(stream)
    }

    /// The next event: its name and its text. `None` if the stream is over.
    async fn event(&mut self) -> Option<(String, String)> {
        let end = loop {
            if let Some(end) = self.read.windows(2).position(|two| two == b"\n\n") {
                break end;
            }
            self.read.extend_from_slice(&self.response.chunk().await.ok()??);
        };
        let event: Vec<u8> = self.read.drain(..end + 2).collect();
        let event = String::from_utf8(event).expect("events are text");
        let field = |name: &str| event.lines().find_map(|line| Some(line.strip_prefix(name)?.to_owned()));
        Some((field("event:").unwrap_or_default(), field("data:").expect("each event has a text")))
    }

    /// The text of the next frame. Pings on the way are answered.
    async fn next(&mut self) -> Option<String> {
        loop {
            match self.event().await? {
                (name, text) if name.is_empty() => return Some(text),
                (name, _) => assert_eq!(name, "ping"),
            }
            self.post("[]").await?;
        }
    }

    /// Posts a JSON array of frames. `None` if it is refused, or the node cannot be reached.
    async fn post(&mut self, frames: &str) -> Option<()> {
        let request = self.request(self.n, frames);
        // Counted before it is sent: a request that is dropped may have arrived.
        self.n += 1;
        let answer = request.send().await.ok()?;
        (answer.status() == StatusCode::NO_CONTENT).then_some(())
    }

    /// A request with this body, as the post with this number.
    pub fn request(&self, n: u64, body: &str) -> reqwest::RequestBuilder {
        let node = self.guest.posts_to.map_or_else(|| self.guest.clone(), |node| self.guest.at_address(node));
        let request = node.request(Method::POST, &format!("{}?n={n}", self.address));
        request.header("content-type", "application/json").body(body.to_owned())
    }
}

/// A socket that follows one room and applies its frames to a replica. Frames are received only while one of its
/// methods waits.
pub struct Follower {
    /// The person whose socket this is.
    pub guest: Guest,
    /// The code of the room.
    pub code: RoomCode,
    /// The socket.
    pub socket: Socket,
    /// The replica, after all frames received so far.
    pub replica: Replica,
    /// How many `reset` frames arrived.
    pub resets: usize,
    /// How many answers to `subscribe` arrived (`snapshot` or `resumed`).
    pub answers: usize,
    /// All signals that arrived.
    pub signals: Vec<Signal>,
    /// This person's read position, as the server last reported it.
    pub read: Seq,
    /// The read positions of the others, as the server last reported them.
    pub marks: BTreeMap<MemberId, Seq>,
}

fn by_member(marks: &[ReadMark]) -> BTreeMap<MemberId, Seq> {
    marks.iter().map(|mark| (mark.member, mark.seq)).collect()
}

/// What a received frame meant for the follower.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// The server has acknowledged a message.
    Acked(Ack),
    /// The server has refused a frame: a message if an id is given.
    Refused(Code, Option<ClientId>),
    /// The timeline may have grown.
    News,
    /// Any other frame.
    Other,
    /// The socket is dead, or the server has said goodbye.
    Cut,
}

impl Follower {
    /// Receives one frame and applies it to the replica. After a gap it subscribes again, as the browser does.
    pub async fn hear(&mut self) -> Heard {
        let Some(frame) = self.socket.next().await else { return Heard::Cut };
        match frame {
            ServerFrame::Event { event, .. } => {
                if self.replica.receive(event) == anonchat::protocol::Received::Gap {
                    let (epoch, after) = self.replica.resume_point();
                    let again = ClientFrame::Subscribe { code: self.code, epoch: Some(epoch), after: Some(after) };
                    if self.socket.send(&again).await.is_none() {
                        return Heard::Cut;
                    }
                }
                Heard::News
            }
            ServerFrame::Resumed { events, read, reads, .. } => {
                for event in events {
                    self.replica.receive(event);
                }
                (self.read, self.marks) = (read, by_member(&reads));
                self.answers += 1;
                Heard::News
            }
            ServerFrame::Reset { .. } => {
                self.resets += 1;
                Heard::Other
            }
            ServerFrame::Snapshot { snapshot, .. } => {
                (self.read, self.marks) = (snapshot.you.read, by_member(&snapshot.reads));
                self.replica.reset(*snapshot);
                self.answers += 1;
                Heard::News
            }
            ServerFrame::Ack { id, seq, at, .. } => {
                let ack = Ack { id, seq, at };
                self.replica.acknowledge(ack);
                Heard::Acked(ack)
            }
            ServerFrame::Error { code, id, .. } => Heard::Refused(code, id),
            ServerFrame::Bye { .. } => Heard::Cut,
            ServerFrame::Signal { signal, .. } => {
                match &signal {
                    Signal::Presence { connected } => self.replica.connected = connected.iter().copied().collect(),
                    Signal::Read { marks } => self.note(marks),
                    Signal::Typing { .. } | Signal::Other => {}
                }
                self.signals.push(signal);
                Heard::Other
            }
            ServerFrame::Hello { .. }
            | ServerFrame::Pong { .. }
            | ServerFrame::Rooms { .. }
            | ServerFrame::Summary { .. }
            | ServerFrame::Other => Heard::Other,
        }
    }

    fn note(&mut self, marks: &[ReadMark]) {
        for mark in marks {
            if mark.member == self.id() {
                self.read = self.read.max(mark.seq);
            } else {
                self.marks.insert(mark.member, mark.seq);
            }
        }
    }

    /// This person's member id in the room.
    pub fn id(&self) -> MemberId {
        self.replica.you.member_id
    }

    /// Receives frames until `done` is true of the follower.
    pub async fn hear_until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        within(what, async {
            while !done(self) {
                assert_ne!(self.hear().await, Heard::Cut, "the socket was cut while waiting: {what}");
            }
        })
        .await;
    }

    /// Tells the server that everything up to this seq has been read.
    pub async fn mark_read(&mut self, seq: Seq) {
        self.socket.send(&ClientFrame::Read { code: self.code, seq }).await.expect("the frame is sent");
    }

    /// Receives frames until `done` is true of the replica.
    pub async fn until(&mut self, what: &str, mut done: impl FnMut(&Replica) -> bool) {
        within(what, async {
            while !done(&self.replica) {
                assert_ne!(self.hear().await, Heard::Cut, "the socket was cut while waiting: {what}");
            }
        })
        .await;
    }

    /// Receives frames until the timeline contains a message with this text.
    pub async fn until_said(&mut self, text: &str) {
        let said =
            |replica: &Replica| replica.events.iter().any(|e| e.message().is_some_and(|m| m.body.as_str() == text));
        self.until(&format!("“{text}” is said"), said).await;
    }

    /// Sends a message and does not wait for the ack.
    pub async fn send(&mut self, id: ClientId, text: &str) -> Option<()> {
        self.socket
            .send(&ClientFrame::Send {
                code: self.code,
                id,
                body: text.to_owned(),
                reply_to: None,
                mentions: Vec::new(),
                everyone: false,
            })
            .await
    }

    /// Sends a message and receives frames until it is acknowledged.
    pub async fn say(&mut self, text: &str) -> Ack {
        let id = new_id();
        self.replica.queue(id, MessageBody::try_from(text).expect("a message"));
        self.send(id, text).await.expect("the frame is sent");
        within("an ack comes", async {
            loop {
                match self.hear().await {
                    Heard::Acked(ack) if ack.id == id => return ack,
                    Heard::Refused(code, _) => panic!("refused: {code:?}"),
                    Heard::Cut => panic!("the socket was cut"),
                    _ => {}
                }
            }
        })
        .await
    }

    /// Sends a reply, and receives frames until it is in the timeline.
    pub async fn reply(&mut self, to: Target, text: &str) {
        let (code, body) = (self.code, text.to_owned());
        let frame =
            ClientFrame::Send { code, id: new_id(), body, reply_to: Some(to), mentions: Vec::new(), everyone: false };
        self.socket.send(&frame).await.expect("the frame is sent");
        self.until_said(text).await;
    }

    /// Changes the text of a message, and receives frames until that is answered.
    pub async fn edit(&mut self, target: Target, body: &str) -> Result<Seq, Code> {
        let (code, id, body) = (self.code, new_id(), body.to_owned());
        self.touch(
            id,
            &ClientFrame::Edit { code, id, target, body, after: None, mentions: Vec::new(), everyone: false },
        )
        .await
    }

    /// Deletes a message, and receives frames until that is answered.
    pub async fn delete(&mut self, target: Target) -> Result<Seq, Code> {
        let (code, id) = (self.code, new_id());
        self.touch(id, &ClientFrame::Delete { code, id, target }).await
    }

    /// Puts an emoji to a message, or takes it away, and receives frames until that is answered.
    pub async fn react(&mut self, target: Target, e: &str, on: bool) -> Result<Seq, Code> {
        let (code, id, e) = (self.code, new_id(), e.to_owned());
        self.touch(id, &ClientFrame::React { code, id, target, e, on }).await
    }

    async fn touch(&mut self, id: ClientId, frame: &ClientFrame) -> Result<Seq, Code> {
        self.socket.send(frame).await.expect("the frame is sent");
        within("the change is answered", async {
            loop {
                match self.hear().await {
                    Heard::Acked(ack) if ack.id == id => return Ok(ack.seq),
                    Heard::Refused(code, Some(refused)) if refused == id => return Err(code),
                    Heard::Cut => panic!("the socket was cut"),
                    _ => {}
                }
            }
        })
        .await
    }

    /// Connects to `node` (again and again until it accepts), resumes, and sends again all messages without an ack.
    pub async fn reconnect(&mut self, node: &Node) {
        self.guest = self.guest.at(node);
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        within("the socket opens again", async {
            pause.tick().await;
            while !self.try_reconnect().await {
                pause.tick().await;
            }
        })
        .await;
    }

    /// Attempts once to connect and resume. Returns whether it worked.
    pub async fn try_reconnect(&mut self) -> bool {
        let Some(socket) = self.guest.try_connect().await else { return false };
        self.socket = socket;
        let (epoch, after) = self.replica.resume_point();
        let resume = ClientFrame::Subscribe { code: self.code, epoch: Some(epoch), after: Some(after) };
        if self.socket.send(&resume).await.is_none() {
            return false;
        }
        let unsent: Vec<_> = self.replica.unsent().cloned().collect();
        for draft in unsent {
            if self.send(draft.id, draft.body.as_str()).await.is_none() {
                return false;
            }
        }
        true
    }
}

/// The message that this ack is about.
pub fn target(ack: Ack) -> Target {
    Target { seq: ack.seq, id: ack.id }
}

/// A new message id.
pub fn new_id() -> ClientId {
    ClientId::new(Uuid::now_v7())
}
