//! The whole state of a page: the connection, the rooms in memory, and the list of an account's rooms.
//!
//! [`Client::step`] takes what happened ([`Input`]), passes it to the connection, the rooms or the list, and collects
//! their [`Act`]s. After a step it serves what the rooms and the list want of the connection: a new one, or none
//! because nothing needs it. `PageSocket` owns the client, calls it, and performs the acts.

use crate::protocol::{ByeReason, Code, Problem, RoomCode, ServerFrame, Snapshot};

use super::{
    act::{Act, Status},
    connection::Connection,
    input::{Input, RoomInput},
    list::RoomList,
    room::{LocalRoom, ToStore},
    rooms::LocalRooms,
};

/// The state of a page. It decides only what concerns more than one of its parts.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    /// The rooms in memory.
    rooms: LocalRooms,
    /// The list of rooms, if an account is logged in.
    list: Option<RoomList>,
    /// Whether the page may connect.
    started: bool,
}

/// Whether a refusal means that the person is not in the room, or that nobody is logged in.
fn is_outside(code: Code) -> bool {
    matches!(code, Code::RoomUnavailable | Code::NotAMember | Code::NoSession | Code::NotLoggedIn | Code::Removed)
}

impl Client {
    /// A page without rooms and without a list, which is not connected. `jitter` is a source of random numbers from 0
    /// to 1, for waits.
    pub fn new(jitter: fn() -> f64) -> Self {
        Self { connection: Connection::new(jitter), rooms: LocalRooms::default(), list: None, started: false }
    }

    /// Puts a room into memory, unless it is there already. [`Input::RoomShown`] brings it to the front.
    pub fn add_room(&mut self, room: LocalRoom) {
        self.rooms.add(room);
    }

    /// Follows this list.
    pub fn set_list(&mut self, list: RoomList) {
        self.list = Some(list);
    }

    /// The room with this code, if it is in memory.
    pub fn room(&self, code: RoomCode) -> Option<&LocalRoom> {
        self.rooms.get(code)
    }

    /// The room with this code, for changes that need no connection and no time.
    pub fn room_mut(&mut self, code: RoomCode) -> Option<&mut LocalRoom> {
        self.rooms.get_mut(code)
    }

    /// The code of the room in front.
    pub fn front(&self) -> Option<RoomCode> {
        self.rooms.front_code()
    }

    /// The list of rooms, if an account is logged in.
    pub fn list_mut(&mut self) -> Option<&mut RoomList> {
        self.list.as_mut()
    }

    /// The number of rooms in memory.
    #[cfg(test)]
    pub fn room_count(&self) -> usize {
        self.rooms.len()
    }

    /// Whether every message of this page is in a timeline.
    pub fn has_sent_all(&self) -> bool {
        self.rooms.have_sent_all()
    }

    /// Whether the device's copy of a room or of the list may be out of date.
    pub fn is_unkept(&self) -> bool {
        self.rooms.are_unkept() || self.list.as_ref().is_some_and(RoomList::is_unkept)
    }

    /// Lets the device's copies of all that is live be made again, so that they say when the last contact was.
    pub fn touch_kept(&mut self) {
        self.rooms.touch_kept();
        self.list.iter_mut().for_each(RoomList::touch_kept);
    }

    /// Returns the copies of rooms that the device has to keep.
    pub fn take_to_keep(&mut self) -> Vec<Snapshot> {
        self.rooms.take_to_keep()
    }

    /// Returns what has to be stored since the last call.
    pub fn take_to_store(&mut self) -> Vec<ToStore> {
        self.rooms.take_to_store()
    }

    /// When to pass [`Input::TimePassed`] next.
    pub fn due(&self) -> Option<u64> {
        let list = self.list.as_ref().and_then(RoomList::due);
        [self.connection.due(), self.rooms.due(), list].into_iter().flatten().min()
    }

