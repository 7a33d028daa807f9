//! Security headers, the same on every answer; the content security policy of a page carries its nonce.

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, Response, header},
};

/// Headers for every answer that does not say otherwise itself.
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

/// For a year, browsers ask this host by https only.
const TRANSPORT_SECURITY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Gives an answer the headers that it does not have.
pub async fn secure<B>(State(is_https): State<bool>, mut response: Response<B>) -> Response<B> {
    for (name, value) in SECURITY {
        response.headers_mut().entry(name).or_insert(value);
    }
    if is_https {
        response.headers_mut().entry(header::STRICT_TRANSPORT_SECURITY).or_insert(TRANSPORT_SECURITY);
    }
    response
}

/// The policy of a page: only its own scripts, by nonce, and the wasm.
pub fn content_security_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The policy of the offline page: the one script that it has, by its digest, which asks whether the server is there again.
pub fn offline_policy(digest: &str) -> String {
    format!(
        "default-src 'none'; script-src 'sha256-{digest}'; connect-src 'self'; style-src 'self'; img-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The policy of everything that is no page of the application.
const PLAIN_POLICY: &str = "default-src 'none'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
