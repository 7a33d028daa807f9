//! The answers of several use cases when the store fails, or does not find a token.

use crate::{
    protocol::{Code, Problem},
    server::store::StoreError,
};

/// The problem that clients get when the store fails. The cause is logged here, once, and never sent.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` passes")]
pub(super) fn store_failed(error: StoreError) -> Problem {
    tracing::warn!(%error, cause = ?std::error::Error::source(&error), "store failed");
    Problem {
        retry_after_ms: Some(1_000),
        ..Problem::new(Code::StoreUnavailable, "The server can’t reach its database right now. Try again in a moment.")
    }
}

/// The answer to a request with a token, if the token or its account cannot be found or used.
pub(super) fn invalid_or_failed(error: StoreError) -> Problem {
    match error {
        StoreError::NotFound | StoreError::Conflict(_) => Problem::token_invalid(),
        error @ StoreError::Other(_) => store_failed(error),
    }
}
