//! Who is connected to this node.

use std::collections::{HashMap, HashSet};

use crate::{
    protocol::MemberId,
    server::{
        socket::ConnectionId,
        store::{ActorId, MemberRecord, RoomId},
    },
};

/// Who is connected to this node, both ways round.
#[derive(Default)]
pub struct Present {
    members: HashMap<(RoomId, MemberId), Connected>,
    connections: HashMap<ConnectionId, HashSet<(RoomId, MemberId)>>,
}

#[derive(Default)]
struct Connected {
    connections: HashSet<ConnectionId>,
    /// A guest's absence counts. As of the last connection: a guest may have become an account since the one before.
    is_guest: bool,
}

/// Whom a connection that ended leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// A guest without another connection here.
    GuestAlone,
    /// An account, or a guest with another connection.
    Other,
}

impl Present {
    /// A member has one more connection.
    pub fn add(&mut self, member: &MemberRecord, connection: ConnectionId) {
        let place = (member.room, member.member);
        let connected = self.members.entry(place).or_default();
        connected.connections.insert(connection);
        connected.is_guest = matches!(member.actor, ActorId::Guest(_));
        self.connections.entry(connection).or_default().insert(place);
    }

    /// Gives what the connection followed, and whom it leaves behind there.
    pub fn remove_connection(&mut self, connection: ConnectionId) -> Vec<(RoomId, MemberId, Left)> {
        let followed = self.connections.remove(&connection).unwrap_or_default();
        let forget = |(room, member)| {
            let Some(connected) = self.members.get_mut(&(room, member)) else { return (room, member, Left::Other) };
            connected.connections.remove(&connection);
            let (alone, is_guest) = (connected.connections.is_empty(), connected.is_guest);
            if alone {
                self.members.remove(&(room, member));
            }
            (room, member, if alone && is_guest { Left::GuestAlone } else { Left::Other })
        };
        followed.into_iter().map(forget).collect()
    }

    /// A member is no longer in the room, whatever connections they have.
    pub fn remove_member(&mut self, room: RoomId, member: MemberId) {
        for connection in self.members.remove(&(room, member)).unwrap_or_default().connections {
            if let Some(followed) = self.connections.get_mut(&connection) {
                followed.remove(&(room, member));
            }
        }
    }

    /// Whether a member is a guest with a connection here.
    pub fn has_guest(&self, room: RoomId, member: MemberId) -> bool {
        self.members.get(&(room, member)).is_some_and(|connected| connected.is_guest)
    }

    /// Every guest with a connection here.
    pub fn guests(&self) -> Vec<(RoomId, MemberId)> {
        let guests = self.members.iter().filter(|(_, connected)| connected.is_guest);
        guests.map(|(place, _)| *place).collect()
    }
}
