//! The task of a live room: the one owner of its state on this node.
//!
//! It does one thing to the log at a time (open, append, catch up); what arrives meanwhile waits in order. Nothing here is
//! locked, and nothing but the log's own operation is awaited beside the inbox.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    future::{Future, pending},
    pin::Pin,
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use uuid::Uuid;

use super::{
    Command, Connection, ConnectionId, Done, Engine, Frame, Reply,
    judge::{Judge, Verdict, repeated, retention_after},
    log::{Caught, Cursor, Log, LogError, Opened, Outcome, Stop},
    packet::{News, Packet},
    window::Window,
};
use crate::{
    protocol::{
        Applied, Code, Epoch, Event, EventKind, MemberId, Person, Problem, ResetReason, Retention, Role, RoomState,
        RoomView, Seq, ServerFrame, Signal, Snapshot, You, limits,
    },
    server::{
        clock,
        store::{MemberRecord, Owed, Presence, RoomId, RoomRecord},
    },
};

/// Commands in one append.
const BATCH_COMMANDS: usize = 256;
/// Commands that may wait for the append in flight; past that a room refuses new ones, and keeps what it took.
const PENDING_COMMANDS: usize = 4_096;
/// How long one operation on the log may take before clients are told that it failed. Its outcome is then unknown, so the
/// log is read again before the next append.
const LOG_DEADLINE: Duration = Duration::from_millis(3_500);
/// How often a room looks at what time brings.
const TICK: Duration = Duration::from_secs(1);
/// How long a room stays live with nobody connected.
const LINGER: Duration = Duration::from_secs(10);
/// How often a node repeats who is connected to it, and after how long the others stop believing the last word.
const PRESENCE_REPEAT: Duration = Duration::from_secs(10);
const PRESENCE_LIFE: Duration = Duration::from_secs(30);
/// Members per second of pause between two presence lists: a list goes to everyone, so large rooms hear less often.
const PRESENCE_MEMBERS_PER_SECOND: u64 = 100;
/// At most one typing signal per member in this time.
const TYPING_PAUSE: Duration = Duration::from_secs(1);

/// Where a client wants to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumePoint {
    /// The epoch it knows.
    pub epoch: Epoch,
    /// The last seq it has.
    pub after: Seq,
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
    /// Somebody asks for the room as it is.
    Look(MemberRecord, oneshot::Sender<Result<Snapshot, Problem>>),
    /// Somebody started or stopped typing on a connection of this node.
    Typing(ConnectionId, bool),
    /// Another node speaks.
    Packet(Bytes),
    /// This is where the archive ends.
    ArchiveHead(Seq),
    /// This is where the tail ends.
    TailHead(Epoch, Seq),
    /// The node stops: finish what is pending.
    Drain,
}

/// A wish to follow a room.
#[derive(Debug)]
pub struct Subscribe {
    /// Where frames go.
    pub connection: Connection,
    /// Who asks: an active member's record.
    pub member: MemberRecord,
    /// Where to go on, if the client was here before.
    pub resume: Option<ResumePoint>,
}

