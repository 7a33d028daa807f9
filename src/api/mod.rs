//! Floor 5: server functions, the UI's own door: server-side rendering, and forms that work before the wasm arrives.
//!
//! Each does three things: extract, call a use case, return. The bodies exist on the server only. Other programs use REST
//! (`server/http`), which calls the same use cases.

mod history;
mod rooms;

use leptos::{
    prelude::{FromServerFnError, ServerFnErrorErr},
    server_fn::codec::JsonEncoding,
};

pub use history::{GetHistory, get_history};
pub use rooms::{
    CreateRoom, GetEntrance, JoinRoom, KickMember, LeaveRoom, OpenDoor, PreserveRoom, RenameRoom, create_room,
    get_entrance, join_room, kick_member, leave_room, open_door, preserve_room, rename_room,
};

pub use crate::protocol::{Door, Entrance};

use crate::protocol::{Code, Problem};

/// What the transport of server functions can say becomes a problem like any other.
impl FromServerFnError for Problem {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::MiddlewareError(_) => {
                Self::new(Code::Overloaded, "The server can’t be reached. Check your connection and try again.")
            }
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::new(Code::Malformed, "The server could not read this request. Reload the page and try again.")
            }
            _ => Self::new(Code::Internal, "Something went wrong. Try again; nothing you typed was lost."),
        }
    }
}
