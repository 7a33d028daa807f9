//! Storage budgets: how many bytes may be stored in a day. Each client, each room and each person has a budget, counted
//! over all nodes. Only what goes into rooms that keep their log counts. These budgets are in addition to the limits on
//! the number of messages.
//!
//! A message usually needs no call to the bus. A node takes [`CHUNK`] bytes at a time from a budget on the bus, and
//! spends them in memory. Bytes that it has not spent when it drops a subject, or stops, are lost.
//!
//! [`StorageBudgets`] also refuses to store text when the disk of the embedded store is almost full.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use super::{limits::digest, networks::Network};
use crate::{
    protocol::{Code, Problem, Reason},
    server::{
        bus::{Bus, LocalBus, Quota},
        config::{Config, RateLimits},
        disk::{Disk, Space},
        store::{ActorId, RoomId},
    },
};

const DAY: Duration = Duration::from_hours(24);
const KIB: u32 = 1024;
/// The bytes that a node takes from a budget at a time, and the unit of the budgets. It is larger than any event.
const CHUNK: u32 = 64 * KIB;
/// The number of chunks in a MiB.
const OF_A_MIB: u32 = 16;
/// The budget of a client for a day, in chunks. For comparison: 200 people behind one address who each send 2,000
/// messages a day store 130 MiB.
const CLIENT: Quota = Quota { burst: 256 * OF_A_MIB, per: DAY };
/// The budget of a room for a day, in chunks.
const ROOM: Quota = Quota { burst: 128 * OF_A_MIB, per: DAY };
/// The budget of a person for a day, in chunks.
const PERSON: Quota = Quota { burst: 16 * OF_A_MIB, per: DAY };
/// The estimated bytes of an event beside its text: its row and the index entries.
const EVENT: usize = 128;
/// The estimated bytes of a room without its messages, or of a membership: the row, and the events of joining and
/// leaving.
const RECORD: usize = 1024;
/// How long a node remembers the unspent bytes of a subject that is not used.
const IDLE: Duration = Duration::from_hours(1);
/// The time to wait before trying again while the disk is almost full.
const DISK_PAUSE: Duration = Duration::from_mins(1);

/// The owner of a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Subject {
    Client(IpAddr),
    Room(RoomId),
    Person(ActorId),
}

impl Subject {
    /// The subject's budgets, by their keys on the bus. A client has one in each of its networks.
    fn budgets(self) -> Vec<(String, Quota)> {
        match self {
            Self::Client(client) => {
                let of = |(network, times): (Network, u32)| {
                    (format!("kept:client:{network}"), Quota { burst: CLIENT.burst * times, ..CLIENT })
                };
                Network::all_of(client).map(of).collect()
            }
            Self::Room(room) => vec![(format!("kept:room:{room}"), ROOM)],
            Self::Person(ActorId::Guest(guest)) => vec![(format!("kept:guest:{}", digest(guest.0.as_bytes())), PERSON)],
            Self::Person(ActorId::Account(account)) => {
                vec![(format!("kept:account:{}", digest(account.0.as_bytes())), PERSON)]
            }
        }
    }
}

/// The bytes of a subject that this node has taken from the bus and may still spend.
struct Allowance {
    bytes: u32,
    used_at: Instant,
}

/// The budgets of a node, and its check of the disk.
pub struct StorageBudgets {
    enabled: bool,
    bus: Arc<dyn Bus>,
    /// Counts while the bus is away.
    fallback: LocalBus,
    /// The disk of the embedded store. `None` with MongoDB, which watches its own disk.
    disk: Option<Disk>,
    /// Locked for short steps only.
    allowances: Mutex<HashMap<Subject, Allowance>>,
}

impl StorageBudgets {
    /// The budgets of a node with these settings.
    pub fn new(config: &Config, bus: Arc<dyn Bus>) -> Self {
        let is_embedded = config.store.mongo_uri.is_none();
        Self {
            enabled: config.rate_limits == RateLimits::On,
            bus,
            fallback: LocalBus::new().0,
            disk: is_embedded.then(|| Disk::of(&config.data_dir, config.disk_floor_mib)),
            allowances: Mutex::default(),
        }
    }

