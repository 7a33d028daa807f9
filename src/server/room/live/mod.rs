//! The task of a live room, which is the only owner of the room's state on this node.
//!
//! The task receives [`Request`]s through an inbox and handles them in order. [`Live`] holds the state folded from the
//! log, the last events, the local subscribers, and everything that waits. There are no locks.
//!
//! At most one operation on the log runs at a time: open it, append a batch, or read what was missed (catch up).
//! Meanwhile commands wait in `pending`, packets with events in `packets`, and requests that need a newer log in
//! `waiting`. Besides the inbox the task awaits only the running operation, the write of read cursors, and a tick once
//! a second.
//!
//! - `opening`: the state from which a room starts, and starts again after a lost tail.
//! - `appending`: the operations on the log, and what follows from their results.
//! - `following`: subscriptions, snapshots, resumes and resets.
//! - `signals`: presence, typing, packets of other nodes, and the tick.
//! - `read_cursors`: how far members have read.
//! - `listing`: the digest that lists of rooms show.

mod appending;
mod following;
mod listing;
mod opening;
mod read_cursors;
mod signals;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    future::{Future, pending},
    pin::Pin,
    time::Duration,
};

use litemap::LiteMap;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use uuid::Uuid;

use self::{listing::Listing, read_cursors::Keeping};
use super::{
    command::{Command, Reply},
    engine::Engine,
    entry::Entry,
    frames::Roster,
    log::{Caught, Log, LogError, Opened, Outcome},
    packet::{News, Packet},
    reads::Reads,
    refusals::overloaded,
    request::{Discretion, Request, Subscribe},
    window::Window,
};
use crate::{
    protocol::{Epoch, MemberId, Problem, Retention, RoomState, Seq},
    server::{
        socket::{Connection, ConnectionId, Frame},
        store::{RoomId, RoomRecord},
    },
};

/// Events in one batch after which no more commands are added to it.
const BATCH_COMMANDS: usize = 256;
/// Commands that may wait for the append in flight. Past that, new commands are refused; those in the queue stay.
const PENDING_COMMANDS: usize = 4_096;
/// Longest time for one operation on the log. After that, clients get an error. The outcome of the operation is then
/// unknown, so the log is read again before the next append.
const LOG_DEADLINE: Duration = Duration::from_millis(2_800);
/// A client whose resume point lies beyond the head is reset after this many complete log reads. One is not enough,
/// since the first read may have begun before the client asked.
const RESET_AFTER_LOG_READS: u8 = 2;
/// Archive reads for subscriptions that one room runs at a time.
const REPLAYS: usize = 4;
/// Interval of [`Live::tick`], and the pause before an operation that failed is tried again.
const TICK: Duration = Duration::from_secs(1);
/// Precision of `visited_at` in the room's record: a live room writes it at most once in this time.
const VISIT: Duration = Duration::from_hours(24);
/// How long a room without subscribers stays live.
const IDLE_LIFE: Duration = Duration::from_secs(10);
/// How often a node repeats to the other nodes who is connected to it.
const PRESENCE_REPEAT: Duration = Duration::from_secs(10);
/// How long a node believes the presence packet of another node.
const PRESENCE_LIFE: Duration = Duration::from_secs(30);
/// A room pauses one second between two presence lists for each this many members. Every list goes to every subscriber,
/// so large rooms send it less often.
const PRESENCE_MEMBERS_PER_SECOND: u64 = 100;
/// Up to this many subscribers, a `Joined` is sent at once. With more, it may wait for the next event or tick: each of
/// n people who join one by one would otherwise cost a write to everybody there, which makes about n² writes.
const FEW_READERS: usize = 8;
/// A member's typing is announced at most once in this time.
const TYPING_PAUSE: Duration = Duration::from_secs(1);
/// Pause between two times that a room sends how far its members have read.
const READS_SENT_PAUSE: Duration = Duration::from_secs(1);
/// Pause between two writes of read cursors to the store. Lists of rooms are made from the stored cursors, and must
/// show within a second what was read on another device. The rest of that second is for the pauses of the list keepers.
const READS_STORED_PAUSE: Duration = Duration::from_millis(250);

struct Subscriber {
    connection: Connection,
    member: MemberId,
    discretion: Discretion,
    /// The head of the log when this connection subscribed. Its snapshot or resume had all events up to that seq.
    knows: Seq,
    /// When the others were last sent a signal that this member is typing.
    typed_at: Option<Instant>,
    /// Whether the member is typing, by the connection's last report.
    types: bool,
    /// Whether the last typing signal to the others said that the member types.
    shown_typing: bool,
}

/// How this node's state relates to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SyncState {
    /// The state has every event that this node knows of.
    Level,
    /// The log may be ahead of the state. It is read before the next append.
    Behind,
    /// The log does not continue the state, or its events were changed. It is opened anew, and clients are reset.
    Lost,
}

/// The last failure to use the log.
struct Failure {
    /// The time of the failure, for the pause before the next try.
    at: Instant,
    /// The error for clients.
    problem: Problem,
}

/// A batch in flight. Each command has the entry of the same index.
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

