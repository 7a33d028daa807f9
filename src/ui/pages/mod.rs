//! One page a file. What a page shows comes with its document.

mod code_entry;
mod dashboard;
mod home;
mod join_form;
mod new_room;
mod not_found;
mod room;

pub use dashboard::{Dashboard, Rooms};
pub use home::Home;
pub use new_room::NewRoom;
pub use not_found::NotFound;
pub use room::{NoCode, RoomPage};
