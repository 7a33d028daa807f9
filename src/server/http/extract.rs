//! Extractors: bodies and parts of addresses, whose faults become problems; and where somebody asks from.

use std::net::IpAddr;

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::problem::Refusal;
use crate::server::app::App;

/// The client's address: the peer's, or with `hops` trusted proxies in front, what the outermost of them wrote down. What
/// stands further left in the header, anybody could have written.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, hops: usize) -> IpAddr {
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

/// A JSON body that may be left out.
pub struct MaybeJson<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<App> for MaybeJson<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let says_nothing = !request.headers().contains_key(header::CONTENT_TYPE);
        if says_nothing && request.headers().get(header::CONTENT_LENGTH).is_none_or(|length| length == "0") {
            return Ok(Self(T::default()));
        }
        let Json(body) = Json::from_request(request, app).await?;
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
