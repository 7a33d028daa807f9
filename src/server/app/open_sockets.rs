//! Open sockets: how many sockets each person and each client has on this node.

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
/// The maximum number of sockets of one client. A school behind one address fits.
const OF_CLIENT: usize = 1_000;

/// The sockets of a node by client and by person. Cloning is cheap.
#[derive(Clone)]
pub struct OpenSockets {
    clients: Counts,
    /// The sockets of each person, oldest first.
    held: Arc<Mutex<HashMap<ActorId, VecDeque<Connection>>>>,
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

    /// Adds a socket of a person. Beyond the limit the person's oldest socket is closed, since people look at their
    /// newest page.
    pub fn hold(&self, actor: ActorId, connection: &Connection) -> OpenSocket {
        let limit = match actor {
            ActorId::Guest(_) => OF_GUEST,
            ActorId::Account(_) => OF_ACCOUNT,
        };
        let mut held = self.held();
        let theirs = held.entry(actor).or_default();
        theirs.push_back(connection.clone());
        let too_many = theirs.len().saturating_sub(limit);
        // The oldest is removed from the list at once. It may stay open for a moment, and must not cause a second one
        // to be closed.
        let oldest: Vec<Connection> = theirs.drain(..too_many).collect();
        drop(held);
        for connection in &oldest {
            connection.end(Some(ByeReason::TooManySockets));
        }
        OpenSocket { sockets: self.clone(), actor, connection: connection.clone() }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<ActorId, VecDeque<Connection>>> {
        // Each change leaves the map consistent, so a panic of another holder does no harm.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        let mut held = self.sockets.held();
        if let Some(theirs) = held.get_mut(&self.actor) {
            theirs.retain(|connection| connection.id() != self.connection.id());
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
        let _other = sockets.hold(other, &others);
        for (actor, limit) in [(guest, OF_GUEST), (account, OF_ACCOUNT)] {
            let connections: Vec<Connection> = (0..limit + 2).map(|_| connection()).collect();
            let mut held: Vec<OpenSocket> = connections.iter().map(|one| sockets.hold(actor, one)).collect();
            let closed: Vec<bool> = connections.iter().map(Connection::is_closed).collect();
            assert!(closed[..2].iter().all(|closed| *closed) && closed[2..].iter().all(|closed| !closed));
            assert_eq!(connections[0].keep_writing().await, Some(ByeReason::TooManySockets));
            held.pop();
            let newest = connection();
            held.push(sockets.hold(actor, &newest));
            assert!(!connections[2].is_closed(), "one that is gone makes room");
        }
        assert!(!others.is_closed());
        assert_eq!(sockets.held().len(), 1, "who has none is forgotten");
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
