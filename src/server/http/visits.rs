//! The content of the pages about rooms as JSON, for an app that is open already. The documents of the same pages are
//! in `boot::pages`.
//!
//! An answer without content means: load the document. It knows where to send a visitor who has to log in.

use axum::{
    Json,
    extract::{Path, rejection::PathRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::pages::{Loaded, PageRequest, rooms};
use crate::protocol::Visit;

pub async fn home(request: PageRequest) -> Response {
    let page = rooms::home(&request).await;
    answer(&request, page)
}

/// The form that makes a room.
pub async fn new_room(request: PageRequest) -> Response {
    let page = rooms::new_room(&request).await;
    answer(&request, page)
}

/// The rooms of an account.
pub async fn dashboard(request: PageRequest) -> Response {
    if request.has_no_account() {
        return StatusCode::NO_CONTENT.into_response();
    }
    let page = rooms::dashboard(&request, false).await;
    answer(&request, page)
}

/// The page of a room's link.
pub async fn room(request: PageRequest, text: Result<Path<String>, PathRejection>) -> Response {
    let Ok(Path(text)) = text else { return StatusCode::NO_CONTENT.into_response() };
    let page = match text.parse() {
        Ok(code) => rooms::room(&request, code).await,
        Err(_) => rooms::no_code(&request, text).await,
    };
    answer(&request, page)
}

fn answer(request: &PageRequest, page: Loaded<Visit>) -> Response {
    if request.way_back_in().is_some() {
        return StatusCode::NO_CONTENT.into_response();
    }
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(page.visit)).into_response()
}
