//! The list of an account's rooms, kept up to date by the server after a `watch` frame.
//!
//! `rooms` replaces the whole list, `summary` replaces one room. Each change is passed to [`Toasts`], which decides
//! whether a note appears. Like a room, the list returns acts and has no clock of its own.

use std::cmp::Reverse;

use crate::protocol::{ClientFrame, Code, Millis, Notify, Problem, RoomCode, RoomSummary, sorted::sort_by_key};

use super::{act::Act, input::ListInput, toasts::Toasts};

/// How long to wait before the next `watch` after a refusal without a time.
const RETRY_MS: u64 = 2_000;

/// The rooms of an account, the most recently active first, and the notes about them.
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
#[derive(Debug)]
pub struct RoomList {
    rooms: Vec<RoomSummary>,
    /// The room that is open on the page. It gets no notes and is not counted as unread.
    current: Option<RoomCode>,
    toasts: Toasts,
    /// When to send `watch` again after a refusal.
    retry_at: Option<u64>,
    /// Whether the server has sent the list over this connection.
    here: bool,
    /// Whether the login has ended.
    logged_out: bool,
    /// Whether the list has to be redrawn.
    changed: bool,
    /// Whether the device's copy of the list may be out of date.
    unkept: bool,
    /// When the list was last up to date, by the clock of the device.
    as_of: Option<Millis>,
}

impl RoomList {
    /// Starts with the rooms that the server rendered.
    pub fn new(rooms: Vec<RoomSummary>, current: Option<RoomCode>, notify: Notify) -> Self {
        let toasts = Toasts::new(notify);
        let mut list = Self {
            rooms,
            current,
            toasts,
            retry_at: None,
            here: false,
            logged_out: false,
            changed: true,
            unkept: true,
            as_of: None,
        };
        list.sort();
        list
    }

    /// Makes this a list as it was at this time.
    pub fn dated(self, at: Millis) -> Self {
        Self { as_of: Some(at), ..self }
    }

    /// Until when the list was up to date. `None` while it is, which is remembered with the present time.
    pub fn stale_since(&mut self, time: Millis) -> Option<Millis> {
        if self.here {
            self.as_of = Some(time);
            return None;
        }
        self.as_of
    }

    /// The rooms, the most recently active first.
    pub fn rooms(&self) -> &[RoomSummary] {
        &self.rooms
    }

    /// The number of unread messages that count in the rooms that are not open.
    pub fn unread(&self) -> u64 {
        self.rooms.iter().filter(|room| Some(room.code) != self.current).map(RoomSummary::waiting).sum()
    }

    /// The notes about other rooms.
    pub fn toasts(&mut self) -> &mut Toasts {
        &mut self.toasts
    }

    /// Takes in what the person did.
    pub fn take_in(&mut self, input: ListInput, now: u64) {
        match input {
            ListInput::Notify { code, notify } => self.set_notify(code, notify),
            ListInput::Dismiss(code) => self.toasts.dismiss(code),
            ListInput::Hold(held) => self.toasts.hold(held, now),
        }
        self.changed = true;
    }

    /// The room that is open on the page.
    pub fn current(&self) -> Option<RoomCode> {
        self.current
    }

    /// Sets which room is open. It gets no note any more.
    pub fn set_current(&mut self, current: Option<RoomCode>) {
        if self.current != current {
            self.current = current;
            self.changed = true;
            if current.is_some() {
                self.toasts.dismiss(current);
            }
        }
    }

    /// Whether the list changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether the device's copy may be out of date. Only a list that the server keeps up to date is worth keeping.
    pub fn is_unkept(&self) -> bool {
        self.unkept && self.here && !self.logged_out
    }

    /// Lets the copy be made again, although nothing changed.
    pub fn touch_kept(&mut self) {
        self.unkept = true;
    }

    /// The rooms, if the device's copy may be out of date since the last call.
    pub fn take_to_keep(&mut self) -> Option<&[RoomSummary]> {
        let is_due = self.is_unkept();
        self.unkept &= !is_due;
        is_due.then_some(&self.rooms)
    }

    /// Whether the server has sent the list over this connection.
    pub fn is_here(&self) -> bool {
        self.here
    }

    /// Whether the login has ended.
    pub fn is_logged_out(&self) -> bool {
        self.logged_out
    }

    /// The socket is open: asks for the list and its changes.
    pub fn opened(&mut self) -> Act {
        self.retry_at = None;
        Act::Send(ClientFrame::Watch {})
    }

    /// The connection is lost.
    pub fn lost(&mut self) {
        self.here = false;
        self.retry_at = None;
        // Without a connection nothing updates the presence of the others, so it is cleared.
        for other in self.rooms.iter_mut().filter_map(|room| room.other.as_mut()) {
            self.changed |= std::mem::take(&mut other.connected);
        }
    }

    /// The login has ended.
    pub fn end(&mut self) {
        self.logged_out = true;
        self.changed = true;
    }

    /// Replaces the whole list.
    pub fn replace(&mut self, rooms: Vec<RoomSummary>, now: u64) {
        self.here = true;
        for room in &rooms {
            self.update_toast(room, now);
        }
        self.toasts.keep_only(|code| rooms.iter().any(|room| room.code == code));
        self.rooms = rooms;
        self.sort();
    }

