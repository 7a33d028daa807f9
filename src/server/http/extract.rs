//! Extractors: who asks, and bodies whose faults become problems.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequest, FromRequestParts, Request},
    http::{HeaderMap, request::Parts},
};
use axum_extra::extract::CookieJar;
use serde::de::DeserializeOwned;

use super::{problem::Refusal, session};
use crate::server::{
    app::{App, Visitor},
    domain::guests,
};

impl FromRequestParts<App> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let jar = CookieJar::from_headers(&parts.headers);
        let actor = match session::token(&app.config, &jar) {
            Some(token) => guests::identify(app, token).await?,
            None => None,
        };
        let peer =
            parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::from([127, 0, 0, 1]), |info| info.0.ip());
        Ok(Self { actor, client: client(peer, &parts.headers, app.config.proxy_hops) })
    }
}

/// The client's address: the peer's, or with `hops` trusted proxies in front, what the outermost of them wrote down. What
/// stands further left in the header, anybody could have written.
fn client(peer: IpAddr, headers: &HeaderMap, hops: usize) -> IpAddr {
    let lists = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let addresses: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    let Some(index) = addresses.len().checked_sub(hops).filter(|_| hops > 0) else { return peer };
    addresses.get(index).and_then(|address| address.parse().ok()).unwrap_or(peer)
}

/// A JSON body.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let axum::Json(body) = axum::Json::from_request(request, app).await?;
        Ok(Self(body))
    }
}

/// A query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let axum::extract::Query(query) = axum::extract::Query::from_request_parts(parts, app).await?;
        Ok(Self(query))
    }
}

/// A part of the address.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let axum::extract::Path(part) = axum::extract::Path::from_request_parts(parts, app).await?;
        Ok(Self(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_trusted_end_of_the_forwarded_list_counts() {
        let peer = IpAddr::from([10, 0, 0, 1]);
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.9".parse().unwrap());
        assert_eq!(client(peer, &headers, 0), peer);
        assert_eq!(client(peer, &headers, 1), IpAddr::from([10, 0, 0, 9]));
        assert_eq!(client(peer, &headers, 2), IpAddr::from([1, 2, 3, 4]));
        assert_eq!(client(peer, &headers, 9), peer, "fewer entries than proxies: somebody is lying");
    }
}
