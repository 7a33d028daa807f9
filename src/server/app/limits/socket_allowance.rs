//! The allowance of one socket: how many bytes of answers it may ask for, and how often all rooms of an account.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{
    super::allowance::Allowance,
    Limits,
    quotas::{ANSWERS_OF_SOCKET, WATCH},
    wait,
};
use crate::protocol::Problem;

/// Counts what one socket was answered, and limits what it may still ask for.
#[derive(Debug)]
pub struct SocketAllowance {
    enabled: bool,
    answers: Allowance,
    /// The bytes of answers that were counted so far.
    counted: u64,
    /// When the socket last asked for all rooms of an account.
    watched_at: Option<Instant>,
}

impl SocketAllowance {
    /// The allowance of a new socket.
    pub(super) fn full(enabled: bool) -> Self {
        Self { enabled, answers: Allowance::full(Instant::now()), counted: 0, watched_at: None }
    }

    /// Counts the answers on the socket for it and for its client. `answered` is the total of bytes since the socket
    /// was opened.
    pub fn count(&mut self, answered: u64, client: IpAddr, limits: &Limits) {
        let more = answered.saturating_sub(self.counted);
        self.counted = answered;
        self.answers.spend(more, ANSWERS_OF_SOCKET, Instant::now());
        limits.answered(client, more);
    }

    /// How long to wait before the next request that has a large answer.
    pub fn wait(&self, client: IpAddr, limits: &Limits) -> Duration {
        if !self.enabled {
            return Duration::ZERO;
        }
        let now = Instant::now();
        self.answers.wait(ANSWERS_OF_SOCKET, now).max(limits.answers.wait(client, now))
    }

    /// Checks whether the socket may ask for all rooms of an account.
    pub fn watch(&mut self) -> Result<(), Problem> {
        let now = Instant::now();
        if self.enabled
            && let Some(next) = self.watched_at.map(|at| at + WATCH)
            && next > now
        {
            return Err(wait(next - now));
        }
        self.watched_at = Some(now);
        Ok(())
    }
}
