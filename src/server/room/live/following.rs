//! Connections that follow a live room: snapshots, resumes and resets.

use tokio::time::Instant;

use super::{
    super::{
        Reply,
        entry::Entry,
        frames::{EncodedSnapshot, Picture, RoomFrame},
        judge::not_a_member,
        log::{LogError, RESUME_BYTES},
        sight::Sight,
    },
    DOUBT, Discretion, Live, Look, PATIENCE, REPLAYS, Request, ResumePoint, Subscribe, Subscriber, announcement,
    listing::is_account,
    overloaded,
};
use crate::{
    protocol::{
        ByeReason, Event, EventKind, MemberId, MemberView, Person, ResetReason, Retention, Role, RoomType, RoomView,
        Seq, ServerFrame, Snapshot, You, limits,
    },
    server::{
        socket::{ConnectionId, Frame},
        store::{ActorId, MemberRecord},
    },
};

/// How much text is in events.
fn text_of<'a>(events: impl IntoIterator<Item = &'a Event>) -> usize {
    events.into_iter().filter_map(Event::message).map(|message| message.body.as_str().len()).sum()
}

/// Where somebody stands who wants to follow the room.
enum Standpoint {
    Inside,
    OnTheWay,
    Outside,
}

impl Live {
    /// What a member may see of the window.
    fn sight_of(&self, member: &MemberRecord) -> Sight {
        let joined = self.joined_at(member);
        let stay = if member.stay > 0 { member.stay } else { joined };
        let is_kept = self.state.retention == Retention::Preserved;
        let all_from = if is_kept { joined.min(self.kept_from.max(self.history_of(member))) } else { joined };
        Sight { member: member.member, stay, all_from }
    }

    /// The first seq that a member may see of what is kept: in a room for two, that of their stay.
    fn history_of(&self, member: &MemberRecord) -> Seq {
        match self.record.room_type {
            RoomType::Group => 0,
            RoomType::P2p if member.stay > 0 => member.stay,
            RoomType::P2p => self.joined_at(member),
        }
    }

    /// Where a member's time in the room began.
    pub(super) fn joined_at(&self, member: &MemberRecord) -> Seq {
        if member.since > 0 {
            return member.since;
        }
        match self.window.last_about(member.member) {
            // The record does not know yet that the log has been told. Until it has, only what comes is for them: the last
            // word on somebody who comes back is that they left, and what was said since is not theirs.
            Some(Event { seq, kind: EventKind::Joined { .. }, .. }) => *seq,
            _ => self.state.head + 1,
        }
    }

    /// Where a member stands by the fold, which decides whether they may follow the room.
    ///
    /// If their record is ahead of the fold (their `Joined` is on its way into the log, or came by another node), the log comes
    /// first and the request waits for it. If it is behind, they have gone.
    fn standpoint_of(&mut self, member: &MemberRecord) -> Standpoint {
        if self.state.members.contains_key(&member.member) {
            return Standpoint::Inside;
        }
        if let Some(owed) = &member.owed {
            let command = announcement(member.person(), owed);
            if !self.pending.iter().any(|(pending, _)| *pending == command) {
                self.pending.push_back((command, Reply::None));
            }
            return Standpoint::OnTheWay;
        }
        if member.since > self.state.head {
            self.fall_behind();
            return Standpoint::OnTheWay;
        }
        Standpoint::Outside
    }

