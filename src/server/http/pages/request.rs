//! A request for a page: who sent it, what its query says, and how its page looks.

use std::convert::Infallible;

use axum::{
    extract::{FromRef, FromRequestParts, Query},
    http::request::Parts,
};
use leptos::server_fn::error::ServerFnUrlError;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    protocol::{LocalTime, Millis, Problem, addresses},
    server::{
        app::{App, Visitor},
        http::{look, problem::Refusal, request_session::RequestSession, zone},
    },
    visit::Appearance,
};

/// The content of a page, and the problem that the page shows, if any. The response gets the problem's status.
pub struct Loaded<V> {
    pub visit: V,
    pub problem: Option<Problem>,
}

impl<V> From<V> for Loaded<V> {
    fn from(visit: V) -> Self {
        Self { visit, problem: None }
    }
}

/// A request for a page. Its visitor is determined once, before the content is loaded.
pub struct PageRequest {
    app: App,
    parts: Parts,
    visitor: Result<Visitor, Problem>,
}

impl<S> FromRequestParts<S> for PageRequest
where
    App: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let app = App::from_ref(state);
        let visitor = Visitor::from_request_parts(parts, &app).await.map_err(|Refusal(problem)| problem);
        Ok(Self { app, parts: parts.clone(), visitor })
    }
}

impl PageRequest {
    pub(super) fn app(&self) -> &App {
        &self.app
    }

    /// The visitor, or why the visitor cannot be determined at the moment.
    pub(super) fn visitor(&self) -> Result<&Visitor, Problem> {
        self.visitor.as_ref().map_err(Clone::clone)
    }

    /// Whether the visitor is known and has no account.
    pub fn has_no_account(&self) -> bool {
        self.visitor.as_ref().is_ok_and(|visitor| visitor.account().is_err())
    }

    /// The path of the page.
    pub(super) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The path and the query of the page.
    pub(super) fn path_and_query(&self) -> &str {
        self.parts.uri.path_and_query().map_or(addresses::HOME, |here| here.as_str())
    }

    /// The fields of the query. `None` if they cannot be read.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Option<T> {
        Query::try_from_uri(&self.parts.uri).ok().map(|Query(fields)| fields)
    }

    /// The problem of a refused form, from the query. Anybody can write a query and get somebody to open it, so its
    /// sentence is not shown: the page has its own words for each code.
    pub(super) fn refused(&self) -> Option<(String, Problem)> {
        let Refused { path, error } = self.query()?;
        let problem = ServerFnUrlError::<Problem>::decode_err(&error?);
        Some((path?, Problem { detail: problem.code.title().to_owned(), ..problem }))
    }

    /// Chooses the nickname to offer to a visitor without one. Drawn once for a browser session, so that all pages
    /// offer the same.
    pub(super) fn pick_nickname(&self) -> u32 {
        RequestSession::of(&self.parts).pick_nickname(&self.app, &self.parts.headers)
    }

    /// The visitor's local time for times from `oldest` on, if the browser has named its time zone.
    pub(super) fn local_time(&self, oldest: Option<Millis>) -> Option<LocalTime> {
        zone::local_time(&self.app.config, &self.parts.headers, oldest.unwrap_or(Millis::MAX))
    }

    /// The look and the language of the page. A visitor who cannot be determined gets the page as anybody gets it.
    pub fn appearance(&self) -> Appearance {
        look::appearance(&self.app.config, &self.parts.headers, self.visitor.as_ref().ok())
    }

    /// A mark of the tab's identity. `None` if the visitor cannot be determined at the moment.
    pub fn tab_mark(&self) -> Option<String> {
        self.visitor.as_ref().ok().map(|visitor| look::tab_mark(&self.app.keys, visitor))
    }

    /// The URL of the log-in page that leads back to this page. For visitors who are not logged in (any more).
    pub fn way_to_log_in(&self) -> String {
        let next = url::form_urlencoded::byte_serialize(self.path().as_bytes()).collect::<String>();
        let ended = if self.has_ended_session() { "&done=ended" } else { "" };
        addresses::with_next(addresses::LOG_IN, &next.replace("%2F", "/")) + ended
    }

    /// The same, if this request has found the browser's session ended, so that the visitor learns why they are logged
    /// out.
    pub fn way_back_in(&self) -> Option<String> {
        self.has_ended_session().then(|| self.way_to_log_in())
    }

    fn has_ended_session(&self) -> bool {
        RequestSession::of(&self.parts).has_ended_session()
    }

    /// The request itself, for the renderer.
    pub fn into_parts(self) -> Parts {
        self.parts
    }
}

/// The query fields in which Leptos returns a refused form to its page.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    #[serde(rename = "__path")]
    path: Option<String>,
    #[serde(rename = "__err")]
    error: Option<String>,
}
