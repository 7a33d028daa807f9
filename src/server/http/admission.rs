//! Admission: a layer with the checks that every request must pass before anything else reads it. These are one `Host`,
//! a bound on simultaneous requests, and a body that arrives in time and is not too large.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, Version, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::body::Body as _;
use tokio::time::timeout;

use super::{client::client_of, problem::Refusal};
use crate::{
    protocol::{Code, Problem, limits},
    server::app::App,
};

/// Time limit for receiving a body. Enough for the largest at 4 KiB a second.
const BODY: Duration = Duration::from_secs(15);

/// When to try again after too many simultaneous requests, in milliseconds.
const PAUSE_MS: u64 = 1_000;

/// Layer that passes a request on once it names exactly one host, its client is below its bound, and its body has
/// arrived.
pub async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    if !names_one_host(&request) {
        let problem =
            Problem::new(Code::Malformed, "A request names the host it is for, once (RFC 9112, section 3.2).");
        return ([(header::CONNECTION, "close")], Refusal(problem)).into_response();
    }
    let (parts, body) = request.into_parts();
    // A proxy's connections carry many clients, so simultaneous requests are bounded here. Without a proxy, connections
    // are bounded (`serving`).
    let is_proxied = app.config.proxy_hops > 0;
    let under_way = if is_proxied { app.under_way.take(client_of(&parts, &app)) } else { None };
    if is_proxied && under_way.is_none() {
        return Refusal(Problem::too_many_requests(PAUSE_MS)).into_response();
    }
    if body.is_end_stream() {
        return next.run(Request::from_parts(parts, body)).await;
    }
    match timeout(BODY, to_bytes(body, limits::FRAME_BYTES)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        // The body is too large or was cut off. The rest is not read, so the connection cannot be used again.
        Ok(Err(_)) => {
            let detail = format!("A request can have {} KiB at most.", limits::FRAME_BYTES / 1024);
            ([(header::CONNECTION, "close")], Refusal(Problem::new(Code::TooLarge, detail))).into_response()
        }
        Err(_) => (StatusCode::REQUEST_TIMEOUT, [(header::CONNECTION, "close")]).into_response(),
    }
}

/// Whether the request has exactly one valid `Host` header, as HTTP/1.1 requires. Otherwise two servers in a row could
/// take the request for different hosts.
fn names_one_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (host, another) = (hosts.next(), hosts.next());
    if another.is_some() {
        return false;
    }
    let Some(host) = host else { return request.version() < Version::HTTP_11 };
    // The header is empty if the requested URI has no host.
    host.is_empty() || Authority::try_from(host.as_bytes()).is_ok_and(|host| !host.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, hosts: &[&str]) -> Request {
        let request =
            hosts.iter().fold(Request::builder().version(version), |request, host| request.header("host", *host));
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn a_request_names_one_host() {
        for host in ["chat.example", "chat.example:8080", "127.0.0.1:3000", "[::1]:3000", ""] {
            assert!(names_one_host(&request(Version::HTTP_11, &[host])), "{host}");
        }
        for hosts in [&[][..], &["a", "b"], &["a", "a"], &["a, b"], &["a b"], &["a/b"], &["u@a"]] {
            assert!(!names_one_host(&request(Version::HTTP_11, hosts)), "{hosts:?}");
        }
        assert!(names_one_host(&request(Version::HTTP_10, &[])));
        assert!(!names_one_host(&request(Version::HTTP_10, &["a", "b"])));
    }
}
