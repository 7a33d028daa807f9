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

#[derive(Clone, Copy)]
struct KeptAt(Option<Millis>);

/// Provides when the device had the page's data from the server, if the page is made from the device's copy.
pub fn provide_kept_at(at: Option<Millis>) {
    provide_context(KeptAt(at));
}

/// When the device had the page's data from the server. `None` on a page of the server.
pub fn use_kept_at() -> Option<Millis> {
    use_context::<KeptAt>().and_then(|KeptAt(at)| at)
}