struct Subscriber {
    connection: Connection,
    member: MemberId,
    typed_at: Option<Instant>,
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

/// A batch in flight: what each command asked, and the event it became.
struct Batch {
    events: Vec<Event>,
    commands: Vec<(Command, Reply)>,
}

enum Finished {
    Appended(Batch, Result<Outcome, LogError>),
    CaughtUp(Result<Caught, LogError>),
    Opened(Result<Box<Opened>, LogError>),
}

type Operation = Pin<Box<dyn Future<Output = Finished> + Send>>;

/// A live room.
pub struct Live {
    engine: Engine,
    log: Log,
    inbox: mpsc::Receiver<Request>,
    record: RoomRecord,
    epoch: Epoch,
    state: RoomState,
    window: Window,
    /// From which seq on everything in the window is archived, so that every member may see it.
    kept_from: Seq,
    subscribers: HashMap<ConnectionId, Subscriber>,
    pending: VecDeque<(Command, Reply)>,
    operation: Option<Operation>,
    standing: Standing,
    /// Since when the log could not be read, to pause between tries.
    failed_at: Option<Instant>,
    packets: Vec<Packet>,
    ahead: Vec<Subscribe>,
    others: HashMap<Uuid, (Instant, BTreeSet<MemberId>)>,
    presence_changed: bool,
    presence_shown_at: Instant,
    presence_told_at: Option<Instant>,
    quiet_since: Instant,
    draining: bool,
}

/// Runs a room until nobody needs it. Requests wait in the inbox while the log is opened.
pub async fn run(engine: Engine, room: RoomId, inbox: mpsc::Receiver<Request>) {
    // Follow first, so that no packet falls between reading the log and hearing of what comes next.
    engine.follow(room).await;
    let log = engine.log(room);
    let opened = match timeout(LOG_DEADLINE, log.open()).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => return refuse(&engine, room, inbox, &error).await,
        Err(_) => return refuse(&engine, room, inbox, &slow()).await,
    };
    let state =
        RoomState { head: 0, last_n: 0, name: None, retention: opened.cursor.retention, members: BTreeMap::new() };
    let now = Instant::now();
    let mut live = Live {
        log,
        record: opened.record.clone(),
        epoch: opened.cursor.epoch,
        state,
        window: Window::default(),
        kept_from: 0,
        subscribers: HashMap::new(),
        pending: VecDeque::new(),
        operation: None,
        standing: Standing::Level,
        failed_at: None,
        packets: Vec::new(),
        ahead: Vec::new(),
        others: HashMap::new(),
        presence_changed: false,
        presence_shown_at: now,
        presence_told_at: None,
        quiet_since: now,
        draining: false,
        engine: engine.clone(),
        inbox,
    };
    live.start_from(opened);
    live.tell_presence(true);
    live.follow_inbox().await;
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
        match request {
            Request::Command(_, reply) => reply.send(Err(error.problem())),
            Request::Subscribe(Subscribe { connection, .. }) | Request::Replay(Subscribe { connection, .. }, _) => {
                connection.answer(&ServerFrame::error(error.problem(), None, None));
            }
            Request::Look(_, reply) => {
                let _ = reply.send(Err(error.problem()));
            }
            _ => {}
        }
    }
}

impl Live {
    async fn follow_inbox(&mut self) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut requests = Vec::new();
        loop {
            if self.operation.is_none() {
                self.next_operation();
            }
            if self.draining && self.operation.is_none() && self.pending.is_empty() && self.inbox.is_empty() {
                return;
            }
            tokio::select! {
                finished = run_operation(&mut self.operation) => {
                    self.operation = None;
                    self.finish(finished);
                }
                count = self.inbox.recv_many(&mut requests, 256) => {
                    if count == 0 {
                        return;
                    }
                    for request in requests.drain(..) {
                        self.take(request);
                    }
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
                if self.pending.len() < PENDING_COMMANDS && !self.draining {
                    self.pending.push_back((command, reply));
                } else {
                    reply.send(Err(overloaded()));
                }
            }
            Request::Subscribe(subscribe) => self.subscribe(subscribe),
            Request::Replay(subscribe, events) => self.replay(subscribe, events),
            Request::Unsubscribe(id) => self.unsubscribe(id),
            Request::Look(member, reply) => {
                let _ = reply.send(Ok(self.snapshot(&member)));
            }
            Request::Typing(id, on) => self.typing(id, on),
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
            Request::Drain => self.draining = true,
        }
    }

    // ---- The log: one operation at a time.

    fn cursor(&self) -> Cursor {
        Cursor { epoch: self.epoch, head: self.state.head, n: self.state.last_n, retention: self.state.retention }
    }

    fn fall_behind(&mut self) {
        self.standing = self.standing.max(Standing::Behind);
    }

