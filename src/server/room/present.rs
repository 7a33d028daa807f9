//! Who is connected to this node.

use std::collections::{HashMap, HashSet};

use crate::{
    protocol::MemberId,
    server::{socket::ConnectionId, store::RoomId},
};

/// Who is connected to this node, both ways round.
#[derive(Default)]
pub struct Present {
    members: HashMap<(RoomId, MemberId), HashSet<ConnectionId>>,
    connections: HashMap<ConnectionId, HashSet<(RoomId, MemberId)>>,
}

impl Present {
    /// A member has one more connection.
    pub fn add(&mut self, room: RoomId, member: MemberId, connection: ConnectionId) {
        self.members.entry((room, member)).or_default().insert(connection);
        self.connections.entry(connection).or_default().insert((room, member));
    }

    /// Gives what the connection followed, and whether that was the member's last connection here.
    pub fn remove_connection(&mut self, connection: ConnectionId) -> Vec<(RoomId, MemberId, bool)> {
        let followed = self.connections.remove(&connection).unwrap_or_default();
        let forget = |(room, member)| {
            let alone =
                self.members.get_mut(&(room, member)).is_none_or(|all| all.remove(&connection) && all.is_empty());
            if alone {
                self.members.remove(&(room, member));
            }
            (room, member, alone)
        };
        followed.into_iter().map(forget).collect()
    }

    /// A member is no longer in the room, whatever connections they have.
    pub fn remove_member(&mut self, room: RoomId, member: MemberId) {
        for connection in self.members.remove(&(room, member)).unwrap_or_default() {
            if let Some(followed) = self.connections.get_mut(&connection) {
                followed.remove(&(room, member));
            }
        }
    }

    /// Whether a member has a connection here.
    pub fn has(&self, room: RoomId, member: MemberId) -> bool {
        self.members.contains_key(&(room, member))
    }

    /// Every member with a connection here.
    pub fn all(&self) -> Vec<(RoomId, MemberId)> {
        self.members.keys().copied().collect()
    }
}
