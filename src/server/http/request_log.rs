//! The request log: a span and a line for each request, and the request's id.
//!
//! The span has the id, the method and the pattern of the route, such as `/rooms/{code}`. It never has the path itself,
//! which can contain a room code or a token. Every line that is logged while the request is handled is inside the span.
//! The last of them has the status and the time. The answer has the id as `x-request-id`, so that somebody who reports
//! a failure can name its lines.
//!
//! The server makes the id, and ignores one from the client. A client could otherwise write its own text into the log,
//! or give many requests one id. Nothing in front of the server is known to remove the header.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use tracing::{Instrument, Span, field};

use crate::{
    protocol::Code,
    server::{metrics, random},
};

/// The header with the id of a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The pattern of a request that no route matches.
const UNMATCHED: &str = "-";

/// Layer that logs and counts each request, and adds its id to the answer.
pub async fn log_request(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let path = matched.as_ref().map_or_else(|| nested(request.uri().path()), MatchedPath::as_str);
    let (id, method) = (random::request_id(), name_of(request.method()));
    // A filter that hides a span also removes its fields from the lines inside. So the span has the level that no
    // filter hides.
    let span = tracing::error_span!("request", id, method, path, code = field::Empty);
    let mut unanswered = Unanswered(Some(span.clone()));
    let started = Instant::now();
    let mut response = next.run(request).instrument(span).await;
    let (took, status) = (started.elapsed(), response.status().as_u16());
    if let Some(span) = unanswered.0.take() {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        span.in_scope(|| match status {
            _ if is_routine(path) => tracing::debug!(status, ms, "answered"),
            500.. => tracing::warn!(status, ms, "answered"),
            _ => tracing::info!(status, ms, "answered"),
        });
    }
    metrics::count_request(path, method, status, took);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Notes why the current request is refused, for its line in the log and for the metrics.
pub fn note_refusal(code: Code) {
    Span::current().record("code", field::debug(code));
    metrics::count_refusal(code);
}

/// The span of a request without an answer. Dropping it logs that the connection was closed.
struct Unanswered(Option<Span>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(span) = self.0.take() {
            span.in_scope(|| tracing::info!("not answered: the connection was closed"));
        }
    }
}

/// The folders of static files: the beginning of their paths, and their pattern.
const FOLDERS: [(&str, &str); 3] =
    [("/pkg/", "/pkg/{*file}"), ("/icons/", "/icons/{*file}"), ("/screenshots/", "/screenshots/{*file}")];

/// The pattern of a path that no route of the outer router matches: that of a folder of static files, if it is in one.
fn nested(path: &str) -> &'static str {
    FOLDERS.iter().find(|(folder, _)| path.starts_with(folder)).map_or(UNMATCHED, |(_, pattern)| pattern)
}

/// Whether requests of this pattern are logged only at `debug`: static files, health checks and what is posted to
/// streams. They are frequent and say little.
fn is_routine(pattern: &str) -> bool {
    let name = pattern.trim_start_matches('/');
    let is_in_folder = FOLDERS.iter().any(|(folder, _)| pattern.starts_with(folder));
    let is_file = is_in_folder || (!name.contains('/') && name.contains('.'));
    is_file || matches!(pattern, "/healthz" | "/readyz" | "/stream/{address}")
}

/// The name of a method. A client can send any word as a method, so only known ones are named.
fn name_of(method: &Method) -> &'static str {
    const KNOWN: [Method; 9] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    const NAMES: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.iter().position(|known| known == method).map_or("other", |at| NAMES[at])
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use axum::{Router, body::Body, middleware::from_fn, routing::get};
    use tower::{ServiceBuilder, ServiceExt};
    use tracing_subscriber::fmt::MakeWriter;

    use super::{super::router::catch_panics, *};

    /// The log of one test.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    async fn panics() -> Response {
        panic!("on purpose")
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_logged_with_the_id_of_its_request() {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines.clone()).finish();
        let _logged = tracing::subscriber::set_default(subscriber);
        let layers = ServiceBuilder::new().layer(from_fn(log_request)).layer(catch_panics());
        let router = Router::new().route("/of/{a}/test", get(panics)).layer(layers);
        let request = Request::builder().uri("/of/Xylophon/test").header(REQUEST_ID, "Quetzal");
        let answer = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 500);
        let id = answer.headers()[&REQUEST_ID].to_str().unwrap().to_owned();
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        let log = lines.text();
        assert_eq!(log.lines().filter(|line| line.contains(&format!("id=\"{id}\""))).count(), 2, "{log}");
        assert!(log.contains("panicked") && log.contains("status=500") && log.contains("code=Internal"), "{log}");
        assert!(
            log.contains("path=\"/of/{a}/test\"") && !log.contains("Xylophon") && !log.contains("Quetzal"),
            "{log}"
        );
    }

    #[tokio::test]
    async fn a_request_whose_client_has_gone_is_logged() {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines.clone()).finish();
        let _logged = tracing::subscriber::set_default(subscriber);
        let router = Router::new().route("/", get(std::future::pending::<()>)).layer(from_fn(log_request));
        let mut answer = Box::pin(router.oneshot(Request::new(Body::empty())));
        assert!(futures_util::poll!(&mut answer).is_pending());
        drop(answer);
        assert!(lines.text().contains("not answered"), "{}", lines.text());
    }

    #[test]
    fn files_and_health_checks_are_routine() {
        for path in [
            "/pkg/{*file}",
            "/icons/{*file}",
            "/favicon.ico",
            "/sw.js",
            "/shell.json",
            "/healthz",
            "/readyz",
            "/stream/{address}",
        ] {
            assert!(is_routine(path), "{path}");
        }
        for path in ["/", "-", "/ws", "/stream", "/rooms/{code}", "/api/openapi.json", "/api/ui/log_in", "/auth/{page}"]
        {
            assert!(!is_routine(path), "{path}");
        }
    }

    #[test]
    fn only_known_methods_are_named() {
        assert_eq!(name_of(&Method::DELETE), "DELETE");
        assert_eq!(name_of(&Method::from_bytes(b"XYLOPHON").unwrap()), "other");
    }
}
