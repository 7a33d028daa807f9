//! The content of the pages about accounts.

use serde::Deserialize;

use super::request::{Loaded, PageRequest};
use crate::{
    protocol::{Code, Nickname, Problem, Secret},
    server::{
        app::Visitor,
        domain::{
            addresses,
            passwords::{self, Link},
            rooms,
            verifying::{self, Claim},
        },
        http::context::local_path,
        random,
        store::readable,
    },
    visit::{AuthPage, AuthVisit},
};

/// The form that registers an account.
pub fn register(request: &PageRequest) -> Loaded<AuthVisit> {
    let fields = fields(request);
    let page = logged_in(request, &fields).unwrap_or(AuthPage::Register);
    load(request, fields, page)
}

/// The form that logs in.
pub fn log_in(request: &PageRequest) -> Loaded<AuthVisit> {
    let fields = fields(request);
    let page = match fields.done.as_str() {
        "reset" => AuthPage::LogInAfterReset,
        "ended" => AuthPage::LogInAgain,
        "other" => AuthPage::LogIn,
        _ => logged_in(request, &fields).unwrap_or(AuthPage::LogIn),
    };
    load(request, fields, page)
}

/// In place of a form to log in or to register: that somebody is logged in already. Not for a mailed link that keeps a
/// guest's room, and not in place of a refused form.
fn logged_in(request: &PageRequest, fields: &Fields) -> Option<AuthPage> {
    let is_wanted = !fields.token.is_empty() || request.refused().is_some();
    account_name(request.visitor().ok()?).filter(|_| !is_wanted).map(AuthPage::LoggedIn)
}

/// The form for a mailed code. The page repeats the address in its query, which anybody can write. Without a valid
/// address the log-in page is shown.
pub fn log_in_code(request: &PageRequest) -> Loaded<AuthVisit> {
    let fields = fields(request);
    let page = if addresses::read_email(&fields.email).is_err() { AuthPage::LogIn } else { AuthPage::Code };
    load(request, fields, page)
}

/// The form that asks for a link to set a password.
pub fn forgot_password(request: &PageRequest) -> Loaded<AuthVisit> {
    let fields = fields(request);
    let is_sent = fields.done == "sent" && addresses::read_email(&fields.email).is_ok();
    let page = if is_sent { AuthPage::ForgotPasswordSent } else { AuthPage::ForgotPassword };
    load(request, fields, page)
}

/// The page of a link that sets a password. With `done=verified` the same link has just proved the account's address.
pub async fn reset_password(request: &PageRequest) -> Loaded<AuthVisit> {
    let fields = fields(request);
    let page = match request.visitor() {
        Ok(visitor) => match passwords::look_at(request.app(), visitor, &Secret(fields.token.clone())).await {
            Ok(Link::Good) if fields.done == "verified" => AuthPage::SetPassword,
            Ok(Link::Good) => AuthPage::ResetPassword,
            Ok(Link::Used) => AuthPage::UsedLink,
            Err(problem) => failed_link(problem),
        },
        Err(problem) => AuthPage::Unavailable(problem),
    };
    load(request, fields, page)
}

/// The page of a link that proves an email address.
pub async fn verify_email(request: &PageRequest) -> Loaded<AuthVisit> {
    let fields = fields(request);
    let page = match request.visitor() {
        _ if fields.done == "verified" => AuthPage::Verified,
        Ok(visitor) => match verifying::claim_of(request.app(), visitor, &Secret(fields.token.clone())).await {
            Ok(Claim { is_proved: true, .. }) => AuthPage::Verified,
            Ok(Claim { email, name, is_here, .. }) => {
                let other = account_name(visitor).filter(|_| !is_here);
                AuthPage::Verify { email: readable(email.as_str()), name, is_here, other }
            }
            Err(problem) => failed_link(problem),
        },
        Err(problem) => AuthPage::Unavailable(problem),
    };
    load(request, fields, page)
}

/// What the server stores of a guest.
pub async fn guest(request: &PageRequest) -> Loaded<AuthVisit> {
    let fields = fields(request);
    let page = match (fields.done.as_str(), request.visitor()) {
        ("forgotten", _) => AuthPage::Forgotten,
        ("deleted", _) => AuthPage::Deleted,
        (_, Ok(visitor)) => match rooms::current_room_code(request.app(), visitor).await {
            Ok(room) => AuthPage::Guest { nickname: visitor.guest().and_then(|guest| guest.nickname.clone()), room },
            Err(problem) => AuthPage::Unavailable(problem),
        },
        (_, Err(problem)) => AuthPage::Unavailable(problem),
    };
    load(request, fields, page)
}

/// The page to show in place of one of preferences that cannot be loaded at the moment.
pub fn unavailable(request: &PageRequest, problem: Problem) -> Loaded<AuthVisit> {
    let (page, next) = (AuthPage::Unavailable(problem.clone()), request.path().to_owned());
    Loaded { visit: AuthVisit { page, next, ..AuthVisit::default() }, problem: Some(problem) }
}

fn load(request: &PageRequest, fields: Fields, page: AuthPage) -> Loaded<AuthVisit> {
    let visitor = request.visitor();
    let problem = visitor.as_ref().err().cloned().or_else(|| match &page {
        AuthPage::Stale(problem) | AuthPage::Unavailable(problem) => Some(problem.clone()),
        AuthPage::UsedLink => Some(Problem::token_invalid()),
        _ => None,
    });
    let account = visitor.as_ref().ok().and_then(|visitor| account_name(visitor));
    let guest = visitor.is_ok_and(|visitor| visitor.guest().is_some());
    let Fields { next, name, email, token, .. } = fields;
    let next = match &page {
        AuthPage::Unavailable(_) => request.path_and_query(),
        _ => local_path(&next),
    };
    let next = next.to_owned();
    let refused = request.refused();
    let form = random::uuid().to_string();
    Loaded { visit: AuthVisit { page, next, account, guest, name, email, token, form, refused }, problem }
}

/// The page of a mailed link that could not be looked up, or is not valid any more.
fn failed_link(problem: Problem) -> AuthPage {
    match problem.code {
        Code::TokenInvalid => AuthPage::Stale(problem),
        _ => AuthPage::Unavailable(problem),
    }
}

fn account_name(visitor: &Visitor) -> Option<Nickname> {
    visitor.account().ok().map(|(account, _)| account.name.clone())
}

/// The query of a page about accounts.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    next: String,
    name: String,
    email: String,
    token: String,
    done: String,
}

fn fields(request: &PageRequest) -> Fields {
    request.query().unwrap_or_default()
}
