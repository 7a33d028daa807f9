//! The `OpenAPI` description, served at `/api/openapi.json`. The operations are described at their handlers
//! (`#[utoipa::path]`), whose doc comments become summaries and descriptions. What holds for every operation is added
//! here.

use utoipa::{
    OpenApi, PartialSchema as _, ToSchema as _,
    openapi::{
        self, ContentBuilder, RefOr, Response, ResponseBuilder, Schema,
        path::Operation,
        security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme},
    },
};

use super::problem::ProblemJson;

/// The description without its paths, which the router adds.
#[derive(OpenApi)]
#[openapi(
    info(title = "AnonChat", description = "Chat by code. A guest’s session is a cookie that the first create or join sets. An account’s session has cookies that registering or logging in sets, and any response may renew them. Live events are sent over the socket at /ws."),
    tags(
        (name = "rooms", description = "Making, joining and leaving rooms, and what a room’s owner may do."),
        (name = "accounts", description = "Registering, logging in and out, and the account’s own settings and sessions."),
        (name = "messages", description = "Sending messages and reading history."),
    )
)]
pub struct Description;

/// The session that an operation needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Session {
    /// None is needed. A given session is used, and some operations begin one.
    Optional,
    /// A guest's or an account's session.
    Any,
    /// An account's session.
    Account,
    /// The refresh token of an account's session.
    Refresh,
}

/// Names of the security schemes.
const GUEST: &str = "guest";
const ACCOUNT: &str = "account";
const REFRESH: &str = "refresh";

impl Session {
    /// The session that an operation needs. `tests/it/openapi.rs` compares this with each operation's answer to a
    /// visitor without one.
    fn of(method: &str, path: &str) -> Self {
        match (method, path) {
            ("post", "/api/auth/refresh") => Self::Refresh,
            (_, "/api/auth/sessions" | "/api/auth/sessions/{id}") => Self::Account,
            ("post", "/api/rooms/peek") => Self::Optional,
            ("delete", "/api/users/me") => Self::Any,
            (_, path) if path.starts_with("/api/users/") => Self::Account,
            (_, "/api/rooms/create" | "/api/rooms/join" | "/api/rooms/my-rooms") => Self::Optional,
            (_, path) if path.starts_with("/api/auth/") => Self::Optional,
            _ => Self::Any,
        }
    }

    /// The security requirements, of which any one is enough.
    fn alternatives(self) -> Vec<SecurityRequirement> {
        let with = |scheme: &str| SecurityRequirement::new(scheme, [""; 0]);
        match self {
            Self::Optional => vec![SecurityRequirement::default(), with(GUEST), with(ACCOUNT)],
            Self::Any => vec![with(GUEST), with(ACCOUNT)],
            Self::Account => vec![with(ACCOUNT)],
            Self::Refresh => vec![with(REFRESH)],
        }
    }
}

/// Enums that later versions extend. Their last variant stands for every name that a reader does not know, and is never
/// sent.
const OPEN: [&str; 5] = ["Code", "EventKind", "OwnerChange", "Reason", "Subject"];

/// Adds what all operations share: the responses for refusals and failures, and the session that each needs.
pub fn complete(description: &mut openapi::OpenApi) {
    let components = description.components.get_or_insert_default();
    for (scheme, cookie, holder) in [
        (GUEST, "anonchat", "A guest’s session."),
        (ACCOUNT, "anonchat-access", "The access token of an account’s session, good for 15 minutes."),
        (
            REFRESH,
            "anonchat-refresh",
            "The refresh token of an account’s session. Any operation renews the access token by it.",
        ),
    ] {
        let about = format!("{holder} With an https address the cookie is called `__Host-{cookie}`.");
        let cookie = ApiKeyValue::with_description(cookie, &about);
        components.add_security_scheme(scheme, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
    let mut schemas = vec![(ProblemJson::name().into_owned(), ProblemJson::schema())];
    ProblemJson::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for name in OPEN {
        match components.schemas.get_mut(name) {
            Some(RefOr::T(Schema::OneOf(of_kinds))) => _ = of_kinds.items.pop(),
            Some(RefOr::T(Schema::Object(words))) => _ = words.enum_values.as_mut().and_then(Vec::pop),
            _ => {}
        }
    }
    for (path, item) in &mut description.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                complete_operation(operation, Session::of(method, path));
            }
        }
    }
}

fn complete_operation(operation: &mut Operation, session: Session) {
    let responses = &mut operation.responses.responses;
    responses.insert(
        "4XX".to_owned(),
        RefOr::T(problem(
            "The request was refused. `code` states the reason, and `retry_after_ms` states when to try again.",
        )),
    );
    responses.insert(
        "5XX".to_owned(),
        RefOr::T(problem("The request failed because of a fault of the server. Trying again may help.")),
    );
    operation.security = Some(session.alternatives());
}

/// A response with a problem as its body.
fn problem(description: &str) -> Response {
    let schema = RefOr::Ref(openapi::Ref::from_schema_name(ProblemJson::name()));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}
