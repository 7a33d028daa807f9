//! What the server says, and what follows from it.

use std::collections::BTreeSet;

use crate::protocol::{
    Ack, ClientId, Code, Event, EventKind, MemberId, Message, Person, Problem, ReadMark, Received, Retention, Seq,
    ServerFrame, Signal, Snapshot,
};
use crate::ui::timeline::Reader;

use super::{Act, ByHttp, Ending, Incident, Phase, Session, count_as_read, departed_of, reads_of};

/// The longest wait that a message makes in silence, to be sent again by itself.
const PATIENCE_MS: u64 = 15_000;
/// Of so many who have left it is remembered how far they had read.
const DEPARTED: usize = 64;

impl Session {
    /// A frame came.
    pub fn received(&mut self, frame: ServerFrame, now: u64) -> Vec<Act> {
        if let Phase::Ended(_) = self.phase {
            return Vec::new();
        }
        match frame {
            ServerFrame::Snapshot { code, snapshot } if code == self.code => return self.restart_from(*snapshot, now),
            ServerFrame::Resumed { code, events, connected, member, read, reads, .. } if code == self.code => {
                if member.is_some_and(|member| !self.is_still(member)) {
                    return Vec::new();
                }
                self.reading.resume(read);
                let before = std::mem::replace(&mut self.reads, reads_of(reads, &[]));
                for (member, read) in &mut self.reads {
                    *read = before.get(member).map_or(*read, |before| *before.max(read));
                }
                self.changed = true;
                self.replica.connected = connected.into_iter().collect();
                self.people_changed = true;
                for event in events {
                    self.apply(event);
                }
                return self.in_step(now);
            }
            ServerFrame::Event { code, event } if code == self.code => return self.next(event, now),
            ServerFrame::Ack { code, id, seq, at } if code == self.code => {
                self.outgoing.settle(id);
                self.replica.acknowledge(Ack { id, seq, at });
                self.changed = true;
                return self.flush(now);
            }
            ServerFrame::Error { code, detail, id, room, reason, retry_after_ms }
                if room.is_none_or(|room| room == self.code) =>
            {
                let problem = Problem { reason, room, retry_after_ms, ..Problem::new(code, detail) };
                return self.refused(problem, id, now);
            }
            ServerFrame::Signal { code, signal } if code == self.code => match signal {
                Signal::Typing { member, on } => self.typing.hear(member, on, now),
                Signal::Presence { connected } => {
                    self.replica.connected = connected.into_iter().collect();
                    self.people_changed = true;
                }
                Signal::Read { marks } => self.heard_of(marks),
            },
            // A snapshot follows a reset; other rooms are not followed here, and the rest is about the connection or the list.
            ServerFrame::Hello { .. }
            | ServerFrame::Bye { .. }
            | ServerFrame::Reset { .. }
            | ServerFrame::Pong { .. }
            | ServerFrame::Snapshot { .. }
            | ServerFrame::Resumed { .. }
            | ServerFrame::Event { .. }
            | ServerFrame::Ack { .. }
            | ServerFrame::Error { .. }
            | ServerFrame::Signal { .. }
            | ServerFrame::Rooms { .. }
            | ServerFrame::Summary { .. } => {}
        }
        Vec::new()
    }

    /// Others have read further, or the reader has, on another device.
    fn heard_of(&mut self, marks: Vec<ReadMark>) {
        for ReadMark { member, seq } in marks {
            if self.mine.contains(&member) {
                self.reading.hear(seq);
            } else {
                let read = self.reads.entry(member).or_default();
                *read = seq.max(*read);
                self.changed = true;
            }
        }
    }

    /// Whether the person of this page is still the one that it was made for. Else the browser has become somebody else's, in
    /// another tab: the room is over here, so that nobody sends what another wrote, and the page that comes next is theirs.
    fn is_still(&mut self, member: MemberId) -> bool {
        let is_still = member == self.replica.you.member_id;
        if !is_still {
            self.end(Ending::Outside);
        }
        is_still
    }