    /// Replaces one room, or adds it.
    pub fn change(&mut self, room: RoomSummary, now: u64) {
        self.update_toast(&room, now);
        match self.rooms.iter_mut().find(|known| known.code == room.code) {
            Some(known) => *known = room,
            None => self.rooms.push(room),
        }
        self.sort();
    }

    /// The server refused `watch`: checks the login over HTTP, or sets the time of the next attempt.
    pub fn refused(&mut self, problem: &Problem, now: u64) -> Vec<Act> {
        if matches!(problem.code, Code::NoSession | Code::NotLoggedIn) {
            return vec![Act::FetchRoom(None)];
        }
        self.retry_at = Some(now + problem.retry_after_ms.unwrap_or(RETRY_MS));
        Vec::new()
    }

    /// Sets which messages of a room cause a notice. The server sends the same in its next summary.
    fn set_notify(&mut self, code: RoomCode, notify: Option<Notify>) {
        if let Some(room) = self.rooms.iter_mut().find(|room| room.code == code) {
            room.set_notify(notify);
            self.unkept = true;
        }
    }

    /// When to call [`RoomList::tick`] next.
    pub fn due(&self) -> Option<u64> {
        self.retry_at.into_iter().chain(self.toasts.due()).min()
    }

    /// Removes expired notes, and sends `watch` again if that is due.
    pub fn tick(&mut self, now: u64) -> Option<Act> {
        self.changed |= self.toasts.expire(now);
        self.retry_at.is_some_and(|at| now >= at).then(|| self.opened())
    }

    /// Lets the notes compare a changed room with its last summary. The open room and rooms new to the list are left
    /// out.
    fn update_toast(&mut self, room: &RoomSummary, now: u64) {
        let before = self.rooms.iter().find(|known| known.code == room.code);
        if let Some(before) = before.filter(|_| Some(room.code) != self.current) {
            self.toasts.update(before, room, now);
        }
    }

    fn sort(&mut self) {
        sort_by_key(&mut self.rooms, |room| (Reverse(room.at), room.code));
        self.changed = true;
        self.unkept = true;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::room_of, *};

    fn codes(list: &RoomList) -> Vec<String> {
        list.rooms().iter().map(|room| room.code.to_string()).collect()
    }

    fn at(code: &str, at: i64, unread: u64) -> RoomSummary {
        RoomSummary { at, unread, ..room_of(code) }
    }

    #[test]
    fn the_room_where_something_happened_last_comes_first() {
        let mut list = RoomList::new(vec![at("AAA001", 1, 0), at("AAA002", 2, 0)], None, Notify::All);
        assert_eq!(codes(&list), ["AAA002", "AAA001"]);
        list.change(at("AAA001", 3, 1), 0);
        assert_eq!(codes(&list), ["AAA001", "AAA002"]);
        list.change(at("AAA003", 2, 0), 0);
        assert_eq!(codes(&list), ["AAA001", "AAA002", "AAA003"]);
        list.replace(vec![at("AAA003", 2, 0)], 0);
        assert_eq!(codes(&list), ["AAA003"]);
    }

    #[test]
    fn what_waits_is_counted_without_the_open_room_and_where_no_notice_is_wanted() {
        let muted = RoomSummary { muted: true, mention: 3, ..at("AAA003", 3, 4) };
        let unmentioned = RoomSummary { notify: Some(Notify::Mentions), mentioned: true, ..at("AAA005", 3, 4) };
        let mentioned = RoomSummary { mention: 2, ..unmentioned.clone() };
        assert_eq!((unmentioned.waiting(), mentioned.waiting()), (0, mentioned.unread));
        let rooms = vec![at("AAA001", 1, 1), at("AAA002", 2, 2), muted, at("AAA004", 4, 8), unmentioned];
        let mut list = RoomList::new(rooms, "AAA001".parse().ok(), Notify::All);
        assert_eq!(list.unread(), 10);
        list.set_notify("AAA002".parse().unwrap(), Some(Notify::None));
        assert_eq!(list.unread(), 8);
    }

    #[test]
    fn nothing_is_told_of_the_open_room_or_of_what_was_there_at_first() {
        let mut list = RoomList::new(vec![at("AAA001", 1, 0)], "AAA001".parse().ok(), Notify::All);
        list.replace(vec![at("AAA001", 2, 3), at("AAA002", 2, 5)], 0);
        assert_eq!(list.toasts().shown().len(), 0);
        list.change(at("AAA002", 3, 6), 0);
        assert_eq!(list.toasts().shown().len(), 1);
        list.replace(vec![at("AAA001", 2, 3)], 0);
        assert_eq!(list.toasts().shown().len(), 0, "one is no longer in that room");
    }

    #[test]
    fn a_server_that_cannot_say_now_is_asked_again() {
        let mut list = RoomList::new(Vec::new(), None, Notify::All);
        assert_eq!(list.opened(), Act::Send(ClientFrame::Watch {}));
        let busy = Problem::too_many_requests(500);
        assert_eq!(list.refused(&busy, 1_000), []);
        assert_eq!(list.due(), Some(1_500));
        assert_eq!(list.tick(1_499), None);
        assert_eq!(list.tick(1_500), Some(Act::Send(ClientFrame::Watch {})));
        assert_eq!(list.refused(&Problem::not_logged_in(), 2_000), [Act::FetchRoom(None)]);
    }
}
