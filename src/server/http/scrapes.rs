//! Scrapes: answers `GET /metrics` on a listener of its own (`METRICS_ADDR`), for a Prometheus server.
//!
//! The metrics are never answered on the listener for people, because they show how busy the server is.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{
    net::TcpListener,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::server::{
    app::App,
    metrics::{self, Observed},
};

/// The content type of Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long the store may take to count mails. Prometheus waits ten seconds by default.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often samples are sorted into buckets.
const SORT: Duration = Duration::from_secs(5);

/// The listener for scrapes, if there is one.
pub struct Scrapes(Option<TcpListener>);

impl Scrapes {
    /// Listens on `METRICS_ADDR`, and starts recording. Called before the node is built, so that all of it is recorded.
    pub async fn listen(address: Option<SocketAddr>) -> anyhow::Result<Self> {
        let Some(address) = address else { return Ok(Self(None)) };
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("cannot listen on {address} (METRICS_ADDR)"))?;
        metrics::start();
        tracing::info!(address = %listener.local_addr()?, "metrics are at /metrics");
        Ok(Self(Some(listener)))
    }

    /// Answers scrapes in the background, until the node begins to stop.
    pub fn serve(self, app: &App) {
        let Some(listener) = self.0 else { return };
        let stopping = app.stopping.clone();
        let router = Router::new().route("/metrics", get(scrape)).with_state(app.clone());
        tokio::spawn(async move {
            let sorting = async {
                let mut tick = interval(SORT);
                tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    tick.tick().await;
                    metrics::sort_samples();
                }
            };
            tokio::select! {
                answered = axum::serve(listener, router).into_future() => drop(answered),
                () = sorting => {}
                () = stopping.cancelled() => {}
            }
        });
    }
}

async fn scrape(State(app): State<App>) -> Response {
    let mails = timeout(PATIENCE, app.store.count_mails()).await.ok().and_then(Result::ok);
    let observed = Observed {
        open_sockets: app.sockets.len(),
        live_rooms: app.engine.count_live_rooms(),
        room_requests: app.engine.waiting_requests(),
        backlog_bytes: app.pulse.backlog_bytes(),
        mails,
        passwords: app.hasher.waiting(),
    };
    match metrics::text(&observed) {
        Some(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