    pub(super) fn restart_from(&mut self, mut snapshot: Snapshot, now: u64) -> Vec<Act> {
        if !self.is_still(snapshot.you.member_id) {
            return Vec::new();
        }
        let (epoch, head) = self.replica.resume_point();
        if snapshot.epoch == epoch {
            let stays = |id: MemberId, since: Seq| {
                snapshot.members.iter().any(|member| member.id == id && member.since == since)
            };
            let members = self.replica.state.members.iter();
            let gone: Vec<_> = members.filter(|(id, member)| !stays(**id, member.since)).map(|(id, _)| *id).collect();
            for id in gone {
                self.depart(id);
            }
        } else {
            self.departed.clear();
        }
        self.departed.extend(departed_of(std::mem::take(&mut snapshot.departed)));
        self.reads = reads_of(std::mem::take(&mut snapshot.reads), &snapshot.events);
        if snapshot.epoch == epoch && snapshot.head >= head {
            self.reading.resume(snapshot.you.read);
        } else {
            self.reading.restart(snapshot.you.read.min(snapshot.head));
            self.unread.lose_what_is_further_up();
        }
        let newer = |event: &Event| snapshot.epoch != epoch || event.seq > head;
        let news: Vec<Message> =
            snapshot.events.iter().filter(|event| newer(event)).filter_map(Event::message).cloned().collect();
        self.incidents.extend(snapshot.events.iter().filter(|e| newer(e)).filter_map(|e| incident(&self.mine, e)));
        let shown: BTreeSet<ClientId> = self.replica.events.iter().filter_map(Event::message).map(|m| m.id).collect();
        self.mine.extend(snapshot.you.ids());
        self.news.extend(news.into_iter().filter(|m| !self.mine.contains(&m.author.id) && !shown.contains(&m.id)));
        self.reset_and_keep(snapshot);
        self.from_scratch = false;
        self.changed = true;
        self.people_changed = true;
        self.in_step(now)
    }

    /// Takes a snapshot. A room that keeps nothing has no history to bring back what was read before a pause, so that stays
    /// on the screen above what the snapshot brings: the notice of coming back stands between the two.
    pub(super) fn reset_and_keep(&mut self, snapshot: Snapshot) {
        // Of what history still has, it brings back more than this page has.
        let ephemeral = snapshot.room.retention == Retention::Ephemeral && !snapshot.has_more;
        let before = if ephemeral { self.replica.events.clone() } else { Vec::new() };
        self.replica.reset(snapshot);
        let first = self.replica.events.first().map(|event| event.seq);
        let last = before.last().map(|event| event.seq);
        if let (Some(first), Some(last)) = (first, last)
            && last < first
        {
            self.replica.events.splice(0..0, before);
        }
    }

    pub(super) fn in_step(&mut self, now: u64) -> Vec<Act> {
        if !self.replica.is_member() {
            return self.gone(true);
        }
        if let Phase::CatchingUp { .. } = self.phase {
            self.phase = Phase::Live;
            self.long_answers = 0;
        }
        self.flush(now)
    }

    pub(super) fn next(&mut self, event: Event, now: u64) -> Vec<Act> {
        let received = self.apply(event);
        let live = self.is_live();
        if !self.replica.is_member() {
            self.gone(!live)
        } else if received == Received::Gap && live {
            vec![self.subscribe(now)]
        } else {
            self.flush(now)
        }
    }

    /// Remembers how far a member had read who is leaving.
    fn depart(&mut self, id: MemberId) {
        let Some(member) = self.replica.state.members.get(&id) else { return };
        if let Some(&read) = self.reads.get(&id) {
            let person = Person { id, name: member.name.clone() };
            self.departed.push(Reader { person, since: member.since, read });
            let old = self.departed.len().saturating_sub(DEPARTED);
            self.departed.drain(..old);
        }
    }

    pub(super) fn apply(&mut self, event: Event) -> Received {
        if let EventKind::Left { member } | EventKind::Removed { member, .. } = &event.kind
            && event.seq == self.replica.state.head + 1
        {
            self.depart(member.id);
        }
        let received = self.replica.receive(event);
        if let Received::Applied(count) = received {
            self.changed = true;
            let fresh = self.replica.events.len().saturating_sub(count);
            for event in &self.replica.events[fresh..] {
                count_as_read(&mut self.reads, event);
                let Some(message) = event.message() else {
                    self.people_changed = true;
                    self.incidents.extend(incident(&self.mine, event));
                    continue;
                };
                self.typing.hear(message.author.id, false, 0);
                if self.mine.contains(&message.author.id) {
                    self.outgoing.settle(message.id);
                    self.reading.hear(event.seq);
                } else {
                    self.news.push(message.clone());
                }
            }
        }
        received
    }

    /// The log, or a refusal, says that this client is not in the room. `missed`: that happened while it was away.
    pub(super) fn gone(&mut self, missed: bool) -> Vec<Act> {
        if self.leaving {
            self.stop();
            return Vec::new();
        }
        let mine = &self.mine;
        let last = self.replica.events.iter().rev().find_map(|event| match &event.kind {
            EventKind::Removed { member, by } if mine.contains(&member.id) => {
                Some(Ending::Removed { by: Some(by.name.clone()) })
            }
            EventKind::Left { member } if mine.contains(&member.id) => Some(Ending::Left),
            EventKind::Joined { member } if mine.contains(&member.id) => Some(Ending::Returning),
            _ => None,
        });
        match last {
            Some(ending @ Ending::Removed { .. }) => self.end(ending),
            Some(Ending::Left) if !missed => self.end(Ending::Left),
            // Only the person themselves ends that, wherever they did.
            _ if self.by_account => self.end(Ending::Left),
            _ => {
                self.end(Ending::Returning);
                return vec![Act::Rejoin];
            }
        }
        Vec::new()
    }

