//! Extractors for bodies, queries and path parameters. They do the same as axum's, but their failures are problems
//! (`application/problem+json`).

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::problem::Refusal;
use crate::server::app::App;

/// A JSON body.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let axum::Json(body) = axum::Json::from_request(request, app).await?;
        Ok(Self(body))
    }
}

/// A JSON body that may be missing.
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

/// The query string.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let axum::extract::Query(query) = axum::extract::Query::from_request_parts(parts, app).await?;
        Ok(Self(query))
    }
}

/// The path parameter.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let axum::extract::Path(part) = axum::extract::Path::from_request_parts(parts, app).await?;
        Ok(Self(part))
    }
}
