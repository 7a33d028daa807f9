//! How to communicate with each kind of server: requests, frames, and the byte patterns to search in its answers.
//!
//! Answers are searched, not parsed, so that the load needs little CPU.

use memchr::memmem;

use crate::wire;

/// A wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// AnonChat's protocol.
    AnonChat,
    /// JSON over plain WebSocket, for the `ws` peers and the floor.
    Plain,
    /// Socket.IO 5 over Engine.IO 4, with WebSocket as the only transport.
    SocketIo,
}

/// The kind of a text message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Events of the room, in order.
    Events,
    /// The complete state of the room.
    Snapshot,
    /// The events that were missed.
    Resumed,
    /// The ack of a message.
    Ack,
    /// A refusal.
    Refused,
    /// A ping of Engine.IO, which needs a pong.
    EnginePing,
    /// Engine.IO is open.
    EngineOpen,
    /// Socket.IO is connected.
    Connected,
    /// The log cannot be continued.
    Reset,
    /// The server is about to close the socket.
    Bye,
    /// Anything else.
    Other,
}

/// The kind of a text message, recognised by its first bytes.
pub fn meaning(dialect: Dialect, text: &[u8]) -> Meaning {
    if dialect == Dialect::SocketIo {
        return match text {
            [b'4', b'2', ..] => Meaning::Events,
            [b'4', b'3', ..] => Meaning::Ack,
            [b'2'] => Meaning::EnginePing,
            [b'0', ..] => Meaning::EngineOpen,
            [b'4', b'0', ..] => Meaning::Connected,
            [b'4', b'4', ..] => Meaning::Refused,
            _ => Meaning::Other,
        };
    }
    let head: &[u8] = if dialect == Dialect::Plain { br#"{"type":""# } else { br#"{""# };
    let Some(rest) = text.strip_prefix(head) else { return Meaning::Other };
    let end = memchr::memchr(b'"', rest).unwrap_or(0);
    match &rest[..end] {
        b"event" | b"send" => Meaning::Events,
        b"ack" => Meaning::Ack,
        b"snapshot" => Meaning::Snapshot,
        b"resumed" => Meaning::Resumed,
        b"error" => Meaning::Refused,
        b"reset" => Meaning::Reset,
        b"bye" => Meaning::Bye,
        _ => Meaning::Other,
    }
}

/// The HTTP request that opens a socket.
pub fn upgrade(dialect: Dialect, room: &str, name: &str, cookie: &str) -> Vec<u8> {
    let (path, cookie) = match dialect {
        Dialect::AnonChat => ("/ws".to_owned(), format!("Cookie: {cookie}\r\n")),
        Dialect::Plain => (format!("/?room={room}&name={name}"), String::new()),
        Dialect::SocketIo => (format!("/socket.io/?EIO=4&transport=websocket&room={room}&name={name}"), String::new()),
    };
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n{cookie}\r\n",
        wire::KEY
    )
    .into_bytes()
}

