//! Connections that follow a live room: subscriptions, snapshots, resumes and resets.
//!
//! A subscription or a request for a snapshot is answered at once if the member is in the room by the state. If the
//! member's record or the client knows more than the state, the request waits until the log was read
//! ([`MAX_LOG_READS`]). A resume is served from the window, or from the archive if the window is too short. If neither
//! has all missed events, or there are too many, the client gets a `reset` with a new snapshot.

use tokio::time::Instant;

use super::{
    super::{
        command::{Reply, notice_command},
        entry::Entry,
        frames::{EncodedSnapshot, RoomFrame, SnapshotParts},
        log::{LogError, RESUME_BYTES},
        refusals::{not_a_member, overloaded},
        request::{Discretion, MAX_LOG_READS, Request, ResumePoint, SnapshotReply, SnapshotRequest, Subscribe},
        sight::Sight,
    },
    Live, REPLAYS, RESET_AFTER_LOG_READS, Subscriber,
    listing::is_account,
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

/// Bytes of message text in these events.
fn text_of<'a>(events: impl IntoIterator<Item = &'a Event>) -> usize {
    events.into_iter().filter_map(Event::message).map(|message| message.body.as_str().len()).sum()
}

/// Whether a member is in the room by the log.
enum LogMembership {
    /// The member is in the room by the state.
    Member,
    /// The state may be behind: the answer needs a newer log.
    Unknown,
    /// The member is not in the room.
    NotMember,
}

impl Live {
    /// The part of the window that a member may see.
    fn sight_of(&self, member: &MemberRecord) -> Sight {
        let joined = self.joined_at(member);
        let stay = if member.stay > 0 { member.stay } else { joined };
        let is_kept = self.state.retention == Retention::Preserved;
        let all_from = if is_kept { joined.min(self.kept_from.max(self.history_of(member))) } else { joined };
        Sight { member: member.member, stay, all_from }
    }

    /// The first kept seq that a member may see. In a room for two it is the start of their stay.
    fn history_of(&self, member: &MemberRecord) -> Seq {
        match self.record.room_type {
            RoomType::Group => 0,
            RoomType::P2p if member.stay > 0 => member.stay,
            RoomType::P2p => self.joined_at(member),
        }
    }

    /// The seq of the `Joined` that began the member's present time in the room.
    pub(super) fn joined_at(&self, member: &MemberRecord) -> Seq {
        if member.since > 0 {
            return member.since;
        }
        match self.window.last_about(member.member) {
            // The record does not have the seq of its `Joined` yet. If the last event about the member says that they
            // left, they have come back and their `Joined` is not in the log: they see only what follows, not what was
            // said in their absence.
            Some(Event { seq, kind: EventKind::Joined { .. }, .. }) => *seq,
            _ => self.state.head + 1,
        }
    }

    /// Whether a member is in the room by the state folded from the log.
    ///
    /// If the record is ahead of the state, the request waits for the log: the member's `Joined` is still to be
    /// appended, or was appended by another node. If the record is behind the state, the member has left.
    fn log_membership(&mut self, member: &MemberRecord) -> LogMembership {
        if self.state.members.contains_key(&member.member) {
            return LogMembership::Member;
        }
        if let Some(owed) = &member.owed {
            let command = notice_command(member.person(), owed);
            if !self.pending.iter().any(|(pending, _)| *pending == command) {
                self.pending.push_back((command, Reply::None));
            }
            return LogMembership::Unknown;
        }
        if member.since > self.state.head {
            self.fall_behind();
            return LogMembership::Unknown;
        }
        LogMembership::NotMember
    }

    pub(super) fn subscribe(&mut self, subscribe: Subscribe) {
        let ahead = subscribe.resume.is_some_and(|resume| resume.epoch == self.epoch && resume.after > self.state.head);
        let membership = match self.log_membership(&subscribe.member) {
            // The client knows a later seq than this node: read the log, then answer.
            LogMembership::Member if ahead => LogMembership::Unknown,
            membership => membership,
        };
        match membership {
            LogMembership::Member => self.answer(subscribe),
            // After so many log reads it is clear that the client knows a seq that the log does not have.
            LogMembership::Unknown
                if ahead
                    && subscribe.log_reads_left <= MAX_LOG_READS - RESET_AFTER_LOG_READS
                    && self.state.members.contains_key(&subscribe.member.member) =>
            {
                self.reset(subscribe, ResetReason::TooFarBehind);
            }
            LogMembership::Unknown if subscribe.log_reads_left > 0 => {
                self.must_check_log |= ahead;
                self.waiting.push(Request::Subscribe(subscribe));
            }
            LogMembership::Unknown => subscribe.refuse(overloaded()),
            LogMembership::NotMember => subscribe.refuse(not_a_member()),
        }
    }

