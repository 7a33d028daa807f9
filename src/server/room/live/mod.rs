//! The task of a live room: the one owner of its state on this node.
//!
//! It does one thing to the log at a time (open, append, catch up); what arrives meanwhile waits in order. Nothing here is
//! locked, and nothing but the log's own operation is awaited beside the inbox.

mod appending;
mod following;
mod listing;
mod opening;
mod reading;
mod signals;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    future::{Future, pending},
    pin::Pin,
    time::Duration,
};

use bytes::Bytes;
use litemap::LiteMap;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use uuid::Uuid;

use self::{
    listing::{Listing, Told},
    reading::Keeping,
};
use super::{
    Command, EncodedSnapshot, Engine, Reply,
    entry::Entry,
    frames::Roster,
    log::{Caught, Log, LogError, Opened, Outcome},
    packet::{News, Packet},
    reads::Reads,
    window::Window,
};
use crate::{
    protocol::{
        ByeReason, Code, Epoch, Event, MemberId, Person, Preferences, Problem, Retention, RoomCode, RoomState, Seq,
        ServerFrame, Snapshot,
    },
    server::{
        socket::{Connection, ConnectionId, Frame},
        store::{MemberRecord, Owed, RoomId, RoomRecord},
    },
};

/// Commands in one append.
const BATCH_COMMANDS: usize = 256;
/// Commands that may wait for the append in flight; past that a room refuses new ones, and keeps what it took.
const PENDING_COMMANDS: usize = 4_096;
/// How long one operation on the log may take before clients are told that it failed. Its outcome is then unknown, so the
/// log is read again before the next append.
const LOG_DEADLINE: Duration = Duration::from_millis(2_800);
/// How often a request may see the log read to its end, and still not have what it waits for, before it is refused.
pub const PATIENCE: u8 = 8;
/// The same for who says that there is more: the first reading may have begun before they asked.
const DOUBT: u8 = 2;
/// Reads of the archive for subscriptions at a time, in a room.
const REPLAYS: usize = 4;
/// How often a room looks at what time brings.
const TICK: Duration = Duration::from_secs(1);
/// How exact it is when a room was last visited.
const VISIT: Duration = Duration::from_hours(24);
/// How long a room stays live with nobody connected.
const LINGER: Duration = Duration::from_secs(10);
/// How often a node repeats who is connected to it, and after how long the others stop believing the last word.
const PRESENCE_REPEAT: Duration = Duration::from_secs(10);
const PRESENCE_LIFE: Duration = Duration::from_secs(30);
/// Members per second of pause between two presence lists: a list goes to everyone, so large rooms hear less often.
const PRESENCE_MEMBERS_PER_SECOND: u64 = 100;
/// Readers up to which a room tells of everyone who comes at once; in a larger one that may wait for a tick, since a
/// crowd that comes one by one would else be as many writes as there are pairs in it.
const FEW_READERS: usize = 8;
/// At most one typing signal per member in this time.
const TYPING_PAUSE: Duration = Duration::from_secs(1);
/// How often a room tells how far its members have read.
const READS_TOLD_PAUSE: Duration = Duration::from_secs(1);
/// How often it stores that. Lists of rooms are made from what is stored, and are to show within a second what was read on
/// another device; the rest of that second is the pauses of who keeps lists.
const READS_KEPT_PAUSE: Duration = Duration::from_millis(250);

/// Where a client wants to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumePoint {
    /// The epoch it knows.
    pub epoch: Epoch,
    /// The last seq it has.
    pub after: Seq,
}

/// What somebody shows of what they do, and sees of the others in exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discretion {
    /// How far they have read.
    pub shows_read: bool,
    /// That they type.
    pub shows_typing: bool,
}

impl Default for Discretion {
    /// As guests are, who have no preferences.
    fn default() -> Self {
        Self::from(&Preferences::default())
    }
}

impl From<&Preferences> for Discretion {
    fn from(preferences: &Preferences) -> Self {
        Self { shows_read: preferences.show_read, shows_typing: preferences.show_typing }
    }
}

