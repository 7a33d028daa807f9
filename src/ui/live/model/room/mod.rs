//! One room in the browser's memory: [`LocalRoom`] decides what to send, and when it has to be called again.
//!
//! It wraps the [`Replica`] (the copy of the room) and adds everything else that the page needs: the phase of
//! following, the messages under way, typing, read positions, the part of the timeline that is shown, and what is new
//! to show. It takes frames, actions of the person and the time, and returns [`Act`]s. The connection belongs to
//! [`Client`](super::Client), because the other rooms and the list share it.
//!
//! `following` has the connection's coming and going, `frames` the server's frames, `person` the actions of the person,
//! `chosen` what they may do with one message, `stored` the outbox as the tab or the device stores it, and `kept` the
//! copy of the room on the device.
//!
//! Times are milliseconds of any clock that never goes back.

mod chosen;
mod following;
mod frames;
mod kept;
mod person;
mod stored;

use litemap::LiteMap;

use crate::protocol::{
    ClientId, DepartedReader, Draft, Event, EventKind, MemberId, MemberView, Message, Millis, Nickname, Person,
    Problem, ReadMark, Replica, RoomCode, Seq, Snapshot, Target, limits::QUOTES, sorted::SortedSet,
};

use crate::ui::timeline::Reader;

use super::{
    act::Act, input::RoomInput, outgoing::Outgoing, reactions::Reactions, read_position::ReadPosition,
    shown_events::ShownEvents, typing::Typing, unread::Unread,
};

pub use chosen::Chosen;
pub use stored::ToStore;

/// The maximum number of events in memory. Above it, and only while the reader is at the end, the older half is
/// dropped. If the room stores its messages, history brings them back.
const REMEMBERED: usize = 20_000;

/// Why this page no longer follows the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The owner removed this member.
    Removed {
        /// The nickname of the owner who did it. `None` if only a refusal told the page.
        by: Option<Nickname>,
    },
    /// The membership ended by absence. The page is joining again.
    Returning,
    /// The membership ended by absence, and joining again failed with this problem.
    Away(Option<Problem>),
    /// The person left on this page, by Exit.
    Exited,
    /// The person left from another page or device.
    Left,
    /// The server does not know this person as a member any more, or the browser belongs to another person by now.
    Outside,
}

/// Something besides messages that is announced to screen readers. Joining and leaving are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incident {
    /// An event of the log.
    Event(EventKind),
    /// A message of this person was refused for good.
    Refused(Problem),
}

/// How far following the room has come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// There is no connection, or the room is in memory and nobody follows it.
    Apart,
    CatchingUp {
        /// When the connection is replaced if `subscribe` has no answer yet.
        deadline: u64,
    },
    /// The replica is complete, and new events arrive at once.
    Live,
    /// The page no longer follows the room.
    Ended(Ending),
}

/// Polling over HTTP, while no socket can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ByHttp {
    /// Not in use: a socket works, or HTTP does not work either.
    Off,
    /// The room is being fetched.
    Fetching,
    /// The room is fetched again at `until`.
    Waiting { until: u64 },
}

