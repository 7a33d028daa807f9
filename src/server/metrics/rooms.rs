//! What rooms and lists of rooms count, and the times that they measure.

use std::time::Instant;

use super::registry::{OTHER, float, started};
use crate::protocol::Event;

/// A time measurement. It reads no clock if nothing is recorded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stopwatch(Option<Instant>);

impl Stopwatch {
    /// Starts at the present time.
    pub fn start() -> Self {
        Self(started().map(|_| Instant::now()))
    }

    /// Starts when `other` did, unless it runs for longer.
    pub fn start_with(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
    }
}

/// The number of entries in one of several queues, whose sum is one metric. Dropping it subtracts them.
#[derive(Debug, Default)]
pub struct CommandsWaiting(usize);

impl CommandsWaiting {
    /// Sets the number for this queue.
    pub fn set(&mut self, waiting: usize) {
        if waiting != self.0
            && let Some(metrics) = started()
        {
            let (more, less) = (waiting.saturating_sub(self.0), self.0.saturating_sub(waiting));
            metrics.room_commands.increment(float(more));
            metrics.room_commands.decrement(float(less));
            self.0 = waiting;
        }
    }
}

impl Drop for CommandsWaiting {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// Counts an event that this node has appended, and the time since its command was accepted.
pub fn count_append(event: &Event, accepted: Stopwatch) {
    let Some(metrics) = started() else { return };
    metrics.events.count(&event.kind.known_name().unwrap_or(OTHER));
    if let Some(accepted) = accepted.0 {
        metrics.append.record(accepted.elapsed());
    }
}

/// Records the time until the sockets of a room were handed new events.
pub fn record_delivery(since: Stopwatch) {
    if let (Some(metrics), Some(since)) = (started(), since.0) {
        metrics.delivery.record(since.elapsed());
    }
}

pub fn count_snapshot() {
    if let Some(metrics) = started() {
        metrics.snapshots.increment(1);
    }
}

/// Counts a subscription that was resumed.
pub fn count_resume() {
    if let Some(metrics) = started() {
        metrics.resumes.increment(1);
    }
}

/// Sets the number of accounts whose list of rooms waits for the store.
pub fn set_lists_waiting(accounts: usize) {
    if let Some(metrics) = started() {
        metrics.lists.set(float(accounts));
    }
}
