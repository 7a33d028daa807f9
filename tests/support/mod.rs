//! Support for the integration tests: real nodes, real databases and real clients. Read this before you write a test.
//!
//! # What a test is made of
//!
//! - [`Node`] is the server's own binary, run as a separate process on a free port. It can be killed, stopped, paused
//!   and restarted. [`Settings`] are the environment variables that it starts with (`src/server/config.rs` lists them).
//!   [`Settings::embedded`] is SQLite in a temporary folder, without rate limits.
//! - [`Guest`] is one person: a REST client with a cookie jar. It has methods for everything common, and [`Guest::ask`]
//!   sends any other request. `account` adds registering and logging in, `plain` adds pages and forms as a browser
//!   without scripts uses them.
//! - [`Follower`] is a socket that follows one room, made by [`Guest::follow`]. It feeds each frame to the same
//!   [`Replica`](anonchat::protocol::Replica) that the browser runs. Nothing is read in the background: a frame is
//!   received only inside `hear`, `until` and similar methods.
//!   [`Guest::by_stream`] makes a person whose sockets are streams of Server-Sent Events.
//! - [`Watcher`] is a socket that sent `watch` and keeps the list of an account's rooms.
//! - [`Mailbox`] reads the mails of an embedded node, which are files. [`MailServer`] is a real SMTP server.
//! - [`Mongo`] and [`Redis`] are processes that belong to one test, so that the test may kill them.
//!
//! # A test
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_message_reaches_the_other_member() {
//!     on_both_stacks(async |one, two| {
//!         let (ada, bob) = (Guest::new(one, "Ada"), Guest::new(two, "Bob"));
//!         let code = ada.create(RoomType::Group, false).await.room.code;
//!         bob.join(code).await;
//!         let mut page = bob.follow(code).await;
//!         ada.say(code, "Hello").await;
//!         page.until_said("Hello").await;
//!         assert_eq!(story(&page.replica.events).last().unwrap(), "Ada: Hello");
//!     })
//!     .await;
//! }
//! ```
//!
//! 1. **Choose the stack.** `Node::start(&Settings::embedded())` is enough for behaviour that does not depend on the
//!    store or on a second node. [`on_both_stacks`] runs the test twice: with one embedded node as both arguments, then
//!    with two nodes that share MongoDB and Redis. On a machine without these servers the second run is skipped, except
//!    in CI, where it fails. `script/test` starts the servers.
//! 2. **Make the people** with [`Guest::new`] or `Guest::registered`, and act through REST, sockets or forms.
//! 3. **Wait for the effect, never for a time.** Use the `until…` methods of [`Follower`] and [`Watcher`]. Use
//!    [`within`] for any other future and [`poll_until`] for a condition that can only be asked for. All of them fail
//!    after [`DEADLINE`] with the text that you pass. To prove that something does *not* happen, cause a later event
//!    that arrives on the same way, wait for that, and then assert.
//! 4. **Assert.** [`story`] turns events into lines such as `Ada joined`, and [`refusal`] turns a refused request into
//!    its status and code.
//!
//! # Conventions
//!
//! - The name of a test is a sentence about behaviour. `script/test fast` leaves out tests whose names contain `mongo`
//!   or `redis`. Other tests that need the servers return early without them.
//! - Tests run at the same time and share the servers. So every test uses its own database, Redis prefix and email
//!   addresses (`cluster` and `account::new_address` do), and none relies on an empty server.
//! - Time in the server is shortened by settings such as `GUEST_GRACE_SECONDS`, or changed in its store while the node
//!   is stopped. There is no fake clock in a node.
//! - A module of `tests/it` is one area, and its first line says which. A test of one module of `src` alone belongs
//!   into that module. `tests/it` uses everything in here. What only another test program needs is in that program.
//! - One test: `cargo nextest run --features ssr --test it rooms::PART_OF_NAME`. To see what a node does, start it with
//!   `Settings::embedded().logged("debug")` and read `Settings::log`.

pub mod account;
pub mod client;
pub mod mailbox;
pub mod node;
pub mod plain;
pub mod process;
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

/// How long a test waits for something before it fails.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Awaits `work`, and fails with the text `what` after [`DEADLINE`].
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(DEADLINE, work).await;
    done.unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"))
}

/// Calls `ask` every 20 ms until it returns true, and fails with the text `what` after [`DEADLINE`]. For state of
/// another process that sends no notice of a change.
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

/// Events as text, one line for each, such as `Ada joined` or `Bob: Hello`, to compare with what a test expects.
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
        EventKind::PeekChanged { peek: true, by } => format!("{} turned peeking on", by.name),
        EventKind::PeekChanged { peek: false, by } => format!("{} turned peeking off", by.name),
        EventKind::Owner { member, by: Some(by), .. } => format!("{} gave the room to {}", by.name, member.name),
        EventKind::Owner { member, by: None, .. } => format!("{} owns it now", member.name),
        EventKind::Edited { author, body, .. } => format!("{} edited: {body}", author.name),
        EventKind::Deleted { by, .. } => format!("{} deleted a message", by.name),
        EventKind::Reacted { .. } => "somebody reacted".to_owned(),
        EventKind::Other(..) => "something".to_owned(),
    };
    events.into_iter().map(line).collect()
}

/// Receives frames until the follower's timeline contains this line of the [`story`].
pub async fn until_told(follower: &mut Follower, line: &str) {
    follower.until(line, |replica| story(&replica.events).iter().any(|told| told == line)).await;
}

/// How often a [`story`] contains this line.
pub fn count(story: &[String], line: &str) -> usize {
    story.iter().filter(|told| *told == line).count()
}

/// The HTTP status and the code of a refused request. Fails if the request was not refused.
pub fn refusal<T: std::fmt::Debug>(refused: Result<T, client::Refused>) -> (u16, Code) {
    let refused = refused.expect_err("this has to be refused");
    (refused.status.as_u16(), refused.problem.code)
}
