//! Limits: how often one client, person or socket may do something.
//!
//! `quotas.rs` has the quotas. [`Limits`] has one function for each action: it takes one unit and returns the refusal
//! with the time to wait. Most quotas are counted on the bus, so over all nodes. While the bus is away, a node counts
//! by itself. Messages and reading are always counted by node. How much text may be stored is in `storage_budgets.rs`.

mod quotas;
mod socket_allowance;

use std::{
    array,
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use governor::{DefaultKeyedRateLimiter, clock::Clock};
use sha2::{Digest, Sha256};
use tokio::{
    sync::{Mutex as Turn, MutexGuard as TurnGuard},
    time::timeout,
};

use self::quotas::{
    ANSWERS, CHANGE, CODE, CODE_TRIES, CODE_TRIES_ANYWHERE, CODES_TO_ONE, CREATE, EXPORT, GUESS, JOIN, KNOWN,
    KNOWN_NETWORKS, LETTERS_TO_ONE, LOG_IN, MAIL, MAIL_TO_ONE, MEASURE, MISS, MISS_ANYWHERE, PEEK, POST, REACT, READ,
    READ_OF_ONE, REGISTER, SAME_MISS, SEARCH, SEARCH_PAUSE, SEND_BURST, SEND_PATIENCE, SEND_PER_SECOND, SETTINGS,
    TAKE_OUT, TOUCH, TURNS,
};
pub use self::socket_allowance::SocketAllowance;
use super::{allowance::Allowances, networks::Network};
use crate::{
    protocol::{Email, Problem, RoomCode},
    server::{
        bus::{Bus, LocalBus, Quota, Wait},
        config::{Config, RateLimits},
        store::{AccountId, ActorId},
    },
};

/// The limits of a node. The module's documentation explains how they are counted.
pub struct Limits {
    enabled: bool,
    bus: Arc<dyn Bus>,
    /// Counts while the bus is away, and always counts reading.
    fallback: LocalBus,
    send: DefaultKeyedRateLimiter<ActorId>,
    answers: Allowances,
    /// Networks that are blocked after too many misses, with the end of each block. Locked for short steps only.
    penalties: Mutex<HashMap<Network, Instant>>,
    search: Mutex<Search>,
    turns: [Turn<()>; TURNS],
    hasher: RandomState,
}

/// What this node knows of a search for codes from many networks. Locked for short steps only.
#[derive(Default)]
struct Search {
    /// Until when a search is assumed to go on.
    until: Option<Instant>,
    /// Known networks: somebody has found a room from each, and this is when that last happened.
    known: HashMap<Network, Instant>,
    /// The last misses that were counted. There are few, because misses have quotas.
    misses: HashMap<(Network, RoomCode), Instant>,
}

/// A client's turn to try a code. Hold it until the outcome is counted ([`Limits::missed`] or [`Limits::found`]).
#[must_use = "the turn ends when it is dropped"]
pub struct Attempt<'a> {
    _turn: Option<TurnGuard<'a, ()>>,
}

impl Limits {
    /// The limits of a node with these settings.
    pub fn new(config: &Config, bus: Arc<dyn Bus>) -> Self {
        let per_second = |n| NonZeroU32::new(n).expect("the constant is not zero");
        let quota = governor::Quota::per_second(per_second(SEND_PER_SECOND)).allow_burst(per_second(SEND_BURST));
        Self {
            enabled: config.rate_limits == RateLimits::On,
            bus,
            fallback: LocalBus::new().0,
            send: governor::RateLimiter::keyed(quota),
            answers: Allowances::of(ANSWERS),
            penalties: Mutex::default(),
            search: Mutex::default(),
            turns: array::from_fn(|_| Turn::default()),
            hasher: RandomState::new(),
        }
    }

    /// Checks whether this client may make another room.
    pub async fn create(&self, client: IpAddr) -> Result<(), Problem> {
        self.take("create", client, CREATE).await
    }