    pub(super) fn refused(&mut self, problem: Problem, id: Option<ClientId>, now: u64) -> Vec<Act> {
        match problem.code {
            Code::Removed => {
                self.end(Ending::Removed { by: None });
                return Vec::new();
            }
            Code::NotAMember => return self.gone(true),
            Code::NoSession => return vec![Act::AskDoor],
            // The room is gone, or whoever has the browser now never was in it.
            Code::RoomUnavailable if id.is_none() => return vec![Act::AskDoor],
            _ => {}
        }
        match id {
            // What has to wait for long is shown as not sent, with what the server says, for its author to decide.
            Some(id) if problem.is_passing() && problem.retry_after_ms.is_none_or(|wait| wait <= PATIENCE_MS) => {
                self.outgoing.hold(id, problem.retry_after_ms, (self.jitter)(), now);
                Vec::new()
            }
            Some(id) => {
                self.outgoing.settle(id);
                self.incidents.push(Incident::Refused(problem.clone()));
                self.replica.fail(id, problem);
                self.changed = true;
                self.flush(now)
            }
            None if matches!(self.phase, Phase::CatchingUp { .. }) => {
                // The subscription was refused for now: a new connection asks again.
                vec![Act::Renew(now + problem.retry_after_ms.unwrap_or(0))]
            }
            None => Vec::new(),
        }
    }

    /// What the room's door said when asked with [`Act::AskDoor`]: the snapshot, or nothing for who is outside.
    pub fn door_said(&mut self, inside: Option<Snapshot>, now: u64) -> Vec<Act> {
        match (inside, &self.phase) {
            (_, Phase::Ended(_)) | (Some(_), Phase::Live | Phase::CatchingUp { .. }) => Vec::new(),
            (None, _) => {
                self.end(Ending::Outside);
                Vec::new()
            }
            (Some(snapshot), _) => {
                self.go_by_http(now);
                let (epoch, head) = self.replica.resume_point();
                // An answer that was overtaken, or of a node that knows less, takes nothing back.
                if snapshot.epoch == epoch && snapshot.head < head {
                    return self.flush(now);
                }
                self.restart_from(snapshot, now)
            }
        }
    }

    /// How [`Act::Post`] went.
    pub fn posted(&mut self, id: ClientId, outcome: Result<Ack, Problem>, now: u64) -> Vec<Act> {
        if let Phase::Ended(_) = self.phase {
            return Vec::new();
        }
        match outcome {
            Ok(ack) => {
                self.outgoing.settle(id);
                self.replica.acknowledge(ack);
                self.changed = true;
                if let ByHttp::Waiting { until } = &mut self.by_http {
                    *until = now;
                }
                self.flush(now)
            }
            Err(problem) => self.refused(problem, Some(id), now),
        }
    }

    /// The person wants back in.
    pub fn rejoin(&mut self) -> Vec<Act> {
        if !matches!(self.phase, Phase::Ended(Ending::Away(_) | Ending::Left)) {
            return Vec::new();
        }
        self.phase = Phase::Ended(Ending::Returning);
        vec![Act::Rejoin]
    }

    /// How [`Act::Rejoin`] went. True if the room goes on: it is to be followed anew.
    pub fn rejoined(&mut self, outcome: Result<(), Problem>) -> bool {
        if self.phase != Phase::Ended(Ending::Returning) {
            return false;
        }
        match outcome {
            Ok(()) => {
                self.from_scratch = true;
                self.phase = Phase::Apart;
                return true;
            }
            Err(problem) if problem.code == Code::Removed => self.end(Ending::Removed { by: None }),
            Err(problem) => self.end(Ending::Away(Some(problem))),
        }
        false
    }
}

/// Whether an event is an incident. That the reader is out is said where they could write before.
fn incident(mine: &BTreeSet<MemberId>, event: &Event) -> Option<Incident> {
    match &event.kind {
        EventKind::Message(_) | EventKind::Joined { .. } | EventKind::Left { .. } => None,
        EventKind::Removed { member, .. } if mine.contains(&member.id) => None,
        kind => Some(Incident::Event(kind.clone())),
    }
}
