//! What a live room tells those who have it in a list and do not follow it: its digest, written behind what happens, at most
//! a few times a second, and never in the way of a message. Rooms of guests alone are in no list, and tell nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    super::{mentions::Names, names::without_number},
    Engine, Live, Request,
};
use crate::{
    protocol::{Event, EventKind, MemberId, Retention, RoomType},
    server::{
        bus::{self, Bus, Digest, HERE_REPEAT, Here, LastMessage, mention},
        clock,
        store::{ActorId, MemberRecord, Presence, RoomId},
        text,
    },
};

/// The pause between two digests of a room.
const PAUSE: Duration = Duration::from_millis(250);
/// The pause after one that could not be written.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);
/// The newest messages that are searched for names before a digest is written, and their bytes. What a room says beyond that
/// in a pause, nobody reads word for word.
const SEARCH_MESSAGES: usize = 256;
const SEARCH_BYTES: usize = 32 * 1024;

/// Whether an account is among the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// No.
    Guests,
    /// Somebody came in by another node; the records say who it is.
    Unknown,
    /// The records are being asked.
    Asked,
    /// Yes, or one was.
    Accounts,
}

/// Whether a digest has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// No.
    No,
    /// If the bus has none, or an older one.
    IfMissing,
    /// Yes.
    Yes,
}

/// What became of what a room asked for its digest.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    /// It was written, or need not be.
    Written,
    /// It was not written.
    NotWritten,
    /// Whether an account is among the members; `None` if that could not be found out.
    Audience(Option<bool>),
}

/// What a room knows of its digest.
pub(super) struct Listing {
    audience: Audience,
    due: Due,
    /// What the log had was changed: a digest of before may say what is not there any more, whoever the members are now.
    is_outdated: bool,
    /// A write, or the pause after it, is under way.
    busy: bool,
    written_at: Instant,
    /// Whether it is known who is connected: just after the room came to life it is not.
    knows_who_is_here: bool,
    /// The last ordinal up to which messages were searched for names.
    searched: u64,
    /// The names to search for, until somebody comes or goes.
    names: Option<Names>,
    /// Who was mentioned when last, newest first.
    mentions: Vec<(MemberId, u64)>,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            audience: Audience::Guests,
            due: Due::No,
            is_outdated: false,
            busy: false,
            written_at: Instant::now(),
            knows_who_is_here: false,
            searched: 0,
            names: None,
            mentions: Vec::new(),
        }
    }
}

impl Listing {
    /// The log was opened, and these are the members.
    pub fn open(&mut self, members: &[MemberRecord]) {
        self.audience = if members.iter().any(is_account) { Audience::Accounts } else { Audience::Guests };
        self.due = self.due.max(Due::IfMissing);
        (self.searched, self.names) = (0, None);
        self.mentions.clear();
    }

    /// Something happened that this node wrote down, or who is connected has changed.
    pub fn changed(&mut self) {
        self.due = Due::Yes;
    }

    /// What the log had was changed.
    pub fn log_changed(&mut self) {
        self.is_outdated = true;
        self.due = Due::Yes;
    }

    /// Somebody came or went.
    pub fn members_changed(&mut self) {
        self.names = None;
    }

    /// These events came from elsewhere; who came in with them may have an account.
    pub fn heard<'a>(&mut self, mut events: impl Iterator<Item = &'a Event>) {
        if events.any(|event| matches!(event.kind, EventKind::Joined { .. })) {
            self.doubt();
        }
    }

    /// Somebody may have an account by now.
    pub fn doubt(&mut self) {
        if self.audience != Audience::Accounts {
            self.audience = Audience::Unknown;
        }
    }

    /// Somebody with an account is among the members.
    pub fn found_account(&mut self) {
        if self.audience != Audience::Accounts {
            self.audience = Audience::Accounts;
            self.due = Due::Yes;
        }
    }

    /// Whether it is known already that somebody with an account is among the members.
    pub fn knows_of_account(&self) -> bool {
        self.audience == Audience::Accounts
    }

    /// Whether something is on its way to the bus: the room must not end meanwhile, or what comes late would outlive it.
    pub fn is_busy(&self) -> bool {
        self.busy
    }
}

/// Whether a record is of an active member with an account.
pub(super) fn is_account(member: &MemberRecord) -> bool {
    member.presence == Presence::Active && matches!(member.actor, ActorId::Account(_))
}

impl Live {
    /// Writes the digest behind, if it is due and somebody may have the room in a list.
    pub(super) fn tell_lists(&mut self) {
        let listing = &mut self.listing;
        if listing.due == Due::No || listing.busy {
            return;
        }
        match listing.audience {
            Audience::Guests if !listing.is_outdated => {}
            Audience::Asked => {}
            Audience::Unknown => {
                listing.audience = Audience::Asked;
                listing.busy = true;
                let (engine, room) = (self.engine.clone(), self.record.id);
                self.engine.spawn(async move {
                    let members = engine.store().members(room).await;
                    let told = Told::Audience(members.ok().map(|members| members.iter().any(is_account)));
                    if matches!(told, Told::Audience(None)) {
                        engine.rest(PAUSE_AFTER_FAILURE).await;
                    }
                    report(&engine, room, told).await;
                });
            }
            Audience::Guests | Audience::Accounts => {
                let due = std::mem::replace(&mut listing.due, Due::No);
                listing.is_outdated = false;
                listing.busy = true;
                listing.written_at = Instant::now();
                let digest = self.digest();
                let (engine, room) = (self.engine.clone(), self.record.id);
                self.engine.spawn(async move {
                    let (told, pause) = match put(&**engine.bus(), room, digest, due).await {
                        Ok(()) => (Told::Written, PAUSE),
                        Err(error) => {
                            tracing::debug!(%room, error = %error.0, "digest not written");
                            (Told::NotWritten, PAUSE_AFTER_FAILURE)
                        }
                    };
                    engine.rest(pause).await;
                    report(&engine, room, told).await;
                });
            }
        }
    }

