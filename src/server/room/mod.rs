//! Floor 2, the room engine: decides what happens in a room, in which order, and sends it to everyone concerned.
//!
//! A room is live on a node while a task for it runs there. The task ([`live`]) owns the room on that node: its state,
//! its pending commands and its local connections. All other code sends messages to the task through the [`Engine`].
//!
//! A batch of commands takes three steps. [`judge`] turns the commands into events, by the room's state. [`log`]
//! appends the events: to the archive of a preserved room, or to the tail of an ephemeral one. Only then are they sent:
//! acks and event frames to the local connections, and a packet to the other nodes. While one append is in flight, the
//! next batch gathers.
//!
//! Not here: the rules about who may do what (`domain/`) and the sockets (`socket/`, `http/ws.rs`).

mod absence;
mod command;
mod engine;
mod entry;
mod frames;
mod judge;
mod leases;
mod live;
mod log;
mod mentions;
mod names;
mod packet;
mod present;
mod reads;
mod refusals;
mod request;
mod sight;
mod timing;
mod window;
mod workers;

pub use command::{Calls, Change, Command, Done, Reply, Touch, notice_command};
pub use engine::Engine;
pub use frames::EncodedSnapshot;
pub use log::LogError;
pub use mentions::is_mentioned;
pub use refusals::{member_gone, not_owner};
pub use request::{Discretion, ResumePoint};
pub use sight::Sight;
pub use timing::Timing;
