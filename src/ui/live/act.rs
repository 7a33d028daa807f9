//! What is to be done, and how things are.

use crate::protocol::{ClientFrame, ClientId, MessageBody};

/// Something for the browser to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Open a socket; an earlier one is closed.
    Open,
    /// Close the socket.
    Close,
    /// Send a frame.
    Send(ClientFrame),
    /// Send a message over HTTP.
    Post {
        /// Its id.
        id: ClientId,
        /// What it says.
        body: MessageBody,
    },
    /// Ask over HTTP whether this page's person is still where the page thinks.
    AskDoor,
    /// Join the room again.
    Rejoin,
    /// Get another connection, at that time at the earliest: this one does not work. For [`Client`](super::client::Client),
    /// which makes others of it.
    Renew(u64),
}

/// How the connection is, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Being made, or catching up.
    Connecting,
    /// Everything is here, and new things come at once.
    Live,
    /// Lost; the next try is at this time.
    Waiting(u64),
    /// The device has no network.
    Offline,
    /// No socket can be opened, and HTTP works: messages go that way.
    Blocked,
    /// Not wanted any more.
    Ended,
}
