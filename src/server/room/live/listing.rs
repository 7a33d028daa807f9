//! The digest of a live room: what lists of rooms show of it to people who do not follow it.
//!
//! The room writes its digest to the bus after something has changed. This happens in the background, a few times a
//! second at most, and never delays a message. A room whose members are all guests is in no list, and writes no digest.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    super::{
        engine::Engine,
        mentions::Names,
        names::without_number,
        request::{DigestResult, Request},
    },
    Live,
};
use crate::{
    protocol::{Event, EventKind, RoomType},
    server::{
        bus::{self, Bus, Call, Digest, HERE_REPEAT, Here, LastMentions, LastMessage},
        clock,
        store::{ActorId, MemberRecord, Presence, RoomId},
        text,
    },
};

/// Pause between two digests of a room.
const PAUSE: Duration = Duration::from_millis(250);
/// Pause after a digest that could not be written.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);
/// The newest messages in which mentions and names are looked for before a digest is written. Nobody reads every word
/// of a room that says more than that in one pause, so those in older messages are not found.
const SEARCH_MESSAGES: usize = 256;
/// The same limit in bytes of text.
const SEARCH_BYTES: usize = 32 * 1024;

/// Whether an account is among the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    /// All members are guests.
    Guests,
    /// A member joined by another node. Their record says whether they have an account.
    Unknown,
    /// The members' records are being read.
    Asked,
    /// An account is, or was, among the members.
    Accounts,
}

/// Whether the digest has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// It is up to date.
    No,
    /// Only if the bus has none, or an older one.
    IfMissing,
    /// It has changed.
    Yes,
}

/// What a room knows about its digest.
pub(super) struct Listing {
    audience: Audience,
    due: Due,
    /// Stored events may have been changed, so that the earlier digest may show something that is erased. The digest is
    /// then written whoever the members are.
    is_outdated: bool,
    /// Whether a background task, or the pause after it, is running.
    busy: bool,
    written_at: Instant,
    /// Whether it is known who is connected. Just after the room came to life it is not.
    knows_who_is_here: bool,
    /// The ordinal of the last message in which mentions and names were looked for.
    searched: u64,
    /// From this ordinal on no message was left out of the search.
    searched_from: u64,
    /// The names of the members for the search. Dropped when a member joins or leaves.
    names: Option<Names>,
    /// The result of the search.
    mentions: LastMentions,
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
            searched_from: 0,
            names: None,
            mentions: LastMentions::default(),
        }
    }
}

impl Listing {
    /// Resets what depends on the log, which was opened with these members.
    pub fn open(&mut self, members: &[MemberRecord]) {
        self.audience = if members.iter().any(is_account) { Audience::Accounts } else { Audience::Guests };
        self.due = self.due.max(Due::IfMissing);
        self.names = None;
        self.search_again();
    }

    /// Notes that a message has another text, or none any more. All messages are then searched again.
    pub fn search_again(&mut self) {
        (self.searched, self.searched_from) = (0, 0);
        self.mentions = LastMentions::default();
    }

    /// Makes the digest due: this node appended events, other members are connected, or the bus may have lost the
    /// digest.
    pub fn changed(&mut self) {
        self.due = Due::Yes;
    }

    /// Notes that earlier events were changed: by a touch that this node appended, or as the same log was opened anew.
    pub fn log_changed(&mut self) {
        self.is_outdated = true;
        self.due = Due::Yes;
    }

    /// Notes that a member joined or left.
    pub fn members_changed(&mut self) {
        self.names = None;
    }