    fn next_operation(&mut self) {
        let log = self.log.clone();
        let wanted = self.standing != Standing::Level;
        if wanted && self.failed_at.is_none_or(|at| at.elapsed() >= TICK) {
            let cursor = self.cursor();
            self.operation = Some(if self.standing == Standing::Lost {
                Box::pin(async move {
                    Finished::Opened(
                        timeout(LOG_DEADLINE, log.open()).await.unwrap_or_else(|_| Err(slow())).map(Box::new),
                    )
                })
            } else {
                Box::pin(async move {
                    Finished::CaughtUp(
                        timeout(LOG_DEADLINE, log.catch_up(cursor)).await.unwrap_or_else(|_| Err(slow())),
                    )
                })
            });
        } else if !wanted && !self.pending.is_empty() {
            self.start_append();
        }
    }

    fn start_append(&mut self) {
        let mut batch = Batch { events: Vec::new(), commands: Vec::new() };
        let mut judge = Judge::new(&self.state, &self.window, clock::now());
        let mut already = Vec::new();
        while batch.events.len() < BATCH_COMMANDS {
            let Some((command, reply)) = self.pending.pop_front() else { break };
            match judge.judge(&command) {
                Verdict::Event(event) => {
                    batch.events.push(event);
                    batch.commands.push((command, reply));
                }
                Verdict::Already(done) => already.push((command, reply, done)),
                Verdict::Refused(problem) => reply.send(Err(problem)),
                Verdict::NextBatch => {
                    self.pending.push_front((command, reply));
                    break;
                }
            }
        }
        for (command, reply, done) in already {
            self.settle(&command);
            reply.send(Ok(done));
        }
        if batch.events.is_empty() {
            return;
        }
        let (log, cursor, packet) = (self.log.clone(), self.cursor(), self.packet_of(&batch.events));
        self.operation = Some(Box::pin(async move {
            let appended = timeout(LOG_DEADLINE, log.append(cursor, &batch.events, packet)).await;
            Finished::Appended(batch, appended.unwrap_or_else(|_| Err(slow())))
        }));
    }

    /// The log says already what a membership command wants it to: the record may not know.
    fn settle(&self, command: &Command) {
        let kind = match command.clone() {
            Command::Join { member } => EventKind::Joined { member },
            Command::Leave { member, removed_by: None } => EventKind::Left { member },
            Command::Leave { member, removed_by: Some(by) } => EventKind::Removed { member, by },
            _ => return,
        };
        let about = match &kind {
            EventKind::Joined { member } | EventKind::Left { member } | EventKind::Removed { member, .. } => member.id,
            _ => return,
        };
        let seq = self.window.last_about(about).map_or(self.state.head, |event| event.seq);
        let (log, epoch) = (self.log.clone(), self.epoch);
        self.engine.spawn(async move { log.settle(epoch, &[Event { seq, at: clock::now(), kind }]).await });
    }

    fn packet_of(&self, events: &[Event]) -> Bytes {
        if !self.engine.is_shared() {
            return Bytes::new();
        }
        let news = News::Events { epoch: self.epoch, events: events.to_vec() };
        Packet { node: self.engine.node(), news }.encode()
    }