/// What a live room is asked.
#[derive(Debug)]
pub enum Request {
    /// Something for the log.
    Command(Command, Reply),
    /// A connection wants to follow the room.
    Subscribe(Subscribe),
    /// Events read from the archive for a subscription that reaches back beyond the window.
    Replay(Subscribe, Result<Vec<Event>, LogError>),
    /// A connection is gone, or follows the room no longer.
    Unsubscribe(ConnectionId),
    /// Somebody asks for the room as it is; with how often that may wait for the log.
    Look(MemberRecord, Discretion, u8, Look),
    /// Somebody started or stopped typing on a connection of this node.
    Typing(ConnectionId, bool),
    /// Somebody has read up to there on a connection of this node.
    Read(ConnectionId, Seq),
    /// A member goes on as somebody else, or shows other things: their connections are closed, on every node, and come back.
    HangUp(MemberId, Option<MemberId>, ByeReason),
    /// What the log has was changed: read it anew, on every node.
    Reread,
    /// Another node speaks.
    Packet(Bytes),
    /// This is where the archive ends.
    ArchiveHead(Seq),
    /// This is where the tail ends.
    TailHead(Epoch, Seq),
    /// Somebody with an account is among the members.
    HasAccount,
    /// The room's record names this owner.
    OwnerKept(MemberId),
    /// The bus may have lost what lists show of the room.
    Relist,
    /// What became of what the room told lists.
    Told(Told),
    /// The node stops: finish what is pending.
    Drain,
}

/// Where what somebody sees of a room goes.
#[derive(Debug)]
pub enum Look {
    /// To who shows it.
    Snapshot(oneshot::Sender<Result<Snapshot, Problem>>),
    /// To who only hands it on.
    Encoded(oneshot::Sender<Result<EncodedSnapshot, Problem>>),
}

/// A wish to follow a room.
#[derive(Debug)]
pub struct Subscribe {
    /// Where frames go.
    pub connection: Connection,
    /// The code they asked for it by.
    pub code: RoomCode,
    /// Who asks: an active member's record.
    pub member: MemberRecord,
    /// What they show, and see.
    pub discretion: Discretion,
    /// Where to go on, if the client was here before.
    pub resume: Option<ResumePoint>,
    /// How often it may wait for the log.
    pub patience: u8,
}

impl Request {
    /// Tells whoever waits for it that it cannot be.
    pub fn refuse(self, problem: &Problem) {
        match self {
            Self::Command(_, reply) => reply.send(Err(problem.clone())),
            Self::Subscribe(wish) | Self::Replay(wish, _) => wish.refuse(problem.clone()),
            Self::Look(_, _, _, look) => look.refuse(problem.clone()),
            _ => {}
        }
    }
}

impl Look {
    fn refuse(self, problem: Problem) {
        // Who does not wait any more has been told something else.
        match self {
            Self::Snapshot(reply) => drop(reply.send(Err(problem))),
            Self::Encoded(reply) => drop(reply.send(Err(problem))),
        }
    }
}

impl Subscribe {
    fn refuse(self, problem: Problem) {
        self.connection.answer(&ServerFrame::error(problem, None, Some(self.code)));
    }
}

struct Subscriber {
    connection: Connection,
    member: MemberId,
    discretion: Discretion,
    /// The head of the log as they were told it when they came.
    knows: Seq,
    /// When they were last said to type.
    typed_at: Option<Instant>,
    /// Whether they type, as they last said.
    types: bool,
    /// Whether the others were told so last.
    shown_typing: bool,
}

/// What this node knows of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// All there is to know.
    Level,
    /// The log may be ahead; it is read before the next append.
    Behind,
    /// The log cannot be continued; it is opened anew, and clients are reset.
    Lost,
}

/// The log could not be used.
struct Failure {
    /// When that was, to pause between tries.
    at: Instant,
    /// What clients are told.
    problem: Problem,
}

/// A batch in flight: what each command asked, and the event it became.
struct Batch {
    entries: Vec<Entry>,
    commands: Vec<(Command, Reply)>,
}

enum Finished {
    Appended(Batch, Result<Outcome, LogError>),
    CaughtUp(Result<Caught, LogError>),
    Opened(Result<Box<Opened>, LogError>),
}

type Operation = Pin<Box<dyn Future<Output = Finished> + Send>>;

