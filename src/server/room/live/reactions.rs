//! Reactions that wait for the pause after the last ones, so that all of them become one event.
//!
//! A room of thousands who react costs each reader a few events a second, and each event is read, sent and shown once.

use std::collections::VecDeque;

use tokio::time::{Instant, sleep_until};

use super::{
    super::command::{Change, Command, Reply, Touch},
    pace::REACTION_PAUSE,
};
use crate::protocol::{
    Emoji, Target,
    limits::{REACTION_CHANGES, REACTION_MEMBERS},
};

/// The reactions that wait.
#[derive(Default)]
pub struct Reactions {
    waiting: VecDeque<(Command, Reply)>,
    /// When the next ones may be judged. `None` if none came before.
    due: Option<Instant>,
}

impl Reactions {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Adds a reaction.
    pub fn add(&mut self, command: Command, reply: Reply) {
        self.waiting.push_back((command, reply));
    }

    /// Waits until reactions are due; for ever if none wait.
    pub async fn due(&self) {
        match self.due {
            _ if self.waiting.is_empty() => std::future::pending().await,
            Some(due) => sleep_until(due).await,
            None => {}
        }
    }

    /// Removes the reactions that are due, as many as fit into one event. `at_once` does not wait for the pause.
    pub fn take(&mut self, now: Instant, at_once: bool) -> Vec<(Command, Reply)> {
        if self.waiting.is_empty() || !at_once && self.due.is_some_and(|due| now < due) {
            return Vec::new();
        }
        self.due = Some(now + REACTION_PAUSE);
        let (mut count, mut changes): (usize, Vec<(Target, &Emoji, bool)>) = (0, Vec::new());
        for (command, _) in self.waiting.iter().take(REACTION_MEMBERS) {
            if let Command::Touch(Touch { target, change: Change::React { e, on }, .. }) = command {
                let change = (*target, e, *on);
                if !changes.contains(&change) {
                    changes.push(change);
                }
            }
            if changes.len() > REACTION_CHANGES {
                break;
            }
            count += 1;
        }
        self.waiting.drain(..count).collect()
    }
}
