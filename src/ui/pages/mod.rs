//! One page a file. Pages fetch, and decide what to show.

mod code_entry;
mod home;
mod join_form;
mod new_room;
mod not_found;
mod room;

pub use home::Home;
pub use new_room::NewRoom;
pub use not_found::NotFound;
pub use room::RoomPage;

use leptos_router::hooks::use_query_map;

/// What was typed before the server sent the form back: it repeats the fields in the address.
fn typed(name: &str) -> String {
    use leptos::prelude::*;
    use_query_map().with_untracked(|query| query.get(name)).unwrap_or_default()
}
