//! Health checks: `/healthz` (the process runs) and `/readyz` (it can serve requests).

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};

use crate::server::app::App;

/// `GET /healthz`: the process runs.
pub async fn healthz() -> &'static str {
    "ok"
}

/// How long a result is reused. Limits the load, since each check asks the store for a write.
const PROBE_LIFE: Duration = Duration::from_secs(1);

/// The last result of checking the store and the bus. Requests during a check wait for its result and share it.
#[derive(Default)]
pub struct Probe(Mutex<Option<(Instant, Health)>>);

/// Whether the store and the bus answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Health {
    store: bool,
    bus: bool,
}

impl Probe {
    async fn found(&self, ask: impl Future<Output = Health>) -> Health {
        let mut last = self.0.lock().await;
        if let Some((at, found)) = *last
            && at.elapsed() < PROBE_LIFE
        {
            return found;
        }
        let found = ask.await;
        *last = Some((Instant::now(), found));
        found
    }
}

/// `GET /readyz`: 200 if the store and the bus answer and the node is not stopping, else 503. For load balancers.
pub async fn readyz(State(app): State<App>, Extension(probe): Extension<Arc<Probe>>) -> Response {
    let ask = async {
        let (store, bus) = tokio::join!(app.store.ping(), app.bus.ping());
        Health { store: store.is_ok(), bus: bus.is_ok() }
    };
    let Health { store, bus } = probe.found(ask).await;
    let stopping = app.stopping.is_cancelled();
    let word = |ok| if ok { "ok" } else { "unavailable" };
    let ready = store && bus && !stopping;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({ "store": word(store), "bus": word(bus), "stopping": stopping });
    (status, axum::Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn many_who_ask_at_once_share_one_probe() {
        let (probe, asked) = (Probe::default(), AtomicUsize::new(0));
        let health = Health { store: true, bus: false };
        let ask = || async {
            asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            health
        };
        let found = join_all((0..100).map(|_| probe.found(ask()))).await;
        assert!(found.iter().all(|found| *found == health));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        *probe.0.lock().await = Some((Instant::now().checked_sub(PROBE_LIFE).unwrap(), health));
        probe.found(ask()).await;
        assert_eq!(asked.load(Ordering::Relaxed), 2, "and a second later it is asked for again");
    }
}
