//! Origin checks: whether a request comes from a page of this site.
//!
//! Browsers attach cookies to every WebSocket that any page opens, so the `Origin` header must be checked (OWASP:
//! cross-site WebSocket hijacking). Scheme, host and port all count. An attacker who controls the network can serve a
//! page of `http://` with this host's name, to a visitor whose cookies are for `https://`.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderName, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::problem::{Refusal, foreign_origin};
use crate::server::{app::App, config::Config};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Extractor that refuses requests from pages of other sites. Requests without an origin (programs) are accepted.
pub struct SameOrigin;

impl FromRequestParts<App> for SameOrigin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        if is_same_site(&parts.headers) && is_same_origin(&parts.headers, app.config.public_url.as_deref()) {
            return Ok(Self);
        }
        Err(foreign_origin())
    }
}

/// Refuses requests that change something and come from an `http://` page of this host, where the site is served by
/// https. Other foreign pages are refused by tower-http's `CsrfLayer`, which does not compare schemes.
pub async fn refuse_downgrades(State(app): State<App>, request: Request, next: Next) -> Response {
    if !request.method().is_safe() && is_downgrade(request.headers(), app.config.public_url.as_deref()) {
        return foreign_origin().into_response();
    }
    next.run(request).await
}

/// Whether the browser reports (`Sec-Fetch-Site`) that the page is of this site, or reports nothing. Not all browsers
/// send the header when a page opens a WebSocket, and programs send none.
fn is_same_site(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_SITE).is_none_or(|site| site == "same-origin" || site == "none")
}

/// Whether the page that opens a socket has the origin of the public URL, or without one, of the requested host.
fn is_same_origin(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some(origin) = origin.to_str().ok().and_then(parts_of) else { return false };
    if let Some(public) = public_url {
        return parts_of(public.trim_end_matches('/')) == Some(origin);
    }
    // Without a public URL the server does not know whether a proxy in front uses https, unless the proxy sends it.
    let (scheme, ..) = origin;
    let comes_by = text(headers, &X_FORWARDED_PROTO).unwrap_or(scheme);
    let host = text(headers, &header::HOST).and_then(|host| host_of(scheme, host));
    scheme.eq_ignore_ascii_case(comes_by) && host == Some(origin)
}

/// The origin of this site as the asking browser knows it, for links in answers to it alone. Without a public URL it is
/// the host that was requested. Mails go to others, so their links never contain it.
pub fn requested_origin(headers: &HeaderMap, config: &Config) -> String {
    let host = text(headers, &header::HOST).and_then(|host| host_of("http", host).map(|_| host));
    match host {
        Some(host) if config.public_url.is_none() => {
            let is_https = text(headers, &X_FORWARDED_PROTO).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
            format!("{}://{host}", if is_https { "https" } else { "http" })
        }
        _ => config.base_url(),
    }
}

