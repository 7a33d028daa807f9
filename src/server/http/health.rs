//! Health: is the process alive, and can it serve.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::server::app::App;

/// The process is alive.
pub async fn healthz() -> &'static str {
    "ok"
}

/// Store and bus answer, and the node is not stopping: send it people.
pub async fn readyz(State(app): State<App>) -> Response {
    let (store, bus) = tokio::join!(app.store.ping(), app.bus.ping());
    let stopping = app.stopping.is_cancelled();
    let word = |ok| if ok { "ok" } else { "unavailable" };
    let ready = store.is_ok() && bus.is_ok() && !stopping;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "store": word(store.is_ok()), "bus": word(bus.is_ok()), "stopping": stopping });
    (status, axum::Json(body)).into_response()
}
