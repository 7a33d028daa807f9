//! Session sockets: the sockets of this node, by the session that authenticates them. When a session ends, its sockets
//! are closed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    protocol::ByeReason,
    server::{socket::Connection, store::SessionId},
};

/// The sockets of a node by session. Cloning is cheap.
#[derive(Clone, Default)]
pub struct SessionSockets(Arc<Mutex<HashMap<SessionId, Vec<Connection>>>>);

/// A socket's entry in the list. Dropping it removes the entry.
pub struct SessionSocket {
    sockets: SessionSockets,
    session: SessionId,
    connection: Connection,
}

impl SessionSockets {
    pub fn register(&self, session: SessionId, connection: &Connection) -> SessionSocket {
        self.held().entry(session).or_default().push(connection.clone());
        SessionSocket { sockets: self.clone(), session, connection: connection.clone() }
    }

    /// The sessions that have sockets.
    pub fn sessions(&self) -> Vec<SessionId> {
        self.held().keys().copied().collect()
    }

    /// Closes the sockets of sessions that have ended.
    pub fn close_sessions(&self, ended: &[SessionId]) {
        let held = self.held();
        for connection in ended.iter().filter_map(|session| held.get(session)).flatten() {
            connection.end(Some(ByeReason::SignedOut));
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<SessionId, Vec<Connection>>> {
        // Each change leaves the map consistent, so a panic of another holder does no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SessionSocket {
    fn drop(&mut self) {
        let mut held = self.sockets.held();
        if let Some(connections) = held.get_mut(&self.session) {
            connections.retain(|connection| connection.id() != self.connection.id());
            if connections.is_empty() {
                held.remove(&self.session);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::server::socket::Wire;

    #[tokio::test]
    async fn a_session_that_ends_takes_its_sockets_with_it_and_no_others() {
        let [one, two] = [1, 2].map(|n| SessionId(Uuid::from_u128(n)));
        let connection = || Connection::open(Wire::Pair(tokio::net::UnixStream::pair().unwrap().0));
        let (sockets, first, second, third) = (SessionSockets::default(), connection(), connection(), connection());
        let held = sockets.register(one, &first);
        let gone = sockets.register(one, &second);
        let _third = sockets.register(two, &third);
        drop(gone);
        sockets.close_sessions(&[one]);
        assert_eq!((first.is_closed(), second.is_closed(), third.is_closed()), (true, false, false));
        assert_eq!(first.keep_writing().await, Some(ByeReason::SignedOut));
        drop(held);
        assert_eq!(sockets.sessions(), [two]);
    }
}
