//! What waits in a live room for the log: requests that need a newer one, packets with events that came during an
//! operation, and subscriptions that need events from the archive.
//!
//! Not here: the pending commands, and what becomes of anything that waits (`following`).

use std::{collections::VecDeque, mem};

use super::super::{
    packet::Packet,
    request::{Request, SnapshotRequest, Subscribe},
};
use crate::{
    protocol::{Problem, Seq},
    server::{metrics::Stopwatch, socket::ConnectionId},
};

/// Archive reads for subscriptions that one room runs at a time.
const REPLAYS: usize = 4;

/// The requests and packets that wait.
#[derive(Default)]
pub struct Waiting {
    /// Requests that need a newer log. They are handled again after every operation.
    requests: Vec<Request>,
    /// Packets with events that came during an operation, to be handled after it, and since when this node has each.
    packets: Vec<(Packet, Stopwatch)>,
    /// Number of archive reads for subscriptions that are under way.
    replays: usize,
    /// Those of them that are still wanted, by connection and the seq to continue after.
    wanted_replays: Vec<(ConnectionId, Seq)>,
    /// Subscriptions that wait for an archive read.
    replay_queue: VecDeque<Subscribe>,
}

impl Waiting {
    /// Keeps a request until the next operation has finished.
    pub fn add(&mut self, request: Request) {
        self.requests.push(request);
    }

    /// Whether requests wait for a newer log.
    pub fn has_requests(&self) -> bool {
        !self.requests.is_empty()
    }

    /// Whether nothing waits that an idle room would have to answer.
    pub fn is_idle(&self) -> bool {
        self.requests.is_empty() && self.replays == 0
    }

    /// The requests that need a newer log, to be handled again.
    pub fn take_requests(&mut self) -> Vec<Request> {
        mem::take(&mut self.requests)
    }

    /// Counts a complete log read for every waiting request.
    pub fn count_log_read(&mut self) {
        for request in &mut self.requests {
            if let Request::Subscribe(Subscribe { log_reads_left, .. })
            | Request::Snapshot(SnapshotRequest { log_reads_left, .. }) = request
            {
                *log_reads_left = log_reads_left.saturating_sub(1);
            }
        }
    }

    /// Refuses the requests that need a newer log, which could not be read.
    pub fn refuse_requests(&mut self, problem: &Problem) {
        for request in self.requests.drain(..) {
            request.refuse(problem);
        }
    }

    /// Keeps a packet with events until the operation under way has finished.
    pub fn add_packet(&mut self, packet: Packet, received: Stopwatch) {
        self.packets.push((packet, received));
    }

    /// The packets with events, in the order in which they came.
    pub fn take_packets(&mut self) -> Vec<(Packet, Stopwatch)> {
        mem::take(&mut self.packets)
    }

    /// Queues a subscription for an archive read. It replaces an earlier one of the same connection, so that a client
    /// that asks again while it waits is answered once.
    pub fn add_replay(&mut self, subscribe: Subscribe) {
        let id = subscribe.connection.id();
        self.replay_queue.retain(|earlier| earlier.connection.id() != id);
        self.replay_queue.push_back(subscribe);
    }

    /// The next subscription whose archive read may begin: a few reads run at a time, because each may read as much as
    /// a resume may have.
    pub fn next_replay(&mut self) -> Option<Subscribe> {
        if self.replays < REPLAYS { self.replay_queue.pop_front() } else { None }
    }

    /// Counts an archive read that begins, for a connection that has everything up to `after`.
    pub fn replay_began(&mut self, id: ConnectionId, after: Seq) {
        self.replays += 1;
        self.wanted_replays.push((id, after));
    }

    /// Counts an archive read that has ended. Returns whether its connection still waits for it, and has not
    /// unsubscribed in the meantime.
    pub fn replay_ended(&mut self, id: ConnectionId, after: Seq) -> bool {
        self.replays -= 1;
        let at = self.wanted_replays.iter().position(|wanted| *wanted == (id, after));
        at.map(|at| self.wanted_replays.swap_remove(at)).is_some()
    }

    /// Refuses the subscriptions whose archive read has not begun.
    pub fn refuse_replays(&mut self, problem: &Problem) {
        for wish in self.replay_queue.drain(..) {
            wish.refuse(problem.clone());
        }
    }

    /// Drops the subscriptions of a connection that no longer follows the room.
    pub fn forget(&mut self, id: ConnectionId) {
        self.requests.retain(|request| !matches!(request, Request::Subscribe(wish) if wish.connection.id() == id));
        self.replay_queue.retain(|wish| wish.connection.id() != id);
        self.wanted_replays.retain(|(wanted_by, _)| *wanted_by != id);
    }
}

#[cfg(test)]
mod tests {
    use tokio::{net::UnixStream, sync::oneshot};
    use uuid::Uuid;

    use super::{
        super::super::{
            packet::News,
            request::{Discretion, MAX_LOG_READS, SnapshotReply},
        },
        *,
    };
    use crate::{
        protocol::{Code, MemberId, Nickname, Person, Snapshot},
        server::{
            random,
            socket::{Connection, Wire},
            store::{ActorId, GuestId, MemberRecord, RoomId},
        },
    };