    /// The node stops: what is due is written now, and nobody waits for it here.
    pub(super) fn tell_lists_at_last(&mut self) {
        if self.listing.due == Due::Yes && self.listing.audience == Audience::Accounts {
            let (digest, bus, room) = (self.digest(), self.engine.bus().clone(), self.record.id);
            self.engine.spawn(async move {
                if let Err(error) = put(&*bus, room, digest, Due::Yes).await {
                    tracing::debug!(%room, error = %error.0, "last digest not written");
                }
            });
        }
    }

    pub(super) fn was_told(&mut self, told: Told) {
        let listing = &mut self.listing;
        listing.busy = false;
        match told {
            // A room that nobody follows does not go on for that; who opens it next makes it good.
            Told::NotWritten if self.subscribers.is_empty() => {}
            Told::NotWritten => listing.due = Due::Yes,
            Told::Audience(Some(true)) => listing.audience = Audience::Accounts,
            // Unless somebody came in meanwhile, who is asked about next.
            Told::Audience(Some(false)) if listing.audience == Audience::Asked => listing.audience = Audience::Guests,
            Told::Audience(None) if listing.audience == Audience::Asked => listing.audience = Audience::Unknown,
            Told::Written | Told::Audience(_) => {}
        }
    }

    /// It is known now who is connected, or it has changed. Lists show that of rooms for two.
    pub(super) fn list_who_is_here(&mut self) {
        self.listing.knows_who_is_here = true;
        if self.record.room_type == RoomType::P2p {
            self.listing.changed();
        }
    }

    /// Who is connected has to be said again now and then, or it is not believed any longer.
    pub(super) fn repeat_who_is_here(&mut self) {
        let is_told =
            self.record.room_type == RoomType::P2p && self.listing.knows_of_account() && self.listing.knows_who_is_here;
        if is_told && self.listing.written_at.elapsed() >= HERE_REPEAT && !self.connected().is_empty() {
            self.listing.changed();
        }
    }

    fn digest(&mut self) -> Digest {
        self.search_for_names();
        let is_pair = self.record.room_type == RoomType::P2p;
        let is_shown = |seq| self.state.retention == Retention::Ephemeral || seq >= self.kept_from;
        let message = self.window.newest_first().find_map(|event| Some((event.seq, event.message()?)));
        let message = message.filter(|(seq, message)| message.n == self.state.last_n && is_shown(*seq));
        let newcomer = self.window.newest_first().find_map(|event| match &event.kind {
            EventKind::Joined { member } => Some((event.seq, member.clone())),
            _ => None,
        });
        let here =
            (is_pair && self.listing.knows_who_is_here).then(|| Here { at: clock::now(), members: self.connected() });
        Digest {
            epoch: self.epoch,
            head: self.state.head,
            n: self.state.last_n,
            retention: self.state.retention,
            name: self.state.name.clone(),
            members: u32::try_from(self.state.members.len()).unwrap_or(u32::MAX),
            at: self.window.last_at(),
            message: message.map(|(seq, message)| LastMessage {
                seq,
                n: message.n,
                author: message.author.clone(),
                text: text::preview(&message.body),
            }),
            newcomer,
            mentions: self.listing.mentions.clone(),
            pair: if is_pair { self.people() } else { Vec::new() },
            here,
        }
    }

    /// Looks for the members' names in what was said since the last time.
    fn search_for_names(&mut self) {
        let Listing { searched, names, mentions, .. } = &mut self.listing;
        let new = self.window.newest_first().filter_map(Event::message).take_while(|message| message.n > *searched);
        let mut bytes = 0;
        for message in new.take(SEARCH_MESSAGES) {
            bytes += message.body.as_str().len();
            if bytes > SEARCH_BYTES {
                break;
            }
            let members = self.state.members.iter();
            let names = names.get_or_insert_with(|| {
                Names::of(members.map(|(id, member)| (*id, without_number(member.name.as_str()))))
            });
            names.find(message.body.as_str(), |member| {
                if member != message.author.id {
                    mention(mentions, member, message.n);
                }
            });
        }
        *searched = self.state.last_n;
    }
}

/// Puts a digest on the bus, with what the one that is there knows beyond it.
async fn put(shared: &dyn Bus, room: RoomId, mut digest: Digest, due: Due) -> bus::Result<()> {
    if let Some((_, earlier)) = shared.digests(&[room]).await?.first() {
        if due == Due::IfMissing && !digest.is_ahead_of(earlier) {
            return Ok(());
        }
        digest.take_over(earlier);
    }
    shared.put_digest(room, &digest).await
}

/// Tells a room what became of it, if it is still live.
async fn report(engine: &Engine, room: RoomId, told: Told) {
    if let Some(inbox) = engine.inbox(room) {
        let _ = inbox.send(Request::Told(told)).await;
    }
}
