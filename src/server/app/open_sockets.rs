//! Open sockets: how many sockets and streams each person and each client has on this node.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::networks::{Counted, Counts};
use crate::{
    protocol::ByeReason,
    server::{socket::Connection, store::ActorId},
};

/// The maximum number of sockets of a guest: enough for their tabs and devices.
const OF_GUEST: usize = 10;
/// The maximum number of sockets of an account.
const OF_ACCOUNT: usize = 50;
/// The maximum number of streams of a person, which also count as sockets. A browser has six connections for one host,
/// and each stream occupies one. The others are for what the pages post, and for everything else.
const STREAMS: usize = 4;
/// The maximum number of sockets of one client. A school behind one address fits.
const OF_CLIENT: usize = 1_000;

/// The sockets of a node by client and by person. Cloning is cheap.
#[derive(Clone)]
pub struct OpenSockets {
    clients: Counts,
    /// The sockets of each person, oldest first.
    held: Arc<Mutex<HashMap<ActorId, VecDeque<Held>>>>,
}

/// How a client is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a WebSocket.
    Socket,
    /// By Server-Sent Events and posts.
    Stream,
}

struct Held {
    connection: Connection,
    way: Way,
}

/// A socket that counts for its person until this is dropped.
pub struct OpenSocket {
    sockets: OpenSockets,
    actor: ActorId,
    connection: Connection,
}

impl Default for OpenSockets {
    fn default() -> Self {
        Self { clients: Counts::up_to(OF_CLIENT), held: Arc::default() }
    }
}

impl OpenSockets {
    /// Counts one more socket of a client. Returns `None` if the client has reached its limit.
    pub fn admit(&self, client: IpAddr) -> Option<Counted> {
        self.clients.take(client)
    }

    /// Adds a socket or a stream of a person. Beyond a limit the person's oldest is closed, since people look at their
    /// newest page.
    pub fn hold(&self, actor: ActorId, connection: &Connection, way: Way) -> OpenSocket {
        let limit = match actor {
            ActorId::Guest(_) => OF_GUEST,
            ActorId::Account(_) => OF_ACCOUNT,
        };
        let mut held = self.held();
        let theirs = held.entry(actor).or_default();
        theirs.push_back(Held { connection: connection.clone(), way });
        // The oldest is removed from the list at once. It may stay open for a moment, and must not cause a second one
        // to be closed.
        let oldest = if theirs.iter().filter(|held| held.way == Way::Stream).count() > STREAMS {
            theirs.iter().position(|held| held.way == Way::Stream).and_then(|at| theirs.remove(at))
        } else if theirs.len() > limit {
            theirs.pop_front()
        } else {
            None
        };
        drop(held);
        if let Some(Held { connection, .. }) = oldest {
            connection.end(Some(ByeReason::TooManySockets));
        }
        OpenSocket { sockets: self.clone(), actor, connection: connection.clone() }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<ActorId, VecDeque<Held>>> {
        // Each change leaves the map consistent, so a panic of another holder does no harm.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        let mut held = self.sockets.held();
        if let Some(theirs) = held.get_mut(&self.actor) {
            theirs.retain(|held| held.connection.id() != self.connection.id());
            if theirs.is_empty() {
                held.remove(&self.actor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::server::{
        socket::Wire,
        store::{AccountId, GuestId},
    };

    fn connection() -> Connection {
        Connection::open(Wire::Pair(tokio::net::UnixStream::pair().unwrap().0))
    }

    #[tokio::test]
    async fn of_too_many_sockets_of_a_person_the_oldest_goes_and_nobody_elses() {
        let sockets = OpenSockets::default();
        let [guest, other] = [1, 2].map(|id| ActorId::Guest(GuestId(Uuid::from_u128(id))));
        let account = ActorId::Account(AccountId(Uuid::from_u128(1)));
        let others = connection();
        let _other = sockets.hold(other, &others, Way::Socket);
        for (actor, limit) in [(guest, OF_GUEST), (account, OF_ACCOUNT)] {
            let connections: Vec<Connection> = (0..limit + 2).map(|_| connection()).collect();
            let mut held: Vec<OpenSocket> =
                connections.iter().map(|one| sockets.hold(actor, one, Way::Socket)).collect();
            let closed: Vec<bool> = connections.iter().map(Connection::is_closed).collect();
            assert!(closed[..2].iter().all(|closed| *closed) && closed[2..].iter().all(|closed| !closed));
            assert_eq!(connections[0].keep_writing().await, Some(ByeReason::TooManySockets));
            held.pop();
            let newest = connection();
            held.push(sockets.hold(actor, &newest, Way::Socket));
            assert!(!connections[2].is_closed(), "one that is gone makes room");
        }
        assert!(!others.is_closed());
        assert_eq!(sockets.held().len(), 1, "who has none is forgotten");
    }

    #[tokio::test]
    async fn of_too_many_streams_of_a_person_the_oldest_goes_and_its_sockets_stay() {
        let (sockets, guest) = (OpenSockets::default(), ActorId::Guest(GuestId(Uuid::from_u128(1))));
        let socket = connection();
        let mut held = vec![sockets.hold(guest, &socket, Way::Socket)];
        let streams: Vec<Connection> = (0..=STREAMS).map(|_| connection()).collect();
        held.extend(streams.iter().map(|one| sockets.hold(guest, one, Way::Stream)));
        let closed: Vec<bool> = streams.iter().map(Connection::is_closed).collect();
        assert!(closed[0] && closed[1..].iter().all(|closed| !closed));
        assert!(!socket.is_closed());
    }

    #[test]
    fn a_client_has_as_many_sockets_as_a_school_and_no_more() {
        let sockets = OpenSockets::default();
        let [client, other] = [1, 2].map(|n| IpAddr::from([203, 0, 113, n]));
        let mut held: Vec<Counted> = (0..OF_CLIENT).map(|_| sockets.admit(client).unwrap()).collect();
        assert!(sockets.admit(client).is_none());
        assert!(sockets.admit(other).is_some());
        held.pop();
        assert!(sockets.admit(client).is_some());
    }
}
