//! Floor 2: the room engine: what happens in a room, in which order, and who is told.
//!
//! One task owns each live room ([`live`]): its state, its pending batch, its local connections. Everything else talks to
//! it by messages through the [`Engine`]. A batch is judged by the state ([`judge`]), appended to the room's log ([`log`]:
//! the archive of a preserved room, the tail of an ephemeral one), and only then told: acks, frames, a packet for the other
//! nodes. While one append is in flight the next batch gathers.
//!
//! Not here: who may do what (`domain/`), sockets (`socket/`, `http/ws.rs`).

mod absence;
mod command;
mod engine;
mod entry;
mod frames;
mod judge;
mod live;
mod log;
mod mentions;
mod names;
mod packet;
mod present;
mod reads;
mod sight;
mod window;

pub use command::{Command, Done, Reply};
pub use engine::{Engine, Timing};
pub use frames::EncodedSnapshot;
pub use judge::{member_gone, not_owner};
pub use live::{Discretion, ResumePoint, announcement};
pub use log::LogError;
pub use mentions::is_mentioned;
pub use sight::Sight;
