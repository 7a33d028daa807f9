//! Problems as HTTP responses: `application/problem+json` (RFC 9457).

use std::error::Error;

use axum::{
    body::{Body, to_bytes},
    extract::{
        rejection::{JsonRejection, PathRejection, QueryRejection},
        ws::rejection::WebSocketUpgradeRejection,
    },
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::request_log::note_refusal;
use crate::protocol::{Code, Problem, limits};

/// A problem as an error of a handler. Converts into the response.
#[derive(Debug)]
pub struct Refusal(pub Problem);

/// The body of every refused or failed request (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct ProblemJson {
    /// Identifies the kind of problem, as a URN that cannot be opened.
    #[serde(rename = "type")]
    kind: String,
    /// A short title, the same for every problem with this code.
    title: &'static str,
    status: u16,
    /// The stable code, and further fields.
    #[serde(flatten)]
    problem: Problem,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        let code = match rejection.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
            StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
            StatusCode::UNPROCESSABLE_ENTITY => Code::InvalidInput,
            _ => Code::Malformed,
        };
        let detail = match code {
            Code::UnsupportedMediaType => "Send JSON, with the header Content-Type: application/json.".to_owned(),
            Code::TooLarge => format!("A request can have {} KiB at most.", limits::FRAME_BYTES / 1024),
            _ => unreadable(&rejection, rejection.body_text()),
        };
        Self(Problem::new(code, detail))
    }
}

/// The detail for a malformed request: the parser's message, without axum's words around it.
fn unreadable(rejection: &dyn Error, otherwise: String) -> String {
    let reason = rejection.source().map_or(otherwise, ToString::to_string);
    format!("This request could not be read: {reason}.")
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        Self(Problem::new(Code::InvalidInput, unreadable(&rejection, rejection.body_text())))
    }
}

impl From<PathRejection> for Refusal {
    fn from(rejection: PathRejection) -> Self {
        Self(Problem::new(Code::Malformed, unreadable(&rejection, rejection.body_text())))
    }
}

impl From<WebSocketUpgradeRejection> for Refusal {
    fn from(rejection: WebSocketUpgradeRejection) -> Self {
        let code = match rejection {
            WebSocketUpgradeRejection::MethodNotGet(_) => Code::MethodNotAllowed,
            _ => Code::Malformed,
        };
        Self(Problem::new(code, "This address is for WebSockets. Open one here."))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        note_refusal(problem.code);
        let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = problem.retry_after_ms.map(|ms| HeaderValue::from(ms.div_ceil(1_000)));
        let name = serde_json::to_value(problem.code).ok();
        let kind =
            format!("urn:anonchat:problem:{}", name.as_ref().and_then(|name| name.as_str()).unwrap_or("internal"));
        let body = ProblemJson { kind, title: problem.code.title(), status: status.as_u16(), problem };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(retry_after) = retry_after {
            headers.insert(header::RETRY_AFTER, retry_after);
        }
        response
    }
}

/// Longer refusals of server functions are not rewritten.
const REFUSAL_BYTES: usize = 16 * 1024;

/// Sets the status of a server function's refusal from its code. Refusals by use cases have it already. Those that are
/// made before the function runs, for malformed input, come from Leptos as a 500, which they are not.
pub async fn server_function_status(response: Response) -> Response {
    let is_refusal = response.headers().contains_key("serverfnerror");
    if !is_refusal || response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, REFUSAL_BYTES).await else { return parts.status.into_response() };
    if let Ok(problem) = serde_json::from_slice::<Problem>(&body)
        && let Ok(status) = StatusCode::from_u16(problem.code.status())
    {
        parts.status = status;
        note_refusal(problem.code);
    }
    Response::from_parts(parts, Body::from(body))
}

/// The refusal of a request from a page of another site.
pub fn foreign_origin() -> Refusal {
    Refusal(Problem::new(Code::ForeignOrigin, "This request came from another website and was blocked."))
}
