//! REST: registering, logging in and out, sessions, and using the links and codes in mails.

use axum::{extract::State, http::StatusCode};
use axum_extra::extract::CookieJar;
use uuid::Uuid;

use super::{
    cookies::{self, Name},
    device::Device,
    extract::{Json, Path},
    problem::Refusal,
    request_session::RequestSession,
};
use crate::{
    protocol::{
        Code, ForgotPassword, LogIn, LogInByCode, MeasurePassword, PasswordStrength, Problem, Profile, Register,
        RequestCode, ResetPassword, SessionView, VerifyEmail,
    },
    server::{
        app::{App, Visitor},
        domain::{
            accounts, login, passwords,
            recognising::{self, Recognised},
            sessions, strength, verifying,
        },
    },
};

type Answer<T> = Result<T, Refusal>;

/// Register an account, and log in.
///
/// The answer is the same whether or not another account has the address. Only the mail to the address differs: it has
/// a link to prove the address, or says that there is an account already.
#[utoipa::path(post, path = "/api/auth/register", tag = "accounts", request_body = Register, responses(
    (status = 201, description = "The account was made. The server sends a mail that proves the address.", body = Profile),
))]
pub async fn register_account(
    State(app): State<App>,
    visitor: Visitor,
    request_session: RequestSession,
    Device(device): Device,
    Json(body): Json<Register>,
) -> Answer<(StatusCode, axum::Json<Profile>)> {
    let logged_in = accounts::register(&app, &visitor, device, body, None).await?;
    Ok((StatusCode::CREATED, axum::Json(request_session.set_login_cookies(&app, logged_in))))
}

/// Log in with an address and a password.
#[utoipa::path(post, path = "/api/auth/login", tag = "accounts", request_body = LogIn, responses(
    (status = 200, description = "You are logged in. The account has taken over your guest’s room.", body = Profile),
))]
pub async fn log_in(
    State(app): State<App>,
    visitor: Visitor,
    request_session: RequestSession,
    Device(device): Device,
    Json(body): Json<LogIn>,
) -> Answer<axum::Json<Profile>> {
    let logged_in = login::by_password(&app, &visitor, device, body).await?;
    Ok(axum::Json(request_session.set_login_cookies(&app, logged_in)))
}

/// Log out in this client.
#[utoipa::path(post, path = "/api/auth/logout", tag = "accounts", responses(
    (status = 204, description = "You are logged out, or you were not logged in."),
))]
pub async fn log_out(State(app): State<App>, visitor: Visitor, request_session: RequestSession) -> Answer<StatusCode> {
    sessions::log_out(&app, &visitor).await?;
    request_session.clear_login_cookies(&app);
    Ok(StatusCode::NO_CONTENT)
}

/// Renew the tokens with the refresh token.
///
/// Calling this is optional: every operation renews an expired access token by itself.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "accounts", responses(
    (status = 204, description = "The response sets new cookies."),
))]
pub async fn refresh_session(
    State(app): State<App>,
    request_session: RequestSession,
    jar: CookieJar,
) -> Answer<StatusCode> {
    let token = cookies::read(&app.config, &jar, Name::Refresh);
    match recognising::recognise(&app, None, token).await? {
        Recognised::Somebody(_, Some(tokens)) => {
            request_session.set_token_cookies(&app, tokens);
            Ok(StatusCode::NO_CONTENT)
        }
        Recognised::Somebody(_, None) | Recognised::Nobody { .. } => {
            request_session.clear_login_cookies(&app);
            Err(Problem::new(Code::NotLoggedIn, "This session has ended. Log in again.").into())
        }
    }
}

