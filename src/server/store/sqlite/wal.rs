//! SQLite's write-ahead log: what is committed stands in it first, and is copied into the database later (a checkpoint).
//!
//! Left to itself, SQLite copies in the very commit that made the log long, and all who wait for that commit or the next
//! wait for it too. Here a thread copies while the writer goes on. The little that came meanwhile the writer copies between
//! two batches; then all is copied, and with the next commit the log begins anew.

use std::{
    ffi::c_int,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use anyhow::Context;
use rusqlite::{Connection, DEFAULT_NAME, wal::CheckpointMode};

use super::unpoisoned;

/// Pages from which on the log is copied. A page that is written again and again is copied once.
const LONG: c_int = 4_000;
/// Pages that the writer itself copies at most, between two batches.
const LITTLE: c_int = 400;
/// Pages at which the writer copies however many they are, so that the log cannot grow for ever: 256 MB.
const TOO_LONG: c_int = 65_536;

/// The one connection that copies: SQLite lets only one do so at a time, and tells a second one off at once.
#[derive(Clone)]
pub(super) struct Wal(Arc<Mutex<Connection>>);

impl Wal {
    pub fn new(db: Connection) -> rusqlite::Result<Self> {
        // A connection finds the log when it first looks into the database; until then it copies nothing, and says nothing.
        db.pragma_query_value(None, "user_version", |_| Ok(()))?;
        Ok(Self(Arc::new(Mutex::new(db))))
    }

    /// Copies all of the log and empties it, so that what was deleted is not left in it either. Waits until nobody writes or
    /// reads what is in it.
    pub fn empty(&self) -> rusqlite::Result<()> {
        copy(&unpoisoned(&self.0), CheckpointMode::TRUNCATE)
    }
}

/// Keeps the log short, for the writer.
pub(super) struct Keeper {
    wal: Wal,
    wake: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Keeper {
    /// Starts the thread that copies.
    pub fn start(wal: Wal) -> anyhow::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let thread = {
            let wal = wal.clone();
            let copying = std::thread::Builder::new().name("sqlite-copier".into());
            copying.spawn(move || copy_when_woken(&wal, &woken)).context("starting the thread that copies the log")?
        };
        Ok(Self { wal, wake, thread })
    }

    /// To be called by the writer between two batches, with its own connection.
    pub fn after_commit(&self, writer: &Connection) -> rusqlite::Result<()> {
        let (log, copied) = writer.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::NOOP)?;
        if log < LONG {
            return Ok(());
        }
        if log - copied > LITTLE && log < TOO_LONG {
            // If the thread is at it, or was woken already, that will do.
            let _ = self.wake.try_send(());
            return Ok(());
        }
        match self.wal.0.try_lock() {
            Ok(db) => copy(&db, CheckpointMode::PASSIVE),
            Err(_) if log >= TOO_LONG => copy(&unpoisoned(&self.wal.0), CheckpointMode::PASSIVE),
            Err(_) => Ok(()),
        }
    }

    /// Ends the thread, and empties the log: what is left is one file.
    pub fn finish(self) -> rusqlite::Result<()> {
        drop(self.wake);
        let _ = self.thread.join();
        self.wal.empty()
    }
}

fn copy_when_woken(wal: &Wal, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        if let Err(error) = copy(&unpoisoned(&wal.0), CheckpointMode::PASSIVE) {
            tracing::warn!(%error, "the log of SQLite was not copied; it is tried again");
        }
    }
}

fn copy(db: &Connection, mode: CheckpointMode) -> rusqlite::Result<()> {
    db.wal_checkpoint_v2(DEFAULT_NAME, mode).map(drop)
}
