//! The handlers of the pages, one for each page. Each loads the content of its page (`server::http::pages`) and renders
//! it.

use axum::{
    extract::{
        Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::rendering::{PERSONAL, Site, UNKEPT, render, render_frame};
use crate::{
    protocol::{Accent, Code, Event, HourCycle, Language, TextSize, Theme, Visit},
    server::{
        domain::room_export::{ExportFormat, Exported},
        http::pages::{Loaded, PageRequest, auth, preferences, rooms},
    },
    ui::{self, RoomFile},
    visit::{Appearance, AuthVisit, PreferencesPage},
};

pub async fn home(State(site): State<Site>, request: PageRequest) -> Response {
    let page = rooms::home(&request).await;
    show(&site, request, page).await
}

/// Where the installed app opens. Nothing is rendered at this address. A visitor whose session has ended is redirected
/// to the page for logging in, and from there back to this address.
pub async fn open(request: PageRequest) -> Redirect {
    let opening = rooms::opening(&request).await;
    Redirect::to(&request.way_back_in().unwrap_or(opening))
}

/// The form that makes a room.
pub async fn new_room(State(site): State<Site>, request: PageRequest) -> Response {
    let page = rooms::new_room(&request).await;
    show(&site, request, page).await
}

/// The query of the dashboard.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    /// Whether a long list is wanted as a whole. Visitors without JavaScript have no other way to see the rest.
    all: bool,
}

/// The rooms of an account. A visitor who is not logged in is redirected to the page for logging in.
pub async fn dashboard(
    State(site): State<Site>,
    request: PageRequest,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Response {
    if request.has_no_account() {
        return ([(header::CACHE_CONTROL, PERSONAL)], Redirect::to(&request.way_to_log_in())).into_response();
    }
    let page = rooms::dashboard(&request, query.is_ok_and(|Query(query)| query.all)).await;
    show(&site, request, page).await
}

/// The page of a room's link. A link whose end is no text at all is the address of no page.
pub async fn room(
    State(site): State<Site>,
    request: PageRequest,
    text: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(text)) = text else { return not_found(State(site), request).await };
    let page = match text.parse() {
        Ok(code) => rooms::room(&request, code).await,
        Err(_) => rooms::no_code(&request, text).await,
    };
    show(&site, request, page).await
}

/// The saved messages of a room, as a file to read.
pub async fn room_file(request: PageRequest, Path(code): Path<String>) -> Response {
    rooms::room_file(&request, &code, |appearance, local| HtmlFile(RoomFile::new(appearance, local))).await
}

/// Writes the download of a room as HTML.
struct HtmlFile(RoomFile);

impl ExportFormat for HtmlFile {
    fn opening(&mut self, room: &Exported) -> String {
        let Exported { code, room_type, name, own_ids, exported_at } = room;
        self.0.opening((*code, *room_type, name.as_ref()), own_ids.clone(), *exported_at)
    }

    fn events(&mut self, events: &[Event]) -> String {
        self.0.events(events)
    }

    fn closing(&mut self) -> String {
        self.0.closing()
    }
}

/// Every address without a page.
pub async fn not_found(State(site): State<Site>, request: PageRequest) -> Response {
    let page = rooms::not_found(&request);
    (StatusCode::NOT_FOUND, render(&site, request, page).await).into_response()
}

/// Renders a page about rooms. A visitor whose session has ended is redirected to the page for logging in.
async fn show(site: &Site, request: PageRequest, page: Loaded<Visit>) -> Response {
    match request.way_back_in() {
        Some(address) => Redirect::to(&address).into_response(),
        None => render(site, request, page).await,
    }
}

/// The form that registers an account.
pub async fn register(State(site): State<Site>, request: PageRequest) -> Response {
    let page = auth::register(&request);
    render(&site, request, page).await
}

/// The form that logs in.
pub async fn log_in(State(site): State<Site>, request: PageRequest) -> Response {
    let page = auth::log_in(&request);
    render(&site, request, page).await
}

/// The form for a mailed code.
pub async fn log_in_code(State(site): State<Site>, request: PageRequest) -> Response {
    let page = auth::log_in_code(&request);
    render(&site, request, page).await
}

/// The form that asks for a link to set a password.
pub async fn forgot_password(State(site): State<Site>, request: PageRequest) -> Response {
    let page = auth::forgot_password(&request);
    render(&site, request, page).await
}

/// The page of a link that sets a password.
pub async fn reset_password(State(site): State<Site>, request: PageRequest) -> Response {
    let page = auth::reset_password(&request).await;
    render(&site, request, page).await
}

/// The page of a link that proves an email address.
pub async fn verify_email(State(site): State<Site>, request: PageRequest) -> Response {
    let page = auth::verify_email(&request).await;
    render(&site, request, page).await
}

/// What the server stores of a guest.
pub async fn guest(State(site): State<Site>, request: PageRequest) -> Response {
    let page = auth::guest(&request).await;
    render(&site, request, page).await
}

/// Every other address beside the pages about accounts. It shows the form that logs in.
pub async fn no_auth_page(State(site): State<Site>, request: PageRequest) -> Response {
    let page = Loaded::from(AuthVisit::default());
    (StatusCode::NOT_FOUND, render(&site, request, page).await).into_response()
}

/// A page of preferences. A visitor who is not logged in is redirected to the page for logging in.
pub async fn preferences(page: PreferencesPage, State(site): State<Site>, request: PageRequest) -> Response {
    let response = match preferences::load(&request, page).await {
        Ok(visit) => render(&site, request, Loaded::from(visit)).await,
        Err(problem) if problem.code == Code::NotLoggedIn => {
            return Redirect::to(&request.way_to_log_in()).into_response();
        }
        Err(problem) => {
            let page = auth::unavailable(&request, problem);
            render(&site, request, page).await
        }
    };
    ([(header::CACHE_CONTROL, UNKEPT)], response).into_response()
}

/// The query of the shell: how the page looks that asks for it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct LookQuery {
    language: Language,
    theme: Theme,
    accent: Accent,
    text_size: TextSize,
    hours: HourCycle,
    show_marks: bool,
}

/// The application without data. An invalid query gets the default look.
pub async fn frame(
    State(site): State<Site>,
    query: Result<Query<LookQuery>, QueryRejection>,
    request: Request,
) -> Response {
    let Query(LookQuery { language, theme, accent, text_size, hours, show_marks }) =
        query.unwrap_or_else(|_| Query(LookQuery::default()));
    render_frame(&site, Appearance { language, theme, accent, text_size, hours, show_marks }, request).await
}

/// The query of the web app manifest: its language, and the theme of its first screen.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ManifestQuery {
    lang: Language,
    theme: Theme,
}

/// The web app manifest. An invalid query gets the default one.
pub async fn manifest(query: Result<Query<ManifestQuery>, QueryRejection>) -> impl IntoResponse {
    let ManifestQuery { lang, theme } = query.map(|Query(query)| query).unwrap_or_default();
    let headers = [(header::CONTENT_TYPE, "application/manifest+json"), (header::CACHE_CONTROL, "no-cache")];
    (headers, ui::manifest(lang, theme))
}
