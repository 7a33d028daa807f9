//! The task of a live room, which is the only owner of the room's state on this node.
//!
//! The task receives [`Request`]s through an inbox and handles them in order. There are no locks. At most one operation
//! on the log runs at a time: open it, append a batch, or read what was missed (catch up). Besides the inbox the task
//! awaits only the running operation, the write of read cursors, and a tick once a second.
//!
//! [`Live`] consists of parts that do no I/O on the log, and know nothing of each other:
//!
//! - `folded`: the room as folded from its log: the state, and the last events.
//! - `log_state`: how the state relates to the log, and which operation is next.
//! - `waiting`: requests and packets that wait for the log.
//! - `subscribers`: the connections to this node, and the frames that are sent to them.
//! - `reactions`: reactions that wait, so that many become one event.
//! - `presence_list`: who is connected to other nodes, and when the list of the connected is due.
//! - `reads` (of the engine): how far members have read.
//! - `listing`: what is known about the digest that lists of rooms show.
//!
//! What the room does with them:
//!
//! - `opening`: starts from the log, and starts again after a lost tail.
//! - `appending`: starts the operations on the log, and handles their results.
//! - `delivering`: folds events of the log, of this node and of others, and sends them.
//! - `following`: answers subscriptions, snapshots, resumes and peeks.
//! - `read_cursors`: sends and stores how far members have read.
//! - `signals`: sends presence and typing.
//! - `ticking`: does the work that comes once a second.
//!
//! `operation` has the operations as futures, `acks` the acks of a batch, and `pace` the times that are shared.

mod acks;
mod appending;
mod delivering;
mod folded;
mod following;
mod listing;
mod log_state;
mod opening;
mod operation;
mod pace;
mod presence_list;
mod reactions;
mod read_cursors;
mod signals;
mod subscribers;
mod ticking;
mod waiting;

use std::{collections::VecDeque, future::pending};

use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};

use self::{
    folded::Folded,
    listing::Listing,
    log_state::LogState,
    pace::TICK,
    presence_list::PresenceList,
    reactions::Reactions,
    read_cursors::Keeping,
    subscribers::{Subscriber, Subscribers},
    waiting::Waiting,
};
use super::{
    command::{Command, Found, Reply, Touch},
    engine::Engine,
    log::{Log, LogError, Opened},
    packet::{News, Packet},
    reads::Reads,
    refusals::overloaded,
    request::Request,
};
use crate::{
    protocol::{MemberId, Retention, ServerFrame, Signal},
    server::{
        metrics::{CommandsWaiting, Stopwatch},
        socket::Frame,
        store::{RoomId, RoomRecord},
    },
};

/// Commands that may wait for the append in flight. Past that, new commands are refused; those in the queue stay.
const PENDING_COMMANDS: usize = 4_096;

/// The state of a live room.
pub struct Live {
    engine: Engine,
    log: Log,
    inbox: mpsc::Receiver<Request>,
    /// The room's record in the store. For what the log changes (name, owner, retention), `folded` is newer.
    record: RoomRecord,
    folded: Folded,
    log_state: LogState,
    /// Commands for the next batches, in order.
    pending: VecDeque<(Command, Reply)>,
    reactions: Reactions,
    /// The length of `pending` and `reactions`, for the metrics.
    commands_waiting: CommandsWaiting,
    waiting: Waiting,
    subscribers: Subscribers,
    presence: PresenceList,
    reads: Reads,
    /// When the subscribers were last sent how far members have read.
    reads_sent_at: Option<Instant>,
    /// The write of read cursors that is under way.
    keeping: Option<Keeping>,
    listing: Listing,
}

