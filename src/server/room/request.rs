//! The requests that the task of a live room receives through its inbox.
//!
//! Not here: sending them (`engine`), and what a room does with each (`live`).

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    command::{Command, Reply},
    frames::EncodedSnapshot,
    log::LogError,
};
use crate::{
    protocol::{
        ByeReason, Epoch, Event, HUES, MemberId, Peek, Preferences, Problem, RoomCode, Seq, ServerFrame, Snapshot,
    },
    server::{
        metrics::Stopwatch,
        socket::{Connection, ConnectionId},
        store::MemberRecord,
    },
};

/// A waiting `Subscribe` or `Snapshot` is refused after this many complete log reads that did not satisfy it.
pub const MAX_LOG_READS: u8 = 8;

/// The point from which a client wants to resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumePoint {
    /// The epoch that the client knows.
    pub epoch: Epoch,
    /// The last seq that the client has.
    pub after: Seq,
}

/// What a member shows others of their activity. In exchange they see the same of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discretion {
    /// Whether the member shows how far they have read.
    pub shows_read: bool,
    /// Whether the member shows that they are typing.
    pub shows_typing: bool,
}

impl Default for Discretion {
    /// The discretion of guests, who have no preferences of their own.
    fn default() -> Self {
        Self::from(&Preferences::default())
    }
}

impl From<&Preferences> for Discretion {
    fn from(preferences: &Preferences) -> Self {
        Self { shows_read: preferences.show_read, shows_typing: preferences.show_typing }
    }
}

/// A request to the task of a live room.
#[derive(Debug)]
pub enum Request {
    /// Append the event of a command, and send the result to the reply.
    Command(Command, Reply),
    /// Make a connection a subscriber of the room.
    Subscribe(Subscribe),
    /// Events read from the archive, for a subscription that resumes from before the window.
    Replay(Subscribe, Result<Vec<Event>, LogError>),
    /// Remove a subscriber: the connection is closed, or no longer follows the room.
    Unsubscribe(ConnectionId),
    /// Answer with a snapshot for a member.
    Snapshot(SnapshotRequest),
    /// Answer with what the room shows to people who have not joined.
    Peek(oneshot::Sender<Result<Peek, Problem>>),
    /// Answer with how many members have each hue.
    Hues(oneshot::Sender<Result<[u32; HUES], Problem>>),
    /// The member on this connection of this node started or stopped typing.
    Typing(ConnectionId, bool),
    /// The member on this connection of this node has read up to this seq.
    Read(ConnectionId, Seq),
    /// Close a member's connections on every node; the clients connect again. The member's person has another identity
    /// (the second value is the other member of this room that they continue as, if any), or has changed their
    /// preferences.
    CloseConnections(MemberId, Option<MemberId>, ByeReason),
    /// Open the log anew, on every node: stored events were changed, or the room was deleted.
    Reread,
    /// A packet from the bus, of another node or of this one, and since when this node has it.
    Packet(Bytes, Stopwatch),
    /// The seq at which the archive ends, from the regular comparison.
    ArchiveHead(Seq),
    /// The epoch and seq at which the tail ends, from the regular comparison.
    TailHead(Epoch, Seq),
    /// A member of the room has an account.
    HasAccount,
    /// The room's record has the effects of these events.
    RecordKept(Vec<Event>),
    /// Write the digest again: the bus was away and may have lost it.
    Relist,
    /// The result of writing the digest, or of asking whether an account is among the members.
    DigestResult(DigestResult),
    /// The node stops: finish the pending commands, then end.
    Drain,
}

/// A request to follow a room.
#[derive(Debug)]
pub struct Subscribe {
    /// The connection that frames are sent to.
    pub connection: Connection,
    /// The code by which the client asked for the room.
    pub code: RoomCode,
    /// The member who asks. Their record is active.
    pub member: MemberRecord,
    /// What the member shows others of their activity.
    pub discretion: Discretion,
    /// The point to resume from, if the client was here before.
    pub resume: Option<ResumePoint>,
    /// Complete log reads that the request may still wait for; see [`MAX_LOG_READS`].
    pub log_reads_left: u8,
}

/// A request for a snapshot of a room.
#[derive(Debug)]
pub struct SnapshotRequest {
    /// The member who asks. Their record is active.
    pub member: MemberRecord,
    /// What the member shows others of their activity.
    pub discretion: Discretion,
    /// Complete log reads that the request may still wait for; see [`MAX_LOG_READS`].
    pub log_reads_left: u8,
    /// Where the snapshot is sent.
    pub reply: SnapshotReply,
}

/// Where the result of a request for a snapshot goes, and in which form.
#[derive(Debug)]
pub enum SnapshotReply {
    /// As a value, for a caller that reads it.
    Value(oneshot::Sender<Result<Snapshot, Problem>>),
    /// As JSON, for a caller that only passes it on.
    Encoded(oneshot::Sender<Result<EncodedSnapshot, Problem>>),
}

/// The result of a background task for the digest.
#[derive(Clone, Copy, Debug)]
pub enum DigestResult {
    /// The digest was written, or did not need to be.
    Written,
    /// The digest was not written.
    NotWritten,
    /// Whether an account is among the members. `None` if the records could not be read.
    Audience(Option<bool>),
}

impl Request {
    /// Answers a request with an error, if anything waits for its answer.
    pub fn refuse(self, problem: &Problem) {
        match self {
            Self::Command(_, reply) => reply.send(Err(problem.clone())),
            Self::Subscribe(wish) | Self::Replay(wish, _) => wish.refuse(problem.clone()),
            Self::Snapshot(wish) => wish.reply.refuse(problem.clone()),
            // If sending fails, the asker has stopped waiting.
            Self::Peek(reply) => drop(reply.send(Err(problem.clone()))),
            Self::Hues(reply) => drop(reply.send(Err(problem.clone()))),
            _ => {}
        }
    }
}

impl Subscribe {
    pub fn refuse(self, problem: Problem) {
        self.connection.answer(&ServerFrame::error(problem, None, Some(self.code)));
    }
}

impl SnapshotReply {
    pub fn refuse(self, problem: Problem) {
        // If sending fails, the asker has stopped waiting and has got another answer.
        match self {
            Self::Value(reply) => drop(reply.send(Err(problem))),
            Self::Encoded(reply) => drop(reply.send(Err(problem))),
        }
    }
}