/// A live room.
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
pub struct Live {
    engine: Engine,
    log: Log,
    inbox: mpsc::Receiver<Request>,
    /// As the store has it; of what the log changes, the state knows better.
    record: RoomRecord,
    epoch: Epoch,
    state: RoomState,
    /// Its members, encoded.
    roster: Roster,
    window: Window,
    /// The last entries of the log, in order, which subscribers have not been shown yet.
    untold: Vec<Frame>,
    told_at: Instant,
    /// From which seq on everything in the window is archived, so that every member may see it.
    kept_from: Seq,
    /// Whether the room has kept anything, now or earlier.
    has_archive: bool,
    /// Whether the room may have a tail, which remembers what was said while it kept nothing.
    has_tail: bool,
    /// One after the other in memory, in the order in which they were opened: everyone is written to for every message, and
    /// neighbours cost less than strangers.
    subscribers: LiteMap<ConnectionId, Subscriber>,
    /// Connections here by member.
    here: BTreeMap<MemberId, usize>,
    pending: VecDeque<(Command, Reply)>,
    operation: Option<Operation>,
    standing: Standing,
    /// Whether a client says that there is more than this node knows of.
    doubted: bool,
    /// Whether the log was read last, and not appended to.
    has_just_read: bool,
    /// Why the log could not be used last, until it can be read.
    failure: Option<Failure>,
    packets: Vec<Packet>,
    /// Requests that wait for the log to move.
    waiting: Vec<Request>,
    /// Reads of the archive for subscriptions that are under way, and who waits for one.
    replays: usize,
    unreplayed: VecDeque<Subscribe>,
    others: HashMap<Uuid, (Instant, BTreeSet<MemberId>)>,
    presence_changed: bool,
    presence_shown_at: Instant,
    presence_told_at: Option<Instant>,
    reads: Reads,
    reads_told_at: Option<Instant>,
    keeping: Option<Keeping>,
    quiet_since: Instant,
    listing: Listing,
    draining: bool,
}

/// Runs a room until nobody needs it. Requests wait in the inbox while the log is opened.
pub async fn run(engine: Engine, room: RoomId, inbox: mpsc::Receiver<Request>) {
    // Follow first, so that no packet falls between reading the log and hearing of what comes next.
    engine.follow(room).await;
    let log = engine.log(room);
    let opened = match timeout(LOG_DEADLINE, log.open(None)).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return refuse(&engine, room, inbox, &error).await,
        Err(_) => return refuse(&engine, room, inbox, &slow()).await,
    };
    let state = RoomState {
        head: 0,
        last_n: 0,
        name: None,
        retention: opened.cursor.retention,
        owner: opened.record.owner,
        members: BTreeMap::new(),
    };
    let now = Instant::now();
    let mut live = Live {
        log,
        record: opened.record.clone(),
        epoch: opened.cursor.epoch,
        state,
        roster: Roster::default(),
        window: Window::default(),
        untold: Vec::new(),
        told_at: now,
        kept_from: 0,
        has_archive: false,
        has_tail: false,
        subscribers: LiteMap::new(),
        here: BTreeMap::new(),
        pending: VecDeque::new(),
        operation: None,
        standing: Standing::Level,
        doubted: false,
        has_just_read: false,
        failure: None,
        packets: Vec::new(),
        waiting: Vec::new(),
        replays: 0,
        unreplayed: VecDeque::new(),
        others: HashMap::new(),
        presence_changed: false,
        presence_shown_at: now,
        presence_told_at: None,
        reads: Reads::default(),
        reads_told_at: None,
        keeping: None,
        quiet_since: now,
        listing: Listing::default(),
        draining: false,
        engine: engine.clone(),
        inbox,
    };
    live.start_from(opened);
    live.tell_presence(true);
    live.follow_inbox().await;
    live.keep_last_reads().await;
    engine.unfollow(room);
}

fn slow() -> LogError {
    LogError::Store(anyhow::anyhow!("no answer within {LOG_DEADLINE:?}"))
}

/// The room could not be opened: everyone who waits is told, and the next to ask tries again.
async fn refuse(engine: &Engine, room: RoomId, mut inbox: mpsc::Receiver<Request>, error: &LogError) {
    if !matches!(error, LogError::Gone) {
        tracing::warn!(%room, %error, "room not opened");
    }
    engine.retire(room);
    engine.unfollow(room);
    inbox.close();
    while let Some(request) = inbox.recv().await {
        request.refuse(&error.problem());
    }
}

