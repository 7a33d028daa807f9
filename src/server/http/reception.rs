//! The reception: who sends a request, found out once however many parts of its answer ask; and the cookies that the answer
//! sets. So whoever's access token has run out is let in by the refresh token at any door, and nobody notices.

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
    look,
    problem::Refusal,
    session::{self, Name},
    zone,
};
use crate::{
    protocol::{Email, Problem},
    server::{
        app::{App, Browser, Visitor},
        domain::{
            guests,
            login::Ticket,
            sessions::{self, LoggedIn, Recognised, Tokens},
        },
        random,
    },
};

/// The reception of one request. Cheap to clone.
#[derive(Clone, Default)]
pub struct Reception(Arc<Inner>);

#[derive(Default)]
struct Inner {
    visitor: OnceCell<Visitor>,
    /// What the answer sets, the last word on each name. Held for moments only.
    cookies: Mutex<BTreeMap<String, Cookie<'static>>>,
    /// Whether the browser came with the tokens of a session that is over.
    came_too_late: AtomicBool,
}

/// Gives each request its reception, and its answer the cookies.
pub async fn receive(mut request: Request, next: Next) -> Response {
    let reception = Reception::default();
    request.extensions_mut().insert(reception.clone());
    let mut response = next.run(request).await;
    for cookie in reception.cookies() {
        if let Ok(cookie) = HeaderValue::from_str(&cookie.to_string()) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

impl Reception {
    /// The reception of a request.
    pub fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Somebody has logged in: their browser gets the tokens, and forgets what it was before.
    pub fn welcome(&self, app: &App, logged_in: LoggedIn) -> crate::protocol::Profile {
        self.hand_out(app, logged_in.tokens);
        self.set(session::none(&app.config, Name::Guest));
        if let Some(email) = logged_in.profile.email.as_ref().filter(|_| logged_in.profile.verified) {
            self.know(app, email);
        }
        logged_in.profile
    }

    /// Their browser is known from here on to an address that they proved.
    pub fn know(&self, app: &App, email: &Email) {
        self.set(session::of_pass(&app.config, app.keys.pass(email)));
    }

    /// Hands out tokens.
    pub fn hand_out(&self, app: &App, tokens: Tokens) {
        for cookie in session::of_account(&app.config, tokens) {
            self.set(cookie);
        }
    }

    /// Hands out what belongs to a code.
    pub fn hand_ticket(&self, app: &App, ticket: &Ticket) {
        self.set(session::of_ticket(&app.config, ticket));
    }

    /// Their account’s session has ended.
    pub fn see_out(&self, app: &App) {
        self.set(session::none(&app.config, Name::Access));
        self.set(session::none(&app.config, Name::Refresh));
        self.set(session::none(&app.config, Name::Ticket));
    }

    /// They were a guest, and are forgotten: nothing stays in their browser.
    pub fn forget_guest(&self, app: &App) {
        self.set(session::none(&app.config, Name::Guest));
        self.set(session::none(&app.config, Name::Proposal));
        self.set(zone::no_cookie(&app.config));
    }

    /// Which name is proposed in this visit: as the browser was told before, else as drawn now.
    pub fn propose(&self, app: &App, headers: &HeaderMap) -> u32 {
        let jar = CookieJar::from_headers(headers);
        let told = session::read(&app.config, &jar, Name::Proposal).and_then(|pick| pick.parse().ok());
        told.unwrap_or_else(|| {
            let pick = random::below(u32::MAX);
            self.set(session::of_proposal(&app.config, pick));
            pick
        })
    }

    /// Whether somebody asks who was logged in here, and is no more. Known once it was asked who they are.
    pub fn came_too_late(&self) -> bool {
        self.0.came_too_late.load(Ordering::Relaxed)
    }

    fn set(&self, cookie: Cookie<'static>) {
        let mut cookies = self.0.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        cookies.insert(cookie.name().to_owned(), cookie);
    }

    fn cookies(&self) -> Vec<Cookie<'static>> {
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
        let read = |name| session::read(&app.config, &jar, name);
        let browser = Browser { pass: read(Name::Pass).map(str::to_owned), is_led_here: is_led_here(&parts.headers) };
        match sessions::recognise(app, read(Name::Access), read(Name::Refresh)).await? {
            Recognised::Somebody(actor, tokens) => {
                if let Some(tokens) = tokens {
                    self.hand_out(app, tokens);
                }
                return Ok(Visitor { actor: Some(actor), client, language, browser });
            }
            Recognised::Nobody { is_over: true } => {
                self.0.came_too_late.store(true, Ordering::Relaxed);
                self.see_out(app);
            }
            Recognised::Nobody { is_over: false } => {}
        }
        let actor = match read(Name::Guest) {
            Some(token) => guests::identify(app, token).await?,
            None => None,
        };
        Ok(Visitor { actor, client, language, browser })
    }
}

/// Whether a page of another site made the browser ask (Fetch Metadata). Programs say nothing of this kind.
fn is_led_here(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

impl FromRequestParts<App> for Reception {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Refusal> {
        Ok(Self::of(parts))
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        Ok(Reception::of(parts).visitor(parts, app).await?)
    }
}
