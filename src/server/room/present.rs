//! Which members are connected to this node, and by which connections. Used for the leases of guests
//! (`leases`).

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    protocol::MemberId,
    server::{
        socket::ConnectionId,
        store::{ActorId, MemberRecord, RoomId},
    },
};

/// Number of remembered guests who ask by HTTP, past which those are dropped who have not asked lately.
const ASKING: usize = 1_024;

/// The members with a connection to this node, found by member or by connection.
#[derive(Default)]
pub struct Present {
    members: HashMap<(RoomId, MemberId), Connected>,
    connections: HashMap<ConnectionId, HashSet<(RoomId, MemberId)>>,
    /// Guests without a connection here who asked by HTTP, and when their lease was last renewed for that.
    asking: HashMap<(RoomId, MemberId), Instant>,
}

#[derive(Default)]
struct Connected {
    connections: HashSet<ConnectionId>,
    /// Whether the member is a guest, whose absence counts. Taken from the newest connection, since a guest may have
    /// become an account after an earlier one.
    is_guest: bool,
}

impl Present {
    /// Adds a connection of a member.
    pub fn add(&mut self, member: &MemberRecord, connection: ConnectionId) {
        let place = (member.room, member.member);
        let connected = self.members.entry(place).or_default();
        connected.connections.insert(connection);
        connected.is_guest = matches!(member.actor, ActorId::Guest(_));
        self.connections.entry(connection).or_default().insert(place);
    }

    /// Removes a connection. Returns the rooms that it followed.
    pub fn remove_connection(&mut self, connection: ConnectionId) -> Vec<RoomId> {
        let followed = self.connections.remove(&connection).unwrap_or_default();
        for place in &followed {
            if let Some(connected) = self.members.get_mut(place) {
                connected.connections.remove(&connection);
                if connected.connections.is_empty() {
                    self.members.remove(place);
                }
            }
        }
        followed.into_iter().map(|(room, _)| room).collect()
    }

    /// Removes a connection that no longer follows a room.
    pub fn remove_from_room(&mut self, room: RoomId, member: MemberId, connection: ConnectionId) {
        let place = (room, member);
        if let Some(followed) = self.connections.get_mut(&connection) {
            followed.remove(&place);
        }
        if let Some(connected) = self.members.get_mut(&place) {
            connected.connections.remove(&connection);
            if connected.connections.is_empty() {
                self.members.remove(&place);
            }
        }
    }

    /// Removes a member who is no longer in the room, whatever connections they have.
    pub fn remove_member(&mut self, room: RoomId, member: MemberId) {
        for connection in self.members.remove(&(room, member)).unwrap_or_default().connections {
            if let Some(followed) = self.connections.get_mut(&connection) {
                followed.remove(&(room, member));
            }
        }
    }

    /// Notes that a guest asked for a room by HTTP. Returns whether their lease should be renewed: not while a
    /// connection has it renewed, and at most once in `pause`.
    pub fn note_http_request(&mut self, room: RoomId, member: MemberId, now: Instant, pause: Duration) -> bool {
        let place = (room, member);
        let is_recent = |at: &Instant| now.duration_since(*at) < pause;
        if self.has_guest(room, member) || self.asking.get(&place).is_some_and(is_recent) {
            return false;
        }
        if self.asking.len() >= ASKING {
            self.asking.retain(|_, at| is_recent(at));
        }
        self.asking.insert(place, now);
        true
    }

    /// Whether the member is a guest with a connection here.
    pub fn has_guest(&self, room: RoomId, member: MemberId) -> bool {
        self.members.get(&(room, member)).is_some_and(|connected| connected.is_guest)
    }

    /// All guests with a connection here.
    pub fn guests(&self) -> Vec<(RoomId, MemberId)> {
        let guests = self.members.iter().filter(|(_, connected)| connected.is_guest);
        guests.map(|(place, _)| *place).collect()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn who_asks_by_http_again_and_again_is_renewed_once_in_a_while() {
        let (room, member) = (RoomId(Uuid::from_u128(1)), MemberId::from_bits(1));
        let (start, pause) = (Instant::now(), Duration::from_secs(20));
        let mut present = Present::default();
        let asks = |present: &mut Present, after| {
            present.note_http_request(room, member, start + Duration::from_secs(after), pause)
        };
        assert!(asks(&mut present, 0));
        assert!(!asks(&mut present, 3));
        assert!(!asks(&mut present, 19));
        assert!(asks(&mut present, 20));
        assert!(!asks(&mut present, 23));
        for other in 0..ASKING as u64 {
            assert!(present.note_http_request(room, MemberId::from_bits(100 + other), start + pause, pause));
        }
        assert!(present.note_http_request(room, MemberId::from_bits(2), start + pause * 9, pause));
        assert_eq!(present.asking.len(), 1, "those who no longer ask are forgotten");
    }
}
