//! Notes about the other rooms: at most one per room and three at a time, each for 6 s.
//!
//! [`RoomList`](super::list::RoomList) passes each changed summary to [`Toasts::update`], which compares it with the
//! one before. What the account wants to be notified of is said for the room, or by its [`Notify`] preference.

use crate::protocol::{Nickname, Notify, RoomCode, RoomSummary};

/// The maximum number of notes. One more replaces the oldest.
const MAX_SHOWN: usize = 3;
/// How long a note stays on the screen.
const SHOWN_MS: u64 = 6_000;
/// How long a note stays at least after the pointer or the focus has left the notes.
const AFTER_MS: u64 = 2_000;

/// A note about a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// The current summary of the room.
    pub room: RoomSummary,
    /// The number of messages that the note has counted since it appeared.
    pub messages: u64,
    /// The nickname of the last newcomer since the note appeared.
    pub joined: Option<Nickname>,
    /// When the note disappears.
    until: u64,
}

/// The notes on the screen.
#[derive(Debug)]
pub struct Toasts {
    notify: Notify,
    shown: Vec<Toast>,
    /// The newest note that was not announced to screen readers yet.
    unannounced: Option<Toast>,
    /// Whether somebody points at the notes or has the focus in them. Then no note expires.
    held: bool,
}

impl Toasts {
    /// Starts without notes. `notify` is what the account wants to be notified of.
    pub fn new(notify: Notify) -> Self {
        Self { notify, shown: Vec::new(), unannounced: None, held: false }
    }

    /// The notes on the screen, oldest first.
    pub fn shown(&self) -> &[Toast] {
        &self.shown
    }

    /// Returns the newest note once, to be announced.
    pub fn take_unannounced(&mut self) -> Option<Toast> {
        self.unannounced.take()
    }

    /// Compares two summaries of a room, and adds or updates its note if there is something new.
    pub fn update(&mut self, before: &RoomSummary, room: &RoomSummary, now: u64) {
        let notify = room.notify.unwrap_or(self.notify);
        let messages = match notify {
            _ if room.muted => 0,
            // A mention in an earlier message, such as one that was edited, is no news.
            Notify::Mentions if room.mention <= before.head => 0,
            Notify::None => 0,
            Notify::All | Notify::Mentions => room.unread.saturating_sub(before.unread),
        };
        let seen = before.newcomer.as_ref().map_or(0, |newcomer| newcomer.seq);
        let joined =
            room.newcomer.as_ref().filter(|newcomer| newcomer.seq > seen).map(|newcomer| newcomer.name.clone());
        let joined = joined.filter(|_| notify == Notify::All && !room.muted);
        let known = self.shown.iter().position(|toast| toast.room.code == room.code);
        if messages == 0 && joined.is_none() {
            if let Some(at) = known {
                // The messages were read on another device, or the room was muted: the note goes.
                if room.muted || (room.unread == 0 && self.shown[at].messages > 0) {
                    self.shown.remove(at);
                } else if room.unread <= before.unread {
                    // A message that causes no note does not change one either.
                    self.shown[at].room = room.clone();
                }
            }
            return;
        }
        let until = now + SHOWN_MS;
        let toast = if let Some(at) = known {
            let toast = &mut self.shown[at];
            toast.room = room.clone();
            toast.messages += messages;
            toast.joined = joined.or(toast.joined.take());
            toast.until = until;
            toast.clone()
        } else {
            let toast = Toast { room: room.clone(), messages, joined, until };
            self.shown.push(toast.clone());
            if self.shown.len() > MAX_SHOWN {
                self.shown.remove(0);
            }
            toast
        };
        self.unannounced = Some(toast);
    }

    /// Removes the notes of rooms that are no longer in the list.
    pub fn keep_only(&mut self, is_there: impl Fn(RoomCode) -> bool) {
        self.shown.retain(|toast| is_there(toast.room.code));
    }

    /// Removes the note about one room. `None` removes all notes.
    pub fn dismiss(&mut self, code: Option<RoomCode>) {
        self.shown.retain(|toast| code.is_some_and(|code| toast.room.code != code));
    }

    /// Sets whether somebody points at the notes or has the focus in them. Every note then stays for at least 2 s more.
    pub fn hold(&mut self, held: bool, now: u64) {
        self.held = held;
        for toast in &mut self.shown {
            toast.until = toast.until.max(now + AFTER_MS);
        }
    }

    /// When to call [`Toasts::expire`] next. `None` while the notes are held.
    pub fn due(&self) -> Option<u64> {
        self.shown.iter().filter(|_| !self.held).map(|toast| toast.until).min()
    }

    /// Removes the notes whose time is over. Returns whether there were any.
    pub fn expire(&mut self, now: u64) -> bool {
        let before = self.shown.len();
        self.shown.retain(|toast| self.held || now < toast.until);
        self.shown.len() < before
    }
}

#[cfg(test)]
mod tests {
    use crate::protocol::Newcomer;

    use super::{super::tests::room_of, *};

    fn unread(code: &str, unread: u64) -> RoomSummary {
        RoomSummary { unread, ..room_of(code) }
    }