    fn finish(&mut self, finished: Finished) {
        match finished {
            Finished::Appended(batch, Ok(outcome)) => self.appended(batch, outcome),
            Finished::Appended(batch, Err(error)) => {
                // The outcome is unknown: the client tries again with the same id, and the log is read before that.
                tracing::warn!(room = %self.record.id, %error, "append failed");
                self.fall_behind();
                self.failed_at = Some(Instant::now());
                for (_, reply) in batch.commands.into_iter().chain(self.pending.drain(..)) {
                    reply.send(Err(error.problem()));
                }
            }
            Finished::CaughtUp(Ok(Caught::Up(events))) => {
                self.standing = Standing::Level;
                self.failed_at = None;
                for event in events {
                    self.deliver(event);
                }
                self.after_sync();
            }
            Finished::CaughtUp(Ok(Caught::Lost)) => self.standing = Standing::Lost,
            Finished::Opened(Ok(opened)) => {
                self.standing = Standing::Level;
                self.failed_at = None;
                self.reopen(*opened);
                self.after_sync();
            }
            Finished::CaughtUp(Err(error)) | Finished::Opened(Err(error)) => {
                tracing::warn!(room = %self.record.id, %error, "log not read");
                self.failed_at = Some(Instant::now());
                for (_, reply) in self.pending.drain(..) {
                    reply.send(Err(error.problem()));
                }
                for subscribe in self.ahead.drain(..) {
                    subscribe.connection.answer(&ServerFrame::error(error.problem(), None, Some(self.record.code)));
                }
                self.draining |= matches!(error, LogError::Gone);
            }
        }
        let packets = std::mem::take(&mut self.packets);
        for packet in packets {
            self.hear(packet);
        }
    }

    /// Persisted: now tell. First the ack, then the event to everyone, in the order of the log.
    fn appended(&mut self, batch: Batch, outcome: Outcome) {
        let from_archive = self.state.retention == Retention::Preserved
            || batch.events.first().and_then(retention_after) == Some(Retention::Preserved);
        if from_archive && outcome.stored > 0 && self.engine.is_shared() {
            self.engine.publish(self.record.id, self.packet_of(&batch.events[..outcome.stored]));
        }
        let mut commands = batch.commands.into_iter();
        for (event, (_, reply)) in batch.events.into_iter().take(outcome.stored).zip(commands.by_ref()) {
            reply.send(Ok(Done { seq: event.seq, at: event.at }));
            self.deliver(event);
        }
        let mut rest: VecDeque<_> = commands.collect();
        match outcome.stopped {
            None => {}
            Some(Stop::Behind) => self.fall_behind(),
            Some(Stop::IdTaken(earlier)) => {
                if let Some((_, reply)) = rest.remove(earlier.index.saturating_sub(outcome.stored)) {
                    match repeated(earlier.seq, earlier.at, earlier.same_body) {
                        Verdict::Already(done) => reply.send(Ok(done)),
                        Verdict::Refused(problem) => reply.send(Err(problem)),
                        Verdict::Event(_) | Verdict::NextBatch => {}
                    }
                }
            }
        }
        while let Some(command) = rest.pop_back() {
            self.pending.push_front(command);
        }
    }

    /// Folds an event that is in the log, and shows it to every local connection.
    fn deliver(&mut self, event: Event) {
        match self.state.apply(&event) {
            Applied::Duplicate => return,
            Applied::Gap { .. } => {
                self.fall_behind();
                return;
            }
            Applied::Fresh => {}
        }
        if retention_after(&event) == Some(Retention::Preserved) {
            self.kept_from = event.seq;
        }
        let gone = match &event.kind {
            EventKind::Left { member } | EventKind::Removed { member, .. } => Some(member.id),
            _ => None,
        };
        self.window.push(event.clone());
        let frame = Frame::of(&ServerFrame::Event { code: self.record.code, event });
        for subscriber in self.subscribers.values() {
            subscriber.connection.push(frame.clone());
        }
        if let Some(member) = gone {
            self.subscribers.retain(|_, subscriber| subscriber.member != member);
            self.engine.gone(self.record.id, member);
            self.presence_changed = true;
        }
    }

    // ---- Opening, and opening again after the tail was lost.

    fn start_from(&mut self, opened: Opened) {
        let Opened { record, cursor, recent, members } = opened;
        self.epoch = cursor.epoch;
        self.window = Window::default();
        // Of two quick renames in a tail, the record may hold either; the log says which was last.
        let last_name = recent.iter().rev().find_map(|event| match &event.kind {
            EventKind::Renamed { name, .. } => Some(name.clone()),
            _ => None,
        });
        let last_name = last_name.unwrap_or_else(|| record.name.clone());
        for event in recent {
            self.window.push(event);
        }
        self.kept_from = match cursor.retention {
            Retention::Preserved => 0,
            Retention::Ephemeral => Seq::MAX,
        };
        self.state = RoomState {
            head: cursor.head,
            last_n: cursor.n,
            name: last_name,
            retention: cursor.retention,
            members: BTreeMap::new(),
        };
        self.record = record;
        for member in members {
            self.take_in(&member);
        }
    }

