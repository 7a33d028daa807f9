//! REST: searching.

use axum::extract::State;

use super::{extract::Query, problem::Refusal};
use crate::{
    protocol::{SearchPage, SearchQuery},
    server::{
        app::{App, Visitor},
        domain::search,
    },
};

/// Search the messages of your rooms.
///
/// Finds the messages that rooms keep, newest first, in one room or in the 20 with the newest messages. A message is
/// found about a second after it was sent. A search that takes too long answers with what it has found, and with
/// `more`.
#[utoipa::path(get, path = "/api/search", tag = "messages", params(SearchQuery), responses(
    (status = 200, description = "The messages that were found.", body = SearchPage),
))]
pub async fn search_messages(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query<SearchQuery>,
) -> Result<axum::Json<SearchPage>, Refusal> {
    Ok(axum::Json(search::search(&app, &visitor, query).await?))
}
