//! The reasons why a log cannot be used, and the error that clients get for each.

use crate::{
    protocol::{Code, Problem},
    server::{bus::BusError, store::StoreError},
};

/// The reason why a log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The room does not exist, or no longer.
    #[error("the room is gone")]
    Gone,
    #[error("store: {0:#}")]
    Store(anyhow::Error),
    #[error("bus: {0:#}")]
    Bus(anyhow::Error),
}

impl From<StoreError> for LogError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::Gone,
            StoreError::Conflict(conflict) => Self::Store(anyhow::anyhow!("unexpected conflict: {conflict:?}")),
            StoreError::Other(cause) => Self::Store(cause),
        }
    }
}

impl From<BusError> for LogError {
    fn from(BusError(cause): BusError) -> Self {
        Self::Bus(cause)
    }
}

impl LogError {
    pub fn problem(&self) -> Problem {
        let passing = |code, detail| Problem { retry_after_ms: Some(1_000), ..Problem::new(code, detail) };
        match self {
            Self::Gone => Problem::room_unavailable(),
            Self::Store(_) => passing(
                Code::StoreUnavailable,
                "The server can’t reach its database right now. Nothing was lost. We’ll try again.",
            ),
            Self::Bus(_) => {
                passing(Code::BusUnavailable, "The servers can’t reach each other right now. We’ll try again.")
            }
        }
    }
}
