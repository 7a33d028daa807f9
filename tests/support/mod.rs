//! Real nodes, real databases and real clients for the integration tests.
//!
//! A [`Node`] is the server's own binary as a process of its own, so that it can be killed. A [`Guest`] speaks REST with a
//! cookie jar; a [`Follower`] is a socket with the same [`Replica`] that the browser runs.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of this")]

pub mod account;
pub mod client;
pub mod mailbox;
pub mod node;
pub mod plain;
pub mod services;
pub mod stacks;
pub mod watcher;

pub use client::{Follower, Guest};
pub use mailbox::Mailbox;
pub use node::{Node, Settings};
pub use services::{MailServer, Mongo, Redis};
pub use stacks::{cluster, on_both_stacks};
pub use watcher::Watcher;

use std::time::Duration;

use anonchat::protocol::{Code, Event, EventKind, Retention};

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

/// What happened in a room, a line an event, to be compared with what should have.
pub fn story<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<String> {
    let line = |event: &Event| match &event.kind {
        EventKind::Joined { member } => format!("{} joined", member.name),
        EventKind::Left { member } => format!("{} left", member.name),
        EventKind::Removed { member, by } => format!("{} removed {}", by.name, member.name),
        EventKind::Message(message) => format!("{}: {}", message.author.name, message.body),
        EventKind::Renamed { name: Some(name), by } => format!("{} named it {name}", by.name),
        EventKind::Renamed { name: None, by } => format!("{} took its name away", by.name),
        EventKind::RetentionChanged { retention: Retention::Preserved, by, .. } => {
            format!("{} turned preserve on", by.name)
        }
        EventKind::RetentionChanged { retention: Retention::Ephemeral, by, .. } => {
            format!("{} turned preserve off", by.name)
        }
        EventKind::Owner { member, by: Some(by), .. } => format!("{} gave the room to {}", by.name, member.name),
        EventKind::Owner { member, by: None, .. } => format!("{} owns it now", member.name),
        EventKind::Unknown => "something".to_owned(),
    };
    events.into_iter().map(line).collect()
}

/// Waits until this line of the [`story`] is in the follower's timeline.
pub async fn until_told(follower: &mut Follower, line: &str) {
    follower.until(line, |replica| story(&replica.events).iter().any(|told| told == line)).await;
}

/// How often a [`story`] has this line.
pub fn count(story: &[String], line: &str) -> usize {
    story.iter().filter(|told| *told == line).count()
}

/// The status and the code of a refusal.
pub fn refusal<T: std::fmt::Debug>(refused: Result<T, client::Refused>) -> (u16, Code) {
    let refused = refused.expect_err("this has to be refused");
    (refused.status.as_u16(), refused.problem.code)
}
