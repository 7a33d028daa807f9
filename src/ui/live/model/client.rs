//! Joins the connection of a page with its listeners: a room, the list of an account's rooms, or both.
//!
//! [`Client`] passes what happens (frames, timers, network changes) to the connection and to each listener, and
//! collects their acts. After each step it serves what the listeners want of the connection: a new one, or none because
//! both are over. It borrows all parts for one call; `PageSocket` owns them.

use crate::protocol::{Ack, ByeReason, ClientId, Problem, ServerFrame, Snapshot};

use super::{
    act::{Act, Status},
    connection::Connection,
    list::RoomList,
    room::{Ending, Session},
};

/// A connection and its listeners. It decides only what concerns more than one of them.
pub struct Client<'a> {
    /// The connection of the page.
    pub connection: &'a mut Connection,
    /// The room of the page, if it shows one.
    pub room: Option<&'a mut Session>,
    /// The list of rooms, if an account is logged in.
    pub list: Option<&'a mut RoomList>,
}

impl Client<'_> {
    /// Connects for the first time.
    pub fn start(&mut self, online: bool, now: u64) -> Vec<Act> {
        vec![self.connection.start(online, now)]
    }

    /// The socket is open: each listener sends its request (`subscribe`, `watch`).
    pub fn opened(&mut self, now: u64) -> Vec<Act> {
        if !self.connection.opened(now) {
            return Vec::new();
        }
        let mut acts = self.room.as_mut().map(|room| room.opened(now)).unwrap_or_default();
        acts.extend(self.list.as_mut().map(|list| list.opened()));
        acts
    }

    /// The socket was closed, or could not be opened.
    pub fn closed(&mut self, now: u64) -> Vec<Act> {
        let acts = self.connection.closed(now);
        self.notify_if_lost(acts)
    }

    /// The browser reports that there is no network.
    pub fn went_offline(&mut self, now: u64) -> Vec<Act> {
        let acts = self.connection.went_offline(now);
        self.notify_if_lost(acts)
    }

    /// The browser reports that the network is back.
    pub fn came_online(&mut self, now: u64) -> Vec<Act> {
        self.connection.came_online(now)
    }

    /// The page became visible again, or the person pressed "Try now".
    pub fn woke(&mut self, now: u64) -> Vec<Act> {
        self.connection.woke(now)
    }

    /// Passes a frame to the connection, the list or the room.
    pub fn received(&mut self, frame: ServerFrame, now: u64) -> Vec<Act> {
        self.connection.heard(now);
        if !self.connection.is_open() {
            return Vec::new();
        }
        let acts = match frame {
            ServerFrame::Bye { reason: ByeReason::SignedOut, .. } => self.end(),
            ServerFrame::Bye { retry_after_ms, .. } => {
                let acts = vec![self.connection.dismissed(now + retry_after_ms)];
                return self.notify_if_lost(acts);
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
                // An error about a room names the room. This one has neither a room nor a message, so it answers the
                // `watch` of the list.
                (ServerFrame::Error { code, detail, id: None, room: None, retry_after_ms, .. }, _, Some(list))
                    if !list.is_here() =>
                {
                    list.refused(&Problem { retry_after_ms, ..Problem::new(code, detail) }, now)
                }
                (frame, Some(room), _) => room.received(frame, now),
                _ => Vec::new(),
            },
        };
        self.finish_step(acts, now)
    }

    /// Runs a step on the room, such as an action of the person.
    pub fn in_room(&mut self, now: u64, step: impl FnOnce(&mut Session) -> Vec<Act>) -> Vec<Act> {
        let acts = self.room.as_mut().map(|room| step(room)).unwrap_or_default();
        self.finish_step(acts, now)
    }

    /// Takes in the answer to [`Act::FetchRoom`]: a snapshot, or `None` if the person is not in the room.
    pub fn room_fetched(&mut self, inside: Option<Snapshot>, now: u64) -> Vec<Act> {
        self.http_works();
        self.in_room(now, |room| room.room_fetched(inside, now))
    }

    /// The server answered [`Act::FetchRoom`] over HTTP. If there is no socket, it is blocked somewhere in between.
    pub fn http_works(&mut self) {
        let has_no_socket = !self.connection.is_open() && !self.connection.is_resting();
        self.connection.set_blocked(has_no_socket);
    }

    /// The server did not answer [`Act::FetchRoom`] either.
    pub fn http_fails(&mut self) {
        self.connection.set_blocked(false);
        self.room.iter_mut().for_each(|room| room.http_fails());
    }

    /// Takes in the result of [`Act::Post`].
    pub fn posted(&mut self, id: ClientId, outcome: Result<Ack, Problem>, now: u64) -> Vec<Act> {
        self.in_room(now, |room| room.posted(id, outcome, now))
    }

    /// The server answered over HTTP that this person is not logged in, or not in the room. Ends the room and the list.
    pub fn access_ended(&mut self, now: u64) -> Vec<Act> {
        let acts = self.end();
        self.finish_step(acts, now)
    }

    /// Takes in the result of [`Act::Rejoin`].
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

    /// Runs everything whose time has come.
    pub fn tick(&mut self, now: u64) -> Vec<Act> {
        let acts = self.connection.tick(now);
        let mut acts = self.notify_if_lost(acts);
        acts.extend(self.list.as_mut().and_then(|list| list.tick(now)));
        acts.extend(self.room.as_mut().map(|room| room.tick(now)).unwrap_or_default());
        self.finish_step(acts, now)
    }

    /// The state of the connection for a reader of the room; for a reader of the list if the page has no room.
    pub fn status(&self) -> Status {
        match (&self.room, self.connection.status()) {
            (Some(room), _) if room.ending().is_some() => Status::Ended,
            (Some(room), _) if room.is_live() => Status::Live,
            (Some(_), Status::Live) => Status::Connecting,
            (_, status) => status,
        }
    }

    /// Ends a step. Carries out a listener's [`Act::Renew`], closes the connection if no listener needs it any more,
    /// and marks it as settled once the room (or, without a room, the list) has caught up.
    fn finish_step(&mut self, mut acts: Vec<Act>, now: u64) -> Vec<Act> {
        let renewal = |act: &Act| if let Act::Renew(not_before) = act { Some(*not_before) } else { None };
        if let Some(not_before) = acts.iter().find_map(renewal) {
            acts.retain(|act| renewal(act).is_none());
            acts.extend(self.connection.renew(not_before, now));
            return self.notify_if_lost(acts);
        }
        let room_left = self.room.as_ref().is_some_and(|room| room.ending().is_none());
        let list_left = self.list.as_ref().is_some_and(|list| !list.is_logged_out());
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

    /// Informs the listeners if the connection is lost.
    fn notify_if_lost(&mut self, acts: Vec<Act>) -> Vec<Act> {
        if !self.connection.is_open() {
            self.room.iter_mut().for_each(|room| room.lost());
            self.list.iter_mut().for_each(|list| list.lost());
        }
        acts
    }

    /// Ends the room and the list: the session of this page is over, or the person is not in the room.
    fn end(&mut self) -> Vec<Act> {
        self.room.iter_mut().for_each(|room| room.end(Ending::Outside));
        self.list.iter_mut().for_each(|list| list.end());
        Vec::new()
    }
}
