//! What happens to a page: the only way to change its state. [`Client::step`](super::Client::step) takes one
//! [`Input`] at a time, together with the time.
//!
//! Inputs come from the socket, the timer, the browser, answers to HTTP calls, and the person. The answers name the
//! room that was asked about, because another room may be in front by the time they arrive.

use crate::protocol::{
    Ack, ClientId, MemberId, Mentions, MessageBody, Notify, Problem, RoomCode, ServerFrame, Snapshot, Target,
};

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// The page runs and may connect.
    Started {
        /// Whether the browser reports a network.
        online: bool,
    },
    /// The socket is open.
    Opened,
    /// The socket was closed, or could not be opened.
    Closed,
    /// A frame arrived.
    Received(Box<ServerFrame>),
    /// The browser reports that there is no network.
    WentOffline,
    /// The browser reports that the network is back.
    CameOnline,
    /// The page became visible again, or the person pressed "Try now".
    Woke,
    /// The deadline of [`Client::due`](super::Client::due) has come.
    TimePassed,
    /// The answer to [`Act::FetchRoom`](super::Act::FetchRoom).
    Fetched {
        /// The room that was fetched. `None` if only the login was checked.
        code: Option<RoomCode>,
        /// The room, nothing if only the login was checked, or why the server refused.
        answer: Result<Option<Box<Snapshot>>, Problem>,
    },
    /// The answer to [`Act::Post`](super::Act::Post).
    Posted {
        /// The room of the draft.
        code: RoomCode,
        /// The id of the draft.
        id: ClientId,
        /// Where the message or the change is in the log, or why it was refused.
        outcome: Result<Ack, Problem>,
    },
    /// The answer to [`Act::Rejoin`](super::Act::Rejoin).
    Rejoined {
        /// The room that was joined.
        code: RoomCode,
        /// Why joining was refused, if it was.
        outcome: Result<(), Problem>,
    },
    /// A room in memory is shown from this moment on. The room that was in front is left.
    RoomShown(RoomCode),
    /// A room is not shown any more.
    RoomLeft(RoomCode),
    /// The person did something in a room.
    InRoom(RoomCode, RoomInput),
    /// The person did something with the list of rooms.
    InList(ListInput),
}

/// What the person does in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomInput {
    /// Writes a message.
    Say {
        /// The id of the message.
        id: ClientId,
        /// The text of the message.
        body: MessageBody,
        /// Whom the text mentions.
        mentions: Mentions,
        /// The message that it replies to.
        reply_to: Option<Target>,
    },
    /// Changes the text of a message, or deletes it. A message that is not sent yet is changed in the outbox.
    Change {
        /// The id of the change.
        id: ClientId,
        /// The author of the message.
        author: MemberId,
        /// The id of the message.
        message: ClientId,
        /// The new text. `None` deletes the message.
        body: Option<MessageBody>,
        /// Whom the new text mentions.
        mentions: Mentions,
    },
    /// Puts an emoji to a message, or takes it away.
    React {
        /// The id of the change.
        id: ClientId,
        /// The message.
        target: Target,
        /// The emoji.
        emoji: String,
        /// Whether the emoji is to be at the message.
        on: bool,
    },
    /// Sends a refused message, or the refused changes of a message, again.
    Retry(ClientId),
    /// Gives a refused message, or the refused changes of a message, up.
    Discard(ClientId),
    /// Presses a key in the composer.
    Press,
    /// Leaves or empties the composer.
    StopTyping,
    /// Starts or stops looking at the end of the timeline.
    Look(bool),
    /// Presses Exit. The `left` event that follows then does not make the page join again.
    ExpectExit,
    /// Has left by Exit, as the server confirmed.
    Exit,
    /// Joins again after the membership ended by absence or by leaving elsewhere.
    Rejoin,
    /// Gets back what the tab and the device stored of the outbox, each as JSON.
    Restore(Vec<String>),
}

/// What the person does with the list of rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListInput {
    /// Chose which messages of a room cause a notice.
    Notify {
        /// The code of the room.
        code: RoomCode,
        /// The level. `None`: that of the account.
        notify: Option<Notify>,
    },
    /// Removes the note about one room. `None` removes all notes.
    Dismiss(Option<RoomCode>),
    /// Points at the notes or has the focus in them, or no longer does.
    Hold(bool),
}
