//! Admission: what every request must keep to before anybody looks at what it asks for.

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

/// How long a body may take to come: the largest at 4 KiB a second.
const BODY: Duration = Duration::from_secs(15);

/// When to try again who has too many requests under way, in milliseconds.
const PAUSE_MS: u64 = 1_000;

/// Lets a request in if it names one host and its client has not too many under way, and once its body is there.
pub async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    if !names_one_host(&request) {
        let problem =
            Problem::new(Code::Malformed, "A request names the host it is for, once (RFC 9112, section 3.2).");
        return ([(header::CONNECTION, "close")], Refusal(problem)).into_response();
    }
    let (parts, body) = request.into_parts();
    // The connections of a proxy are many people’s, so what is bounded for each is what is under way.
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
        // More than it may be, or cut off: what is there is not read to its end.
        Ok(Err(_)) => {
            let detail = format!("A request can have {} KiB at most.", limits::FRAME_BYTES / 1024);
            ([(header::CONNECTION, "close")], Refusal(Problem::new(Code::TooLarge, detail))).into_response()
        }
        Err(_) => (StatusCode::REQUEST_TIMEOUT, [(header::CONNECTION, "close")]).into_response(),
    }
}

/// As HTTP/1.1 wants it, so that no two servers in a row take the request for different hosts.
fn names_one_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (host, another) = (hosts.next(), hosts.next());
    if another.is_some() {
        return false;
    }
    let Some(host) = host else { return request.version() < Version::HTTP_11 };
    // An address without a host has an empty one.
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
