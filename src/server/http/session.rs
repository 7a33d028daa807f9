//! The session cookie. Not readable by scripts, not sent from other sites, and with https bound to the host.

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use crate::server::{config::Config, domain::guests::SessionToken};

/// How long a browser keeps the cookie; how long it is worth something, the server decides.
const BROWSER_LIFE_DAYS: i64 = 30;

/// The cookie's name: with https the prefix makes browsers refuse it from anywhere but this host.
fn name(config: &Config) -> &'static str {
    if config.is_https() { "__Host-anonchat" } else { "anonchat" }
}

/// The token that a request carries.
pub fn token<'a>(config: &Config, jar: &'a CookieJar) -> Option<&'a str> {
    jar.get(name(config)).map(Cookie::value)
}

/// The cookie for a new session.
pub fn cookie(config: &Config, session: &SessionToken) -> Cookie<'static> {
    let mut cookie = Cookie::new(name(config), session.reveal().to_owned());
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(config.is_https());
    cookie.set_max_age(time::Duration::days(BROWSER_LIFE_DAYS));
    cookie
}
