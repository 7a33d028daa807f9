//! Clients: REST with cookies, and sockets with a replica.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anonchat::protocol::{
    Ack, ClientFrame, ClientId, Code, CreateRoom, HistoryPage, JoinRoom, MemberId, MessageBody, Problem, ReadMark,
    Replica, RoomCode, RoomType, SendMessage, Seq, ServerFrame, Signal, Snapshot,
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

/// A person without an account, by REST.
#[derive(Clone)]
pub struct Guest {
    name: String,
    http: reqwest::Client,
    cookies: std::sync::Arc<reqwest::cookie::Jar>,
    address: SocketAddr,
}

/// What REST refused.
#[derive(Debug)]
pub struct Refused {
    /// The HTTP status.
    pub status: StatusCode,
    /// The problem.
    pub problem: Problem,
}

impl Guest {
    /// Somebody who has not been here before.
    pub fn new(node: &Node, name: &str) -> Self {
        let cookies = std::sync::Arc::new(reqwest::cookie::Jar::default());
        let http = reqwest::Client::builder()
            .cookie_provider(std::sync::Arc::clone(&cookies))
            .timeout(Duration::from_secs(10))
            .build()
            .expect("a client");
        Self { name: name.to_owned(), http, cookies, address: node.address() }
    }

    /// The same person, at another node. Cookies do not mind the port.
    #[must_use]
    pub fn at(&self, node: &Node) -> Self {
        self.at_address(node.address())
    }

