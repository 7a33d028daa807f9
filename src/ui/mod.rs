//! Floor 6 (docs/architecture.md lists the floors): the pages, rendered on the server and hydrated in the browser.
//!
//! - `pages`: one page a file, from `Visit` to HTML. `components`: the parts that pages share.
//! - `auth` and `preferences`: the pages of accounts. They run without wasm, and only the server renders them.
//! - `texts`: every sentence of the pages, in every language.
//! - `navigation`: goes from page to page without loading a document. `form`: sends forms, with scripts or without.
//! - `live`: the browser's copy of the open room and of the list of rooms, and the connection that updates both.
//! - `long_lived`: signals of the app, which pages read and then leave.
//! - `device`: what this device keeps for an account, to open without a network.
//! - `timeline` and `rooms`: pure functions that turn a log into rows, and a room into a line of the list. `face`: the
//!   picture of a person or a room, from an id.
//! - `export`: the saved messages of a room as one HTML file.
//! - `browser`: all calls of Web APIs, with an empty stand-in for the server.
//!
//! Domain rules are not here but in `server`, and the types that cross the wire are in `protocol`.

mod account;
mod app;
mod auth;
mod browser;
mod clock;
mod components;
mod countdown;
mod device;
mod dynamic;
mod effect;
mod export;
mod face;
mod form;
mod live;
mod long_lived;
mod manifest;
mod navigation;
mod pages;
mod preferences;
mod rate_limited;
mod refused_form;
mod rooms;
mod shell;
mod splash;
mod suggestions;
mod texts;
mod timeline;
mod title;

pub use app::App;
pub use auth::auth_shell;
pub use export::RoomFile;
pub use manifest::manifest;
pub use preferences::preferences_shell;
pub use rate_limited::rate_limited_page;
pub use shell::{provide_appearance, provide_build_version, provide_public_url, provide_tab_mark, shell};
