//! The acks of a batch, which are sent together with its events.

use std::collections::HashMap;

use super::super::command::{Done, Reply};
use crate::{
    protocol::ServerFrame,
    server::socket::{Connection, ConnectionId, Frame},
};

/// The acks of a batch by connection.
#[derive(Default)]
pub struct Acks(HashMap<ConnectionId, (Connection, Vec<Frame>)>);

impl Acks {
    /// Keeps the ack of a socket until the frames are sent. Any other reply is sent at once.
    pub fn note(&mut self, reply: Reply, done: Done) {
        match reply {
            Reply::Socket { connection, code, id, .. } => {
                let Done { seq, at } = done;
                let ack = Frame::of(&ServerFrame::Ack { code, id, seq, at });
                self.0.entry(connection.id()).or_insert_with(|| (connection, Vec::new())).1.push(ack);
            }
            other => other.send(Ok(done)),
        }
    }

    /// Removes the acks of one connection. `None` if it has none.
    pub fn take(&mut self, id: ConnectionId) -> Option<Vec<Frame>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.remove(&id).map(|(_, acks)| acks)
    }

    /// Sends the acks of connections that do not follow the room (any more).
    pub fn send_rest(self) {
        for (connection, acks) in self.0.into_values() {
            connection.answer_with(&Frame::together(&acks));
        }
    }
}
