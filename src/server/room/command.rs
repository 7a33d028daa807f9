//! Commands: what a room is asked to do, and how the asker hears of it.

use tokio::sync::oneshot;

use crate::{
    protocol::{
        Ack, ClientId, MemberId, MessageBody, Millis, Person, Problem, Retention, RoomCode, RoomName, Seq, ServerFrame,
    },
    server::{socket::Connection, store::Joining},
};

/// What a room is asked to do. The judge checks membership and ownership by the log; all other rules were checked before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Say something.
    Say {
        /// Who.
        member: MemberId,
        /// The client's id for it.
        id: ClientId,
        /// What.
        body: MessageBody,
    },
    /// Announce a member whose record is active.
    Join {
        /// Who.
        member: Person,
    },
    /// Make somebody new a member of a group that keeps its log, and announce them with it.
    Enter {
        /// Who.
        joining: Box<Joining>,
    },
    /// Announce that a member's record is not active any more.
    Leave {
        /// Who.
        member: Person,
        /// Who removed them; `None` if they left.
        removed_by: Option<Person>,
    },
    /// Announce that a member's record is not active any more, since the person goes on as another member. That member gets
    /// the room, if the first one owned it.
    Become {
        /// Who.
        member: Person,
        /// As whom they go on.
        heir: Person,
    },
    /// Give the room another name, or none.
    Rename {
        /// The name.
        name: Option<RoomName>,
        /// The owner.
        by: Person,
    },
    /// Give the room to another member.
    Give {
        /// Whose it is to be.
        to: MemberId,
        /// The owner.
        by: Person,
    },
    /// Give a room whose owner has left to the member who has been in it for longest.
    Inherit,
    /// Change what the room keeps from here on.
    Retain {
        /// What.
        retention: Retention,
        /// The owner.
        by: Person,
    },
}

/// Where a command stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Its seq; the head if nothing had to change.
    pub seq: Seq,
    /// When it was taken.
    pub at: Millis,
}

/// Who hears what became of a command.
#[derive(Debug)]
pub enum Reply {
    /// A caller that waits.
    Caller(oneshot::Sender<Result<Done, Problem>>),
    /// A socket, by an `ack` or `error` frame.
    Socket {
        /// Which.
        connection: Connection,
        /// The room's code.
        code: RoomCode,
        /// The message's id.
        id: ClientId,
    },
    /// Nobody.
    None,
}

impl Reply {
    /// Tells it. A caller or socket that is gone hears nothing, and resumes or retries later.
    pub fn send(self, outcome: Result<Done, Problem>) {
        match self {
            Self::Caller(caller) => {
                let _ = caller.send(outcome);
            }
            Self::Socket { connection, code, id } => connection.answer(&match outcome {
                Ok(Done { seq, at }) => ServerFrame::Ack { code, id, seq, at },
                Err(problem) => ServerFrame::error(problem, Some(id), Some(code)),
            }),
            Self::None => {}
        }
    }
}

impl Done {
    /// The answer to a message.
    pub fn ack(self, id: ClientId) -> Ack {
        Ack { id, seq: self.seq, at: self.at }
    }
}