    /// The state of the connection for a reader of the room in front; for a reader of the list if there is no room.
    pub fn status(&self) -> Status {
        match (self.rooms.front(), self.connection.status()) {
            (Some(room), _) if room.ending().is_some() => Status::Ended,
            (Some(room), Status::Blocked) if room.is_live() => Status::Blocked,
            (Some(room), _) if room.is_live() => Status::Live,
            (Some(_), Status::Live) => Status::Connecting,
            (_, status) => status,
        }
    }

    /// Takes in what happened, and returns what the browser has to do.
    pub fn step(&mut self, input: Input, now: u64) -> Vec<Act> {
        let acts = match input {
            Input::Started { online } => {
                self.started = true;
                return vec![self.connection.start(online, now)];
            }
            Input::Opened => return self.opened(now),
            Input::Closed => {
                let acts = self.connection.closed(now);
                return self.notify_if_lost(acts);
            }
            Input::WentOffline => {
                let acts = self.connection.went_offline(now);
                return self.notify_if_lost(acts);
            }
            Input::CameOnline => return self.connection.came_online(now),
            Input::Woke => return self.connection.woke(now),
            Input::Rejoined { code, outcome } => return self.rejoined(code, outcome, now),
            Input::InList(input) => {
                if let Some(list) = &mut self.list {
                    list.take_in(input, now);
                }
                return Vec::new();
            }
            Input::Received(frame) => {
                self.connection.heard(now);
                if !self.connection.is_open() {
                    return Vec::new();
                }
                match *frame {
                    ServerFrame::Bye { reason: ByeReason::SignedOut, .. } => {
                        self.end();
                        Vec::new()
                    }
                    ServerFrame::Bye { reason, retry_after_ms } => {
                        let until = now + retry_after_ms;
                        let act = match reason {
                            ByeReason::Renew => self.connection.renewed(until),
                            _ => self.connection.dismissed(until),
                        };
                        return self.notify_if_lost(vec![act]);
                    }
                    frame => self.received(frame, now),
                }
            }
            Input::TimePassed => {
                let acts = self.connection.tick(now);
                let mut acts = self.notify_if_lost(acts);
                acts.extend(self.list.as_mut().and_then(|list| list.tick(now)));
                acts.extend(self.rooms.tick(now));
                acts
            }
            Input::Fetched { code, answer } => self.fetched(code, answer, now),
            Input::Posted { code, id, outcome } => {
                self.rooms.get_mut(code).map(|room| room.posted(id, outcome, now)).unwrap_or_default()
            }
            Input::RoomShown(code) => self.show_room(code, now),
            Input::RoomLeft(code) => {
                let acts = self.rooms.leave(code);
                self.update_current();
                acts
            }
            // Typing and reading happen in front only.
            Input::InRoom(code, RoomInput::Press | RoomInput::Look(_)) if self.front() != Some(code) => Vec::new(),
            Input::InRoom(code, input) => {
                self.rooms.get_mut(code).map(|room| room.take_in(input, now)).unwrap_or_default()
            }
        };
        self.finish_step(acts, now)
    }

    /// The socket is open: the rooms and the list send their requests (`subscribe`, `watch`).
    fn opened(&mut self, now: u64) -> Vec<Act> {
        if !self.connection.opened(now) {
            return Vec::new();
        }
        let mut acts = self.rooms.opened(now);
        acts.extend(self.list.as_mut().map(RoomList::opened));
        acts
    }

    /// Passes a frame to the list or to its room.
    fn received(&mut self, frame: ServerFrame, now: u64) -> Vec<Act> {
        match (frame, &mut self.list) {
            (ServerFrame::Rooms { rooms }, Some(list)) => {
                list.replace(rooms, now);
                Vec::new()
            }
            (ServerFrame::Summary { room }, Some(list)) => {
                list.change(*room, now);
                Vec::new()
            }
            // An error about a room names the room. This one has neither a room nor a message, so it answers the
            // `watch` of the list.
            (ServerFrame::Error { code, detail, id: None, room: None, retry_after_ms, .. }, Some(list))
                if !list.is_here() =>
            {
                list.refused(&Problem { retry_after_ms, ..Problem::new(code, detail) }, now)
            }
            (frame, _) => self.rooms.received(frame, now),
        }
    }