/// Request a mailed link to set a new password.
///
/// The answer is the same whether or not an account has the address.
#[utoipa::path(post, path = "/api/auth/forgot-password", tag = "accounts", request_body = ForgotPassword, responses(
    (status = 204, description = "If an account has this address, the server sends it a mail."),
))]
pub async fn request_password_reset(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<ForgotPassword>,
) -> Answer<StatusCode> {
    passwords::forgot(&app, &visitor, body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Set a new password with the token of a mailed link.
///
/// Ends all sessions of the account, and proves the address.
#[utoipa::path(post, path = "/api/auth/reset-password", tag = "accounts", request_body = ResetPassword, responses(
    (status = 204, description = "The new password is set. Log in with it."),
))]
pub async fn reset_password(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<ResetPassword>,
) -> Answer<StatusCode> {
    passwords::reset(&app, &visitor, body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Prove an address with the token of a mailed link.
///
/// If this client is not logged in to the account that gave the address, somebody else may have registered it. So the
/// account's password and all its sessions end, and the same token can set a new password for ten minutes.
#[utoipa::path(post, path = "/api/auth/verify", tag = "accounts", request_body = VerifyEmail, responses(
    (status = 204, description = "The address is proved. The same token gets this answer again for a short time."),
))]
pub async fn verify_email(
    State(app): State<App>,
    visitor: Visitor,
    request_session: RequestSession,
    Json(body): Json<VerifyEmail>,
) -> Answer<StatusCode> {
    let verified = verifying::verify(&app, &visitor, body).await?;
    if verified.is_here {
        request_session.set_pass_cookie(&app, &verified.email);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Request a mailed code, to log in or to confirm a change.
///
/// For a code to log in, the answer is the same whether or not an account has the address. The code is valid only
/// together with the cookie that this response sets.
#[utoipa::path(post, path = "/api/auth/code", tag = "accounts", request_body = RequestCode, responses(
    (status = 204, description = "If an account has this address, the server sends it a mail."),
))]
pub async fn request_code(
    State(app): State<App>,
    visitor: Visitor,
    request_session: RequestSession,
    Json(body): Json<RequestCode>,
) -> Answer<StatusCode> {
    if let Some(ticket) = login::request_code(&app, &visitor, body).await? {
        request_session.set_ticket_cookie(&app, &ticket);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Log in with a mailed code.
///
/// Must be sent with the cookie that `POST /api/auth/code` set.
#[utoipa::path(post, path = "/api/auth/login-code", tag = "accounts", request_body = LogInByCode, responses(
    (status = 200, description = "You are logged in, and the address is proved.", body = Profile),
))]
pub async fn log_in_by_code(
    State(app): State<App>,
    visitor: Visitor,
    request_session: RequestSession,
    jar: CookieJar,
    Device(device): Device,
    Json(body): Json<LogInByCode>,
) -> Answer<axum::Json<Profile>> {
    let ticket = cookies::read_ticket(&app.config, &jar);
    let logged_in = login::by_code(&app, &visitor, device, body, ticket).await?;
    Ok(axum::Json(request_session.set_login_cookies(&app, logged_in)))
}

/// Rate the strength of a password.
///
/// The password is neither stored nor logged.
#[utoipa::path(post, path = "/api/auth/password-strength", tag = "accounts", request_body = MeasurePassword, responses(
    (status = 200, description = "The strength of the password.", body = PasswordStrength),
))]
pub async fn measure_password(
    State(app): State<App>,
    visitor: Visitor,
    Json(body): Json<MeasurePassword>,
) -> Answer<axum::Json<PasswordStrength>> {
    Ok(axum::Json(strength::measure(&app, &visitor, body).await?))
}

/// List your sessions, one for each logged-in client.
#[utoipa::path(get, path = "/api/auth/sessions", tag = "accounts", responses(
    (status = 200, description = "The sessions, the last used one first.", body = Vec<SessionView>),
))]
pub async fn list_sessions(State(app): State<App>, visitor: Visitor) -> Answer<axum::Json<Vec<SessionView>>> {
    Ok(axum::Json(sessions::list(&app, &visitor).await?))
}

/// End one of your sessions. Its sockets are closed.
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", tag = "accounts", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "The session has ended, or it did not exist."),
))]
pub async fn end_session(State(app): State<App>, visitor: Visitor, Path(id): Path<Uuid>) -> Answer<StatusCode> {
    sessions::end_one(&app, &visitor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all your sessions except this one.
#[utoipa::path(delete, path = "/api/auth/sessions", tag = "accounts", responses(
    (status = 204, description = "The sessions have ended."),
))]
pub async fn end_other_sessions(State(app): State<App>, visitor: Visitor) -> Answer<StatusCode> {
    sessions::end_others(&app, &visitor).await?;
    Ok(StatusCode::NO_CONTENT)
}
