//! The upper storey of `live`: Leptos signals and the browser, above the [`model`](super::model).

mod announcement;
mod list;
mod page_socket;
mod rest;
mod room;
mod tab;

pub use announcement::Announcement;
pub use list::{LiveList, RoomEntry, provide_list, use_list};
pub use page_socket::PageSocket;
pub use room::{Entry, LiveRoom, MemberLine, provide_room, use_room};
pub use tab::{TabEntry, load_entry, store_entry};
