//! What one client may do in a time.

use std::{
    array,
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use governor::{DefaultKeyedRateLimiter, clock::Clock};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{Mutex as Turn, MutexGuard as TurnGuard},
    time::timeout,
};

use crate::{
    protocol::{Email, Problem},
    server::{
        bus::{Bus, LocalBus, Quota},
        config::{Config, RateLimits},
        store::{AccountId, ActorId},
    },
};

/// Rooms made, per client.
const CREATE: Quota = Quota { burst: 20, per: Duration::from_mins(10) };
/// Joins, per client; a class behind one address fits.
const JOIN: Quota = Quota { burst: 120, per: Duration::from_mins(2) };
/// Codes that led nowhere, per client: who guesses on waits, at each node.
const MISS: Quota = Quota { burst: 10, per: Duration::from_mins(1) };
/// Codes that led nowhere, over all clients. Past that somebody searches from many addresses: then whoever misses once
/// waits, and who has the right code is not held up.
const MISS_ANYWHERE: Quota = Quota { burst: 600, per: Duration::from_mins(1) };
const SEARCH_PAUSE: Duration = Duration::from_mins(1);
/// Turns that clients share to try a code, so that each tries one at a time: of many at once, each knows how those before it
/// went.
const TURNS: usize = 256;
/// Accounts made, per client.
const REGISTER: Quota = Quota { burst: 40, per: Duration::from_hours(1) };
/// Log-ins tried, per client, whomever as.
const LOG_IN: Quota = Quota { burst: 60, per: Duration::from_mins(10) };
/// Proofs tried for one account, per client: the more, the longer the wait for the next. Nobody waits for what another
/// client tried, so nobody can be locked out by others.
const GUESS: [Quota; 3] = [
    Quota { burst: 5, per: Duration::from_mins(1) },
    Quota { burst: 20, per: Duration::from_hours(1) },
    Quota { burst: 60, per: Duration::from_hours(24) },
];
/// Mails asked for, per client, and of those to one address.
const MAIL: Quota = Quota { burst: 30, per: Duration::from_hours(1) };
const MAIL_TO_ONE: Quota = Quota { burst: 5, per: Duration::from_mins(10) };
/// Codes sent to one address, over all clients: with five tries each, six digits are not guessed from many addresses either.
const CODE_ANYWHERE: Quota = Quota { burst: 60, per: Duration::from_hours(1) };
/// Codes tried, per client.
const CODE: Quota = Quota { burst: 30, per: Duration::from_mins(10) };
/// Passwords changed, per client, whosever.
const CHANGE: Quota = Quota { burst: 30, per: Duration::from_mins(10) };
/// Passwords measured, per client.
const MEASURE: Quota = Quota { burst: 60, per: Duration::from_mins(1) };
/// Downloads of all that is known of an account.
const TAKE_OUT: Quota = Quota { burst: 5, per: Duration::from_hours(1) };
/// Messages per person and node: this many at once, and this many a second for ever.
const SEND_BURST: u32 = 20;
const SEND_PER_SECOND: u32 = 5;
/// How long a socket waits for its turn to say something, which it does unless the same person says much elsewhere.
const SEND_PATIENCE: Duration = Duration::from_secs(5);

/// What one client may do in a time.
pub struct Limits {
    enabled: bool,
    bus: Arc<dyn Bus>,
    /// Counts on while the bus is away.
    fallback: LocalBus,
    send: DefaultKeyedRateLimiter<ActorId>,
    /// Clients who guessed too much, and until when they wait. Held for moments only.
    penalties: Mutex<HashMap<String, Instant>>,
    turns: [Turn<()>; TURNS],
    hasher: RandomState,
}

/// A client's turn to try a code, which lasts until it is known whether the code leads somewhere.
#[must_use = "the turn ends when it is dropped"]
pub struct Attempt<'a> {
    _turn: Option<TurnGuard<'a, ()>>,
}

