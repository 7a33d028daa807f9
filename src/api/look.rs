//! The server function that changes the language of the pages.

use leptos::prelude::*;

use crate::protocol::{Language, Problem};

/// Stores the language in a cookie of this browser and, if logged in, in the account's preferences. Then goes back to
/// the page.
#[server(prefix = "/api/ui", endpoint = "choose_language")]
pub async fn choose_language(language: Language) -> Result<(), Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    if let Ok((account, _)) = visitor.account() {
        let wanted = crate::protocol::Preferences { language: Some(language), ..account.preferences.clone() };
        domain::profiles::prefer(&app, &visitor, wanted).await.map_err(context::refuse)?;
    }
    context::request_session().set_language_cookie(&app, Some(language));
    context::redirect_back();
    Ok(())
}
