//! Renders the document of a page: its body, its headers and its status.
//!
//! This file and its neighbours `pages` and `routes` name both `ui` and the server. So they stand on floor 6, inside
//! `boot`: `ui` must not name the server, and `server::http` stands below `ui`.

use axum::{
    body::{Body, to_bytes},
    extract::{FromRef, Request},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use leptos::{
    IntoView,
    config::LeptosOptions,
    context::{provide_context, use_context},
    nonce::use_nonce,
};
use leptos_axum::{ResponseOptions, render_app_async_with_context};

use crate::{
    protocol::{Page, Problem, Visit},
    server::{
        app::App,
        http::{
            BuildVersion, content_security_policy, note_refusal,
            pages::{Loaded, PageRequest},
            sealed,
        },
    },
    ui,
    visit::{Appearance, AuthVisit, PreferencesVisit},
};

/// The `Cache-Control` of pages. A page is for one person, so shared caches must not store it.
pub const PERSONAL: HeaderValue = HeaderValue::from_static("private, no-cache");
/// The `Cache-Control` of pages that show messages, secrets or preferences. After logging out, the browser's Back
/// button must not show them again, and no browser may write them to a disk.
pub const UNKEPT: HeaderValue = HeaderValue::from_static("no-store");

/// What the handlers of pages share: the node, and where the files of the site are.
#[derive(Clone)]
pub struct Site {
    pub app: App,
    pub options: LeptosOptions,
    /// The version of the build.
    pub version: BuildVersion,
}

impl FromRef<Site> for App {
    fn from_ref(site: &Site) -> Self {
        site.app.clone()
    }
}

impl FromRef<Site> for LeptosOptions {
    fn from_ref(site: &Site) -> Self {
        site.options.clone()
    }
}

/// The content of a document.
pub trait Document: Clone + Send + Sync + 'static {
    /// The document, whose content is in the context.
    fn shell(options: LeptosOptions) -> impl IntoView + 'static;

    /// Whether the browser may store the document.
    fn may_be_kept(&self) -> bool;
}

impl Document for Visit {
    fn shell(options: LeptosOptions) -> impl IntoView + 'static {
        ui::shell(&options)
    }

    fn may_be_kept(&self) -> bool {
        !self.shows_messages()
    }
}

impl Document for AuthVisit {
    fn shell(options: LeptosOptions) -> impl IntoView + 'static {
        ui::auth_shell(&options)
    }

    fn may_be_kept(&self) -> bool {
        self.token.is_empty()
    }
}

impl Document for PreferencesVisit {
    fn shell(options: LeptosOptions) -> impl IntoView + 'static {
        ui::preferences_shell(&options)
    }

    fn may_be_kept(&self) -> bool {
        false
    }
}

/// Renders the document of a page.
pub async fn render<V: Document>(site: &Site, request: PageRequest, page: Loaded<V>) -> Response {
    let Loaded { visit, problem } = page;
    let may_be_kept = visit.may_be_kept();
    let (appearance, tab_mark) = (request.appearance(), request.tab_mark());
    let public_url = site.app.config.public_url.clone();
    let BuildVersion(version) = site.version.clone();
    let context = move || {
        set_page_headers();
        ui::provide_public_url(public_url.clone());
        ui::provide_build_version(version.clone());
        provide_context(visit.clone());
        ui::provide_appearance(appearance);
        ui::provide_tab_mark(tab_mark.clone());
    };
    let options = site.options.clone();
    let render = render_app_async_with_context(context, move || V::shell(options.clone()));
    let mut response = render(Request::from_parts(request.into_parts(), Body::empty())).await;
    if !may_be_kept {
        response.headers_mut().insert(header::CACHE_CONTROL, UNKEPT);
    }
    match problem {
        Some(problem) => with_problem(response, &problem),
        None => response,
    }
}

/// Renders the shell: the application without data, for service workers to store. It is the same for everybody: it
/// depends on `appearance`, and on no cookie.
pub async fn render_frame(site: &Site, appearance: Appearance, request: Request) -> Response {
    let (options, BuildVersion(version)) = (site.options.clone(), site.version.clone());
    let context = move || {
        ui::provide_build_version(version.clone());
        provide_context(Visit { page: Page::Shell, ..Visit::default() });
        ui::provide_appearance(appearance);
        ui::provide_tab_mark(None);
    };
    let mut response = render_app_async_with_context(context, move || ui::shell(&options))(request).await;
    let document = to_bytes(std::mem::take(response.body_mut()), usize::MAX).await.unwrap_or_default();
    let (document, policy) = sealed(&String::from_utf8_lossy(&document));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(document);
    response
}

/// Sets the status of a page from its problem, and how long to wait before trying again. Programs use these; people
/// read the page.
fn with_problem(mut response: Response, problem: &Problem) -> Response {
    note_refusal(problem.code);
    *response.status_mut() = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(ms) = problem.retry_after_ms {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
    }
    response
}

/// Sets the headers of a page: it is for one person, and runs only its own scripts.
pub fn set_page_headers() {
    if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) {
        if let Ok(policy) = HeaderValue::from_str(&content_security_policy(&nonce)) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
        response.insert_header(header::CACHE_CONTROL, PERSONAL);
    }
}