impl Limits {
    /// The limits of a node.
    pub fn new(config: &Config, bus: Arc<dyn Bus>) -> Self {
        let per_second = |n| NonZeroU32::new(n).expect("the constant is not zero");
        let quota = governor::Quota::per_second(per_second(SEND_PER_SECOND)).allow_burst(per_second(SEND_BURST));
        Self {
            enabled: config.rate_limits == RateLimits::On,
            bus,
            fallback: LocalBus::new().0,
            send: governor::RateLimiter::keyed(quota),
            penalties: Mutex::default(),
            turns: array::from_fn(|_| Turn::default()),
            hasher: RandomState::new(),
        }
    }

    /// May this client make another room now?
    pub async fn create(&self, client: IpAddr) -> Result<(), Problem> {
        self.take("create", client, CREATE).await
    }

    /// May this client try another code now? It is asked before its turn and in it, since meanwhile it may have missed.
    pub async fn join(&self, client: IpAddr) -> Result<Attempt<'_>, Problem> {
        if !self.enabled {
            return Ok(Attempt { _turn: None });
        }
        let subject = subject(client);
        self.no_penalty(&subject)?;
        self.take("join", client, JOIN).await?;
        let turn = self.hasher.hash_one(&subject) % TURNS as u64;
        let turn = self.turns[usize::try_from(turn).expect("there are few turns")].lock().await;
        self.no_penalty(&subject)?;
        Ok(Attempt { _turn: Some(turn) })
    }

    fn no_penalty(&self, subject: &str) -> Result<(), Problem> {
        let now = Instant::now();
        let mut penalties = self.penalties.lock().unwrap_or_else(PoisonError::into_inner);
        penalties.retain(|_, until| *until > now);
        match penalties.get(subject) {
            Some(until) => Err(wait(until.duration_since(now))),
            None => Ok(()),
        }
    }

    /// Notes that a client's code led nowhere; too many of them, and it waits before it may try again.
    pub async fn missed(&self, client: IpAddr) {
        if !self.enabled {
            return;
        }
        let subject = subject(client);
        let own = self.throttle(&format!("miss:{subject}"), MISS).await;
        let anywhere = self.throttle("miss", MISS_ANYWHERE).await;
        if let Some(pause) = own.max(anywhere.map(|_| SEARCH_PAUSE)) {
            let until = Instant::now() + pause;
            self.penalties.lock().unwrap_or_else(PoisonError::into_inner).insert(subject, until);
        }
    }

    /// May this client make another account now? The mail that proves its address counts for the address only.
    pub async fn register(&self, client: IpAddr, email: &Email) -> Result<(), Problem> {
        self.take("register", client, REGISTER).await?;
        self.mail_to_one(client, email).await
    }

    /// May this client try a password for an address now? Whether anybody has the address makes no difference.
    pub async fn log_in(&self, client: IpAddr, email: &Email) -> Result<(), Problem> {
        self.take("log-in", client, LOG_IN).await?;
        self.guess(client, &digest(email.as_str().as_bytes())).await
    }

    /// May this client try to confirm something as this account now?
    pub async fn confirm(&self, client: IpAddr, account: AccountId) -> Result<(), Problem> {
        self.guess(client, &digest(account.0.as_bytes())).await
    }

    /// May this client have a mail sent to this address now?
    pub async fn mail(&self, client: IpAddr, email: &Email) -> Result<(), Problem> {
        self.take("mail", client, MAIL).await?;
        self.mail_to_one(client, email).await
    }

    /// Whether another code may be sent to this address, whoever asks for it. It is asked after the answer, which is the same
    /// either way.
    pub async fn code_to(&self, email: &Email) -> bool {
        let key = format!("code:{}", digest(email.as_str().as_bytes()));
        !self.enabled || self.throttle(&key, CODE_ANYWHERE).await.is_none()
    }

    /// May this client try another code or token of a mail now?
    pub async fn try_code(&self, client: IpAddr) -> Result<(), Problem> {
        self.take("code", client, CODE).await
    }

    /// May this client change another password now?
    pub async fn change_password(&self, client: IpAddr) -> Result<(), Problem> {
        self.take("change-password", client, CHANGE).await
    }

    /// May this client have another password measured now?
    pub async fn measure(&self, client: IpAddr) -> Result<(), Problem> {
        self.take("measure", client, MEASURE).await
    }

    /// May this client download what is known of an account now?
    pub async fn take_out(&self, client: IpAddr) -> Result<(), Problem> {
        self.take("take-out", client, TAKE_OUT).await
    }

    /// May this person say something now?
    pub fn send(&self, actor: ActorId) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        self.send
            .check_key(&actor)
            .map_err(|until| wait(until.wait_time_from(governor::clock::DefaultClock::default().now())))
    }

    /// The same, for somebody whose messages are to keep their order: waits until they may, for a while.
    pub async fn send_in_turn(&self, actor: ActorId) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        match timeout(SEND_PATIENCE, self.send.until_key_ready(&actor)).await {
            Ok(()) => Ok(()),
            Err(_) => self.send(actor),
        }
    }

    /// Forgets who has been quiet.
    pub fn shed(&self) {
        self.send.retain_recent();
        self.send.shrink_to_fit();
    }

    /// One try for the account that `whom` stands for. It counts before it is known how it went, so that many at the same
    /// time are counted as well.
    async fn guess(&self, client: IpAddr, whom: &str) -> Result<(), Problem> {
        for (step, quota) in GUESS.into_iter().enumerate() {
            self.take(&format!("guess:{step}:{whom}"), client, quota).await?;
        }
        Ok(())
    }

    async fn mail_to_one(&self, client: IpAddr, email: &Email) -> Result<(), Problem> {
        self.take(&format!("mail:{}", digest(email.as_str().as_bytes())), client, MAIL_TO_ONE).await
    }

    async fn take(&self, what: &str, client: IpAddr, quota: Quota) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        match self.throttle(&format!("{what}:{}", subject(client)), quota).await {
            None => Ok(()),
            Some(pause) => Err(wait(pause)),
        }
    }

    async fn throttle(&self, key: &str, quota: Quota) -> Option<Duration> {
        match self.bus.throttle(key, quota).await {
            Ok(pause) => pause,
            Err(_) => self.fallback.throttle(key, quota).await.ok().flatten(),
        }
    }
}

