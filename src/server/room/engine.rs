//! The engine of a node: the map of live rooms, the way requests take to them, and what their tasks share.
//!
//! [`Engine`] maps each live room to the inbox of its task. A request for a room that is not live starts its task; an
//! idle task removes itself from the map. Tasks use the engine for the store, the bus, packets to other nodes, and
//! work in the background.
//!
//! Not here: what a room does with a request (`live`), the background workers (`workers`), and the leases of guests
//! (`leases`). All three use the engine; so the function that runs a room is given to [`Engine::new`].

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{
    command::{Command, Done, Reply},
    frames::EncodedSnapshot,
    log::Log,
    packet::{News, Packet},
    present::Present,
    refusals::overloaded,
    request::{Discretion, MAX_LOG_READS, Request, ResumePoint, SnapshotReply, SnapshotRequest, Subscribe},
    timing::Timing,
};
use crate::{
    protocol::{ByeReason, Epoch, HUES, MemberId, Peek, Problem, Retention, RoomCode, Seq, Snapshot},
    server::{
        bus::Bus,
        metrics::{self, Stopwatch},
        socket::{Connection, ConnectionId},
        store::{AccountId, MemberRecord, RoomId, Store},
    },
};

/// Requests that may wait in a room's inbox. Past that, the sender waits.
const INBOX: usize = 1_024;
/// Packets that may wait to be published. Past that, packets are dropped; the comparison of heads finds their events.
const OUTGOING: usize = 4_096;
/// How long a starting room waits for its subscription on the bus. If the bus is down, the room starts without it.
const FOLLOW_DEADLINE: Duration = Duration::from_millis(500);

/// The engine of a node. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    timing: Timing,
    /// The inbox of each live room. Locked only briefly, never across an await.
    rooms: Mutex<HashMap<RoomId, mpsc::Sender<Request>>>,
    /// The live rooms that keep their log. Locked only briefly.
    kept: Mutex<HashSet<RoomId>>,
    /// Who is connected to this node, by connection. Locked only briefly.
    present: Mutex<Present>,
    /// Before this instant no guest is taken for absent, since other nodes may not have renewed the leases of their
    /// guests yet. Locked only briefly.
    absences_from: Mutex<Instant>,
    outgoing: mpsc::Sender<(RoomId, Bytes)>,
    following: mpsc::UnboundedSender<Following>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    run: RunRoom,
}

