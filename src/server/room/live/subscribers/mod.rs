//! The subscribers of a live room: the connections to this node that follow it, and the frames that are sent to them.
//!
//! Frames of events are queued in the order of the log and sent together, to each subscriber in one write with the
//! subscriber's own acks. A subscriber who came while frames waited is sent only those that its snapshot or resume did
//! not have.
//!
//! Not here: the fold over the events (`delivering`), and the answers to new subscribers (`following`).

use std::{collections::BTreeMap, mem, time::Duration};

use litemap::LiteMap;
use tokio::time::Instant;

use super::{super::request::Discretion, acks::Acks, pace::TICK};
use crate::{
    protocol::{MemberId, Seq},
    server::{
        metrics::{self, Stopwatch},
        socket::{Connection, ConnectionId, Frame},
    },
};

/// Up to this many subscribers, a `Joined` is sent at once. With more, it may wait for the next event or tick: each of
/// n people who join one by one would otherwise cost a write to everybody there, which makes about n² writes.
const FEW: usize = 8;
/// Frames joined into one write. Few enough for a reader that has a little backlog.
const FRAMES_TOGETHER: usize = 64;
/// A member's typing is announced at most once in this time.
const TYPING_PAUSE: Duration = Duration::from_secs(1);
/// How long a room without subscribers stays live.
const IDLE_LIFE: Duration = Duration::from_secs(10);

/// A connection that follows the room.
pub struct Subscriber {
    pub connection: Connection,
    pub member: MemberId,
    /// What the member shows others of their activity.
    pub discretion: Discretion,
    /// The head of the log when this connection subscribed. Its snapshot or resume had all events up to that seq.
    knows: Seq,
    /// When the others were last sent a signal that this member is typing.
    typed_at: Option<Instant>,
    /// Whether the member is typing, by the connection's last report.
    types: bool,
    /// Whether the last typing signal to the others said that the member types.
    shown_typing: bool,
}

/// A change of a member's typing that the others are to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typing {
    pub member: MemberId,
    /// Whether the member is typing.
    pub on: bool,
}

/// A subscriber that was removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The member on the connection.
    pub member: MemberId,
    /// Whether the member has no other connection to this node.
    pub was_last: bool,
}

/// The subscribers, and the frames that wait for them.
pub struct Subscribers {
    /// The subscribers, sorted by connection id. Contiguous in memory (`LiteMap`), because every message iterates over
    /// all of them.
    all: LiteMap<ConnectionId, Subscriber>,
    /// Number of connections to this node, by member.
    here: BTreeMap<MemberId, usize>,
    /// The seq of the last event that was sent. The events of `unsent` follow it, and end at the head of the log.
    sent: Seq,
    /// Frames of the last events, in order, that subscribers have not been sent yet.
    unsent: Vec<Frame>,
    /// Runs since this node has the first event of `unsent`.
    unsent_since: Stopwatch,
    /// When frames were last sent.
    sent_at: Instant,
    /// When the last subscriber was removed, or when the room came to life.
    quiet_since: Instant,
}

impl Subscribers {
    /// The subscribers of a room that comes to life: nobody.
    pub fn new(now: Instant) -> Self {
        Self {
            all: LiteMap::new(),
            here: BTreeMap::new(),
            sent: 0,
            unsent: Vec::new(),
            unsent_since: Stopwatch::default(),
            sent_at: now,
            quiet_since: now,
        }
    }

    /// Whether there is no subscriber.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether there has been no subscriber for so long that the room may end.
    pub fn is_idle(&self, now: Instant) -> bool {
        self.is_empty() && now.duration_since(self.quiet_since) >= IDLE_LIFE
    }

    /// The subscriber on a connection.
    pub fn get(&self, id: ConnectionId) -> Option<&Subscriber> {
        self.all.get(&id)
    }

    /// The members with a connection to this node.
    pub fn members(&self) -> impl Iterator<Item = MemberId> {
        self.here.keys().copied()
    }

    /// Number of a member's connections to this node.
    pub fn connections_of(&self, member: MemberId) -> usize {
        self.here.get(&member).copied().unwrap_or(0)
    }

    /// The ids of a member's connections to this node.
    pub fn ids_of(&self, member: MemberId) -> Vec<ConnectionId> {
        let theirs = self.all.iter().filter(|(_, subscriber)| subscriber.member == member);
        theirs.map(|(id, _)| *id).collect()
    }

    /// Adds a connection that got its snapshot or resume, which ends at the head of the log.
    pub fn add(&mut self, connection: Connection, member: MemberId, discretion: Discretion) {
        let id = connection.id();
        let knows = self.sent + self.unsent.len() as Seq;
        let subscriber =
            Subscriber { connection, member, discretion, knows, typed_at: None, types: false, shown_typing: false };
        if self.all.insert(id, subscriber).is_none() {
            *self.here.entry(member).or_default() += 1;
        }
    }

    /// Removes a connection. `None` if it does not follow the room.
    pub fn remove(&mut self, id: ConnectionId, now: Instant) -> Option<Removed> {
        let Subscriber { member, .. } = self.all.remove(&id)?;
        let mut was_last = false;
        if let Some(connections) = self.here.get_mut(&member) {
            *connections -= 1;
            was_last = *connections == 0;
        }
        if was_last {
            self.here.remove(&member);
        }
        self.note_quiet(now);
        Some(Removed { member, was_last })
    }

