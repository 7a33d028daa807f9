//! Hashing: hashing and checking passwords with argon2id, on threads of their own.
//!
//! One computation takes 19 MiB and some tens of milliseconds of a core, on purpose. So at most half of the cores work
//! on passwords, up to 512 requests wait or work, and further ones are refused. The threads have idle priority, so that
//! the work of rooms goes first when many people log in. A computation that takes longer than a second is started again
//! on a normal thread, and those behind it begin there until a thread of idle priority has had a core. So logging in
//! also works on a machine whose cores are all busy.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    thread::{self, available_parallelism},
    time::Duration,
};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::{
    runtime::{self, Runtime},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinError, spawn_blocking},
    time::timeout,
};

use unicode_normalization::UnicodeNormalization as _;

use crate::{
    protocol::{Code, Problem, Secret},
    server::{random, store::PasswordHash},
};

/// Memory, passes and lanes of argon2id, as OWASP's Password Storage Cheat Sheet recommends. Memory is in KiB.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// The length of a salt, as RFC 9106 recommends.
const SALT_BYTES: usize = 16;
/// The maximum number of requests that wait or work. Further ones are refused with a time to try again.
const WAITING: usize = 512;
/// The time after which a refused request may be tried again.
const RETRY_AFTER_MS: u64 = 2_000;
/// How long a computation may take at idle priority before it is started again on a normal thread.
const PATIENCE: Duration = Duration::from_secs(1);
/// A hash that no password fits. It is checked where there is no hash to check, so that both cases take the same time.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdCEhIQ$o2ZoBvRkLxN7mJc1Yw8uTq5aHs0eKdPiGfXb3r9VnQE";

/// The pool of threads for passwords. Cloning is cheap.
#[derive(Clone)]
pub struct Hasher {
    /// Permits to wait or work.
    queue_permits: Arc<Semaphore>,
    /// Permits to work: half of the cores (at least one), so that the other half is always free for rooms.
    work_permits: Arc<Semaphore>,
    threads: Arc<Threads>,
}

impl Default for Hasher {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        let workers = (cores / 2).max(1);
        Self {
            queue_permits: Arc::new(Semaphore::new(WAITING)),
            work_permits: Arc::new(Semaphore::new(workers)),
            threads: Arc::new(Threads::new(workers, PATIENCE)),
        }
    }
}

impl Hasher {
    /// The number of requests that wait or work.
    pub fn waiting(&self) -> usize {
        WAITING.saturating_sub(self.queue_permits.available_permits())
    }

    pub async fn hash(&self, password: &Secret) -> Result<PasswordHash, Problem> {
        let password = composed(password.reveal());
        self.work(move || hash(&password)).await.map(Worked::traced)
    }

    /// Returns whether a password fits a stored hash. Without a stored hash the answer is false, after the same work.
    pub async fn check(&self, password: &Secret, kept: Option<PasswordHash>) -> Result<bool, Problem> {
        let spellings = spellings(password);
        self.work(move || verify(&spellings, kept.as_ref())).await.map(any_verified)
    }

    /// Runs a job that takes a core for long, when it has a permit. The job may run twice; one result is used.
    pub async fn work<T: Send + 'static>(&self, job: impl Fn() -> T + Send + Sync + 'static) -> Result<T, Problem> {
        self.acquire().await?.work(job).await
    }

    /// Waits for a permit to work. Read the stored hashes to compare *after* this returns: requests that still wait, or
    /// are refused here, then cost no read of the store.
    pub async fn acquire(&self) -> Result<WorkPermit, Problem> {
        let queue_permit = Arc::clone(&self.queue_permits).try_acquire_owned().map_err(|_| crowded())?;
        let work_permit = Arc::clone(&self.work_permits).acquire_owned().await.map_err(|_| crowded())?;
        Ok(WorkPermit { threads: Arc::clone(&self.threads), permits: [queue_permit, work_permit] })
    }
}

/// A permit to work. It is released when the work is done, or when this is dropped.
pub struct WorkPermit {
    threads: Arc<Threads>,
    permits: [OwnedSemaphorePermit; 2],
}

impl WorkPermit {
    /// Returns which of these stored hashes the password fits. The work is the same for all, also for those that are
    /// `None`.
    pub async fn compare<const N: usize>(
        self,
        password: &Secret,
        kept: [Option<PasswordHash>; N],
    ) -> Result<[bool; N], Problem> {
        let spellings = spellings(password);
        let right = self.work(move || kept.each_ref().map(|kept| verify(&spellings, kept.as_ref()))).await?;
        Ok(right.map(any_verified))
    }

