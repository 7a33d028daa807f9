//! Frames of the socket `/ws`: JSON text, tagged by `type`, one socket for all rooms of a person. Described for other
//! clients in `docs/protocol.md`.

use serde::{Deserialize, Serialize};

use super::{
    ClientId, Code, Epoch, Event, MemberId, Millis, Problem, ReadMark, Reason, RoomCode, RoomSummary, Seq, Snapshot,
};

/// From the browser to the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// Follow a room: everything after (`epoch`, `after`), or a snapshot without them.
    Subscribe {
        /// Which room.
        code: RoomCode,
        /// The epoch that `after` belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<Epoch>,
        /// The last seq this client has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Seq>,
    },
    /// Say something.
    Send {
        /// Which room.
        code: RoomCode,
        /// The client's id for the message.
        id: ClientId,
        /// What is said, unchecked.
        body: String,
    },
    /// Started or stopped typing.
    Typing {
        /// Which room.
        code: RoomCode,
        /// Whether typing.
        on: bool,
    },
    /// Everything up to here has been read. Not answered; what goes back, or beyond the room's head, changes nothing.
    Read {
        /// Which room.
        code: RoomCode,
        /// The last seq that was read.
        seq: Seq,
    },
    /// Wants `rooms`, and `summary` whenever one of them changes.
    Watch,
    /// Leave a room for good (Exit), unlike closing the socket.
    Leave {
        /// Which room.
        code: RoomCode,
    },
    /// Asks for a `pong` with the same number: a socket that is dead but says OPEN is found by its silence.
    Ping {
        /// Any number.
        n: u64,
    },
}

/// From the server to the browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The first frame.
    Hello {
        /// The server's version; a page of another version reloads when nothing is at stake.
        version: String,
    },
    /// A room from scratch.
    Snapshot {
        /// Which room.
        code: RoomCode,
        /// All of it.
        #[serde(flatten)]
        snapshot: Box<Snapshot>,
    },
    /// The answer to a `subscribe` that could be resumed: exactly what was missed.
    Resumed {
        /// Which room.
        code: RoomCode,
        /// The epoch, as asked.
        epoch: Epoch,
        /// The last seq.
        head: Seq,
        /// What was missed, oldest first, from `after + 1` to `head`.
        events: Vec<Event>,
        /// Who has a connection now.
        connected: Vec<MemberId>,
        /// Who the asker is in the room. A page whose person was somebody else when it was rendered shows what is not theirs.
        #[serde(skip_serializing_if = "Option::is_none")]
        member: Option<MemberId>,
        /// How far the asker has read.
        read: Seq,
        /// How far the others have read, as in a snapshot.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        reads: Vec<ReadMark>,
    },
    /// What this client has cannot be continued; a `snapshot` follows.
    Reset {
        /// Which room.
        code: RoomCode,
        /// Why.
        reason: ResetReason,
    },
    /// The next entry of a room's log.
    Event {
        /// Which room.
        code: RoomCode,
        /// The entry.
        #[serde(flatten)]
        event: Event,
    },
    /// The message is in the log.
    Ack {
        /// Which room.
        code: RoomCode,
        /// The client's id for it.
        id: ClientId,
        /// Its place in the log.
        seq: Seq,
        /// When the server took it.
        at: Millis,
    },
    /// Something was refused. Nothing was stored.
    Error {
        /// What went wrong.
        code: Code,
        /// For a person to read.
        detail: String,
        /// The message it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<ClientId>,
        /// The room it is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<RoomCode>,
        /// What exactly is wrong, where the code leaves that open.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
        /// When trying again makes sense, in milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// Something that does not matter a minute later; may be lost.
    Signal {
        /// Which room.
        code: RoomCode,
        /// What.
        #[serde(flatten)]
        signal: Signal,
    },
    /// All rooms of who asked to `watch`, newest first: at first, and when one came or went.
    Rooms {
        /// The rooms.
        rooms: Vec<RoomSummary>,
    },
    /// One of the watched rooms has changed.
    Summary {
        /// The room, as it is now.
        room: Box<RoomSummary>,
    },
    /// The answer to `ping`.
    Pong {
        /// The number of the ping.
        n: u64,
    },
    /// The last frame before the server closes the socket.
    Bye {
        /// Why.
        reason: ByeReason,
        /// How long to wait before connecting again, in milliseconds, jittered by the server.
        retry_after_ms: u64,
    },
}

impl ServerFrame {
    /// The frame of a refusal; `room` is the room it is about unless the problem names one itself.
    pub fn error(problem: Problem, id: Option<ClientId>, room: Option<RoomCode>) -> Self {
        let Problem { code, detail, reason, room: named, retry_after_ms, .. } = problem;
        Self::Error { code, detail, id, room: named.or(room), reason, retry_after_ms }
    }
}

/// Something that does not matter a minute later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum Signal {
    /// A member started or stopped typing; forget it after 6 s without another.
    Typing {
        /// Who.
        member: MemberId,
        /// Whether typing.
        on: bool,
    },
    /// Who has a connection now: the whole list.
    Presence {
        /// The members with at least one connection on any node.
        connected: Vec<MemberId>,
    },
    /// Members have read further: others, to whom the same holds as for `reads` in a snapshot, or oneself on another
    /// connection.
    Read {
        /// Who, and how far.
        marks: Vec<ReadMark>,
    },
}

/// Why a client's log cannot be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// The tail of an ephemeral room was lost (its server or Redis restarted).
    EpochChanged,
    /// More was missed than a resume hands over, or than an ephemeral room still has.
    TooFarBehind,
}

/// Why the server closes a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByeReason {
    /// The server is stopping; another, or the same, will be there.
    GoingAway,
    /// This client reads more slowly than its rooms write; it resumes where it was.
    TooSlow,
    /// Nothing was heard from this client for too long.
    Silent,
    /// The session of this socket has ended: connecting again needs another.
    SignedOut,
    /// The guest of this socket has an account now: connect again, with the cookies of now.
    SignedIn,
    /// This person has opened more sockets than they may have, and this was the oldest.
    TooManySockets,
    /// The account of this socket shows others more or less of what it does: connect again, to see what goes with that.
    PreferencesChanged,
}
