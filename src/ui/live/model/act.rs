//! What the state machines of this module return: acts for the browser to perform, and the state of the connection.

use crate::protocol::{ClientFrame, Draft, MemberId, Nickname, RoomCode};

/// An act for the browser. `PageSocket` performs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Open a connection in this way. A previous one is closed.
    Open(Way),
    /// Close the connection.
    Close,
    /// Send a frame.
    Send(ClientFrame),
    /// Send a message, or a change of one, over HTTP. The answer is [`Input::Posted`](super::Input::Posted).
    Post {
        /// The code of the room.
        code: RoomCode,
        /// The author of the draft.
        member: MemberId,
        /// The message or the change.
        draft: Draft,
    },
    /// Fetch a room over HTTP, which also checks whether this person is still a member. Without a code the room in
    /// front is fetched; if there is none, the login is checked. The answer is
    /// [`Input::Fetched`](super::Input::Fetched). It also shows whether HTTP works where no socket can be opened.
    FetchRoom(Option<RoomCode>),
    /// Join a room again, over HTTP. The answer is [`Input::Rejoined`](super::Input::Rejoined).
    Rejoin {
        /// The code of the room.
        code: RoomCode,
        /// The nickname to join with.
        nickname: Nickname,
    },
    /// Stop receiving a room that was left. The wire has no frame for it, so nothing is sent, and the model ignores
    /// what still arrives.
    Unfollow(RoomCode),
    /// Replace the connection, which does not work, by a new one, at this time at the earliest.
    /// [`Client`](super::client::Client) resolves this act into others, so it never reaches the browser.
    Renew(u64),
}

/// A way to connect. Both have the same frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A WebSocket.
    Socket,
    /// A stream of Server-Sent Events and requests, for networks that let no WebSocket through. It is slower, because
    /// each request carries its own head and waits for the one before.
    Stream,
}

impl Way {
    /// The other way.
    pub fn other(self) -> Self {
        match self {
            Self::Socket => Self::Stream,
            Self::Stream => Self::Socket,
        }
    }
}

/// The state of the connection, as the page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The connection is being made, or the page is catching up on missed events.
    Connecting,
    /// The page is complete, and new events arrive at once.
    Live,
    /// The connection is lost. The next attempt is at this time.
    Waiting(u64),
    /// The browser reports that the device has no network.
    Offline,
    /// No socket can be opened, but HTTP works. The page is complete and new events arrive at once, over a stream; or
    /// if that does not work either, the page polls over HTTP.
    Blocked,
    /// The page no longer follows the room.
    Ended,
}
