//! The WebSocket handshake: validating the upgrade request, and switching the connection over.

use axum::{
    body::Body,
    extract::{FromRequestParts, ws::WebSocketUpgrade},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use hyper::upgrade::OnUpgrade;
use tracing::Span;
use tungstenite::handshake::derive_accept_key;

use super::problem::Refusal;
use crate::server::{app::App, socket::Wire};

/// A valid request to open a WebSocket (RFC 6455, section 4.2.1).
pub struct Handshake {
    upgrade: OnUpgrade,
    accept: String,
}

impl FromRequestParts<App> for Handshake {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let upgrade = parts.extensions.get::<OnUpgrade>().cloned();
        // axum's extractor is used only to validate the request. Its own stream would add a layer between this server
        // and the TCP connection.
        let _valid = WebSocketUpgrade::from_request_parts(parts, app).await?;
        let key = parts.headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
        Ok(Self { upgrade: upgrade.expect("it was there just now"), accept: derive_accept_key(key) })
    }
}

impl Handshake {
    /// Responds with 101. `serve` then gets the connection, and any bytes that the client sent right after its request.
    pub fn accept<F>(self, serve: impl FnOnce(Wire, Vec<u8>) -> F + Send + 'static) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let request = Span::current();
        tokio::spawn(async move {
            // If the client has disconnected meanwhile, there is nothing to serve.
            let Ok(upgraded) = self.upgrade.await else { return };
            match Wire::under(upgraded) {
                Ok((wire, read)) => {
                    // The request is over, and the socket may be open for days.
                    drop(request);
                    serve(wire, read).await;
                }
                Err(error) => request.in_scope(|| tracing::warn!(%error, "a socket was not opened")),
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
