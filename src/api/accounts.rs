//! Server functions of the pages for registering, logging in and guests. `next` is the path of this site to go to
//! afterwards.

use leptos::prelude::*;

use crate::protocol::Problem;

/// Registers an account and goes to `next`. `form` is the random number that the page put into the form: sending the
/// same form twice makes one account.
#[server(prefix = "/api/ui", endpoint = "register")]
pub async fn register(
    name: String,
    email: String,
    #[server(default)] password: String,
    #[server(default)] keep: String,
    #[server(default)] next: String,
    #[server(default)] form: String,
) -> Result<(), Problem> {
    use crate::{
        protocol::{Secret, limits::FORM_CHARS},
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    let (device, _) = context::device_and_ticket(&app);
    let form = (form.len() == FORM_CHARS).then_some(form);
    let wanted = crate::protocol::Register {
        name: name.clone(),
        email: email.clone(),
        password: context::filled(password).map(Secret),
        keep: context::filled(keep.clone()).map(Secret),
    };
    let typed = [("name", &*name), ("email", &email), ("token", &keep), ("next", &next)];
    let logged_in = domain::accounts::register(&app, &visitor, device, wanted, form.as_deref())
        .await
        .map_err(|problem| context::refuse_form::<Register>(problem, &typed))?;
    context::redirect_logged_in(&app, logged_in, &next);
    Ok(())
}

/// Logs in by address and password and goes to `next`.
#[server(prefix = "/api/ui", endpoint = "log_in")]
pub async fn log_in(
    email: String,
    password: String,
    #[server(default)] keep: String,
    #[server(default)] next: String,
) -> Result<(), Problem> {
    use crate::{
        protocol::Secret,
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    let (device, _) = context::device_and_ticket(&app);
    let typed = [("email", &*email), ("token", &keep), ("next", &next)];
    let wanted = crate::protocol::LogIn {
        email: email.clone(),
        password: Secret(password),
        keep: context::filled(keep.clone()).map(Secret),
    };
    let logged_in = domain::login::by_password(&app, &visitor, device, wanted)
        .await
        .map_err(|problem| context::refuse_form::<LogIn>(problem, &typed))?;
    context::redirect_logged_in(&app, logged_in, &next);
    Ok(())
}

/// Ends the session of this browser and goes to the start page.
#[server(prefix = "/api/ui", endpoint = "log_out")]
pub async fn log_out() -> Result<(), Problem> {
    use crate::{
        protocol::addresses,
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    domain::sessions::log_out(&app, &visitor).await.map_err(context::refuse)?;
    context::request_session().clear_login_cookies(&app);
    context::redirect(addresses::HOME);
    Ok(())
}

/// Mails a code for logging in, and goes to the page where it is typed.
#[server(prefix = "/api/ui", endpoint = "request_code")]
pub async fn request_code(
    email: String,
    #[server(default)] keep: String,
    #[server(default)] next: String,
) -> Result<(), Problem> {
    use crate::{
        protocol::addresses,
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    let wanted = crate::protocol::RequestCode { email: email.clone(), purpose: crate::protocol::CodeUse::LogIn };
    let typed = [("email", &*email), ("token", &keep), ("next", &next)];
    let ticket = domain::login::request_code(&app, &visitor, wanted)
        .await
        .map_err(|problem| context::refuse_form::<RequestCode>(problem, &typed))?;
    if let Some(ticket) = ticket {
        context::request_session().set_ticket_cookie(&app, &ticket);
    }
    context::redirect_with(addresses::LOG_IN_CODE, &typed);
    Ok(())
}

/// Logs in by a mailed code and goes to `next`.
#[server(prefix = "/api/ui", endpoint = "log_in_by_code")]
pub async fn log_in_by_code(
    email: String,
    code: String,
    #[server(default)] keep: String,
    #[server(default)] next: String,
) -> Result<(), Problem> {
    use crate::{
        protocol::Secret,
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    let (device, ticket) = context::device_and_ticket(&app);
    let typed = [("email", &*email), ("token", &keep), ("next", &next)];
    let wanted = crate::protocol::LogInByCode {
        email: email.clone(),
        code: Secret(code),
        keep: context::filled(keep.clone()).map(Secret),
    };
    let logged_in = domain::login::by_code(&app, &visitor, device, wanted, ticket)
        .await
        .map_err(|problem| context::refuse_form::<LogInByCode>(problem, &typed))?;
    context::redirect_logged_in(&app, logged_in, &next);
    Ok(())
}

/// Mails a link for a new password.
#[server(prefix = "/api/ui", endpoint = "forgot_password")]
pub async fn forgot_password(email: String) -> Result<(), Problem> {
    use crate::{
        protocol::addresses,
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    let wanted = crate::protocol::ForgotPassword { email: email.clone() };
    domain::passwords::forgot(&app, &visitor, wanted)
        .await
        .map_err(|problem| context::refuse_form::<ForgotPassword>(problem, &[("email", &email)]))?;
    context::redirect_with(addresses::FORGOT_PASSWORD, &[("done", "sent"), ("email", &email)]);
    Ok(())
}

/// Sets a new password with the token of a mailed link, and goes to the page for logging in.
#[server(prefix = "/api/ui", endpoint = "reset_password")]
pub async fn reset_password(token: String, new_password: String) -> Result<(), Problem> {
    use crate::{
        protocol::{Secret, addresses},
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    let wanted = crate::protocol::ResetPassword { token: Secret(token.clone()), new_password: Secret(new_password) };
    domain::passwords::reset(&app, &visitor, wanted)
        .await
        .map_err(|problem| context::refuse_form::<ResetPassword>(problem, &[("token", &token)]))?;
    context::request_session().clear_login_cookies(&app);
    context::redirect_with(addresses::LOG_IN, &[("done", "reset")]);
    Ok(())
}

/// Proves an address with the token of a mailed link.
#[server(prefix = "/api/ui", endpoint = "verify_email")]
pub async fn verify_email(token: String) -> Result<(), Problem> {
    use crate::{
        protocol::{Secret, addresses},
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    let wanted = crate::protocol::VerifyEmail { token: Secret(token.clone()) };
    let verified = domain::verifying::verify(&app, &visitor, wanted)
        .await
        .map_err(|problem| context::refuse_form::<VerifyEmail>(problem, &[("token", &token)]))?;
    if verified.is_here {
        context::request_session().set_pass_cookie(&app, &verified.email);
    }
    if verified.sets_password {
        context::redirect_with(addresses::RESET_PASSWORD, &[("token", &token), ("done", "verified")]);
    } else {
        context::redirect_with(addresses::VERIFY_EMAIL, &[("done", "verified")]);
    }
    Ok(())
}

/// Forgets a guest: leaves the room, ends the session, and shows that this is done.
#[server(prefix = "/api/ui", endpoint = "forget_me")]
pub async fn forget_me() -> Result<(), Problem> {
    use crate::{
        protocol::addresses,
        server::{domain, http::context},
    };
    let (app, visitor) = context::visitor().await?;
    domain::deletion::forget_guest(&app, &visitor).await.map_err(context::refuse)?;
    context::request_session().clear_guest_cookies(&app);
    context::redirect_with(addresses::GUEST, &[("done", "forgotten")]);
    Ok(())
}

/// Mails a guest a link that leads to registering and back to their room.
#[server(prefix = "/api/ui", endpoint = "keep_room")]
pub async fn keep_room(code: String, email: String) -> Result<(), Problem> {
    use crate::server::{domain, http::context};
    let (app, visitor) = context::visitor().await?;
    let wanted = crate::protocol::KeepRoom { code, email };
    domain::keeping::keep_room(&app, &visitor, wanted).await.map_err(context::refuse)
}