    pub(super) fn subscribe(&mut self, subscribe: Subscribe) {
        let ahead = subscribe.resume.is_some_and(|resume| resume.epoch == self.epoch && resume.after > self.state.head);
        let standpoint = match self.standpoint_of(&subscribe.member) {
            // The client heard of more than this node: read the log, then answer.
            Standpoint::Inside if ahead => Standpoint::OnTheWay,
            standpoint => standpoint,
        };
        match standpoint {
            Standpoint::Inside => self.answer(subscribe),
            // After so many looks at the log the client is ahead of what there is.
            Standpoint::OnTheWay
                if ahead
                    && subscribe.patience <= PATIENCE - DOUBT
                    && self.state.members.contains_key(&subscribe.member.member) =>
            {
                self.reset(subscribe, ResetReason::TooFarBehind);
            }
            Standpoint::OnTheWay if subscribe.patience > 0 => {
                self.doubted |= ahead;
                self.waiting.push(Request::Subscribe(subscribe));
            }
            Standpoint::OnTheWay => subscribe.refuse(overloaded()),
            Standpoint::Outside => subscribe.refuse(not_a_member()),
        }
    }

    /// Somebody asks for the room as it is.
    pub(super) fn look(&mut self, member: MemberRecord, discretion: Discretion, patience: u8, look: Look) {
        match self.standpoint_of(&member) {
            Standpoint::Inside => {
                self.reads.meet(&member, self.head_place());
                if is_account(&member) {
                    self.listing.found_account();
                }
                match look {
                    Look::Snapshot(reply) => drop(reply.send(Ok(self.snapshot(&member, discretion)))),
                    Look::Encoded(reply) => {
                        drop(reply.send(Ok(EncodedSnapshot::of(&self.picture(&member, discretion)))));
                    }
                }
            }
            Standpoint::OnTheWay if patience > 0 => {
                self.waiting.push(Request::Look(member, discretion, patience, look));
            }
            Standpoint::OnTheWay => look.refuse(overloaded()),
            Standpoint::Outside => look.refuse(not_a_member()),
        }
    }

    /// The log was read to its end: whoever still waits after that has one look less.
    pub(super) fn tire_the_waiting(&mut self) {
        for request in &mut self.waiting {
            if let Request::Subscribe(Subscribe { patience, .. }) | Request::Look(_, _, patience, _) = request {
                *patience = patience.saturating_sub(1);
            }
        }
    }

    /// The log has moved: whoever waited for that asks again.
    pub(super) fn hear_the_waiting(&mut self) {
        for request in std::mem::take(&mut self.waiting) {
            self.take(request);
        }
    }

    fn answer(&mut self, subscribe: Subscribe) {
        self.reads.meet(&subscribe.member, self.head_place());
        let Some(ResumePoint { epoch, after }) = subscribe.resume else {
            let (code, picture) = (self.record.code, self.picture(&subscribe.member, subscribe.discretion));
            subscribe.connection.answer_with(&Frame::of(&RoomFrame::Snapshot { code, picture: &picture }));
            return self.admit(subscribe);
        };
        let next = after.saturating_add(1);
        let may_see = next >= self.sight_of(&subscribe.member).all_from;
        let missed = self.state.head.saturating_sub(after);
        if epoch != self.epoch {
            self.reset(subscribe, ResetReason::EpochChanged);
        } else if missed > limits::RESUME_EVENTS as u64 {
            self.reset(subscribe, ResetReason::TooFarBehind);
        } else if let Some(entries) = self.window.after(after, self.state.head).filter(|_| may_see) {
            subscribe.connection.answer_with(&self.resumed_frame(&entries, &subscribe));
            self.admit(subscribe);
        } else if self.state.retention == Retention::Preserved && next >= self.history_of(&subscribe.member) {
            // Who asks again before their turn has come is answered once.
            let id = subscribe.connection.id();
            self.unreplayed.retain(|earlier| earlier.connection.id() != id);
            self.unreplayed.push_back(subscribe);
            self.begin_replays();
        } else {
            self.reset(subscribe, ResetReason::TooFarBehind);
        }
    }

    /// Has the archive read for who waits for that, for a few at a time: each may be of as much as a resume may have.
    fn begin_replays(&mut self) {
        while self.replays < REPLAYS
            && let Some(subscribe) = self.unreplayed.pop_front()
        {
            let (Some(ResumePoint { after, .. }), Some(inbox)) = (subscribe.resume, self.engine.inbox(self.record.id))
            else {
                self.reset(subscribe, ResetReason::TooFarBehind);
                continue;
            };
            self.replays += 1;
            let log = self.log.clone();
            self.engine.spawn(async move {
                let events = log.archived_after(after).await;
                let _ = inbox.send(Request::Replay(subscribe, events)).await;
            });
        }
    }