    /// Counts a member record by what the log says of it, and makes up for a notice that a crash swallowed.
    fn take_in(&mut self, record: &MemberRecord) {
        let last = self.window.last_about(record.member).map(|event| &event.kind);
        let in_log = match last {
            Some(kind) => matches!(kind, EventKind::Joined { .. }),
            None => match record.owed {
                None => record.presence == Presence::Active,
                Some(Owed::Joined) => false,
                Some(Owed::Left | Owed::Removed(_)) => record.since > 0,
            },
        };
        if in_log {
            self.state.members.insert(record.member, record.name.clone());
        }
        if let Some(owed) = &record.owed {
            self.pending.push_back((announcement(record.person(), owed), Reply::None));
        }
    }

    fn reopen(&mut self, opened: Opened) {
        let same_epoch = self.epoch == opened.cursor.epoch;
        self.start_from(opened);
        let reason = if same_epoch { ResetReason::TooFarBehind } else { ResetReason::EpochChanged };
        let code = self.record.code;
        for (id, subscriber) in std::mem::take(&mut self.subscribers) {
            // Records are read again by whoever subscribes; here the fold is what is known.
            let Some(name) = self.state.members.get(&subscriber.member).cloned() else { continue };
            let since = if same_epoch { self.state.head + 1 } else { 0 };
            let person = Person { id: subscriber.member, name };
            subscriber.connection.answer(&ServerFrame::Reset { code, reason });
            let snapshot = Box::new(self.snapshot_for(&person, since));
            subscriber.connection.answer(&ServerFrame::Snapshot { code, snapshot });
            self.subscribers.insert(id, subscriber);
        }
    }

    fn after_sync(&mut self) {
        for subscribe in std::mem::take(&mut self.ahead) {
            let resume = subscribe.resume.filter(|resume| resume.after <= self.state.head);
            self.subscribe(Subscribe { resume, ..subscribe });
        }
    }

    /// The tail, if everyone has left and nobody will ask for it again.
    fn unneeded_tail(&self) -> Option<(Epoch, Seq)> {
        let unneeded = self.state.members.is_empty() && self.state.retention == Retention::Ephemeral;
        unneeded.then_some((self.epoch, self.state.head))
    }

    // ---- Following a room.

    /// The first seq that a member may see in the window.
    fn visible_from(&self, member: &MemberRecord) -> Seq {
        let joined = match member.since {
            0 => self.window.last_about(member.member).map_or(self.state.head + 1, |event| event.seq),
            since => since,
        };
        if self.state.retention == Retention::Preserved { joined.min(self.kept_from) } else { joined }
    }

    fn subscribe(&mut self, subscribe: Subscribe) {
        let code = self.record.code;
        if let Some(owed) = &subscribe.member.owed {
            self.pending.push_back((announcement(subscribe.member.person(), owed), Reply::None));
        }
        let Some(ResumePoint { epoch, after }) = subscribe.resume else {
            let snapshot = Box::new(self.snapshot(&subscribe.member));
            subscribe.connection.answer(&ServerFrame::Snapshot { code, snapshot });
            return self.admit(subscribe);
        };
        if epoch == self.epoch && after > self.state.head {
            // The client heard of more than this node: read the log, then answer.
            self.fall_behind();
            self.ahead.push(subscribe);
            return;
        }
        let may_see = after + 1 >= self.visible_from(&subscribe.member);
        let missed = self.state.head.saturating_sub(after);
        if epoch != self.epoch {
            self.reset(subscribe, ResetReason::EpochChanged);
        } else if missed > limits::RESUME_EVENTS as u64 {
            self.reset(subscribe, ResetReason::TooFarBehind);
        } else if let Some(events) = self.window.after(after, self.state.head).filter(|_| may_see) {
            let (head, connected) = (self.state.head, self.connected());
            subscribe.connection.answer(&ServerFrame::Resumed { code, epoch, head, events, connected });
            self.admit(subscribe);
        } else if self.state.retention == Retention::Preserved {
            let (log, inbox) = (self.log.clone(), self.engine.inbox(self.record.id));
            self.engine.spawn(async move {
                let events = log.archived_after(after).await;
                if let Some(inbox) = inbox {
                    let _ = inbox.send(Request::Replay(subscribe, events)).await;
                }
            });
        } else {
            self.reset(subscribe, ResetReason::TooFarBehind);
        }
    }