/// Whether the request comes from an `http://` page although the site is served by https.
fn is_downgrade(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let is_http = text(headers, &header::ORIGIN).and_then(parts_of).is_some_and(|(scheme, ..)| scheme == "http");
    let comes_by = match public_url {
        Some(url) => parts_of(url.trim_end_matches('/')).map(|(scheme, ..)| scheme),
        None => text(headers, &X_FORWARDED_PROTO),
    };
    is_http && comes_by.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Scheme, host and port of an origin. Upper and lower case are equal.
fn parts_of(origin: &str) -> Option<(&'static str, String, u16)> {
    let (scheme, authority) = origin.split_once("://")?;
    let scheme = ["http", "https"].into_iter().find(|known| known.eq_ignore_ascii_case(scheme))?;
    host_of(scheme, authority)
}

fn host_of(scheme: &'static str, authority: &str) -> Option<(&'static str, String, u16)> {
    let default = if scheme == "https" { 443 } else { 80 };
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address are inside brackets.
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (authority, default),
    };
    let is_host = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '\\']);
    is_host.then(|| (scheme, host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn headers(pairs: &[(&HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).clone(), value.parse().unwrap())).collect()
    }

    fn opens(host: &str, origin: &str, public_url: Option<&str>) -> bool {
        is_same_origin(&headers(&[(&header::HOST, host), (&header::ORIGIN, origin)]), public_url)
    }

    #[test]
    fn without_a_public_address_pages_of_the_host_that_was_asked_open_sockets() {
        for origin in ["http://chat.example:8080", "https://chat.example:8080", "http://CHAT.example:8080"] {
            assert!(opens("chat.example:8080", origin, None), "{origin}");
        }
        assert!(opens("chat.example", "https://chat.example", None));
        assert!(opens("chat.example:443", "https://chat.example", None));
        assert!(opens("[::1]:3000", "http://[::1]:3000", None));
        for foreign in [
            "null",
            "http://evil.example",
            "http://chat.example",
            "http://chat.example:8080.evil.example",
            "ftp://chat.example:8080",
            "chat.example:8080",
            "http://chat.example:8080/",
            "http://a@chat.example:8080",
            "",
        ] {
            assert!(!opens("chat.example:8080", foreign, None), "{foreign}");
        }
        assert!(is_same_origin(&HeaderMap::new(), None), "programs send no origin, and no browser’s cookies");
    }

    #[test]
    fn with_a_public_address_only_its_pages_open_sockets() {
        let public = Some("https://chat.example/");
        for own in ["https://chat.example", "https://chat.example:443", "https://Chat.Example"] {
            assert!(opens("127.0.0.1:3000", own, public), "{own}");
        }
        for foreign in [
            "http://chat.example",
            "https://chat.example:8443",
            "https://evil.chat.example",
            "http://127.0.0.1:3000",
            "https://127.0.0.1:3000",
            "null",
        ] {
            assert!(!opens("127.0.0.1:3000", foreign, public), "{foreign}");
            assert!(!opens("chat.example", foreign, public), "{foreign}");
        }
    }

    #[test]
    fn where_a_proxy_says_how_people_come_the_scheme_counts_too() {
        let opens = |origin: &str| {
            let host = (&header::HOST, "chat.example");
            is_same_origin(&headers(&[host, (&header::ORIGIN, origin), (&X_FORWARDED_PROTO, "https")]), None)
        };
        assert!(opens("https://chat.example"));
        assert!(!opens("http://chat.example"));
    }

    #[test]
    fn what_a_browser_says_of_the_page_counts() {
        assert!(is_same_site(&HeaderMap::new()));
        for (site, is_own) in [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false)] {
            assert_eq!(is_same_site(&headers(&[(&SEC_FETCH_SITE, site)])), is_own, "{site}");
        }
    }

    #[test]
    fn a_page_without_https_is_foreign_where_people_come_by_https() {
        for (origin, public_url, expected) in [
            ("http://chat.example", Some("https://chat.example"), true),
            ("https://chat.example", Some("https://chat.example"), false),
            ("http://chat.example", Some("http://chat.example"), false),
            ("http://127.0.0.1:3000", None, false),
        ] {
            let headers = headers(&[(&header::HOST, "chat.example"), (&header::ORIGIN, origin)]);
            assert_eq!(is_downgrade(&headers, public_url), expected, "{origin} {public_url:?}");
        }
    }

    #[test]
    fn an_answer_links_to_the_public_address_or_else_to_the_host_that_was_asked() {
        let config = |args: &[&str]| Config::try_parse_from([&["anonchat"], args].concat()).unwrap();
        let (local, public) = (config(&[]), config(&["--public-url", "https://chat.example/"]));
        let asked = headers(&[(&header::HOST, "192.168.1.5:3000")]);
        assert_eq!(requested_origin(&asked, &local), "http://192.168.1.5:3000");
        assert_eq!(requested_origin(&asked, &public), "https://chat.example");
        let proxied = headers(&[(&header::HOST, "chat.example"), (&X_FORWARDED_PROTO, "https")]);
        assert_eq!(requested_origin(&proxied, &local), "https://chat.example");
        let nonsense = headers(&[(&header::HOST, "a/b")]);
        assert_eq!(requested_origin(&nonsense, &local), "http://127.0.0.1:3000");
    }
}