    /// Checks whether this person may make a room that keeps its log.
    pub async fn make_room(&self, client: IpAddr, person: Option<ActorId>) -> Result<(), Problem> {
        self.has_space(person)?;
        // On a low disk accounts may still write into existing rooms, but nobody gets a new room.
        if self.space() > Space::Enough {
            return Err(disk_low());
        }
        self.take([Some(Subject::Client(client)), person.map(Subject::Person), None], RECORD).await
    }

    /// Checks whether somebody may become a member of a room that keeps its log.
    pub async fn join(&self, client: IpAddr, room: RoomId) -> Result<(), Problem> {
        self.take([Some(Subject::Client(client)), Some(Subject::Room(room)), None], RECORD).await
    }

    /// Checks whether this person may store `text` bytes of text in a room that keeps its log.
    pub async fn keep(&self, client: IpAddr, person: ActorId, room: RoomId, text: usize) -> Result<(), Problem> {
        self.has_space(Some(person))?;
        let subjects = [Subject::Client(client), Subject::Room(room), Subject::Person(person)];
        self.take(subjects.map(Some), EVENT + text).await
    }

    /// How much space the disk has. Called at start as well, so that a low disk is logged then.
    pub fn space(&self) -> Space {
        self.disk.as_ref().map_or(Space::Enough, Disk::space)
    }

    /// Drops the subjects that were not used for an hour.
    pub fn drop_idle(&self) {
        let mut allowances = self.allowances();
        allowances.retain(|_, allowance| allowance.used_at.elapsed() < IDLE);
        allowances.shrink_to_fit();
    }

    /// Refuses guests on a low disk, and everybody on a full one.
    fn has_space(&self, person: Option<ActorId>) -> Result<(), Problem> {
        match (self.space(), person) {
            (Space::Enough, _) | (Space::Low, Some(ActorId::Account(_))) => Ok(()),
            _ => Err(disk_low()),
        }
    }

    /// Spends `bytes` of each subject. A subject that has too few gets another chunk from the bus first. If the bus
    /// refuses one, the text is refused with the longest wait.
    async fn take(&self, subjects: [Option<Subject>; 3], bytes: usize) -> Result<(), Problem> {
        if !self.enabled {
            return Ok(());
        }
        let bytes = u32::try_from(bytes).unwrap_or(CHUNK).min(CHUNK);
        if self.try_spend(&subjects, bytes) {
            return Ok(());
        }
        let lacking: Vec<Subject> = {
            let allowances = self.allowances();
            let has = |subject: &Subject| allowances.get(subject).is_some_and(|left| left.bytes >= bytes);
            subjects.iter().flatten().filter(|subject| !has(subject)).copied().collect()
        };
        let pauses = join_all(lacking.iter().map(|subject| self.throttle(*subject))).await;
        {
            let mut allowances = self.allowances();
            for (subject, pause) in lacking.iter().zip(&pauses) {
                let left = allowances.entry(*subject).or_insert(Allowance { bytes: 0, used_at: Instant::now() });
                // A refusal sets the rest to 0. Otherwise a smaller message that was sent later could be stored before
                // the refused one.
                left.bytes = if pause.is_none() { left.bytes.saturating_add(CHUNK) } else { 0 };
            }
        }
        if let Some(pause) = pauses.into_iter().flatten().max() {
            return Err(kept_too_much(pause));
        }
        // If other messages have spent the bytes meanwhile, this one is stored without being counted; it is smaller
        // than a chunk.
        self.try_spend(&subjects, bytes);
        Ok(())
    }