/// A `POST` to AnonChat's REST API.
pub fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The frame that follows a room, from scratch or from an epoch and seq.
pub fn subscribe(dialect: Dialect, room: &str, place: Option<(u64, u64)>) -> String {
    match (dialect, place) {
        (Dialect::AnonChat, None) => format!(r#"{{"subscribe":{{"code":"{room}"}}}}"#),
        (Dialect::AnonChat, Some((epoch, after))) => {
            format!(r#"{{"subscribe":{{"code":"{room}","epoch":{epoch},"after":{after}}}}}"#)
        }
        (Dialect::Plain, _) => format!(r#"{{"type":"join","room":"{room}"}}"#),
        (Dialect::SocketIo, _) => format!(r#"420["join",{{"room":"{room}"}}]"#),
    }
}

/// The frame that sends a message. `acked`: whether to ask for an ack (with Socket.IO the sender decides).
pub fn send(dialect: Dialect, room: &str, run: u32, index: u32, acked: bool) -> String {
    let id = format!("{run:08x}-0000-7000-8000-{index:012x}");
    let body = body(index);
    match dialect {
        Dialect::AnonChat => format!(r#"{{"send":{{"code":"{room}","id":"{id}","body":"{body}"}}}}"#),
        Dialect::Plain => format!(r#"{{"type":"send","room":"{room}","id":"{id}","body":"{body}"}}"#),
        Dialect::SocketIo => {
            let ack = if acked { (index + 1).to_string() } else { String::new() };
            format!(r#"42{ack}["send",{{"room":"{room}","id":"{id}","body":"{body}"}}]"#)
        }
    }
}

/// Texts of messages. With the index that is appended, each has about 80 bytes.
const SENTENCES: [&str; 8] = [
    "Shall we meet at seven by the bridge? I can bring the maps and coffee.",
    "The train is late again, so please start without me and save me a seat.",
    "Could somebody send me the notes from Tuesday? I seem to have lost mine.",
    "Yes, that works. Let us take the small room on the second floor, then.",
    "I read the chapter twice and still think the gardener did not do it.",
    "Zoë says the café closes at nine on Sundays, so we had better be early.",
    "My vote goes to the long way around the lake; the view is worth it.",
    "Thanks, everybody! That was the best birthday I have had for years.",
];

/// The text of a message, which contains its index.
fn body(index: u32) -> String {
    format!("{} ~{index}~", SENTENCES[index as usize % SENTENCES.len()])
}

/// Calls `found` with the index of every message in a text, in order.
pub fn each_index(text: &[u8], mut found: impl FnMut(u32)) {
    let mut marks = memchr::memchr_iter(b'~', text);
    while let (Some(from), Some(to)) = (marks.next(), marks.next()) {
        if let Some(index) = number(&text[from + 1..to]) {
            found(index as u32);
        }
    }
}

/// Search patterns, compiled once.
pub struct Needles {
    seq: memmem::Finder<'static>,
    head: memmem::Finder<'static>,
    epoch: memmem::Finder<'static>,
    id: memmem::Finder<'static>,
    connected: memmem::Finder<'static>,
}

impl Default for Needles {
    fn default() -> Self {
        Self {
            seq: memmem::Finder::new(br#""seq":"#),
            head: memmem::Finder::new(br#""head":"#),
            epoch: memmem::Finder::new(br#""epoch":"#),
            id: memmem::Finder::new(br#""id":""#),
            connected: memmem::Finder::new(br#""connected":"#),
        }
    }
}

impl Needles {
    /// Calls `found` with every `seq` in a text, in order.
    pub fn each_seq(&self, text: &[u8], mut found: impl FnMut(u64)) {
        for at in self.seq.find_iter(text) {
            if let Some(seq) = number(&text[at + 6..]) {
                found(seq);
            }
        }
    }

    /// The part of a `resumed` frame before `connected`. After it come read positions, which contain seqs too.
    pub fn missed<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        &text[..self.connected.find(text).unwrap_or(text.len())]
    }

    /// The `head` of a snapshot.
    pub fn head(&self, text: &[u8]) -> Option<u64> {
        number(&text[self.head.find(text)? + 7..])
    }

    /// The `epoch` of a snapshot.
    pub fn epoch(&self, text: &[u8]) -> Option<u64> {
        number(&text[self.epoch.find(text)? + 8..])
    }

    /// The message index in the id of an ack.
    pub fn acked(&self, text: &[u8]) -> Option<u32> {
        let start = self.id.find(text)? + 6;
        let id = str::from_utf8(text.get(start + 24..start + 36)?).ok()?;
        u32::from_str_radix(id, 16).ok()
    }
}

/// The number at the beginning of a text.
fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    let mut value = None;
    for digit in digits {
        value = Some(value.unwrap_or(0) * 10 + u64::from(digit - b'0'));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_can_be_found_in_what_comes_back() {
        let needles = Needles::default();
        for dialect in [Dialect::AnonChat, Dialect::Plain, Dialect::SocketIo] {
            let text = send(dialect, "EAMA8T", 7, 4711, true);
            let mut found = Vec::new();
            each_index(text.as_bytes(), |index| found.push(index));
            assert_eq!(found, [4711]);
            assert_eq!(needles.acked(text.as_bytes()), Some(4711));
        }
    }

    #[test]
    fn every_event_of_a_resumed_room_is_seen_in_order() {
        let text = br#"{"resumed":{"code":"C","epoch":8,"head":4,"events":[{"seq":3,"body":"a ~7~"},{"seq":4,"body":"b ~9~"}],"connected":[1],"read":2,"reads":[{"member":1,"seq":2}]}}"#;
        let needles = Needles::default();
        let (mut seqs, mut indexes) = (Vec::new(), Vec::new());
        needles.each_seq(needles.missed(text), |seq| seqs.push(seq));
        each_index(text, |index| indexes.push(index));
        assert_eq!((seqs, indexes), (vec![3, 4], vec![7, 9]));
        assert_eq!((needles.head(text), needles.epoch(text)), (Some(4), Some(8)));
        assert_eq!(meaning(Dialect::AnonChat, text), Meaning::Resumed);
    }
}
