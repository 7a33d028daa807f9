//! Floor 5: what programs and browsers connect to over HTTP: the REST API, the socket `/ws`, the stream for those who
//! cannot open it, health checks, static files, and what pages need of a request. A handler does three things: it
//! extracts its input, calls a use case of `domain/`, and returns the result.
//!
//! The way of a request: `serving` accepts the connection, the layers of `router` check it, and a handler answers.
//! `pages` loads the content of pages. Their handlers and the rendering are in `server::boot`.

mod admission;
mod auth;
mod client;
pub mod context;
mod cookies;
mod device;
mod download;
mod event_stream;
mod extract;
mod handshake;
mod headers;
mod health;
mod look;
mod messages;
mod metering;
mod openapi;
mod origin;
pub mod pages;
mod problem;
mod qr;
mod request_log;
mod request_session;
mod rooms;
mod router;
mod scrapes;
mod search;
mod serving;
mod shell;
mod stream;
mod users;
pub mod visits;
mod ws;
mod zone;

pub use headers::content_security_policy;
pub use request_log::note_refusal;
pub use router::{Routes, api};
pub use scrapes::Scrapes;
pub use serving::serve;
pub use shell::{BuildVersion, build_version, sealed};
