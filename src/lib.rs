//! AnonChat: chat by code. This page lists the modules by floor; `docs/architecture.md` explains them.
//!
//! - Floor 0, [`protocol`]: everything that crosses the wire, and the function that folds a room's events. It is for
//!   server and browser alike. [`visit`]: what pages show that only the server renders, and how pages look.
//! - Floor 1, `server::{config, clock, disk, random, token, keys, text, store, bus, mail, metrics, socket}`: settings,
//!   time, the folder of files, random values, tokens, keys, the rules for text, durable state, live state that nodes
//!   share, mails, metrics, and the connection to one client.
//! - Floor 2, `server::room`: the engine. It has append, tail, resume, and the task of a live room.
//! - Floor 3, `server::app`: the parts of a node, and its limits.
//! - Floor 4, `server::domain`: use cases. All rules are here.
//! - Floor 5, `server::http` and [`api`]: entry points, which are REST, socket and server functions.
//! - Floor 6, `server::{boot, admin}` and [`ui`]: start and stop, commands of operators, pages, and the browser's
//!   replica.
//!
//! A file imports only from floors below its own, and modules form no cycle (`tests/it/house/` checks it). `ui` imports
//! only from `protocol`, `visit`, `api` and itself.

pub mod api;
pub mod protocol;
pub mod ui;
pub mod visit;

// The only place where the server's build and the browser's build differ in modules.
#[cfg(feature = "ssr")]
pub mod server;

/// The entry point in the browser: hydrates the page that the server has rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    // A release has no messages of panics (docs/decisions/0041).
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(ui::App);
}
