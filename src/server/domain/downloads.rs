//! Downloads that are written in pieces while they are read from the store, so that their size needs no memory on the
//! server.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::server::app::App;

/// Pieces that may wait for the client. When there are more, reading from the store waits too.
const WAITING: usize = 4;

/// Begins a download. `write` sends its pieces, and ends with `None` if the client has gone or the store failed. It
/// goes on after the answer has begun, until the node stops.
pub fn begin<F>(app: &App, write: impl FnOnce(mpsc::Sender<Bytes>) -> F) -> mpsc::Receiver<Bytes>
where
    F: Future<Output = Option<()>> + Send + 'static,
{
    let (pieces, download) = mpsc::channel(WAITING);
    let (writing, stopping) = (write(pieces), app.stopping.clone());
    app.after_answer.spawn(async move {
        let _ = stopping.run_until_cancelled_owned(writing).await;
    });
    download
}
