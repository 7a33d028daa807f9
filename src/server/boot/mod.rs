//! Floor 6: builds a node from its settings, serves, and stops.
//!
//! [`build`] connects to the store and the bus and makes the node. `serve` runs until it is told to stop, and then ends
//! the parts of the node in order. `routes` joins the API with the pages, `pages` has the handlers of the pages, and
//! `rendering` makes documents: only these three files join `ui` with the server.

mod logging;
mod pages;
mod rendering;
mod routes;

use std::sync::Arc;

use anyhow::Context;
use secrecy::ExposeSecret;
use tokio::{
    net::TcpListener,
    signal::unix::SignalKind,
    sync::{Notify, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    app::{
        AfterAnswer, App, Counts, Hasher, Limits, Node, OpenSockets, RoomCounts, SessionSockets, StorageBudgets,
        Streams, Watchers,
    },
    bus::{Bus, BusNews, LocalBus, RedisBus},
    config::Config,
    disk,
    domain::{housekeeping, indexing, lists, mails, sessions},
    http,
    keys::Keys,
    mail::{Files, Letterhead, Mailer, Smtp},
    room::{Engine, Timing},
    socket::Pulse,
    store::{Store, mongo::Mongo, sqlite::Sqlite},
};

pub use logging::start_logging;

/// The maximum number of requests of one client at the same time. It applies where proxies are in front.
const REQUESTS_UNDER_WAY: usize = 1_000;

/// Runs the server until SIGTERM or Ctrl-C.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let mut stop = Box::pin(stop_signal());
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let listener = TcpListener::bind(config.listen_addr).await.with_context(|| {
        format!("cannot listen on {} (LISTEN_ADDR); is another server running there?", config.listen_addr)
    })?;
    let scrapes = http::Scrapes::listen(config.metrics_addr).await?;
    let app = tokio::select! {
        app = build(config) => app?,
        () = &mut stop => return Ok(()),
    };
    scrapes.serve(&app);
    tracing::info!(address = %listener.local_addr()?, "AnonChat is up");
    serve(app, listener, stop).await
}

/// Connects to the store and the bus that the settings name, and starts the engine.
pub async fn build(config: Config) -> anyhow::Result<App> {
    config.check()?;
    let letterhead = Letterhead::of(&config)?;
    let mailer = mailer(&config)?;
    let keys = match &config.jwt_secret {
        Some(secrets) => Keys::of(secrets.expose_secret())?,
        None => Keys::kept_in(&config.data_dir)?,
    };
    let store: Arc<dyn Store> = if let Some(uri) = &config.store.mongo_uri {
        tracing::info!("store: MongoDB");
        Arc::new(Mongo::connect(uri.expose_secret(), &config.store.mongo_db).await?)
    } else {
        let path = config.data_dir.join("anonchat.sqlite");
        tracing::info!(path = %path.display(), "store: SQLite");
        Arc::new(Sqlite::open(&path)?)
    };
    let (bus, news): (Arc<dyn Bus>, mpsc::Receiver<BusNews>) = if let Some(url) = &config.bus.redis_url {
        tracing::info!("bus: Redis");
        let (bus, news) = RedisBus::connect(url.expose_secret(), &config.bus.redis_prefix).await?;
        (Arc::new(bus), news)
    } else {
        tracing::info!("bus: in this process");
        let (bus, news) = LocalBus::new();
        (Arc::new(bus), news)
    };
    let timing = Timing {
        guest_grace: config.room.guest_grace_seconds,
        guest_closed: config.room.guest_closed_seconds,
        room_kept_days: config.room.room_kept_days,
        edit_minutes: config.room.edit_minutes,
    };
    let streams = Streams::new(Arc::clone(&bus));
    let posted = {
        let streams = streams.clone();
        move |message| streams.deliver(message)
    };
    let engine = Engine::start(Arc::clone(&store), Arc::clone(&bus), news, posted, timing);
    let limits = Limits::new(&config, Arc::clone(&bus));
    let storage_budgets = StorageBudgets::new(&config, Arc::clone(&bus));
    // Measures the disk, so that a low disk is logged at start and not only with the first message.
    storage_budgets.space();
    Ok(Arc::new(Node {
        config,
        store,
        bus,
        engine,
        limits,
        storage_budgets,
        keys,
        hasher: Hasher::default(),
        open_sockets: OpenSockets::default(),
        under_way: Counts::up_to(REQUESTS_UNDER_WAY),
        room_counts: RoomCounts::default(),
        session_sockets: SessionSockets::default(),
        streams,
        watchers: Watchers::default(),
        mailer,
        letterhead,
        mail_waits: Notify::new(),
        after_answer: AfterAnswer::default(),
        stopping: CancellationToken::new(),
        drained: CancellationToken::new(),
        sockets: TaskTracker::new(),
        pulse: Pulse::default(),
    }))
}

/// Returns the driver for mails that the settings name.
fn mailer(config: &Config) -> anyhow::Result<Arc<dyn Mailer>> {
    if let Some(url) = &config.mail.smtp_url {
        let smtp = Smtp::of(url.expose_secret())?;
        tracing::info!(server = smtp.address(), "mail: SMTP");
        return Ok(Arc::new(smtp));
    }
    disk::private_folder(&config.data_dir)?;
    let folder = config.data_dir.join("mail");
    tracing::info!(folder = %folder.display(), "mail: files, since SMTP_URL is not set");
    Ok(Arc::new(Files::in_folder(folder)?))
}

/// Serves until `stop` returns. Then it finishes the work under way, says goodbye on every socket, and closes the
/// store.
async fn serve(app: App, listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    let housekeeping = tokio::spawn(housekeeping::run(app.clone()));
    let watch = tokio::spawn(sessions::watch(app.clone()));
    let lists = tokio::spawn(lists::keep(app.clone()));
    let mails = tokio::spawn(mails::run(app.clone()));
    let indexing = tokio::spawn(indexing::run(app.clone()));
    let pulse = app.pulse.clone();
    let pulse = tokio::spawn(async move { pulse.beat().await });
    let server = tokio::spawn(http::serve(app.clone(), listener, routes::router(app.clone())?));
    stop.await;
    tracing::info!("stopping: finishing what is under way");
    app.stopping.cancel();
    let patience = app.config.shutdown_seconds;
    let finished = tokio::time::timeout(patience, async {
        // Requests under way still need the rooms, so they are waited for first. A stalled client gets only a third of
        // the time, so that it does not hold up the rest.
        let _ = tokio::time::timeout(patience / 3, server).await;
        app.engine.drain().await;
        app.drained.cancel();
        app.sockets.close();
        app.sockets.wait().await;
        app.after_answer.close();
        app.after_answer.wait().await;
        let _ = tokio::join!(housekeeping, watch, lists, mails, indexing);
    });
    let finished = finished.await;
    pulse.abort();
    if finished.is_err() {
        tracing::warn!("stopped with work unfinished: it took longer than SHUTDOWN_SECONDS");
    }
    app.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Waits for SIGTERM or Ctrl-C. The handlers are set at once, before the future is awaited: a signal that comes between
/// would end the process without finishing anything.
fn stop_signal() -> impl Future<Output = ()> + Send + 'static {
    let handle = |kind| tokio::signal::unix::signal(kind).expect("a signal handler can be set");
    let (mut terminate, mut interrupt) = (handle(SignalKind::terminate()), handle(SignalKind::interrupt()));
    async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
