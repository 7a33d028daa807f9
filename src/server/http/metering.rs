//! Metering: limits how much one client address and one person may read in a time, counted in requests and, for a
//! client, in bytes.
//!
//! Static files are not counted: they cost only bandwidth, and browsers cache them.

use std::{
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::body::{Frame, SizeHint};

use super::{client::client_of, event_stream::is_event_stream, look, problem::Refusal};
use crate::{
    protocol::{Language, Problem},
    server::app::{App, Visitor},
};

/// Renders the page that says when to try again.
pub type BusyPage = fn(Language, &Problem) -> String;

/// Layer that refuses a read if its client or person has read too much, and counts the bytes of the response.
pub async fn meter(State((app, busy)): State<(App, BusyPage)>, request: Request, next: Next) -> Response {
    if !is_metered(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let client = client_of(&parts, &app);
    if let Err(problem) = may_read(&app, &mut parts, client).await {
        return refuse(&app, &parts, problem, busy);
    }
    let response = next.run(Request::from_parts(parts, body)).await;
    // The bytes of a stream are charged by its connection, like those of a socket.
    if is_event_stream(&response) {
        return response;
    }
    response.map(|body| Body::new(Metered { body, app, client }))
}

async fn may_read(app: &App, parts: &mut Parts, client: IpAddr) -> Result<(), Problem> {
    app.limits.read(client).await?;
    match Visitor::from_request_parts(parts, app).await.map(|visitor| visitor.actor) {
        Ok(Some(actor)) => app.limits.read_as(actor.id()).await,
        // Other problems with the visitor are answered by the handler.
        Ok(None) | Err(_) => Ok(()),
    }
}

/// Whether a request is counted: all reads, except those of static files and health checks.
fn is_metered(method: &Method, path: &str) -> bool {
    let name = path.trim_start_matches('/');
    let is_file = name.starts_with("pkg/") || name.starts_with("icons/") || (!name.contains('/') && name.contains('.'));
    matches!(*method, Method::GET | Method::HEAD) && !is_file && !["/healthz", "/readyz"].contains(&path)
}

/// The refusal: a page for browsers, `application/problem+json` for programs.
fn refuse(app: &App, parts: &Parts, problem: Problem, busy: BusyPage) -> Response {
    let accepts = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let page = accepts.contains("text/html").then(|| busy(look::language(&app.config, &parts.headers), &problem));
    let mut response = Refusal(problem).into_response();
    if let Some(page) = page {
        *response.body_mut() = Body::from(page);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

/// A response body whose bytes are charged to the client as they are sent.
struct Metered {
    body: Body,
    app: App,
    client: IpAddr,
}

impl hyper::body::Body for Metered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(bytes) = frame.data_ref()
        {
            self.app.limits.answered(self.client, bytes.len() as u64);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_what_programs_read_are_metered_and_files_are_not() {
        for path in [
            "/",
            "/rooms/K7M2QX",
            "/dashboard",
            "/auth/login",
            "/nothing",
            "/api/rooms/K7M2QX",
            "/ws",
            "/api/openapi.json",
            "/rooms/a.b",
        ] {
            assert!(is_metered(&Method::GET, path) && is_metered(&Method::HEAD, path), "{path}");
            assert!(!is_metered(&Method::POST, path), "what changes something has quotas of its own");
        }
        for path in
            ["/pkg/anonchat.wasm", "/icons/icon.svg", "/favicon.ico", "/sw.js", "/offline.html", "/healthz", "/readyz"]
        {
            assert!(!is_metered(&Method::GET, path), "{path}");
        }
    }
}
