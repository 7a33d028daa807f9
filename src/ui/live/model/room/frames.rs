//! How a room reacts to frames of the server, and to the answers of the HTTP calls that stand in for frames.
//!
//! [`LocalRoom::received`] applies a frame to the replica, and records what the page has to show (`news`, `incidents`,
//! `changed`) and what has to be sent next. If the log or a refusal shows that the person is not a member any more,
//! [`LocalRoom::membership_ended`] decides whether the page joins again by itself or ends.

use crate::protocol::{
    Ack, ClientId, Code, Event, EventKind, MemberId, Message, Person, Problem, ReadMark, Received, Retention, Seq,
    ServerFrame, Signal, Snapshot, sorted::SortedSet,
};
use crate::ui::timeline::Reader;

use super::{
    super::unread::Unread, Act, ByHttp, Ending, Incident, LocalRoom, Phase, count_as_read, departed_of, reads_of,
};

/// A message that the server asks to send again within this time is sent again without a word. With a longer wait it is
/// shown as not sent.
const LONGEST_SILENT_RETRY_MS: u64 = 15_000;
/// The maximum number of departed members whose read positions are remembered.
const DEPARTED: usize = 64;

impl LocalRoom {
    /// Takes in a frame of the server.
    pub fn received(&mut self, frame: ServerFrame, now: u64) -> Vec<Act> {
        if let Phase::Ended(_) = self.phase {
            return Vec::new();
        }
        match frame {
            ServerFrame::Snapshot { code, snapshot } if code == self.code => return self.restart_from(*snapshot, now),
            ServerFrame::Resumed { code, events, connected, member, read, reads, .. } if code == self.code => {
                if member.is_some_and(|member| !self.check_same_member(member)) {
                    return Vec::new();
                }
                self.read_position.resume(read);
                let before = std::mem::replace(&mut self.reads, reads_of(reads, &[]));
                for (member, read) in &mut self.reads {
                    *read = before.get(member).map_or(*read, |before| *before.max(read));
                }
                self.mark_changed();
                self.replica.connected = connected.into_iter().collect();
                self.people_changed = true;
                for event in events {
                    self.apply(event);
                }
                if std::mem::take(&mut self.was_left) {
                    self.unread = Unread::after(read, &self.replica, &self.own_ids);
                }
                return self.caught_up(now);
            }
            ServerFrame::Event { code, event } if code == self.code => return self.next(event, now),
            ServerFrame::Ack { code, id, seq, at } if code == self.code => {
                self.acknowledge(Ack { id, seq, at });
                return self.flush(now);
            }
            ServerFrame::Error { code, detail, id, room, reason, retry_after_ms }
                if room.is_none_or(|room| room == self.code) =>
            {
                let problem = Problem { reason, room, retry_after_ms, ..Problem::new(code, detail) };
                return self.refused(problem, id, now);
            }
            ServerFrame::Signal { code, signal } if code == self.code => match signal {
                Signal::Typing { member, on } => self.typing.receive(member, on, now),
                Signal::Presence { connected } => {
                    self.replica.connected = connected.into_iter().collect();
                    self.people_changed = true;
                }
                Signal::Read { marks } => self.apply_read_marks(marks),
                Signal::Other => {}
            },
            // Nothing to do: a snapshot follows `reset`, a frame of another room is not for this page, and the other
            // frames concern the connection or the list.
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
            | ServerFrame::Summary { .. }
            | ServerFrame::Other => {}
        }
        Vec::new()
    }

    /// The server has done what this client wanted.
    fn acknowledge(&mut self, ack: Ack) {
        if self.reactions.has(ack.id) {
            self.reactions.acknowledge(ack, self.replica.state.head);
            self.changed = true;
        } else {
            self.outgoing.settle(ack.id);
            self.replica.acknowledge(ack);
            self.mark_changed();
        }
    }

    /// Takes in read marks: of other members, or of this person on another device.
    fn apply_read_marks(&mut self, marks: Vec<ReadMark>) {
        for ReadMark { member, seq } in marks {
            if self.own_ids.contains(&member) {
                self.read_position.confirm(seq);
            } else {
                let read = self.reads.entry(member).or_default();
                *read = seq.max(*read);
                self.mark_changed();
            }
        }
    }

    /// Whether the browser still belongs to the member for whom this page was rendered. Another person may have logged
    /// in in another tab. Then the room ends here, so that nobody sends what somebody else wrote; the next page is for
    /// the new person.
    fn check_same_member(&mut self, member: MemberId) -> bool {
        let is_same = member == self.replica.you.member_id;
        if !is_same {
            self.end(Ending::Outside);
        }
        is_same
    }