    async fn work<T: Send + 'static>(self, job: impl Fn() -> T + Send + Sync + 'static) -> Result<T, Problem> {
        let Self { threads, permits } = self;
        // A task of its own, so that the work is finished even if the caller is dropped. The permits are released
        // before the caller gets the result.
        let work = tokio::spawn(async move {
            let result = threads.run(job).await;
            drop(permits);
            result
        });
        work.await.flatten().map_err(|_| Problem::new(Code::Internal, "Something went wrong. Try again."))
    }
}

/// Threads of idle priority: the blocking pool of a runtime that does nothing else.
struct Threads {
    /// `None` only while this is dropped.
    runtime: Option<Runtime>,
    /// A permit for each of the threads. A job keeps its permit until its thread has finished it.
    idle: Arc<Semaphore>,
    /// How long a job may take before it is started again on a normal thread.
    patience: Duration,
}

impl Threads {
    fn new(most: usize, patience: Duration) -> Self {
        let mut builder = runtime::Builder::new_current_thread();
        builder.thread_name("password").max_blocking_threads(most).on_thread_start(give_way);
        let runtime = builder.build().expect("a runtime without drivers asks nothing of the system");
        Self { runtime: Some(runtime), idle: Arc::new(Semaphore::new(most)), patience }
    }

    /// Runs a job on one of these threads. If that takes longer than `patience`, the job is also started on a normal
    /// thread, and the first result counts. The first run goes on, and its result is dropped. While such runs occupy
    /// all threads, no core is idle, so further jobs run on normal threads at once.
    async fn run<T: Send + 'static>(&self, job: impl Fn() -> T + Send + Sync + 'static) -> Result<T, JoinError> {
        let Ok(permit) = Arc::clone(&self.idle).try_acquire_owned() else { return spawn_blocking(job).await };
        let job = Arc::new(job);
        let again = Arc::clone(&job);
        let runtime = self.runtime.as_ref().expect("it is there until this is dropped");
        let mut work = runtime.spawn_blocking(move || {
            let result = job();
            drop(permit);
            result
        });
        if let Ok(result) = timeout(self.patience, &mut work).await {
            return result;
        }
        tokio::select! {
            result = &mut work => result,
            result = spawn_blocking(move || again()) => result,
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Dropping a runtime waits for its threads, which is not allowed in an async task.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Gives the current thread idle priority (`SCHED_IDLE`, sched(7)): it runs only when no other thread wants its core. A
/// higher nice value is not enough: Linux lets a running thread finish a slice of some milliseconds, unless its policy
/// is idle.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{
            NormalThreadSchedulePolicy::Idle, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
            thread_native_id,
        };
        let idle = ThreadSchedulePolicy::Normal(Idle);
        if let Err(error) = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle) {
            tracing::debug!(%error, "passwords are as urgent as rooms");
        }
        // A thread that already waits for this core would otherwise wait for the next tick, up to 4 ms.
        thread::yield_now();
    }
}

fn crowded() -> Problem {
    Problem {
        retry_after_ms: Some(RETRY_AFTER_MS),
        ..Problem::new(Code::Overloaded, "Many people are logging in right now. Try again in a moment.")
    }
}

/// The result of one argon2id computation. Only [`argon2id`] makes one.
struct Worked<T>(T);

impl<T> Worked<T> {
    /// Returns the result and traces one computation. Tests count these traces. A run whose result is dropped is not
    /// counted.
    fn traced(self) -> T {
        tracing::trace!("argon2id");
        self.0
    }
}

