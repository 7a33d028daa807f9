//! The keeper: sends every watching socket of this node the changes of its account's list of rooms.
//!
//! One loop serves the whole node. A few times a second (one *round*) it reads two things from the bus: the digests of
//! all rooms in any watched list, and the versions of all watched accounts. A raised version means that the account's
//! rooms or its own records changed, so its rooms are read from the store again. Then the loop compares each list with
//! what each socket was sent last, and sends the difference.
//!
//! The loop compares states and forwards no events, so a lost notification is repaired by a later round. A socket that
//! has not taken its last frame is skipped, and gets the newest state once it has caught up.
//!
//! Store reads run as tasks beside the loop, so a slow store does not delay changes that come from the bus.
//!
//! `watched.rs` has the lists, and the words *change* and *place*.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    gathering::gather,
    known::{Compared, Known},
    watched::{Account, Place, Wanted},
};
use crate::{
    protocol::Seq,
    server::{
        app::{App, WatchId},
        bus::Digest,
        clock, metrics,
        socket::Connection,
        store::{AccountId, RoomId, RoomRecord, StoreError},
    },
};

/// The pause between two rounds, and the shorter one that applies when a socket has just begun to watch.
const ROUND: Duration = Duration::from_millis(250);
const SHORT_ROUND: Duration = Duration::from_millis(50);
/// Added pause for each room that is watched on this node, which bounds the load to 40,000 digests a second.
const ROUND_PER_ROOM: Duration = Duration::from_micros(25);
/// The least pause between two store reads of one account's rooms. It grows with the number of places that are watched
/// on this node, which bounds the load to 40,000 records a second.
const READ_AGAIN: Duration = Duration::from_millis(200);
const READ_AGAIN_PER_PLACE: Duration = Duration::from_micros(25);
/// How often an account's rooms are read although its version did not change, and all that is known of these rooms is
/// read anew. The shorter interval holds while the bus is unreachable, because then no version can be raised.
const CHECK: Duration = Duration::from_secs(30);
const CHECK_WITHOUT_BUS: Duration = Duration::from_secs(2);
/// Store reads of accounts' rooms that run at the same time.
const READS: usize = 16;

/// Runs the keeper until the node stops.
pub async fn keep(app: App) {
    let stopping = app.stopping.clone();
    let mut keeper = Keeper::new(app);
    while stopping.run_until_cancelled(keeper.step()).await.is_some() {}
}

struct Keeper {
    app: App,
    /// Whether any socket watches a list, as of the last round. Without watchers no rounds run.
    is_watched: bool,
    /// The change up to which each watch has been sent its list.
    sent: HashMap<WatchId, u64>,
    accounts: HashMap<AccountId, Account>,
    known: HashMap<RoomId, Known>,
    /// Rooms of which a store read brought something new since the last round. Other accounts' lists may have them too.
    learned: HashSet<RoomId>,
    /// Whether `known` may have rooms that are in no list any more.
    has_leftovers: bool,
    /// Accounts whose rooms are to be read, in order of request, and the reads that are running.
    queue: VecDeque<AccountId>,
    reads: JoinSet<Read>,
    /// Number of the latest change. Incremented whenever lists are rewritten.
    change: u64,
    bus_is_away: bool,
    round_at: Instant,
    next_round: Instant,
}

/// The result of one store read of an account's rooms.
struct Read {
    account: AccountId,
    wanted: Wanted,
    version: Option<u64>,
    found: Result<(Vec<Place>, HashMap<RoomId, Known>), StoreError>,
}

impl Keeper {
    fn new(app: App) -> Self {
        let now = Instant::now();
        Self {
            app,
            is_watched: false,
            sent: HashMap::new(),
            accounts: HashMap::new(),
            known: HashMap::new(),
            learned: HashSet::new(),
            has_leftovers: false,
            queue: VecDeque::new(),
            reads: JoinSet::new(),
            change: 0,
            bus_is_away: false,
            round_at: now,
            next_round: now,
        }
    }

