//! The session of a request: determines the visitor once, however many parts of the response need it, and collects the
//! cookies that the response sets.
//!
//! An expired access token is renewed with the refresh token during any request, so clients need no renewal of their
//! own.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    extract::{FromRequestParts, Request},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    middleware::Next,
    response::Response,
};
use axum_extra::extract::cookie::{Cookie, CookieJar};
use tokio::sync::OnceCell;

use super::{
    client::client_of,
    cookies::{self, Name},
    look,
    problem::Refusal,
};
use crate::{
    protocol::{Email, Language, Problem, Profile},
    server::{
        app::{App, Browser, Visitor},
        domain::{
            guests, profiles,
            recognising::{self, Recognised},
            sessions::{LoggedIn, Tokens},
        },
        random,
        token::{GuestToken, Ticket},
    },
};

/// The visitor and the new cookies of one request. Cheap to clone.
#[derive(Clone, Default)]
pub struct RequestSession(Arc<Inner>);

#[derive(Default)]
struct Inner {
    visitor: OnceCell<Visitor>,
    /// The cookies to set, by name; a later one replaces an earlier. The lock is never held across an await.
    cookies: Mutex<BTreeMap<String, Cookie<'static>>>,
    /// Whether the browser sent tokens of a session that has ended.
    has_ended_session: AtomicBool,
}

/// Layer that gives each request its [`RequestSession`], and adds the collected cookies to the response.
pub async fn attach_request_session(mut request: Request, next: Next) -> Response {
    let request_session = RequestSession::default();
    request.extensions_mut().insert(request_session.clone());
    let mut response = next.run(request).await;
    for cookie in request_session.take_cookies() {
        if let Ok(cookie) = HeaderValue::from_str(&cookie.to_string()) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

impl RequestSession {
    /// The one of this request.
    pub fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Sets the cookies for a visitor who has just logged in: the tokens, and a pass if the address is proved. Deletes
    /// the guest's cookie. Returns the profile.
    pub fn set_login_cookies(&self, app: &App, logged_in: LoggedIn) -> Profile {
        self.set_token_cookies(app, logged_in.tokens);
        self.set_cookie(cookies::none(&app.config, Name::Guest));
        if let Some(email) = &logged_in.account.email {
            self.set_pass_cookie(app, email);
        }
        profiles::profile(&logged_in.account)
    }

    /// Sets the cookie of a new guest session.
    pub fn set_guest_cookie(&self, app: &App, session: &GuestToken) {
        self.set_cookie(cookies::of_guest(&app.config, session));
    }

    /// Sets a pass, by which this browser is recognised as one of the address's owner.
    pub fn set_pass_cookie(&self, app: &App, email: &Email) {
        self.set_cookie(cookies::of_pass(&app.config, &app.keys.pass(email)));
    }

    /// Sets the cookies with new tokens.
    pub fn set_token_cookies(&self, app: &App, tokens: Tokens) {
        for cookie in cookies::of_account(&app.config, tokens) {
            self.set_cookie(cookie);
        }
    }

    /// Sets the cookie with the ticket of a requested log-in code.
    pub fn set_ticket_cookie(&self, app: &App, ticket: &Ticket) {
        self.set_cookie(cookies::of_ticket(&app.config, ticket));
    }

    /// Deletes the cookies of the account's session, which has ended.
    pub fn clear_login_cookies(&self, app: &App) {
        self.set_cookie(cookies::none(&app.config, Name::Access));
        self.set_cookie(cookies::none(&app.config, Name::Refresh));
        self.set_cookie(cookies::none(&app.config, Name::Ticket));
    }

    /// Deletes the cookies of a guest who was deleted, and the other cookies about that visitor.
    pub fn clear_guest_cookies(&self, app: &App) {
        self.set_cookie(cookies::none(&app.config, Name::Guest));
        self.set_cookie(cookies::none(&app.config, Name::Proposal));
        self.set_cookie(cookies::none(&app.config, Name::Zone));
    }

    /// Stores a chosen language in the browser. Without one, the browser's own language settings apply.
    pub fn set_language_cookie(&self, app: &App, language: Option<Language>) {
        self.set_cookie(match language {
            Some(language) => cookies::of_language(&app.config, language),
            None => cookies::none(&app.config, Name::Language),
        });
    }

    /// The number of the generated nickname to offer. Taken from the cookie, else drawn now and set as a cookie.
    pub fn pick_nickname(&self, app: &App, headers: &HeaderMap) -> u32 {
        let jar = CookieJar::from_headers(headers);
        let told = cookies::read(&app.config, &jar, Name::Proposal).and_then(|pick| pick.parse().ok());
        told.unwrap_or_else(|| {
            let pick = random::below(u32::MAX);
            self.set_cookie(cookies::of_proposal(&app.config, pick));
            pick
        })
    }

    /// Whether this browser was logged in with a session that has ended. Known once the visitor was determined.
    pub fn has_ended_session(&self) -> bool {
        self.0.has_ended_session.load(Ordering::Relaxed)
    }

    fn set_cookie(&self, cookie: Cookie<'static>) {
        let mut cookies = self.0.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        cookies.insert(cookie.name().to_owned(), cookie);
    }

    fn take_cookies(&self) -> Vec<Cookie<'static>> {
        let mut cookies = self.0.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *cookies).into_values().collect()
    }

    async fn visitor(&self, parts: &Parts, app: &App) -> Result<Visitor, Problem> {
        self.0.visitor.get_or_try_init(|| self.recognise(parts, app)).await.cloned()
    }

    async fn recognise(&self, parts: &Parts, app: &App) -> Result<Visitor, Problem> {
        let jar = CookieJar::from_headers(&parts.headers);
        let client = client_of(parts, app);
        let language = look::language(&app.config, &parts.headers);
        let read = |name| cookies::read(&app.config, &jar, name);
        let browser =
            Browser { pass: read(Name::Pass).map(str::to_owned), is_cross_site: is_cross_site(&parts.headers) };
        match recognising::recognise(app, read(Name::Access), read(Name::Refresh)).await? {
            Recognised::Somebody(actor, tokens) => {
                if let Some(tokens) = tokens {
                    self.set_token_cookies(app, tokens);
                }
                return Ok(Visitor { actor: Some(actor), client, language, browser });
            }
            Recognised::Nobody { is_over: true } => {
                self.0.has_ended_session.store(true, Ordering::Relaxed);
                self.clear_login_cookies(app);
            }
            Recognised::Nobody { is_over: false } => {}
        }
        let actor = match read(Name::Guest).and_then(GuestToken::parse) {
            Some(token) => guests::identify(app, &token).await?,
            None => None,
        };
        Ok(Visitor { actor, client, language, browser })
    }
}

/// Whether a page of another site caused the request (`Sec-Fetch-Site`, Fetch Metadata). Programs do not send the
/// header.
fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

impl FromRequestParts<App> for RequestSession {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Refusal> {
        Ok(Self::of(parts))
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        Ok(RequestSession::of(parts).visitor(parts, app).await?)
    }
}
