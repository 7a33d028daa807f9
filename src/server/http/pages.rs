//! What a page shows, by its address and who asks. How it looks is no business of this floor.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use leptos::server_fn::error::ServerFnUrlError;
use serde::Deserialize;

use super::problem::Refusal;
use crate::{
    protocol::{Entrance, Page, Problem, RoomCode, SentBack, Visit},
    server::{
        app::{App, Visitor},
        domain::rooms,
    },
};

/// What a page shows, and what went wrong on the way: the page says it to people, and its status to programs.
pub async fn visit(app: &App, parts: &mut Parts) -> (Visit, Option<Problem>) {
    let sent_back = sent_back(parts);
    let (page, problem) = match parts.uri.path() {
        "/" => split(entrance(app, parts).await, Page::Home),
        "/rooms/new" => split(entrance(app, parts).await, Page::NewRoom),
        // Only a room's address has a part that is told apart.
        _ => match Path::<String>::from_request_parts(parts, app).await {
            Ok(Path(text)) => room(app, parts, text).await,
            Err(_) => (Page::NotFound, None),
        },
    };
    (Visit { page, sent_back }, problem)
}

async fn room(app: &App, parts: &mut Parts, text: String) -> (Page, Option<Problem>) {
    match text.parse::<RoomCode>() {
        Ok(code) => {
            let door = match visitor(app, parts).await {
                Ok(visitor) => rooms::open_door(app, &visitor, code).await,
                Err(problem) => Err(problem),
            };
            let problem = door.as_ref().err().cloned();
            (Page::Room { code, door }, problem)
        }
        Err(_) => split(entrance(app, parts).await, |entrance| Page::NoCode { text, entrance }),
    }
}

async fn entrance(app: &App, parts: &mut Parts) -> Result<Entrance, Problem> {
    rooms::entrance(app, &visitor(app, parts).await?).await
}

async fn visitor(app: &App, parts: &mut Parts) -> Result<Visitor, Problem> {
    Visitor::from_request_parts(parts, app).await.map_err(|Refusal(problem)| problem)
}

fn split(outcome: Result<Entrance, Problem>, page: impl FnOnce(Option<Entrance>) -> Page) -> (Page, Option<Problem>) {
    match outcome {
        Ok(entrance) => (page(Some(entrance)), None),
        Err(problem) => (page(None), Some(problem)),
    }
}

/// The names under which Leptos puts a refused form into the address of its page.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    #[serde(rename = "__path")]
    path: Option<String>,
    #[serde(rename = "__err")]
    error: Option<String>,
}

fn sent_back(parts: &Parts) -> SentBack {
    let Ok(axum::extract::Query(fields)) = axum::extract::Query::<SentBack>::try_from_uri(&parts.uri) else {
        return SentBack::default();
    };
    let refused = axum::extract::Query::<Refused>::try_from_uri(&parts.uri).ok().map(|query| query.0);
    let refused =
        refused.and_then(|Refused { path, error }| Some((path?, ServerFnUrlError::<Problem>::decode_err(&error?))));
    SentBack { refused, ..fields }
}
