//! SQLite: the embedded store, one file and one process.
//!
//! One thread owns the only connection that writes (`writer.rs`). It takes all waiting jobs as one batch, runs them in
//! one transaction, commits once, and only then sends the results. So many waiting appends cost one flush to disk. A
//! job that fails is undone alone. Reads run at the same time on read-only connections, and see every write whose
//! result was sent.
//!
//! A second thread copies the write-ahead log into the database (`wal.rs`). A lock file keeps a second server from
//! opening the same database. `migrations.rs` has the schema, and `columns.rs` the form of values in columns. `rows.rs`
//! reads and writes the rows that several nouns need. The other files implement one trait each. The reasons are in
//! `docs/decisions/0003-two-stores.md` and `docs/decisions/0019-what-a-crowd-shares-in-sqlite.md`.

mod accounts;
mod columns;
mod events;
mod guests;
mod mails;
mod members;
mod migrations;
mod rooms;
mod rows;
mod search;
mod sessions;
mod tokens;
mod wal;
mod writer;

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    panic::Location,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use async_trait::async_trait;
use rusqlite::{
    Connection, OpenFlags,
    config::DbConfig,
    ffi,
    trace::{TraceEvent, TraceEventCodes},
};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::spawn_blocking,
    time::timeout,
};

use self::{
    wal::{Keeper, Wal},
    writer::{Job, Undo},
};
use super::{Result, Store, StoreError, count_failure, search::Unindexed};
use crate::server::disk;

/// Maximum of jobs that wait for the writer thread. If the queue is full, callers wait.
const QUEUE: usize = 1_024;
/// Maximum of reads at the same time, each on its own connection. Further reads wait.
const READERS: usize = 4;
/// Time limit for one call, waiting included. If the disk hangs, the caller gets an error.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long a connection waits for another connection's lock. No connection here holds a lock for long.
const BUSY: Duration = Duration::from_secs(2);
/// Prepared statements cached by each connection; more than the code has.
const STATEMENTS: usize = 128;

/// Another process holds the database file.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} is in use by another AnonChat server (process {holder}). Stop that one, or give this one another DATA_DIR. Several \
     servers share rooms only through MONGO_URI.", .path.display()
)]
pub struct InUse {
    path: PathBuf,
    holder: String,
}

pub struct Sqlite {
    /// `None` once closed. The writer thread ends when the last sender is dropped and the queue is empty.
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    wal: Wal,
    readers: Arc<Readers>,
    unindexed: Unindexed,
}

struct Readers {
    path: PathBuf,
    /// Idle connections. They are opened when needed, and kept for later reads.
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Runs work on a read-only connection.
    fn lend<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = unpoisoned(&self.idle).pop();
        let db = idle.map_or_else(|| open_reader(&self.path), Ok)?;
        let result = work(&db);
        unpoisoned(&self.idle).push(db);
        result
    }
}

impl Sqlite {
    /// Opens the database file, and creates it and its folder if they are missing. Must be called on a Tokio runtime,
    /// which then runs the task that sends results to callers.
    ///
    /// Refuses a file that another process uses, that a newer version made, or that is damaged. The check for damage
    /// reads the whole file, about two seconds per gigabyte.
    pub fn open(path: &Path) -> Result<Self> {
        let lock = lock(path)?;
        let db = open_writer(path)?;
        let wal = Wal::new(open_connection(path)?)?;
        let keeper = Keeper::start(wal.clone())?;
        let (jobs, waiting) = mpsc::channel(QUEUE);
        // Unbounded, but each entry belongs to a caller that waits for it.
        let (answers, given) = mpsc::unbounded_channel();
        tokio::spawn(writer::give_answers(given));
        let writer = std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || {
                writer::run(db, waiting, &answers, keeper);
                drop(lock);
            })
            .context("starting the thread that writes")?;
        let permits = Arc::new(Semaphore::new(READERS));
        Ok(Self {
            jobs: Mutex::new(Some(jobs)),
            writer: Mutex::new(Some(writer)),
            wal,
            readers: Arc::new(Readers { path: path.to_owned(), idle: Mutex::default(), permits }),
            unindexed: Unindexed::default(),
        })
    }

    /// Runs work in the next batch, and returns once the batch is on disk. An error undoes this work only.
    #[track_caller]
    fn write<T, F>(&self, undo: Undo, work: F) -> impl Future<Output = Result<T>>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let caller = Location::caller();
        async move { count_failure(caller, self.write_uncounted(undo, work).await) }
    }

    async fn write_uncounted<T, F>(&self, undo: Undo, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = writer::job(undo, work, move |result| drop(answer.send(result)));
        let jobs = unpoisoned(&self.jobs).clone().context("the database is closed")?;
        timeout(PATIENCE, async {
            jobs.send(job).await.map_err(|_| anyhow!("the writer has stopped"))?;
            answered.await.context("the transaction failed")?
        })
        .await
        .context("the database takes too long")?
    }

    /// Reads by key what a request needs: a session, a room, a member. Runs on the calling thread, since the read takes
    /// some microseconds, and asking another thread would take several times that.
    #[track_caller]
    fn look_up<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        if self.readers.permits.is_closed() {
            return Err(anyhow!("the database is closed").into());
        }
        count_failure(Location::caller(), self.readers.lend(work))
    }

    /// Runs work that reads more than a few rows, on a thread that may block on the disk.
    #[track_caller]
    fn read<T, F>(&self, work: F) -> impl Future<Output = Result<T>> + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (readers, caller) = (Arc::clone(&self.readers), Location::caller());
        let read = async move {
            let permit = Arc::clone(&readers.permits).acquire_owned().await.context("the database is closed")?;
            let work = spawn_blocking(move || {
                let result = readers.lend(work);
                drop(permit);
                result
            });
            work.await.context("a read panicked")?
        };
        async move {
            let read = timeout(PATIENCE, read).await.context("the database takes too long");
            count_failure(caller, read.map_err(StoreError::from).flatten())
        }
    }

    /// Empties the write-ahead log, so that deleted text is in no file.
    async fn empty_log(&self) -> Result<()> {
        let wal = self.wal.clone();
        Ok(spawn_blocking(move || wal.empty()).await.context("a checkpoint panicked")??)
    }

    /// Stops accepting jobs. Returns the writer thread, which still runs the waiting jobs.
    fn stop(&self) -> Option<JoinHandle<()>> {
        unpoisoned(&self.jobs).take();
        unpoisoned(&self.writer).take()
    }
}

