//! Backlogs: the backlogs of all connections of a node, which are bounded together in bytes and in time.
//!
//! A client that does not read keeps a backlog in memory, even if it answers pings. So a connection is closed if its
//! client has read nothing for [`STALL`]. If the backlogs together exceed the limit, connections are closed until they
//! are within it again, beginning with the one that has stalled for longest.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::protocol::ByeReason;

/// Most bytes in all backlogs of a node.
const ALL_BYTES: usize = 256 * 1024 * 1024;
/// Longest time in which a client reads nothing of its backlog.
pub(super) const STALL: Duration = Duration::from_secs(45);

/// A connection with a backlog, as the node watches it.
pub(super) trait Watched: fmt::Debug + Send + Sync {
    /// Bytes in the backlog.
    fn waiting(&self) -> usize;

    /// Since when the client has read nothing of the backlog. `None` without a backlog.
    fn stalled_since(&self) -> Option<Instant>;

    /// Whether the connection stays on the list of those with a backlog. If it does not, it is listed again with its
    /// next backlog.
    fn stays_watched(&self) -> bool;

    /// Whether frames are dropped because the connection is to end.
    fn is_closed(&self) -> bool;

    /// Ends the connection: no more frames are sent.
    fn end(&self, why: Option<ByeReason>);
}

/// The backlogs of a node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Backlogs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    bytes: AtomicUsize,
    /// The connections with a backlog, each listed once.
    behind: Mutex<Vec<Weak<dyn Watched>>>,
    /// Signals that the bytes exceed the limit.
    full: Notify,
}

impl Default for Backlogs {
    fn default() -> Self {
        Self::up_to(ALL_BYTES)
    }
}

impl Backlogs {
    /// No backlogs yet, with this limit in bytes.
    pub(super) fn up_to(limit: usize) -> Self {
        Self(Arc::new(Shared { limit, bytes: AtomicUsize::new(0), behind: Mutex::default(), full: Notify::new() }))
    }

    /// Adds bytes. Above the limit it signals [`full`](Self::full). More than a quarter above the limit it returns
    /// `false` and adds nothing; the connection that wanted to keep these bytes is then closed.
    pub(super) fn add(&self, bytes: usize) -> bool {
        let before = self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > self.0.limit {
            self.0.full.notify_one();
        }
        let fits = before + bytes <= self.0.limit + self.0.limit / 4;
        if !fits {
            self.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    /// Subtracts bytes that were sent or dropped.
    pub(super) fn subtract(&self, bytes: usize) {
        self.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Lists a connection that has a backlog and is not on the list.
    pub(super) fn watch(&self, connection: Weak<dyn Watched>) {
        self.behind().push(connection);
    }

    /// Waits until the bytes exceed the limit.
    pub(super) async fn full(&self) {
        self.0.full.notified().await;
    }

    /// Closes connections whose clients have read nothing for [`STALL`].
    pub(super) fn sweep(&self, now: Instant) {
        self.look(|stalled, since| {
            for connection in stalled {
                if now.saturating_duration_since(since(connection)) >= STALL {
                    connection.end(Some(ByeReason::TooSlow));
                }
            }
        });
    }

    /// Closes the connections that have stalled for longest, until the backlogs of the others are within the limit.
    pub(super) fn shed(&self) {
        self.look(|stalled, since| {
            stalled.sort_by_key(|connection| since(connection));
            let open = stalled.iter().filter(|connection| !connection.is_closed());
            let mut bytes: usize = open.map(|connection| connection.waiting()).sum();
            for connection in stalled {
                if bytes <= self.0.limit {
                    break;
                }
                if !connection.is_closed() {
                    bytes -= connection.waiting().min(bytes);
                    connection.end(Some(ByeReason::TooSlow));
                }
            }
        });
    }

    /// Passes all connections with a backlog, and since when each has stalled, to `act`. The list is not locked
    /// meanwhile, since each connection has a lock of its own.
    fn look(&self, act: impl FnOnce(&mut [Arc<dyn Watched>], &dyn Fn(&Arc<dyn Watched>) -> Instant)) {
        let listed = std::mem::take(&mut *self.behind());
        let mut stalled: Vec<_> = listed.iter().filter_map(Weak::upgrade).collect();
        stalled.retain(|connection| connection.stays_watched());
        let now = Instant::now();
        act(&mut stalled, &|connection| connection.stalled_since().unwrap_or(now));
        self.behind().extend(stalled.iter().map(Arc::downgrade));
    }

    fn behind(&self) -> std::sync::MutexGuard<'_, Vec<Weak<dyn Watched>>> {
        // Every change leaves the list intact, so a panic elsewhere does no harm.
        self.0.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes in all backlogs.
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }
}
