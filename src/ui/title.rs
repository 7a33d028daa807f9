//! The title of a page. The server writes it into the document; while a room is open the browser keeps it up to date.

use crate::protocol::{Door, Page, RoomCode, RoomName};

/// The title of a page as it is sent.
pub fn of_page(page: &Page) -> String {
    match page {
        Page::Home(_) => "AnonChat".to_owned(),
        Page::NewRoom(_) => "Make a room · AnonChat".to_owned(),
        Page::Room { door: Ok(Door::Inside(snapshot)), code } => of_room(snapshot.room.name.as_ref(), *code, 0),
        Page::Room { code, .. } => of_room(None, *code, 0),
        Page::NoCode { .. } => "Check the code · AnonChat".to_owned(),
        Page::NotFound => "Nothing here · AnonChat".to_owned(),
    }
}

/// The title of a room, with the number of messages that came while nobody looked.
pub fn of_room(name: Option<&RoomName>, code: RoomCode, missed: usize) -> String {
    let name = name.map_or_else(|| code.spaced(), ToString::to_string);
    match missed {
        0 => format!("{name} · AnonChat"),
        missed => format!("({missed}) {name} · AnonChat"),
    }
}