fn wait(pause: Duration) -> Problem {
    Problem::too_many_requests(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX).max(1))
}

/// What stands for an address or an account on the bus, which has no need to know them.
fn digest(whom: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(whom)[..12])
}

/// Whom a quota counts: an IPv4 address, or an IPv6 network of 64 bits, which is what one household gets.
fn subject(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn the_more_a_client_guesses_the_longer_it_waits_and_nobody_else_does() {
        let (start, passed) = (Instant::now(), Arc::new(Mutex::new(Duration::ZERO)));
        let clock = Arc::clone(&passed);
        let (bus, _news) = LocalBus::with_clock(move || start + *clock.lock().unwrap());
        let limits = Limits::new(&Config::try_parse_from(["anonchat"]).unwrap(), Arc::new(bus));
        let [client, other] = ["203.0.113.1", "203.0.113.2"].map(|address| address.parse().unwrap());
        let [account, another] = [1, 2].map(|id| AccountId(Uuid::from_u128(id)));
        // Somebody who tries again as soon as they may.
        let mut waits = Vec::new();
        for _ in 0..80 {
            let mut waited = Duration::ZERO;
            while let Err(problem) = limits.confirm(client, account).await {
                let wait = Duration::from_millis(problem.retry_after_ms.unwrap());
                *passed.lock().unwrap() += wait;
                waited += wait;
            }
            waits.push(waited);
        }
        assert_eq!(waits[..5], [Duration::ZERO; 5]);
        assert_eq!(waits[5..20], [Duration::from_secs(12); 15]);
        // While they waited, some of the hour's and of the day's tries came back.
        assert_eq!(waits[25..60], [Duration::from_mins(3); 35]);
        assert_eq!(waits[70..], [Duration::from_mins(24); 10]);

        assert!(limits.confirm(client, account).await.is_err());
        assert_eq!(limits.confirm(other, account).await, Ok(()), "nobody locks the owner out");
        assert_eq!(limits.confirm(client, another).await, Ok(()));
    }
}
