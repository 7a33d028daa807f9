//! Every cookie: its name, its attributes, and how its value is made, deleted and read.
//!
//! Requests from other sites do not carry a cookie (`SameSite=Lax`, except when a link is followed). Scripts cannot
//! read one (`HttpOnly`), except the time zone, which a script sets. With https each of the others is bound to this
//! host (`__Host-`).
//!
//! Not here: which answer sets which cookie (`request_session`), and what the values mean.

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use time::Duration;

use crate::{
    protocol::Language,
    server::{
        config::Config,
        domain::sessions::{self, Tokens},
        keys::ACCESS_LIFE,
        token::{GuestToken, Pass, Ticket},
    },
};

/// How long a browser keeps a guest's cookie. The server may forget the guest earlier.
const GUEST_LIFE: Duration = Duration::days(30);
/// How long a browser keeps the ticket of a log-in code. The code itself expires earlier.
const TICKET_LIFE: Duration = Duration::minutes(10);
/// The longest time for which browsers keep a cookie.
const PASS_LIFE: Duration = Duration::days(400);
/// How long a browser keeps the chosen language.
const LANGUAGE_LIFE: Duration = Duration::days(365);

/// The purpose of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The secret of a guest session.
    Guest,
    /// The access token of an account's session.
    Access,
    /// The refresh token of an account's session.
    Refresh,
    /// The ticket without which a mailed code to log in is not accepted.
    Ticket,
    /// The number of the generated nickname that is offered to a visitor without a name.
    Proposal,
    /// Proof that this browser was logged in to the account of a proved address
    /// ([`Keys::pass`](crate::server::keys::Keys::pass)).
    Pass,
    /// The language that was chosen in this browser.
    Language,
    /// The browser's time zone. A script of the page sets it. It is not secret, and only affects how times are written.
    Zone,
}

impl Name {
    /// The cookie's name. With https it has the prefix `__Host-`, which makes browsers refuse such a cookie from any
    /// other host.
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
            (Self::Language, false) => "anonchat-language",
            (Self::Language, true) => "__Host-anonchat-language",
            (Self::Zone, _) => "anonchat-zone",
        }
    }
}

/// The value of a cookie in a request.
pub fn read<'a>(config: &Config, jar: &'a CookieJar, name: Name) -> Option<&'a str> {
    jar.get(name.of(config)).map(Cookie::value)
}

/// The ticket that this browser got when it requested a log-in code.
pub fn read_ticket(config: &Config, jar: &CookieJar) -> Option<Ticket> {
    read(config, jar, Name::Ticket).and_then(Ticket::parse)
}

/// The cookie for a new guest session.
pub fn of_guest(config: &Config, session: &GuestToken) -> Cookie<'static> {
    cookie(config, Name::Guest, session.reveal(), GUEST_LIFE)
}

/// The cookies for an account's tokens.
pub fn of_account(config: &Config, tokens: Tokens) -> Vec<Cookie<'static>> {
    let seconds = |life: std::time::Duration| Duration::seconds(life.as_secs().cast_signed());
    let access = cookie(config, Name::Access, tokens.access, seconds(ACCESS_LIFE));
    let refresh = tokens.refresh.map(|token| cookie(config, Name::Refresh, token.reveal(), seconds(sessions::LIFE)));
    [Some(access), refresh].into_iter().flatten().collect()
}

/// The cookie for the ticket of a requested code.
pub fn of_ticket(config: &Config, ticket: &Ticket) -> Cookie<'static> {
    cookie(config, Name::Ticket, ticket.reveal(), TICKET_LIFE)
}

/// The cookie for an offered nickname. The browser deletes it when it closes.
pub fn of_proposal(config: &Config, pick: u32) -> Cookie<'static> {
    let mut cookie = cookie(config, Name::Proposal, pick.to_string(), Duration::ZERO);
    cookie.unset_expires();
    cookie.set_max_age(None);
    cookie
}

/// The cookie for a pass.
pub fn of_pass(config: &Config, pass: &Pass) -> Cookie<'static> {
    cookie(config, Name::Pass, pass.reveal(), PASS_LIFE)
}

/// The cookie for a chosen language.
pub fn of_language(config: &Config, language: Language) -> Cookie<'static> {
    cookie(config, Name::Language, language.as_str().to_owned(), LANGUAGE_LIFE)
}

/// A cookie that makes the browser delete this one.
pub fn none(config: &Config, name: Name) -> Cookie<'static> {
    cookie(config, name, String::new(), Duration::ZERO)
}

fn cookie(config: &Config, name: Name, value: String, life: Duration) -> Cookie<'static> {
    let mut cookie = Cookie::new(name.of(config), value);
    cookie.set_path("/");
    cookie.set_http_only(name != Name::Zone);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(config.is_https());
    cookie.set_max_age(life);
    cookie
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn config(public_url: &str) -> Config {
        Config::try_parse_from(["anonchat", "--public-url", public_url]).unwrap()
    }

    #[test]
    fn a_cookie_is_bound_to_the_host_where_there_is_https() {
        let (plain, https) = (config("http://chat.example"), config("https://chat.example"));
        let chosen = of_language(&plain, Language::German).to_string();
        assert_eq!(chosen, "anonchat-language=de; HttpOnly; SameSite=Lax; Path=/; Max-Age=31536000");
        let chosen = of_language(&https, Language::German).to_string();
        assert_eq!(chosen, "__Host-anonchat-language=de; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=31536000");
    }

    #[test]
    fn a_script_can_replace_the_zone_after_it_was_deleted() {
        let gone = none(&config("https://chat.example"), Name::Zone).to_string();
        assert_eq!(gone, "anonchat-zone=; SameSite=Lax; Secure; Path=/; Max-Age=0");
    }

    #[test]
    fn what_is_set_can_be_read_and_deleted() {
        let config = config("https://chat.example");
        let pass = Pass::random();
        let jar = CookieJar::new().add(of_pass(&config, &pass)).add(none(&config, Name::Language));
        assert_eq!(read(&config, &jar, Name::Pass), Some(pass.reveal().as_str()));
        assert_eq!(read(&config, &jar, Name::Language), Some(""));
        assert_eq!(read(&config, &jar, Name::Guest), None);
    }
}
