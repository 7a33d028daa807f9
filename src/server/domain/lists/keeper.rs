//! Keeping the lists of those who watch theirs, one loop for the whole node: a few times a second it asks the bus for the
//! digests of all rooms that any of them is in and for the versions of their accounts, and tells each what is different from
//! what it was told. It compares what is, and does not pass on what happens, so that nothing can be lost for long; and whoever
//! reads slowly is told less often, and then the latest.
//!
//! The store is asked beside the loop, so that a slow store holds up nobody's news.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    gather,
    known::{Compared, Known},
    newest_first,
};
use crate::{
    protocol::{Millis, RoomSummary, Seq, ServerFrame},
    server::{
        app::{App, WatchId},
        bus::Digest,
        clock,
        socket::{Connection, Frame},
        store::{AccountId, MemberRecord, RoomId, RoomRecord, StoreError},
    },
};

/// The pause between two rounds, and the least of it when somebody new wants an answer.
const ROUND: Duration = Duration::from_millis(250);
const SHORT_ROUND: Duration = Duration::from_millis(50);
/// The pause grows with the rooms that are watched on this node, so that it reads 40,000 digests in a second at most.
const ROUND_PER_ROOM: Duration = Duration::from_micros(25);
/// The pause between two reads of one account's rooms. It grows with all that is watched on this node, so that it reads
/// 40,000 records in a second at most.
const READ_AGAIN: Duration = Duration::from_millis(200);
const READ_AGAIN_PER_PLACE: Duration = Duration::from_micros(25);
/// How often they are read although nobody said that they changed, and everything with them that the bus should know; and
/// how often while the bus is away and nobody can say so.
const CHECK: Duration = Duration::from_secs(30);
const CHECK_WITHOUT_BUS: Duration = Duration::from_secs(2);
/// Accounts whose rooms are read at the same time.
const READS: usize = 16;
/// Changed rooms beyond which a list is told anew.
const SUMMARIES: usize = 32;

/// A room that somebody is in, and their record in it.
type Place = (RoomRecord, MemberRecord);

/// Keeps lists until the node stops.
pub async fn keep(app: App) {
    let stopping = app.stopping.clone();
    let mut keeper = Keeper::new(app);
    while stopping.run_until_cancelled(keeper.step()).await.is_some() {}
}

struct Keeper {
    app: App,
    /// Whether anybody watches, as of the last round.
    is_watched: bool,
    /// Up to which change each has been told.
    told: HashMap<WatchId, u64>,
    accounts: HashMap<AccountId, Account>,
    known: HashMap<RoomId, Known>,
    /// Rooms of which the store said something new since the last round, for the lists of others that have them.
    learned: HashSet<RoomId>,
    /// Whether rooms may be known that nobody has in a list any more.
    has_leftovers: bool,
    /// Accounts whose rooms are to be read, in turn, and the reads under way.
    queue: VecDeque<AccountId>,
    reads: JoinSet<Read>,
    /// Counts rounds of changes.
    change: u64,
    bus_is_away: bool,
    round_at: Instant,
    next_round: Instant,
}

/// What of an account has to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    Nothing,
    /// Its rooms, and what is not known of them.
    Rooms,
    /// Its rooms, and whether what is known of them is still true.
    Everything,
}

/// An account that is watched.
struct Account {
    places: Vec<Place>,
    wanted: Wanted,
    /// When its rooms were last begun to be read.
    read_at: Option<Instant>,
    /// Whether it is in the queue, or being read.
    is_in_turn: bool,
    /// Whether they were read at all.
    is_read: bool,
    version: Option<u64>,
    /// The version as of which its rooms were read. While it is another, a room may be listed that the account was removed
    /// from, so nothing is told.
    read_version: Option<u64>,
    /// The list, and at which change each room in it became what it is.
    list: HashMap<RoomId, (u64, RoomSummary)>,
    /// The change at which a room came or went.
    rooms_changed: u64,
    /// The last change of anything.
    changed: u64,
}

