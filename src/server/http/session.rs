//! The cookies that say who somebody is. Not readable by scripts, not sent from other sites, and with https bound to the
//! host.

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use time::Duration;

use crate::server::{
    config::Config,
    domain::{
        guests::SessionToken,
        login::Ticket,
        sessions::{self, Tokens},
    },
    keys::ACCESS_LIFE,
};

/// How long a browser keeps a guest's cookie; how long it is worth something, the server decides.
const GUEST_LIFE: Duration = Duration::days(30);
/// How long a browser keeps what belongs to a code; the code itself is good for less.
const TICKET_LIFE: Duration = Duration::minutes(10);

/// As long as browsers keep a cookie at most.
const PASS_LIFE: Duration = Duration::days(400);

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The session of a guest.
    Guest,
    /// The access token of an account's session.
    Access,
    /// The refresh token of an account's session.
    Refresh,
    /// What makes a code good in this browser only.
    Ticket,
    /// The name that is proposed to somebody who has none yet.
    Proposal,
    /// What this browser is known by to an address that it was logged in by.
    Pass,
}

impl Name {
    /// With https the prefix makes browsers refuse it from anywhere but this host.
    fn of(self, config: &Config) -> &'static str {
        match (self, config.is_https()) {
            (Self::Guest, false) => "anonchat",
            (Self::Guest, true) => "__Host-anonchat",
            (Self::Access, false) => "anonchat-access",
            (Self::Access, true) => "__Host-anonchat-access",
            (Self::Refresh, false) => "anonchat-refresh",
            (Self::Refresh, true) => "__Host-anonchat-refresh",
            (Self::Ticket, false) => "anonchat-code",
            (Self::Ticket, true) => "__Host-anonchat-code",
            (Self::Proposal, false) => "anonchat-proposal",
            (Self::Proposal, true) => "__Host-anonchat-proposal",
            (Self::Pass, false) => "anonchat-known",
            (Self::Pass, true) => "__Host-anonchat-known",
        }
    }
}

/// What a request carries.
pub fn read<'a>(config: &Config, jar: &'a CookieJar, name: Name) -> Option<&'a str> {
    jar.get(name.of(config)).map(Cookie::value)
}

/// The cookie for a new guest.
pub fn of_guest(config: &Config, session: &SessionToken) -> Cookie<'static> {
    cookie(config, Name::Guest, session.reveal().to_owned(), GUEST_LIFE)
}

/// The cookies for new tokens of an account's session.
pub fn of_account(config: &Config, tokens: Tokens) -> Vec<Cookie<'static>> {
    let seconds = |life: std::time::Duration| Duration::seconds(life.as_secs().cast_signed());
    let access = cookie(config, Name::Access, tokens.access, seconds(ACCESS_LIFE));
    let refresh = tokens.refresh.map(|token| cookie(config, Name::Refresh, token, seconds(sessions::LIFE)));
    [Some(access), refresh].into_iter().flatten().collect()
}

/// The cookie for a code that was asked for.
pub fn of_ticket(config: &Config, ticket: &Ticket) -> Cookie<'static> {
    cookie(config, Name::Ticket, ticket.reveal().to_owned(), TICKET_LIFE)
}

/// The cookie for a proposed name. The browser forgets it when it is closed.
pub fn of_proposal(config: &Config, pick: u32) -> Cookie<'static> {
    let mut cookie = cookie(config, Name::Proposal, pick.to_string(), Duration::ZERO);
    cookie.unset_expires();
    cookie.set_max_age(None);
    cookie
}

/// The cookie for a pass.
pub fn of_pass(config: &Config, pass: String) -> Cookie<'static> {
    cookie(config, Name::Pass, pass, PASS_LIFE)
}

/// Makes the browser forget a cookie.
pub fn none(config: &Config, name: Name) -> Cookie<'static> {
    cookie(config, name, String::new(), Duration::ZERO)
}

fn cookie(config: &Config, name: Name, value: String, life: Duration) -> Cookie<'static> {
    let mut cookie = Cookie::new(name.of(config), value);
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(config.is_https());
    cookie.set_max_age(life);
    cookie
}
