//! What the browser does about one room: given frames, clicks and the time, it says what to send and when to look again. No
//! clock, no socket, no signal: [`super::LiveRoom`] brings those. The connection is not its own: others may listen to it.
//!
//! Times are milliseconds of any clock that never goes back.

mod following;
mod frames;
mod person;

use std::collections::{BTreeMap, BTreeSet};

use crate::protocol::{
    DepartedReader, Event, EventKind, MemberId, MemberView, Message, Nickname, Person, Problem, ReadMark, Replica,
    RoomCode, Seq, Snapshot,
};

use crate::ui::timeline::Reader;

use super::{act::Act, outgoing::Outgoing, reading::Reading, typing::Typing, unread::Unread};

/// Why the room is over for this page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The owner removed this member.
    Removed {
        /// The owner, if the log told.
        by: Option<Nickname>,
    },
    /// Left, by staying away too long; joining again is under way.
    Returning,
    /// Left, by staying away too long, and not back.
    Away(Option<Problem>),
    /// Left here, by Exit.
    Exited,
    /// Left from somewhere else, such as another tab or device.
    Left,
    /// The server no longer knows this person, or knows somebody else in their browser.
    Outside,
}

/// Something besides messages that is worth a word to who listens to the page. Who comes and goes is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incident {
    /// It is in the log.
    Event(EventKind),
    /// A message from here was refused for good.
    Refused(Problem),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// There is no connection.
    Apart,
    CatchingUp {
        deadline: u64,
    },
    Live,
    Ended(Ending),
}

/// The way by HTTP, for as long as no socket can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ByHttp {
    /// Not wanted, or it does not work either.
    Off,
    /// The room was asked for.
    Asking,
    /// The room is asked for again at this time.
    Waiting { until: u64 },
}

/// One room, as this page follows it.
#[expect(clippy::struct_excessive_bools, reason = "five facts that have nothing to do with each other")]
#[derive(Debug)]
pub struct Session {
    replica: Replica,
    code: RoomCode,
    mine: BTreeSet<MemberId>,
    phase: Phase,
    by_http: ByHttp,
    from_scratch: bool,
    long_answers: u32,
    by_account: bool,
    leaving: bool,
    outgoing: Outgoing,
    typing: Typing,
    reading: Reading,
    reads: BTreeMap<MemberId, Seq>,
    departed: Vec<Reader>,
    unread: Unread,
    news: Vec<Message>,
    incidents: Vec<Incident>,
    changed: bool,
    people_changed: bool,
    jitter: fn() -> f64,
}

impl Session {
    /// Starts at a snapshot, without a connection.
    pub fn new(mut snapshot: Snapshot, jitter: fn() -> f64) -> Self {
        let reads = reads_of(std::mem::take(&mut snapshot.reads), &snapshot.events);
        let departed = departed_of(std::mem::take(&mut snapshot.departed)).collect();
        let replica = Replica::new(snapshot);
        let mine = replica.you.ids().collect();
        let mut unread = Unread::of(&replica);
        unread.look(&replica, &mine);
        Self {
            code: replica.room.code,
            reading: Reading::new(replica.you.read.min(replica.state.head)),
            reads,
            departed,
            unread,
            mine,
            replica,
            phase: Phase::Apart,
            by_http: ByHttp::Off,
            from_scratch: false,
            long_answers: 0,
            by_account: false,
            leaving: false,
            outgoing: Outgoing::default(),
            typing: Typing::default(),
            news: Vec::new(),
            incidents: Vec::new(),
            changed: true,
            people_changed: true,
            jitter,
        }
    }

    /// The same, of an account, which stays in its rooms until it leaves them, however long it is away.
    pub fn of_account(self) -> Self {
        Self { by_account: true, ..self }
    }

    /// The copy of the room.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The member ids that are or were this page's person's in the room; mostly one.
    pub fn mine(&self) -> &BTreeSet<MemberId> {
        &self.mine
    }

    /// Who else is typing.
    pub fn typists(&self) -> impl Iterator<Item = &Nickname> {
        self.typing
            .others()
            .filter(|id| !self.mine.contains(id))
            .filter_map(|id| Some(&self.replica.state.members.get(&id)?.name))
    }

    /// How far the others have read, as far as they show it.
    pub fn reads(&self) -> &BTreeMap<MemberId, Seq> {
        &self.reads
    }

    /// How far those had read who have left since, in this life of the log.
    pub fn departed(&self) -> &[Reader] {
        &self.departed
    }

    /// What had not been read when the page was opened.
    pub fn unread(&self) -> &Unread {
        &self.unread
    }

    /// Whether the end of the timeline is before the reader's eyes.
    pub fn is_looking(&self) -> bool {
        self.reading.is_looking()
    }

    /// Whether nothing that was said is unread, here or on another device of theirs.
    pub fn has_read_all(&self) -> bool {
        let last = self.replica.events.iter().rev().find(|event| event.message().is_some());
        last.is_none_or(|event| event.seq <= self.reading.read())
    }

    /// Messages of others that arrived since this was asked last.
    pub fn take_news(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.news)
    }

    /// What else happened since this was asked last.
    pub fn take_incidents(&mut self) -> Vec<Incident> {
        std::mem::take(&mut self.incidents)
    }

    /// Whether the timeline or the outbox changed since this was asked last.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether who is in the room, or connected, may have changed since this was asked last.
    pub fn take_people_changed(&mut self) -> bool {
        std::mem::take(&mut self.people_changed)
    }

    /// Forgets the oldest events of a very long timeline.
    pub fn forget_old(&mut self, keep: usize) {
        self.replica.forget_old(keep);
    }

    /// Wants the timeline and the members to be drawn again, for a reason of its own.
    pub fn touch(&mut self) {
        self.changed = true;
        self.people_changed = true;
    }

    /// Whether everything is here, and new things come at once.
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Why the room is over, if it is.
    pub fn ending(&self) -> Option<&Ending> {
        match &self.phase {
            Phase::Ended(ending) => Some(ending),
            _ => None,
        }
    }
}

/// How far each of the others has read, as far as they show it. Who says something or joins has read up to it, and of that no
/// mark is sent; so a mark may be older than what its member said.
fn reads_of(marks: Vec<ReadMark>, events: &[Event]) -> BTreeMap<MemberId, Seq> {
    let mut reads = marks.into_iter().map(|mark| (mark.member, mark.seq)).collect();
    for event in events {
        count_as_read(&mut reads, event);
    }
    reads
}

fn departed_of(departed: Vec<DepartedReader>) -> impl Iterator<Item = Reader> {
    departed.into_iter().map(|DepartedReader { member: MemberView { id, name, since }, seq }| Reader {
        person: Person { id, name },
        since,
        read: seq,
    })
}

fn count_as_read(reads: &mut BTreeMap<MemberId, Seq>, event: &Event) {
    let (EventKind::Message(Message { author: member, .. }) | EventKind::Joined { member }) = &event.kind else {
        return;
    };
    if let Some(read) = reads.get_mut(&member.id) {
        *read = event.seq.max(*read);
    }
}
