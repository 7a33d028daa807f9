//! The state from which a live room starts, and starts again after its tail was lost or stored events were changed.
//!
//! The state is made from the members' records and the last events. Notices that records still owe the log are queued
//! as commands.

use std::collections::HashMap;

use tokio::time::Instant;

use super::{
    super::{
        command::{Command, Reply, notice_command},
        log::Opened,
        reads::Place,
        refusals::not_a_member,
        request::{MAX_LOG_READS, Subscribe},
    },
    Live,
    folded::Folded,
    subscribers::Subscriber,
};
use crate::{
    protocol::{MemberId, ResetReason, ServerFrame},
    server::store::{MemberRecord, Presence},
};

impl Live {
    /// Starts from a log that was opened. Read cursors are taken over if it is the same log as before.
    pub(super) fn start_from(&mut self, opened: Opened) {
        let Opened { record, cursor, recent, kept_from, has_archive, has_tail, members } = opened;
        let reads_before = std::mem::take(&mut self.reads);
        let is_same_epoch = self.folded.epoch == cursor.epoch;
        self.listing.open(&members);
        let spoke: HashMap<MemberId, Place> = recent
            .iter()
            .filter_map(|event| event.message().map(|message| (event.seq, message)))
            .map(|(seq, message)| (message.author.id, Place { seq, n: message.n }))
            .collect();
        self.folded = Folded::at(cursor, &record);
        self.folded.restore(recent, kept_from, has_archive, has_tail);
        self.subscribers.start_at(cursor.head);
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
    fn add_member(&mut self, record: &MemberRecord) {
        if self.folded.log_has_member(record) {
            let joined = self.folded.restore_member(record);
            self.reads.restore(record, joined, self.folded.head_place());
        }
        if let Some(owed) = &record.owed {
            self.pending.push_back((notice_command(record.person(), owed), Reply::None));
        }
    }

    /// Queues the search for an heir if the log has members but not the owner among them, as an earlier version could
    /// leave it. The command comes after the owed notices, since one of these may say that the owner is back.
    fn queue_heir_search(&mut self) {
        let state = &self.folded.state;
        if !state.members.is_empty() && !state.members.contains_key(&state.owner) {
            self.pending.push_back((Command::Inherit, Reply::None));
        }
    }

    /// Starts again from a log that was opened anew. Every subscriber gets a reset and a snapshot.
    pub(super) fn reopen(&mut self, opened: Opened) {
        let is_same_epoch = self.folded.epoch == opened.cursor.epoch;
        let reason = if is_same_epoch { ResetReason::TooFarBehind } else { ResetReason::EpochChanged };
        let records: HashMap<MemberId, MemberRecord> =
            opened.members.iter().map(|record| (record.member, record.clone())).collect();
        self.start_from(opened);
        if is_same_epoch {
            self.listing.log_changed();
        }
        let code = self.record.code;
        for Subscriber { connection, member, discretion, .. } in self.subscribers.take_all(Instant::now()) {
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
}
