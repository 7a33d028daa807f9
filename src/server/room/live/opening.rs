//! The state from which a live room starts, and starts again after its tail was lost or stored events were changed.
//!
//! The state is made from the members' records and the last events. Notices that records still owe the log are queued
//! as commands.

use std::collections::{BTreeMap, HashMap};

use super::{
    super::{
        command::{Command, Reply, notice_command},
        entry::Entry,
        log::Opened,
        reads::Place,
        refusals::not_a_member,
        request::{MAX_LOG_READS, Subscribe},
        window::Window,
    },
    Live, Subscriber, SyncState,
};
use crate::{
    protocol::{Epoch, EventKind, Member, MemberId, ResetReason, Retention, RoomState, Seq, ServerFrame},
    server::store::{MemberRecord, Owed, Presence},
};

impl Live {
    pub(super) fn start_from(&mut self, opened: Opened) {
        let Opened { record, cursor, recent, kept_from, has_archive, has_tail, members } = opened;
        let reads_before = std::mem::take(&mut self.reads);
        let is_same_epoch = self.epoch == cursor.epoch;
        self.epoch = cursor.epoch;
        self.listing.open(&members);
        self.window = Window::default();
        self.unsent.clear();
        self.roster.forget();
        // After two quick renames in a tail, the record may have either name. The log says which was last.
        let last_name = recent.iter().rev().find_map(|event| match &event.kind {
            EventKind::Renamed { name, .. } => Some(name.clone()),
            _ => None,
        });
        let last_name = last_name.unwrap_or_else(|| record.name.clone());
        let last_owner = recent.iter().rev().find_map(|event| match &event.kind {
            EventKind::Owner { member, .. } => Some(member.id),
            _ => None,
        });
        let mut spoke: HashMap<MemberId, Place> = HashMap::new();
        for event in recent {
            if let Some(message) = event.message() {
                spoke.insert(message.author.id, Place { seq: event.seq, n: message.n });
            }
            self.window.push(Entry::of(event));
        }
        self.kept_from = kept_from;
        (self.has_archive, self.has_tail) = (has_archive, has_tail);
        self.state = RoomState {
            head: cursor.head,
            last_n: cursor.n,
            name: last_name,
            retention: cursor.retention,
            owner: last_owner.unwrap_or(record.owner),
            members: BTreeMap::new(),
        };
        self.engine.note_retention(record.id, cursor.retention);
        self.record = record;
        for member in members {
            self.add_member(&member);
        }
        self.queue_heir_search();
        for (member, at) in spoke {
            self.reads.spoke(member, at);
        }
        if is_same_epoch {
            self.reads.go_on_from(reads_before);
        } else {
            // A write of cursors that is under way is about another log.
            self.keeping = None;
        }
    }

    /// Adds a member by their record and by what the log says of them. Queues the notice that the record owes, which
    /// may have been lost in a crash.
    pub(super) fn add_member(&mut self, record: &MemberRecord) {
        let last = self.window.last_about(record.member).map(|event| &event.kind);
        let in_log = match last {
            Some(kind) => matches!(kind, EventKind::Joined { .. }),
            None => match record.owed {
                None => record.presence == Presence::Active,
                Some(Owed::Joined) => false,
                Some(Owed::Left | Owed::Became(_) | Owed::Removed(_)) => record.since > 0,
            },
        };
        if in_log {
            let since = self.joined_at(record).min(self.state.head);
            self.state.members.insert(record.member, Member { name: record.name.clone(), since });
            let joined = self.place_at(since);
            self.reads.restore(record, joined, self.head_place());
        }
        if let Some(owed) = &record.owed {
            self.pending.push_back((notice_command(record.person(), owed), Reply::None));
        }
    }

    /// Queues the search for an heir if the log has members but not the owner among them, as an earlier version could
    /// leave it. The command comes after the owed notices, since one of these may say that the owner is back.
    fn queue_heir_search(&mut self) {
        if !self.state.members.is_empty() && !self.state.members.contains_key(&self.state.owner) {
            self.pending.push_back((Command::Inherit, Reply::None));
        }
    }

    /// Starts again from a log that was opened anew. Every subscriber gets a reset and a snapshot.
    pub(super) fn reopen(&mut self, opened: Opened) {
        let reason =
            if self.epoch == opened.cursor.epoch { ResetReason::TooFarBehind } else { ResetReason::EpochChanged };
        let records: HashMap<MemberId, MemberRecord> =
            opened.members.iter().map(|record| (record.member, record.clone())).collect();
        self.start_from(opened);
        let code = self.record.code;
        self.here.clear();
        for (_, subscriber) in std::mem::take(&mut self.subscribers) {
            let Subscriber { connection, member, discretion, .. } = subscriber;
            let Some(record) = records.get(&member).filter(|record| record.presence == Presence::Active) else {
                connection.answer(&ServerFrame::error(not_a_member(), None, Some(code)));
                self.engine.member_left(self.record.id, member);
                continue;
            };
            connection.answer(&ServerFrame::Reset { code, reason });
            let member = record.clone();
            self.subscribe(Subscribe {
                connection,
                code,
                member,
                discretion,
                resume: None,
                log_reads_left: MAX_LOG_READS,
            });
        }
    }

    /// Notes that stored events were changed in place. The log is opened anew, and all subscribers start from there.
    pub(super) fn reread(&mut self) {
        self.sync_state = SyncState::Lost;
        self.listing.log_changed();
    }

    /// The tail's epoch and head, if the tail can be dropped: all members have left, and nobody will ask for it.
    pub(super) fn unneeded_tail(&self) -> Option<(Epoch, Seq)> {
        let unneeded = self.state.members.is_empty() && self.state.retention == Retention::Ephemeral;
        unneeded.then_some((self.epoch, self.state.head))
    }
}
