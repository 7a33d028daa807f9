//! REST: messages.

use axum::{extract::State, response::Response};

use super::{
    download::download,
    extract::{Json, Path, Query},
    problem::Refusal,
};
use crate::{
    protocol::{
        Ack, DeleteMessage, EditMessage, ExportQuery, HistoryPage, HistoryQuery, Problem, Quotes, QuotesQuery,
        ReactToMessage, SendMessage, Seq, Target, Touched,
    },
    server::{
        app::{App, Visitor},
        domain::{
            messages::{self, Wish},
            room_export,
        },
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

/// Get the beginnings of some messages, for replies to them.
///
/// Those that the asker may not see are left out.
#[utoipa::path(get, path = "/api/messages", tag = "messages", params(QuotesQuery), responses(
    (status = 200, description = "The messages.", body = Quotes),
))]
pub async fn read_quotes(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query<QuotesQuery>,
) -> Result<axum::Json<Quotes>, Refusal> {
    Ok(axum::Json(messages::quoted(&app, &visitor, query).await?))
}

/// Change the text of a message of your own.
///
/// Can be repeated safely. Works for 15 minutes after the message was sent, or as long as the server is set to, up to
/// ten times.
#[utoipa::path(patch, path = "/api/messages/{seq}", tag = "messages", params(("seq" = Seq, Path)),
    request_body = EditMessage, responses(
    (status = 200, description = "The text is changed.", body = Touched),
))]
pub async fn edit_message(
    State(app): State<App>,
    visitor: Visitor,
    Path(seq): Path<Seq>,
    Json(EditMessage { code, id, body, after, mentions, everyone }): Json<EditMessage>,
) -> Result<axum::Json<Touched>, Refusal> {
    let code = code.parse().map_err(Problem::from)?;
    let edit = Wish::Edit { body, after, mentions, everyone };
    Ok(axum::Json(messages::touch(&app, &visitor, code, Target { seq, id }, edit).await?))
}

/// Delete a message of your own, or any message in a room that you own.
///
/// Can be repeated safely. The text is removed from everywhere, with all its changes.
#[utoipa::path(delete, path = "/api/messages/{seq}", tag = "messages", params(("seq" = Seq, Path)),
    request_body = DeleteMessage, responses(
    (status = 200, description = "The message is deleted.", body = Touched),
))]
pub async fn delete_message(
    State(app): State<App>,
    visitor: Visitor,
    Path(seq): Path<Seq>,
    Json(DeleteMessage { code, id }): Json<DeleteMessage>,
) -> Result<axum::Json<Touched>, Refusal> {
    let code = code.parse().map_err(Problem::from)?;
    Ok(axum::Json(messages::touch(&app, &visitor, code, Target { seq, id }, Wish::Delete).await?))
}

/// React to a message with an emoji.
///
/// Can be repeated safely. A message has up to 20 different emoji, and 5 of one person.
#[utoipa::path(put, path = "/api/messages/{seq}/reactions", tag = "messages", params(("seq" = Seq, Path)),
    request_body = ReactToMessage, responses(
    (status = 200, description = "The emoji is at the message.", body = Touched),
))]
pub async fn add_reaction(
    State(app): State<App>,
    visitor: Visitor,
    Path(seq): Path<Seq>,
    Json(body): Json<ReactToMessage>,
) -> Result<axum::Json<Touched>, Refusal> {
    react(&app, &visitor, seq, body, true).await
}

/// Take a reaction away.
///
/// Can be repeated safely.
#[utoipa::path(delete, path = "/api/messages/{seq}/reactions", tag = "messages", params(("seq" = Seq, Path)),
    request_body = ReactToMessage, responses(
    (status = 200, description = "The emoji is not at the message.", body = Touched),
))]
pub async fn remove_reaction(
    State(app): State<App>,
    visitor: Visitor,
    Path(seq): Path<Seq>,
    Json(body): Json<ReactToMessage>,
) -> Result<axum::Json<Touched>, Refusal> {
    react(&app, &visitor, seq, body, false).await
}

async fn react(
    app: &App,
    visitor: &Visitor,
    seq: Seq,
    ReactToMessage { code, id, e }: ReactToMessage,
    on: bool,
) -> Result<axum::Json<Touched>, Refusal> {
    let code = code.parse().map_err(Problem::from)?;
    Ok(axum::Json(messages::touch(app, visitor, code, Target { seq, id }, Wish::React(e, on)).await?))
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

/// Download the saved messages of a room.
///
/// The file has what you see in the history of the room, oldest first. Only a room that saves its messages has it.
#[utoipa::path(get, path = "/api/chats/export", tag = "messages", params(ExportQuery), responses(
    (status = 200, description = "A file of JSON with the fields `room` and `events`.", content_type = "application/json"),
))]
pub async fn export_room(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Refusal> {
    let code = query.code.parse().map_err(Problem::from)?;
    let pieces = room_export::of(&app, &visitor, code, room_export::Json::default()).await?;
    Ok(download(pieces, "application/json", &format!("anonchat-{code}.json")))
}