    /// The archive was read for a subscription; meanwhile the log may have gone on, which the window has.
    pub(super) fn replay(&mut self, subscribe: Subscribe, events: Result<Vec<Event>, LogError>) {
        self.replays -= 1;
        self.begin_replays();
        if !self.state.members.contains_key(&subscribe.member.member) {
            return subscribe.refuse(not_a_member());
        }
        let Some(ResumePoint { epoch, after }) = subscribe.resume else { return self.subscribe(subscribe) };
        let mut events = match events {
            Ok(events) => events,
            Err(error) => return subscribe.refuse(error.problem()),
        };
        events.retain(|event| event.seq <= self.state.head);
        let reached = events.last().map_or(after, |event| event.seq);
        let contiguous = events.iter().zip(after + 1..).all(|(event, seq)| event.seq == seq);
        match self.window.after(reached, self.state.head) {
            Some(rest)
                if contiguous
                    && epoch == self.epoch
                    && text_of(&events) + text_of(rest.iter().map(|entry| &entry.event)) <= RESUME_BYTES =>
            {
                let archived: Vec<Entry> = events.into_iter().map(Entry::of).collect();
                let entries: Vec<&Entry> = archived.iter().chain(rest).collect();
                subscribe.connection.answer_with(&self.resumed_frame(&entries, &subscribe));
                self.admit(subscribe);
            }
            _ => self.reset(subscribe, ResetReason::TooFarBehind),
        }
    }

    pub(super) fn reset(&mut self, subscribe: Subscribe, reason: ResetReason) {
        let code = self.record.code;
        subscribe.connection.answer(&ServerFrame::Reset { code, reason });
        self.answer(Subscribe { resume: None, ..subscribe });
    }

    pub(super) fn admit(&mut self, subscribe: Subscribe) {
        let Subscribe { connection, member, discretion, .. } = subscribe;
        self.engine.arrived(&member, connection.id());
        if is_account(&member) {
            self.listing.found_account();
        }
        if connection.is_closed() {
            // It closed while its wish waited here; whoever closed it may have looked before it was noted as arrived.
            let (engine, id) = (self.engine.clone(), connection.id());
            self.engine.spawn(async move { engine.disconnect(id).await });
            return;
        }
        let member = member.member;
        let before = self.subscribers.insert(
            connection.id(),
            Subscriber {
                connection,
                member,
                discretion,
                knows: self.state.head,
                typed_at: None,
                types: false,
                shown_typing: false,
            },
        );
        if before.is_none() {
            *self.here.entry(member).or_default() += 1;
        }
        self.reads.show(member, discretion.shows_read);
        self.presence_changed = true;
    }

    pub(super) fn unsubscribe(&mut self, id: ConnectionId) {
        self.waiting.retain(|request| !matches!(request, Request::Subscribe(wish) if wish.connection.id() == id));
        self.unreplayed.retain(|wish| wish.connection.id() != id);
        if let Some(subscriber) = self.subscribers.remove(&id) {
            self.one_less_here(subscriber.member);
            self.presence_changed = true;
            if self.subscribers.is_empty() {
                self.quiet_since = Instant::now();
            }
        }
    }

