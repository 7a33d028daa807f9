//! The writer thread: runs jobs batch by batch, each batch in one transaction.
//!
//! Callers send a [`Job`] through a channel. The thread takes the waiting jobs, runs them, commits, and hands all
//! results to one task on the runtime ([`give_answers`]), which sends them to the callers. If several callers write at
//! the same time, the thread waits a few milliseconds for more jobs to share the transaction ([`PACE`]). The reasons
//! are in `docs/decisions/0019-what-a-crowd-shares-in-sqlite.md`.

use std::{
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::mpsc;

use super::{super::Result, wal::Keeper};

/// Maximum of jobs in one transaction, so that the first job does not wait long for the last.
const BATCH: usize = 256;
/// Minimum time between the beginnings of two transactions with few jobs, while jobs come faster than that. The main
/// costs of such a transaction are its flush and the pages that every job changes. The more jobs share them, the
/// better.
const PACE: Duration = Duration::from_millis(5);
/// With this many jobs, a transaction does not wait for more.
const ENOUGH: usize = 12;
/// How often the thread checks whether [`ENOUGH`] jobs have come while it waits.
const LOOK: Duration = Duration::from_millis(1);

/// Sends a job's result to the caller that waits for it.
type Answer = Box<dyn FnOnce() + Send>;
/// Does a job's work. An error here undoes the whole batch, unlike the result inside the [`Answer`].
pub(super) type Job = Box<dyn FnOnce(&Connection) -> rusqlite::Result<Answer> + Send>;

/// How a job that fails is undone.
#[derive(Clone, Copy)]
pub(super) enum Undo {
    /// Not at all: the failed job has changed nothing, or only what may stay. A single statement that fails undoes
    /// itself.
    Nothing,
    /// By a savepoint, since the job may fail after some of its changes.
    Savepoint,
}

/// Makes a job of `work`. Its result is passed to `answer` once it is on disk.
pub(super) fn job<T: Send + 'static>(
    undo: Undo,
    work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    answer: impl FnOnce(Result<T>) + Send + 'static,
) -> Job {
    Box::new(move |db| {
        let result = match undo {
            Undo::Nothing => work(db),
            Undo::Savepoint => in_savepoint(db, work)?,
        };
        Ok(Box::new(move || answer(result)))
    })
}

/// The way of a batch's results to [`give_answers`].
pub(super) type Answers = mpsc::UnboundedSender<Vec<Answer>>;

/// Sends results to the waiting callers, as a task on their runtime. So the writer thread wakes this one task for each
/// batch. Waking every caller would be the main cost of a commit with many jobs.
pub(super) async fn give_answers(mut answers: mpsc::UnboundedReceiver<Vec<Answer>>) {
    while let Some(batch) = answers.recv().await {
        for answer in batch {
            answer();
        }
    }
}

/// Runs the writer thread until all senders are dropped.
pub(super) fn run(mut db: Connection, mut waiting: mpsc::Receiver<Job>, answers: &Answers, keeper: Keeper) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut pace = Pace { began: Instant::now(), shared: false };
    while waiting.blocking_recv_many(&mut batch, BATCH) > 0 {
        while let rest = pace.rest(batch.len() + waiting.len(), Instant::now())
            && !rest.is_zero()
        {
            thread::sleep(rest.min(LOOK));
        }
        while batch.len() < BATCH
            && let Ok(job) = waiting.try_recv()
        {
            batch.push(job);
        }
        pace = Pace { began: Instant::now(), shared: batch.len() > 1 };
        match write_batch(&mut db, &mut batch) {
            // The send fails if the runtime has ended. Then no caller waits, either.
            Ok(batch) => drop(answers.send(batch)),
            // The answers are dropped, and their channels with them, so that every caller of this batch gets an error.
            Err(error) => tracing::error!(%error, "a transaction of SQLite failed"),
        }
        batch.clear();
        if let Err(error) = keeper.after_commit(&db) {
            tracing::warn!(%error, "the log of SQLite was not copied; it is tried again");
        }
    }
    if let Err(error) = keeper.finish() {
        tracing::warn!(%error, "the log of SQLite was not emptied; the next start does it");
    }
}

/// When the last transaction began, and whether jobs shared it.
struct Pace {
    began: Instant,
    /// Whether the transaction had more than one job.
    shared: bool,
}

impl Pace {
    /// Returns how long the next transaction waits for more jobs to share it. Single jobs that come one after the
    /// other, as from one caller who writes alone, never wait.
    fn rest(&self, jobs: usize, now: Instant) -> Duration {
        if (2..ENOUGH).contains(&jobs) || (jobs == 1 && self.shared) {
            PACE.saturating_sub(now.duration_since(self.began))
        } else {
            Duration::ZERO
        }
    }
}

fn write_batch(db: &mut Connection, batch: &mut Vec<Job>) -> rusqlite::Result<Vec<Answer>> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answers = batch.drain(..).map(|job| job(&transaction)).collect::<rusqlite::Result<_>>()?;
    transaction.commit()?;
    Ok(answers)
}

/// Runs work in a savepoint, so that an error undoes all of it.
fn in_savepoint<T>(db: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> rusqlite::Result<Result<T>> {
    let run = |sql| db.prepare_cached(sql)?.execute([]);
    run("SAVEPOINT job")?;
    let result = work(db);
    if result.is_err() {
        run("ROLLBACK TO job")?;
    }
    run("RELEASE job")?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_writes_beside_others_waits_for_them() {
        let began = Instant::now();
        let (alone, shared) = (Pace { began, shared: false }, Pace { began, shared: true });
        let (soon, rest) = (began + PACE / 5, PACE * 4 / 5);
        assert_eq!(alone.rest(1, soon), Duration::ZERO);
        assert_eq!(alone.rest(2, soon), rest);
        assert_eq!(shared.rest(1, soon), rest);
        assert_eq!(shared.rest(ENOUGH, soon), Duration::ZERO, "they are many already");
        assert_eq!(shared.rest(2, began + PACE), Duration::ZERO, "it is their time");
    }
}
