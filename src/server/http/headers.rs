//! Security headers for every response. A page has its own content security policy with a nonce.

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, Response, header},
};

/// Headers for every response that does not set them itself.
const SECURITY: [(HeaderName, HeaderValue); 8] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PLAIN_POLICY)),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    ),
];

/// Browsers use only https for this host, for a year.
const TRANSPORT_SECURITY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds the headers that a response does not have.
pub async fn secure<B>(State(is_https): State<bool>, mut response: Response<B>) -> Response<B> {
    for (name, value) in SECURITY {
        response.headers_mut().entry(name).or_insert(value);
    }
    if is_https {
        response.headers_mut().entry(header::STRICT_TRANSPORT_SECURITY).or_insert(TRANSPORT_SECURITY);
    }
    response
}

/// The content security policy of a page: only its own scripts, identified by a nonce, and WebAssembly.
pub fn content_security_policy(nonce: &str) -> String {
    page_policy(&format!("'nonce-{nonce}' 'strict-dynamic'"))
}

/// The content security policy of a page that browsers store: its inline scripts are identified by their digests,
/// because the browser shows the page again later, with the same headers. What these import is allowed by its origin:
/// `strict-dynamic` extends a nonce to `import()`, but not a digest.
pub fn stored_page_policy(digests: &[String]) -> String {
    let scripts = digests.iter().fold(String::new(), |scripts, digest| scripts + "'sha256-" + digest + "' ");
    page_policy(&format!("{scripts}'self'"))
}

fn page_policy(scripts: &str) -> String {
    format!(
        "default-src 'none'; script-src {scripts} 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The content security policy of the offline page. Only its inline script may run, which checks whether the server is
/// reachable.
pub fn offline_policy(digest: &str) -> String {
    format!(
        "default-src 'none'; script-src 'sha256-{digest}'; connect-src 'self'; style-src 'self'; img-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The content security policy of the service worker: it loads `store.js`, and fetches from this origin.
pub const WORKER_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'");

/// The content security policy of everything else.
const PLAIN_POLICY: &str = "default-src 'none'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
