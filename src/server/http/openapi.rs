//! `/api/openapi.json`: the REST API, described by its handlers.

use utoipa::OpenApi;

/// The description, without its paths, which the router adds.
#[derive(OpenApi)]
#[openapi(
    info(title = "AnonChat", description = "Chat by code. A guest’s session is a cookie that the first create or join sets; an account’s are the cookies that registering or logging in sets, and that any answer may renew. Live events come by the socket at /ws."),
    tags(
        (name = "rooms", description = "Make, join, leave; and what a room's owner may do"),
        (name = "accounts", description = "Register, log in and out, and what is one’s own"),
        (name = "messages", description = "Say something, and read what was said"),
    )
)]
pub struct Description;
