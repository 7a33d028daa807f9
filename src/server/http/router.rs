//! The router: every route of the API, and the layers around all routes.

use std::sync::Arc;

use anyhow::Context;
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{from_fn, from_fn_with_state, map_response, map_response_with_state},
    response::IntoResponse,
    routing::{any, get},
};
use leptos::config::LeptosOptions;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    csrf::CsrfLayer,
    trace::{DefaultOnFailure, TraceLayer},
};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    admission::admit,
    auth,
    headers::secure,
    health, messages,
    metering::{BusyPage, meter},
    openapi::{self, Description},
    origin::refuse_downgrades,
    problem::{Refusal, foreign_origin, server_function_status},
    reception::receive,
    rooms, shell, users, ws,
};
use crate::{
    protocol::{Code, Problem, limits},
    server::app::App,
};

/// The routes of a node. Pages are added by [`with`](Self::with), and [`finish`](Self::finish) puts the layers around
/// them.
pub struct Doors {
    router: Router<App>,
}

/// The routes of the REST API, the socket, health checks and static files.
pub fn api(options: &LeptosOptions) -> Doors {
    let (rest, mut description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(rooms::create))
        .routes(routes!(rooms::join))
        .routes(routes!(rooms::leave))
        .routes(routes!(rooms::kick))
        .routes(routes!(rooms::give))
        .routes(routes!(rooms::free))
        .routes(routes!(rooms::away))
        .routes(routes!(rooms::rename))
        .routes(routes!(rooms::preserve))
        .routes(routes!(rooms::mute))
        .routes(routes!(rooms::keep))
        .routes(routes!(rooms::my_rooms))
        .routes(routes!(rooms::view))
        .routes(routes!(messages::send))
        .routes(routes!(messages::history))
        .routes(routes!(auth::register))
        .routes(routes!(auth::log_in))
        .routes(routes!(auth::log_out))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::forgot_password))
        .routes(routes!(auth::reset_password))
        .routes(routes!(auth::verify))
        .routes(routes!(auth::request_code))
        .routes(routes!(auth::log_in_by_code))
        .routes(routes!(auth::password_strength))
        .routes(routes!(auth::sessions, auth::end_other_sessions))
        .routes(routes!(auth::end_session))
        .routes(routes!(users::me, users::forget_me))
        .routes(routes!(users::data))
        .routes(routes!(users::preferences))
        .routes(routes!(users::name))
        .routes(routes!(users::email))
        .routes(routes!(users::password))
        .split_for_parts();
    env!("CARGO_PKG_VERSION").clone_into(&mut description.info.version);
    openapi::complete(&mut description);
    let description = axum::Json(description);
    let rest = rest
        .route("/api/openapi.json", get(move || async move { description }))
        .route("/api", any(no_such_door))
        .route("/api/", any(no_such_door))
        .route("/api/{*rest}", any(no_such_door));
    let router = Router::new()
        .merge(rest)
        .route("/ws", any(ws::upgrade))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz).layer(Extension(Arc::new(health::Probe::default()))))
        .merge(shell::files(options));
    Doors { router }
}

impl Doors {
    /// Adds the routes of pages.
    #[must_use]
    pub fn with(self, pages: impl FnOnce(Router<App>) -> Router<App>) -> Self {
        Self { router: pages(self.router) }
    }

    /// Puts the layers around all routes: limits, cross-site checks, security headers, and traces without secrets.
    ///
    /// Fails if the public URL cannot be the origin of a page.
    pub fn finish(self, app: App, busy: BusyPage) -> anyhow::Result<Router> {
        let csrf = match app.config.public_url.as_deref() {
            Some(url) => CsrfLayer::new()
                .add_trusted_origin(url.trim_end_matches('/'))
                .with_context(|| format!("PUBLIC_URL {url} cannot be a page’s origin"))?,
            None => CsrfLayer::new(),
        };
        let is_https = app.config.is_https();
        // One combined layer, because a router clones and boxes the service inside each of its layers for every
        // request.
        let guards = ServiceBuilder::new()
            .layer(map_response_with_state(is_https, secure))
            // Neither paths nor queries are traced, because both can contain a room code or a token.
            .layer(
                TraceLayer::new_for_http()
                    .make_span_with(|request: &Request| tracing::debug_span!("request", method = %request.method()))
                    .on_failure(DefaultOnFailure::new().level(tracing::Level::DEBUG)),
            )
            .layer(CatchPanicLayer::custom(|_| {
                Refusal(Problem::new(Code::Internal, "Something went wrong. Try again.")).into_response()
            }))
            .layer(csrf.with_rejection_response(|_| foreign_origin().into_response()))
            .layer(from_fn_with_state(app.clone(), refuse_downgrades))
            .layer(DefaultBodyLimit::max(limits::FRAME_BYTES))
            .layer(from_fn_with_state(app.clone(), admit))
            .layer(from_fn(receive))
            .layer(from_fn_with_state((app.clone(), busy), meter))
            .layer(map_response(server_function_status));
        let router = self.router.method_not_allowed_fallback(wrong_method).layer(guards);
        Ok(router.with_state(app))
    }
}

async fn no_such_door() -> Refusal {
    Refusal(Problem::new(Code::NotFound, "There is nothing at this address. /api/openapi.json lists what there is."))
}

async fn wrong_method() -> Refusal {
    Refusal(Problem::new(Code::MethodNotAllowed, "This address does not take this method."))
}
