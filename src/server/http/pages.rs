//! The data that a page shows, chosen by its path and its visitor. Rendering is in `ui/`.
//!
//! `visit` serves the pages of rooms, and `auth_visit` those about accounts. Both return the data and a `Problem`, if
//! something went wrong. The page shows the problem, and the response gets its status.

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::request::Parts,
    response::Redirect,
};
use leptos::server_fn::error::ServerFnUrlError;
use serde::Deserialize;

use super::{context::local_path, problem::Refusal, request_session::RequestSession, zone};
use crate::{
    protocol::{
        Code, Identity, JoinOffer, MailReach, Millis, Nickname, Page, Problem, RefusedForm, RoomCode, Secret, Visit,
        addresses,
    },
    server::{
        app::{App, Visitor},
        domain::{
            addresses, lists,
            passwords::{self, Link},
            rooms,
            verifying::{self, Claim},
        },
        random,
        store::readable,
    },
    visit::{AuthPage, AuthVisit},
};

/// The data for a page, and the problem to show, if any. `Err` is a redirect to another page.
pub async fn visit(app: &App, parts: &mut Parts) -> Result<(Visit, Option<Problem>), Redirect> {
    let refused_form = sent_back(parts);
    let (page, problem) = match parts.uri.path() {
        addresses::HOME => split(entrance(app, parts).await, Page::Home),
        addresses::NEW_ROOM => {
            let entrance = match visitor(app, parts).await {
                Ok(visitor) => rooms::entrance_to_new(app, &visitor, proposal(app, parts)).await,
                Err(problem) => Err(problem),
            };
            split(entrance, Page::NewRoom)
        }
        addresses::DASHBOARD => match visitor(app, parts).await {
            Ok(visitor) if visitor.account().is_err() => return Err(Redirect::to(&way_to_log_in(parts))),
            visitor => {
                let entrance = match visitor {
                    Ok(visitor) => rooms::entrance(app, &visitor, proposal(app, parts)).await,
                    Err(problem) => Err(problem),
                };
                let all = wants_all(parts);
                split(entrance, |offer| Page::Dashboard { offer, all })
            }
        },
        // The path parameter is the room's code. Paths without one are unknown pages.
        _ => match Path::<String>::from_request_parts(parts, app).await {
            Ok(Path(text)) => room(app, parts, text).await,
            Err(_) => (Page::NotFound, None),
        },
    };
    let visitor = match page {
        Page::NotFound => None,
        _ => visitor(app, parts).await.ok(),
    };
    let account = visitor.as_ref().and_then(identity);
    let rooms = match (&page, &visitor) {
        (Page::Dashboard { .. } | Page::Room { .. }, Some(visitor)) if account.is_some() => {
            Some(lists::overview(app, visitor).await)
        }
        _ => None,
    };
    // A failed list is a problem only for the dashboard, which consists of it. A room is shown without the list.
    let (rooms, unlisted) = rooms.transpose().map_or_else(|problem| (None, Some(problem)), |rooms| (rooms, None));
    let problem = problem.or(unlisted.filter(|_| matches!(page, Page::Dashboard { .. })));
    let mut visit = Visit { page, refused_form, account, rooms, local: None };
    visit.local = zone::local_time(&app.config, &parts.headers, visit.oldest().unwrap_or(Millis::MAX));
    Ok((visit, problem))
}

/// The query of the dashboard.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ListFields {
    all: bool,
}

/// Whether a long list is wanted as a whole. Visitors without JavaScript have no other way to see the rest.
fn wants_all(parts: &Parts) -> bool {
    Query::<ListFields>::try_from_uri(&parts.uri).is_ok_and(|query| query.all)
}

fn identity(visitor: &Visitor) -> Option<Identity> {
    let (account, _) = visitor.account().ok()?;
    Some(Identity {
        name: account.name.clone(),
        notify: account.preferences.notify,
        sound: account.preferences.sound,
        shows_read: account.preferences.show_read,
        reach: match (&account.email, &account.claimed) {
            (Some(_), _) => MailReach::Proved,
            (None, Some(claimed)) => MailReach::Claimed(readable(claimed.as_str())),
            (None, None) => MailReach::Nowhere,
        },
    })
}

