//! Floor 0: what pages show that only the server renders, and how every page looks. These types never cross the wire.
//!
//! The pages about accounts ([`AuthVisit`]) and of preferences ([`PreferencesVisit`]) load no wasm, so the browser gets
//! them as HTML alone. [`Appearance`] is written into the document as attributes.
//!
//! Not here: [`Visit`](crate::protocol::Visit), the content of the pages about rooms. The browser gets it as JSON, so
//! it is in `protocol`.

mod appearance;
mod auth;
mod preferences;

pub use appearance::Appearance;
pub use auth::{AuthPage, AuthVisit};
pub use preferences::{PreferencesPage, PreferencesVisit, Typed};