    /// Closes a member's connections here. They come back by the cookies of then. Where that is as another member, the read
    /// cursor goes over to it.
    pub(super) fn hang_up(&mut self, member: MemberId, goes_on_as: Option<MemberId>, why: ByeReason) {
        let theirs = self.subscribers.iter().filter(|(_, subscriber)| subscriber.member == member);
        let theirs: Vec<ConnectionId> = theirs.map(|(id, _)| *id).collect();
        for id in theirs {
            if let Some(subscriber) = self.subscribers.get(&id) {
                subscriber.connection.end(Some(why));
            }
            self.unsubscribe(id);
        }
        if let Some(heir) = goes_on_as {
            self.reads.hand_over(member, heir);
        }
        self.reads.show(member, false);
        self.engine.gone(self.record.id, member);
        self.listing.doubt();
        self.listing.changed();
    }

    pub(super) fn one_less_here(&mut self, member: MemberId) {
        if let Some(connections) = self.here.get_mut(&member) {
            *connections -= 1;
            if *connections == 0 {
                self.here.remove(&member);
                self.reads.part(member);
            }
        }
    }

    fn snapshot(&self, member: &MemberRecord, discretion: Discretion) -> Snapshot {
        let Picture {
            room,
            you,
            epoch,
            head,
            last_n,
            members: _,
            connected,
            reads,
            departed,
            events,
            has_more,
            leaves_after,
        } = self.picture(member, discretion);
        Snapshot {
            room,
            you,
            epoch,
            head,
            last_n,
            members: self.members(),
            connected,
            reads,
            departed,
            events: events.into_iter().map(|entry| entry.event.clone()).collect(),
            has_more,
            leaves_after,
            expected: None,
        }
    }

    fn members(&self) -> Vec<MemberView> {
        self.state.members.iter().map(|(id, member)| member.view(*id)).collect()
    }

    /// Everyone who is in the room.
    pub(super) fn people(&self) -> Vec<Person> {
        self.state.members.iter().map(|(id, member)| Person { id: *id, name: member.name.clone() }).collect()
    }

    /// What a member sees, of what is encoded already.
    fn picture(&self, member: &MemberRecord, discretion: Discretion) -> Picture<'_> {
        let (events, has_more) = self.recent(member);
        Picture {
            room: self.view(),
            you: self.you(member),
            epoch: self.epoch,
            head: self.state.head,
            last_n: self.state.last_n,
            members: self.roster.of(&self.state.members),
            connected: self.connected(),
            reads: self.reads_for(member.member, discretion),
            departed: self.departed_for(member.member, discretion),
            events,
            has_more,
            leaves_after: match member.actor {
                ActorId::Guest(_) => Some(self.engine.timing().guest_grace.as_secs()),
                ActorId::Account(_) => None,
            },
        }
    }

    fn resumed_frame(&self, entries: &[&Entry], asker: &Subscribe) -> Frame {
        let member = asker.member.member;
        Frame::of(&RoomFrame::Resumed {
            code: self.record.code,
            epoch: self.epoch,
            head: self.state.head,
            events: entries,
            connected: &self.connected(),
            member,
            read: self.read_of(member),
            reads: &self.reads_for(member, asker.discretion),
        })
    }

    /// The last entries that a member may see, and whether there are more before them.
    fn recent(&self, member: &MemberRecord) -> (Vec<&Entry>, bool) {
        let (entries, more_in_window) = self.window.snapshot(self.sight_of(member));
        let first = entries.first().map_or(self.state.head + 1, |entry| entry.event.seq);
        (entries, more_in_window || (self.has_archive && first > self.history_of(member).max(1)))
    }

    fn you(&self, member: &MemberRecord) -> You {
        let role = if member.member == self.state.owner { Role::Owner } else { Role::Member };
        You {
            member_id: member.member,
            nickname: member.name.clone(),
            role,
            read: self.read_of(member.member),
            unread: self.unread_of(member.member),
            muted: member.muted,
            also: member.also.clone(),
        }
    }

    pub(super) fn view(&self) -> RoomView {
        RoomView {
            code: self.record.code,
            room_type: self.record.room_type,
            name: self.state.name.clone(),
            retention: self.state.retention,
            owner: self.state.owner,
            created_at: self.record.created_at,
            kept_days: self.engine.timing().room_kept_days,
        }
    }
}
