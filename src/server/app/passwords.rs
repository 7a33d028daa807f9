//! Passwords: argon2id on threads of its own. Each takes 19 MiB and some tens of milliseconds of a core, on purpose, so few
//! are worked on at a time, and what rooms do goes first: a crowd that logs in waits in line, and rooms go on. Where others
//! leave it no core at all, it asks for one like them after a while: so a busy machine lets people in, too.

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

/// Memory in KiB, passes and lanes, as OWASP's Password Storage Cheat Sheet recommends.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// As RFC 9106 recommends.
const SALT_BYTES: usize = 16;
/// Passwords that may wait; past that people are told to try again.
const WAITING: usize = 512;
/// When they may.
const RETRY_AFTER_MS: u64 = 2_000;
/// How long work waits for a core that nobody else wants.
const PATIENCE: Duration = Duration::from_secs(1);
/// The password of nobody: checked where there is none to check, so that both take the same time.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdCEhIQ$o2ZoBvRkLxN7mJc1Yw8uTq5aHs0eKdPiGfXb3r9VnQE";

/// The pool. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    /// Who may wait or work.
    line: Arc<Semaphore>,
    /// Who may work: half of the cores, so that the other half is for rooms whatever comes.
    desks: Arc<Semaphore>,
    threads: Arc<Threads>,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        let desks = (cores / 2).max(1);
        Self {
            line: Arc::new(Semaphore::new(WAITING)),
            desks: Arc::new(Semaphore::new(desks)),
            threads: Arc::new(Threads::new(desks, PATIENCE)),
        }
    }
}

impl Passwords {
    /// A password as it is kept.
    pub async fn hash(&self, password: &Secret) -> Result<PasswordHash, Problem> {
        let password = composed(password.reveal());
        self.work(move || hash(&password)).await.map(Worked::tell)
    }

    /// Whether this is a kept password.
    pub async fn check(&self, password: &Secret, kept: Option<PasswordHash>) -> Result<bool, Problem> {
        let spellings = spellings(password);
        self.work(move || is(&spellings, kept.as_ref())).await.map(is_any)
    }

    /// Does something that takes a core for long, when it is its turn. It may be done twice, and one
    /// result counts.
    pub async fn work<T: Send + 'static>(&self, job: impl Fn() -> T + Send + Sync + 'static) -> Result<T, Problem> {
        self.turn().await?.work(job).await
    }

    /// Waits in line. Whoever has to read something for the work first reads it after this: so a crowd waits here, before it
    /// has cost anything, and reads one after the other.
    pub async fn turn(&self) -> Result<Turn, Problem> {
        let place = Arc::clone(&self.line).try_acquire_owned().map_err(|_| crowded())?;
        let desk = Arc::clone(&self.desks).acquire_owned().await.map_err(|_| crowded())?;
        Ok(Turn { threads: Arc::clone(&self.threads), permits: [place, desk] })
    }
}

/// Somebody's turn to work; over when the work is done, or when it is dropped.
pub struct Turn {
    threads: Arc<Threads>,
    permits: [OwnedSemaphorePermit; 2],
}

impl Turn {
    /// Which of these kept passwords this is. Always the work of all, also where there is none to compare with.
    pub async fn compare<const N: usize>(
        self,
        password: &Secret,
        kept: [Option<PasswordHash>; N],
    ) -> Result<[bool; N], Problem> {
        let spellings = spellings(password);
        let right = self.work(move || kept.each_ref().map(|kept| is(&spellings, kept.as_ref()))).await?;
        Ok(right.map(is_any))
    }

    async fn work<T: Send + 'static>(self, job: impl Fn() -> T + Send + Sync + 'static) -> Result<T, Problem> {
        let Self { threads, permits } = self;
        // It goes on if nobody waits for it any more, and gives its place back before it is told of.
        let work = tokio::spawn(async move {
            let result = threads.run(job).await;
            drop(permits);
            result
        });
        work.await.flatten().map_err(|_| Problem::new(Code::Internal, "Something went wrong. Try again."))
    }
}

/// Threads that give way to all others: the blocking pool of a runtime that does nothing else.
struct Threads {
    /// `None` only once dropped.
    runtime: Option<Runtime>,
    /// How long they may take.
    patience: Duration,
}

impl Threads {
    fn new(most: usize, patience: Duration) -> Self {
        let mut builder = runtime::Builder::new_current_thread();
        builder.thread_name("password").max_blocking_threads(most).on_thread_start(give_way);
        let runtime = builder.build().expect("a runtime without drivers asks nothing of the system");
        Self { runtime: Some(runtime), patience }
    }

    /// Does it on one of them, or on a thread like any other if that took too long.
    async fn run<T: Send + 'static>(&self, job: impl Fn() -> T + Send + Sync + 'static) -> Result<T, JoinError> {
        let job = Arc::new(job);
        let again = Arc::clone(&job);
        let runtime = self.runtime.as_ref().expect("it is there until this is dropped");
        let mut work = runtime.spawn_blocking(move || job());
        if let Ok(result) = timeout(self.patience, &mut work).await {
            return result;
        }
        tokio::select! {
            result = &mut work => result,
            result = spawn_blocking(move || again()) => {
                // Unless it has begun: then it ends with a result that nobody waits for.
                work.abort();
                result
            }
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Dropping it would wait for what is at work, which a task must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// From here on this thread works when no other wants its core. Being less urgent (nice) would not do: Linux lets whoever is at
/// work finish a slice of some milliseconds, unless all they do is idle (`SCHED_IDLE`, sched(7)).
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
        // Who waits for the core already would else wait for the next tick, up to 4 ms.
        thread::yield_now();
    }
}

