//! Floor 3: what a node is made of, and who asks it for something.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use governor::{DefaultKeyedRateLimiter, clock::Clock};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    bus::{Bus, LocalBus, Quota},
    config::{Config, RateLimits},
    keys::Keys,
    mail::{Letterhead, Mailer},
    room::Engine,
    socket::Pulse,
    store::{ActorId, GuestRecord, Store},
};
use crate::protocol::{Code, Problem};

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
/// Messages per person and node: this many at once, and this many a second for ever.
const SEND_BURST: u32 = 20;
const SEND_PER_SECOND: u32 = 5;

/// A node: its settings, its drivers, its engine. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The settings.
    pub config: Arc<Config>,
    /// The durable truth.
    pub store: Arc<dyn Store>,
    /// What nodes share.
    pub bus: Arc<dyn Bus>,
    /// The live rooms.
    pub engine: Engine,
    /// What one client may do in a time.
    pub limits: Arc<Limits>,
    /// What tokens are signed with, and the secrets in mails made.
    pub keys: Arc<Keys>,
    /// The way out for mails.
    pub mailer: Arc<dyn Mailer>,
    /// What all mails have in common.
    pub letterhead: Arc<Letterhead>,
    /// Notified when this node put a mail into the outbox, which is then sent at once.
    pub mail_waits: Arc<Notify>,
    /// Cancelled when the node begins to stop: nothing new is read.
    pub stopping: CancellationToken,
    /// Cancelled when every room has finished what it took: sockets may say goodbye.
    pub drained: CancellationToken,
    /// The open sockets, to wait for their goodbyes.
    pub sockets: TaskTracker,
    /// What pings them.
    pub pulse: Pulse,
}

/// Who acts.
#[derive(Clone, Debug)]
pub enum Actor {
    /// Somebody without an account.
    Guest(GuestRecord),
}

impl Actor {
    /// Who they are across rooms.
    pub fn id(&self) -> ActorId {
        match self {
            Self::Guest(guest) => ActorId::Guest(guest.id),
        }
    }
}

/// Who asks: the client, and the actor if their session is known.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Whom the session proves; `None` before the first create or join.
    pub actor: Option<Actor>,
    /// Where they ask from.
    pub client: IpAddr,
}

impl Visitor {
    /// The actor, or the refusal for somebody without a session.
    pub fn actor(&self) -> Result<&Actor, Problem> {
        self.actor.as_ref().ok_or_else(|| {
            Problem::new(Code::NoSession, "You are not in a room yet. Make one, or join one by its code.")
        })
    }
}

/// What one client may do in a time.
pub struct Limits {
    enabled: bool,
    bus: Arc<dyn Bus>,
    /// Counts on while the bus is away.
    fallback: LocalBus,
    send: DefaultKeyedRateLimiter<ActorId>,
    /// Clients who guessed too much, and until when they wait. Held for moments only.
    penalties: Mutex<HashMap<String, Instant>>,
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
        }
    }

    /// May this client make another room now?
    pub async fn create(&self, client: IpAddr) -> Result<(), Problem> {
        self.take("create", client, CREATE).await
    }

    /// May this client try another code now?
    pub async fn join(&self, client: IpAddr) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        let now = Instant::now();
        {
            let mut penalties = self.penalties.lock().unwrap_or_else(PoisonError::into_inner);
            penalties.retain(|_, until| *until > now);
            if let Some(until) = penalties.get(&subject(client)) {
                return Err(wait(until.duration_since(now)));
            }
        }
        self.take("join", client, JOIN).await
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

    /// May this person say something now?
    pub fn send(&self, actor: ActorId) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        self.send
            .check_key(&actor)
            .map_err(|until| wait(until.wait_time_from(governor::clock::DefaultClock::default().now())))
    }

    /// Forgets who has been quiet.
    pub fn shed(&self) {
        self.send.retain_recent();
        self.send.shrink_to_fit();
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
