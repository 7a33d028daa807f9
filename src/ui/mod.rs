//! Floor 6: pages, components, and the browser's replica.
//!
//! `pages` decide what to show, `components` show what they are given, `form` sends forms, `timeline` computes what a log looks like, `live` keeps
//! a room and its connection, and `browser` hides the browser itself.

mod app;
mod browser;
mod clock;
mod components;
mod countdown;
mod form;
mod freshness;
mod live;
mod pages;
mod shell;
mod timeline;
mod title;

pub use app::App;
pub use shell::shell;