fn crowded() -> Problem {
    Problem {
        retry_after_ms: Some(RETRY_AFTER_MS),
        ..Problem::new(Code::Overloaded, "Many people are logging in right now. Try again in a moment.")
    }
}

/// What argon2id came to. Only [`argon2id`] makes one.
struct Worked<T>(T);

impl<T> Worked<T> {
    /// Tells a trace of it, once for each that counts.
    fn tell(self) -> T {
        tracing::trace!("argon2id");
        self.0
    }
}

fn argon2id<T>(work: impl FnOnce(Argon2<'static>) -> T) -> Worked<T> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the constants are within argon2’s bounds");
    Worked(work(Argon2::new(Algorithm::Argon2id, Version::V0x13, params)))
}

/// A password as it is hashed: NFKC, since keyboards differ in how they compose a letter (RFC 8265, NIST SP 800-63B 3.1.1.2).
pub fn composed(password: &str) -> String {
    password.nfkc().collect()
}

/// What a typed password may have been hashed as: composed, or as it was typed, which is how passwords were hashed once. How
/// many these are depends on what was typed alone.
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

/// Compares every spelling with a kept password, by the parameters that the kept one was made with.
fn is(spellings: &[String], kept: Option<&PasswordHash>) -> Vec<Worked<bool>> {
    let text = kept.map_or(NOBODYS, |kept| &kept.0);
    let compare = |spelling: &String| {
        argon2id(|argon2| {
            let right = argon2.verify_password(spelling.as_bytes(), text).is_ok();
            right && kept.is_some()
        })
    };
    spellings.iter().map(compare).collect()
}

fn is_any(spellings: Vec<Worked<bool>>) -> bool {
    spellings.into_iter().map(Worked::tell).fold(false, |any, is| any | is)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    };

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_kept_as_argon2id_with_a_salt() {
        let passwords = Passwords::default();
        let kept = passwords.hash(&secret("nine purple lanterns")).await.unwrap();
        assert!(kept.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", kept.0);
        assert_ne!(passwords.hash(&secret("nine purple lanterns")).await.unwrap(), kept, "salted");
        let tried = async |text: &str| passwords.turn().await?.compare(&secret(text), [None, Some(kept.clone())]).await;
        assert_eq!(tried("nine purple lanterns").await, Ok([false, true]));
        assert_eq!(tried("nine purple lantern").await, Ok([false, false]));
    }

    #[tokio::test]
    async fn a_password_is_the_same_on_every_keyboard_and_one_hashed_as_typed_stays_good() {
        let passwords = Passwords::default();
        let is = async |typed: &str, kept: &PasswordHash| passwords.check(&secret(typed), Some(kept.clone())).await;
        let kept = passwords.hash(&secret("\u{f6}ltanker am dienstag 42")).await.unwrap();
        for typed in ["\u{f6}ltanker am dienstag 42", "o\u{308}ltanker am dienstag 42", "öltanker am dienstag ４２"]
        {
            assert_eq!(is(typed, &kept).await, Ok(true), "{typed}");
        }
        assert_eq!(is("oltanker am dienstag 42", &kept).await, Ok(false));
        let old = hash("o\u{308}ltanker").tell();
        assert_eq!(is("o\u{308}ltanker", &old).await, Ok(true));
        assert_eq!(is("\u{f6}ltank", &old).await, Ok(false));
    }

    #[tokio::test]
    async fn nobodys_password_takes_the_work_of_one_and_is_nobodys() {
        let wrong = argon2id(|argon2| argon2.verify_password(b"x", NOBODYS).unwrap_err()).tell();
        assert_eq!(wrong, argon2::password_hash::Error::PasswordInvalid, "it is well formed, or it would take no work");
        assert_eq!(Passwords::default().check(&secret("x"), None).await, Ok(false));
    }

    #[tokio::test]
    async fn whoever_finds_the_line_full_is_told_so() {
        let passwords = Passwords { line: Arc::new(Semaphore::new(1)), ..Passwords::default() };
        let begin = Arc::new(OnceLock::new());
        let first = tokio::spawn({
            let (passwords, begin) = (passwords.clone(), Arc::clone(&begin));
            async move { passwords.work(move || *begin.wait()).await }
        });
        while passwords.line.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = passwords.work(|| ()).await.unwrap_err();
        assert_eq!((refused.code, refused.retry_after_ms), (Code::Overloaded, Some(RETRY_AFTER_MS)));
        begin.set(true).unwrap();
        assert_eq!(first.await.unwrap(), Ok(true));
        assert_eq!(passwords.work(|| 7).await, Ok(7), "and then there is place again");
    }

    #[tokio::test]
    async fn whoever_is_left_no_core_gets_one_after_a_while() {
        let threads = Arc::new(Threads::new(1, Duration::from_millis(1)));
        let passwords = Passwords { threads, ..Passwords::default() };
        let (end, is_first) = (Arc::new(OnceLock::new()), AtomicBool::new(true));
        // On the thread that gives way it gets nowhere.
        let waits = Arc::clone(&end);
        let starved = move || is_first.swap(false, Ordering::Relaxed).then(|| *waits.wait());
        assert_eq!(passwords.work(starved).await, Ok(None));
        assert_eq!(passwords.work(|| 7).await, Ok(7), "nor does who comes behind it wait for ever");
        end.set(()).unwrap();
    }
}