fn argon2id<T>(work: impl FnOnce(Argon2<'static>) -> T) -> Worked<T> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the constants are within argon2’s bounds");
    Worked(work(Argon2::new(Algorithm::Argon2id, Version::V0x13, params)))
}

/// The form of a password that is hashed: NFKC, since keyboards differ in how they compose a letter (RFC 8265, NIST SP
/// 800-63B 3.1.1.2).
pub fn composed(password: &str) -> String {
    password.nfkc().collect()
}

/// The forms in which a typed password may have been hashed: composed, or as it was typed, as in older hashes. Their
/// number depends on the typed text only, so the work tells nothing of what is stored.
fn spellings(password: &Secret) -> Vec<String> {
    let typed = password.reveal().to_owned();
    let composed = composed(&typed);
    if composed == typed { vec![typed] } else { vec![composed, typed] }
}

fn hash(password: &str) -> Worked<PasswordHash> {
    let salt = random::token();
    argon2id(|argon2| {
        let hash = argon2.hash_password_with_salt(password.as_bytes(), &salt[..SALT_BYTES]);
        PasswordHash(hash.expect("a salt of 16 bytes is fine").to_string())
    })
}

/// Compares every spelling with a stored hash, by the parameters in that hash.
fn verify(spellings: &[String], kept: Option<&PasswordHash>) -> Vec<Worked<bool>> {
    let text = kept.map_or(DUMMY_HASH, |kept| &kept.0);
    let compare = |spelling: &String| {
        argon2id(|argon2| {
            let right = argon2.verify_password(spelling.as_bytes(), text).is_ok();
            right && kept.is_some()
        })
    };
    spellings.iter().map(compare).collect()
}

/// Whether one of the spellings fits the stored hash.
fn any_verified(spellings: Vec<Worked<bool>>) -> bool {
    spellings.into_iter().map(Worked::traced).fold(false, |any, is| any | is)
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_kept_as_argon2id_with_a_salt() {
        let hasher = Hasher::default();
        let kept = hasher.hash(&secret("nine purple lanterns")).await.unwrap();
        assert!(kept.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", kept.0);
        assert_ne!(hasher.hash(&secret("nine purple lanterns")).await.unwrap(), kept, "salted");
        let tried = async |text: &str| hasher.acquire().await?.compare(&secret(text), [None, Some(kept.clone())]).await;
        assert_eq!(tried("nine purple lanterns").await, Ok([false, true]));
        assert_eq!(tried("nine purple lantern").await, Ok([false, false]));
    }

    #[tokio::test]
    async fn a_password_is_the_same_on_every_keyboard_and_one_hashed_as_typed_stays_good() {
        let hasher = Hasher::default();
        let is = async |typed: &str, kept: &PasswordHash| hasher.check(&secret(typed), Some(kept.clone())).await;
        let kept = hasher.hash(&secret("\u{f6}ltanker am dienstag 42")).await.unwrap();
        for typed in ["\u{f6}ltanker am dienstag 42", "o\u{308}ltanker am dienstag 42", "öltanker am dienstag ４２"]
        {
            assert_eq!(is(typed, &kept).await, Ok(true), "{typed}");
        }
        assert_eq!(is("oltanker am dienstag 42", &kept).await, Ok(false));
        let old = hash("o\u{308}ltanker").traced();
        assert_eq!(is("o\u{308}ltanker", &old).await, Ok(true));
        assert_eq!(is("\u{f6}ltank", &old).await, Ok(false));
    }

    #[tokio::test]
    async fn nobodys_password_takes_the_work_of_one_and_is_nobodys() {
        let wrong = argon2id(|argon2| argon2.verify_password(b"x", DUMMY_HASH).unwrap_err()).traced();
        assert_eq!(wrong, argon2::password_hash::Error::PasswordInvalid, "it is well formed, or it would take no work");
        assert_eq!(Hasher::default().check(&secret("x"), None).await, Ok(false));
    }

    #[tokio::test]
    async fn whoever_finds_the_line_full_is_told_so() {
        let hasher = Hasher { queue_permits: Arc::new(Semaphore::new(1)), ..Hasher::default() };
        let begin = Arc::new(OnceLock::new());
        let first = tokio::spawn({
            let (hasher, begin) = (hasher.clone(), Arc::clone(&begin));
            async move { hasher.work(move || *begin.wait()).await }
        });
        while hasher.queue_permits.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = hasher.work(|| ()).await.unwrap_err();
        assert_eq!((refused.code, refused.retry_after_ms), (Code::Overloaded, Some(RETRY_AFTER_MS)));
        begin.set(true).unwrap();
        assert_eq!(first.await.unwrap(), Ok(true));
        assert_eq!(hasher.work(|| 7).await, Ok(7), "and then there is place again");
    }

    #[tokio::test]
    async fn whoever_is_left_no_core_gets_one_after_a_while_and_whoever_comes_behind_at_once() {
        let mut threads = Threads::new(1, Duration::from_millis(1));
        let end = Arc::new(OnceLock::new());
        let is_idle = || thread::current().name() == Some("password");
        // The job blocks on the thread of idle priority, as if that thread got no core. It goes by the name of its
        // thread: on a busy machine the normal thread may be the first to begin.
        let waits = Arc::clone(&end);
        let starved = move || is_idle().then(|| *waits.wait());
        assert_eq!(threads.run(starved).await.unwrap(), None);

        threads.patience = Duration::from_hours(1);
        let behind = timeout(Duration::from_secs(10), threads.run(is_idle)).await;
        assert!(!behind.expect("it does not wait for the thread that has no core").unwrap());
        end.set(()).unwrap();
        while threads.idle.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
        assert!(threads.run(is_idle).await.unwrap(), "a core was idle, so the next one uses what is left over again");
    }
}
