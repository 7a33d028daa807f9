//! Floor 6: builds a node from its settings, serves, and stops. Only this file joins the pages (`ui`) with the server.
//!
//! [`build`] connects to the store and the bus and makes the node. `serve` runs until it is told to stop, and then ends
//! the parts of the node in order. The `render` functions answer requests for pages.

use std::{io::IsTerminal, sync::Arc};

use anyhow::Context;
use axum::{
    Router,
    body::Body,
    extract::{Query, Request, rejection::QueryRejection},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use leptos::{
    IntoView,
    config::{LeptosOptions, get_configuration},
    context::{provide_context, use_context},
    nonce::use_nonce,
};
use leptos_axum::{LeptosRoutes, ResponseOptions, render_app_async_with_context};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::{
    net::TcpListener,
    signal::unix::SignalKind,
    sync::{Notify, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::compression::CompressionLayer;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use super::{
    app::{App, Counts, Hasher, Limits, Node, OpenSockets, RoomCounts, SessionSockets, StorageBudgets, Watchers},
    bus::{Bus, BusNews, LocalBus, RedisBus},
    config::{Config, LogFormat},
    disk,
    domain::{housekeeping, lists, mails, sessions},
    http,
    keys::Keys,
    mail::{Files, Letterhead, Mailer, Smtp},
    room::{Engine, Timing},
    socket::Pulse,
    store::{Store, mongo::Mongo, sqlite::Sqlite},
};
use crate::{
    protocol::{Code, Language, Page, Problem, addresses},
    ui,
    visit::{AuthPage, AuthVisit, PreferencesPage},
};

/// The maximum number of requests of one client at the same time. It applies where proxies are in front.
const REQUESTS_UNDER_WAY: usize = 1_000;
/// The `Cache-Control` of pages. A page is for one person, so shared caches must not store it.
const PERSONAL: HeaderValue = HeaderValue::from_static("private, no-cache");
/// The `Cache-Control` of pages that show messages, secrets or preferences. After logging out, the browser's Back
/// button must not show them again, and no browser may write them to a disk.
const UNKEPT: HeaderValue = HeaderValue::from_static("no-store");

/// Runs the server until SIGTERM or Ctrl-C.
pub async fn run(config: Config) -> anyhow::Result<()> {
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let listener = TcpListener::bind(config.listen_addr).await.with_context(|| {
        format!("cannot listen on {} (LISTEN_ADDR); is another server running there?", config.listen_addr)
    })?;
    let app = build(config).await?;
    tracing::info!(address = %listener.local_addr()?, "AnonChat is up");
    serve(app, listener, stop_signal()).await
}

/// Starts logging. Only `main` calls this, once.
pub fn start_logging(config: &Config) {
    // At their finest levels libraries log whole frames, addresses and commands, which contain codes and message text.
    // So below INFO only this crate may log, whatever the filter asks for: it logs none of that.
    let only_own = Targets::new().with_default(LevelFilter::INFO).with_target("anonchat", LevelFilter::TRACE);
    let filter = EnvFilter::new(&config.log).and(only_own);
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let registry = tracing_subscriber::registry();
    match config.log_format {
        LogFormat::Text => registry.with(lines.with_filter(filter)).init(),
        LogFormat::Json => registry.with(lines.json().with_filter(filter)).init(),
    }
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
    };
    let engine = Engine::start(Arc::clone(&store), Arc::clone(&bus), news, timing);
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
        watchers: Watchers::default(),
        mailer,
        letterhead,
        mail_waits: Notify::new(),
        after_answer: TaskTracker::new(),
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
    let pulse = app.pulse.clone();
    let pulse = tokio::spawn(async move { pulse.beat().await });
    let server = tokio::spawn(http::serve(app.clone(), listener, router(app.clone())?));
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
        let _ = tokio::join!(housekeeping, watch, lists, mails);
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

/// The router with the API and all pages of a node.
fn router(app: App) -> anyhow::Result<Router> {
    let options = site_options()?;
    let context = {
        let app = app.clone();
        move || {
            provide_context(app.clone());
            set_page_headers();
        }
    };
    let shell = {
        let options = options.clone();
        move || ui::shell(&options)
    };
    let auth_page = {
        let (app, context, options) = (app.clone(), context.clone(), options.clone());
        let shell = move || ui::auth_shell(&options);
        move |request: Request| render_auth(app.clone(), context.clone(), shell.clone(), request)
    };
    let preferences_page = {
        let (app, context) = (app.clone(), context.clone());
        let (shell, otherwise) = (options.clone(), options.clone());
        let shells = (move || ui::preferences_shell(&shell), move || ui::auth_shell(&otherwise));
        move |request: Request| render_preferences(app.clone(), context.clone(), shells.clone(), request)
    };
    let page = {
        let (app, context, shell) = (app.clone(), context.clone(), shell.clone());
        move |request: Request| render(app.clone(), context.clone(), shell.clone(), request)
    };
    let routes = http::api(&options);
    let pages: Router<LeptosOptions> = Router::new()
        // Only the routes of the server functions. Pages are routed below, since the page to show is chosen before it
        // is rendered.
        .leptos_routes_with_context(&options, Vec::new(), context, shell)
        .route(addresses::HOME, get(page.clone()))
        .route(addresses::NEW_ROOM, get(page.clone()))
        .route(addresses::ROOM_ROUTE, get(page.clone()))
        .route(addresses::DASHBOARD, get(page.clone()))
        .route(addresses::MANIFEST, get(manifest))
        .route(addresses::AUTH_ROUTE, get(auth_page))
        .fallback(page);
    let addresses = PreferencesPage::ALL.iter().map(|page| page.path());
    let pages = addresses.fold(pages, |pages, address| pages.route(address, get(preferences_page.clone())));
    let pages = pages.layer(CompressionLayer::new());
    routes.with(|router| router.merge(pages.with_state(options))).finish(app, ui::rate_limited_page)
}

/// Renders the page of an address, with the data that it shows.
async fn render<V: IntoView + 'static>(
    app: App,
    context: impl Fn() + Clone + Send + Sync + 'static,
    shell: impl Fn() -> V + Clone + Send + Sync + 'static,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let (visit, problem) = match http::visit(&app, &mut parts).await {
        Ok(visit) => visit,
        Err(elsewhere) => return ([(header::CACHE_CONTROL, PERSONAL)], elsewhere).into_response(),
    };
    if let Some(address) = http::way_back_in(&parts, &visit) {
        return Redirect::to(&address).into_response();
    }
    let otherwise = if visit.page == Page::NotFound { StatusCode::NOT_FOUND } else { StatusCode::OK };
    let shows_messages = visit.shows_messages();
    let mut response = render_document(&app, context, shell, visit, parts, body).await;
    if shows_messages {
        response.headers_mut().insert(header::CACHE_CONTROL, UNKEPT);
    }
    with_status(response, problem.as_ref(), otherwise)
}

/// Renders a page about accounts.
async fn render_auth<V: IntoView + 'static>(
    app: App,
    context: impl Fn() + Clone + Send + Sync + 'static,
    shell: impl Fn() -> V + Clone + Send + Sync + 'static,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let (visit, problem) = http::auth_visit(&app, &mut parts).await.unzip();
    let otherwise = if visit.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let has_secret = visit.as_ref().is_some_and(|visit| !visit.token.is_empty());
    let mut response = render_document(&app, context, shell, visit.unwrap_or_default(), parts, body).await;
    if has_secret {
        response.headers_mut().insert(header::CACHE_CONTROL, UNKEPT);
    }
    with_status(response, problem.flatten().as_ref(), otherwise)
}