    /// Checks whether this client may try to join by another code, and waits for its turn.
    pub async fn join(&self, client: IpAddr) -> Result<Attempt<'_>, Problem> {
        self.try_room_code("join", client, JOIN).await
    }

    /// Checks whether this client may ask what another code leads to, and waits for its turn. It is a try like joining,
    /// with the same blocks. Only its quota is separate, because most people who join have asked first.
    pub async fn peek(&self, client: IpAddr) -> Result<Attempt<'_>, Problem> {
        self.try_room_code("peek", client, PEEK).await
    }

    /// The blocks are checked before and after the wait for the turn, since a miss may have been counted meanwhile.
    async fn try_room_code(&self, what: &str, client: IpAddr, quota: Quota) -> Result<Attempt<'_>, Problem> {
        if !self.enabled {
            return Ok(Attempt { _turn: None });
        }
        self.no_penalty(client)?;
        self.take(what, client, quota).await?;
        // All clients of one large network share a lock, so that each is checked after the misses before it were
        // counted.
        let widest = Network::all_of(client).last().map(|(network, _)| network);
        let turn = self.hasher.hash_one(widest) % TURNS as u64;
        let turn = self.turns[usize::try_from(turn).expect("there are few turns")].lock().await;
        self.no_penalty(client)?;
        self.no_search(client).await?;
        Ok(Attempt { _turn: Some(turn) })
    }

    /// Records that this client's code led to a room.
    pub fn found(&self, client: IpAddr) {
        let known = &mut self.search().known;
        let network = Network::of(client);
        if known.len() < KNOWN_NETWORKS || known.contains_key(&network) {
            known.insert(network, Instant::now());
        }
    }

    fn no_penalty(&self, client: IpAddr) -> Result<(), Problem> {
        let now = Instant::now();
        let mut penalties = self.penalties.lock().unwrap_or_else(PoisonError::into_inner);
        penalties.retain(|_, until| *until > now);
        match Network::all_of(client).filter_map(|(network, _)| penalties.get(&network)).max() {
            Some(until) => Err(wait(until.duration_since(now))),
            None => Ok(()),
        }
    }

    /// While a search goes on, a client of an unknown network may try a code only if a unit of [`MISS_ANYWHERE`] is
    /// left.
    async fn no_search(&self, client: IpAddr) -> Result<(), Problem> {
        let is_free = {
            let search = self.search();
            search.until.is_none_or(|until| until <= Instant::now()) || search.known.contains_key(&Network::of(client))
        };
        if is_free {
            return Ok(());
        }
        match self.throttle("miss", MISS_ANYWHERE).await {
            None => Ok(()),
            Some(pause) => {
                self.search().until = Some(Instant::now() + SEARCH_PAUSE);
                Err(wait(pause))
            }
        }
    }

    fn search(&self) -> MutexGuard<'_, Search> {
        // Each change leaves the value consistent, so a panic of another holder does no harm.
        self.search.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts that a client's code led to no room. When a quota is used up, the client's network is blocked for a time.
    /// The same code from the same network counts once in [`SAME_MISS`]: who tries it again learns nothing new.
    pub async fn missed(&self, client: IpAddr, code: RoomCode) {
        if !self.enabled || !self.is_new_miss(client, code) {
            return;
        }
        let own = self.throttle_all(&takes("miss", client, MISS)).await;
        let anywhere = self.throttle("miss", MISS_ANYWHERE).await;
        let now = Instant::now();
        let mut penalties = self.penalties.lock().unwrap_or_else(PoisonError::into_inner);
        let mut punish = |network, pause| {
            let until = penalties.entry(network).or_insert(now);
            *until = (*until).max(now + pause);
        };
        if let Some(Wait { which, pause }) = own
            && let Some((network, _)) = Network::all_of(client).nth(which)
        {
            punish(network, pause);
        }
        if anywhere.is_some() {
            punish(Network::of(client), SEARCH_PAUSE);
            drop(penalties);
            self.search().until = Some(now + SEARCH_PAUSE);
        }
    }

    /// Whether nobody of this client's network has missed with this code lately. Remembers the miss.
    fn is_new_miss(&self, client: IpAddr, code: RoomCode) -> bool {
        let (now, miss) = (Instant::now(), (Network::of(client), code));
        let misses = &mut self.search().misses;
        let is_new = misses.get(&miss).is_none_or(|at| now.duration_since(*at) >= SAME_MISS);
        if is_new {
            misses.insert(miss, now);
        }
        is_new
    }

    /// Checks whether this client may make another account. The mail that proves the address counts in the quota of
    /// that address, but not in the client's quota of mails.
    pub async fn register(&self, client: IpAddr, email: &Email) -> Result<(), Problem> {
        self.take("register", client, REGISTER).await?;
        self.mail_to_one(client, email).await
    }

    /// Checks whether this client may try a password for an address. It makes no difference whether an account has the
    /// address.
    pub async fn log_in(&self, client: IpAddr, email: &Email) -> Result<(), Problem> {
        self.take("log-in", client, LOG_IN).await?;
        self.guess(client, &digest(email.as_str().as_bytes())).await
    }

    /// Checks whether this client may try to confirm an action as this account.
    pub async fn confirm(&self, client: IpAddr, account: AccountId) -> Result<(), Problem> {
        self.guess(client, &digest(account.0.as_bytes())).await
    }

    /// Checks whether this client may have a mail sent to this address.
    pub async fn mail(&self, client: IpAddr, email: &Email) -> Result<(), Problem> {
        self.take("mail", client, MAIL).await?;
        self.mail_to_one(client, email).await
    }

    /// Whether another code may be sent to this address. The answer to the client must be the same either way.
    /// `is_known` says whether the browser was logged in with the address.
    pub async fn code_to(&self, email: &Email, is_known: bool) -> bool {
        self.to_mailbox("codes", email, is_known, CODES_TO_ONE).await
    }

    /// Whether another letter of any other kind may be sent to this address, as for [`code_to`](Self::code_to).
    pub async fn letter_to(&self, email: &Email, is_known: bool) -> bool {
        self.to_mailbox("letters", email, is_known, LETTERS_TO_ONE).await
    }

    /// Counts a try for this address and returns whether its outcome may be used. If not, answer as for a wrong code.
    /// Call this for each code that was compared with a stored one, right or wrong, before answering.
    pub async fn may_judge_code(&self, email: &Email, is_known: bool) -> bool {
        if !self.enabled {
            return true;
        }
        let whom = digest(email.as_str().as_bytes());
        let mut judges = true;
        for (step, quota) in CODE_TRIES.into_iter().enumerate() {
            judges &= self.throttle(&format!("code-tries:{step}:{is_known}:{whom}"), quota).await.is_none();
        }
        if !is_known {
            judges &= self.throttle("code-tries", CODE_TRIES_ANYWHERE).await.is_none();
        }
        judges
    }

    async fn to_mailbox(&self, what: &str, email: &Email, is_known: bool, quota: Quota) -> bool {
        let key = format!("{what}:{is_known}:{}", digest(email.mailbox().as_bytes()));
        !self.enabled || self.throttle(&key, quota).await.is_none()
    }

    /// Checks whether this client may try another code or token of a mail.
    pub async fn try_code(&self, client: IpAddr) -> Result<(), Problem> {
        self.take("code", client, CODE).await
    }

    /// Checks whether this client may change another password.
    pub async fn change_password(&self, client: IpAddr) -> Result<(), Problem> {
        self.take("change-password", client, CHANGE).await
    }

    /// Checks whether this client may have the strength of another password estimated.
    pub async fn measure(&self, client: IpAddr) -> Result<(), Problem> {
        self.take("measure", client, MEASURE).await
    }

    /// Checks whether this client may download what is stored about an account.
    pub async fn take_out(&self, client: IpAddr) -> Result<(), Problem> {
        self.take("take-out", client, TAKE_OUT).await
    }

    /// Checks whether this client may download the messages of a room.
    pub async fn export(&self, client: IpAddr) -> Result<(), Problem> {
        self.take("export", client, EXPORT).await
    }

    /// Checks whether this person may change another of their settings.
    pub async fn change_setting(&self, person: ActorId) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        let (kind, id) = match person {
            ActorId::Guest(guest) => ("guest", guest.0),
            ActorId::Account(account) => ("account", account.0),
        };
        match self.throttle(&format!("settings:{kind}:{}", digest(id.as_bytes())), SETTINGS).await {
            None => Ok(()),
            Some(pause) => Err(wait(pause)),
        }
    }

    /// Checks whether this person may send a message, or do something else that becomes an event.
    pub fn send(&self, actor: ActorId) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        self.send
            .check_key(&actor)
            .map_err(|until| wait(until.wait_time_from(governor::clock::DefaultClock::default().now())))
    }

    /// Like [`send`](Self::send), but waits for up to `SEND_PATIENCE` first. A socket uses this, so that its messages
    /// keep their order.
    pub async fn send_in_turn(&self, actor: ActorId) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        match timeout(SEND_PATIENCE, self.send.until_key_ready(&actor)).await {
            Ok(()) => Ok(()),
            Err(_) => self.send(actor),
        }
    }

    /// Checks whether this person may change another earlier message.
    pub async fn touch(&self, actor: ActorId) -> Result<(), Problem> {
        self.take_as(actor, "touch", TOUCH).await
    }

    /// Checks whether this person may search messages once more.
    pub async fn search_messages(&self, actor: ActorId) -> Result<(), Problem> {
        self.take_as(actor, "search", SEARCH).await
    }

    /// Checks whether this person may react once more.
    pub async fn react(&self, actor: ActorId) -> Result<(), Problem> {
        self.take_as(actor, "react", REACT).await
    }

    /// Checks whether this client may read a page or other data. The bytes of earlier answers count as well.
    pub async fn read(&self, client: IpAddr) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        let pause = self.answers.wait(client, Instant::now());
        if !pause.is_zero() {
            return Err(wait(pause));
        }
        self.take_here(&takes("read", client, READ)).await
    }

    /// Checks whether this person may read a page or other data.
    pub async fn read_as(&self, actor: ActorId) -> Result<(), Problem> {
        self.take_as(actor, "read", READ_OF_ONE).await
    }

    /// Takes one unit from a person's quota on this node.
    async fn take_as(&self, actor: ActorId, kind: &str, quota: Quota) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        self.take_here(&[(format!("{kind}:{actor:?}"), quota)]).await
    }

    /// Checks whether this person may post to a stream.
    pub async fn post_as(&self, actor: ActorId) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        self.take_here(&[(format!("post:{actor:?}"), POST)]).await
    }

    /// Counts `bytes` that were answered to this client.
    pub fn answered(&self, client: IpAddr, bytes: u64) {
        if self.enabled {
            self.answers.spend(client, bytes, Instant::now());
        }
    }

    /// The allowance of a new socket.
    pub fn of_socket(&self) -> SocketAllowance {
        SocketAllowance::full(self.enabled)
    }

    /// Counts on this node only, since reading and posting are too frequent for a call to the bus each time.
    async fn take_here(&self, takes: &[(String, Quota)]) -> Result<(), Problem> {
        match self.fallback.throttle_all(takes).await.ok().flatten() {
            None => Ok(()),
            Some(Wait { pause, .. }) => Err(wait(pause)),
        }
    }

    /// Frees the memory of clients and persons whose quotas are full again, and of networks that are no longer known.
    pub fn drop_idle(&self) {
        self.send.retain_recent();
        self.send.shrink_to_fit();
        let now = Instant::now();
        self.answers.drop_idle(now);
        let Search { known, misses, .. } = &mut *self.search();
        known.retain(|_, found_at| now.duration_since(*found_at) < KNOWN);
        misses.retain(|_, missed_at| now.duration_since(*missed_at) < SAME_MISS);
    }

    /// Counts one try for the account that `whom` stands for. It is counted before its outcome is known, so that many
    /// tries at the same time are all counted.
    async fn guess(&self, client: IpAddr, whom: &str) -> Result<(), Problem> {
        let steps = GUESS.into_iter().enumerate();
        let all = steps.flat_map(|(step, quota)| takes(&format!("guess:{step}:{whom}"), client, quota));
        self.take_all(&all.collect::<Vec<_>>()).await
    }

    async fn mail_to_one(&self, client: IpAddr, email: &Email) -> Result<(), Problem> {
        self.take(&format!("mail:{}", digest(email.mailbox().as_bytes())), client, MAIL_TO_ONE).await
    }

    async fn take(&self, what: &str, client: IpAddr, quota: Quota) -> Result<(), Problem> {
        self.take_all(&takes(what, client, quota)).await
    }

    async fn take_all(&self, takes: &[(String, Quota)]) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        match self.throttle_all(takes).await {
            None => Ok(()),
            Some(Wait { pause, .. }) => Err(wait(pause)),
        }
    }

    async fn throttle(&self, key: &str, quota: Quota) -> Option<Duration> {
        self.throttle_all(&[(key.to_owned(), quota)]).await.map(|wait| wait.pause)
    }

    async fn throttle_all(&self, takes: &[(String, Quota)]) -> Option<Wait> {
        match self.bus.throttle_all(takes).await {
            Ok(wait) => wait,
            Err(_) => self.fallback.throttle_all(takes).await.ok().flatten(),
        }
    }
}

fn wait(pause: Duration) -> Problem {
    Problem::too_many_requests(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX).max(1))
}

/// A short hash that stands for an address or an account in the keys on the bus, so that the bus does not contain
/// these.
pub(super) fn digest(whom: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(whom)[..12])
}

/// One unit of a quota for each network that a client belongs to. Wider networks have a multiple of the quota.
fn takes(what: &str, client: IpAddr, quota: Quota) -> Vec<(String, Quota)> {
    Network::all_of(client).map(|(network, times)| (format!("{what}:{network}"), quota.times(times))).collect()
}

#[cfg(test)]
mod tests;