/// One room, as this page has it.
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
#[derive(Debug)]
pub struct LocalRoom {
    /// The copy of the room.
    replica: Replica,
    code: RoomCode,
    /// The member ids that are or were this person's in the room.
    own_ids: SortedSet<MemberId>,
    phase: Phase,
    by_http: ByHttp,
    /// Whether to subscribe without a position, which makes the server send a snapshot.
    from_scratch: bool,
    /// Answers to `subscribe` in a row that were too late.
    late_answers: u32,
    /// Whether this person has an account. An account stays a member however long it is away.
    has_account: bool,
    /// Whether the person pressed Exit.
    leaving: bool,
    /// Whether the room was left for another page, and has not been resumed since.
    was_left: bool,
    /// Whether the reader has looked at the end of the timeline since the room was opened.
    has_looked: bool,
    outgoing: Outgoing,
    reactions: Reactions,
    /// Why a reaction was refused, if the page was not told yet.
    refused_reaction: Option<Problem>,
    typing: Typing,
    read_position: ReadPosition,
    /// How far the others have read, if they share it.
    reads: LiteMap<MemberId, Seq>,
    /// How far members had read who have left since, in this epoch of the log.
    departed: Vec<Reader>,
    /// The messages that were unread when the page was opened, or when the reader came back to it.
    unread: Unread,
    /// The part of the timeline that is on the page.
    shown_events: ShownEvents,
    /// Where the reader had scrolled to, in pixels from the top of what is shown. `None` at the end.
    place: Option<i32>,
    /// The message that the composer replies to, by author and id.
    replying: Option<(MemberId, ClientId)>,
    /// The messages that were asked for because replies are to them.
    asked: SortedSet<Seq>,
    /// The person whose place in a room for two is reserved, as of the first snapshot.
    expected: Option<Person>,
    /// The number of seconds without a connection after which the server removes a guest from the room.
    leaves_after: Option<u64>,
    /// Messages of others that were not handed to the page yet.
    news: Vec<Message>,
    /// Incidents that were not handed to the page yet.
    incidents: Vec<Incident>,
    /// Whether the timeline or the outbox has to be redrawn.
    changed: bool,
    /// Whether the members have to be redrawn.
    people_changed: bool,
    /// Whether the outbox may differ from what the tab has stored.
    unstored: bool,
    /// Whether the outbox that was stored was put back.
    is_restored: bool,
    /// Whether the outbox is stored on the device, and not in the tab. `None` before it was stored at all.
    is_stored_on_device: Option<bool>,
    /// Whether the device's copy of the room may be out of date.
    unkept: bool,
    /// When the room was last up to date, by the clock of the device.
    as_of: Option<Millis>,
    /// A source of random numbers from 0 to 1, for waits.
    jitter: fn() -> f64,
}

impl LocalRoom {
    /// Starts from a snapshot, without a connection, as a guest.
    pub fn new(mut snapshot: Snapshot, jitter: fn() -> f64) -> Self {
        let reads = reads_of(std::mem::take(&mut snapshot.reads), &snapshot.events);
        let departed = departed_of(std::mem::take(&mut snapshot.departed)).collect();
        let (expected, leaves_after) = (snapshot.expected.take(), snapshot.leaves_after);
        let replica = Replica::new(snapshot);
        let own_ids = replica.you.ids().collect();
        let mut unread = Unread::of(&replica);
        unread.find_first(&replica, &own_ids);
        Self {
            code: replica.room.code,
            read_position: ReadPosition::new(replica.you.read.min(replica.state.head)),
            reads,
            departed,
            unread,
            shown_events: ShownEvents::new(),
            place: None,
            replying: None,
            asked: SortedSet::default(),
            expected,
            leaves_after,
            own_ids,
            replica,
            phase: Phase::Apart,
            by_http: ByHttp::Off,
            from_scratch: false,
            late_answers: 0,
            has_account: false,
            leaving: false,
            was_left: false,
            has_looked: false,
            outgoing: Outgoing::default(),
            reactions: Reactions::default(),
            refused_reaction: None,
            typing: Typing::default(),
            news: Vec::new(),
            incidents: Vec::new(),
            changed: true,
            people_changed: true,
            unstored: false,
            is_restored: false,
            is_stored_on_device: None,
            unkept: true,
            as_of: None,
            jitter,
        }
    }

    /// Makes this the room of an account. An account stays a member until it leaves, however long it is away.
    pub fn of_account(self) -> Self {
        Self { has_account: true, ..self }
    }

    /// Makes this a room as it was at this time.
    pub fn dated(self, at: Millis) -> Self {
        Self { as_of: Some(at), ..self }
    }

    /// Whether this is the room of an account.
    pub fn has_account(&self) -> bool {
        self.has_account
    }

    /// Until when the room was up to date. `None` while it is, which is remembered with the present time.
    pub fn stale_since(&mut self, time: Millis) -> Option<Millis> {
        if self.is_live() || self.is_fetched() {
            self.as_of = Some(time);
            return None;
        }
        self.as_of
    }

