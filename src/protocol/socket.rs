//! Frames of the socket `/ws`: one JSON object in each text message. Its only key is the name of the frame, and the
//! value has the fields.
//!
//! One socket serves all rooms of a person. [`ClientFrame`] travels from the client to the server, [`ServerFrame`] from
//! the server to the client. `docs/protocol.md` explains their order to authors of other clients. Frames and signals of
//! a later version are passed over (`open`).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    ClientId, Code, Epoch, Event, MemberId, Millis, Problem, ReadMark, Reason, RoomCode, RoomSummary, Seq, Snapshot,
    Target, open::Open,
};

/// A frame from the client to the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientFrame {
    /// Follows a room. With `epoch` and `after` the server sends the events after that position, without them a
    /// snapshot.
    Subscribe {
        /// The code of the room.
        code: RoomCode,
        /// The epoch that `after` belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<Epoch>,
        /// The seq of the last event that the client has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Seq>,
    },
    /// Stops following a room on this socket. The person stays a member; to the others it is as if the connection had
    /// closed. The server sends no answer, and nothing more of the room.
    Unsubscribe {
        /// The code of the room.
        code: RoomCode,
    },
    /// Sends a message.
    Send {
        /// The code of the room.
        code: RoomCode,
        /// The client's id of the message.
        id: ClientId,
        /// The text of the message, unchecked.
        body: String,
        /// The message that this one replies to. If the room has no such message, this one is sent as a plain message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<Target>,
        /// The ids of the members whom the message mentions. Ids of others are dropped.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mentions: Vec<MemberId>,
        /// Whether the message mentions everyone in the room.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        everyone: bool,
    },
    /// Changes the text of an own message.
    Edit {
        /// The code of the room.
        code: RoomCode,
        /// The client's id of this change, which the answer repeats.
        id: ClientId,
        /// The message.
        target: Target,
        /// The new text, unchecked.
        body: String,
        /// The seq of the last edit that the client has seen, 0 for none. If the text was changed since, the edit is
        /// refused. If left out, the edit is made in any case.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Seq>,
        /// The ids of the members whom the new text mentions. Ids of others are dropped.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        mentions: Vec<MemberId>,
        /// Whether the new text mentions everyone in the room.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        everyone: bool,
    },
    /// Deletes a message: an own one, or any one in a room that the person owns.
    Delete {
        /// The code of the room.
        code: RoomCode,
        /// The client's id of this change, which the answer repeats.
        id: ClientId,
        /// The message.
        target: Target,
    },
    /// Puts an emoji to a message, or takes it away. It names what is wanted, so it can be repeated.
    React {
        /// The code of the room.
        code: RoomCode,
        /// The client's id of this change, which the answer repeats.
        id: ClientId,
        /// The message.
        target: Target,
        /// The emoji, unchecked.
        e: String,
        /// Whether the person's emoji is to be at the message.
        on: bool,
    },
    /// The person has started or stopped typing.
    Typing {
        /// The code of the room.
        code: RoomCode,
        /// Whether the person is typing.
        on: bool,
    },
    /// The person has read everything up to this event. The server sends no answer. A seq before the stored read
    /// position or beyond the room's head changes nothing.
    Read {
        /// The code of the room.
        code: RoomCode,
        /// The seq of the last event that was read.
        seq: Seq,
    },
    /// Asks for the list of the account's rooms: one `rooms` frame, then a `summary` whenever one of them changes.
    Watch {},
    /// Leaves the room for good (the Exit button). Closing the socket does not leave a room.
    Leave {
        /// The code of the room.
        code: RoomCode,
    },
    /// Asks for a `pong` with the same number. The client sends it to detect a dead socket that the browser still
    /// reports as open.
    Ping {
        /// Any number.
        n: u64,
    },
}