    async fn step(&mut self) {
        tokio::select! {
            () = self.app.watchers.somebody() => {
                self.is_watched = true;
                self.next_round = self.next_round.min(self.round_at + SHORT_ROUND);
            }
            Some(read) = self.reads.join_next() => match read {
                Ok(read) => self.take(read),
                Err(error) => tracing::error!(%error, "reading an account’s rooms ended early"),
            },
            () = sleep_until(self.next_round), if self.is_watched => self.round().await,
        }
        self.read_on();
        metrics::set_lists_waiting(self.queue.len() + self.reads.len());
    }

    async fn round(&mut self) {
        self.round_at = Instant::now();
        self.look_who_watches();
        let rooms: Vec<RoomId> = self.known.keys().copied().collect();
        let accounts: Vec<AccountId> = self.accounts.keys().copied().collect();
        let bus = &self.app.bus;
        // The order matters: a removal raises the account's version before the room goes on. So if these digests show
        // something that was said after a removal, the versions read after them show the removal.
        let digests = bus.digests(&rooms).await;
        let versions = bus.account_versions(&accounts).await;
        if let (Ok(digests), Ok(versions)) = (digests, versions) {
            if std::mem::take(&mut self.bus_is_away) {
                // Versions that were raised while the bus was unreachable may be lost, so everything is read again.
                self.accounts.values_mut().for_each(|account| account.want(Wanted::Everything));
            }
            self.compare(&digests, &versions);
        } else {
            self.bus_is_away = true;
            let learned = std::mem::take(&mut self.learned);
            self.refresh(learned);
        }
        self.send_news(self.app.watchers.all());
        self.want_what_is_old();
        self.next_round = Instant::now() + ROUND.max(for_each(ROUND_PER_ROOM, rooms.len()));
    }

    fn look_who_watches(&mut self) {
        // Not stored in `self` between rounds: the vector holds the sockets, which would stay open.
        let all = self.app.watchers.all();
        self.is_watched = !all.is_empty();
        let open: HashSet<WatchId> = all.iter().map(|(watch, ..)| *watch).collect();
        let watched: HashSet<AccountId> = all.iter().map(|(_, account, _)| *account).collect();
        self.sent.retain(|watch, _| open.contains(watch));
        let before = self.accounts.len();
        self.accounts.retain(|account, _| watched.contains(account));
        self.has_leftovers |= self.accounts.len() != before;
        for account in watched {
            self.accounts.entry(account).or_insert_with(Account::new);
        }
        if std::mem::take(&mut self.has_leftovers) {
            let rooms = self.accounts.values().flat_map(|account| account.places.iter().map(|(room, _)| room.id));
            let rooms: HashSet<RoomId> = rooms.collect();
            self.known.retain(|room, _| rooms.contains(room));
        }
    }

    /// Compares the digests and versions from the bus with those of the last round, and marks what has to be read or
    /// rewritten.
    fn compare(&mut self, digests: &[(RoomId, Digest)], versions: &[(AccountId, u64)]) {
        let versions: HashMap<AccountId, u64> = versions.iter().copied().collect();
        for (id, account) in &mut self.accounts {
            let version = versions.get(id).copied();
            if account.version != version {
                account.version = version;
                account.want(Wanted::Rooms);
            }
        }
        let digests: HashMap<RoomId, &Digest> = digests.iter().map(|(room, digest)| (*room, digest)).collect();
        let (mut changed, mut gone) = (std::mem::take(&mut self.learned), HashSet::new());
        for (room, known) in &mut self.known {
            match known.compare(digests.get(room).copied()) {
                Compared::Same => continue,
                Compared::Changed => {}
                Compared::Gone => _ = gone.insert(*room),
            }
            changed.insert(*room);
        }
        if !gone.is_empty() {
            for account in self.accounts.values_mut().filter(|account| account.has_any(&gone)) {
                account.want(Wanted::Everything);
            }
        }
        self.refresh(changed);
    }