/// Renders a page of preferences. A visitor who is not logged in is redirected to the page for logging in.
async fn render_preferences<V: IntoView + 'static, W: IntoView + 'static>(
    app: App,
    context: impl Fn() + Clone + Send + Sync + 'static,
    (shell, otherwise): (
        impl Fn() -> V + Clone + Send + Sync + 'static,
        impl Fn() -> W + Clone + Send + Sync + 'static,
    ),
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut response = match http::preferences_visit(&app, &mut parts).await {
        Ok(visit) => render_document(&app, context, shell, visit, parts, body).await,
        Err(problem) if problem.code == Code::NotLoggedIn => {
            return Redirect::to(&http::way_to_log_in(&parts)).into_response();
        }
        Err(problem) => {
            let (page, next) = (AuthPage::Unavailable(problem.clone()), parts.uri.path().to_owned());
            let visit = AuthVisit { page, next, ..AuthVisit::default() };
            let response = render_document(&app, context, otherwise, visit, parts, body).await;
            with_status(response, Some(&problem), StatusCode::OK)
        }
    };
    response.headers_mut().insert(header::CACHE_CONTROL, UNKEPT);
    response
}

/// Renders a document that shows `visit`.
async fn render_document<T: Clone + Send + Sync + 'static, V: IntoView + 'static>(
    app: &App,
    context: impl Fn() + Clone + Send + Sync + 'static,
    shell: impl Fn() -> V + Clone + Send + Sync + 'static,
    visit: T,
    mut parts: Parts,
    body: Body,
) -> Response {
    let look = http::look(app, &mut parts).await;
    let tab_mark = http::tab_mark(app, &mut parts).await;
    let context = move || {
        context();
        provide_context(visit.clone());
        ui::provide_appearance(look);
        ui::provide_tab_mark(tab_mark.clone());
    };
    render_app_async_with_context(context, shell)(Request::from_parts(parts, body)).await
}

/// Sets the status of a page, and how long to wait before trying again. Programs use these; people read the page.
fn with_status(mut response: Response, problem: Option<&Problem>, otherwise: StatusCode) -> Response {
    *response.status_mut() = match problem {
        Some(problem) => StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        None => otherwise,
    };
    if let Some(ms) = problem.and_then(|problem| problem.retry_after_ms) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
    }
    response
}

/// The query of the web app manifest: its language.
#[derive(Deserialize)]
struct Spoken {
    #[serde(default)]
    lang: Language,
}

async fn manifest(query: Result<Query<Spoken>, QueryRejection>) -> impl IntoResponse {
    // An invalid query gets the manifest in the default language.
    let language = query.map(|Query(spoken)| spoken.lang).unwrap_or_default();
    let headers = [(header::CONTENT_TYPE, "application/manifest+json"), (header::CACHE_CONTROL, "no-cache")];
    (headers, ui::manifest(language))
}

/// Sets the headers of a page: it is for one person, and runs only its own scripts.
fn set_page_headers() {
    if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) {
        if let Ok(policy) = HeaderValue::from_str(&http::content_security_policy(&nonce)) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
        response.insert_header(header::CACHE_CONTROL, PERSONAL);
    }
}

fn site_options() -> anyhow::Result<LeptosOptions> {
    Ok(get_configuration(Some("Leptos.toml")).context("Leptos.toml cannot be read")?.leptos_options)
}

async fn stop_signal() {
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate()).expect("a signal handler can be set");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
