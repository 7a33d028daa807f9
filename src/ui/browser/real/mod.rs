//! The implementation of `browser` that calls the Web APIs. It is compiled into the wasm only.

mod device;
mod elements;
mod http;
mod kept;
mod page;
mod socket;
mod stream;
mod time;
mod words;

pub use device::{
    can_share, chime, copy, is_folded, put_shared, share, store_text, stored_text, take_shared, toggle_folded,
};
pub use elements::{
    Focus, Watch, caret, close_dialog, close_layer, distance_from_end, distance_from_top, focus_into, focus_invalid,
    focus_row, give_focus_back, has_focus, is_within, name_of, passed, place_of, prepend_text, record_positions,
    replace_text, restore_positions, return_to_place, row_index, row_of, scroll_to, scroll_to_end, set_combobox,
    show_dialog, value_of, watch,
};
pub use http::{encoded, get, send, send_form};
pub use kept::{
    forget_everything, forget_kept_room, keep_list, keep_outbox, keep_room, kept_outbox, kept_visit,
    reload_into_new_version, reload_when_reachable,
};
pub use page::{
    Listener, address, before_next_frame, focus_page, go, has_coarse_pointer, is_likely_read, is_online, listen,
    on_closing, on_key, origin, page_version, path, push_address, register_service_worker, reload,
    reload_when_brought_back, rows_of_window, serialise_visit, set_title, show_unread, title, when_idle, when_shown,
};
pub use socket::Socket;
pub use stream::Stream;
pub use time::{Timer, after, local_offset, message_id, now, random, time, times_are_local, today, until_tomorrow};
pub use words::{by_language, first_letter, folded, is_blank, without_accents};
