//! History, for the room page.

use leptos::prelude::*;

use crate::protocol::{HistoryPage, Problem, RoomCode, Seq};

/// A page of history: the newest events before `before`.
#[server(prefix = "/api/ui", endpoint = "get_history")]
pub async fn get_history(code: RoomCode, before: Option<Seq>) -> Result<HistoryPage, Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    let query = crate::protocol::HistoryQuery { code: code.into(), before, limit: None };
    domain::messages::history(&app, &visitor, query).await.map_err(context::refuse)
}