    fn connection() -> Connection {
        Connection::open(Wire::Pair(UnixStream::pair().unwrap().0))
    }

    fn member() -> MemberRecord {
        let ada = Person { id: MemberId::from_bits(1), name: Nickname::try_from("Ada").unwrap() };
        let guest = ActorId::Guest(GuestId(Uuid::nil()));
        MemberRecord { since: 1, owed: None, ..MemberRecord::new(RoomId(Uuid::nil()), ada, guest, 0) }
    }

    fn subscribe(connection: &Connection) -> Subscribe {
        Subscribe {
            connection: connection.clone(),
            code: random::room_code(),
            member: member(),
            discretion: Discretion::default(),
            resume: None,
            log_reads_left: MAX_LOG_READS,
        }
    }

    fn snapshot() -> (Request, oneshot::Receiver<Result<Snapshot, Problem>>) {
        let (reply, answer) = oneshot::channel();
        let (discretion, reply) = (Discretion::default(), SnapshotReply::Value(reply));
        let wish = SnapshotRequest { member: member(), discretion, log_reads_left: 1, reply };
        (Request::Snapshot(wish), answer)
    }

    #[tokio::test]
    async fn a_log_read_counts_for_each_request_that_waits_and_never_below_none() {
        let mut waiting = Waiting::default();
        waiting.add(Request::Subscribe(subscribe(&connection())));
        waiting.add(snapshot().0);
        waiting.count_log_read();
        waiting.count_log_read();
        let left: Vec<u8> = waiting
            .take_requests()
            .into_iter()
            .map(|request| match request {
                Request::Subscribe(wish) => wish.log_reads_left,
                Request::Snapshot(wish) => wish.log_reads_left,
                other => panic!("{other:?} waits for nothing"),
            })
            .collect();
        assert_eq!(left, [MAX_LOG_READS - 2, 0]);
        assert!(!waiting.has_requests());
    }

    #[tokio::test]
    async fn a_refusal_answers_everything_that_needs_a_newer_log() {
        let (mut waiting, (request, answer)) = (Waiting::default(), snapshot());
        waiting.add(request);
        assert!(waiting.has_requests());
        waiting.refuse_requests(&Problem::new(Code::StoreUnavailable, "The store is away."));
        assert_eq!(answer.await.unwrap().unwrap_err().code, Code::StoreUnavailable);
        assert!(waiting.is_idle());
    }

    #[tokio::test]
    async fn only_a_few_archive_reads_run_at_a_time() {
        let mut waiting = Waiting::default();
        for _ in 0..=REPLAYS {
            waiting.add_replay(subscribe(&connection()));
        }
        let mut began = Vec::new();
        for _ in 0..REPLAYS {
            let id = waiting.next_replay().unwrap().connection.id();
            waiting.replay_began(id, 7);
            began.push(id);
        }
        assert!(waiting.next_replay().is_none());
        assert!(!waiting.is_idle());
        waiting.forget(began[0]);
        assert!(!waiting.replay_ended(began[0], 7), "its connection waits no more");
        assert!(waiting.next_replay().is_some());
        assert!(waiting.next_replay().is_none(), "the queue is empty");
        assert!(waiting.replay_ended(began[1], 7));
        assert!(!waiting.replay_ended(began[2], 8), "it waits from another place on");
    }

    #[tokio::test]
    async fn a_client_that_asks_again_waits_for_one_archive_read() {
        let (mut waiting, first, second) = (Waiting::default(), connection(), connection());
        for connection in [&first, &second, &first] {
            waiting.add_replay(subscribe(connection));
        }
        let order: Vec<ConnectionId> =
            std::iter::from_fn(|| waiting.next_replay()).map(|wish| wish.connection.id()).collect();
        assert_eq!(order, [second.id(), first.id()]);
    }

    #[tokio::test]
    async fn a_connection_that_goes_takes_its_subscriptions_with_it_and_no_others() {
        let (mut waiting, gone, stays) = (Waiting::default(), connection(), connection());
        for connection in [&gone, &stays] {
            waiting.add(Request::Subscribe(subscribe(connection)));
            waiting.add_replay(subscribe(connection));
        }
        waiting.add(snapshot().0);
        waiting.forget(gone.id());
        assert_eq!(waiting.take_requests().len(), 2);
        assert_eq!(waiting.next_replay().map(|wish| wish.connection.id()), Some(stays.id()));
        assert!(waiting.next_replay().is_none());
    }

    #[test]
    fn packets_wait_in_the_order_in_which_they_came() {
        let mut waiting = Waiting::default();
        for n in 1..=3 {
            waiting.add_packet(Packet { node: Uuid::from_u128(n), news: News::Reread }, Stopwatch::default());
        }
        let nodes: Vec<u128> = waiting.take_packets().iter().map(|(packet, _)| packet.node.as_u128()).collect();
        assert_eq!(nodes, [1, 2, 3]);
        assert!(waiting.take_packets().is_empty());
    }
}
