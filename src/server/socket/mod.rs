//! Floor 1: sockets: the way to one client, as cheap per frame as the system allows.
//!
//! A [`Frame`] is encoded once, WebSocket header and all, and shared by everyone who gets it. Whoever has news writes it to
//! the [`Wire`] at once, one system call for each reader, with no task woken in between; only what the system's buffer does
//! not take waits in the [`Connection`]'s bounded backlog, which the socket's own task writes as the reader takes it.
//! What comes in is parsed by a library ([`Incoming`]); pings for all sockets come from one wheel ([`Pulse`]).
//!
//! Not here: what frames say (`protocol::socket`), and what is done with them (`http/ws.rs`).

mod backlog;
mod backlogs;
mod connection;
mod fragments;
mod frame;
mod guarded;
mod incoming;
mod pulse;
mod wire;

pub use backlogs::Backlogs;
pub use connection::{Connection, ConnectionId};
pub use frame::Frame;
pub use guarded::{Guarded, UnderWay, Vigil};
pub use incoming::Incoming;
pub use pulse::Pulse;
pub use tungstenite::protocol::frame::coding::CloseCode;
pub use wire::Wire;