fn account_name(visitor: &Visitor) -> Option<Nickname> {
    visitor.account().ok().map(|(account, _)| account.name.clone())
}

/// The URL of the log-in page that leads back to this page. For visitors who are not logged in (any more).
pub fn way_to_log_in(parts: &Parts) -> String {
    let next = url::form_urlencoded::byte_serialize(parts.uri.path().as_bytes()).collect::<String>();
    let ended = if RequestSession::of(parts).has_ended_session() { "&done=ended" } else { "" };
    addresses::with_next(addresses::LOG_IN, &next.replace("%2F", "/")) + ended
}

/// The same, if this request has found the browser's session ended, so that the visitor learns why they are logged out.
pub fn way_back_in(parts: &Parts, visit: &Visit) -> Option<String> {
    let is_told = RequestSession::of(parts).has_ended_session() && visit.page != Page::NotFound;
    is_told.then(|| way_to_log_in(parts))
}

/// The data for a page about accounts. `None` if there is no such page.
pub async fn auth_visit(app: &App, parts: &mut Parts) -> Option<(AuthVisit, Option<Problem>)> {
    let fields = Query::<AuthFields>::try_from_uri(&parts.uri).map(|query| query.0).unwrap_or_default();
    let (visitor, problem) = match visitor(app, parts).await {
        Ok(visitor) => (Some(visitor), None),
        Err(problem) => (None, Some(problem)),
    };
    let page = match (parts.uri.path(), fields.done.as_str()) {
        (addresses::REGISTER, _) => AuthPage::Register,
        (addresses::LOG_IN, "reset") => AuthPage::LogInAfterReset,
        (addresses::LOG_IN, "ended") => AuthPage::LogInAgain,
        (addresses::LOG_IN, _) => AuthPage::LogIn,
        // The page repeats the address in its query, which anybody can write. Without a valid address the log-in page
        // is shown.
        (addresses::LOG_IN_CODE, _) if domain::addresses::read_email(&fields.email).is_err() => AuthPage::LogIn,
        (addresses::LOG_IN_CODE, _) => AuthPage::Code,
        (addresses::FORGOT_PASSWORD, "sent") => AuthPage::ForgotPasswordSent,
        (addresses::FORGOT_PASSWORD, _) => AuthPage::ForgotPassword,
        (addresses::RESET_PASSWORD, done) => match &visitor {
            Some(visitor) => link(app, visitor, &fields.token, done == "verified").await,
            None => AuthPage::Unavailable(problem.clone()?),
        },
        (addresses::VERIFY_EMAIL, "verified") => AuthPage::Verified,
        (addresses::VERIFY_EMAIL, _) => match &visitor {
            Some(visitor) => claim(app, visitor, &fields.token).await,
            None => AuthPage::Unavailable(problem.clone()?),
        },
        (addresses::GUEST, "forgotten") => AuthPage::Forgotten,
        (addresses::GUEST, "deleted") => AuthPage::Deleted,
        (addresses::GUEST, _) => match &visitor {
            Some(visitor) => guest(app, visitor).await,
            None => AuthPage::Unavailable(problem.clone()?),
        },
        _ => return None,
    };
    let problem = problem.or_else(|| match &page {
        AuthPage::Stale(problem) | AuthPage::Unavailable(problem) => Some(problem.clone()),
        AuthPage::UsedLink => Some(Problem::token_invalid()),
        _ => None,
    });
    let account = visitor.as_ref().and_then(account_name);
    let guest = visitor.as_ref().is_some_and(|visitor| visitor.guest().is_some());
    let AuthFields { next, name, email, token, .. } = fields;
    let next = match &page {
        AuthPage::Unavailable(_) => parts.uri.path_and_query().map_or(addresses::HOME, |here| here.as_str()).to_owned(),
        _ => local_path(&next).to_owned(),
    };
    let refused = refused(parts);
    let form = random::uuid().to_string();
    Some((AuthVisit { page, next, account, guest, name, email, token, form, refused }, problem))
}

