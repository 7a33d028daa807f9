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
        window::Visible,
    },
    Live,
    listing::is_account,
    subscribers::Removed,
};
use crate::{
    protocol::{
        ByeReason, Event, HUES, Look, MemberId, Notify, Peek, PeekedRoom, ResetReason, Retention, Role, RoomView,
        ServerFrame, Snapshot, You, limits,
    },
    server::{
        bus::reaction_bytes,
        metrics,
        socket::{ConnectionId, Frame},
        store::{ActorId, MemberRecord},
    },
};

/// A client whose resume point lies beyond the head is reset after this many complete log reads. One is not enough,
/// since the first read may have begun before the client asked.
const RESET_AFTER_LOG_READS: u8 = 2;

/// Bytes of text and reactions in these events.
fn bytes_of<'a>(events: impl IntoIterator<Item = &'a Event>) -> usize {
    events.into_iter().map(|event| event.text().len() + reaction_bytes(event)).sum()
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
    /// Whether a member is in the room by the state folded from the log.
    ///
    /// If the record is ahead of the state, the request waits for the log: the member's `Joined` is still to be
    /// appended, or was appended by another node. If the record is behind the state, the member has left.
    fn log_membership(&mut self, member: &MemberRecord) -> LogMembership {
        if self.folded.has_member(member.member) {
            return LogMembership::Member;
        }
        if let Some(owed) = &member.owed {
            let command = notice_command(member.person(), owed);
            if !self.pending.iter().any(|(pending, _)| *pending == command) {
                self.pending.push_back((command, Reply::None));
            }
            return LogMembership::Unknown;
        }
        if member.since > self.folded.state.head {
            self.log_state.fall_behind();
            return LogMembership::Unknown;
        }
        LogMembership::NotMember
    }

    pub(super) fn subscribe(&mut self, subscribe: Subscribe) {
        let ahead = subscribe
            .resume
            .is_some_and(|resume| resume.epoch == self.folded.epoch && resume.after > self.folded.state.head);
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
                    && self.folded.has_member(subscribe.member.member) =>
            {
                self.reset(subscribe, ResetReason::TooFarBehind);
            }
            LogMembership::Unknown if subscribe.log_reads_left > 0 => {
                if ahead {
                    self.log_state.doubt();
                }
                self.waiting.add(Request::Subscribe(subscribe));
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
                self.reads.merge_record(&member, self.folded.head_place());
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
            LogMembership::Unknown if wish.log_reads_left > 0 => self.waiting.add(Request::Snapshot(wish)),
            LogMembership::Unknown => wish.reply.refuse(overloaded()),
            LogMembership::NotMember => wish.reply.refuse(not_a_member()),
        }
    }

    fn answer(&mut self, subscribe: Subscribe) {
        self.reads.merge_record(&subscribe.member, self.folded.head_place());
        let Some(ResumePoint { epoch, after }) = subscribe.resume else {
            let (code, parts) = (self.record.code, self.snapshot_parts(&subscribe.member, subscribe.discretion));
            subscribe.connection.answer_with(&Frame::of(&RoomFrame::Snapshot { code, snapshot: &parts }));
            return self.add_subscriber(subscribe);
        };
        let next = after.saturating_add(1);
        let may_see = next >= self.folded.sight_of(&subscribe.member, self.record.room_type).all_from;
        let missed = self.folded.state.head.saturating_sub(after);
        if epoch != self.folded.epoch {
            self.reset(subscribe, ResetReason::EpochChanged);
        } else if missed > limits::RESUME_EVENTS as u64 {
            self.reset(subscribe, ResetReason::TooFarBehind);
        } else if let Some(entries) = self.folded.window.after(after, self.folded.state.head).filter(|_| may_see) {
            subscribe.connection.answer_with(&self.resumed_frame(&entries, &subscribe));
            self.add_subscriber(subscribe);
        } else if self.folded.state.retention == Retention::Preserved
            && next >= self.folded.history_of(&subscribe.member, self.record.room_type)
        {
            self.waiting.add_replay(subscribe);
            self.begin_replays();
        } else {
            self.reset(subscribe, ResetReason::TooFarBehind);
        }
    }

    /// Starts archive reads for waiting subscriptions, as many as may run.
    fn begin_replays(&mut self) {
        while let Some(subscribe) = self.waiting.next_replay() {
            let (Some(ResumePoint { after, .. }), Some(inbox)) = (subscribe.resume, self.engine.inbox(self.record.id))
            else {
                self.reset(subscribe, ResetReason::TooFarBehind);
                continue;
            };
            self.waiting.replay_began(subscribe.connection.id(), after);
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
        let Some(ResumePoint { epoch, after }) = subscribe.resume else { return self.subscribe(subscribe) };
        let is_wanted = self.waiting.replay_ended(subscribe.connection.id(), after);
        self.begin_replays();
        if !is_wanted {
            return;
        }
        if !self.folded.has_member(subscribe.member.member) {
            return subscribe.refuse(not_a_member());
        }
        let mut events = match events {
            Ok(events) => events,
            Err(error) => return subscribe.refuse(error.problem()),
        };
        events.retain(|event| event.seq <= self.folded.state.head);
        let reached = events.last().map_or(after, |event| event.seq);
        let contiguous = events.iter().zip(after + 1..).all(|(event, seq)| event.seq == seq);
        match self.folded.window.after(reached, self.folded.state.head) {
            Some(rest)
                if contiguous
                    && epoch == self.folded.epoch
                    && bytes_of(&events) + bytes_of(rest.iter().map(|entry| &entry.event)) <= RESUME_BYTES =>
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
        self.subscribers.add(connection, member, discretion);
        self.reads.show(member, discretion.shows_read);
        self.presence.changed();
    }

    pub(super) fn unsubscribe(&mut self, id: ConnectionId) {
        self.waiting.forget(id);
        if let Some(Removed { member, was_last }) = self.subscribers.remove(id, Instant::now()) {
            self.engine.member_disconnected(self.record.id, member, id);
            if was_last {
                self.reads.last_connection_closed(member);
            }
            self.presence.changed();
        }
    }

    /// Closes a member's connections to this node. The clients connect again, with their new cookies. If the person
    /// continues as another member of this room, that member gets the read cursor.
    pub(super) fn close_connections(&mut self, member: MemberId, goes_on_as: Option<MemberId>, why: ByeReason) {
        for id in self.subscribers.ids_of(member) {
            if let Some(subscriber) = self.subscribers.get(id) {
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

    fn snapshot(&self, member: &MemberRecord, discretion: Discretion) -> Snapshot {
        let ids: Vec<MemberId> = member.ids().collect();
        let shown = |entry: &Entry| {
            let mut event = entry.event.clone();
            event.cut_for(&ids);
            event
        };
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
            from,
            quotes,
            has_more,
            leaves_after,
        } = self.snapshot_parts(member, discretion);
        Snapshot {
            room,
            you,
            epoch,
            head,
            last_n,
            members: self.folded.members(),
            connected,
            reads,
            departed,
            events: events.iter().map(|entry| shown(entry)).collect(),
            from,
            quotes,
            has_more,
            leaves_after,
            expected: None,
        }
    }

    /// The parts of a member's snapshot, with the members and events as encoded JSON.
    fn snapshot_parts(&self, member: &MemberRecord, discretion: Discretion) -> SnapshotParts<'_> {
        let Visible { entries, from, has_more } = self.folded.recent(member, self.record.room_type);
        let quotes = self.folded.quotes(&entries, member, self.record.room_type);
        metrics::count_snapshot();
        let ids: Vec<MemberId> = member.ids().collect();
        SnapshotParts {
            room: self.view(),
            you: self.you(member),
            epoch: self.folded.epoch,
            head: self.folded.state.head,
            last_n: self.folded.state.last_n,
            members: self.folded.encoded_members(),
            connected: self.connected(),
            reads: self.reads_for(member.member, discretion),
            departed: self.departed_for(member.member, discretion),
            events: entries.into_iter().map(|entry| entry.for_reader(&ids)).collect(),
            from,
            quotes,
            has_more,
            leaves_after: match member.actor {
                ActorId::Guest(_) => Some(self.engine.timing().guest_grace.as_secs()),
                ActorId::Account(_) => None,
            },
        }
    }

    fn resumed_frame(&self, entries: &[&Entry], asker: &Subscribe) -> Frame {
        let member = asker.member.member;
        let ids: Vec<MemberId> = asker.member.ids().collect();
        let entries: Vec<_> = entries.iter().map(|entry| entry.for_reader(&ids)).collect();
        metrics::count_resume();
        Frame::of(&RoomFrame::Resumed {
            code: self.record.code,
            epoch: self.folded.epoch,
            head: self.folded.state.head,
            events: &entries,
            connected: &self.connected(),
            member,
            read: self.read_of(member),
            reads: &self.reads_for(member, asker.discretion),
        })
    }

    fn you(&self, member: &MemberRecord) -> You {
        let role = if member.member == self.folded.state.owner { Role::Owner } else { Role::Member };
        // The record of somebody who has just joined may still have the name that they wanted.
        let name = self.folded.state.members.get(&member.member).map_or(&member.name, |there| &there.name);
        You {
            member_id: member.member,
            nickname: name.clone(),
            role,
            read: self.read_of(member.member),
            unread: self.unread_of(member.member),
            muted: member.notify == Some(Notify::None),
            notify: member.notify,
            also: member.also.clone(),
        }
    }

    /// What the room shows to people who have not joined. Nothing if the owner has turned that off.
    pub(super) fn peek(&self) -> Peek {
        let state = &self.folded.state;
        let room = || PeekedRoom {
            room_type: self.record.room_type,
            name: state.name.clone(),
            retention: state.retention,
            members: u32::try_from(state.members.len()).unwrap_or(u32::MAX),
        };
        Peek { room: state.peek.then(room) }
    }

    /// How many members have each hue.
    pub(super) fn hues(&self) -> [u32; HUES] {
        let mut hues = [0; HUES];
        for id in self.folded.state.members.keys() {
            hues[Look::of(id.get()).hue] += 1;
        }
        hues
    }

    pub(super) fn view(&self) -> RoomView {
        RoomView {
            code: self.record.code,
            room_type: self.record.room_type,
            name: self.folded.state.name.clone(),
            retention: self.folded.state.retention,
            peek: self.folded.state.peek,
            owner: self.folded.state.owner,
            created_at: self.record.created_at,
            kept_days: self.engine.timing().room_kept_days,
            edit_minutes: self.engine.timing().edit_minutes,
        }
    }
}
