//! REST: messages.

use axum::extract::State;

use super::{
    extract::{Json, Query},
    problem::Refusal,
};
use crate::{
    protocol::{Ack, HistoryPage, HistoryQuery, SendMessage},
    server::{
        app::{App, Visitor},
        domain::messages,
    },
};

/// Send a message.
///
/// Can be repeated safely: a repeated `id` gets the same answer, and adds no second message.
#[utoipa::path(post, path = "/api/messages", tag = "messages", request_body = SendMessage, responses(
    (status = 200, description = "The message is in the log.", body = Ack),
))]
pub async fn send_message(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<SendMessage>,
) -> Result<axum::Json<Ack>, Refusal> {
    Ok(axum::Json(messages::send(&app, &visitor, body).await?))
}

/// Get a page of a room's history, newest first.
#[utoipa::path(get, path = "/api/chats/history", tag = "messages", params(HistoryQuery), responses(
    (status = 200, description = "The page of history.", body = HistoryPage),
))]
pub async fn read_history(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query<HistoryQuery>,
) -> Result<axum::Json<HistoryPage>, Refusal> {
    Ok(axum::Json(messages::history(&app, &visitor, query).await?))
}
