//! AnonChat.
pub mod protocol;
#[cfg(feature = "ssr")]
pub mod server;