    /// Notes events that other nodes appended. A member who joined with them may have an account.
    pub fn heard<'a>(&mut self, mut events: impl Iterator<Item = &'a Event>) {
        if events.any(|event| matches!(event.kind, EventKind::Joined { .. })) {
            self.doubt();
        }
    }

    /// Notes that a member may have an account by now.
    pub fn doubt(&mut self) {
        if self.audience != Audience::Accounts {
            self.audience = Audience::Unknown;
        }
    }

    /// Notes that a member has an account.
    pub fn found_account(&mut self) {
        if self.audience != Audience::Accounts {
            self.audience = Audience::Accounts;
            self.due = Due::Yes;
        }
    }

    /// Whether it is known that a member has an account.
    pub fn knows_of_account(&self) -> bool {
        self.audience == Audience::Accounts
    }

    /// Whether a background task for the digest is running. The room must not end meanwhile: a late digest would
    /// outlive it.
    pub fn is_busy(&self) -> bool {
        self.busy
    }
}

/// Whether the record is that of an active member with an account.
pub(super) fn is_account(member: &MemberRecord) -> bool {
    member.presence == Presence::Active && matches!(member.actor, ActorId::Account(_))
}

impl Live {
    /// Writes the digest in the background, if it has changed and a member may have the room in a list.
    pub(super) fn write_digest(&mut self) {
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
                    let result = DigestResult::Audience(members.ok().map(|members| members.iter().any(is_account)));
                    if matches!(result, DigestResult::Audience(None)) {
                        engine.rest(PAUSE_AFTER_FAILURE).await;
                    }
                    report(&engine, room, result).await;
                });
            }
            Audience::Guests | Audience::Accounts => {
                let due = std::mem::replace(&mut listing.due, Due::No);
                listing.is_outdated = false;
                listing.busy = true;
                listing.written_at = Instant::now();
                let (digest, searched_from) = (self.digest(), self.listing.searched_from);
                let (engine, room) = (self.engine.clone(), self.record.id);
                self.engine.spawn(async move {
                    let (result, pause) = match put(&**engine.bus(), room, digest, searched_from, due).await {
                        Ok(()) => (DigestResult::Written, PAUSE),
                        Err(error) => {
                            tracing::debug!(%room, error = %error.0, "digest not written");
                            (DigestResult::NotWritten, PAUSE_AFTER_FAILURE)
                        }
                    };
                    engine.rest(pause).await;
                    report(&engine, room, result).await;
                });
            }
        }
    }

    /// Writes a changed digest when the node stops. The room's task does not wait for it.
    pub(super) fn write_last_digest(&mut self) {
        if self.listing.due == Due::Yes && self.listing.audience == Audience::Accounts {
            let (digest, bus, room) = (self.digest(), self.engine.bus().clone(), self.record.id);
            let searched_from = self.listing.searched_from;
            self.engine.spawn(async move {
                if let Err(error) = put(&*bus, room, digest, searched_from, Due::Yes).await {
                    tracing::debug!(%room, error = %error.0, "last digest not written");
                }
            });
        }
    }

    pub(super) fn handle_digest_result(&mut self, result: DigestResult) {
        let listing = &mut self.listing;
        listing.busy = false;
        match result {
            // A room without subscribers does not stay live for this. The next node that opens it writes the digest.
            DigestResult::NotWritten if self.subscribers.is_empty() => {}
            DigestResult::NotWritten => listing.due = Due::Yes,
            DigestResult::Audience(Some(true)) => listing.audience = Audience::Accounts,
            // Does not apply if a member joined during the query; the next query covers them.
            DigestResult::Audience(Some(false)) if listing.audience == Audience::Asked => {
                listing.audience = Audience::Guests;
            }
            DigestResult::Audience(None) if listing.audience == Audience::Asked => listing.audience = Audience::Unknown,
            DigestResult::Written | DigestResult::Audience(_) => {}
        }
    }

    /// Notes that the connected members are known or have changed. Lists show them for rooms for two.
    pub(super) fn list_who_is_here(&mut self) {
        self.listing.knows_who_is_here = true;
        if self.record.room_type == RoomType::P2p {
            self.listing.changed();
        }
    }

    /// Writes the digest again from time to time, since lists believe only for a while who is connected.
    pub(super) fn repeat_who_is_here(&mut self) {
        let is_told =
            self.record.room_type == RoomType::P2p && self.listing.knows_of_account() && self.listing.knows_who_is_here;
        if is_told && self.listing.written_at.elapsed() >= HERE_REPEAT && !self.connected().is_empty() {
            self.listing.changed();
        }
    }

    fn digest(&mut self) -> Digest {
        self.search_for_mentions();
        let is_pair = self.record.room_type == RoomType::P2p;
        let state = &self.folded.state;
        let message = self.folded.window.newest_first().find_map(|event| Some((event.seq, event.message()?)));
        let message = message.filter(|(seq, message)| message.n == state.last_n && self.folded.is_for_all(*seq));
        let newcomer = self.folded.window.newest_first().find_map(|event| match &event.kind {
            EventKind::Joined { member } => Some((event.seq, member.clone())),
            _ => None,
        });
        let here =
            (is_pair && self.listing.knows_who_is_here).then(|| Here { at: clock::now(), members: self.connected() });
        Digest {
            epoch: self.folded.epoch,
            head: state.head,
            n: state.last_n,
            retention: state.retention,
            name: state.name.clone(),
            members: u32::try_from(state.members.len()).unwrap_or(u32::MAX),
            at: self.folded.window.last_row_at(),
            message: message.map(|(seq, message)| LastMessage {
                seq,
                n: message.n,
                author: message.author.clone(),
                text: text::preview(&message.body),
                deleted: message.deleted.is_some(),
            }),
            newcomer,
            mentions: self.listing.mentions.clone(),
            pair: if is_pair { self.folded.people() } else { Vec::new() },
            here,
            gone: self.folded.gone.clone(),
        }
    }

    /// Looks for mentions and the members' names in the messages since the last search.
    fn search_for_mentions(&mut self) {
        let Listing { searched, searched_from, names, mentions, .. } = &mut self.listing;
        let messages = self.folded.window.newest_first().filter_map(|event| Some((event.seq, event.message()?)));
        let new = messages.take_while(|(_, message)| message.n > *searched);
        let mut bytes = 0;
        let mut first = self.folded.state.last_n + 1;
        for (seq, message) in new.take(SEARCH_MESSAGES) {
            bytes += message.body.as_str().len();
            if bytes > SEARCH_BYTES {
                break;
            }
            first = message.n;
            let call = Call { n: message.n, seq };
            for person in message.mentions.iter().filter(|person| person.id != message.author.id) {
                mentions.call(person.id, call);
            }
            if message.everyone {
                mentions.call_everyone(call);
            }
            let members = self.folded.state.members.iter();
            let names = names.get_or_insert_with(|| {
                Names::of(members.map(|(id, member)| (*id, without_number(member.name.as_str()))))
            });
            names.find(message.body.as_str(), |member| {
                if member != message.author.id {
                    mentions.name(member, message.n);
                }
            });
        }
        if first > *searched + 1 {
            *searched_from = first;
        }
        *searched = self.folded.state.last_n;
    }
}

/// Writes a digest to the bus, merged with what the earlier one knows besides. With `IfMissing`, only if it is newer.
async fn put(shared: &dyn Bus, room: RoomId, mut digest: Digest, searched_from: u64, due: Due) -> bus::Result<()> {
    if let Some((_, earlier)) = shared.digests(&[room]).await?.first() {
        if due == Due::IfMissing && !digest.is_ahead_of(earlier) {
            return Ok(());
        }
        digest.take_over(earlier, searched_from);
    }
    shared.put_digest(room, &digest).await
}

/// Sends the room the result of a background task, if the room is still live.
async fn report(engine: &Engine, room: RoomId, result: DigestResult) {
    if let Some(inbox) = engine.inbox(room) {
        let _ = inbox.send(Request::DigestResult(result)).await;
    }
}