/// The function that runs the task of a live room until nobody needs it.
pub(super) type RunRoom = fn(Engine, RoomId, mpsc::Receiver<Request>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// The queues from the tasks of rooms to the background workers.
pub(super) struct Queues {
    /// Packets to publish.
    pub packets: mpsc::Receiver<(RoomId, Bytes)>,
    /// Subscriptions to change.
    pub followings: mpsc::UnboundedReceiver<Following>,
}

/// A change of this node's subscriptions to rooms on the bus.
pub(super) enum Following {
    /// The task of a room starts. The sender is notified when the node is subscribed.
    Start(RoomId, oneshot::Sender<()>),
    /// The task of a room has ended.
    Stop(RoomId),
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic with this lock held leaves the map intact: every change is a single call.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// An engine without live rooms, and the queues for its workers. `run` is called for each room that comes to life.
    pub(super) fn new(store: Arc<dyn Store>, bus: Arc<dyn Bus>, timing: Timing, run: RunRoom) -> (Self, Queues) {
        let (outgoing, packets) = mpsc::channel(OUTGOING);
        // Unbounded, but as many messages as rooms that start and end: each task sends one `Start` and one `Stop`.
        let (following, followings) = mpsc::unbounded_channel();
        let engine = Self(Arc::new(Inner {
            store,
            bus,
            timing,
            rooms: Mutex::default(),
            kept: Mutex::default(),
            present: Mutex::default(),
            absences_from: Mutex::new(Instant::now()),
            outgoing,
            following,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            run,
        }));
        (engine, Queues { packets, followings })
    }

    /// Sends a command to a room, and waits until its event is in the log or the command is refused.
    pub async fn command(&self, room: RoomId, command: Command) -> Result<Done, Problem> {
        self.ask(room, |reply| Request::Command(command, Reply::Caller(reply, Stopwatch::start()))).await
    }

    /// Sends a command to a room; the result goes to `reply`. Commands of one caller are handled in the order of the
    /// calls.
    pub async fn submit(&self, room: RoomId, command: Command, reply: Reply) {
        self.send(room, Request::Command(command, reply)).await;
    }

    /// Makes a connection a subscriber of a room, resuming from `resume` if possible.
    pub async fn subscribe(
        &self,
        room: RoomId,
        connection: Connection,
        code: RoomCode,
        member: MemberRecord,
        discretion: Discretion,
        resume: Option<ResumePoint>,
    ) {
        let wish = Subscribe { connection, code, member, discretion, resume, log_reads_left: MAX_LOG_READS };
        self.send(room, Request::Subscribe(wish)).await;
    }

    /// A snapshot of the room for a member.
    pub async fn snapshot(
        &self,
        room: RoomId,
        member: MemberRecord,
        discretion: Discretion,
    ) -> Result<Snapshot, Problem> {
        self.ask(room, |reply| snapshot_request(member, discretion, SnapshotReply::Value(reply))).await
    }

    /// The same as JSON, for a caller that only passes it on. Made from parts that are encoded already.
    pub async fn encoded_snapshot(
        &self,
        room: RoomId,
        member: MemberRecord,
        discretion: Discretion,
    ) -> Result<EncodedSnapshot, Problem> {
        self.ask(room, |reply| snapshot_request(member, discretion, SnapshotReply::Encoded(reply))).await
    }

    /// What a room shows to people who have its code and have not joined.
    pub async fn peek(&self, room: RoomId) -> Result<Peek, Problem> {
        self.ask(room, Request::Peek).await
    }

    /// How many members of a room have each hue.
    pub async fn hues(&self, room: RoomId) -> Result<[u32; HUES], Problem> {
        self.ask(room, Request::Hues).await
    }

    /// Sends a room a request, and waits for the reply in it.
    async fn ask<T>(
        &self,
        room: RoomId,
        request: impl FnOnce(oneshot::Sender<Result<T, Problem>>) -> Request,
    ) -> Result<T, Problem> {
        let (reply, answer) = oneshot::channel();
        self.send(room, request(reply)).await;
        answer.await.unwrap_or_else(|_| Err(overloaded()))
    }

    /// Closes a member's connections, on every node, because the person has another identity or other preferences. The
    /// clients connect again.
    pub async fn close_connections(&self, room: RoomId, member: MemberId, why: ByeReason) {
        self.send_close_connections(room, member, None, why).await;
    }

    /// The same for a person who continues as another member of the room.
    pub async fn close_connections_continuing_as(&self, room: RoomId, member: MemberId, goes_on_as: Option<MemberId>) {
        self.send_close_connections(room, member, goes_on_as, ByeReason::SignedIn).await;
    }

    async fn send_close_connections(
        &self,
        room: RoomId,
        member: MemberId,
        goes_on_as: Option<MemberId>,
        why: ByeReason,
    ) {
        if let Some(inbox) = self.inbox(room)
            && inbox.send(Request::CloseConnections(member, goes_on_as, why)).await.is_ok()
        {
            return;
        }
        // The room is not live here, and need not start for this: a packet reaches the nodes where it is.
        if self.is_shared() {
            self.publish(room, Packet { node: self.node(), news: News::HangUp { member, goes_on_as, why } }.encode());
        }
    }

    /// Makes every node that has the room live open its log anew: stored events were changed.
    pub async fn reread(&self, room: RoomId) {
        self.send(room, Request::Reread).await;
    }

    /// Makes every node that has the room live open its log. They find that the room was deleted, and notify its
    /// subscribers.
    pub async fn notify_room_deleted(&self, room: RoomId) {
        if let Some(inbox) = self.inbox(room)
            && inbox.send(Request::Reread).await.is_ok()
        {
            // The task also publishes the packet for the other nodes.
            return;
        }
        if self.is_shared() {
            let packet = Packet { node: self.node(), news: News::Reread }.encode();
            if let Err(error) = self.0.bus.publish(room, packet).await {
                tracing::debug!(%room, error = %error.0, "that a room is gone is found out later");
            }
        }
    }

    /// Reports that the member on a connection started or stopped typing.
    pub async fn typing(&self, room: RoomId, connection: ConnectionId, on: bool) {
        self.send(room, Request::Typing(connection, on)).await;
    }

    /// Reports that the member on a connection, which follows the room, has read up to `seq`.
    pub async fn read(&self, room: RoomId, connection: ConnectionId, seq: Seq) {
        if let Some(inbox) = self.inbox(room) {
            let _ = inbox.send(Request::Read(connection, seq)).await;
        }
    }

    /// Raises the version of an account on the bus: something of its own changed (a room came or went, it read
    /// something, it muted). List keepers on every node then read the account's list of rooms again. Runs in the
    /// background; if it fails, the list keepers find the change later.
    pub fn own_state_changed(&self, account: AccountId) {
        let bus = Arc::clone(&self.0.bus);
        self.spawn(async move {
            if let Err(error) = bus.bump_version(account).await {
                tracing::debug!(error = %error.0, "a list of rooms is told later");
            }
        });
    }

    /// Removes a connection from a room that it no longer follows. To the room it is as if the connection had closed.
    pub async fn unsubscribe(&self, room: RoomId, connection: ConnectionId) {
        if let Some(inbox) = self.inbox(room) {
            let _ = inbox.send(Request::Unsubscribe(connection)).await;
        }
    }

    /// Removes a closed connection from all rooms. If it was a guest's last one, the lease is no longer renewed.
    pub async fn disconnect(&self, connection: ConnectionId) {
        let followed = held(&self.0.present).remove_connection(connection);
        for room in followed {
            if let Some(inbox) = self.inbox(room) {
                let _ = inbox.send(Request::Unsubscribe(connection)).await;
            }
        }
    }

    /// Lets every room finish its pending commands, and stops. New commands are refused meanwhile.
    pub async fn drain(&self) {
        // From here on no room starts. `inboxes` holds the senders until the tasks end: a task whose last sender is
        // dropped would stop at once.
        let inboxes: Vec<_> = {
            let mut rooms = held(&self.0.rooms);
            self.0.stopping.cancel();
            rooms.drain().map(|(_, inbox)| inbox).collect()
        };
        for inbox in &inboxes {
            let _ = inbox.send(Request::Drain).await;
        }
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    async fn send(&self, room: RoomId, mut request: Request) {
        loop {
            let Some(inbox) = self.inbox_or_start(room) else { return request.refuse(&overloaded()) };
            match inbox.send(request).await {
                Ok(()) => return,
                // The task retired between the look-up and the send. The next turn starts another one.
                Err(mpsc::error::SendError(unsent)) => {
                    held(&self.0.rooms).retain(|id, known| *id != room || !known.same_channel(&inbox));
                    request = unsent;
                }
            }
        }
    }

    fn inbox_or_start(&self, room: RoomId) -> Option<mpsc::Sender<Request>> {
        let mut rooms = held(&self.0.rooms);
        if self.0.stopping.is_cancelled() {
            return None;
        }
        let inbox = rooms.entry(room).or_insert_with(|| {
            let (sender, inbox) = mpsc::channel(INBOX);
            self.0.tasks.spawn((self.0.run)(self.clone(), room, inbox));
            sender
        });
        Some(inbox.clone())
    }

    pub fn count_live_rooms(&self) -> usize {
        held(&self.0.rooms).len()
    }

    /// The number of requests that wait in the inboxes of live rooms.
    pub fn waiting_requests(&self) -> usize {
        held(&self.0.rooms).values().map(|inbox| inbox.max_capacity() - inbox.capacity()).sum()
    }

    /// Whether the room is live here and keeps its log. `false` for a room that is not live here, whatever its
    /// retention.
    pub fn is_kept(&self, room: RoomId) -> bool {
        held(&self.0.kept).contains(&room)
    }

    pub(super) fn note_retention(&self, room: RoomId, retention: Retention) {
        let mut kept = held(&self.0.kept);
        match retention {
            Retention::Preserved => kept.insert(room),
            Retention::Ephemeral => kept.remove(&room),
        };
    }

    /// The inbox of a room's task, if the room is live here.
    pub(super) fn inbox(&self, room: RoomId) -> Option<mpsc::Sender<Request>> {
        held(&self.0.rooms).get(&room).cloned()
    }

    /// Removes a room that could not be opened from the map.
    pub(super) fn retire(&self, room: RoomId) {
        held(&self.0.rooms).remove(&room);
        held(&self.0.kept).remove(&room);
    }

    /// Removes an idle room from the map, and says whether it did: not if a request waits in the inbox. Requests that
    /// arrive between the removal and the closing of the inbox are sent to a new task.
    pub(super) fn retire_if_idle(&self, room: RoomId, inbox: &mut mpsc::Receiver<Request>) -> bool {
        {
            let mut rooms = held(&self.0.rooms);
            if !inbox.is_empty() {
                return false;
            }
            rooms.remove(&room);
            held(&self.0.kept).remove(&room);
        }
        inbox.close();
        let late: Vec<Request> = std::iter::from_fn(|| inbox.try_recv().ok()).collect();
        if !late.is_empty() {
            let engine = self.clone();
            self.spawn(async move {
                for request in late {
                    engine.send(room, request).await;
                }
            });
        }
        true
    }

    pub(super) fn node(&self) -> Uuid {
        self.0.bus.node()
    }

    pub(super) fn is_shared(&self) -> bool {
        self.0.bus.is_shared()
    }

    pub(super) fn bus(&self) -> &Arc<dyn Bus> {
        &self.0.bus
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    pub(super) fn timing(&self) -> Timing {
        self.0.timing
    }

    pub(super) fn log(&self, room: RoomId) -> Log {
        Log::new(Arc::clone(&self.0.store), Arc::clone(&self.0.bus), room)
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(work);
    }

    /// Sleeps for `pause`, but not longer than the node runs.
    pub(super) async fn rest(&self, pause: Duration) {
        let _ = self.0.stopping.run_until_cancelled(sleep(pause)).await;
    }

    pub(super) fn spawn_until_stopped(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.0.stopping.clone();
        self.0.tasks.spawn(async move {
            let _ = stopping.run_until_cancelled_owned(work).await;
        });
    }

    /// Queues a packet for the bus. Packets are published in the order of the calls, and dropped if the queue is full.
    pub(super) fn publish(&self, room: RoomId, packet: Bytes) {
        if self.0.outgoing.try_send((room, packet)).is_err() {
            metrics::count_dropped_packet();
            tracing::debug!(%room, "packet dropped: the bus is slow or away");
        }
    }

    pub(super) async fn follow(&self, room: RoomId) {
        let (done, holds) = oneshot::channel();
        let _ = self.0.following.send(Following::Start(room, done));
        let _ = timeout(FOLLOW_DEADLINE, holds).await;
    }

    pub(super) fn unfollow(&self, room: RoomId) {
        let _ = self.0.following.send(Following::Stop(room));
    }

    pub(super) async fn drop_tail(&self, room: RoomId, epoch: Epoch, head: Seq) {
        if let Err(error) = self.0.bus.drop_tail(room, epoch, head).await {
            tracing::debug!(%room, error = %error.0, "tail not dropped; it expires");
        }
    }

    /// Who is connected to this node. Locked until the guard is dropped.
    pub(super) fn present(&self) -> MutexGuard<'_, Present> {
        held(&self.0.present)
    }

    /// The instant before which no guest is taken for absent. Locked until the guard is dropped.
    pub(super) fn absences_from(&self) -> MutexGuard<'_, Instant> {
        held(&self.0.absences_from)
    }

    /// The rooms that are live on this node.
    pub(super) fn live_rooms(&self) -> Vec<RoomId> {
        held(&self.0.rooms).keys().copied().collect()
    }

    /// Sends every live room the same request, if its inbox has space.
    pub(super) fn send_to_all(&self, request: impl Fn() -> Request) {
        for inbox in held(&self.0.rooms).values() {
            let _ = inbox.try_send(request());
        }
    }
}

fn snapshot_request(member: MemberRecord, discretion: Discretion, reply: SnapshotReply) -> Request {
    Request::Snapshot(SnapshotRequest { member, discretion, log_reads_left: MAX_LOG_READS, reply })
}