/// The state of a live room.
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
pub struct Live {
    engine: Engine,
    log: Log,
    inbox: mpsc::Receiver<Request>,
    /// The room's record in the store. For what the log changes (name, owner, retention), `state` is newer.
    record: RoomRecord,
    epoch: Epoch,
    state: RoomState,
    /// The members as encoded JSON.
    roster: Roster,
    window: Window,
    /// Frames of the last entries, in order, that subscribers have not been sent yet.
    unsent: Vec<Frame>,
    sent_at: Instant,
    /// Every event of the window from this seq on is archived, so every member may see it.
    kept_from: Seq,
    /// Whether the archive may have events: the room is preserved, or was before.
    has_archive: bool,
    /// Whether the room may have a tail. The tail remembers the ids of messages from when the room was ephemeral.
    has_tail: bool,
    /// The subscribers, sorted by connection id. Contiguous in memory (`LiteMap`), because every message iterates over
    /// all of them.
    subscribers: LiteMap<ConnectionId, Subscriber>,
    /// Number of connections to this node, by member.
    here: BTreeMap<MemberId, usize>,
    pending: VecDeque<(Command, Reply)>,
    operation: Option<Operation>,
    sync_state: SyncState,
    /// Whether a client wants to resume from beyond the head, so that the log should be read.
    must_check_log: bool,
    /// Whether the last operation read the log, and no append came after it.
    has_just_read: bool,
    /// The failure of the last operation. `None` again once the log was read.
    failure: Option<Failure>,
    /// Packets with events that came during an operation, to be handled after it.
    packets: Vec<Packet>,
    /// Requests that need a newer log. They are handled again after every operation.
    waiting: Vec<Request>,
    /// Number of archive reads for subscriptions that are under way.
    replays: usize,
    /// Subscriptions that wait for an archive read.
    replay_queue: VecDeque<Subscribe>,
    /// The members connected to each other node, with the time of that node's last presence packet.
    others: HashMap<Uuid, (Instant, BTreeSet<MemberId>)>,
    presence_changed: bool,
    presence_shown_at: Instant,
    presence_sent_at: Option<Instant>,
    reads: Reads,
    reads_sent_at: Option<Instant>,
    keeping: Option<Keeping>,
    /// When the last subscriber went, or when the room came to life.
    quiet_since: Instant,
    listing: Listing,
    draining: bool,
}

/// Runs a room until nobody needs it. While the log is being opened, requests wait in the inbox.
pub async fn run(engine: Engine, room: RoomId, inbox: mpsc::Receiver<Request>) {
    // Subscribe to the room's packets before the log is read, so that no event can fall between the two.
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
        unsent: Vec::new(),
        sent_at: now,
        kept_from: 0,
        has_archive: false,
        has_tail: false,
        subscribers: LiteMap::new(),
        here: BTreeMap::new(),
        pending: VecDeque::new(),
        operation: None,
        sync_state: SyncState::Level,
        must_check_log: false,
        has_just_read: false,
        failure: None,
        packets: Vec::new(),
        waiting: Vec::new(),
        replays: 0,
        replay_queue: VecDeque::new(),
        others: HashMap::new(),
        presence_changed: false,
        presence_shown_at: now,
        presence_sent_at: None,
        reads: Reads::default(),
        reads_sent_at: None,
        keeping: None,
        quiet_since: now,
        listing: Listing::default(),
        draining: false,
        engine: engine.clone(),
        inbox,
    };
    live.start_from(opened);
    live.publish_presence(true);
    live.follow_inbox().await;
    live.keep_last_reads().await;
    engine.unfollow(room);
}

fn slow() -> LogError {
    LogError::Store(anyhow::anyhow!("no answer within {LOG_DEADLINE:?}"))
}

/// Ends the task of a room whose log could not be opened. All waiting requests are refused; the next request starts a
/// new task.
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
                    self.send_unsent();
                    return self.write_last_digest();
                }
                self.next_operation();
            }
            self.write_digest();
            tokio::select! {
                finished = run_operation(&mut self.operation) => {
                    self.operation = None;
                    self.finish(finished);
                    // The operation's result may have been written to many subscribers. Yield to the other tasks of
                    // this thread.
                    tokio::task::yield_now().await;
                }
                count = self.inbox.recv_many(&mut requests, 256) => {
                    if count == 0 {
                        return;
                    }
                    for request in requests.drain(..) {
                        self.handle(request);
                    }
                    self.follow_up_reads();
                }
                unkept = run_keeping(&mut self.keeping) => {
                    self.keeping = None;
                    self.reads.retry_store(&unkept);
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

    fn handle(&mut self, request: Request) {
        match request {
            Request::Command(command, reply) => {
                if self.pending.len() >= PENDING_COMMANDS || self.draining {
                    reply.send(Err(overloaded()));
                } else if let (Some(failure), Reply::Socket { .. }) = (&self.failure, &reply) {
                    // Earlier messages of this socket were refused for the same failure, and its client sends those
                    // again first. Accepting this one would change their order.
                    reply.send(Err(failure.problem.clone()));
                } else {
                    self.pending.push_back((command, reply));
                }
            }
            Request::Subscribe(subscribe) => self.subscribe(subscribe),
            Request::Replay(subscribe, events) => self.replay(subscribe, events),
            Request::Unsubscribe(id) => self.unsubscribe(id),
            Request::Snapshot(wish) => self.answer_snapshot(wish),
            Request::Typing(id, on) => self.typing(id, on),
            Request::Read(id, seq) => self.read(id, seq),
            Request::CloseConnections(member, goes_on_as, why) => {
                self.close_connections(member, goes_on_as, why);
                self.publish(News::HangUp { member, goes_on_as, why });
            }
            Request::Reread => {
                self.reread();
                self.publish(News::Reread);
            }
            Request::Packet(bytes) => {
                if let Some(packet) = Packet::decode(&bytes).filter(|packet| packet.node != self.engine.node()) {
                    self.handle_packet(packet);
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
            Request::DigestResult(result) => self.handle_digest_result(result),
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
