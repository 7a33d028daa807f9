//! The rooms that the page has in memory: the one in front, and rooms that were in front before.
//!
//! The room in front is followed: it is subscribed to, and typing, presence and read marks concern it alone. A room
//! that is left is followed until the server has answered all its messages, and after that only kept in memory. Coming
//! back resumes it from its last event. At most [`MAX_ROOMS`] rooms are kept. The one that was in front the longest
//! time ago is dropped first, and the tab has stored its outbox (`room::stored`).

use crate::protocol::{RoomCode, ServerFrame, Snapshot};

use super::{
    act::Act,
    room::{Ending, LocalRoom, ToStore},
};

/// The maximum number of rooms in memory.
pub const MAX_ROOMS: usize = 8;

/// The rooms in memory.
#[derive(Debug, Default)]
pub struct LocalRooms {
    /// The rooms, the last one that came to the front first. A `Vec`, because there are few.
    rooms: Vec<LocalRoom>,
    /// The room that the page shows, if it shows one.
    front: Option<RoomCode>,
    /// The outboxes of rooms that were dropped and not stored yet.
    dropped: Vec<ToStore>,
}

impl LocalRooms {
    /// The code of the room in front.
    pub fn front_code(&self) -> Option<RoomCode> {
        self.front
    }

    /// The room in front.
    pub fn front(&self) -> Option<&LocalRoom> {
        self.get(self.front?)
    }

    /// The room with this code, if it is in memory.
    pub fn get(&self, code: RoomCode) -> Option<&LocalRoom> {
        self.rooms.iter().find(|room| room.code() == code)
    }

    /// The room with this code, to change it.
    pub fn get_mut(&mut self, code: RoomCode) -> Option<&mut LocalRoom> {
        self.rooms.iter_mut().find(|room| room.code() == code)
    }

    /// The number of rooms in memory.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Puts a room into memory. A room that is there already stays as it is, because it has the outbox and resumes from
    /// its last event. It is replaced if it has ended or belongs to another member.
    pub fn add(&mut self, room: LocalRoom) {
        let is_same = |known: &LocalRoom| {
            known.ending().is_none() && known.replica().you.member_id == room.replica().you.member_id
        };
        match self.rooms.iter_mut().find(|known| known.code() == room.code()) {
            Some(known) if is_same(known) => {}
            Some(known) => *known = room,
            None => self.rooms.push(room),
        }
    }

    /// Brings a room to the front, leaves the one that was there, and drops what is too much.
    pub fn bring_to_front(&mut self, code: RoomCode) -> Vec<Act> {
        let Some(at) = self.rooms.iter().position(|room| room.code() == code) else { return Vec::new() };
        self.rooms[..=at].rotate_right(1);
        let before = self.front.replace(code).filter(|before| *before != code);
        let mut acts = before.map(|before| self.leave(before)).unwrap_or_default();
        acts.extend(self.drop_excess());
        acts
    }

    /// The room is not in front any more. A room that has ended is dropped.
    pub fn leave(&mut self, code: RoomCode) -> Vec<Act> {
        if self.front == Some(code) {
            self.front = None;
        }
        let Some(at) = self.rooms.iter().position(|room| room.code() == code) else { return Vec::new() };
        if self.rooms[at].ending().is_some() { self.drop_at(at) } else { self.rooms[at].leave() }
    }

    /// Drops rooms until [`MAX_ROOMS`] are left. Rooms with unanswered messages go last, the room in front never.
    fn drop_excess(&mut self) -> Vec<Act> {
        let mut acts = Vec::new();
        while self.rooms.len() > MAX_ROOMS {
            let settled = self.rooms.iter().skip(1).rposition(LocalRoom::has_settled);
            acts.extend(self.drop_at(settled.map_or(self.rooms.len() - 1, |at| at + 1)));
        }
        acts
    }

    fn drop_at(&mut self, at: usize) -> Vec<Act> {
        let mut room = self.rooms.remove(at);
        self.dropped.extend(room.take_to_store());
        if room.is_subscribed() { vec![Act::Unfollow(room.code())] } else { Vec::new() }
    }

    /// Whether the room needs a connection: the one in front, and one with messages that are not answered.
    fn needs_connection(&self, room: &LocalRoom) -> bool {
        room.ending().is_none() && (Some(room.code()) == self.front || !room.has_settled())
    }

    /// Whether any room needs a connection.
    pub fn need_connection(&self) -> bool {
        self.rooms.iter().any(|room| self.needs_connection(room))
    }

    /// The socket is open: subscribes to the rooms that need it, the one in front first.
    pub fn opened(&mut self, now: u64) -> Vec<Act> {
        let codes: Vec<RoomCode> =
            self.rooms.iter().filter(|room| self.needs_connection(room)).map(LocalRoom::code).collect();
        codes.into_iter().filter_map(|code| Some(self.get_mut(code)?.opened(now))).flatten().collect()
    }