impl Live {
    async fn follow_inbox(&mut self) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut requests = Vec::new();
        loop {
            if self.operation.is_none() {
                if self.draining && self.pending.is_empty() && self.inbox.is_empty() {
                    self.show_untold();
                    return self.tell_lists_at_last();
                }
                self.next_operation();
            }
            self.tell_lists();
            tokio::select! {
                finished = run_operation(&mut self.operation) => {
                    self.operation = None;
                    self.finish(finished);
                    // A large room has written much by now: the others of this thread get their turn.
                    tokio::task::yield_now().await;
                }
                count = self.inbox.recv_many(&mut requests, 256) => {
                    if count == 0 {
                        return;
                    }
                    for request in requests.drain(..) {
                        self.take(request);
                    }
                    self.follow_up_reads();
                }
                unkept = run_keeping(&mut self.keeping) => {
                    self.keeping = None;
                    self.reads.keep_again(&unkept);
                    self.keep_reads();
                }
                _ = tick.tick() => {
                    if self.tick() && self.engine.retire_if_idle(self.record.id, &mut self.inbox) {
                        if let Some((epoch, head)) = self.unneeded_tail() {
                            let (engine, room) = (self.engine.clone(), self.record.id);
                            engine.drop_tail(room, epoch, head).await;
                        }
                        return;
                    }
                }
            }
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Command(command, reply) => {
                if self.pending.len() >= PENDING_COMMANDS || self.draining {
                    reply.send(Err(overloaded()));
                } else if let (Some(failure), Reply::Socket { .. }) = (&self.failure, &reply) {
                    // What the socket sent before was refused for that, and is sent again before this.
                    reply.send(Err(failure.problem.clone()));
                } else {
                    self.pending.push_back((command, reply));
                }
            }
            Request::Subscribe(subscribe) => self.subscribe(subscribe),
            Request::Replay(subscribe, events) => self.replay(subscribe, events),
            Request::Unsubscribe(id) => self.unsubscribe(id),
            Request::Look(member, discretion, patience, look) => self.look(member, discretion, patience, look),
            Request::Typing(id, on) => self.typing(id, on),
            Request::Read(id, seq) => self.read(id, seq),
            Request::HangUp(member, goes_on_as, why) => {
                self.hang_up(member, goes_on_as, why);
                self.tell(News::HangUp { member, goes_on_as, why });
            }
            Request::Reread => {
                self.reread();
                self.tell(News::Reread);
            }
            Request::Packet(bytes) => {
                if let Some(packet) = Packet::decode(&bytes).filter(|packet| packet.node != self.engine.node()) {
                    self.hear(packet);
                }
            }
            Request::ArchiveHead(seq) => {
                if seq > self.state.head {
                    self.fall_behind();
                }
            }
            Request::TailHead(epoch, seq) => {
                let is_log = self.state.retention == Retention::Ephemeral;
                if is_log && (epoch != self.epoch || seq > self.state.head) {
                    self.fall_behind();
                }
            }
            Request::HasAccount => self.listing.found_account(),
            Request::OwnerKept(owner) => self.record.owner = owner,
            Request::Relist => self.listing.changed(),
            Request::Told(told) => self.was_told(told),
            Request::Drain => self.draining = true,
        }
    }
}

async fn run_keeping(keeping: &mut Option<Keeping>) -> Vec<MemberId> {
    match keeping {
        Some(keeping) => keeping.await,
        None => pending().await,
    }
}

async fn run_operation(operation: &mut Option<Operation>) -> Finished {
    match operation {
        Some(operation) => operation.await,
        None => pending().await,
    }
}

/// The command that tells the log what a record owes it.
pub fn announcement(member: Person, owed: &Owed) -> Command {
    match owed {
        Owed::Joined => Command::Join { member },
        Owed::Left => Command::Leave { member, removed_by: None },
        Owed::Became(heir) => Command::Become { member, heir: heir.clone() },
        Owed::Removed(by) => Command::Leave { member, removed_by: Some(by.clone()) },
    }
}

/// The room, or the node, has too much to do.
pub fn overloaded() -> Problem {
    Problem {
        retry_after_ms: Some(1_000),
        ..Problem::new(Code::Overloaded, "This room is very busy. Try again in a second.")
    }
}