async fn claim(app: &App, visitor: &Visitor, token: &str) -> AuthPage {
    match verifying::claim_of(app, visitor, &Secret(token.to_owned())).await {
        Ok(Claim { is_proved: true, .. }) => AuthPage::Verified,
        Ok(Claim { email, name, is_here, .. }) => {
            let other = account_name(visitor).filter(|_| !is_here);
            AuthPage::Verify { email: readable(email.as_str()), name, is_here, other }
        }
        Err(problem) if problem.code == Code::TokenInvalid => AuthPage::Stale(problem),
        Err(problem) => AuthPage::Unavailable(problem),
    }
}

/// The page of a link for a new password. `is_new` means that the same link has just proved the account's address.
async fn link(app: &App, visitor: &Visitor, token: &str, is_new: bool) -> AuthPage {
    match passwords::look_at(app, visitor, &Secret(token.to_owned())).await {
        Ok(Link::Good) if is_new => AuthPage::SetPassword,
        Ok(Link::Good) => AuthPage::ResetPassword,
        Ok(Link::Used) => AuthPage::UsedLink,
        Err(problem) if problem.code == Code::TokenInvalid => AuthPage::Stale(problem),
        Err(problem) => AuthPage::Unavailable(problem),
    }
}

async fn guest(app: &App, visitor: &Visitor) -> AuthPage {
    let nickname = visitor.guest().and_then(|guest| guest.nickname.clone());
    match rooms::current_room_code(app, visitor).await {
        Ok(room) => AuthPage::Guest { nickname, room },
        Err(problem) => AuthPage::Unavailable(problem),
    }
}

/// The query of a page about accounts.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthFields {
    next: String,
    name: String,
    email: String,
    token: String,
    done: String,
}

async fn room(app: &App, parts: &mut Parts, text: String) -> (Page, Option<Problem>) {
    match text.parse::<RoomCode>() {
        Ok(code) => {
            let access = match visitor(app, parts).await {
                Ok(visitor) => rooms::open_door(app, &visitor, code, proposal(app, parts)).await,
                Err(problem) => Err(problem),
            };
            let problem = access.as_ref().err().cloned();
            (Page::Room { code, access }, problem)
        }
        Err(_) => split(entrance(app, parts).await, |offer| Page::NoCode { text, offer }),
    }
}

async fn entrance(app: &App, parts: &mut Parts) -> Result<JoinOffer, Problem> {
    rooms::entrance(app, &visitor(app, parts).await?, proposal(app, parts)).await
}

/// Chooses the nickname to offer to a visitor without one. Drawn once for a browser session, so that all pages offer
/// the same.
fn proposal(app: &App, parts: &Parts) -> impl FnOnce() -> u32 + use<> {
    let (app, request_session, headers) = (app.clone(), RequestSession::of(parts), parts.headers.clone());
    move || request_session.pick_nickname(&app, &headers)
}

pub(super) async fn visitor(app: &App, parts: &mut Parts) -> Result<Visitor, Problem> {
    Visitor::from_request_parts(parts, app).await.map_err(|Refusal(problem)| problem)
}

fn split(outcome: Result<JoinOffer, Problem>, page: impl FnOnce(Option<JoinOffer>) -> Page) -> (Page, Option<Problem>) {
    match outcome {
        Ok(entrance) => (page(Some(entrance)), None),
        Err(problem) => (page(None), Some(problem)),
    }
}

/// The query fields in which Leptos returns a refused form to its page.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    #[serde(rename = "__path")]
    path: Option<String>,
    #[serde(rename = "__err")]
    error: Option<String>,
}

fn sent_back(parts: &Parts) -> RefusedForm {
    let Ok(Query(fields)) = Query::<RefusedForm>::try_from_uri(&parts.uri) else {
        return RefusedForm::default();
    };
    RefusedForm { refused: refused(parts), ..fields }
}

/// The problem of a refused form, from the query. Anybody can write a query and get somebody to open it, so its
/// sentence is not shown: the page has its own words for each code.
pub(super) fn refused(parts: &Parts) -> Option<(String, Problem)> {
    let Query(Refused { path, error }) = Query::try_from_uri(&parts.uri).ok()?;
    let problem = ServerFnUrlError::<Problem>::decode_err(&error?);
    Some((path?, Problem { detail: problem.code.title().to_owned(), ..problem }))
}
