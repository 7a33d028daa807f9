//! The router: every route of the API, and the layers around all routes.

use std::{any::Any, sync::Arc};

use anyhow::Context;
use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state, map_response, map_response_with_state},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use leptos::config::LeptosOptions;
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, csrf::CsrfLayer};
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
    qr,
    request_log::log_request,
    request_session::attach_request_session,
    rooms, search, shell, stream, users, ws,
};
use crate::{
    protocol::{Code, Problem, addresses, limits},
    server::app::App,
};

/// The routes of a node. Pages are added by [`with`](Self::with), and [`finish`](Self::finish) puts the layers around
/// them.
pub struct Routes {
    router: Router<App>,
}

/// The routes of the REST API, the socket, health checks and static files.
pub fn api(options: &LeptosOptions) -> Routes {
    let (rest, mut description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(rooms::create_room))
        .routes(routes!(rooms::join_room))
        .routes(routes!(rooms::peek_room, rooms::allow_peek))
        .routes(routes!(rooms::leave_room))
        .routes(routes!(rooms::kick_member))
        .routes(routes!(rooms::give_room))
        .routes(routes!(rooms::free_place))
        .routes(routes!(rooms::report_away))
        .routes(routes!(rooms::rename_room))
        .routes(routes!(rooms::preserve_room))
        .routes(routes!(rooms::mute_room))
        .routes(routes!(rooms::notify_of_room))
        .routes(routes!(rooms::keep_room))
        .routes(routes!(rooms::list_my_rooms))
        .routes(routes!(rooms::view_room))
        .routes(routes!(messages::send_message, messages::read_quotes))
        .routes(routes!(messages::edit_message, messages::delete_message))
        .routes(routes!(messages::add_reaction, messages::remove_reaction))
        .routes(routes!(messages::read_history))
        .routes(routes!(messages::export_room))
        .routes(routes!(search::search_messages))
        .routes(routes!(auth::register_account))
        .routes(routes!(auth::log_in))
        .routes(routes!(auth::log_out))
        .routes(routes!(auth::refresh_session))
        .routes(routes!(auth::request_password_reset))
        .routes(routes!(auth::reset_password))
        .routes(routes!(auth::verify_email))
        .routes(routes!(auth::request_code))
        .routes(routes!(auth::log_in_by_code))
        .routes(routes!(auth::measure_password))
        .routes(routes!(auth::list_sessions, auth::end_other_sessions))
        .routes(routes!(auth::end_session))
        .routes(routes!(users::show_me, users::delete_me))
        .routes(routes!(users::export_data))
        .routes(routes!(users::change_preferences))
        .routes(routes!(users::change_name))
        .routes(routes!(users::change_email))
        .routes(routes!(users::change_password))
        .split_for_parts();
    env!("CARGO_PKG_VERSION").clone_into(&mut description.info.version);
    openapi::complete(&mut description);
    let description = axum::Json(description);
    let rest = rest
        .route("/api/openapi.json", get(move || async move { description }))
        .route("/api", any(unknown_path))
        .route("/api/", any(unknown_path))
        .route("/api/{*rest}", any(unknown_path));
    let version = shell::build_version(options);
    let router = Router::new()
        .merge(rest)
        .route("/ws", any(ws::upgrade).layer(Extension(version.clone())))
        .route("/stream", get(stream::open).layer(Extension(version)))
        .route("/stream/{address}", post(stream::post))
        .route(addresses::ROOM_QR_ROUTE, get(qr::room_qr).layer(CompressionLayer::new()))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz).layer(Extension(Arc::new(health::Probe::default()))))
        .merge(shell::files(options));
    Routes { router }
}

impl Routes {
    /// Adds the routes of pages.
    #[must_use]
    pub fn with(self, pages: impl FnOnce(Router<App>) -> Router<App>) -> Self {
        Self { router: pages(self.router) }
    }

    /// Puts the layers around all routes: limits, cross-site checks, security headers, and the request log.
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
            // Outermost, so that every answer has the id of its request, whichever layer made it.
            .layer(from_fn(log_request))
            .layer(map_response_with_state(is_https, secure))
            .layer(catch_panics())
            .layer(csrf.with_rejection_response(|_| foreign_origin().into_response()))
            .layer(from_fn_with_state(app.clone(), refuse_downgrades))
            .layer(DefaultBodyLimit::max(limits::FRAME_BYTES))
            .layer(from_fn_with_state(app.clone(), admit))
            .layer(from_fn(attach_request_session))
            .layer(from_fn_with_state((app.clone(), busy), meter))
            .layer(map_response(server_function_status));
        let router = self.router.method_not_allowed_fallback(wrong_method).layer(guards);
        Ok(router.with_state(app))
    }
}

/// The layer that answers a request whose handler panics. The text of the panic is not logged here, since it may quote
/// what somebody sent.
pub(super) fn catch_panics() -> CatchPanicLayer<fn(Box<dyn Any + Send>) -> Response> {
    CatchPanicLayer::custom(|_| {
        tracing::error!("the handler of a request panicked");
        Refusal(Problem::new(Code::Internal, "Something went wrong. Try again.")).into_response()
    })
}

async fn unknown_path() -> Refusal {
    Refusal(Problem::new(Code::NotFound, "There is nothing at this address. /api/openapi.json lists what there is."))
}

async fn wrong_method() -> Refusal {
    Refusal(Problem::new(Code::MethodNotAllowed, "This address does not take this method."))
}
