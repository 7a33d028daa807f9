//! The thread that writes: batch after batch, each of them one transaction.

use std::{
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::mpsc;

use super::{super::Result, wal::Keeper};

/// Jobs in one transaction at most, so that the first of them does not wait long for the last.
const BATCH: usize = 256;
/// How far apart transactions of a few jobs begin while jobs come faster than that. Most of what such a transaction costs is
/// its flush, and the pages that every job in it changes: the more jobs share them, the better.
const PACE: Duration = Duration::from_millis(5);
/// Jobs that share a transaction well enough not to wait for more.
const ENOUGH: usize = 12;
/// How often it is looked whether so many have come meanwhile.
const LOOK: Duration = Duration::from_millis(1);

/// Sends a job's result to who waits for it.
type Answer = Box<dyn FnOnce() + Send>;
/// Does a job's work. An error here means that the whole batch is lost.
pub(super) type Job = Box<dyn FnOnce(&Connection) -> rusqlite::Result<Answer> + Send>;

/// What undoes a job that fails.
#[derive(Clone, Copy)]
pub(super) enum Undo {
    /// Nothing: it has changed nothing then, or only what may stay. A single statement that fails undoes itself.
    Nothing,
    /// A savepoint, since it may fail halfway.
    Savepoint,
}

/// A job of this work, whose result is sent on once it is on disk.
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

/// The answers of a batch, for [`give_answers`].
pub(super) type Answers = mpsc::UnboundedSender<Vec<Answer>>;

/// Gives answers where those who wait for them are: the thread that writes wakes this task once for a batch, and not
/// everyone in it, which is what a commit with many jobs would else cost most.
pub(super) async fn give_answers(mut answers: mpsc::UnboundedReceiver<Vec<Answer>>) {
    while let Some(batch) = answers.recv().await {
        for answer in batch {
            answer();
        }
    }
}

/// The writer's life: until nobody can send more.
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
            // If nobody takes them, nobody waits either.
            Ok(batch) => drop(answers.send(batch)),
            // The answers are dropped, and with them their channels: every caller of this batch gets an error.
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

/// How the last transaction went.
struct Pace {
    began: Instant,
    /// Whether it had more than one job.
    shared: bool,
}

impl Pace {
    /// How long the next transaction waits for others to share it. One job after the other, as of somebody who writes alone,
    /// never waits.
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

/// Runs work so that an error undoes all of it.
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
