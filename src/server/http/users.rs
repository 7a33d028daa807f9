//! REST: the visitor's own account.

use axum::{extract::State, http::StatusCode, response::Response};

use super::{
    download::download,
    extract::{Json, MaybeJson},
    problem::Refusal,
    request_session::RequestSession,
};
use crate::{
    protocol::{ChangeEmail, ChangeName, ChangePassword, DeleteMe, Preferences, Profile},
    server::{
        app::{App, Visitor},
        domain::{deletion, passwords, profiles, takeout},
    },
};

type Answer<T> = Result<T, Refusal>;

/// Get your account.
#[utoipa::path(get, path = "/api/users/me", tag = "accounts", responses(
    (status = 200, description = "The account.", body = Profile),
))]
pub async fn show_me(visitor: Visitor) -> Answer<axum::Json<Profile>> {
    Ok(axum::Json(profiles::me(&visitor)?))
}

/// Delete your account, or your guest session.
///
/// For an account, send its password, or a code that `POST /api/auth/code` mails. An account with neither a password
/// nor a proved address needs no confirmation. A guest needs no body: the guest leaves the room and is deleted.
#[utoipa::path(delete, path = "/api/users/me", tag = "accounts", request_body = DeleteMe, responses(
    (status = 204, description = "The account or the guest session is deleted."),
))]
pub async fn delete_me(
    State(app): State<App>,
    visitor: Visitor,
    request_session: RequestSession,
    MaybeJson(body): MaybeJson<DeleteMe>,
) -> Answer<StatusCode> {
    deletion::forget_me(&app, &visitor, body).await?;
    request_session.clear_login_cookies(&app);
    request_session.clear_guest_cookies(&app);
    Ok(StatusCode::NO_CONTENT)
}

/// Download everything that is stored about your account.
///
/// The file has your profile with the preferences, your sessions, all rooms that you are or were in, and your messages
/// as far as they are preserved.
#[utoipa::path(get, path = "/api/users/me/data", tag = "accounts", responses(
    (status = 200, description = "A file of JSON with the fields `profile`, `sessions`, `rooms` and `messages`.", content_type = "application/json"),
))]
pub async fn export_data(State(app): State<App>, visitor: Visitor) -> Answer<Response> {
    let pieces = takeout::of(&app, &visitor).await?;
    Ok(download(pieces, "application/json", "anonchat.json"))
}

/// Replace your preferences.
///
/// A preference that is left out is set to its default.
#[utoipa::path(put, path = "/api/users/preferences", tag = "accounts", request_body = Preferences, responses(
    (status = 200, description = "The account after the change.", body = Profile),
))]
pub async fn change_preferences(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<Preferences>,
) -> Answer<axum::Json<Profile>> {
    Ok(axum::Json(profiles::prefer(&app, &visitor, body).await?))
}

/// Change your name.
#[utoipa::path(put, path = "/api/users/name", tag = "accounts", request_body = ChangeName, responses(
    (status = 200, description = "The account after the change.", body = Profile),
))]
pub async fn change_name(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<ChangeName>,
) -> Answer<axum::Json<Profile>> {
    Ok(axum::Json(profiles::rename(&app, &visitor, body).await?))
}

/// Change your email address.
///
/// The new address is pending until the link in a mail to it is followed. Sending the same address again sends the mail
/// again. A new address must be confirmed by the password or by a code that `POST /api/auth/code` mails, unless the
/// account has neither a password nor a proved address.
#[utoipa::path(put, path = "/api/users/email", tag = "accounts", request_body = ChangeEmail, responses(
    (status = 200, description = "The account after the change. The new address is pending until it is proved.", body = Profile),
))]
pub async fn change_email(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<ChangeEmail>,
) -> Answer<axum::Json<Profile>> {
    Ok(axum::Json(profiles::change_email(&app, &visitor, body).await?))
}

/// Change your password, and end all your other sessions.
///
/// Must be confirmed by the old password or by a code that `POST /api/auth/code` mails, unless the account has neither
/// a password nor a proved address.
#[utoipa::path(put, path = "/api/users/password", tag = "accounts", request_body = ChangePassword, responses(
    (status = 204, description = "The password is changed."),
))]
pub async fn change_password(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<ChangePassword>,
) -> Answer<StatusCode> {
    passwords::change(&app, &visitor, body).await?;
    Ok(StatusCode::NO_CONTENT)
}
