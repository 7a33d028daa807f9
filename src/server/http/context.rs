//! What server functions need of HTTP: who the visitor is, and how to set cookies, statuses and redirects beside the
//! returned value. A server function gets its request from Leptos's context.
//!
//! A form can come from a browser without JavaScript (a *plain form*). Its answer must then be a redirect to a page,
//! not a value.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
};
use axum_extra::extract::CookieJar;
use leptos::{
    prelude::*,
    server_fn::{ServerFn, error::ServerFnUrlError},
};
use leptos_axum::ResponseOptions;

use super::{cookies, device, problem::Refusal, request_log::note_refusal, request_session::RequestSession};
use crate::{
    protocol::{Code, PreferencesForm, Problem, RoomCode, addresses},
    server::{
        app::{App, Visitor},
        domain::{rooms::Entered, sessions::LoggedIn},
        token::Ticket,
    },
    visit::PreferencesPage,
};

/// The node, and the visitor of the current request.
pub async fn visitor() -> Result<(App, Visitor), Problem> {
    let lost = || Problem::new(Code::Internal, "Something went wrong. Try again.");
    let app = use_context::<App>().ok_or_else(lost)?;
    let mut parts = use_context::<Parts>().ok_or_else(lost)?;
    match Visitor::from_request_parts(&mut parts, &app).await {
        Ok(visitor) => Ok((app, visitor)),
        Err(Refusal(problem)) => Err(refuse(problem)),
    }
}

/// Sets the response's status to that of a refusal. The refusal of a plain form is instead shown by its page, to which
/// Leptos redirects.
pub fn refuse(problem: Problem) -> Problem {
    note_refusal(problem.code);
    if comes_from_a_plain_form() {
        return problem;
    }
    if let Some(response) = use_context::<ResponseOptions>() {
        if let Ok(status) = StatusCode::from_u16(problem.code.status()) {
            response.set_status(status);
        }
        if let Some(ms) = problem.retry_after_ms {
            response.insert_header(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
        }
    }
    problem
}

/// Refuses a form and keeps what was typed. The answer to a plain form redirects to its page, with the typed fields in
/// the query.
pub fn refuse_form<F: ServerFn>(problem: Problem, typed: &[(&str, &str)]) -> Problem {
    if let Some(path) = page_of_the_form().filter(|_| comes_from_a_plain_form())
        && let Ok(mut page) = ServerFnUrlError::new(F::PATH, problem.clone()).to_url(&format!("http://form{path}"))
    {
        page.query_pairs_mut().extend_pairs(typed);
        redirect(page.as_str().trim_start_matches("http://form"));
        note_refusal(problem.code);
        return problem;
    }
    refuse(problem)
}

/// The path of the page with the form, from the `Referer` header.
fn page_of_the_form() -> Option<String> {
    let parts = use_context::<Parts>()?;
    let referer = parts.headers.get(header::REFERER)?.to_str().ok()?;
    let (_, after_scheme) = referer.split_once("://")?;
    let path = after_scheme.find('/').map_or("/", |at| &after_scheme[at..]);
    Some(local_path(path.split(['?', '#']).next().unwrap_or("/")).to_owned())
}

fn comes_from_a_plain_form() -> bool {
    let accepts = |parts: Parts| {
        let accept = parts.headers.get(header::ACCEPT)?.to_str().ok()?;
        Some(parts.method == Method::POST && accept.contains("text/html"))
    };
    use_context::<Parts>().and_then(accepts).unwrap_or(false)
}

/// The value of a form field. `None` if it is blank.
pub fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.trim().is_empty())
}

/// Sets the cookie of a new guest session, if there is one, and redirects to the room.
pub fn redirect_to_room(app: &App, entered: &Entered) -> RoomCode {
    if let Some(session) = &entered.session {
        request_session().set_guest_cookie(app, session);
    }
    redirect(&addresses::room(entered.room));
    entered.room
}

/// Redirects to the page with the form.
pub fn redirect_back() {
    redirect(&page_of_the_form().unwrap_or_else(|| addresses::HOME.to_owned()));
}

/// The device name of the visitor's browser, and its ticket for a log-in code.
pub fn device_and_ticket(app: &App) -> (String, Option<Ticket>) {
    let Some(parts) = use_context::<Parts>() else { return Default::default() };
    (device::of(&parts.headers), cookies::read_ticket(&app.config, &CookieJar::from_headers(&parts.headers)))
}

/// The request's [`RequestSession`], which collects the cookies to set.
pub fn request_session() -> RequestSession {
    use_context::<Parts>().map(|parts| RequestSession::of(&parts)).unwrap_or_default()
}

/// Sets the cookies of a visitor who has just logged in, and redirects to `next`.
pub fn redirect_logged_in(app: &App, logged_in: LoggedIn, next: &str) {
    request_session().set_login_cookies(app, logged_in);
    redirect(next_path(next));
}

/// Where to redirect after logging in: to `next`, or to the dashboard if `next` is the start page.
fn next_path(next: &str) -> &str {
    match local_path(next) {
        addresses::HOME => addresses::DASHBOARD,
        next => next,
    }
}

/// Returns `next` if it is a path of this site, else `/`. A foreign URL could lead users who have just typed a password
/// to a page that imitates this site.
pub fn local_path(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if is_path && next.chars().all(|c| c.is_ascii_graphic()) { next } else { addresses::HOME }
}

/// Redirects to another page of this site, with these query fields.
pub fn redirect_with(path: &str, told: &[(&str, &str)]) {
    redirect(&with(path, told));
}

fn with(path: &str, told: &[(&str, &str)]) -> String {
    let pairs = told.iter().filter(|(_, value)| !value.is_empty());
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{path}?{query}")
}

/// Redirects to a form of the preferences, whose page then says that it was saved.
pub fn redirect_saved(form: PreferencesForm) {
    redirect_to_form(form, &[("done", form.as_str())]);
}

/// Redirects to a form that needs confirmation by a mailed code. The page shows what was typed, and a field for the
/// code.
pub fn ask_for_code(form: PreferencesForm, typed: &[(&str, &str)]) {
    redirect_to_form(form, &[&[("asked", form.as_str())], typed].concat());
}

/// Redirects to a form of the preferences, with these query fields.
fn redirect_to_form(form: PreferencesForm, told: &[(&str, &str)]) {
    redirect(&format!("{}#{}", with(PreferencesPage::of(form).path(), told), form.as_str()));
}

/// Redirects to another page of this site. Works with and without JavaScript.
pub fn redirect(path: &str) {
    leptos_axum::redirect(path);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_site_are_gone_on_to() {
        for path in ["/", "/rooms/K7M2QX", "/auth/login?next=/rooms/K7M2QX"] {
            assert_eq!(local_path(path), path);
        }
        for other in [
            "",
            "rooms",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/ä",
            "javascript:alert(1)",
        ] {
            assert_eq!(local_path(other), "/", "{other}");
        }
    }

    #[test]
    fn who_came_from_nowhere_in_particular_goes_on_to_their_rooms() {
        for next in ["", "/", "//evil.example"] {
            assert_eq!(next_path(next), "/dashboard", "{next}");
        }
        assert_eq!(next_path("/rooms/K7M2QX"), "/rooms/K7M2QX");
    }
}
