//! How a socket begins: the request to upgrade, from a page of this site or from a program.

use axum::{
    body::Body,
    extract::{FromRequestParts, ws::WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use hyper::upgrade::OnUpgrade;
use tungstenite::handshake::derive_accept_key;

use super::problem::{Refusal, foreign_origin};
use crate::server::{app::App, socket::Wire};

/// The request comes from a page of this site, or from no page at all. Browsers attach cookies to sockets that any page
/// opens, so the origin is what tells them apart (OWASP: cross-site WebSocket hijacking).
pub struct SameOrigin;

impl FromRequestParts<App> for SameOrigin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        if is_same_origin(&parts.headers, app.config.public_url.as_deref()) {
            return Ok(Self);
        }
        Err(foreign_origin())
    }
}

fn is_same_origin(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if public_url.is_some_and(|url| url.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
        return true;
    }
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    authority.is_some_and(|authority| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)))
}

/// A valid request for a WebSocket (RFC 6455, section 4.2.1).
pub struct Handshake {
    upgrade: OnUpgrade,
    accept: String,
}

impl FromRequestParts<App> for Handshake {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let upgrade = parts.extensions.get::<OnUpgrade>().cloned();
        // It checks all that there is to check; its own stream would stand between us and the system.
        let _valid = WebSocketUpgrade::from_request_parts(parts, app).await?;
        let key = parts.headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
        Ok(Self { upgrade: upgrade.expect("it was there just now"), accept: derive_accept_key(key) })
    }
}

impl Handshake {
    /// Says yes; `serve` gets the wire, and what had been read of it, once the client knows.
    pub fn accept<F>(self, serve: impl FnOnce(Wire, Vec<u8>) -> F + Send + 'static) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(async move {
            // If the client has gone meanwhile, there is nobody to serve.
            let Ok(upgraded) = self.upgrade.await else { return };
            match Wire::under(upgraded) {
                Ok((wire, read)) => serve(wire, read).await,
                Err(error) => tracing::warn!(%error, "a socket was not opened"),
            }
        });
        Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header(header::CONNECTION, "upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_ACCEPT, self.accept)
            .body(Body::empty())
            .expect("the headers are well formed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_site_open_sockets() {
        let headers = |origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "chat.example:8080".parse().unwrap());
            headers.insert(header::ORIGIN, origin.parse().unwrap());
            headers
        };
        assert!(is_same_origin(&headers("http://chat.example:8080"), None));
        assert!(is_same_origin(&headers("https://public.example"), Some("https://public.example/")));
        for foreign in ["null", "http://evil.example", "http://chat.example", "http://chat.example:8080.evil.example"] {
            assert!(!is_same_origin(&headers(foreign), None), "{foreign}");
        }
        assert!(is_same_origin(&HeaderMap::new(), None), "programs send no origin, and no browser’s cookies");
    }
}
