//! The content of each page, for the visitor who asks for it. Rendering is not here but in `boot`.
//!
//! A function of [`rooms`], [`auth`] or [`preferences`] loads the content of one page. It takes a [`PageRequest`] and
//! returns a [`Loaded`]: the content, and the problem that the page shows, if any.

pub mod auth;
pub mod preferences;
mod request;
pub mod rooms;

pub use request::{Loaded, PageRequest};
