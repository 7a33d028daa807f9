//! What goes over the one socket of a page, and who listens to it: a room, the list of an account's rooms, or both.

use crate::protocol::{Ack, ByeReason, ClientId, Problem, ServerFrame, Snapshot};

use super::{
    act::{Act, Status},
    connection::Connection,
    list::RoomList,
    session::{Ending, Session},
};

/// A connection and its listeners. It decides nothing of its own but what concerns them together.
pub struct Client<'a> {
    /// The connection.
    pub connection: &'a mut Connection,
    /// The room of the page.
    pub room: Option<&'a mut Session>,
    /// The list of rooms.
    pub list: Option<&'a mut RoomList>,
}

impl Client<'_> {
    /// Connects for the first time.
    pub fn start(&mut self, online: bool, now: u64) -> Vec<Act> {
        vec![self.connection.start(online, now)]
    }

    /// The socket is open: each listener asks for what is theirs.
    pub fn opened(&mut self, now: u64) -> Vec<Act> {
        if !self.connection.opened(now) {
            return Vec::new();
        }
        let mut acts = self.room.as_mut().map(|room| room.opened(now)).unwrap_or_default();
        acts.extend(self.list.as_mut().map(|list| list.opened()));
        acts
    }

    /// The socket is closed, or never opened.
    pub fn closed(&mut self, now: u64) -> Vec<Act> {
        let acts = self.connection.closed(now);
        self.tell_if_lost(acts)
    }

    /// The browser says that there is no network.
    pub fn went_offline(&mut self, now: u64) -> Vec<Act> {
        let acts = self.connection.went_offline(now);
        self.tell_if_lost(acts)
    }

    /// The browser says that there is a network again.
    pub fn came_online(&mut self, now: u64) -> Vec<Act> {
        self.connection.came_online(now)
    }

    /// The page was shown again, or the person pressed "Try now".
    pub fn woke(&mut self, now: u64) -> Vec<Act> {
        self.connection.woke(now)
    }

    /// A frame came.
    pub fn received(&mut self, frame: ServerFrame, now: u64) -> Vec<Act> {
        self.connection.heard(now);
        if !self.connection.is_open() {
            return Vec::new();
        }
        let acts = match frame {
            ServerFrame::Bye { reason: ByeReason::SignedOut, .. } => self.end(),
            ServerFrame::Bye { retry_after_ms, .. } => {
                let acts = vec![self.connection.dismissed(now + retry_after_ms)];
                return self.tell_if_lost(acts);
            }
            frame => match (frame, &mut self.room, &mut self.list) {
                (ServerFrame::Rooms { rooms }, _, Some(list)) => {
                    list.replace(rooms, now);
                    Vec::new()
                }
                (ServerFrame::Summary { room }, _, Some(list)) => {
                    list.change(*room, now);
                    Vec::new()
                }
                // What concerns a room names it; so this answers the question for the list.
                (ServerFrame::Error { code, detail, id: None, room: None, retry_after_ms, .. }, _, Some(list))
                    if !list.is_here() =>
                {
                    list.refused(&Problem { retry_after_ms, ..Problem::new(code, detail) }, now)
                }
                (frame, Some(room), _) => room.received(frame, now),
                _ => Vec::new(),
            },
        };
        self.concluded(acts, now)
    }

    /// Something happens to the room.
    pub fn in_room(&mut self, now: u64, step: impl FnOnce(&mut Session) -> Vec<Act>) -> Vec<Act> {
        let acts = self.room.as_mut().map(|room| step(room)).unwrap_or_default();
        self.concluded(acts, now)
    }

    /// What the room's door said when asked with [`Act::AskDoor`]: the snapshot, or nothing for who is outside.
    pub fn door_said(&mut self, inside: Option<Snapshot>, now: u64) -> Vec<Act> {
        self.door_is_there();
        self.in_room(now, |room| room.door_said(inside, now))
    }

    /// The door gave an answer, over HTTP.
    pub fn door_is_there(&mut self) {
        let has_no_socket = !self.connection.is_open() && !self.connection.is_resting();
        self.connection.set_blocked(has_no_socket);
    }

    /// The door gave no answer either.
    pub fn door_is_away(&mut self) {
        self.connection.set_blocked(false);
        self.room.iter_mut().for_each(|room| room.door_is_away());
    }

    /// How [`Act::Post`] went.
    pub fn posted(&mut self, id: ClientId, outcome: Result<Ack, Problem>, now: u64) -> Vec<Act> {
        self.in_room(now, |room| room.posted(id, outcome, now))
    }

    /// The person of this page is not logged in any more, or in no room.
    pub fn turned_away(&mut self, now: u64) -> Vec<Act> {
        let acts = self.end();
        self.concluded(acts, now)
    }

    /// How [`Act::Rejoin`] went.
    pub fn rejoined(&mut self, outcome: Result<(), Problem>, now: u64) -> Vec<Act> {
        let is_back = self.room.as_mut().is_some_and(|room| room.rejoined(outcome));
        match (is_back, &mut self.room) {
            (true, Some(room)) if self.connection.is_open() => room.opened(now),
            (true, _) if self.connection.is_resting() => vec![self.connection.open(now)],
            _ => Vec::new(),
        }
    }

    /// When to call [`Client::tick`] next.
    pub fn due(&self) -> Option<u64> {
        let room = self.room.as_ref().and_then(|room| room.due());
        let list = self.list.as_ref().and_then(|list| list.due());
        [self.connection.due(), room, list].into_iter().flatten().min()
    }

    /// Looks at the clock.
    pub fn tick(&mut self, now: u64) -> Vec<Act> {
        let acts = self.connection.tick(now);
        let mut acts = self.tell_if_lost(acts);
        acts.extend(self.list.as_mut().and_then(|list| list.tick(now)));
        acts.extend(self.room.as_mut().map(|room| room.tick(now)).unwrap_or_default());
        self.concluded(acts, now)
    }

    /// How the connection is for who looks at the room, or at the list if there is none.
    pub fn status(&self) -> Status {
        match (&self.room, self.connection.status()) {
            (Some(room), _) if room.ending().is_some() => Status::Ended,
            (Some(room), _) if room.is_live() => Status::Live,
            (Some(_), Status::Live) => Status::Connecting,
            (_, status) => status,
        }
    }

    /// Draws the line under a step: what listeners want of the connection is done, and when none is left, it is closed.
    fn concluded(&mut self, mut acts: Vec<Act>, now: u64) -> Vec<Act> {
        let renewal = |act: &Act| if let Act::Renew(not_before) = act { Some(*not_before) } else { None };
        if let Some(not_before) = acts.iter().find_map(renewal) {
            acts.retain(|act| renewal(act).is_none());
            acts.extend(self.connection.renew(not_before, now));
            return self.tell_if_lost(acts);
        }
        let room_left = self.room.as_ref().is_some_and(|room| room.ending().is_none());
        let list_left = self.list.as_ref().is_some_and(|list| !list.is_over());
        if !room_left && !list_left && !self.connection.is_resting() {
            acts.insert(0, self.connection.rest());
        }
        let room_here = self.room.as_ref().is_none_or(|room| room.is_live() || room.ending().is_some());
        let list_here = self.list.as_ref().is_none_or(|list| list.is_here());
        if room_here && (self.room.is_some() || list_here) {
            self.connection.settle(now);
        }
        acts
    }

    /// Tells the listeners if the connection is not there any more.
    fn tell_if_lost(&mut self, acts: Vec<Act>) -> Vec<Act> {
        if !self.connection.is_open() {
            self.room.iter_mut().for_each(|room| room.lost());
            self.list.iter_mut().for_each(|list| list.lost());
        }
        acts
    }

    /// Ends everything: the session of this page is over.
    fn end(&mut self) -> Vec<Act> {
        self.room.iter_mut().for_each(|room| room.end(Ending::Outside));
        self.list.iter_mut().for_each(|list| list.end());
        Vec::new()
    }
}
