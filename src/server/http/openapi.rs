//! `/api/openapi.json`: the REST API, described by its handlers.

use utoipa::OpenApi;

/// The description, without its paths, which the router adds.
#[derive(OpenApi)]
#[openapi(
    info(title = "AnonChat", description = "Chat by code. The session is a cookie that the first create or join sets. Live events come by the socket at /ws."),
    tags(
        (name = "rooms", description = "Make, join, leave; and what a room's owner may do"),
        (name = "messages", description = "Say something, and read what was said"),
    )
)]
pub struct Description;