    /// Takes in what the person did.
    pub fn take_in(&mut self, input: RoomInput, now: u64) -> Vec<Act> {
        match input {
            RoomInput::Say { id, body, mentions, reply_to } => return self.say(id, body, mentions, reply_to, now),
            RoomInput::Change { id, author, message, body, mentions } => {
                return self.change(id, author, message, body.map(|body| (body, mentions)), now);
            }
            RoomInput::React { id, target, emoji, on } => return self.react(id, target, &emoji, on, now),
            RoomInput::Retry(id) => return self.retry(id, now),
            RoomInput::Press => return self.press(now),
            RoomInput::StopTyping => return self.stop_typing(),
            RoomInput::Look(looking) => return self.set_looking(looking, now),
            RoomInput::Rejoin => return self.rejoin(),
            RoomInput::Restore(stored) => return self.restore_stored(&stored, now),
            RoomInput::Discard(id) => {
                self.replica.discard(id);
                self.mark_changed();
            }
            RoomInput::ExpectExit => self.leaving = true,
            RoomInput::Exit => self.end(Ending::Exited),
        }
        Vec::new()
    }

    /// The code of the room.
    pub fn code(&self) -> RoomCode {
        self.code
    }

    /// The copy of the room.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The member ids that are or were this person's in the room. Mostly one; more if a guest became an account.
    pub fn own_ids(&self) -> &SortedSet<MemberId> {
        &self.own_ids
    }

    /// The nicknames of the other members who are typing.
    pub fn typists(&self) -> impl Iterator<Item = &Nickname> {
        self.typing
            .others()
            .filter(|id| !self.own_ids.contains(id))
            .filter_map(|id| Some(&self.replica.state.members.get(&id)?.name))
    }

    /// How far each of the others has read, if they share it.
    pub fn reads(&self) -> &LiteMap<MemberId, Seq> {
        &self.reads
    }

    /// How far members had read who have left since, in this epoch of the log.
    pub fn departed(&self) -> &[Reader] {
        &self.departed
    }

    /// The messages that were unread when the page was opened.
    pub fn unread(&self) -> &Unread {
        &self.unread
    }

    /// Where the reader had scrolled to, in pixels from the top of what is shown. `None` at the end.
    pub fn place(&self) -> Option<i32> {
        self.place
    }

    /// Sets where the reader has scrolled to, for the next time that the room is shown.
    pub fn set_place(&mut self, place: Option<i32>) {
        self.place = place;
    }

    /// Sets the message that the composer replies to, for the next time that the room is shown.
    pub fn set_replying(&mut self, replying: Option<(MemberId, ClientId)>) {
        self.replying = replying;
    }

    /// The part of the timeline that is on the page.
    pub fn shown_events(&self) -> ShownEvents {
        self.shown_events
    }

    /// The part of the timeline that is on the page, to move it. [`LocalRoom::touch`] then requests a redraw.
    pub fn shown_events_mut(&mut self) -> &mut ShownEvents {
        &mut self.shown_events
    }

    /// Accounts for the events that have come since the last redraw. Drops the oldest events of a very long timeline
    /// while the reader is at its end.
    pub fn follow_shown_events(&mut self, at_end: bool) {
        if at_end && self.replica.events.len() > REMEMBERED {
            self.forget_old(REMEMBERED / 2);
        }
        self.shown_events.follow(self.replica.events.len(), at_end);
    }

    /// Leaves only the newest events on the page, unless the reader returns to a place further up or has unread
    /// messages there. [`LocalRoom::fill`] puts the others back.
    pub fn begin_with(&mut self, newest: usize) {
        self.follow_shown_events(true);
        let first = self.replica.events.len().saturating_sub(newest);
        let is_unread_above = self.unread.index(&self.replica).is_some_and(|unread| unread < first);
        if self.place.is_none() && !is_unread_above && !self.unread.is_further_up() {
            self.shown_events.begin_with(newest);
        }
    }

    /// Puts a step of older events on the page, if few are there. Returns false if there is nothing to add, or if the
    /// reader has scrolled up: then rows come as they are scrolled to.
    pub fn fill(&mut self) -> bool {
        self.place.is_none() && self.shown_events.fill()
    }

    /// The messages that replies on the page are to, and that are not known here: each once, and a few at a time.
    pub fn take_unknown_quotes(&mut self) -> Vec<Seq> {
        let is_unknown = |target: &Target| self.replica.quoted(*target).is_none() && !self.asked.contains(&target.seq);
        let shown = &self.replica.events[self.shown_events.range()];
        let targets = shown.iter().filter_map(|event| event.message()?.reply_to).filter(is_unknown);
        let unknown: Vec<Seq> = targets.map(|target| target.seq).take(QUOTES).collect();
        self.asked.extend(unknown.iter().copied());
        unknown
    }

