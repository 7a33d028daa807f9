//! Backlogs: what waits in all sockets of a node, bounded together, and for how long.
//!
//! A socket that takes nothing keeps what waits for it in memory, however alive it looks otherwise. So whoever has taken
//! nothing for a while is closed, and of all that wait the longest, when there is too much in all.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::connection::{Connection, WeakConnection};
use crate::protocol::ByeReason;

/// Bytes that may wait in all backlogs of a node.
const ALL_BYTES: usize = 256 * 1024 * 1024;
/// How long a client may take nothing of what waits for it.
pub(super) const STALL: Duration = Duration::from_secs(45);

/// The backlogs of a node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Backlogs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    bytes: AtomicUsize,
    /// Sockets that something waits for; each is on it once.
    behind: Mutex<Vec<WeakConnection>>,
    /// There is more than may be.
    full: Notify,
}

impl Default for Backlogs {
    fn default() -> Self {
        Self::up_to(ALL_BYTES)
    }
}

impl Backlogs {
    /// None so far, and so many bytes in all.
    pub(super) fn up_to(limit: usize) -> Self {
        Self(Arc::new(Shared { limit, bytes: AtomicUsize::new(0), behind: Mutex::default(), full: Notify::new() }))
    }

    /// So much more waits; `false`, and nothing is counted, if it is far more than may be: then who wants to add it goes.
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

    /// So much less waits.
    pub(super) fn subtract(&self, bytes: usize) {
        self.0.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Something waits for this socket, which is not on the list.
    pub(super) fn watch(&self, connection: WeakConnection) {
        self.behind().push(connection);
    }

    /// Waits until there is more than may be.
    pub(super) async fn full(&self) {
        self.0.full.notified().await;
    }

    /// Closes who has taken nothing for too long.
    pub(super) fn sweep(&self, now: Instant) {
        self.look(|stalled, since| {
            for connection in stalled {
                if now.saturating_duration_since(since(connection)) >= STALL {
                    connection.end(Some(ByeReason::TooSlow));
                }
            }
        });
    }

    /// Closes those who have taken nothing for longest, until what waits for the others is no more than may be.
    pub(super) fn shed(&self) {
        self.look(|stalled, since| {
            stalled.sort_by_key(|connection| since(connection));
            let waiting = |connection: &&Connection| connection.waiting();
            let mut bytes: usize =
                stalled.iter().filter(|connection| !connection.is_closed()).map(|one| waiting(&one)).sum();
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

    /// Looks at every socket that something waits for. The list is not locked meanwhile, since each has a lock of its own.
    fn look(&self, act: impl FnOnce(&mut [Connection], &dyn Fn(&Connection) -> Instant)) {
        let listed = std::mem::take(&mut *self.behind());
        let mut stalled: Vec<Connection> = listed.iter().filter_map(WeakConnection::upgrade).collect();
        stalled.retain(Connection::stays_watched);
        let now = Instant::now();
        act(&mut stalled, &|connection| connection.stalled_since().unwrap_or(now));
        self.behind().extend(stalled.iter().map(Connection::downgrade));
    }

    fn behind(&self) -> std::sync::MutexGuard<'_, Vec<WeakConnection>> {
        // Every change leaves it whole, so a panic elsewhere does no harm.
        self.0.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }
}
