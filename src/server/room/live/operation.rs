//! The operations on a room's log, each as a future with a deadline: open it, read what was missed, append a batch.
//!
//! Not here: which operation is next (`log_state`), and what follows from a result (`appending`).

use std::pin::Pin;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::time::timeout;

use super::{
    super::{
        command::{Command, Reply},
        entry::Entry,
        log::{Caught, Cursor, Log, LogError, Opened, Outcome},
    },
    pace::LOG_DEADLINE,
};
use crate::{protocol::Event, server::store::Joining};

/// A batch in flight.
pub struct Batch {
    pub entries: Vec<Entry>,
    /// The commands that each entry comes from: one, or many if they are reactions.
    pub commands: Vec<Vec<(Command, Reply)>>,
    /// The earlier events of the window that the batch changes.
    pub changed: Vec<Event>,
}

/// The result of an operation.
pub enum Finished {
    /// Of [`append`].
    Appended(Batch, Result<Outcome, LogError>),
    /// Of [`catch_up`].
    CaughtUp(Result<Caught, LogError>),
    /// Of [`open`].
    Opened(Result<Box<Opened>, LogError>),
}

/// An operation on the log that is under way.
pub type Operation = Pin<Box<dyn Future<Output = Finished> + Send>>;

/// Opens the log anew. `known` is the place up to which this node had it.
pub fn open(log: Log, known: Cursor) -> Operation {
    Box::pin(async move { Finished::Opened(in_time(log.open(Some(known))).await.map(Box::new)) })
}

/// Reads the events after `cursor`.
pub fn catch_up(log: Log, cursor: Cursor, after_failure: bool) -> Operation {
    Box::pin(async move { Finished::CaughtUp(in_time(log.catch_up(cursor, after_failure)).await) })
}

/// Appends a batch that was judged at `cursor`; see [`Log::append`].
pub fn append(log: Log, cursor: Cursor, batch: Batch, packet: Bytes, moved: bool) -> Operation {
    Box::pin(async move {
        let events: Vec<Event> = batch.entries.iter().map(|entry| entry.event.clone()).collect();
        let entering = batch.commands.iter().flatten().filter_map(|(command, _)| match command {
            Command::Enter { joining } => Some(Joining::clone(joining)),
            _ => None,
        });
        let entering: Vec<Joining> = entering.collect();
        let appended = in_time(log.append(cursor, &events, &entering, &batch.changed, packet, moved)).await;
        Finished::Appended(batch, appended)
    })
}

/// The result of work on the log, or an error if it takes longer than [`LOG_DEADLINE`]. No `async fn`, which would have
/// space for the work twice.
pub fn in_time<T>(work: impl Future<Output = Result<T, LogError>>) -> impl Future<Output = Result<T, LogError>> {
    let slow = || LogError::Store(anyhow::anyhow!("no answer within {LOG_DEADLINE:?}"));
    timeout(LOG_DEADLINE, work).map(move |result| result.unwrap_or_else(|_| Err(slow())))
}
