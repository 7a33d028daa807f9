//! Responses of Server-Sent Events, which last as long as the connection that they stand for.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Such a response, with the headers by which no proxy compresses the events or collects them.
pub struct EventStream(pub Body);

impl IntoResponse for EventStream {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, EVENT_STREAM),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
            (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
        ];
        (headers, self.0).into_response()
    }
}

/// Whether a response is one.
pub fn is_event_stream(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE) == Some(&EVENT_STREAM)
}
