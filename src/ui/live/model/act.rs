//! What the state machines of this module return: acts for the browser to perform, and the state of the connection.

use crate::protocol::{ClientFrame, ClientId, MessageBody};

/// An act for the browser. `PageSocket` performs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Open a socket. A previous one is closed.
    Open,
    /// Close the socket.
    Close,
    /// Send a frame.
    Send(ClientFrame),
    /// Send a message over HTTP.
    Post {
        /// The id of the message, the same at every attempt.
        id: ClientId,
        /// The text of the message.
        body: MessageBody,
    },
    /// Check over HTTP whether this person is still a member of the room, or still logged in if the page has no room.
    /// The answer also shows whether HTTP works where no socket can be opened.
    FetchRoom,
    /// Join the room again, over HTTP.
    Rejoin,
    /// Replace the connection, which does not work, by a new one, at this time at the earliest.
    /// [`Client`](super::client::Client) resolves this act into others, so it never reaches the browser.
    Renew(u64),
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
    /// No socket can be opened, but HTTP works: messages go over HTTP.
    Blocked,
    /// The page no longer follows the room.
    Ended,
}