    /// Subscribes to a room over an open socket, if it needs that and is not subscribed to yet.
    pub fn follow(&mut self, code: RoomCode, now: u64) -> Vec<Act> {
        let is_wanted = self.get(code).is_some_and(|room| !room.is_subscribed() && self.needs_connection(room));
        self.get_mut(code).filter(|_| is_wanted).map(|room| room.opened(now)).unwrap_or_default()
    }

    /// Stops following the rooms behind the front whose messages are all answered.
    pub fn unfollow_settled(&mut self) -> Vec<Act> {
        let front = self.front;
        let settled = |room: &&mut LocalRoom| Some(room.code()) != front && room.is_followed() && room.has_settled();
        let unfollow = |room: &mut LocalRoom| {
            room.unfollow();
            Act::Unfollow(room.code())
        };
        self.rooms.iter_mut().filter(settled).map(unfollow).collect()
    }

    /// The connection is lost.
    pub fn lost(&mut self) {
        self.rooms.iter_mut().for_each(LocalRoom::lost);
    }

    /// Passes a snapshot that was fetched over HTTP to its room, if that is still wanted.
    pub fn fetched(&mut self, snapshot: Snapshot, now: u64) -> Vec<Act> {
        let code = snapshot.room.code;
        let is_wanted = self.get(code).is_some_and(|room| self.needs_connection(room));
        self.get_mut(code).filter(|_| is_wanted).map(|room| room.room_fetched(snapshot, now)).unwrap_or_default()
    }

    /// HTTP does not work.
    pub fn http_fails(&mut self) {
        self.rooms.iter_mut().for_each(LocalRoom::http_fails);
    }

    /// Ends one room, because the person is not in it.
    pub fn end_one(&mut self, code: RoomCode) {
        if let Some(room) = self.get_mut(code) {
            room.end(Ending::Outside);
        }
    }

    /// Ends all rooms, because the session of this page is over.
    pub fn end(&mut self) {
        self.rooms.iter_mut().for_each(|room| room.end(Ending::Outside));
    }

    /// Passes a frame to its room. An error that names no room is about the room of its message, or else about the one
    /// in front. Frames of other rooms are ignored, because resuming sends their events again.
    pub fn received(&mut self, frame: ServerFrame, now: u64) -> Vec<Act> {
        let code = match &frame {
            ServerFrame::Snapshot { code, .. }
            | ServerFrame::Resumed { code, .. }
            | ServerFrame::Reset { code, .. }
            | ServerFrame::Event { code, .. }
            | ServerFrame::Ack { code, .. }
            | ServerFrame::Signal { code, .. }
            | ServerFrame::Error { room: Some(code), .. } => Some(*code),
            ServerFrame::Error { id, .. } => {
                let author = |room: &&LocalRoom| room.replica().outbox.iter().any(|draft| Some(draft.id) == *id);
                self.rooms.iter().find(author).map(LocalRoom::code).or(self.front)
            }
            ServerFrame::Hello { .. }
            | ServerFrame::Rooms { .. }
            | ServerFrame::Summary { .. }
            | ServerFrame::Pong { .. }
            | ServerFrame::Bye { .. }
            | ServerFrame::Other => None,
        };
        let room = code.and_then(|code| self.get_mut(code)).filter(|room| room.is_subscribed());
        room.map(|room| room.received(frame, now)).unwrap_or_default()
    }

    /// When to call [`LocalRooms::tick`] next.
    pub fn due(&self) -> Option<u64> {
        self.rooms.iter().filter_map(LocalRoom::due).min()
    }

    /// Runs everything whose time has come.
    pub fn tick(&mut self, now: u64) -> Vec<Act> {
        self.rooms.iter_mut().flat_map(|room| room.tick(now)).collect()
    }

    /// Whether every message of this page is in a timeline.
    pub fn have_sent_all(&self) -> bool {
        self.rooms.iter().all(|room| room.replica().outbox.is_empty())
    }

    /// Whether the device's copy of a room may be out of date.
    pub fn are_unkept(&self) -> bool {
        self.rooms.iter().any(LocalRoom::is_unkept)
    }

    /// Lets the copies of the rooms that are live be made again.
    pub fn touch_kept(&mut self) {
        self.rooms.iter_mut().for_each(LocalRoom::touch_kept);
    }

    /// Returns the copies that the device has to keep.
    pub fn take_to_keep(&mut self) -> Vec<Snapshot> {
        self.rooms.iter_mut().filter_map(LocalRoom::take_to_keep).collect()
    }

    /// Returns what has to be stored since the last call.
    pub fn take_to_store(&mut self) -> Vec<ToStore> {
        let mut all = std::mem::take(&mut self.dropped);
        all.extend(self.rooms.iter_mut().filter_map(LocalRoom::take_to_store));
        all
    }
}
