//! What is told of other rooms while one is open: one note a room, a few at a time, and each only for a while.

use crate::protocol::{Nickname, Notify, RoomCode, RoomSummary};

/// Notes at once, at most. One more takes the place of the oldest.
const MOST: usize = 3;
/// How long a note stays.
const SHOWN_MS: u64 = 6_000;
/// How long it stays at least once nobody looks at it any more.
const AFTER_MS: u64 = 2_000;

/// A note about a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// The room, as it is now.
    pub room: RoomSummary,
    /// New messages since the note came.
    pub messages: u64,
    /// Who came in last since then.
    pub joined: Option<Nickname>,
    until: u64,
}

/// The notes on the screen.
#[derive(Debug)]
pub struct Toasts {
    notify: Notify,
    shown: Vec<Toast>,
    /// The newest that nobody was told of yet.
    fresh: Option<Toast>,
    /// Whether somebody points at them or has the focus in them: nothing goes away then.
    held: bool,
}

impl Toasts {
    /// None yet, for somebody who wants to be told of this.
    pub fn new(notify: Notify) -> Self {
        Self { notify, shown: Vec::new(), fresh: None, held: false }
    }

    /// Those on the screen, oldest first.
    pub fn shown(&self) -> &[Toast] {
        &self.shown
    }

    /// The newest, if nobody was told of it yet.
    pub fn take_fresh(&mut self) -> Option<Toast> {
        self.fresh.take()
    }

    /// A room has changed: is that worth a note?
    pub fn weigh(&mut self, before: &RoomSummary, room: &RoomSummary, now: u64) {
        let messages = match self.notify {
            _ if room.muted => 0,
            Notify::Mentions if !room.mentioned => 0,
            Notify::None => 0,
            Notify::All | Notify::Mentions => room.unread.saturating_sub(before.unread),
        };
        let seen = before.newcomer.as_ref().map_or(0, |newcomer| newcomer.seq);
        let joined =
            room.newcomer.as_ref().filter(|newcomer| newcomer.seq > seen).map(|newcomer| newcomer.name.clone());
        let joined = joined.filter(|_| self.notify == Notify::All && !room.muted);
        let known = self.shown.iter().position(|toast| toast.room.code == room.code);
        if messages == 0 && joined.is_none() {
            if let Some(at) = known {
                // Read elsewhere, or not wanted any more: then there is nothing to tell.
                if room.muted || (room.unread == 0 && self.shown[at].messages > 0) {
                    self.shown.remove(at);
                } else {
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
            if self.shown.len() > MOST {
                self.shown.remove(0);
            }
            toast
        };
        self.fresh = Some(toast);
    }

    /// Forgets the notes of rooms that are no longer there.
    pub fn keep_only(&mut self, is_there: impl Fn(RoomCode) -> bool) {
        self.shown.retain(|toast| is_there(toast.room.code));
    }

    /// The person has seen a note, or all of them.
    pub fn dismiss(&mut self, code: Option<RoomCode>) {
        self.shown.retain(|toast| code.is_some_and(|code| toast.room.code != code));
    }

    /// Somebody looks at them, or no longer.
    pub fn hold(&mut self, held: bool, now: u64) {
        self.held = held;
        for toast in &mut self.shown {
            toast.until = toast.until.max(now + AFTER_MS);
        }
    }

    /// When [`Toasts::expire`] has something to do.
    pub fn due(&self) -> Option<u64> {
        self.shown.iter().filter(|_| !self.held).map(|toast| toast.until).min()
    }

    /// Takes away what was there long enough. True if that was anything.
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

    /// What is on the screen: the room, the messages and who joined.
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
        toasts.weigh(&unread("AAA001", 0), &unread("AAA001", 1), 0);
        toasts.weigh(&unread("AAA001", 1), &unread("AAA001", 3), 1_000);
        assert_eq!(shown(&toasts), [one("AAA001", 3, "")]);
        assert_eq!(toasts.take_fresh().unwrap().messages, 3);
        assert_eq!(toasts.take_fresh(), None);
        assert_eq!(toasts.due(), Some(7_000));
    }

    #[test]
    fn three_are_shown_at_most_and_the_oldest_gives_way() {
        let mut toasts = Toasts::new(Notify::All);
        for code in ["AAA001", "AAA002", "AAA003", "AAA004"] {
            toasts.weigh(&unread(code, 0), &unread(code, 1), 0);
        }
        assert_eq!(shown(&toasts), [one("AAA002", 1, ""), one("AAA003", 1, ""), one("AAA004", 1, "")]);
    }

    #[test]
    fn who_joins_is_told_by_name_and_once() {
        let mut toasts = Toasts::new(Notify::All);
        toasts.weigh(&room_of("AAA001"), &joined("Bob", 3), 0);
        toasts.weigh(&joined("Bob", 3), &joined("Bob", 3), 1);
        assert_eq!(shown(&toasts), [one("AAA001", 0, "Bob")]);
        toasts.dismiss("AAA001".parse().ok());
        toasts.weigh(&joined("Bob", 3), &joined("Bob", 3), 2);
        assert_eq!(shown(&toasts), []);
    }

    #[test]
    fn nothing_is_told_of_muted_rooms_or_to_who_wants_nothing() {
        for (notify, muted) in [(Notify::All, true), (Notify::None, false)] {
            let mut toasts = Toasts::new(notify);
            let now = RoomSummary { muted, unread: 1, ..joined("Bob", 3) };
            toasts.weigh(&room_of("AAA001"), &now, 0);
            assert_eq!(shown(&toasts), [], "{notify:?}");
        }
    }

    #[test]
    fn who_wants_mentions_is_told_of_those_only() {
        let mut toasts = Toasts::new(Notify::Mentions);
        toasts.weigh(&room_of("AAA001"), &RoomSummary { unread: 1, ..joined("Bob", 3) }, 0);
        assert_eq!(shown(&toasts), []);
        let mentioned = RoomSummary { unread: 2, mentioned: true, ..joined("Bob", 3) };
        toasts.weigh(&unread("AAA001", 1), &mentioned, 0);
        assert_eq!(shown(&toasts), [one("AAA001", 1, "")]);
    }

    #[test]
    fn what_was_read_elsewhere_or_muted_meanwhile_goes() {
        for change in
            [RoomSummary { unread: 0, ..room_of("AAA001") }, RoomSummary { muted: true, ..unread("AAA001", 1) }]
        {
            let mut toasts = Toasts::new(Notify::All);
            toasts.weigh(&unread("AAA001", 0), &unread("AAA001", 1), 0);
            toasts.weigh(&unread("AAA001", 1), &change, 1);
            assert_eq!(shown(&toasts), []);
        }
    }

    #[test]
    fn a_note_goes_after_a_while_unless_somebody_looks_at_it() {
        let mut toasts = Toasts::new(Notify::All);
        toasts.weigh(&unread("AAA001", 0), &unread("AAA001", 1), 0);
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
