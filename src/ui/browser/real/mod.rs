//! The real browser.

mod device;
mod elements;
mod http;
mod page;
mod socket;
mod time;

pub use device::{can_share, copy, keep, kept, share};
pub use elements::{Watch, close_dialog, distance_from_end, keep_place, place, scroll_to_end, show_dialog, watch};
pub use http::{get, post, send_form};
pub use page::{
    Listener, go, has_coarse_pointer, is_hidden, is_online, listen, origin, register_service_worker, reload,
    reload_when_brought_back, set_title,
};
pub use socket::Socket;
pub use time::{Timer, after, local_offset, message_id, now, random, soon, today};