    /// Replaces the replica by a snapshot, from the socket or from HTTP. Messages and incidents that are new to this
    /// page are recorded as news. Read positions of members who are gone since move to `departed`.
    pub(super) fn restart_from(&mut self, mut snapshot: Snapshot, now: u64) -> Vec<Act> {
        if !self.check_same_member(snapshot.you.member_id) {
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
            self.reactions.clear();
        }
        self.departed.extend(departed_of(std::mem::take(&mut snapshot.departed)));
        self.reads = reads_of(std::mem::take(&mut snapshot.reads), &snapshot.events);
        if snapshot.epoch == epoch && snapshot.head >= head {
            self.read_position.resume(snapshot.you.read);
        } else {
            self.read_position.restart(snapshot.you.read.min(snapshot.head));
            self.unread.lose_what_is_further_up();
        }
        let newer = |event: &Event| snapshot.epoch != epoch || event.seq > head;
        let news: Vec<Message> =
            snapshot.events.iter().filter(|event| newer(event)).filter_map(Event::message).cloned().collect();
        self.incidents.extend(snapshot.events.iter().filter(|e| newer(e)).filter_map(|e| incident(&self.own_ids, e)));
        let shown: SortedSet<ClientId> = self.replica.events.iter().filter_map(Event::message).map(|m| m.id).collect();
        self.own_ids.extend(snapshot.you.ids());
        self.news.extend(news.into_iter().filter(|m| !self.own_ids.contains(&m.author.id) && !shown.contains(&m.id)));
        self.reset_and_keep(snapshot);
        self.reactions.follow(self.replica.state.head);
        self.from_scratch = false;
        self.mark_changed();
        self.people_changed = true;
        self.caught_up(now)
    }

