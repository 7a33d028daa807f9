//! What this device keeps for a logged-in account, for pages: how to read it, and when it is from.
//!
//! The copy is made and deleted by `public/store.js`, in `IndexedDB`. It has the list of preserved rooms and the end
//! of each preserved room that was opened. Guests and ephemeral rooms leave nothing. docs/decisions/0030 has the
//! rules.

use leptos::prelude::*;

use crate::protocol::{Identity, MailReach, Millis, Retention, RoomSummary, Snapshot, Visit};

use super::browser;

/// What the device keeps for the page at this path: the list of rooms, or a room with the list beside it. `None` if it
/// keeps nothing for it. Only in the browser, and not during the first render.
pub async fn visit_for(path: &str) -> Option<Visit> {
    serde_json::from_str(&browser::kept_visit(path).await?).ok()
}

/// Keeps the end of a room.
pub fn keep_room(snapshot: &Snapshot) {
    if let Ok(json) = serde_json::to_string(snapshot) {
        browser::keep_room(snapshot.room.code.as_str(), &json);
    }
}

/// Keeps the preserved rooms of the list. The copies of all other rooms are deleted. Whether mail reaches the account
/// is not kept, because it may contain an address.
pub fn keep_list(account: &Identity, rooms: &[RoomSummary]) {
    let preserved: Vec<_> = rooms.iter().filter(|room| room.retention == Retention::Preserved).collect();
    let account = Identity { reach: MailReach::Proved, ..account.clone() };
    if let (Ok(account), Ok(rooms)) = (serde_json::to_string(&account), serde_json::to_string(&preserved)) {
        browser::keep_list(&account, &rooms);
    }
}

/// When the device had the data of the page from the server. `None` if the page is not made from the device's copy.
#[derive(Clone, Copy)]
pub struct KeptAt(StoredValue<Option<Millis>>);

impl KeptAt {
    /// Provides it for the first page.
    pub fn provide(at: Option<Millis>) -> Self {
        let kept_at = Self(StoredValue::new(at));
        provide_context(kept_at);
        kept_at
    }

    /// Sets it for the next page of the app.
    pub fn set(self, at: Option<Millis>) {
        self.0.try_set_value(at);
    }
}

/// When the data of the page came from the server: the time of the device's copy, or now.
pub fn use_data_time() -> Millis {
    use_context().and_then(|KeptAt(at)| at.try_get_value()).flatten().unwrap_or_else(browser::time)
}