    /// Takes in messages that replies are to.
    pub fn add_quotes(&mut self, quotes: Vec<Event>) {
        self.replica.add_quotes(quotes);
        self.mark_changed();
    }

    /// The person whose place in a room for two is reserved, as of the first snapshot.
    pub fn expected(&self) -> Option<&Person> {
        self.expected.as_ref()
    }

    /// The number of seconds without a connection after which the server removes a guest from the room. `None` for an
    /// account.
    pub fn leaves_after(&self) -> Option<u64> {
        self.leaves_after
    }

    /// Whether the server has answered every message that is to be sent.
    pub fn has_settled(&self) -> bool {
        self.replica.unsent().next().is_none() && !self.reactions.are_unsent()
    }

    /// The reactions that this person wants and that the log does not have yet.
    pub fn wanted_reactions(&self) -> &[Draft] {
        self.reactions.wanted()
    }

    /// Returns once why a reaction was refused.
    pub fn take_refused_reaction(&mut self) -> Option<Problem> {
        self.refused_reaction.take()
    }

    /// Whether the reader looks at the end of the timeline.
    pub fn is_looking(&self) -> bool {
        self.read_position.is_looking()
    }

    /// Whether every message is read, on this device or another of this person.
    pub fn has_read_all(&self) -> bool {
        let last = self.replica.events.iter().rev().find(|event| event.message().is_some());
        last.is_none_or(|event| event.seq <= self.read_position.read())
    }

    /// The seq of the last event that the timeline shows. A touch is read by nobody.
    fn last_row(&self) -> Seq {
        self.replica.events.last().map_or(0, |event| event.seq).min(self.replica.state.head)
    }

    /// Returns the messages of others that arrived since the last call.
    pub fn take_news(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.news)
    }

    /// Returns the other incidents since the last call.
    pub fn take_incidents(&mut self) -> Vec<Incident> {
        std::mem::take(&mut self.incidents)
    }

    /// Whether the timeline or the outbox changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether the members or their presence may have changed since the last call.
    pub fn take_people_changed(&mut self) -> bool {
        std::mem::take(&mut self.people_changed)
    }

    /// Drops the oldest events of a very long timeline, and keeps `keep` of them.
    pub fn forget_old(&mut self, keep: usize) {
        self.replica.forget_old(keep);
    }

    /// Requests a redraw of the timeline and the members although no event changed them.
    pub fn touch(&mut self) {
        self.mark_changed();
        self.people_changed = true;
    }

    /// The timeline or the outbox has changed.
    fn mark_changed(&mut self) {
        self.changed = true;
        self.unstored = true;
        self.unkept = true;
    }

    /// Whether the replica is complete and new events arrive at once.
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Why the page no longer follows the room. `None` while it does.
    pub fn ending(&self) -> Option<&Ending> {
        match &self.phase {
            Phase::Ended(ending) => Some(ending),
            _ => None,
        }
    }
}

/// How far each of the others has read, if they share it. A member who posts a message or joins counts as having read
/// up to that event, and the server sends no read mark for it. So a mark may be older than the member's last message,
/// and the events are applied to the marks.
fn reads_of(marks: Vec<ReadMark>, events: &[Event]) -> LiteMap<MemberId, Seq> {
    let mut reads = LiteMap::with_capacity(marks.len());
    for ReadMark { member, seq } in marks {
        reads.insert(member, seq);
    }
    for event in events {
        count_as_read(&mut reads, event);
    }
    reads
}

/// The departed readers of a snapshot, as the timeline uses them.
fn departed_of(departed: Vec<DepartedReader>) -> impl Iterator<Item = Reader> {
    departed.into_iter().map(|DepartedReader { member: MemberView { id, name, since }, seq }| Reader {
        person: Person { id, name },
        since,
        read: seq,
    })
}

/// Moves the read position of an event's author, or of a member who joined, up to that event.
fn count_as_read(reads: &mut LiteMap<MemberId, Seq>, event: &Event) {
    let (EventKind::Message(Message { author: member, .. }) | EventKind::Joined { member }) = &event.kind else {
        return;
    };
    if let Some(read) = reads.get_mut(&member.id) {
        *read = event.seq.max(*read);
    }
}
