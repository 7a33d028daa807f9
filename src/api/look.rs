//! How the pages look and speak to whoever has no account to keep it in.

use leptos::prelude::*;

use crate::protocol::{Language, Problem};

/// Remembers the language in this browser, and goes back to the page.
#[server(prefix = "/api/ui", endpoint = "choose_language")]
pub async fn choose_language(language: Language) -> Result<(), Problem> {
    use crate::server::http::context;
    let (app, _) = context::visitor().await?;
    context::speak(&app, language);
    context::go_back();
    Ok(())
}