    /// Resets the replica to a snapshot, and keeps events on the page that can no longer be fetched.
    ///
    /// An ephemeral room without history has only the events since the person came back. What they had read before
    /// stays above them; the timeline shows a hole (`ui::timeline::holes`) between the two.
    pub(super) fn reset_and_keep(&mut self, snapshot: Snapshot) {
        // With `has_more` the server has history to fetch again, and it covers more than this page has.
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

    /// Ends catching up: the replica is complete up to the head. Sends what waited.
    pub(super) fn caught_up(&mut self, now: u64) -> Vec<Act> {
        if !self.replica.is_member() {
            return self.membership_ended(true);
        }
        if let Phase::CatchingUp { .. } = self.phase {
            self.phase = Phase::Live;
            self.late_answers = 0;
        }
        self.flush(now)
    }

    /// Applies one event of the live stream. A gap before it makes the room subscribe again.
    pub(super) fn next(&mut self, event: Event, now: u64) -> Vec<Act> {
        let received = self.apply(event);
        let live = self.is_live();
        if !self.replica.is_member() {
            self.membership_ended(!live)
        } else if received == Received::Gap && live {
            vec![self.subscribe(now)]
        } else {
            self.flush(now)
        }
    }

    /// Remembers how far a member who is leaving has read.
    fn depart(&mut self, id: MemberId) {
        let Some(member) = self.replica.state.members.get(&id) else { return };
        if let Some(&read) = self.reads.get(&id) {
            let person = Person { id, name: member.name.clone() };
            self.departed.push(Reader { person, since: member.since, read });
            let old = self.departed.len().saturating_sub(DEPARTED);
            self.departed.drain(..old);
        }
    }

    /// Applies an event to the replica, and records what follows from it for marks, news and members.
    pub(super) fn apply(&mut self, event: Event) -> Received {
        if let EventKind::Left { member } | EventKind::Removed { member, .. } = &event.kind
            && event.seq == self.replica.state.head + 1
        {
            self.depart(member.id);
        }
        let received = self.replica.receive(event);
        if let Received::Applied(count) = received {
            self.reactions.follow(self.replica.state.head);
            self.mark_changed();
            let fresh = self.replica.events.len().saturating_sub(count);
            for event in &self.replica.events[fresh..] {
                count_as_read(&mut self.reads, event);
                let Some(message) = event.message() else {
                    self.people_changed = true;
                    self.incidents.extend(incident(&self.own_ids, event));
                    continue;
                };
                self.typing.receive(message.author.id, false, 0);
                if self.own_ids.contains(&message.author.id) {
                    self.outgoing.settle(message.id);
                    self.read_position.confirm(event.seq);
                } else {
                    self.news.push(message.clone());
                }
            }
        }
        received
    }

    /// The log, or a refusal, shows that this person is not a member any more. `missed` is true if that happened while
    /// the page was not live. A guest's `left` is then taken for absence, and the page joins again by itself. It does
    /// not join again for a removed member, for an account, or for a guest who left while the page was live.
    pub(super) fn membership_ended(&mut self, missed: bool) -> Vec<Act> {
        if self.leaving {
            self.end(Ending::Exited);
            return Vec::new();
        }
        let own_ids = &self.own_ids;
        let last = self.replica.events.iter().rev().find_map(|event| match &event.kind {
            EventKind::Removed { member, by } if own_ids.contains(&member.id) => {
                Some(Ending::Removed { by: Some(by.name.clone()) })
            }
            EventKind::Left { member } if own_ids.contains(&member.id) => Some(Ending::Left),
            EventKind::Joined { member } if own_ids.contains(&member.id) => Some(Ending::Returning),
            _ => None,
        });
        match last {
            Some(ending @ Ending::Removed { .. }) => self.end(ending),
            Some(Ending::Left) if !missed => self.end(Ending::Left),
            // An account is never taken out for absence, so the person must have left from another page or device.
            _ if self.has_account => self.end(Ending::Left),
            _ => {
                self.end(Ending::Returning);
                return vec![self.ask_to_rejoin()];
            }
        }
        Vec::new()
    }

    /// Takes in a refusal of the server, of the message `id` or of something else.
    pub(super) fn refused(&mut self, problem: Problem, id: Option<ClientId>, now: u64) -> Vec<Act> {
        match problem.code {
            Code::Removed => {
                self.end(Ending::Removed { by: None });
                return Vec::new();
            }
            Code::NotAMember => return self.membership_ended(true),
            Code::NoSession => return vec![Act::FetchRoom(Some(self.code))],
            // The room is gone, or the browser belongs to another person by now who was never a member.
            Code::RoomUnavailable if id.is_none() => return vec![Act::FetchRoom(Some(self.code))],
            _ => {}
        }
        let passes =
            problem.is_transient() && problem.retry_after_ms.is_none_or(|wait| wait <= LONGEST_SILENT_RETRY_MS);
        match id {
            Some(id) if self.reactions.has(id) => {
                if passes {
                    self.reactions.hold(id, &problem, (self.jitter)(), now);
                } else {
                    self.reactions.refuse(id);
                    self.refused_reaction = Some(problem);
                    self.changed = true;
                }
                self.flush(now)
            }
            // A passing refusal with a short wait, or with none, is retried by itself. With a long wait the message is
            // shown as not sent, with the server's reason, and its author decides.
            Some(id) if passes => {
                self.outgoing.hold(id, problem.retry_after_ms, (self.jitter)(), now);
                Vec::new()
            }
            Some(id) => {
                self.outgoing.settle(id);
                self.incidents.push(Incident::Refused(problem.clone()));
                self.replica.fail(id, problem);
                self.mark_changed();
                self.flush(now)
            }
            None if matches!(self.phase, Phase::CatchingUp { .. }) => {
                // The subscription was refused for the moment: a new connection subscribes again.
                vec![Act::Renew(now + problem.retry_after_ms.unwrap_or(0))]
            }
            None => Vec::new(),
        }
    }

    /// Takes in a snapshot, the answer to [`Act::FetchRoom`].
    pub fn room_fetched(&mut self, snapshot: Snapshot, now: u64) -> Vec<Act> {
        if self.phase != Phase::Apart {
            return Vec::new();
        }
        self.go_by_http(now);
        let (epoch, head) = self.replica.resume_point();
        // A late answer, or one of a node that lags behind, must not set the replica back.
        if snapshot.epoch == epoch && snapshot.head < head {
            return self.flush(now);
        }
        self.restart_from(snapshot, now)
    }

    /// Takes in the result of [`Act::Post`].
    pub fn posted(&mut self, id: ClientId, outcome: Result<Ack, Problem>, now: u64) -> Vec<Act> {
        if let Phase::Ended(_) = self.phase {
            return Vec::new();
        }
        match outcome {
            Ok(ack) => {
                self.acknowledge(ack);
                if let ByHttp::Waiting { until } = &mut self.by_http {
                    *until = now;
                }
                self.flush(now)
            }
            Err(problem) => self.refused(problem, Some(id), now),
        }
    }

    /// The request to join this room again, with the same nickname.
    fn ask_to_rejoin(&self) -> Act {
        Act::Rejoin { code: self.code, nickname: self.replica.you.nickname.clone() }
    }

    /// Joins the room again, on the person's request.
    pub(super) fn rejoin(&mut self) -> Vec<Act> {
        if !matches!(self.phase, Phase::Ended(Ending::Away(_) | Ending::Left)) {
            return Vec::new();
        }
        self.phase = Phase::Ended(Ending::Returning);
        vec![self.ask_to_rejoin()]
    }

    /// Takes in the result of [`Act::Rejoin`]. Returns true if the person is a member again, so that the room has to be
    /// subscribed to anew.
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

/// The incident to announce for an event, if there is one. The reader's own removal is none: the page shows it in place
/// of the composer.
fn incident(own_ids: &SortedSet<MemberId>, event: &Event) -> Option<Incident> {
    match &event.kind {
        EventKind::Message(_) | EventKind::Joined { .. } | EventKind::Left { .. } => None,
        kind if kind.is_touch() => None,
        EventKind::Removed { member, .. } if own_ids.contains(&member.id) => None,
        kind => Some(Incident::Event(kind.clone())),
    }
}