/// A frame from the server to the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The first frame of a socket.
    Hello {
        /// The version of the server's build, as in `/shell.json`. A page of another version reloads itself when the
        /// person would lose nothing by it.
        version: String,
    },
    /// The complete state of a room.
    Snapshot {
        /// The code of the room.
        code: RoomCode,
        /// The state of the room and its last events.
        snapshot: Box<Snapshot>,
    },
    /// Answers a `subscribe` whose position could be resumed: all events that the client missed.
    Resumed {
        /// The code of the room.
        code: RoomCode,
        /// The epoch that the client sent.
        epoch: Epoch,
        /// The seq of the last event in the log.
        head: Seq,
        /// The missed events, oldest first, from `after + 1` to `head`.
        events: Vec<Event>,
        /// The members who have a connection at the moment.
        connected: Vec<MemberId>,
        /// The asker's member id in the room. If it differs from the one the page was rendered for, the page shows
        /// another person's data and has to be loaded again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<MemberId>,
        /// The seq of the last event that the asker has read.
        read: Seq,
        /// The read positions of the others, as in a snapshot.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reads: Vec<ReadMark>,
    },
    /// The server cannot continue from the client's position. A `snapshot` follows.
    Reset {
        /// The code of the room.
        code: RoomCode,
        /// Why the position cannot be continued.
        reason: ResetReason,
    },
    /// The next event of a room's log.
    Event {
        /// The code of the room.
        code: RoomCode,
        /// The event.
        event: Event,
    },
    /// A message of this client, or a change of one, is in the log.
    Ack {
        /// The code of the room.
        code: RoomCode,
        /// The client's id of the message or change.
        id: ClientId,
        /// The position of the message or change in the log.
        seq: Seq,
        /// When the server accepted it.
        at: Millis,
    },
    /// A frame of the client was refused. Nothing was stored.
    Error {
        /// The stable name of the refusal.
        code: Code,
        /// A sentence for a person: what happened, and what to do.
        detail: String,
        /// The client's id of the message or change that was refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<ClientId>,
        /// The code of the room that the refusal is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<RoomCode>,
        /// The exact cause, where the code leaves it open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// How many milliseconds to wait before trying again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// A short-lived notice about a room. It is not stored and may be lost.
    Signal {
        /// The code of the room.
        code: RoomCode,
        /// The notice.
        signal: Signal,
    },
    /// All rooms of the account, newest first. Sent in answer to `watch`, and again whenever a room is joined or left.
    Rooms {
        /// The rooms.
        rooms: Vec<RoomSummary>,
    },
    /// One room of a watching client has changed.
    Summary {
        /// The current summary of the room.
        room: Box<RoomSummary>,
    },
    /// Answers a `ping`.
    Pong {
        /// The number of the `ping`.
        n: u64,
    },
    /// The last frame before the server closes the socket.
    Bye {
        /// Why the server closes the socket.
        reason: ByeReason,
        /// How many milliseconds to wait before connecting again. The server adds jitter, so that clients do not all
        /// return at once.
        retry_after_ms: u64,
    },
    /// A frame of a later version. A client passes it over, and the server never sends it.
    #[serde(skip_serializing)]
    Other,
}

/// Implements serde's traits by the derived functions, with [`Open`] in front of reading.
macro_rules! open {
    ($($name:ident)*) => { $(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(Open(deserializer))
            }
        }
    )* };
}

open!(ServerFrame Signal);

impl ServerFrame {
    /// Makes the `error` frame of a problem. `room` is used if the problem names no room itself.
    pub fn error(problem: Problem, id: Option<ClientId>, room: Option<RoomCode>) -> Self {
        let Problem { code, detail, reason, room: named, retry_after_ms, .. } = problem;
        Self::Error { code, detail, id, room: named.or(room), reason, retry_after_ms }
    }
}

/// A short-lived notice about a room. It is not stored and may be lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "snake_case")]
pub enum Signal {
    /// A member has started or stopped typing. Without another such signal a client stops showing it after 6 s.
    Typing {
        /// The member's id.
        member: MemberId,
        /// Whether the member is typing.
        on: bool,
    },
    /// The complete list of members who have a connection.
    Presence {
        /// The members with at least one connection, on any node.
        connected: Vec<MemberId>,
    },
    /// Read positions have advanced: of other members, under the same conditions as `reads` in a snapshot, or of the
    /// asker on another connection.
    Read {
        /// The members and their new read positions.
        marks: Vec<ReadMark>,
    },
    /// A signal of a later version. A client passes it over, and the server never sends it.
    #[serde(skip_serializing)]
    Other,
}

/// Why the server cannot continue from a client's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// The tail of an ephemeral room was lost, because its server or Redis restarted.
    EpochChanged,
    /// The client missed more events than one `resumed` may carry, or than the tail of an ephemeral room still has.
    TooFarBehind,
    /// A reason that this version does not know.
    #[serde(other)]
    Other,
}

/// Why the server closes a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByeReason {
    /// The server is stopping. Another server, or the same one, accepts connections again soon.
    GoingAway,
    /// The client reads more slowly than its rooms send. It can connect again and resume from its position.
    TooSlow,
    /// The client has sent nothing for too long.
    Silent,
    /// The session of this socket has ended. A new connection needs another session.
    SignedOut,
    /// The guest of this socket has registered or logged in. Connect again with the new cookies.
    SignedIn,
    /// The person has opened more sockets than allowed, and this one was the oldest.
    TooManySockets,
    /// The account has changed whether it shows typing or read positions. Connect again, to send and receive
    /// accordingly.
    PreferencesChanged,
    /// A stream has lasted as long as one answer may. Connect again, by a socket if one can be opened by now.
    Renew,
    /// A reason that this version does not know. Connect again.
    #[serde(other)]
    Other,
}
