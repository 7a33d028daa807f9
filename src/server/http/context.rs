//! What server functions need of a request: who asks, and how to answer beside the value.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
};
use leptos::{
    prelude::*,
    server_fn::{ServerFn, error::ServerFnUrlError},
};
use leptos_axum::ResponseOptions;

use super::{look, session};
use crate::{
    protocol::{Code, Language, Problem, RoomCode},
    server::{
        app::{App, Visitor},
        domain::rooms::Entered,
    },
};

/// The node and who asks it.
pub async fn visitor() -> Result<(App, Visitor), Problem> {
    let lost = || Problem::new(Code::Internal, "Something went wrong. Try again.");
    let app = use_context::<App>().ok_or_else(lost)?;
    let mut parts = use_context::<Parts>().ok_or_else(lost)?;
    match Visitor::from_request_parts(&mut parts, &app).await {
        Ok(visitor) => Ok((app, visitor)),
        Err(super::problem::Refusal(problem)) => Err(refuse(problem)),
    }
}

/// Gives a refusal its status. A form without JavaScript is sent back to its page instead, which shows the problem.
pub fn refuse(problem: Problem) -> Problem {
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

/// Refuses a form, and loses nothing that was typed into it: without JavaScript it is in the address that the form is sent
/// back to.
pub fn refuse_form<F: ServerFn>(problem: Problem, typed: &[(&str, &str)]) -> Problem {
    if let Some(path) = page_of_the_form().filter(|_| comes_from_a_plain_form())
        && let Ok(mut page) = ServerFnUrlError::new(F::PATH, problem.clone()).to_url(&format!("http://form{path}"))
    {
        page.query_pairs_mut().extend_pairs(typed);
        go(page.as_str().trim_start_matches("http://form"));
        return problem;
    }
    refuse(problem)
}

/// The path of the page that the form was on.
fn page_of_the_form() -> Option<String> {
    let parts = use_context::<Parts>()?;
    let referer = parts.headers.get(header::REFERER)?.to_str().ok()?;
    let (_, after_scheme) = referer.split_once("://")?;
    let path = after_scheme.find('/').map_or("/", |at| &after_scheme[at..]);
    Some(path.split(['?', '#']).next().unwrap_or("/").to_owned())
}

fn comes_from_a_plain_form() -> bool {
    let accepts = |parts: Parts| {
        let accept = parts.headers.get(header::ACCEPT)?.to_str().ok()?;
        Some(parts.method == Method::POST && accept.contains("text/html"))
    };
    use_context::<Parts>().and_then(accepts).unwrap_or(false)
}

/// A form's field that was filled in.
pub fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.trim().is_empty())
}

/// Hands out the new session, if any, and goes to the room.
pub fn enter(app: &App, entered: &Entered) -> RoomCode {
    if let (Some(session), Some(response)) = (&entered.session, use_context::<ResponseOptions>())
        && let Ok(cookie) = HeaderValue::from_str(&session::cookie(&app.config, session).to_string())
    {
        response.append_header(header::SET_COOKIE, cookie);
    }
    let code = entered.snapshot.room.code;
    go(&format!("/rooms/{code}"));
    code
}

/// Remembers a language in the browser that asks.
pub fn speak(app: &App, language: Language) {
    if let Some(response) = use_context::<ResponseOptions>()
        && let Ok(cookie) = HeaderValue::from_str(&look::language_cookie(&app.config, language).to_string())
    {
        response.append_header(header::SET_COOKIE, cookie);
    }
}

/// Goes back to the page that the form was on.
pub fn go_back() {
    go(&page_of_the_form().unwrap_or_else(|| "/".to_owned()));
}

/// Goes to another page of this site, with or without JavaScript.
pub fn go(path: &str) {
    leptos_axum::redirect(path);
}
