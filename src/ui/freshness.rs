//! Reloads the page after a new version of the server was deployed. Callers choose a moment at which nothing can be
//! lost. The version is that of the build; the document has its own as an attribute (`server::http::shell`).

use leptos::prelude::*;

use super::browser;

/// The server version for which this tab was reloaded. It is reloaded once for each version, in case a cache returns
/// the old page again.
const RELOADED_FOR: &str = "anonchat.reloaded-for";

/// The server's version, as its newest connection announced it.
#[derive(Clone, Copy)]
pub struct Freshness {
    /// `None` until the first connection.
    pub server_version: RwSignal<Option<String>>,
}

/// Provides the version to all components.
pub fn provide_freshness() {
    provide_context(Freshness { server_version: RwSignal::new(None) });
}

/// Returns the version of the page's server.
pub fn use_freshness() -> Freshness {
    expect_context()
}

impl Freshness {
    /// The server's version, if it is not the page's and the page was not reloaded for it yet.
    fn new_version(self) -> Option<String> {
        let version = self.server_version.try_get_untracked()??;
        let is_new = browser::page_version().is_some_and(|own| own != version)
            && browser::stored_text(RELOADED_FOR).as_deref() != Some(version.as_str());
        is_new.then_some(version)
    }

    /// Whether the next page should be loaded as a document, because the server has another version. True once for each
    /// version.
    pub fn is_stale(self) -> bool {
        let version = self.new_version();
        if let Some(version) = &version {
            browser::store_text(RELOADED_FOR, version);
        }
        version.is_some()
    }

    /// Reloads the page if the server's version is not the page's.
    pub fn reload_if_stale(self) {
        if self.is_stale() {
            browser::reload_into_new_version();
        }
    }
}
