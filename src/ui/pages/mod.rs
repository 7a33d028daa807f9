//! One page of the application a file. A page gets its content as arguments, which come with the document (`Visit`).
//! The pages of accounts are in `auth` and `preferences`.

mod code_entry;
mod dashboard;
mod home;
mod join_form;
mod new_room;
mod not_found;
mod room;
mod unreachable;

pub use dashboard::{Dashboard, NoRoom};
pub use home::Home;
pub use new_room::NewRoom;
pub use not_found::NotFound;
pub use room::{NoCode, RoomPage, room_in_memory};
pub use unreachable::Unreachable;