    /// The archive was read for a subscription; meanwhile the log may have gone on, which the window has.
    fn replay(&mut self, subscribe: Subscribe, events: Result<Vec<Event>, LogError>) {
        let code = self.record.code;
        let Some(ResumePoint { epoch, after }) = subscribe.resume else { return self.subscribe(subscribe) };
        let mut events = match events {
            Ok(events) => events,
            Err(error) => {
                subscribe.connection.answer(&ServerFrame::error(error.problem(), None, Some(code)));
                return;
            }
        };
        events.retain(|event| event.seq <= self.state.head);
        let reached = events.last().map_or(after, |event| event.seq);
        let contiguous = events.iter().zip(after + 1..).all(|(event, seq)| event.seq == seq);
        match self.window.after(reached, self.state.head) {
            Some(rest) if contiguous && epoch == self.epoch => {
                events.extend(rest);
                let (head, connected) = (self.state.head, self.connected());
                subscribe.connection.answer(&ServerFrame::Resumed { code, epoch, head, events, connected });
                self.admit(subscribe);
            }
            _ => self.reset(subscribe, ResetReason::TooFarBehind),
        }
    }

    fn reset(&mut self, subscribe: Subscribe, reason: ResetReason) {
        let code = self.record.code;
        subscribe.connection.answer(&ServerFrame::Reset { code, reason });
        self.subscribe(Subscribe { resume: None, ..subscribe });
    }

    fn admit(&mut self, subscribe: Subscribe) {
        let Subscribe { connection, member, .. } = subscribe;
        self.engine.arrived(self.record.id, member.member, connection.id());
        if connection.is_closed() {
            // It closed while its wish waited here; whoever closed it may have looked before it was noted as arrived.
            let (engine, id) = (self.engine.clone(), connection.id());
            self.engine.spawn(async move { engine.disconnect(id).await });
            return;
        }
        self.subscribers.insert(connection.id(), Subscriber { connection, member: member.member, typed_at: None });
        self.presence_changed = true;
    }

    fn unsubscribe(&mut self, id: ConnectionId) {
        self.ahead.retain(|subscribe| subscribe.connection.id() != id);
        if self.subscribers.remove(&id).is_some() {
            self.presence_changed = true;
            if self.subscribers.is_empty() {
                self.quiet_since = Instant::now();
            }
        }
    }

    fn snapshot(&self, member: &MemberRecord) -> Snapshot {
        self.snapshot_for(&member.person(), self.visible_from(member))
    }

    fn snapshot_for(&self, person: &Person, since: Seq) -> Snapshot {
        let (events, more_in_window) = self.window.snapshot(since);
        let first = events.first().map_or(self.state.head + 1, |event| event.seq);
        let archive_before = self.state.retention == Retention::Preserved && first > 1;
        let role = if person.id == self.record.owner { Role::Owner } else { Role::Member };
        Snapshot {
            room: self.view(),
            you: You { member_id: person.id, nickname: person.name.clone(), role },
            epoch: self.epoch,
            head: self.state.head,
            last_n: self.state.last_n,
            members: self.state.members.iter().map(|(id, name)| Person { id: *id, name: name.clone() }).collect(),
            connected: self.connected(),
            events,
            has_more: more_in_window || archive_before,
        }
    }