    /// Answers a request for a snapshot, or lets it wait for the log.
    pub(super) fn answer_snapshot(&mut self, wish: SnapshotRequest) {
        match self.log_membership(&wish.member) {
            LogMembership::Member => {
                let SnapshotRequest { member, discretion, reply, .. } = wish;
                self.reads.merge_record(&member, self.head_place());
                if is_account(&member) {
                    self.listing.found_account();
                }
                match reply {
                    SnapshotReply::Value(reply) => drop(reply.send(Ok(self.snapshot(&member, discretion)))),
                    SnapshotReply::Encoded(reply) => {
                        drop(reply.send(Ok(EncodedSnapshot::of(&self.snapshot_parts(&member, discretion)))));
                    }
                }
            }
            LogMembership::Unknown if wish.log_reads_left > 0 => self.waiting.push(Request::Snapshot(wish)),
            LogMembership::Unknown => wish.reply.refuse(overloaded()),
            LogMembership::NotMember => wish.reply.refuse(not_a_member()),
        }
    }

    /// Counts a complete log read for every waiting request.
    pub(super) fn count_log_read(&mut self) {
        for request in &mut self.waiting {
            if let Request::Subscribe(Subscribe { log_reads_left, .. })
            | Request::Snapshot(SnapshotRequest { log_reads_left, .. }) = request
            {
                *log_reads_left = log_reads_left.saturating_sub(1);
            }
        }
    }

    /// Handles every waiting request again, after an operation on the log or a packet with events.
    pub(super) fn retry_waiting(&mut self) {
        for request in std::mem::take(&mut self.waiting) {
            self.handle(request);
        }
    }

    fn answer(&mut self, subscribe: Subscribe) {
        self.reads.merge_record(&subscribe.member, self.head_place());
        let Some(ResumePoint { epoch, after }) = subscribe.resume else {
            let (code, parts) = (self.record.code, self.snapshot_parts(&subscribe.member, subscribe.discretion));
            subscribe.connection.answer_with(&Frame::of(&RoomFrame::Snapshot { code, parts: &parts }));
            return self.add_subscriber(subscribe);
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
            self.add_subscriber(subscribe);
        } else if self.state.retention == Retention::Preserved && next >= self.history_of(&subscribe.member) {
            // A client that asks again while it waits for an archive read is answered once.
            let id = subscribe.connection.id();
            self.replay_queue.retain(|earlier| earlier.connection.id() != id);
            self.replay_queue.push_back(subscribe);
            self.begin_replays();
        } else {
            self.reset(subscribe, ResetReason::TooFarBehind);
        }
    }

    /// Starts archive reads for waiting subscriptions, a few at a time, because each may read as much as a resume may
    /// have.
    fn begin_replays(&mut self) {
        while self.replays < REPLAYS
            && let Some(subscribe) = self.replay_queue.pop_front()
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

    /// Answers a subscription with the events that were read from the archive. Events that came during the read are in
    /// the window.
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
                self.add_subscriber(subscribe);
            }
            _ => self.reset(subscribe, ResetReason::TooFarBehind),
        }
    }

    /// Answers a subscription with a reset and a snapshot instead of the missed events.
    pub(super) fn reset(&mut self, subscribe: Subscribe, reason: ResetReason) {
        let code = self.record.code;
        subscribe.connection.answer(&ServerFrame::Reset { code, reason });
        self.answer(Subscribe { resume: None, ..subscribe });
    }

    /// Makes a connection a subscriber, after it got its snapshot or resume.
    pub(super) fn add_subscriber(&mut self, subscribe: Subscribe) {
        let Subscribe { connection, member, discretion, .. } = subscribe;
        self.engine.member_connected(&member, connection.id());
        if is_account(&member) {
            self.listing.found_account();
        }
        if connection.is_closed() {
            // The connection closed while its request waited here. `disconnect` may have run before `member_connected`,
            // so run it again.
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
        self.replay_queue.retain(|wish| wish.connection.id() != id);
        if let Some(subscriber) = self.subscribers.remove(&id) {
            self.one_less_here(subscriber.member);
            self.presence_changed = true;
            if self.subscribers.is_empty() {
                self.quiet_since = Instant::now();
            }
        }
    }

    /// Closes a member's connections to this node. The clients connect again, with their new cookies. If the person
    /// continues as another member of this room, that member gets the read cursor.
    pub(super) fn close_connections(&mut self, member: MemberId, goes_on_as: Option<MemberId>, why: ByeReason) {
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
        self.engine.member_left(self.record.id, member);
        self.listing.doubt();
        self.listing.changed();
    }

    pub(super) fn one_less_here(&mut self, member: MemberId) {
        if let Some(connections) = self.here.get_mut(&member) {
            *connections -= 1;
            if *connections == 0 {
                self.here.remove(&member);
                self.reads.last_connection_closed(member);
            }
        }
    }

    fn snapshot(&self, member: &MemberRecord, discretion: Discretion) -> Snapshot {
        let SnapshotParts {
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
        } = self.snapshot_parts(member, discretion);
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

    /// The room's members.
    pub(super) fn people(&self) -> Vec<Person> {
        self.state.members.iter().map(|(id, member)| Person { id: *id, name: member.name.clone() }).collect()
    }

    /// The parts of a member's snapshot, with the members and events as encoded JSON.
    fn snapshot_parts(&self, member: &MemberRecord, discretion: Discretion) -> SnapshotParts<'_> {
        let (events, has_more) = self.recent(member);
        SnapshotParts {
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
