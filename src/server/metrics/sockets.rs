//! What sockets count: answers that are refusals or resets, and how they end.

use super::registry::{Way, started};
use crate::protocol::{ByeReason, ServerFrame};

/// Counts a frame that is sent to one socket, if it is a refusal or a reset.
pub fn count_answer(frame: &ServerFrame) {
    match (started(), frame) {
        (Some(metrics), ServerFrame::Error { code, .. }) => metrics.refusals.count(&(Way::Socket, *code)),
        (Some(metrics), ServerFrame::Reset { reason, .. }) => metrics.resets.count(reason),
        _ => {}
    }
}

/// Counts a socket that has ended. Without a reason, its client has ended it.
pub fn count_socket_end(reason: Option<ByeReason>) {
    if let Some(metrics) = started() {
        metrics.closed.count(&reason);
    }
}

/// Counts bytes of a backlog that are dropped.
pub fn count_cut(bytes: usize) {
    if let Some(metrics) = started() {
        metrics.backlog_cut.increment(bytes as u64);
    }
}
