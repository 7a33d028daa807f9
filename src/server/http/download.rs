//! Answers that a browser stores as a file, written in pieces.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

/// A file with this type and name. It ends where the pieces do.
pub fn download(pieces: mpsc::Receiver<Bytes>, content_type: &'static str, name: &str) -> Response {
    let pieces = stream::unfold(pieces, async |mut pieces| Some((Ok::<_, axum::Error>(pieces.recv().await?), pieces)));
    // Compression asks again after the end.
    let pieces = pieces.fuse();
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_DISPOSITION, disposition.unwrap_or(HeaderValue::from_static("attachment"))),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}
