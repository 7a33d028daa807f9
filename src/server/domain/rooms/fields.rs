//! Reading what a person types into the form of a room.

use crate::{
    protocol::{Nickname, Problem, RoomName},
    server::text,
};

pub fn read_nickname(typed: &str) -> Result<Nickname, Problem> {
    text::nickname(typed).map_err(|reason| ("nickname", reason).into())
}

pub fn read_room_name(typed: &str) -> Result<RoomName, Problem> {
    text::room_name(typed).map_err(|reason| ("name", reason).into())
}

/// Reads an optional form field. `None` if it is missing or blank.
pub fn optional<T>(text: Option<&str>, read: impl FnOnce(&str) -> Result<T, Problem>) -> Result<Option<T>, Problem> {
    text.filter(|text| !text.trim().is_empty()).map(read).transpose()
}
