//! Commands: the changes that a room's log can be asked to make, and where the result of each is sent.

use tokio::sync::oneshot;

use crate::{
    protocol::{
        Ack, ClientId, Emoji, Event, MemberId, MessageBody, Millis, Person, Problem, Retention, RoomCode, RoomName,
        Seq, ServerFrame, Target,
    },
    server::{
        metrics::Stopwatch,
        socket::Connection,
        store::{Joining, Owed},
    },
};

/// A change that is requested of a room. The judge checks membership and ownership against the log. All other rules are
/// checked before the command is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Append a message.
    Say {
        /// The author.
        member: MemberId,
        /// The client's id for the message. A retry has the same id.
        id: ClientId,
        body: MessageBody,
        /// The message that this one replies to. Dropped if the room has no such message.
        reply_to: Option<Target>,
        calls: Calls,
    },
    /// Change what an earlier message shows.
    Touch(Touch),
    /// Append `Joined` for a member whose record in the store is active already.
    Join { member: Person },
    /// Make a new person a member of a group that keeps its log. The record and the `Joined` event are written
    /// together.
    Enter {
        /// The record to write.
        joining: Box<Joining>,
    },
    /// Append `Left` or `Removed` for a member whose record is no longer active.
    Leave {
        /// The member who is gone.
        member: Person,
        /// The owner who removed them, or `None` if they left.
        removed_by: Option<Person>,
    },
    /// Append `Left` for a member whose record is no longer active because the person continues as another member. If
    /// the first member owned the room, the other one inherits it.
    Become {
        /// The member who is gone.
        member: Person,
        /// The member that the person continues as.
        heir: Person,
    },
    /// Change or remove the room's name.
    Rename {
        name: Option<RoomName>,
        /// The member who asks, who must own the room.
        by: Person,
    },
    /// Give the room to another member.
    Give {
        /// The new owner.
        to: MemberId,
        /// The member who asks, who must own the room.
        by: Person,
    },
    /// Give the room to the member who has been in it for longest, if its owner is not in it.
    Inherit,
    /// Change whether people with the code see the room before they join.
    AllowPeek {
        /// Whether they see it.
        peek: bool,
        /// The member who asks, who must own the room.
        by: Person,
    },
    /// Change what the room keeps of the following events.
    Retain {
        retention: Retention,
        /// The member who asks, who must own the room.
        by: Person,
    },
}

/// Whom a text is to mention.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Members of the room. Ids of others are dropped.
    pub members: Vec<MemberId>,
    /// Everyone in the room.
    pub everyone: bool,
}

/// A change of an earlier message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The member who asks.
    pub member: MemberId,
    /// Other member ids of the same person. Messages by these are the person's own.
    pub also: Vec<MemberId>,
    pub target: Target,
    pub change: Change,
    /// The message as the archive has it, if the window of the room does not. The room's task sets it.
    pub found: Option<Found>,
}

impl Touch {
    /// Whether this member id is one of the person's who asks.
    pub fn is_by(&self, member: MemberId) -> bool {
        member == self.member || self.also.contains(&member)
    }
}

/// What is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The text, by the message's author.
    Edit {
        body: MessageBody,
        /// The seq of the last edit that the author has seen, 0 for none. `None` if that does not matter.
        after: Option<Seq>,
        calls: Calls,
    },
    /// The message is deleted, by its author or the room's owner.
    Delete,
    /// The person's emoji is to be at the message, or not to be there.
    React { e: Emoji, on: bool },
}

impl Command {
    /// Whether this is a reaction to a message.
    pub fn is_reaction(&self) -> bool {
        matches!(self, Self::Touch(Touch { change: Change::React { .. }, .. }))
    }
}

/// The answer of the archive to the question for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The event with the seq. `None` if the archive has none.
    pub event: Option<Box<Event>>,
    /// The head of the log before the archive was read.
    pub read_at: Seq,
}

/// The place of a finished command in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// The seq of the command's event, or the head of the log if nothing had to change.
    pub seq: Seq,
    /// The time of that event.
    pub at: Millis,
}

/// Where the result of a command is sent.
#[derive(Debug)]
pub enum Reply {
    /// To a caller that awaits it. The stopwatch runs since the command was accepted.
    Caller(oneshot::Sender<Result<Done, Problem>>, Stopwatch),
    /// To a socket, as an `ack` or `error` frame.
    Socket {
        /// The connection of the socket.
        connection: Connection,
        /// The room's code, for the frame.
        code: RoomCode,
        /// The client's id of the message or change, for the frame.
        id: ClientId,
        /// Runs since the command was accepted.
        accepted: Stopwatch,
    },
    /// To nobody.
    None,
}

impl Reply {
    /// Runs since the command was accepted, if somebody waits for its result.
    pub fn accepted(&self) -> Stopwatch {
        match self {
            Self::Caller(_, accepted) | Self::Socket { accepted, .. } => *accepted,
            Self::None => Stopwatch::default(),
        }
    }

    /// Sends the result. If the caller or the socket is gone, the result is lost; the client resumes or retries later.
    pub fn send(self, outcome: Result<Done, Problem>) {
        match self {
            Self::Caller(caller, _) => {
                let _ = caller.send(outcome);
            }
            Self::Socket { connection, code, id, .. } => connection.answer(&match outcome {
                Ok(Done { seq, at }) => ServerFrame::Ack { code, id, seq, at },
                Err(problem) => ServerFrame::error(problem, Some(id), Some(code)),
            }),
            Self::None => {}
        }
    }
}

impl Done {
    /// The result as the answer to a message.
    pub fn ack(self, id: ClientId) -> Ack {
        Ack { id, seq: self.seq, at: self.at }
    }
}

/// The command that appends the notice which a member's record owes the log.
pub fn notice_command(member: Person, owed: &Owed) -> Command {
    match owed {
        Owed::Joined => Command::Join { member },
        Owed::Left => Command::Leave { member, removed_by: None },
        Owed::Became(heir) => Command::Become { member, heir: heir.clone() },
        Owed::Removed(by) => Command::Leave { member, removed_by: Some(by.clone()) },
    }
}
