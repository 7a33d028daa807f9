//! The server. Floors 1 to 6, lowest first; a file imports only from floors below its own.

pub mod bus;
pub mod store;
