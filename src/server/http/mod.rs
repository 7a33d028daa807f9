//! Floor 5: the doors for programs and browsers: REST, the socket, health, static files. Handlers do three things: extract,
//! call a use case, return.

mod admission;
mod auth;
mod client;
pub mod context;
mod device;
mod extract;
mod handshake;
mod headers;
mod health;
mod look;
mod messages;
mod metering;
mod openapi;
mod origin;
mod pages;
mod preferences;
mod problem;
mod reception;
mod rooms;
mod router;
mod serving;
mod session;
mod shell;
mod users;
mod ws;
mod zone;

pub use headers::content_security_policy;
pub use look::{look, tab_mark};
pub use pages::{auth_visit, visit, way_back_in, way_to_log_in};
pub use preferences::preferences_visit;
pub use router::{Doors, api};
pub use serving::serve;