    /// Removes all connections of a member who is no longer in the room.
    pub fn remove_member(&mut self, member: MemberId, now: Instant) {
        if self.here.remove(&member).is_some() {
            self.all.retain(|_, subscriber| subscriber.member != member);
            self.note_quiet(now);
        }
    }

    /// Removes all subscribers, and returns them.
    pub fn take_all(&mut self, now: Instant) -> impl Iterator<Item = Subscriber> + use<> {
        let removed = mem::take(&mut self.all);
        if !removed.is_empty() {
            self.here.clear();
            self.note_quiet(now);
        }
        removed.into_iter().map(|(_, subscriber)| subscriber)
    }

    /// Notes the time of a removal, if nobody is left.
    fn note_quiet(&mut self, now: Instant) {
        if self.all.is_empty() {
            self.quiet_since = now;
        }
    }

    /// Starts from a log that ends at `head`. The frames that wait are dropped, since they are of another state.
    pub fn start_at(&mut self, head: Seq) {
        self.unsent.clear();
        self.unsent_since = Stopwatch::default();
        self.sent = head;
    }

    /// Queues the frame of the next event. `since` runs since this node has the event.
    pub fn queue(&mut self, frame: Frame, since: Stopwatch) {
        self.unsent.push(frame);
        self.unsent_since.start_with(since);
    }

    /// Whether a `Joined` may wait for the next event or tick.
    pub fn lets_joined_wait(&self, now: Instant) -> bool {
        self.all.len() > FEW && now.duration_since(self.sent_at) < TICK
    }

    /// Sends every subscriber the frames that wait, and then a signal. Each subscriber gets everything in one write,
    /// with the subscriber's own acks first.
    pub fn send(&mut self, now: Instant, acks: &mut Acks, signal: Option<Frame>) {
        let mut sent = self.sent;
        let mut frames = mem::take(&mut self.unsent);
        let delivers = (!frames.is_empty()).then(|| mem::take(&mut self.unsent_since));
        self.sent += frames.len() as Seq;
        frames.extend(signal);
        if frames.is_empty() {
            return;
        }
        self.sent_at = now;
        for frames in frames.chunks(FRAMES_TOGETHER) {
            let news = Frame::together(frames);
            for (id, subscriber) in &self.all {
                // A subscriber who came while these frames waited has the events from the snapshot or resume.
                let known = usize::try_from(subscriber.knows.saturating_sub(sent)).unwrap_or(usize::MAX);
                let rest;
                let news = match frames.get(known..) {
                    Some(_) if known == 0 => &news,
                    Some(unknown @ [_, ..]) => {
                        rest = Frame::together(unknown);
                        &rest
                    }
                    _ => continue,
                };
                match acks.take(*id) {
                    Some(mut own) => {
                        own.push(news.clone());
                        subscriber.connection.push(&Frame::together(&own));
                    }
                    None => subscriber.connection.push(news),
                }
            }
            sent += frames.len() as Seq;
        }
        if let Some(since) = delivers {
            metrics::record_delivery(since);
        }
    }

    /// Sends a signal to some subscribers. The frames that wait are sent first, to all: a client must not get a signal
    /// about a member before that member's `Joined`.
    pub fn signal(&mut self, now: Instant, frame: &Frame, is_for: impl Fn(&Subscriber) -> bool) {
        self.send(now, &mut Acks::default(), None);
        for subscriber in self.all.values().filter(|subscriber| is_for(subscriber)) {
            subscriber.connection.push(frame);
        }
    }

    /// Notes a connection's report that its member started or stopped typing, if the member shows that. Returns what
    /// the others are to be sent now.
    pub fn note_typing(&mut self, id: ConnectionId, on: bool, now: Instant) -> Option<Typing> {
        let subscriber = self.all.get_mut(&id).filter(|subscriber| subscriber.discretion.shows_typing)?;
        subscriber.types = on;
        self.take_typing(id, now)
    }

    /// The connections whose member has typed for a while without a signal to the others.
    pub fn late_typing(&self) -> Vec<ConnectionId> {
        let is_late = |subscriber: &Subscriber| subscriber.types && !subscriber.shown_typing;
        self.all.iter().filter(|(_, subscriber)| is_late(subscriber)).map(|(id, _)| *id).collect()
    }

    /// Whether a member is typing, if that has changed since the others were last sent it. Afterwards it counts as
    /// sent. A start is sent at most once in a pause, and otherwise waits for the next tick. So a client that switches
    /// back and forth cannot flood the room, and the last state always arrives.
    pub fn take_typing(&mut self, id: ConnectionId, now: Instant) -> Option<Typing> {
        let subscriber = self.all.get_mut(&id)?;
        let on = subscriber.types;
        let rests = subscriber.typed_at.is_none_or(|at| now.duration_since(at) >= TYPING_PAUSE);
        if (on && !rests) || (!on && !subscriber.shown_typing) {
            return None;
        }
        if on {
            subscriber.typed_at = Some(now);
        }
        subscriber.shown_typing = on;
        Some(Typing { member: subscriber.member, on })
    }
}

#[cfg(test)]
mod tests;
