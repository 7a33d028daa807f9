//! The cost of operations, counted exactly: statements of SQLite, commands of MongoDB and Redis, connections,
//! subscriptions.
//!
//! The tests compare what a node really sends with the expected list. A number here may become smaller. If a change
//! makes one larger, that should be intended.
//!
//! These tests are a program of their own, because one of them sets the log subscriber of its whole process.

#![expect(clippy::unwrap_used, reason = "a test may panic; that is how it fails")]

#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "these tests use a part of it")]
mod support;

mod batches;
mod bus;
mod doors;