    /// Takes in the answer to [`Act::FetchRoom`].
    fn fetched(
        &mut self,
        code: Option<RoomCode>,
        answer: Result<Option<Box<Snapshot>>, Problem>,
        now: u64,
    ) -> Vec<Act> {
        match answer {
            Ok(inside) => {
                // HTTP works. If there is no connection, something in between does not let it through.
                self.connection.set_blocked(!self.connection.is_open() && !self.connection.is_resting());
                return inside.map(|inside| self.rooms.fetched(*inside, now)).unwrap_or_default();
            }
            Err(problem) if is_outside(problem.code) => match code {
                // The answer is late: another room came to the front.
                Some(code) if self.front() != Some(code) => self.rooms.end_one(code),
                _ => self.end(),
            },
            // The server cannot be reached over HTTP either. The next attempt to connect will show whether it is back.
            Err(_) => {
                self.connection.set_blocked(false);
                self.rooms.http_fails();
            }
        }
        Vec::new()
    }

    /// Takes in the result of [`Act::Rejoin`].
    fn rejoined(&mut self, code: RoomCode, outcome: Result<(), Problem>, now: u64) -> Vec<Act> {
        let is_back = self.rooms.get_mut(code).is_some_and(|room| room.rejoined(outcome));
        if is_back { self.follow(code, now) } else { Vec::new() }
    }

    /// Brings a room in memory to the front, and follows it.
    fn show_room(&mut self, code: RoomCode, now: u64) -> Vec<Act> {
        let mut acts = self.rooms.bring_to_front(code);
        self.update_current();
        acts.extend(self.follow(code, now));
        acts
    }

    /// Follows a room: over the open socket, or over a new one if there is none.
    fn follow(&mut self, code: RoomCode, now: u64) -> Vec<Act> {
        if self.connection.is_open() {
            self.rooms.follow(code, now)
        } else if self.started && self.connection.is_resting() && self.rooms.need_connection() {
            vec![self.connection.open(now)]
        } else {
            Vec::new()
        }
    }

    /// Informs the list which room is in front.
    fn update_current(&mut self) {
        let front = self.front();
        if let Some(list) = &mut self.list {
            list.set_current(front);
        }
    }

    /// Ends a step. Carries out an [`Act::Renew`], stops following rooms that are left, closes the connection if
    /// nothing needs it any more, and marks it as settled once the room in front (or, without one, the list) has caught
    /// up.
    fn finish_step(&mut self, mut acts: Vec<Act>, now: u64) -> Vec<Act> {
        let renewal = |act: &Act| if let Act::Renew(not_before) = act { Some(*not_before) } else { None };
        if let Some(not_before) = acts.iter().find_map(renewal) {
            acts.retain(|act| renewal(act).is_none());
            acts.extend(self.connection.renew(not_before, now));
            return self.notify_if_lost(acts);
        }
        acts.extend(self.rooms.unfollow_settled());
        let list_left = self.list.as_ref().is_some_and(|list| !list.is_logged_out());
        if !self.rooms.need_connection() && !list_left && !self.connection.is_resting() {
            acts.insert(0, self.connection.rest());
        }
        let front = self.rooms.front();
        let list_here = self.list.as_ref().is_none_or(RoomList::is_here);
        if front.map_or(list_here, |room| room.is_live() || room.ending().is_some()) {
            self.connection.settle(now);
        }
        acts
    }

    /// Informs the rooms and the list if the connection is lost.
    fn notify_if_lost(&mut self, acts: Vec<Act>) -> Vec<Act> {
        if !self.connection.is_open() {
            self.rooms.lost();
            self.list.iter_mut().for_each(RoomList::lost);
        }
        acts
    }

    /// Ends the rooms and the list: the session of this page is over, or the person is not in the room.
    fn end(&mut self) {
        self.rooms.end();
        self.list.iter_mut().for_each(RoomList::end);
    }
}
