//! Floor 6: pages, components, and the browser's replica.
//!
//! `auth` and `preferences` are the pages about accounts, which need no scripts; `pages` decide what to show, `components`
//! show what they are given, `texts` has the words in every language, `form` sends forms, `timeline` computes what a log looks
//! like and `rooms` what a list of rooms does, `live` keeps both and their connection, and `browser` hides the browser itself.

mod account;
mod app;
mod auth;
mod browser;
mod busy;
mod clock;
mod components;
mod countdown;
mod effect;
mod form;
mod freshness;
mod live;
mod manifest;
mod pages;
mod preferences;
mod rooms;
mod shell;
mod texts;
mod timeline;
mod title;

pub use app::App;
pub use auth::auth_shell;
pub use busy::busy;
pub use manifest::manifest;
pub use preferences::preferences_shell;
pub use shell::{provide_look, provide_tab_mark, shell};