#[async_trait]
impl Store for Sqlite {
    fn is_shared(&self) -> bool {
        false
    }

    async fn ping(&self) -> Result<()> {
        self.write(Undo::Nothing, |_| Ok(())).await
    }

    async fn close(&self) {
        self.readers.permits.close();
        if let Some(writer) = self.stop() {
            let _ = spawn_blocking(|| writer.join()).await;
        }
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        if let Some(writer) = self.stop() {
            let _ = writer.join();
        }
    }
}

/// Locks the database for this process, by a lock file. SQLite would let two processes share the file, but two servers
/// that both assume to be alone would not see each other's live rooms.
fn lock(path: &Path) -> anyhow::Result<File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        disk::private_folder(folder)?;
    }
    let lock_path = path.with_added_extension("lock");
    disk::private_file(&lock_path).with_context(|| format!("making {}", lock_path.display()))?;
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&lock_path);
    let mut file = opened.with_context(|| format!("opening {}", lock_path.display()))?;
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).context("writing the lock file")?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.is_empty() { "unknown".to_owned() } else { holder };
            Err(InUse { path: path.to_owned(), holder }.into())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", lock_path.display())),
    }
}

fn open_connection(path: &Path) -> rusqlite::Result<Connection> {
    let mut db = Connection::open(path)?;
    set_up(&mut db)?;
    Ok(db)
}

/// Sets up what all connections have in common.
fn set_up(db: &mut Connection) -> rusqlite::Result<()> {
    show_statements(db)?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // A statement is planned once, whatever values are bound to it (QPSG). Otherwise SQLite plans it again for each
    // value that its planner might use, which took longer than running the statement.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Sorting must not write text to temporary files.
    db.pragma_update(None, "temp_store", "MEMORY")
}

/// Logs every statement as it begins, without its values, if tracing is enabled (`LOG=anonchat::server::store=trace`).
fn show_statements(db: &mut Connection) -> rusqlite::Result<()> {
    if !tracing::enabled!(tracing::Level::TRACE) {
        return Ok(());
    }
    let show = |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(statement, _) = event {
            tracing::trace!(statement = %statement.sql(), "SQLite");
        }
    };
    db.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(show))
}

/// Makes the database's files inaccessible to other users. SQLite creates its log with the mode of the database.
fn close_files(path: &Path) -> anyhow::Result<()> {
    disk::private_file(path).with_context(|| format!("making {}", path.display()))?;
    for of_the_log in ["-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(of_the_log);
        disk::close_file(Path::new(&name));
    }
    Ok(())
}

fn open_writer(path: &Path) -> anyhow::Result<Connection> {
    close_files(path)?;
    let damaged = || {
        format!("{} is damaged. Restore it from a backup, or move it away to start with an empty one.", path.display())
    };
    let mut db = open_connection(path).with_context(|| format!("opening {}", path.display()))?;
    let version = migrations::version(&db).with_context(damaged)?;
    if version > migrations::VERSION {
        bail!(
            "{} was made by a newer version of AnonChat (schema {version}; this version knows {}). Run that version.",
            path.display(),
            migrations::VERSION,
        );
    }
    let check: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).with_context(damaged)?;
    if check != "ok" {
        return Err(anyhow!(check).context(damaged()));
    }
    // `synchronous=FULL` flushes the log at every commit, so that an answered write survives a power cut.
    // `wal_autocheckpoint = 0` leaves copying the log to `wal.rs`. 16 MiB of pages stay in memory, so that the writer
    // seldom reads.
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -16384;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    let updating = || format!("bringing {} up to date", path.display());
    migrations::migrate(&mut db, version).with_context(updating)?;
    search::ensure_version(&mut db).with_context(updating)?;
    Ok(db)
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    set_up(&mut db)?;
    Ok(db)
}

/// Locks a mutex, even a poisoned one. A panic cannot leave a guarded value half changed, because it is always replaced
/// as a whole.
fn unpoisoned<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the columns of the unique index that refused a statement, if one did. SQLite names the columns, not the
/// index.
fn violated(error: &rusqlite::Error) -> Option<&str> {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.strip_prefix("UNIQUE constraint failed: "),
        _ => None,
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::QueryReturnedNoRows => Self::NotFound,
            // All foreign keys refer to a room, so the room does not exist.
            rusqlite::Error::SqliteFailure(ffi::Error { extended_code: ffi::SQLITE_CONSTRAINT_FOREIGNKEY, .. }, _) => {
                Self::NotFound
            }
            error => Self::Other(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let db = open_writer(&folder.path().join("anonchat.sqlite")).unwrap();
        let mut query = db.prepare("SELECT * FROM events WHERE room = ? AND seq < ? ORDER BY seq DESC").unwrap();
        for seq in 1..4 {
            assert!(!query.exists([seq, seq]).unwrap());
        }
        assert_eq!(query.get_status(StatementStatus::Run), 3);
        assert_eq!(query.get_status(StatementStatus::RePrepare), 0);
    }
}
