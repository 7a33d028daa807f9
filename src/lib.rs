//! AnonChat: chat by code. This page is the map of the house; `docs/architecture.md` walks through it.
//!
//! | floor | module | what it is |
//! |---|---|---|
//! | 0 | [`protocol`] | all that crosses the wire, and the fold; server and browser alike |
//! | 1 | `server::{config, disk, text, store, bus, mail, socket}` | settings, the folder of files, how text is read, durable truth, live state between nodes, mails, the way to one client |
//! | 2 | `server::room` | the engine: append, tail, resume, the task of a live room |
//! | 3 | `server::app` | what a node is made of |
//! | 4 | `server::domain` | use cases: all rules live here |
//! | 5 | `server::http`, [`api`] | doors: REST and socket, server functions |
//! | 6 | `server::{boot, admin}`, [`ui`] | start and stop; what operators ask for; pages, and the browser's replica |
//!
//! A file imports only from floors below its own (`tests/house.rs` checks it). `ui` sees only `protocol`, `api` and itself.

#[expect(missing_docs, reason = "the macro makes argument structs; the functions say what the arguments mean")]
pub mod api;
pub mod protocol;
pub mod ui;

// The one gate between the two builds.
#[cfg(feature = "ssr")]
pub mod server;

/// Where the browser starts: takes over the page that the server rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(ui::App);
}