    /// Queues every account whose rooms have to be read: on request, after `CHECK`, or because a member record is still
    /// incomplete.
    fn want_what_is_old(&mut self) {
        let check = if self.bus_is_away { CHECK_WITHOUT_BUS } else { CHECK };
        let places = self.accounts.values().map(|account| account.places.len()).sum();
        let again = READ_AGAIN.max(for_each(READ_AGAIN_PER_PLACE, places));
        for (id, account) in &mut self.accounts {
            let age = account.read_at.map(|at| at.elapsed());
            if age.is_some_and(|age| age >= check) {
                account.want(Wanted::Everything);
            }
            if account.is_unsettled() {
                account.want(Wanted::Rooms);
            }
            let is_early = age.is_some_and(|age| age < again);
            if account.wanted > Wanted::Nothing && !is_early && !account.is_in_turn {
                account.is_in_turn = true;
                self.queue.push_back(*id);
            }
        }
    }

    /// Starts reads for the next queued accounts, up to [`READS`] at a time.
    fn read_on(&mut self) {
        while self.reads.len() < READS {
            let Some(id) = self.queue.pop_front() else { return };
            let Some(account) = self.accounts.get_mut(&id) else { continue };
            let wanted = std::mem::replace(&mut account.wanted, Wanted::Nothing);
            account.read_at = Some(Instant::now());
            let heads = account.list.keys().filter_map(|room| Some((*room, self.known.get(room)?.head()?)));
            self.reads.spawn(read(self.app.clone(), id, wanted, account.version, heads.collect()));
        }
    }

    fn take(&mut self, Read { account: id, wanted, version, found }: Read) {
        let Some(account) = self.accounts.get_mut(&id) else { return };
        account.is_in_turn = false;
        let (places, known) = match found {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(%error, "an account’s rooms not read");
                return account.want(wanted);
            }
        };
        account.places = places;
        account.is_read = true;
        account.read_version = version;
        for (room, _) in &account.places {
            self.known.entry(room.id).or_default();
        }
        for (room, found) in known {
            if self.known.entry(room).or_default().learn(found) {
                self.learned.insert(room);
            }
        }
        self.change += 1;
        self.has_leftovers |= account.write_list(&self.known, None, self.change, clock::now());
        self.send_news(self.app.watchers.of(id));
    }

    /// Rewrites the summaries of these rooms in all lists. Rooms whose digest names connected members are rewritten in
    /// every round, because that information expires by time alone.
    fn refresh(&mut self, mut changed: HashSet<RoomId>) {
        let may_age = |known: &Known| known.digest.as_ref().is_some_and(|digest| digest.here.is_some());
        changed.extend(self.known.iter().filter(|(_, known)| may_age(known)).map(|(room, _)| *room));
        if changed.is_empty() {
            return;
        }
        self.change += 1;
        for account in self.accounts.values_mut().filter(|account| account.is_read) {
            account.write_list(&self.known, Some(&changed), self.change, clock::now());
        }
    }

    /// Sends each watch what changed since it was last sent something.
    fn send_news(&mut self, watchers: Vec<(WatchId, AccountId, Connection)>) {
        for (watch, id, connection) in watchers {
            let Some(account) = self.accounts.get(&id).filter(|account| account.is_settled()) else { continue };
            let sent = self.sent.get(&watch).copied();
            // A socket that has not taken its last frame is skipped, and gets the newest state later.
            if sent.is_some_and(|sent| sent >= account.changed) || connection.is_behind() {
                continue;
            }
            connection.push(&account.news_since(sent));
            self.sent.insert(watch, self.change);
        }
    }
}

/// `time` multiplied by `count`.
fn for_each(time: Duration, count: usize) -> Duration {
    time.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Reads an account's rooms, and the state of those of them that are not in `have`. With [`Wanted::Everything`], reads
/// the state of all of them.
async fn read(app: App, account: AccountId, wanted: Wanted, version: Option<u64>, have: HashMap<RoomId, Seq>) -> Read {
    let found = async {
        let places = app.store.rooms_of_account(account).await?;
        let is_asked = |room: &&RoomRecord| wanted == Wanted::Everything || !have.contains_key(&room.id);
        let rooms: Vec<&RoomRecord> = places.iter().map(|(room, _)| room).filter(is_asked).collect();
        let known = if rooms.is_empty() { HashMap::new() } else { gather(&app, &rooms, &have).await? };
        Ok((places, known))
    };
    Read { account, wanted, version, found: found.await }
}
