//! Whether this page is of the server's version. If not, it is loaded anew when nothing is at stake.

use leptos::prelude::*;

use super::browser;

const PAGE_VERSION: &str = env!("CARGO_PKG_VERSION");
/// The server's version for which this tab was loaded anew: once is enough, even if a cache brings the old page again.
const RELOADED_FOR: &str = "anonchat.reloaded-for";

/// What the server says its version is.
#[derive(Clone, Copy)]
pub struct Freshness {
    /// Unknown until the first connection.
    pub server_version: RwSignal<Option<String>>,
}

/// Remembers the version for all parts of the page.
pub fn provide_freshness() {
    provide_context(Freshness { server_version: RwSignal::new(None) });
}

/// The version that the pages watch.
pub fn use_freshness() -> Freshness {
    expect_context()
}

impl Freshness {
    /// Loads the page anew if the server has another version.
    pub fn reload_if_stale(self) {
        let Some(Some(version)) = self.server_version.try_get_untracked() else { return };
        if version != PAGE_VERSION && browser::kept(RELOADED_FOR).as_deref() != Some(version.as_str()) {
            browser::keep(RELOADED_FOR, &version);
            browser::reload();
        }
    }
}