    /// Spends `bytes` of every subject, if each has that many. Otherwise spends nothing and returns false.
    fn try_spend(&self, subjects: &[Option<Subject>; 3], bytes: u32) -> bool {
        let mut allowances = self.allowances();
        let enough = |subject: &Subject| allowances.get(subject).is_some_and(|left| left.bytes >= bytes);
        if !subjects.iter().flatten().all(enough) {
            return false;
        }
        let now = Instant::now();
        for subject in subjects.iter().flatten() {
            if let Some(left) = allowances.get_mut(subject) {
                *left = Allowance { bytes: left.bytes - bytes, used_at: now };
            }
        }
        true
    }

    async fn throttle(&self, subject: Subject) -> Option<Duration> {
        let budgets = subject.budgets();
        let wait = match self.bus.throttle_all(&budgets).await {
            Ok(wait) => wait,
            Err(_) => self.fallback.throttle_all(&budgets).await.ok().flatten(),
        };
        wait.map(|wait| wait.pause)
    }

    fn allowances(&self) -> MutexGuard<'_, HashMap<Subject, Allowance>> {
        // Each change leaves the map consistent, so a panic of another holder does no harm.
        self.allowances.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kept_too_much(pause: Duration) -> Problem {
    // Rounded up, so that a client that waits exactly that long is not refused again.
    Problem::kept_too_much(u64::try_from(pause.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX))
}

fn disk_low() -> Problem {
    let detail = "The server is almost out of space and can’t save anything new. Nothing was lost. Try again later.";
    let retry_after_ms = u64::try_from(DISK_PAUSE.as_millis()).ok();
    Problem { retry_after_ms, ..Problem::new(Code::StoreUnavailable, detail).with_reason(Reason::DiskLow) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use uuid::Uuid;

    use super::*;
    use crate::server::store::{AccountId, GuestId};

    fn budgets(args: &[&str]) -> (StorageBudgets, Arc<Mutex<Duration>>) {
        let (start, passed) = (Instant::now(), Arc::new(Mutex::new(Duration::ZERO)));
        let clock = Arc::clone(&passed);
        let (bus, _news) = LocalBus::with_clock(move || start + *clock.lock().unwrap());
        (StorageBudgets::new(&Config::try_parse_from([&["anonchat"], args].concat()).unwrap(), Arc::new(bus)), passed)
    }

    fn guest(id: u128) -> ActorId {
        ActorId::Guest(GuestId(Uuid::from_u128(id)))
    }

    fn room(id: u128) -> RoomId {
        RoomId(Uuid::from_u128(id))
    }

    fn client(n: u8) -> IpAddr {
        IpAddr::from([203, 0, 113, n])
    }

    /// Stores texts of 16,000 bytes until one is refused. Returns the stored bytes and the refusal.
    async fn fill(
        budgets: &StorageBudgets,
        client: IpAddr,
        person: impl Fn(u128) -> ActorId,
        room: RoomId,
    ) -> (u64, Problem) {
        let mut bytes = 0;
        for n in 0.. {
            match budgets.keep(client, person(n), room, 16_000).await {
                Ok(()) => bytes += 16_000,
                Err(problem) => return (bytes, problem),
            }
        }
        unreachable!("nobody keeps so much")
    }

    #[tokio::test]
    async fn a_person_a_room_and_a_client_each_have_a_budget_of_their_own() {
        const MIB: u64 = 1024 * 1024;
        let (budgets, passed) = budgets(&["--disk-floor-mib", "0"]);
        let (of_one, problem) = fill(&budgets, client(1), |_| guest(1), room(1)).await;
        assert!((15 * MIB..=16 * MIB).contains(&of_one), "{of_one}");
        assert_eq!((problem.code, problem.reason), (Code::TooManyRequests, Some(Reason::KeptTooMuch)));
        // 64 KiB of 16 MiB are refilled in 1/256 of a day.
        let wait = problem.retry_after_ms.unwrap();
        assert!((300_000..=340_000).contains(&wait), "{wait}");
        // Other persons go on up to the room's budget. Then another room goes on up to the client's budget.
        let (of_room, _) = fill(&budgets, client(1), |n| guest(1_000 + n), room(1)).await;
        assert!((100 * MIB..=128 * MIB).contains(&(of_one + of_room)), "{of_room}");
        let (of_client, _) = fill(&budgets, client(1), |n| guest(1_000_000 + n), room(2)).await;
        let all = of_one + of_room + of_client;
        assert!((230 * MIB..=256 * MIB).contains(&all), "{all}");
        let others = budgets.keep(client(2), guest(2), room(3), 16_000).await;
        assert_eq!(others, Ok(()), "nobody waits for what others kept");

        *passed.lock().unwrap() += Duration::from_millis(wait);
        assert_eq!(budgets.keep(client(3), guest(1), room(4), 16_000).await, Ok(()), "it says when to come back");
    }

    #[tokio::test]
    async fn a_class_behind_one_address_chats_all_day_and_meets_no_budget() {
        let (budgets, _) = budgets(&["--disk-floor-mib", "0"]);
        for n in 0..200_000_u128 {
            // 200 people send 1,000 messages each in 8 rooms, all at once.
            budgets.keep(client(1), guest(n % 200), room(n % 8), 200).await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_ordinary_message_asks_the_bus_for_nothing() {
        let (budgets, _) = budgets(&["--disk-floor-mib", "0"]);
        budgets.keep(client(1), guest(1), room(1), 200).await.unwrap();
        // From here on the bus is not needed.
        let subjects = [Subject::Client(client(1)), Subject::Room(room(1)), Subject::Person(guest(1))].map(Some);
        let given = (0..190).all(|_| budgets.try_spend(&subjects, 328));
        assert!(given, "64 KiB are given out without asking");
        assert!(!budgets.try_spend(&subjects, 64 * KIB));
    }

    #[tokio::test]
    async fn nodes_share_the_budgets_and_nothing_small_overtakes_what_was_refused() {
        let bus: Arc<dyn Bus> = Arc::new(LocalBus::new().0);
        let config = Config::try_parse_from(["anonchat", "--disk-floor-mib", "0"]).unwrap();
        let [one, two] = [0, 1].map(|_| StorageBudgets::new(&config, Arc::clone(&bus)));
        let (of_one, _) = fill(&one, client(1), |_| guest(1), room(1)).await;
        let (of_two, _) = fill(&two, client(2), |_| guest(1), room(2)).await;
        assert!(of_one > 15 * 1024 * 1024 && of_two < 64 * 1024, "{of_one} and {of_two}");
        for node in [&one, &two] {
            assert!(node.keep(client(1), guest(1), room(1), 1).await.is_err(), "one letter neither");
        }
    }

    #[tokio::test]
    async fn below_the_floor_only_accounts_are_kept_and_no_room_is_made() {
        let all = u64::MAX / (1024 * 1024);
        let (out, _) = budgets(&["--disk-floor-mib", &all.to_string(), "--data-dir", "/tmp"]);
        let account = ActorId::Account(AccountId(Uuid::from_u128(1)));
        for person in [guest(1), account] {
            let refused = out.keep(client(1), person, room(1), 1).await.unwrap_err();
            assert_eq!((refused.code, refused.reason), (Code::StoreUnavailable, Some(Reason::DiskLow)));
            assert!(refused.is_transient() && refused.retry_after_ms.is_some());
        }
        assert!(out.make_room(client(1), None).await.is_err());
        // Switching the quotas off does not switch off the check of the disk.
        let (off, _) = budgets(&["--disk-floor-mib", &all.to_string(), "--data-dir", "/tmp", "--rate-limits", "off"]);
        assert!(off.keep(client(1), guest(1), room(1), 1).await.is_err());
        let (mongo, _) = budgets(&["--disk-floor-mib", &all.to_string(), "--mongo-uri", "mongodb://127.0.0.1"]);
        assert_eq!(mongo.keep(client(1), guest(1), room(1), 1).await, Ok(()), "MongoDB looks after its own disk");
    }
}
