//! Real nodes, real databases and real clients for the integration tests.
//!
//! A [`Node`] is the server's own binary as a process of its own, so that it can be killed. A [`Guest`] speaks REST with a
//! cookie jar; a [`Follower`] is a socket with the same [`Replica`] that the browser runs.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of this")]

pub mod client;
pub mod node;
pub mod services;

pub use client::{Follower, Guest};
pub use node::{Node, Settings};
pub use services::{Mongo, Redis};

use std::time::Duration;

/// How long a test waits for something that must happen before it says that it did not.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for something that must happen.
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(DEADLINE, work).await;
    done.unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"))
}

/// Waits for a condition of another process, which can only be asked for.
pub async fn poll_until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    within(what, async {
        loop {
            pause.tick().await;
            if ask().await {
                return;
            }
        }
    })
    .await;
}
