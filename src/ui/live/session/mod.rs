//! What the browser does about one room: given frames, clicks and the time, it says what to send, when to connect and
//! when to look again. No clock, no socket, no signal: [`super::LiveRoom`] brings those.
//!
//! Times are milliseconds of any clock that never goes back.

mod connection;
mod frames;
mod person;

use std::collections::BTreeSet;

use crate::protocol::{ClientFrame, MemberId, Message, Nickname, Problem, Replica, RoomCode, Snapshot};

use super::{heartbeat::Heartbeat, outgoing::Outgoing, typing::Typing};

/// Something for the browser to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Open a socket; an earlier one is closed.
    Open,
    /// Close the socket.
    Close,
    /// Send a frame.
    Send(ClientFrame),
    /// Ask what is behind the room's door now.
    AskDoor,
    /// Join the room again.
    Rejoin,
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
    /// Not wanted any more.
    Ended,
}

/// Why the room is over for this page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The owner removed this member.
    Removed {
        /// The owner, if the log told.
        by: Option<Nickname>,
    },
    /// Left, by staying away too long; joining again is under way.
    Returning,
    /// Left, by staying away too long, and not back.
    Away(Option<Problem>),
    /// Left here, by Exit.
    Exited,
    /// Left from somewhere else, such as another tab.
    Left,
    /// The server no longer knows this guest.
    Outside,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Resting,
    Opening { deadline: u64 },
    CatchingUp { deadline: u64 },
    Live { since: u64 },
    Waiting { until: u64 },
    Ended(Ending),
}

/// One room, as this page follows it.
#[expect(clippy::struct_excessive_bools, reason = "five facts that have nothing to do with each other")]
#[derive(Debug)]
pub struct Session {
    replica: Replica,
    code: RoomCode,
    mine: BTreeSet<MemberId>,
    phase: Phase,
    online: bool,
    failures: u32,
    from_scratch: bool,
    leaving: bool,
    heart: Heartbeat,
    outgoing: Outgoing,
    typing: Typing,
    news: Vec<Message>,
    server_version: Option<String>,
    changed: bool,
    people_changed: bool,
    jitter: fn() -> f64,
}

impl Session {
    /// Starts at a snapshot, without a connection.
    pub fn new(snapshot: Snapshot, jitter: fn() -> f64) -> Self {
        let replica = Replica::new(snapshot);
        Self {
            code: replica.room.code,
            mine: BTreeSet::from([replica.you.member_id]),
            replica,
            phase: Phase::Resting,
            online: true,
            failures: 0,
            from_scratch: false,
            leaving: false,
            heart: Heartbeat::new(0),
            outgoing: Outgoing::default(),
            typing: Typing::default(),
            news: Vec::new(),
            server_version: None,
            changed: true,
            people_changed: true,
            jitter,
        }
    }

    /// The copy of the room.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// All member ids that this page has had in the room; one, unless its session was lost in between.
    pub fn mine(&self) -> &BTreeSet<MemberId> {
        &self.mine
    }

    /// Who else is typing.
    pub fn typists(&self) -> impl Iterator<Item = &Nickname> {
        self.typing.others().filter(|id| !self.mine.contains(id)).filter_map(|id| self.replica.state.members.get(&id))
    }

    /// Messages of others that arrived since this was asked last.
    pub fn take_news(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.news)
    }

    /// Whether the timeline or the outbox changed since this was asked last.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether who is in the room, or connected, may have changed since this was asked last.
    pub fn take_people_changed(&mut self) -> bool {
        std::mem::take(&mut self.people_changed)
    }

    /// Forgets the oldest events of a very long timeline.
    pub fn forget_old(&mut self, keep: usize) {
        self.replica.forget_old(keep);
    }

    /// Wants the timeline to be drawn again, for a reason of its own.
    pub fn touch(&mut self) {
        self.changed = true;
    }

    /// The server's version, once it said hello.
    pub fn server_version(&self) -> Option<&str> {
        self.server_version.as_deref()
    }

    /// How the connection is.
    pub fn status(&self) -> Status {
        match self.phase {
            Phase::Ended(_) => Status::Ended,
            Phase::Live { .. } => Status::Live,
            _ if !self.online => Status::Offline,
            Phase::Waiting { until } => Status::Waiting(until),
            Phase::Resting | Phase::Opening { .. } | Phase::CatchingUp { .. } => Status::Connecting,
        }
    }

    /// Why the room is over, if it is.
    pub fn ending(&self) -> Option<&Ending> {
        match &self.phase {
            Phase::Ended(ending) => Some(ending),
            _ => None,
        }
    }
}