/// Runs a room until nobody needs it. While the log is being opened, requests wait in the inbox.
pub async fn run(engine: Engine, room: RoomId, inbox: mpsc::Receiver<Request>) {
    // Subscribe to the room's packets before the log is read, so that no event can fall between the two.
    engine.follow(room).await;
    let log = engine.log(room);
    let opened = match operation::in_time(log.open(None)).await {
        Ok(opened) => opened,
        Err(error) => return refuse(&engine, room, inbox, &error).await,
    };
    let mut live = Live::new(engine.clone(), log, inbox, opened);
    live.publish_presence(true);
    live.follow_inbox().await;
    live.keep_last_reads().await;
    engine.unfollow(room);
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
    fn new(engine: Engine, log: Log, inbox: mpsc::Receiver<Request>, opened: Opened) -> Self {
        let now = Instant::now();
        let mut live = Self {
            engine,
            log,
            inbox,
            record: opened.record.clone(),
            folded: Folded::at(opened.cursor, &opened.record),
            log_state: LogState::level(),
            pending: VecDeque::new(),
            reactions: Reactions::default(),
            commands_waiting: CommandsWaiting::default(),
            waiting: Waiting::default(),
            subscribers: Subscribers::new(now),
            presence: PresenceList::new(now),
            reads: Reads::default(),
            reads_sent_at: None,
            keeping: None,
            listing: Listing::default(),
        };
        live.start_from(opened);
        live
    }

    async fn follow_inbox(&mut self) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut requests = Vec::new();
        loop {
            if !self.log_state.is_busy() {
                let due = self.reactions.take(Instant::now(), self.log_state.is_draining());
                self.pending.extend(due);
            }
            let has_pending = !self.pending.is_empty() || self.reactions.len() > 0;
            if self.log_state.is_drained(has_pending, !self.inbox.is_empty()) {
                self.send_unsent();
                return self.write_last_digest();
            }
            self.start_next_operation();
            self.write_digest();
            self.commands_waiting.set(self.pending.len() + self.reactions.len());
            tokio::select! {
                finished = self.log_state.finished() => {
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
                () = self.reactions.due(), if !self.log_state.is_busy() => {}
                _ = tick.tick() => {
                    if self.tick() && self.engine.retire_if_idle(self.record.id, &mut self.inbox) {
                        if let Some((epoch, head)) = self.folded.unneeded_tail() {
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
            Request::Command(command, reply) => self.queue_command(command, reply),
            Request::Subscribe(subscribe) => self.subscribe(subscribe),
            Request::Replay(subscribe, events) => self.replay(subscribe, events),
            Request::Unsubscribe(id) => self.unsubscribe(id),
            Request::Snapshot(wish) => self.answer_snapshot(wish),
            Request::Peek(reply) => drop(reply.send(Ok(self.peek()))),
            Request::Hues(reply) => drop(reply.send(Ok(self.hues()))),
            Request::Typing(id, on) => self.typing(id, on),
            Request::Read(id, seq) => self.read(id, seq),
            Request::CloseConnections(member, goes_on_as, why) => {
                self.close_connections(member, goes_on_as, why);
                self.publish(News::HangUp { member, goes_on_as, why });
            }
            Request::Reread => {
                self.log_state.lose();
                self.publish(News::Reread);
            }
            Request::Packet(bytes, received) => {
                if let Some(packet) = Packet::decode(&bytes).filter(|packet| packet.node != self.engine.node()) {
                    self.handle_packet(packet, received);
                }
            }
            // The operation may reach these heads, or it may have begun before the log had them.
            Request::ArchiveHead(_) | Request::TailHead(..) if self.log_state.is_busy() => self.waiting.add(request),
            Request::ArchiveHead(seq) => {
                if seq > self.folded.state.head {
                    self.log_state.fall_behind();
                }
            }
            Request::TailHead(epoch, seq) => {
                let is_log = self.folded.state.retention == Retention::Ephemeral;
                if is_log && (epoch != self.folded.epoch || seq > self.folded.state.head) {
                    self.log_state.fall_behind();
                }
            }
            Request::HasAccount => self.listing.found_account(),
            Request::RecordKept(events) => self.trust_record(events.iter()),
            Request::Relist => self.listing.changed(),
            Request::DigestResult(result) => self.handle_digest_result(result),
            Request::Drain => self.log_state.drain(),
        }
    }

    /// Handles a packet of another node. Events wait until the operation on the log is finished. `received` runs since
    /// this node has the packet.
    fn handle_packet(&mut self, packet: Packet, received: Stopwatch) {
        match packet.news {
            News::Events { .. } if self.log_state.is_busy() => self.waiting.add_packet(packet, received),
            News::Events { epoch, events } => self.deliver_remote(epoch, events, received),
            News::Typing { member, on } => self.signal_typing(member, on),
            News::Reads { epoch, cursors } => self.merge_remote_reads(epoch, cursors),
            News::HangUp { member, goes_on_as, why } => self.close_connections(member, goes_on_as, why),
            News::Reread => self.log_state.lose(),
            News::Presence { connected, ask } => self.merge_remote_presence(packet.node, connected, ask),
        }
    }

    /// The members with a connection to this or another node.
    fn connected(&self) -> Vec<MemberId> {
        let members = &self.folded.state.members;
        self.presence.connected(self.subscribers.members(), |member| members.contains_key(member))
    }

    /// Sends the other nodes a packet.
    fn publish(&self, news: News) {
        if self.engine.is_shared() {
            self.engine.publish(self.record.id, Packet { node: self.engine.node(), news }.encode());
        }
    }

    /// Sends a signal to some subscribers.
    fn signal(&mut self, signal: Signal, is_for: impl Fn(&Subscriber) -> bool) {
        let frame = self.signal_frame(signal);
        self.subscribers.signal(Instant::now(), &frame, is_for);
    }

    fn signal_frame(&self, signal: Signal) -> Frame {
        Frame::of(&ServerFrame::Signal { code: self.record.code, signal })
    }

    /// Queues a command for the next batch, or refuses it. If the command is about a message that only the archive has,
    /// the message is read first.
    fn queue_command(&mut self, command: Command, reply: Reply) {
        if self.pending.len() + self.reactions.len() >= PENDING_COMMANDS || self.log_state.is_draining() {
            reply.send(Err(overloaded()));
        } else if let (Some(problem), Reply::Socket { .. }) = (self.log_state.problem(), &reply) {
            // Earlier messages of this socket were refused for the same failure, and its client sends those again
            // first. Accepting this one would change their order.
            reply.send(Err(problem.clone()));
        } else {
            let window = &self.folded.window;
            match command {
                Command::Touch(touch) if touch.found.is_none() && window.get(touch.target.seq).is_none() => {
                    self.find_target(touch, reply);
                }
                command if command.is_reaction() => self.reactions.add(command, reply),
                command => self.pending.push_back((command, reply)),
            }
        }
    }

    /// Reads the message of a touch from the archive, and sends the command to the room again.
    fn find_target(&self, mut touch: Touch, reply: Reply) {
        let (engine, log, room, read_at) =
            (self.engine.clone(), self.log.clone(), self.record.id, self.folded.state.head);
        self.engine.spawn(async move {
            match operation::in_time(log.archived(touch.target.seq)).await {
                Ok(event) => {
                    touch.found = Some(Found { event: event.map(Box::new), read_at });
                    engine.submit(room, Command::Touch(touch), reply).await;
                }
                Err(error) => reply.send(Err(error.problem())),
            }
        });
    }

    /// Handles again what waited for the log: every request, after an operation or a packet with events.
    fn retry_waiting(&mut self) {
        for request in self.waiting.take_requests() {
            self.handle(request);
        }
    }
}

async fn run_keeping(keeping: &mut Option<Keeping>) -> Vec<MemberId> {
    match keeping {
        Some(keeping) => keeping.await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