    fn view(&self) -> RoomView {
        RoomView {
            code: self.record.code,
            room_type: self.record.room_type,
            name: self.state.name.clone(),
            retention: self.state.retention,
            owner: self.record.owner,
            created_at: self.record.created_at,
        }
    }

    // ---- Signals: who is connected, who is typing.

    fn connected(&self) -> Vec<MemberId> {
        let here = self.subscribers.values().map(|subscriber| subscriber.member);
        let elsewhere = self.others.values().flat_map(|(_, members)| members.iter().copied());
        let all: BTreeSet<MemberId> = here.chain(elsewhere).collect();
        all.into_iter().filter(|member| self.state.members.contains_key(member)).collect()
    }

    fn show_presence(&mut self) {
        self.presence_changed = false;
        self.presence_shown_at = Instant::now();
        let signal = Signal::Presence { connected: self.connected() };
        self.signal(signal, None);
    }

    fn tell_presence(&mut self, ask: bool) {
        self.presence_told_at = Some(Instant::now());
        if self.engine.is_shared() {
            let here: BTreeSet<MemberId> = self.subscribers.values().map(|subscriber| subscriber.member).collect();
            self.tell(News::Presence { connected: here.into_iter().collect(), ask });
        }
    }

    fn tell(&self, news: News) {
        if self.engine.is_shared() {
            self.engine.publish(self.record.id, Packet { node: self.engine.node(), news }.encode());
        }
    }

    fn signal(&self, signal: Signal, except: Option<MemberId>) {
        let frame = Frame::of(&ServerFrame::Signal { code: self.record.code, signal });
        for subscriber in self.subscribers.values().filter(|subscriber| Some(subscriber.member) != except) {
            subscriber.connection.push(frame.clone());
        }
    }

    fn typing(&mut self, id: ConnectionId, on: bool) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return };
        if on && subscriber.typed_at.is_some_and(|at| at.elapsed() < TYPING_PAUSE) {
            return;
        }
        subscriber.typed_at = on.then(Instant::now);
        let member = subscriber.member;
        self.signal(Signal::Typing { member, on }, Some(member));
        self.tell(News::Typing { member, on });
    }

    fn hear(&mut self, packet: Packet) {
        match packet.news {
            News::Events { epoch, events } => {
                if self.operation.is_some() {
                    self.packets.push(Packet { news: News::Events { epoch, events }, ..packet });
                } else if epoch == self.epoch {
                    for event in events {
                        self.deliver(event);
                    }
                } else {
                    self.fall_behind();
                }
            }
            News::Typing { member, on } => self.signal(Signal::Typing { member, on }, Some(member)),
            News::Presence { connected, ask } => {
                self.others.insert(packet.node, (Instant::now(), connected.into_iter().collect()));
                self.presence_changed = true;
                if ask {
                    self.tell_presence(false);
                }
            }
        }
    }

    /// What time brings. Whether nobody has needed this room for a while.
    fn tick(&mut self) -> bool {
        let before = self.others.len();
        self.others.retain(|_, (heard, _)| heard.elapsed() < PRESENCE_LIFE);
        self.presence_changed |= self.others.len() != before;
        let pause = TICK * u32::try_from(self.state.members.len() as u64 / PRESENCE_MEMBERS_PER_SECOND).unwrap_or(60);
        if self.presence_changed && self.presence_shown_at.elapsed() >= pause {
            self.show_presence();
            self.tell_presence(false);
        } else if self.presence_told_at.is_none_or(|at| at.elapsed() >= PRESENCE_REPEAT) {
            self.tell_presence(false);
        }
        self.subscribers.is_empty()
            && self.pending.is_empty()
            && self.operation.is_none()
            && self.ahead.is_empty()
            && self.quiet_since.elapsed() >= LINGER
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
