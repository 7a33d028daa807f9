//! The routes of a node: the API, and the pages beside it.

use anyhow::Context;
use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use leptos::{
    config::{LeptosOptions, get_configuration},
    context::provide_context,
};
use leptos_axum::LeptosRoutes;
use tower_http::compression::CompressionLayer;

use super::{
    pages,
    rendering::{Site, set_page_headers},
};
use crate::{
    protocol::addresses,
    server::{
        app::App,
        http::{self, pages::PageRequest, visits},
    },
    ui,
    visit::PreferencesPage,
};

/// The router with the API and all pages of a node.
pub fn router(app: App) -> anyhow::Result<Router> {
    let options = get_configuration(Some("Leptos.toml")).context("Leptos.toml cannot be read")?.leptos_options;
    let routes = http::api(&options);
    let version = http::build_version(&options);
    let site = Site { app: app.clone(), options, version };
    let pages = page_routes(&site).layer(CompressionLayer::new()).with_state(site);
    routes.with(|router| router.merge(pages)).finish(app, ui::rate_limited_page)
}

fn page_routes(site: &Site) -> Router<Site> {
    let pages = server_functions(site)
        .route(addresses::HOME, get(pages::home))
        .route(addresses::DASHBOARD, get(pages::dashboard))
        .route(addresses::NEW_ROOM, get(pages::new_room))
        .route(addresses::ROOM_ROUTE, get(pages::room))
        .route(addresses::ROOM_FILE_ROUTE, get(pages::room_file))
        .route(addresses::REGISTER, get(pages::register))
        .route(addresses::LOG_IN, get(pages::log_in))
        .route(addresses::LOG_IN_CODE, get(pages::log_in_code))
        .route(addresses::FORGOT_PASSWORD, get(pages::forgot_password))
        .route(addresses::RESET_PASSWORD, get(pages::reset_password))
        .route(addresses::VERIFY_EMAIL, get(pages::verify_email))
        .route(addresses::GUEST, get(pages::guest))
        .route(addresses::AUTH_ROUTE, get(pages::no_auth_page))
        .route(addresses::OPEN, get(pages::open))
        // Words that are shared stay on the device: the service worker answers this address. Without it they are lost,
        // and nothing reads the body.
        .route(addresses::SHARE, post(pages::open))
        .route(addresses::MANIFEST, get(pages::manifest))
        .route(&addresses::content(addresses::HOME), get(visits::home))
        .route(&addresses::content(addresses::DASHBOARD), get(visits::dashboard))
        .route(&addresses::content(addresses::NEW_ROOM), get(visits::new_room))
        .route(&addresses::content(addresses::ROOM_ROUTE), get(visits::room))
        .route(addresses::SHELL, get(pages::frame))
        .fallback(pages::not_found);
    PreferencesPage::ALL.iter().fold(pages, |pages, page| {
        let page = *page;
        let handler = move |site: State<Site>, request: PageRequest| pages::preferences(page, site, request);
        pages.route(page.path(), get(handler))
    })
}

/// Only the routes of the server functions. Leptos gets no pages to route, since the page to show is chosen before it
/// is rendered.
fn server_functions(site: &Site) -> Router<Site> {
    let (app, options): (App, LeptosOptions) = (site.app.clone(), site.options.clone());
    let context = move || {
        provide_context(app.clone());
        set_page_headers();
    };
    Router::new().leptos_routes_with_context(site, Vec::new(), context, move || ui::shell(&options))
}
