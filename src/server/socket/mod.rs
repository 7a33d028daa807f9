//! Floor 1, sockets: connections to clients, which are as cheap per frame as the system allows.
//!
//! A [`Frame`] is encoded once, including its WebSocket header, and shared by all connections that it is sent to. Any
//! task may send a frame through a [`Connection`]. It is written to the [`Wire`] at once: one system call for each
//! connection, and no other task has to wake up. Only the bytes that the system's buffer does not take are kept in the
//! connection's bounded backlog. The socket's own task writes these as the client reads.
//!
//! A client that cannot open a WebSocket has a socket pair as its wire, and [`Events`] at the other end.
//!
//! [`Incoming`] reads messages from the client, parsed by a library. [`Pulse`] pings all sockets from one timing wheel.
//! [`Backlogs`] bounds the memory of all backlogs together. [`Guarded`] limits how long a connection may take while it
//! still speaks HTTP.
//!
//! Not here: the content of frames (`protocol::socket`), and the handling of what clients send (`http/ws.rs`).

mod backlog;
mod backlogs;
mod connection;
mod events;
mod fragments;
mod frame;
mod guarded;
mod incoming;
mod pulse;
mod wire;

pub use backlogs::Backlogs;
pub use connection::{Connection, ConnectionId};
pub use events::{Events, of_client};
pub use frame::Frame;
pub use guarded::{Guarded, UnderWay, Vigil};
pub use incoming::Incoming;
pub use pulse::Pulse;
pub use tungstenite::protocol::frame::coding::CloseCode;
pub use wire::Wire;