    /// The same person, at another address.
    #[must_use]
    pub fn at_address(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// What they are called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cookies that they would send, as one header.
    pub fn cookie(&self) -> Option<HeaderValue> {
        self.cookies.cookies(&format!("http://{}/", self.address).parse().expect("a URL"))
    }

    /// Keeps the cookies of an answer that did not come by a request of theirs.
    pub fn keep_cookies(&self, answer: &reqwest::Response) {
        let mut cookies = answer.headers().get_all("set-cookie").iter();
        self.cookies.set_cookies(&mut cookies, answer.url());
    }

    /// A request of theirs, to be changed before it is sent.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    /// Asks REST for something.
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

    /// Makes a room.
    pub async fn create(&self, room_type: RoomType, preserve: bool) -> Snapshot {
        let body = CreateRoom { room_type, name: None, preserve, nickname: Some(self.name.clone()), id: None };
        self.ask(Method::POST, "/api/rooms/create", body).await.expect("a room is made")
    }

    /// Joins a room, or is refused.
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

    /// Turns preserve on or off.
    pub async fn preserve(&self, code: RoomCode, preserve: bool) -> Result<(), Refused> {
        let body = serde_json::json!({ "code": code, "preserve": preserve });
        self.ask(Method::PUT, "/api/rooms/preserve", body).await
    }

    /// Says something, or is refused.
    pub async fn try_say(&self, code: RoomCode, id: ClientId, body: &str) -> Result<Ack, Refused> {
        let body = SendMessage { code: code.to_string(), id, body: body.to_owned(), member_id: None };
        self.ask(Method::POST, "/api/messages", body).await
    }

    /// Says something.
    pub async fn say(&self, code: RoomCode, body: &str) -> Ack {
        self.try_say(code, new_id(), body).await.expect("the message is taken")
    }

    /// A page of history.
    pub async fn history(&self, code: RoomCode, before: Option<u64>) -> HistoryPage {
        let mut query = vec![("code", code.to_string())];
        query.extend(before.map(|before| ("before", before.to_string())));
        self.ask(Method::GET, "/api/chats/history", query).await.expect("history is read")
    }

    /// All of history, oldest first.
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

    /// Opens a socket, if the node is there.
    pub async fn try_connect(&self) -> Option<Socket> {
        let mut request = format!("ws://{}/ws", self.address).into_client_request().expect("a request");
        if let Some(cookies) = self.cookie() {
            request.headers_mut().insert("cookie", cookies);
        }
        let (stream, _) = tokio_tungstenite::connect_async(request).await.ok()?;
        Some(Socket { stream })
    }

    /// Follows a room from scratch.
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

/// An open socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Sends a frame; `None` if the socket is dead.
    pub async fn send(&mut self, frame: &ClientFrame) -> Option<()> {
        let text = serde_json::to_string(frame).expect("frames are JSON");
        self.stream.send(Message::text(text)).await.ok()
    }

    /// Sends any text.
    pub async fn send_text(&mut self, text: &str) -> Option<()> {
        self.send_message(Message::text(text)).await
    }

    /// Sends anything.
    pub async fn send_message(&mut self, message: Message) -> Option<()> {
        self.stream.send(message).await.ok()
    }

    /// Queues a frame that leaves with the next [`flush`](Self::flush), so that many go in one write.
    pub async fn feed(&mut self, frame: &ClientFrame) -> Option<()> {
        self.stream.feed(Message::text(serde_json::to_string(frame).expect("frames are JSON"))).await.ok()
    }

    /// Sends what is queued.
    pub async fn flush(&mut self) -> Option<()> {
        self.stream.flush().await.ok()
    }

    /// The next frame; `None` if the socket is dead.
    pub async fn next(&mut self) -> Option<ServerFrame> {
        loop {
            match self.stream.next().await?.ok()? {
                Message::Text(text) => {
                    return Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")));
                }
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// The TCP connection underneath, to cut it.
    pub fn tcp(&mut self) -> &mut TcpStream {
        match self.stream.get_mut() {
            MaybeTlsStream::Plain(tcp) => tcp,
            _ => unreachable!("tests speak plain TCP"),
        }
    }
}

/// A socket that follows one room with a replica.
pub struct Follower {
    /// Who.
    pub guest: Guest,
    /// Which room.
    pub code: RoomCode,
    /// The connection.
    pub socket: Socket,
    /// What this client knows.
    pub replica: Replica,
    /// How often its log could not be continued.
    pub resets: usize,
    /// How often the room has answered that it is followed.
    pub answers: usize,
    /// What it heard that does not matter a minute later.
    pub signals: Vec<Signal>,
    /// How far this person has read, as the server told.
    pub read: Seq,
    /// How far the others have read, as the server told.
    pub marks: BTreeMap<MemberId, Seq>,
}

fn by_member(marks: &[ReadMark]) -> BTreeMap<MemberId, Seq> {
    marks.iter().map(|mark| (mark.member, mark.seq)).collect()
}

/// What a frame meant to a follower.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A message is in the log.
    Acked(Ack),
    /// A message, or everything, was refused.
    Refused(Code, Option<ClientId>),
    /// The timeline may have grown.
    News,
    /// Something else.
    Other,
    /// The socket is dead.
    Cut,
}

impl Follower {
    /// Takes a frame into the replica.
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
                    Signal::Typing { .. } => {}
                }
                self.signals.push(signal);
                Heard::Other
            }
            ServerFrame::Hello { .. }
            | ServerFrame::Pong { .. }
            | ServerFrame::Rooms { .. }
            | ServerFrame::Summary { .. } => Heard::Other,
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

    /// Who this person is in the room.
    pub fn id(&self) -> MemberId {
        self.replica.you.member_id
    }

    /// Hears until this client is as wished.
    pub async fn hear_until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        within(what, async {
            while !done(self) {
                assert_ne!(self.hear().await, Heard::Cut, "the socket was cut while waiting: {what}");
            }
        })
        .await;
    }

    /// Says that everything up to here has been read.
    pub async fn mark_read(&mut self, seq: Seq) {
        self.socket.send(&ClientFrame::Read { code: self.code, seq }).await.expect("the frame is sent");
    }

    /// Hears until the replica is as wished.
    pub async fn until(&mut self, what: &str, mut done: impl FnMut(&Replica) -> bool) {
        within(what, async {
            while !done(&self.replica) {
                assert_ne!(self.hear().await, Heard::Cut, "the socket was cut while waiting: {what}");
            }
        })
        .await;
    }

    /// Hears until this text is in the timeline.
    pub async fn until_said(&mut self, text: &str) {
        let said =
            |replica: &Replica| replica.events.iter().any(|e| e.message().is_some_and(|m| m.body.as_str() == text));
        self.until(&format!("“{text}” is said"), said).await;
    }

    /// Sends a message without waiting for the ack.
    pub async fn send(&mut self, id: ClientId, text: &str) -> Option<()> {
        self.socket.send(&ClientFrame::Send { code: self.code, id, body: text.to_owned() }).await
    }

    /// Says something and hears until it is acked.
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

    /// Connects again, to `node`, until it is there, and resumes. What was not acked is sent again.
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

    /// One try to connect again and resume.
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

/// A new message id.
pub fn new_id() -> ClientId {
    ClientId::new(Uuid::now_v7())
}