    fn joined(name: &str, seq: u64) -> RoomSummary {
        let newcomer = Some(Newcomer { seq, name: Nickname::try_from(name).unwrap() });
        RoomSummary { newcomer, ..room_of("AAA001") }
    }

    /// The notes on the screen: room, number of messages, and who joined.
    fn shown(toasts: &Toasts) -> Vec<(String, u64, String)> {
        let name = |toast: &Toast| toast.joined.as_ref().map(ToString::to_string).unwrap_or_default();
        toasts.shown().iter().map(|toast| (toast.room.code.to_string(), toast.messages, name(toast))).collect()
    }

    fn one(code: &str, messages: u64, name: &str) -> (String, u64, String) {
        (code.to_owned(), messages, name.to_owned())
    }

    #[test]
    fn the_news_of_a_room_are_one_note_that_counts() {
        let mut toasts = Toasts::new(Notify::All);
        toasts.update(&unread("AAA001", 0), &unread("AAA001", 1), 0);
        toasts.update(&unread("AAA001", 1), &unread("AAA001", 3), 1_000);
        assert_eq!(shown(&toasts), [one("AAA001", 3, "")]);
        assert_eq!(toasts.take_unannounced().unwrap().messages, 3);
        assert_eq!(toasts.take_unannounced(), None);
        assert_eq!(toasts.due(), Some(7_000));
    }

    #[test]
    fn three_are_shown_at_most_and_the_oldest_gives_way() {
        let mut toasts = Toasts::new(Notify::All);
        for code in ["AAA001", "AAA002", "AAA003", "AAA004"] {
            toasts.update(&unread(code, 0), &unread(code, 1), 0);
        }
        assert_eq!(shown(&toasts), [one("AAA002", 1, ""), one("AAA003", 1, ""), one("AAA004", 1, "")]);
    }

    #[test]
    fn who_joins_is_told_by_name_and_once() {
        let mut toasts = Toasts::new(Notify::All);
        toasts.update(&room_of("AAA001"), &joined("Bob", 3), 0);
        toasts.update(&joined("Bob", 3), &joined("Bob", 3), 1);
        assert_eq!(shown(&toasts), [one("AAA001", 0, "Bob")]);
        toasts.dismiss("AAA001".parse().ok());
        toasts.update(&joined("Bob", 3), &joined("Bob", 3), 2);
        assert_eq!(shown(&toasts), []);
    }

    #[test]
    fn nothing_is_told_of_muted_rooms_or_to_who_wants_nothing() {
        for (notify, muted) in [(Notify::All, true), (Notify::None, false)] {
            let mut toasts = Toasts::new(notify);
            let now = RoomSummary { muted, unread: 1, mention: 5, ..joined("Bob", 3) };
            toasts.update(&room_of("AAA001"), &now, 0);
            assert_eq!(shown(&toasts), [], "{notify:?}");
        }
    }

    #[test]
    fn who_wants_mentions_is_told_of_those_only() {
        // The level of the room counts more than that of the account.
        for (notify, of_room) in [(Notify::Mentions, None), (Notify::None, Some(Notify::Mentions))] {
            let mut toasts = Toasts::new(notify);
            let at = |head, unread, mention| {
                let mentioned = unread > 0;
                RoomSummary { notify: of_room, head, unread, mention, mentioned, ..joined("Bob", 1) }
            };
            toasts.update(&RoomSummary { newcomer: None, ..at(3, 0, 0) }, &at(4, 1, 0), 0);
            assert_eq!(shown(&toasts), [], "a name in a text, and somebody who joined");
            toasts.update(&at(4, 1, 0), &at(5, 2, 5), 0);
            assert_eq!(shown(&toasts), [one("AAA001", 1, "")]);
            toasts.dismiss(None);
            toasts.update(&at(5, 2, 5), &at(6, 3, 5), 0);
            assert_eq!(shown(&toasts), [], "a message after a mention");
            toasts.update(&at(6, 3, 5), &at(8, 4, 6), 0);
            assert_eq!(shown(&toasts), [], "an edit has added a mention, and another message came");
        }
    }

    #[test]
    fn what_was_read_elsewhere_or_muted_meanwhile_goes() {
        for change in
            [RoomSummary { unread: 0, ..room_of("AAA001") }, RoomSummary { muted: true, ..unread("AAA001", 1) }]
        {
            let mut toasts = Toasts::new(Notify::All);
            toasts.update(&unread("AAA001", 0), &unread("AAA001", 1), 0);
            toasts.update(&unread("AAA001", 1), &change, 1);
            assert_eq!(shown(&toasts), []);
        }
    }

    #[test]
    fn a_note_goes_after_a_while_unless_somebody_looks_at_it() {
        let mut toasts = Toasts::new(Notify::All);
        toasts.update(&unread("AAA001", 0), &unread("AAA001", 1), 0);
        assert!(!toasts.expire(5_999));
        toasts.hold(true, 5_999);
        assert_eq!(toasts.due(), None);
        assert!(!toasts.expire(60_000));
        toasts.hold(false, 60_000);
        assert_eq!(toasts.due(), Some(62_000));
        assert!(toasts.expire(62_000));
        assert_eq!(shown(&toasts), []);
    }
}
