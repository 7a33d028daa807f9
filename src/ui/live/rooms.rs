//! The list of rooms for the pages: a [`RoomList`] in signals.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::{
    protocol::{Identity, Problem, RoomCode, RoomSummary},
    ui::{
        browser,
        rooms::announcement,
        texts::{Texts, use_texts},
    },
};

use super::{
    Announcement,
    line::{Line, put},
    list::RoomList,
    room::server,
    toasts::{Toast, Toasts},
};

/// A room with a signal of its own, so that a change of one does not touch the others.
#[derive(Clone)]
pub struct RoomEntry {
    /// Which room.
    pub code: RoomCode,
    /// The room, as it is now.
    pub room: ArcRwSignal<RoomSummary>,
}

/// The rooms of the account that is logged in.
#[derive(Clone, Copy)]
pub struct LiveList {
    line: Line,
    pub(super) desk: StoredValue<RoomList>,
    /// The room that the page shows.
    pub current: Option<RoomCode>,
    /// The rooms, newest first.
    pub entries: RwSignal<Vec<RoomEntry>>,
    /// Messages that wait in other rooms.
    pub unread: RwSignal<u64>,
    /// What there is to tell of other rooms, oldest first.
    pub toasts: RwSignal<Vec<Toast>>,
    /// The same, for who listens to the page.
    pub announcement: Announcement,
    /// Whether nobody is logged in any more.
    pub over: RwSignal<bool>,
    sound: bool,
    texts: &'static Texts,
}

/// Makes a list the one of the pages below.
pub fn provide_list(list: LiveList) {
    provide_context(list);
}

/// The list of rooms, where there is one: on the pages of an account.
pub fn use_list() -> Option<LiveList> {
    use_context()
}

impl LiveList {
    /// The list as the server rendered it, to be kept up over this line; `current` is the room beside it.
    pub fn new(line: Line, rooms: Vec<RoomSummary>, current: Option<RoomCode>, account: &Identity) -> Self {
        let list = RoomList::new(rooms, current, account.notify);
        let entry = |room: &RoomSummary| RoomEntry { code: room.code, room: ArcRwSignal::new(room.clone()) };
        let this = Self {
            line,
            current,
            entries: RwSignal::new(list.rooms().iter().map(entry).collect()),
            unread: RwSignal::new(list.unread()),
            toasts: RwSignal::new(Vec::new()),
            announcement: Announcement::new(),
            over: RwSignal::new(false),
            sound: account.sound,
            texts: use_texts(),
            desk: StoredValue::new(list),
        };
        line.carry_list(this);
        this
    }

    /// The person logs out here.
    pub fn log_out(self) {
        self.line.hang_up();
    }

    /// The room with this code, if the list has it.
    pub fn room(self, code: RoomCode) -> Option<ArcRwSignal<RoomSummary>> {
        let find = |entries: &Vec<RoomEntry>| Some(entries.iter().find(|entry| entry.code == code)?.room.clone());
        self.entries.with(find)
    }

    /// Asks the server for no more notices of a room, or for them again.
    pub async fn mute(self, code: RoomCode, muted: bool) -> Result<(), Problem> {
        server::mute(code, muted).await?;
        self.change(|list| list.mute(code, muted));
        Ok(())
    }

    /// Takes a note away, or all of them.
    pub fn dismiss(self, code: Option<RoomCode>) {
        self.change_toasts(|toasts, _| toasts.dismiss(code));
    }

    /// Keeps the notes as long as somebody looks at them.
    pub fn hold(self, held: bool) {
        self.change_toasts(|toasts, now| toasts.hold(held, now));
    }

    fn change_toasts(self, change: impl FnOnce(&mut Toasts, u64)) {
        self.change(|list| {
            change(list.toasts(), browser::now());
            list.touch();
        });
    }

    fn change(self, change: impl FnOnce(&mut RoomList)) {
        self.desk.try_update_value(change);
        // The clock is looked at anew, too.
        self.line.drive(|_, _| Vec::new());
    }

    pub(super) fn draw(self) {
        let picture = self.desk.try_update_value(|list| {
            let changed = list.take_changed();
            let fresh = list.toasts().take_fresh();
            changed
                .then(|| (list.rooms().to_vec(), list.unread(), list.toasts().shown().to_vec(), fresh, list.is_over()))
        });
        let Some(Some((rooms, unread, toasts, fresh, over))) = picture else { return };
        self.show(rooms);
        put(self.unread, unread);
        put(self.toasts, toasts);
        put(self.over, over);
        if let Some(toast) = fresh {
            self.announcement.say(announcement(self.texts, &toast));
            if self.sound {
                browser::chime();
            }
        }
    }

    fn show(self, rooms: Vec<RoomSummary>) {
        let mut known: BTreeMap<RoomCode, ArcRwSignal<RoomSummary>> = self
            .entries
            .with_untracked(|entries| entries.iter().map(|entry| (entry.code, entry.room.clone())).collect());
        let mut moved = known.len() != rooms.len();
        let mut next = Vec::with_capacity(rooms.len());
        for (at, room) in rooms.into_iter().enumerate() {
            let code = room.code;
            moved |= self.entries.with_untracked(|entries| entries.get(at).is_none_or(|entry| entry.code != code));
            let signal = match known.remove(&code) {
                Some(signal) => {
                    if signal.with_untracked(|current| *current != room) {
                        signal.set(room);
                    }
                    signal
                }
                None => ArcRwSignal::new(room),
            };
            next.push(RoomEntry { code, room: signal });
        }
        if moved {
            self.entries.set(next);
        }
    }
}
