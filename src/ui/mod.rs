//! Floor 6: pages, components, and the browser's replica.

mod app;
mod shell;

pub use app::App;
pub use shell::shell;
