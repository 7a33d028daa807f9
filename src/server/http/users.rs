//! REST: one's own account.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::stream;

use super::{
    extract::{Json, MaybeJson},
    problem::Refusal,
    reception::Reception,
};
use crate::{
    protocol::{ChangeEmail, ChangeName, ChangePassword, DeleteMe, Preferences, Profile},
    server::{
        app::{App, Visitor},
        domain::{accounts, farewell, secrets, takeout},
    },
};

type Answer<T> = Result<T, Refusal>;

/// Your account.
#[utoipa::path(get, path = "/api/users/me", tag = "accounts", responses(
    (status = 200, description = "The account", body = Profile),
))]
pub async fn me(visitor: Visitor) -> Answer<axum::Json<Profile>> {
    Ok(axum::Json(accounts::me(&visitor)?))
}

/// Delete your account, with its password or a code. As a guest: leave, and be forgotten.
#[utoipa::path(delete, path = "/api/users/me", tag = "accounts", request_body = DeleteMe, responses(
    (status = 204, description = "Gone"),
))]
pub async fn forget_me(
    State(app): State<App>,
    visitor: Visitor,
    reception: Reception,
    MaybeJson(body): MaybeJson<DeleteMe>,
) -> Answer<StatusCode> {
    farewell::forget_me(&app, &visitor, body).await?;
    reception.see_out(&app);
    reception.forget_guest(&app);
    Ok(StatusCode::NO_CONTENT)
}

/// Everything known of your account: profile, preferences, sessions, rooms, past ones too, and what you said, where kept.
#[utoipa::path(get, path = "/api/users/me/data", tag = "accounts", responses(
    (status = 200, description = "A file of JSON: `profile`, `sessions`, `rooms`, `messages`", content_type = "application/json"),
))]
pub async fn data(State(app): State<App>, visitor: Visitor) -> Answer<Response> {
    let pieces = takeout::of(&app, &visitor).await?;
    let pieces = stream::unfold(pieces, async |mut pieces| Some((Ok::<_, axum::Error>(pieces.recv().await?), pieces)));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"anonchat.json\"")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Keep what you chose. A preference that is left out has its default.
#[utoipa::path(put, path = "/api/users/preferences", tag = "accounts", request_body = Preferences, responses(
    (status = 200, description = "The account as it is now", body = Profile),
))]
pub async fn preferences(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<Preferences>,
) -> Answer<axum::Json<Profile>> {
    Ok(axum::Json(accounts::prefer(&app, &visitor, body).await?))
}

/// Be called something else.
#[utoipa::path(put, path = "/api/users/name", tag = "accounts", request_body = ChangeName, responses(
    (status = 200, description = "The account as it is now", body = Profile),
))]
pub async fn name(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<ChangeName>,
) -> Answer<axum::Json<Profile>> {
    Ok(axum::Json(accounts::rename(&app, &visitor, body).await?))
}

/// Have another address, once a mail has proved it. The same address again sends the mail again.
#[utoipa::path(put, path = "/api/users/email", tag = "accounts", request_body = ChangeEmail, responses(
    (status = 200, description = "The account as it is now, with the address pending", body = Profile),
))]
pub async fn email(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<ChangeEmail>,
) -> Answer<axum::Json<Profile>> {
    Ok(axum::Json(accounts::change_email(&app, &visitor, body).await?))
}

/// Have another password. Ends all other sessions.
#[utoipa::path(put, path = "/api/users/password", tag = "accounts", request_body = ChangePassword, responses(
    (status = 204, description = "Changed"),
))]
pub async fn password(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<ChangePassword>,
) -> Answer<StatusCode> {
    secrets::change(&app, &visitor, body).await?;
    Ok(StatusCode::NO_CONTENT)
}
