//! SQLite's write-ahead log: a commit appends pages to this file, and a *checkpoint* copies them into the database
//! later.
//!
//! By default SQLite runs the checkpoint inside the commit that made the log too long, and delays all callers that wait
//! for this commit or the next. Here a thread copies the log while the writer thread goes on. The few pages that were
//! added meanwhile are copied by the writer thread between two batches. Then the whole log is copied, and the next
//! commit begins it anew.

use std::{
    ffi::c_int,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use anyhow::Context;
use rusqlite::{Connection, DEFAULT_NAME, wal::CheckpointMode};
use tokio::task::spawn_blocking;

use super::unpoisoned;

/// Number of pages from which on the log is copied. A page that was written several times is copied once.
const LONG: c_int = 4_000;
/// Maximum of pages that the writer thread copies itself, between two batches.
const LITTLE: c_int = 400;
/// Number of pages from which on the writer thread copies the log however many pages are left, so that it cannot grow
/// without limit: 256 MB.
const TOO_LONG: c_int = 65_536;

/// The one connection that copies the log. SQLite allows one checkpoint at a time, and a second one fails at once.
#[derive(Clone)]
pub(super) struct Wal {
    db: Arc<Mutex<Connection>>,
    /// Whether a task is to empty the log, and has not begun.
    is_due: Arc<AtomicBool>,
}

impl Wal {
    pub fn new(db: Connection) -> rusqlite::Result<Self> {
        // A connection opens the log with its first read. Before that a checkpoint copies nothing, and returns no
        // error.
        db.pragma_query_value(None, "user_version", |_| Ok(()))?;
        Ok(Self { db: Arc::new(Mutex::new(db)), is_due: Arc::default() })
    }

    /// Copies the whole log and empties it, so that deleted text is not left in it, either. Waits until no connection
    /// writes, or reads from the log.
    pub fn empty(&self) -> rusqlite::Result<()> {
        copy(&unpoisoned(&self.db), CheckpointMode::TRUNCATE)
    }
}

impl Wal {
    /// Empties the log in the background, once for all calls that come before that begins.
    pub fn empty_soon(&self) {
        if self.is_due.swap(true, Ordering::AcqRel) {
            return;
        }
        let wal = self.clone();
        spawn_blocking(move || {
            wal.is_due.store(false, Ordering::Release);
            if let Err(error) = wal.empty() {
                tracing::warn!(%error, "a message is deleted, and the log of SQLite was not emptied; it is in time");
            }
        });
    }
}

/// Keeps the log short. Belongs to the writer thread.
pub(super) struct Keeper {
    wal: Wal,
    wake: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Starts the thread that copies the log.
    pub fn start(wal: Wal) -> anyhow::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let thread = {
            let wal = wal.clone();
            let copying = std::thread::Builder::new().name("sqlite-copier".into());
            copying.spawn(move || copy_when_woken(&wal, &woken)).context("starting the thread that copies the log")?
        };
        Ok(Self { wal, wake, thread })
    }

    /// Copies the log if it is long, or wakes the thread that does. Called by the writer thread between two batches,
    /// with its own connection.
    pub fn after_commit(&self, writer: &Connection) -> rusqlite::Result<()> {
        let (log, copied) = writer.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::NOOP)?;
        if log < LONG {
            return Ok(());
        }
        if log - copied > LITTLE && log < TOO_LONG {
            // If the channel is full, the thread was woken already, and that is enough.
            let _ = self.wake.try_send(());
            return Ok(());
        }
        match self.wal.db.try_lock() {
            Ok(db) => copy(&db, CheckpointMode::PASSIVE),
            Err(_) if log >= TOO_LONG => copy(&unpoisoned(&self.wal.db), CheckpointMode::PASSIVE),
            Err(_) => Ok(()),
        }
    }

    /// Ends the thread and empties the log, so that one file is left.
    pub fn finish(self) -> rusqlite::Result<()> {
        drop(self.wake);
        let _ = self.thread.join();
        self.wal.empty()
    }
}

fn copy_when_woken(wal: &Wal, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        if let Err(error) = copy(&unpoisoned(&wal.db), CheckpointMode::PASSIVE) {
            tracing::warn!(%error, "the log of SQLite was not copied; it is tried again");
        }
    }
}

fn copy(db: &Connection, mode: CheckpointMode) -> rusqlite::Result<()> {
    db.wal_checkpoint_v2(DEFAULT_NAME, mode).map(drop)
}
