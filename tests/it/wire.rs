//! Requests, answers, sockets and rooms that tests of several areas need.

use std::collections::BTreeMap;

use anonchat::protocol::{ByeReason, Event, RoomCode, RoomType, ServerFrame, Snapshot};
use reqwest::{Method, RequestBuilder, header};
use serde_json::{Value, json};

use crate::support::{
    Follower, Guest, Node, Settings,
    client::{Refused, Socket},
    within,
};

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The status and code of a refusal. Fails if the body is not a complete problem.
    #[track_caller]
    pub fn refused(&self) -> (u16, String) {
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

/// Sends a request and receives its whole answer.
pub async fn ask(request: RequestBuilder) -> Answer {
    let answer = request.send().await.expect("the node answers");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, text: answer.text().await.expect("the answer has a body") }
}

/// A `POST` with a JSON body.
pub fn post(guest: &Guest, path: &str, body: &Value) -> RequestBuilder {
    guest.request(Method::POST, path).json(body)
}

/// A request to open a socket.
pub fn upgrade(guest: &Guest) -> RequestBuilder {
    guest
        .request(Method::GET, "/ws")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

/// A node that limits rates, behind one proxy that names the client’s address.
pub fn limited() -> Settings {
    Settings::embedded().with("RATE_LIMITS", "on").with("PROXY_HOPS", "1")
}

/// The value of a cookie in this person's jar.
pub fn cookie(guest: &Guest, name: &str) -> String {
    let cookies = guest.cookie().expect("there are cookies");
    let mut pairs = cookies.to_str().unwrap().split("; ").filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name} in {cookies:?}")).1.to_owned()
}

/// Sends `GET /api/users/me` with these cookies. Returns the status and the `Set-Cookie` headers.
pub async fn shown(node: &Node, cookies: &str) -> (u16, Vec<String>) {
    let stranger = Guest::new(node, "");
    let answer = stranger.request(Method::GET, "/api/users/me").header("cookie", cookies).send().await.unwrap();
    let set = answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned());
    (answer.status().as_u16(), set.collect())
}

/// An answer as text, without the secrets and times that always differ. Two answers that look the same reveal nothing.
pub async fn looks(request: RequestBuilder, secrets: &[&str]) -> String {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in answer.headers() {
        let value = value.to_str().unwrap();
        // Of a cookie only its name, attributes and the length of its value.
        let value = if name == "set-cookie" {
            let (pair, attributes) = value.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            format!("{name}={} {attributes}", value.len())
        } else {
            value.to_owned()
        };
        // The date and the id of the request are of this one answer.
        if name != "date" && name != "x-request-id" {
            headers.entry(name.to_string()).or_default().push_str(&value);
        }
    }
    let mut text = answer.text().await.unwrap();
    for secret in secrets {
        text = text.replace(secret, "ADDRESS");
    }
    if let Ok(mut body) = serde_json::from_str::<Value>(&text) {
        if body.get("claim_ends_at").is_some() {
            body["claim_ends_at"] = json!(0);
        }
        if body.get("created_at").is_some() {
            body["created_at"] = json!(0);
        }
        text = body.to_string();
    }
    // Bodies with a time have equal length, and so have bodies with one of the addresses, since the addresses are
    // equally long.
    format!("{status} {headers:?} {text}")
}

/// The reason of the `bye` frame that closes this socket.
pub async fn bye(socket: &mut Socket) -> Option<ByeReason> {
    within("the socket is closed", async {
        loop {
            match socket.next().await {
                Some(ServerFrame::Bye { reason, .. }) => return Some(reason),
                Some(_) => {}
                None => return None,
            }
        }
    })
    .await
}

/// What a person sees of a room.
pub async fn view(guest: &Guest, code: RoomCode) -> Result<Snapshot, Refused> {
    guest.ask(Method::GET, &format!("/api/rooms/{code}"), ()).await
}

/// Ada, who owns a group, and the room's code.
pub async fn ada_in_a_room(node: &Node) -> (Guest, RoomCode) {
    let ada = Guest::new(node, "Ada");
    let code = ada.create(RoomType::Group, false).await.room.code;
    (ada, code)
}

/// Two guests in a room, each with a socket.
pub async fn two_in_a_room(node: &Node, preserve: bool) -> (Follower, Follower) {
    two_on(node, node, preserve).await
}

/// The same, each on a node of their own.
pub async fn two_on(one: &Node, two: &Node, preserve: bool) -> (Follower, Follower) {
    let (ada, bob) = (Guest::new(one, "Ada"), Guest::new(two, "Bob"));
    let code = ada.create(RoomType::Group, preserve).await.room.code;
    bob.join(code).await;
    (ada.follow(code).await, bob.follow(code).await)
}

/// The texts of messages, without the other events.
pub fn texts(events: &[Event]) -> Vec<&str> {
    events.iter().filter_map(|event| Some(event.message()?.body.as_str())).collect()
}