/// What the store said of an account's rooms.
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
            told: HashMap::new(),
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
    }

    async fn round(&mut self) {
        self.round_at = Instant::now();
        self.look_who_watches();
        let rooms: Vec<RoomId> = self.known.keys().copied().collect();
        let accounts: Vec<AccountId> = self.accounts.keys().copied().collect();
        let bus = &self.app.bus;
        // In this order: whatever a digest tells that was said after a removal, the version tells of the removal.
        let digests = bus.digests(&rooms).await;
        let versions = bus.account_versions(&accounts).await;
        if let (Ok(digests), Ok(versions)) = (digests, versions) {
            if std::mem::take(&mut self.bus_is_away) {
                // Whatever was said meanwhile, nobody heard.
                self.accounts.values_mut().for_each(|account| account.want(Wanted::Everything));
            }
            self.compare(&digests, &versions);
        } else {
            self.bus_is_away = true;
            let learned = std::mem::take(&mut self.learned);
            self.refresh(learned);
        }
        self.tell(self.app.watchers.all());
        self.want_what_is_old();
        self.next_round = Instant::now() + ROUND.max(for_each(ROUND_PER_ROOM, rooms.len()));
    }

    fn look_who_watches(&mut self) {
        // Not kept from round to round: it holds the sockets.
        let all = self.app.watchers.all();
        self.is_watched = !all.is_empty();
        let open: HashSet<WatchId> = all.iter().map(|(watch, ..)| *watch).collect();
        let watched: HashSet<AccountId> = all.iter().map(|(_, account, _)| *account).collect();
        self.told.retain(|watch, _| open.contains(watch));
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

    /// What the bus says now, beside what it said before.
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

    /// Puts accounts into the queue whose rooms have to be read.
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

    /// Begins to read the rooms of those whose turn it is.
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
        self.tell(self.app.watchers.of(id));
    }

    /// Looks at these rooms again, of which something has changed; and at those of which time alone may change something:
    /// after a while it is not believed any more that somebody is connected.
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

    /// Tells watchers what is different from what they were told.
    fn tell(&mut self, watchers: Vec<(WatchId, AccountId, Connection)>) {
        for (watch, id, connection) in watchers {
            let Some(account) = self.accounts.get(&id).filter(|account| account.is_settled()) else { continue };
            let told = self.told.get(&watch).copied();
            // Whoever has not read the last is told the latest then.
            if told.is_some_and(|told| told >= account.changed) || connection.is_behind() {
                continue;
            }
            connection.push(&account.news_since(told));
            self.told.insert(watch, self.change);
        }
    }
}

/// So much time for each.
fn for_each(time: Duration, count: usize) -> Duration {
    time.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Reads an account's rooms, and what is not known of them; or of all of them, if everything is wanted.
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

impl Account {
    fn new() -> Self {
        Self {
            places: Vec::new(),
            wanted: Wanted::Everything,
            read_at: None,
            is_in_turn: false,
            is_read: false,
            version: None,
            read_version: None,
            list: HashMap::new(),
            rooms_changed: 0,
            changed: 0,
        }
    }

    fn want(&mut self, wanted: Wanted) {
        self.wanted = self.wanted.max(wanted);
    }

    /// Whether its rooms are those of now, as far as anybody said.
    fn is_settled(&self) -> bool {
        self.is_read && self.read_version == self.version
    }

    fn has_any(&self, rooms: &HashSet<RoomId>) -> bool {
        self.places.iter().any(|(room, _)| rooms.contains(&room.id))
    }

    /// Whether a record is about to change without anybody saying so: the log is just being told that they joined.
    fn is_unsettled(&self) -> bool {
        self.places.iter().any(|(_, me)| me.since == 0 || me.owed.is_some())
    }

    /// Makes the list what it is now, after something about these rooms has changed; or all of it, after the rooms were read.
    /// Says whether a room went.
    fn write_list(
        &mut self,
        known: &HashMap<RoomId, Known>,
        changed: Option<&HashSet<RoomId>>,
        change: u64,
        now: Millis,
    ) -> bool {
        let before = self.list.len();
        if changed.is_none() {
            let places: HashSet<RoomId> = self.places.iter().map(|(room, _)| room.id).collect();
            self.list.retain(|room, _| places.contains(room));
        }
        let has_less = self.list.len() < before;
        if has_less {
            (self.rooms_changed, self.changed) = (change, change);
        }
        for (room, me) in &self.places {
            let listed = self.list.get(&room.id);
            if listed.is_some() && changed.is_some_and(|changed| !changed.contains(&room.id)) {
                continue;
            }
            let Some(known) = known.get(&room.id) else { continue };
            let summary = known.summary(room, me, now);
            match listed {
                Some((_, before)) if *before == summary => continue,
                Some(_) => {}
                None => self.rooms_changed = change,
            }
            self.list.insert(room.id, (change, summary));
            self.changed = change;
        }
        has_less
    }

    /// What to tell somebody who was told everything up to a change, or nothing yet.
    fn news_since(&self, told: Option<u64>) -> Frame {
        let news: Vec<_> = match told.filter(|told| *told >= self.rooms_changed) {
            Some(told) => self.list.values().filter(|(changed, _)| *changed > told).map(|(_, room)| room).collect(),
            None => Vec::new(),
        };
        if told.is_none_or(|told| told < self.rooms_changed) || news.len() > SUMMARIES {
            let rooms = newest_first(self.list.values().map(|(_, room)| room.clone()).collect());
            return Frame::of(&ServerFrame::Rooms { rooms });
        }
        let frame = |room: &RoomSummary| Frame::of(&ServerFrame::Summary { room: Box::new(room.clone()) });
        Frame::together(&news.into_iter().map(frame).collect::<Vec<_>>())
    }
}
