//! The list of an account's rooms in Leptos signals: [`LiveList`] shows the [`RoomList`] of the model.
//!
//! The server renders the first list. The socket keeps it up to date. Each redraw copies the list into the signals, and
//! shows notes (toasts) about the rooms that are not open.

use std::sync::Arc;

use leptos::prelude::*;
use litemap::LiteMap;

use crate::{
    protocol::{Identity, Millis, Notify, Problem, RoomCode, RoomSummary},
    ui::{
        browser, device,
        long_lived::LongLived,
        rooms::announcement,
        texts::{Texts, use_texts},
    },
};

use super::{
    super::model::{Input, ListInput, RoomList, Status, Toast},
    announcement::Announcement,
    page_socket::{PageSocket, Painter, put},
    rest,
};

/// A room of the list. Each room has its own signal, so that a changed room does not rerender the others.
#[derive(Clone)]
pub struct RoomEntry {
    /// The code of the room.
    pub code: RoomCode,
    /// The current summary of the room.
    pub room: LongLived<ArcRwSignal<RoomSummary>>,
}

/// The rooms of the account that is logged in, as signals.
#[derive(Clone, Copy)]
pub struct LiveList {
    socket: PageSocket,
    /// The room that is open beside the list, if any.
    pub current: LongLived<RwSignal<Option<RoomCode>>>,
    /// The rooms, the most recently active first.
    pub entries: LongLived<RwSignal<Vec<RoomEntry>>>,
    /// The number of unread messages that count in the rooms that are not open.
    pub unread: LongLived<RwSignal<u64>>,
    /// The notes about other rooms, oldest first.
    pub toasts: LongLived<RwSignal<Vec<Toast>>>,
    /// The same notes as text for screen readers.
    pub announcement: Announcement,
    /// Until when the server kept the list up to date. `None` while it does.
    pub stale_since: LongLived<RwSignal<Option<Millis>>>,
    /// Whether the login has ended.
    pub logged_out: LongLived<RwSignal<bool>>,
    /// The account, as it was when the page was made.
    account: StoredValue<Identity>,
    texts: &'static Texts,
}

/// Provides the list as a context to the components below.
pub fn provide_list(list: LiveList) {
    provide_context(list);
}

/// Returns the list that [`provide_list`] provided. `None` on pages without an account.
pub fn use_list() -> Option<LiveList> {
    use_context()
}

impl LiveList {
    /// Creates the list from the rooms that the server rendered, and puts it into the model of the socket. `current`
    /// is the open room.
    pub fn new(socket: PageSocket, rooms: Vec<RoomSummary>, current: Option<RoomCode>, account: &Identity) -> Self {
        let list = RoomList::new(rooms, current, account.notify).dated(device::use_data_time());
        let entry = |room: &RoomSummary| RoomEntry { code: room.code, room: LongLived::new_arc(room.clone()) };
        let this = Self {
            socket,
            current: LongLived::new(current),
            entries: LongLived::new(list.rooms().iter().map(entry).collect()),
            unread: LongLived::new(list.unread()),
            toasts: LongLived::new(Vec::new()),
            announcement: Announcement::new(),
            stale_since: LongLived::new(None),
            logged_out: LongLived::new(false),
            account: StoredValue::new(account.clone()),
            texts: use_texts(),
        };
        socket.client.update_value(|client| client.set_list(list));
        socket.register(Arc::new(this));
        this
    }

    /// Whether the server cannot be reached at present, so that nobody can log out. An attempt to connect counts as
    /// well if the list is out of date, because it can take long and fail. A new page, which connects for the first
    /// time, has its list from the server.
    pub fn is_unreachable(self) -> bool {
        match self.socket.status.get() {
            Status::Offline | Status::Waiting(_) => true,
            Status::Connecting => self.stale_since.get().is_some(),
            Status::Live | Status::Blocked | Status::Ended => false,
        }
    }

    /// Closes the connection and deletes what the device keeps, because the person is logging out on this page.
    pub fn log_out(self) {
        browser::forget_everything();
        self.socket.disconnect();
    }

    /// The room with this code, if it is in the list.
    pub fn room(self, code: RoomCode) -> Option<LongLived<ArcRwSignal<RoomSummary>>> {
        let find = |entries: &Vec<RoomEntry>| Some(entries.iter().find(|entry| entry.code == code)?.room.clone());
        self.entries.with(find)
    }

    /// Which messages of a room cause a notice.
    pub fn notify(self, code: RoomCode) -> Notify {
        let own = self.room(code).and_then(|room| room.with(|room| room.notify));
        own.unwrap_or_else(|| self.account.try_with_value(|account| account.notify).unwrap_or_default())
    }

    /// Sets which messages of a room cause a notice: in this list at once, and on the server. If that fails, the list
    /// is as before.
    pub async fn set_notify(self, code: RoomCode, notify: Notify) -> Result<(), Problem> {
        let before = self.room(code).and_then(|room| room.with_untracked(|room| room.notify));
        self.take_in(ListInput::Notify { code, notify: Some(notify) });
        let outcome = rest::set_notify(code, notify).await;
        if outcome.is_err() {
            self.take_in(ListInput::Notify { code, notify: before });
        }
        outcome
    }

    /// Removes the note about one room. `None` removes all notes.
    pub fn dismiss(self, code: Option<RoomCode>) {
        self.take_in(ListInput::Dismiss(code));
    }

    /// Keeps the notes on the screen while somebody points at them or has the focus in them.
    pub fn hold(self, held: bool) {
        self.take_in(ListInput::Hold(held));
    }

    fn take_in(self, input: ListInput) {
        self.socket.step(Input::InList(input));
    }

    fn copy(self) {
        let picture = self.socket.client.try_update_value(|client| {
            let list = client.list_mut()?;
            put(*self.stale_since, list.stale_since(browser::time()));
            let changed = list.take_changed();
            let unannounced = list.toasts().take_unannounced();
            changed.then(|| {
                (
                    list.rooms().to_vec(),
                    list.unread(),
                    list.toasts().shown().to_vec(),
                    unannounced,
                    list.is_logged_out(),
                    list.current(),
                )
            })
        });
        let Some(Some((rooms, unread, toasts, unannounced, logged_out, current))) = picture else { return };
        self.show(rooms);
        put(*self.unread, unread);
        put(*self.toasts, toasts);
        put(*self.logged_out, logged_out);
        put(*self.current, current);
        if let Some(toast) = unannounced {
            self.announcement.say(announcement(self.texts, &toast.room, toast.messages, toast.joined.as_ref()));
            if self.account.try_with_value(|account| account.sound) == Some(true) {
                browser::chime();
            }
        }
    }

    fn show(self, rooms: Vec<RoomSummary>) {
        let mut known = LiteMap::new_vec();
        self.entries.with_untracked(|entries| {
            for entry in entries {
                known.insert(entry.code, entry.room.clone());
            }
        });
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
                None => LongLived::new_arc(room),
            };
            next.push(RoomEntry { code, room: signal });
        }
        if moved {
            self.entries.set(next);
        }
    }
}

impl Painter for LiveList {
    fn draw(&self, _: Status) {
        self.copy();
    }

    fn keep(&self) {
        self.socket.client.try_update_value(|client| {
            if let Some(rooms) = client.list_mut().and_then(RoomList::take_to_keep) {
                self.account.try_with_value(|account| device::keep_list(account, rooms));
            }
        });
    }
}
